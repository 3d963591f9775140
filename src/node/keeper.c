/* SPDX-License-Identifier: Apache-2.0 */
/* node/keeper.c -- which ring is put into the cache next, and when. */
#include "node/keeper.h"

#include "node/agent_state.h"

void mc_keeper_init(struct mc_agent *agent, struct mc_cache *cache)
{
    agent->keeper = (struct mc_keeper){
        .cache = cache, .retry_ms = MC_KEEPER_RETRY_MS_0, .hurry = agent->slot_count};
}

const char *mc_keeper_state(const struct mc_keeper *keeper)
{
    return keeper->cache == NULL ? "none" : keeper->up ? "up" : "away";
}

/* ---- which one ---- */

/* A ring that was adopted or could not be finished: the one that waits longest. */
static struct mc_slot *wanted(struct mc_agent *agent)
{
    struct mc_slot *first = NULL;

    for (size_t i = 0; i < agent->slot_count; i++) {
        struct mc_slot *slot = &agent->slots[i];

        if (slot->held != NULL && slot->kept.at_ms != 0 &&
            (first == NULL || slot->kept.at_ms < first->kept.at_ms))
            first = slot;
    }
    return first;
}

/* The ring whose turn it is, or NULL if none is held. */
static struct mc_slot *next_in_turn(struct mc_agent *agent)
{
    for (size_t i = 0; i < agent->slot_count; i++) {
        struct mc_slot *slot =
            &agent->slots[(agent->keeper.cursor + i) % agent->slot_count];

        if (slot->held != NULL) {
            agent->keeper.cursor = (size_t)(slot - agent->slots) + 1;
            return slot;
        }
    }
    return NULL;
}

/* ---- what came of it ---- */

static void say_once(struct mc_agent *agent, struct mc_slot *slot, int what)
{
    const struct mc_cache *cache = agent->keeper.cache;

    if (slot->kept.said == what)
        return;
    slot->kept.said = what;
    if (what == MC_CACHE_NEWER)
        mc_agent_log(agent, MC_LOG_INFO,
                     "event=cache-newer ring=%s msg=\"the cache holds a newer record "
                     "than this agent\"",
                     slot->name.s);
    else if (what < 0)
        mc_agent_log(agent, MC_LOG_WARN,
                     "event=cache-trouble ring=%s error=%s msg=\"%s\" do=\"see the "
                     "cache's memory and item size\"",
                     slot->name.s, mcos_err_slug(what), cache->ops->trouble(cache));
}

static void went_away(struct mc_agent *agent, uint64_t now)
{
    struct mc_keeper *keeper = &agent->keeper;

    if (keeper->up || !keeper->asked) {
        mc_agent_log(agent, MC_LOG_WARN,
                     "event=cache-away msg=\"%s\" do=\"see that it runs and can be "
                     "reached; look-ups go on without it\"",
                     keeper->cache->ops->trouble(keeper->cache));
    }
    keeper->asked = true;
    keeper->up = false;
    keeper->due_ms = now + keeper->retry_ms;
    keeper->retry_ms *= 2;
    if (keeper->retry_ms > MC_KEEPER_RETRY_MS_MAX)
        keeper->retry_ms = MC_KEEPER_RETRY_MS_MAX;
}

static void answered(struct mc_agent *agent)
{
    struct mc_keeper *keeper = &agent->keeper;

    if (!keeper->up) {
        mc_agent_log(agent, MC_LOG_INFO, "event=cache-back msg=\"the cache answers\"");
        keeper->hurry = agent->slot_count; /* it may have forgotten everything */
    }
    keeper->asked = true;
    keeper->up = true;
    keeper->retry_ms = MC_KEEPER_RETRY_MS_0;
}

/* One was missing: others may be, too. */
static void look_after_all(struct mc_agent *agent, const struct mc_slot *slot,
                           uint64_t now)
{
    mc_agent_log(agent, MC_LOG_INFO,
                 "event=cache-refill ring=%s msg=\"it was not in the cache any more; "
                 "all rings are looked after\"",
                 slot->name.s);
    agent->keeper.hurry = agent->slot_count;
    agent->keeper.rest_ms =
        now + (uint64_t)MC_KEEPER_REST * agent->config.announce_interval_ms;
}

static void was_put(struct mc_agent *agent, struct mc_slot *slot, enum mc_cache_put put,
                    uint64_t now)
{
    struct mc_keeper *keeper = &agent->keeper;
    bool in_turn = slot->kept.at_ms == 0;

    slot->kept.at_ms = 0;
    switch (put) {
    case MC_CACHE_HELD:
        break;
    case MC_CACHE_FILLED:
        if (in_turn && keeper->hurry == 0 && now >= keeper->rest_ms)
            look_after_all(agent, slot, now);
        break;
    case MC_CACHE_NEWER:
        break;
    case MC_CACHE_MORE:
        slot->kept.at_ms = 1; /* before all others */
        return;
    case MC_CACHE_BUSY:
        slot->kept.at_ms = now + MC_KEEPER_BUSY_MS;
        return;
    }
    say_once(agent, slot, (int)put);
}

/* ---- turns ---- */

static uint64_t next_due(struct mc_agent *agent, uint64_t now)
{
    struct mc_keeper *keeper = &agent->keeper;
    const struct mc_slot *slot = wanted(agent);
    uint64_t due = keeper->hurry > 0 ? now + MC_KEEPER_STEP_MS : keeper->round_ms;

    if (!keeper->up)
        return keeper->due_ms;

    if (slot != NULL && slot->kept.at_ms < due)
        due = slot->kept.at_ms;
    return due > keeper->due_ms ? due : keeper->due_ms;
}

static void do_one(struct mc_agent *agent, struct mc_slot *slot, uint64_t now)
{
    struct mc_cache *cache = agent->keeper.cache;
    enum mc_cache_put put = MC_CACHE_HELD;
    int err = slot == NULL ? cache->ops->ping(cache)
                           : cache->ops->put(cache, slot->held, &put);

    if (err == MCOS_E_AWAY) {
        went_away(agent, mc_agent_now_ms(agent));
        return;
    }
    answered(agent);
    if (slot == NULL)
        return;
    if (err == 0) {
        was_put(agent, slot, put, now);
        return;
    }
    slot->kept.at_ms = 0; /* it fails for a reason of its own: when its turn comes */
    say_once(agent, slot, err);
}

uint64_t mc_keeper_turn(struct mc_agent *agent, uint64_t now)
{
    struct mc_keeper *keeper = &agent->keeper;
    struct mc_slot *slot;

    if (keeper->cache == NULL)
        return UINT64_MAX;
    if (now < keeper->due_ms)
        return keeper->due_ms;
    slot = wanted(agent);
    if (slot != NULL && slot->kept.at_ms <= now) {
        do_one(agent, slot, now);
    } else if (!keeper->up || keeper->hurry > 0 || now >= keeper->round_ms) {
        if (keeper->hurry > 0)
            keeper->hurry--;
        do_one(agent, next_in_turn(agent), now);
        keeper->round_ms = now + agent->config.announce_interval_ms;
    }
    return next_due(agent, now);
}
