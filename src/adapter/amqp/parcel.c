/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/parcel.c -- frames become a letter. */
#include "adapter/amqp/parcel.h"

#include "mcos/err.h"

#include <string.h>

static void take_method(struct mc_amqp_parcel *parcel, enum mc_bus_queue queue,
                        const amqp_basic_deliver_t *m);
static int take_header(struct mc_amqp_parcel *parcel, enum mc_bus_queue queue,
                       const uint8_t own_uid[MC_UID_BYTES], const amqp_frame_t *frame);
static int take_body(struct mc_amqp_parcel *parcel, amqp_bytes_t bytes);

int mc_amqp_parcel_take(struct mc_amqp_parcel *parcel, enum mc_bus_queue queue,
                        const uint8_t own_uid[MC_UID_BYTES], const amqp_frame_t *frame,
                        bool *ret_whole)
{
    int err = 0;

    *ret_whole = false;
    if (frame->frame_type == AMQP_FRAME_METHOD) {
        if (parcel->tag != 0)
            return MCOS_E_FORMAT;
        take_method(parcel, queue, frame->payload.method.decoded);
        return 0;
    }
    if (parcel->tag == 0 || parcel->headed != (frame->frame_type == AMQP_FRAME_BODY))
        return MCOS_E_FORMAT;
    if (frame->frame_type == AMQP_FRAME_HEADER)
        err = take_header(parcel, queue, own_uid, frame);
    else
        err = take_body(parcel, frame->payload.body_fragment);
    *ret_whole = err == 0 && parcel->left == 0;
    return err;
}

void mc_amqp_parcel_clear(struct mc_amqp_parcel *parcel)
{
    mc_buf_fini(&parcel->body);
    *parcel = (struct mc_amqp_parcel){0};
}

static void take_method(struct mc_amqp_parcel *parcel, enum mc_bus_queue queue,
                        const amqp_basic_deliver_t *m)
{
    enum mc_bus_queue leads;
    size_t len = m->routing_key.len;

    parcel->tag = m->delivery_tag;
    parcel->bad = true;
    if (len == 0 || len >= MC_BUS_KEY_MAX)
        return;
    memcpy(parcel->head.key, m->routing_key.bytes, len);
    parcel->bad = strlen(parcel->head.key) != len ||
                  !mc_amqp_key_queue(parcel->head.key, &leads) || leads != queue;
}

static int take_header(struct mc_amqp_parcel *parcel, enum mc_bus_queue queue,
                       const uint8_t own_uid[MC_UID_BYTES], const amqp_frame_t *frame)
{
    parcel->headed = true;
    parcel->left = frame->payload.properties.body_size;
    mc_amqp_letter_read(frame->payload.properties.decoded, &parcel->head);
    parcel->own = memcmp(parcel->head.from_uid, own_uid, MC_UID_BYTES) == 0;
    if (parcel->left > mc_amqp_body_max(queue))
        parcel->bad = true;
    if (parcel->own || parcel->bad || parcel->left == 0)
        return 0;
    parcel->body.max = (size_t)parcel->left;
    if (mc_buf_reserve(&parcel->body, (size_t)parcel->left) == NULL)
        return MCOS_E_NOMEM;
    mc_buf_clear(&parcel->body);
    return 0;
}

static int take_body(struct mc_amqp_parcel *parcel, amqp_bytes_t bytes)
{
    if (bytes.len > parcel->left)
        return MCOS_E_FORMAT;
    parcel->left -= bytes.len;
    if (!parcel->own && !parcel->bad)
        mc_buf_put(&parcel->body, bytes.bytes, bytes.len);
    return parcel->body.err;
}
