/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/keep.c -- the agent and its store are kept alike.
 *
 * The store's file is the truth, yet it can be greater than what is in force
 * (another process brought it, or a write whose end was in doubt) or lesser
 * (the folder was wiped under us). Every so often they are compared, and the
 * greater one repairs the other. What was written is read back from the medium a
 * moment later: it is in force and durable by then, and a disk that did not keep what
 * it was given is found out while we still have it. From then on a look at the file is
 * enough, and now and then it is read again.
 */
#include "node/agent_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CARE_MS     5000u
#define AGAIN_MS    600000u /* so often what was not touched is read all the same */
#define READ_MS     4000u /* after something was written: others may still be at it, */
#define READ_GAP_MS 100u  /* and between one read back and the next */
#define REPAIRS_MAX 16u   /* rings given back to the store in one go */

static bool greater(const struct mc_ring *a, const struct mc_ring *b)
{
    struct mc_stamp x = mc_stamp_of(mc_ring_head(a));
    struct mc_stamp y;

    if (b == NULL)
        return true;
    y = mc_stamp_of(mc_ring_head(b));
    return mc_stamp_cmp(&x, &y) > 0;
}

void mc_agent_stage(struct mc_slot *slot, struct mc_ring *ring)
{
    if (!greater(ring, slot->held) ||
        (slot->staged != NULL && !greater(ring, slot->staged)))
        return;
    mc_ring_unref(slot->staged);
    slot->staged = mc_ring_ref(ring);
}

int mc_agent_note_unread(struct mc_agent *agent, const struct mc_name *name)
{
    struct mc_store *store = agent->ports.store;
    struct mc_stamp stamp;

    if (store->ops->unread == NULL || store->ops->unread(store, name, &stamp) != 0)
        return 0;
    return mc_machine_unread(agent->machine, name, &stamp);
}

void mc_agent_note_losers(struct mc_agent *agent, struct mc_slot *slot)
{
    struct mc_store *store = agent->ports.store;
    struct mc_ring *losers[MC_LOSERS_MAX];
    size_t count = 0;

    if (store->ops->losers(store, &slot->name, losers, &count) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        slot->losers[i] = mc_stamp_of(mc_ring_head(losers[i]));
        mc_ring_unref(losers[i]);
    }
    slot->loser_count = count;
}

void mc_agent_store_said(struct mc_agent *agent, int err)
{
    const char *why = err == 0 ? "" : mc_agent_store_trouble(agent, err);
    bool was = agent->store_trouble[0] != '\0';

    if (strncmp(why, agent->store_trouble, sizeof(agent->store_trouble) - 1) == 0)
        return;
    (void)snprintf(agent->store_trouble, sizeof(agent->store_trouble), "%s", why);
    if (err != 0)
        mc_agent_log(agent, MC_LOG_ERROR, "event=store-trouble error=%s msg=\"%.300s\"",
                     mcos_err_slug(err), why);
    else if (was)
        mc_agent_log(agent, MC_LOG_INFO,
                     "event=store-well msg=\"the store works again\"");
}

const char *mc_agent_store_state(const struct mc_agent *agent)
{
    return agent->store_trouble;
}

/* What is in force goes (back) into the store. False if the store refuses. */
static bool give_back(struct mc_agent *agent, struct mc_slot *slot)
{
    struct mc_store *store = agent->ports.store;
    struct mc_merge merge;
    int err = store->ops->merge(store, slot->held, &merge);

    mc_agent_store_said(agent, err);
    if (err == 0)
        mc_agent_log(agent, MC_LOG_WARN,
                     "event=repaired ring=%s msg=\"the store had less than what is in "
                     "force and got it back\"",
                     slot->name.s);
    return err == 0;
}

void mc_agent_found(struct mc_agent *agent, struct mc_slot *slot)
{
    struct mc_event event = mc_agent_event(agent, MC_EV_HELD);

    mc_agent_note_losers(agent, slot);
    event.u.stored.ring = slot->name;
    event.u.stored.body_bytes = mc_ring_head(slot->staged)->record_bytes;
    mc_agent_feed(agent, &event);
}

/* What was read not long ago and lies there untouched needs not be read: of 2^20 x 3
 * that takes 10 ms. */
