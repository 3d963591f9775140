/* SPDX-License-Identifier: Apache-2.0 */
/* sim/post.c -- the post's side: queues, connections, ways. See sim/mailbox.c. */
#include "sim/post.h"

#include "sim/mailbox.h"

#include <stdlib.h>
#include <string.h>

#define TALK_TTL_MS 30000u

void sim_post_init(struct sim_post *post, struct sim_agenda *agenda,
                   const uint64_t *now_ms, struct sim_net *net)
{
    *post = (struct sim_post){
        .agenda = agenda, .now_ms = now_ms, .net = net, .talk_ttl_ms = TALK_TTL_MS};
}

void sim_post_fini(struct sim_post *post)
{
    for (uint32_t i = 0; i < post->box_count; i++)
        sim_mailbox_free(post->boxes[i]);
    free(post->boxes);
    post->boxes = NULL;
    post->box_count = 0;
}

static void tell(struct sim_post *post, uint32_t site)
{
    if (post->ready != NULL)
        post->ready(post->ctx, site);
}

/* ---- connections ---- */

static void connect(struct sim_post *post, struct sim_mailbox *box)
{
    struct sim_mailbox *home = box->home;
    bool fresh = home->fresh || !home->declared;

    if (box->connected || !box->open || box->away || post->away)
        return;
    box->connected = true;
    home->declared = true;
    home->fresh = false;
    if (home->consumer == NULL)
        home->consumer = box;
    box->since = ++post->connections;
    box->line++;
    sim_mailbox_say(box, &(struct sim_word){.kind = MC_BUS_UP, .fresh = fresh});
    tell(post, box->site);
}

static void disconnect(struct sim_post *post, struct sim_mailbox *box)
{
    if (!box->connected)
        return;
    sim_mailbox_drop_line(box);
    tell(post, box->site);
    sim_post_pass_on(post, box);
}

void sim_post_pass_on(struct sim_post *post, struct sim_mailbox *box)
{
    struct sim_mailbox *home = box->home;

    if (home->consumer != box)
        return;
    home->consumer = NULL;
    for (uint32_t i = 0; i < post->box_count; i++) {
        struct sim_mailbox *other = post->boxes[i];

        if (other != NULL && other->home == home && other->connected &&
            (home->consumer == NULL || other->since < home->consumer->since))
            home->consumer = other;
    }
    if (home->consumer != NULL)
        tell(post, home->consumer->site);
}

void sim_post_yield(struct sim_post *post, uint32_t site)
{
    struct sim_mailbox *box = post->boxes[site];

    disconnect(post, box);
    connect(post, box);
}

/* The site's box, made if it is new. */
static struct sim_mailbox *box_of(struct sim_post *post, uint32_t site,
                                  const struct mc_name *name,
                                  const uint8_t uid[MC_UID_BYTES])
{
    if (site >= post->box_count) {
        post->boxes = sim_grow(post->boxes, site + 1, sizeof(*post->boxes));
        while (post->box_count <= site)
            post->boxes[post->box_count++] = NULL;
    }
    if (post->boxes[site] == NULL)
        post->boxes[site] = sim_mailbox_new(post, site, name, uid);
    return post->boxes[site];
}

void sim_post_share(struct sim_post *post, uint32_t site, uint32_t home,
                    const struct mc_name *name, const uint8_t uid[MC_UID_BYTES])
{
    struct sim_mailbox *box = box_of(post, site, name, uid);

    if (box->home == box && home != site)
        sim_mailbox_forget(box); /* what was its own belongs to nobody any more */
    box->home = box_of(post, home, name, uid);
}

struct sim_mailbox *sim_post_open(struct sim_post *post, uint32_t site,
                                  const struct mc_name *name,
                                  const uint8_t uid[MC_UID_BYTES])
{
    struct sim_mailbox *box = box_of(post, site, name, uid);

    if (memcmp(box->uid, uid, MC_UID_BYTES) != 0 || strcmp(box->name.s, name->s) != 0) {
        sim_mailbox_forget(box); /* the old queues belong to nobody any more */
        box->name = *name;
        memcpy(box->uid, uid, MC_UID_BYTES);
    }
    box->open = true;
    connect(post, box);
    return box;
}

