/* SPDX-License-Identifier: Apache-2.0 */
/* sim/mailbox.c -- the site's side of the post: the operations of port/bus.h. */
#include "sim/mailbox.h"

#include "mcos/err.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX (MC_PACKED_BYTES_MAX + MC_TALK_BYTES_MAX)

static int publish(struct mc_bus *bus, const struct mc_letter_head *head,
                   struct mc_bytes body, uint64_t token);
static int next(struct mc_bus *bus, struct mc_bus_event *ret_event,
                uint64_t *ret_wait_ms);
static void ack(struct mc_bus *bus, uint64_t delivery);
static void yield(struct mc_bus *bus);
static int no_fd(struct mc_bus *bus);
static void shut(struct mc_bus *bus);

static const struct mc_bus_ops ops = {.publish = publish,
                                      .next = next,
                                      .ack = ack,
                                      .yield = yield,
                                      .fd = no_fd,
                                      .close = shut};

struct sim_mailbox *sim_mailbox_new(struct sim_post *post, uint32_t site,
                                    const struct mc_name *name,
                                    const uint8_t uid[MC_UID_BYTES])
{
    struct sim_mailbox *box = sim_alloc(sizeof(*box));

    box->port.ops = &ops;
    box->post = post;
    box->site = site;
    box->home = box;
    box->name = *name;
    memcpy(box->uid, uid, MC_UID_BYTES);
    sim_queue_init(&box->queue[MC_QUEUE_RECORDS], SIM_RECORDS_MAX,
                   SIM_RECORDS_BYTES_MAX);
    sim_queue_init(&box->queue[MC_QUEUE_TALK], SIM_TALK_MAX, UINT64_MAX);
    box->unconfirmed = sim_alloc(SIM_UNCONFIRMED_MAX * sizeof(*box->unconfirmed));
    return box;
}

static void give_back(struct sim_mailbox *box, bool keep)
{
    struct sim_queue *q = &box->home->queue[MC_QUEUE_RECORDS];

    /* The oldest last, so that it ends up first. */
    for (;;) {
        struct sim_out *newest = NULL;

        for (unsigned i = 0; i < MC_INFLIGHT_MAX; i++) {
            struct sim_out *out = &box->out[i];

            if (out->delivery != 0 &&
                (newest == NULL || out->item.arrival > newest->item.arrival))
                newest = out;
        }
        if (newest == NULL)
            return;
        if (keep)
            sim_queue_push_front(q, newest->item);
        sim_letter_unref(newest->item.letter);
        *newest = (struct sim_out){0};
    }
}

void sim_mailbox_free(struct sim_mailbox *box)
{
    if (box == NULL)
        return;
    give_back(box, false);
    sim_queue_fini(&box->queue[0]);
    sim_queue_fini(&box->queue[1]);
    free(box->unconfirmed);
    free(box->words);
    free(box);
}

void sim_mailbox_say(struct sim_mailbox *box, const struct sim_word *word)
{
    if (box->word_count == box->word_cap) {
        box->word_cap = box->word_cap == 0 ? 16 : 2 * box->word_cap;
        box->words = sim_grow(box->words, box->word_cap, sizeof(*box->words));
    }
    box->words[box->word_count++] = *word;
}

void sim_mailbox_confirm(struct sim_mailbox *box, uint64_t token, int err)
{
    for (size_t i = 0; i < box->unconfirmed_count; i++) {
        if (box->unconfirmed[i] != token)
            continue;
        box->unconfirmed[i] = box->unconfirmed[--box->unconfirmed_count];
        sim_mailbox_say(box, &(struct sim_word){
                                 .kind = MC_BUS_CONFIRM, .err = err, .token = token});
        return;
    }
}

void sim_mailbox_drop_line(struct sim_mailbox *box)
{
    box->connected = false;
    sim_mailbox_say(box, &(struct sim_word){.kind = MC_BUS_DOWN, .err = MCOS_E_AWAY});
    while (box->unconfirmed_count > 0)
        sim_mailbox_confirm(box, box->unconfirmed[0], MCOS_E_AWAY);
    give_back(box, true);
}

void sim_mailbox_forget(struct sim_mailbox *box)
{
    give_back(box, false);
    sim_queue_clear(&box->queue[MC_QUEUE_RECORDS]);
    sim_queue_clear(&box->queue[MC_QUEUE_TALK]);
    box->declared = false;
    box->fresh = true;
}

const struct sim_letter *sim_mailbox_out(const struct sim_mailbox *box,
                                         uint64_t delivery)
{
    for (unsigned i = 0; i < MC_INFLIGHT_MAX; i++) {
        if (delivery != 0 && box->out[i].delivery == delivery)
            return box->out[i].item.letter;
    }
    return NULL;
}

/* ---- the port ---- */

static struct sim_mailbox *of(struct mc_bus *bus)
{
    return (struct sim_mailbox *)bus;
}

static int publish(struct mc_bus *bus, const struct mc_letter_head *head,
                   struct mc_bytes body, uint64_t token)
{
    struct sim_mailbox *box = of(bus);
    struct sim_post *post = box->post;
    struct sim_letter *letter;
    struct sim_due due = {
        .kind = SIM_DUE_CONFIRM, .site = box->site, .token = token, .line = box->line};