static bool is_untouched(struct mc_agent *agent, const struct mc_slot *slot,
                         uint64_t now_ms)
{
    struct mc_store *store = agent->ports.store;

    return store->ops->keeps != NULL && slot->held != NULL && !slot->doubt &&
           !slot->unread && now_ms - slot->looked_ms < AGAIN_MS &&
           store->ops->keeps(store, slot->held);
}

static void compare(struct mc_agent *agent, struct mc_slot *slot, uint64_t now_ms)
{
    struct mc_store *store = agent->ports.store;
    struct mc_ring *kept = NULL;
    int err = store->ops->get(store, &slot->name, &kept);

    slot->looked_ms = now_ms;
    (void)mc_agent_note_unread(agent, &slot->name);
    if (err != 0 && err != MCOS_E_NOTFOUND && err != MCOS_E_UPGRADE) {
        mc_agent_store_said(agent, err);
        return;
    }
    slot->doubt = false;
    slot->unread = false;
    if (kept == NULL || (slot->held != NULL && greater(slot->held, kept))) {
        if (slot->held != NULL)
            (void)give_back(agent, slot);
    } else if (greater(kept, slot->held)) {
        mc_agent_stage(slot, kept);
        mc_agent_found(agent, slot);
    }
    mc_ring_unref(kept);
}

/* The one whose turn it is. */
static void look_at(struct mc_agent *agent, struct mc_slot *slot, uint64_t now_ms)
{
    if (is_untouched(agent, slot, now_ms))
        (void)mc_agent_note_unread(agent, &slot->name);
    else
        compare(agent, slot, now_ms);
}

static int cmp_name(const void *a, const void *b)
{
    return strcmp(((const struct mc_name *)a)->s, ((const struct mc_name *)b)->s);
}

/* Rings that the store lost altogether, as when its folder was made anew. */
static void repair_missing(struct mc_agent *agent, const struct mc_name *names,
                           size_t count)
{
    unsigned repaired = 0;

    for (size_t i = 0; i < agent->slot_count && repaired < REPAIRS_MAX; i++) {
        struct mc_slot *slot = &agent->slots[i];

        if (slot->held == NULL ||
            bsearch(&slot->name, names, count, sizeof(*names), cmp_name) != NULL)
            continue;
        repaired++;
        if (!give_back(agent, slot))
            return;
    }
}

void mc_agent_read_back(struct mc_agent *agent, struct mc_slot *slot)
{
    slot->unread = true;
    if (agent->read_ms == UINT64_MAX)
        agent->read_ms = mc_agent_now_ms(agent) + READ_MS;
}

/* One at a time: a large one keeps the loop busy, and the disk. */
static void read_back(struct mc_agent *agent, uint64_t now_ms)
{
    bool more = false;

    for (size_t i = 0, read = 0; i < agent->slot_count && !more; i++) {
        if (!agent->slots[i].unread)
            continue;
        more = read++ > 0;
        if (!more) {
            agent->slots[i].unread = false; /* whatever comes of it */
            compare(agent, &agent->slots[i], now_ms);
        }
    }
    agent->read_ms = more ? now_ms + READ_GAP_MS : UINT64_MAX;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t mc_agent_care(struct mc_agent *agent, uint64_t now_ms)
{
    struct mc_store *store = agent->ports.store;
    struct mc_name *names = NULL;
    size_t count = 0;
    int err;

    if (now_ms >= agent->read_ms)
        read_back(agent, now_ms);
    if (now_ms < agent->care_ms)
        return earlier(agent->care_ms, agent->read_ms);
    agent->care_ms = now_ms + CARE_MS;
    err = store->ops->list(store, &names, &count);
    mc_agent_store_said(agent, err);
    if (err != 0)
        return earlier(agent->care_ms, agent->read_ms);
    repair_missing(agent, names, count);
    free(names);
    for (size_t i = 0; i < agent->slot_count; i++) {
        if (agent->slots[i].doubt)
            compare(agent, &agent->slots[i], now_ms);
    }
    if (agent->slot_count > 0)
        look_at(agent, &agent->slots[agent->care_at++ % agent->slot_count], now_ms);
    return earlier(agent->care_ms, agent->read_ms);
}