void sim_post_away(struct sim_post *post, uint32_t site, bool away)
{
    if (site == SIM_ALL) {
        post->away = away;
        post->outages += away;
    }
    for (uint32_t i = 0; i < post->box_count; i++) {
        struct sim_mailbox *box = post->boxes[i];

        if (box == NULL || (site != SIM_ALL && site != i))
            continue;
        if (site != SIM_ALL || !away)
            box->away = away;
        if (away)
            disconnect(post, box);
        else
            connect(post, box);
    }
}

void sim_post_wipe(struct sim_post *post)
{
    post->outages++;
    for (uint32_t i = 0; i < post->box_count; i++) {
        struct sim_mailbox *box = post->boxes[i];

        if (box == NULL)
            continue;
        disconnect(post, box);
        sim_mailbox_forget(box);
    }
    for (uint32_t i = 0; i < post->box_count; i++) {
        if (post->boxes[i] != NULL)
            connect(post, post->boxes[i]);
    }
}

/* ---- ways ---- */

static bool matches(const struct sim_mailbox *box, const char *key,
                    enum mc_bus_queue queue)
{
    const char *all = queue == MC_QUEUE_RECORDS ? "ring" : "talk";
    const char *name = key + strlen(all);

    if (*name == '\0')
        return true;
    return strcmp(name + 1, box->name.s) == 0;
}

static struct sim_letter *damaged(struct sim_post *post, struct sim_letter *letter)
{
    struct mc_bytes body = mc_blob_get(letter->body);
    struct sim_letter *copy;
    uint8_t *bytes;

    if (body.len == 0 || !sim_net_damages(post->net))
        return sim_letter_ref(letter);
    bytes = sim_alloc(body.len);
    memcpy(bytes, body.ptr, body.len);
    bytes[mc_rng_below(&post->net->rng, body.len)] ^=
        (uint8_t)(1u << mc_rng_below(&post->net->rng, 8));
    copy = sim_letter_new(&letter->head, (struct mc_bytes){bytes, body.len});
    copy->queue = letter->queue;
    copy->site = letter->site;
    copy->sent_ms = letter->sent_ms;
    copy->outage = letter->outage;
    free(bytes);
    return copy;
}

void sim_post_spread(struct sim_post *post, struct sim_letter *letter)
{
    for (uint32_t i = 0; i < post->box_count; i++) {
        struct sim_mailbox *box = post->boxes[i];
        unsigned copies;

        if (box == NULL || box->home != box || !box->declared ||
            !matches(box, letter->head.key, letter->queue))
            continue;
        copies = sim_net_copies(post->net, letter->site, i);
        while (copies-- > 0) {
            struct sim_due due = {.at_ms = *post->now_ms + sim_net_delay(post->net),
                                  .kind = SIM_DUE_LETTER,
                                  .site = i,
                                  .letter = damaged(post, letter)};

            sim_agenda_put(post->agenda, &due);
        }
    }
}

/* Where the bus went away while the letter was on its way, it may be lost. */
static bool lost_in_outage(struct sim_post *post, const struct sim_letter *letter)
{
    return letter->outage != post->outages && mc_rng_below(&post->net->rng, 2) == 0;
}

static void arrive(struct sim_post *post, uint32_t site, struct sim_letter *letter)
{
    struct sim_mailbox *box = post->boxes[site];
    struct sim_item item = {letter, post->arrivals++};

    if (!box->declared ||
        (letter->queue == MC_QUEUE_TALK && !box->open && box->consumer == NULL))
        return;
    if (lost_in_outage(post, letter))
        return;
    sim_queue_push(&box->queue[letter->queue], item);
    if (box->consumer != NULL)
        tell(post, box->consumer->site);
}

void sim_post_due(struct sim_post *post, struct sim_due *due)
{
    struct sim_mailbox *box = post->boxes[due->site];

    if (due->kind == SIM_DUE_LETTER) {
        arrive(post, due->site, due->letter);
        sim_letter_unref(due->letter);
    } else if (due->kind == SIM_DUE_CONFIRM && due->line == box->line &&
               box->connected) {
        sim_mailbox_confirm(box, due->token, 0);
        tell(post, due->site);
    }
}
