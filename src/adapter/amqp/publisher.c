/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/publisher.c -- letters out, confirmations in. */
#include "adapter/amqp/side.h"

#include <stdlib.h>
#include <string.h>

#define CHANNEL 1
#define LAST_MS 50 /* between looks while the bus is being closed */

static size_t told_max(const char *text);
static int start(struct mc_amqp_link *link);
static int take_frames(struct mc_amqp_side *side, struct mc_amqp_link *link);
static void take_method(struct mc_amqp_side *side, const amqp_method_t *method);
static int send_letters(struct mc_amqp_side *side, struct mc_amqp_link *link,
                        uint64_t *tag);

int mc_amqp_publisher_serve(struct mc_amqp_side *side, struct mc_amqp_link *link)
{
    struct mc_amqp_desk *desk = side->desk;
    uint64_t tag = 0;
    int err = start(link);

    if (err == 0)
        mc_amqp_side_up(side, false);
    while (err == 0) {
        mc_amqp_desk_heard(desk, side->name);
        err = take_frames(side, link);
        if (err == 0 && mc_amqp_desk_drained(desk))
            return 0;
        if (err == 0)
            err = send_letters(side, link, &tag);
        if (err == 0)
            (void)mc_amqp_link_wait(link, desk->side_fd[side->name],
                                    mc_amqp_desk_stopping(desk) ? LAST_MS
                                    : side->setup->shared       ? MC_AMQP_SHARED_LOOK_MS
                                                                : MC_AMQP_LOOK_MS);
    }
    /* The broker closes the whole channel over one letter. */
    if (link->code == AMQP_PRECONDITION_FAILED)
        mc_amqp_desk_refuse_largest(desk, told_max(link->text));
    if (err == MCOS_E_NOTFOUND)
        mc_amqp_desk_unheard(desk, true);
    return err;
}

/* "... larger than configured max size 16777216"; 0: other words, or perhaps cut. */
static size_t told_max(const char *text)
{
    static const char words[] = "max size ";
    const char *at = strstr(text, words);
    unsigned long long max;

    if (at == NULL || strlen(text) == MC_AMQP_LINK_TEXT - 1)
        return 0;
    max = strtoull(at + strlen(words), NULL, 10);
    return max < MC_AMQP_BYTES_MAX ? (size_t)max : 0;
}

/* The answer to the first comes as a frame that means nothing to take_method. */
static int start(struct mc_amqp_link *link)
{
    amqp_channel_open_t m = {.out_of_band = amqp_empty_bytes};
    int err = mc_amqp_link_status(
        link, amqp_send_method(link->conn, CHANNEL, AMQP_CHANNEL_OPEN_METHOD, &m),
        "open channel");

    if (err != 0)
        return err;
    (void)amqp_confirm_select(link->conn, CHANNEL);
    return mc_amqp_link_asked(link, "ask for confirmations");
}

/* A letter that comes back brings its body along: those frames are passed over. */
static int take_frames(struct mc_amqp_side *side, struct mc_amqp_link *link)
{
    amqp_frame_t frame;
    int err;

    while ((err = mc_amqp_link_frame(link, &frame)) == 0) {
        if (frame.frame_type == AMQP_FRAME_METHOD)
            take_method(side, &frame.payload.method);
    }
    return err == MCOS_E_EMPTY ? 0 : err;
}

static void take_method(struct mc_amqp_side *side, const amqp_method_t *method)
{
    struct mc_amqp_desk *desk = side->desk;

    if (method->id == AMQP_BASIC_ACK_METHOD) {
        const amqp_basic_ack_t *m = method->decoded;

        mc_amqp_desk_settle(desk, m->delivery_tag, m->multiple, 0);
    } else if (method->id == AMQP_BASIC_NACK_METHOD) {
        const amqp_basic_nack_t *m = method->decoded;

        mc_amqp_desk_settle(desk, m->delivery_tag, m->multiple, MCOS_E_BUSY);
    } else if (method->id == AMQP_BASIC_RETURN_METHOD) {
        const amqp_basic_return_t *m = method->decoded;

        mc_amqp_desk_unheard(desk, m->routing_key.len == 4);
    } else if (method->id == AMQP_CONNECTION_BLOCKED_METHOD) {
        mc_amqp_desk_blocked(desk, true);
    } else if (method->id == AMQP_CONNECTION_UNBLOCKED_METHOD) {
        mc_amqp_desk_blocked(desk, false);
    }
}

static int send_letters(struct mc_amqp_side *side, struct mc_amqp_link *link,
                        uint64_t *tag)
{
    struct mc_letter_head head;
    struct mc_amqp_paper paper;
    struct mc_blob *body;
    int err = 0;

    while (err == 0 && mc_amqp_desk_take(side->desk, *tag + 1, &head, &body) == 0) {
        struct mc_bytes bytes = mc_blob_get(body);
        /* The library reads only, though its type does not say so. */
        amqp_bytes_t payload = {.len = bytes.len,
                                .bytes = (void *)(uintptr_t)bytes.ptr};

        ++*tag;
        mc_amqp_letter_write(&head, side->setup->talk_ttl_ms, &paper);
        err =
            mc_amqp_link_status(link,
                                amqp_basic_publish(link->conn, CHANNEL,
                                                   amqp_cstring_bytes(MC_AMQP_EXCHANGE),
                                                   amqp_cstring_bytes(head.key), 1, 0,
                                                   &paper.properties, payload),
                                "publish");
        mc_blob_unref(body);
        /* Confirmations are read in between, or both sides might wait to write. */
        link->look = true;
        if (err == 0)
            err = take_frames(side, link);
    }
    return err;
}