    if (body.len > BODY_MAX)
        return MCOS_E_TOOBIG;
    if (box->unconfirmed_count == SIM_UNCONFIRMED_MAX)
        return MCOS_E_BUSY;
    box->unconfirmed[box->unconfirmed_count++] = token;
    if (!box->connected) {
        sim_mailbox_confirm(box, token, MCOS_E_AWAY);
        if (post->ready != NULL)
            post->ready(post->ctx, box->site);
        return 0;
    }
    letter = sim_letter_new(head, body);
    letter->queue =
        strncmp(head->key, "ring", 4) == 0 ? MC_QUEUE_RECORDS : MC_QUEUE_TALK;
    letter->site = box->site;
    letter->sent_ms = *post->now_ms;
    letter->outage = post->outages;
    post->published[letter->queue]++;
    post->published_bytes[letter->queue] += body.len;
    due.at_ms = *post->now_ms + sim_net_delay(post->net);
    sim_agenda_put(post->agenda, &due);
    sim_post_spread(post, letter);
    sim_letter_unref(letter);
    return 0;
}

static bool take_word(struct sim_mailbox *box, struct mc_bus_event *ret)
{
    struct sim_word word;

    if (box->word_count == 0)
        return false;
    word = box->words[0];
    box->word_count--;
    memmove(box->words, box->words + 1, box->word_count * sizeof(*box->words));
    *ret = (struct mc_bus_event){.kind = word.kind,
                                 .err = word.err,
                                 .token = word.token,
                                 .fresh_queue = word.fresh};
    return true;
}

static struct sim_out *free_out(struct sim_mailbox *box)
{
    for (unsigned i = 0; i < MC_INFLIGHT_MAX; i++) {
        if (box->out[i].delivery == 0)
            return &box->out[i];
    }
    return NULL;
}

/* What came first goes first; a full hand leaves the records where they are. */
static bool take_letter(struct sim_mailbox *box, struct mc_bus_event *ret)
{
    struct sim_queue *records = &box->home->queue[MC_QUEUE_RECORDS];
    struct sim_queue *talk = &box->home->queue[MC_QUEUE_TALK];
    struct sim_out *out = free_out(box);
    const struct sim_item *r = out == NULL ? NULL : sim_queue_peek(records);
    const struct sim_item *t = sim_queue_peek(talk);
    struct sim_item item;

    if (box->home->consumer != box || (r == NULL && t == NULL))
        return false;
    if (r != NULL && (t == NULL || r->arrival < t->arrival))
        item = sim_queue_pop(records);
    else
        item = sim_queue_pop(talk);
    *ret = (struct mc_bus_event){.kind = MC_BUS_MESSAGE,
                                 .queue = item.letter->queue,
                                 .delivery = ++box->post->deliveries,
                                 .head = item.letter->head};
    ret->own = memcmp(item.letter->head.from_uid, box->uid, MC_UID_BYTES) == 0;
    if (!ret->own)
        ret->body = mc_blob_ref(item.letter->body);
    if (ret->queue == MC_QUEUE_RECORDS)
        *out = (struct sim_out){ret->delivery, item};
    else
        sim_letter_unref(item.letter);
    return true;
}

static void drop_old_talk(struct sim_mailbox *box)
{
    struct sim_queue *q = &box->home->queue[MC_QUEUE_TALK];
    uint64_t ttl = box->post->talk_ttl_ms;

    while (q->count > 0 &&
           *box->post->now_ms - sim_queue_peek(q)->letter->sent_ms > ttl)
        sim_letter_unref(sim_queue_pop(q).letter);
}

static int next(struct mc_bus *bus, struct mc_bus_event *ret_event,
                uint64_t *ret_wait_ms)
{
    struct sim_mailbox *box = of(bus);

    if (take_word(box, ret_event))
        return 0;
    if (box->connected) {
        drop_old_talk(box);
        if (take_letter(box, ret_event))
            return 0;
    }
    *ret_wait_ms = UINT64_MAX;
    return MCOS_E_EMPTY;
}

static void ack(struct mc_bus *bus, uint64_t delivery)
{
    struct sim_mailbox *box = of(bus);

    for (unsigned i = 0; i < MC_INFLIGHT_MAX; i++) {
        if (delivery == 0 || box->out[i].delivery != delivery)
            continue;
        sim_letter_unref(box->out[i].item.letter);
        box->out[i] = (struct sim_out){0};
    }
}

static void yield(struct mc_bus *bus)
{
    sim_post_yield(of(bus)->post, of(bus)->site);
}

static int no_fd(struct mc_bus *bus)
{
    (void)bus;
    return -1;
}

static void shut(struct mc_bus *bus)
{
    struct sim_mailbox *box = of(bus);

    if (box == NULL)
        return;
    give_back(box, true);
    box->open = false;
    box->connected = false;
    sim_post_pass_on(box->post, box);
    if (box->home->consumer == NULL)
        sim_queue_clear(&box->home->queue[MC_QUEUE_TALK]);
    box->line++;
    box->word_count = 0;
    box->unconfirmed_count = 0;
}
