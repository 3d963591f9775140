/* SPDX-License-Identifier: Apache-2.0 */
/* resolver/look.c -- one look for a ring through the chain. */
#include "resolver/chain_in.h"

#include <stdio.h>
#include <string.h>

/* What came of one place. */
enum outcome {
    SETTLED, /* it has what is in force, or that came into force */
    NEXT,    /* ask the next one */
};

static void count_failure(struct mc_followed *ring, int err)
{
    struct mcos_ring_stats *s = &ring->stats;

    if (err == MCOS_E_NOTFOUND)
        s->missing++;
    else if (err == MCOS_E_UPGRADE)
        s->unread++;
    else if (mcos_err_classify(err) == MCOS_RETRY)
        s->away += err != MCOS_E_NOMEM;
    else
        s->damaged++;
}

/* What is wrong with bytes says more than that a place is away, and that more than
 * that it has no such ring. */
static unsigned weight_of(int err)
{
    if (err == 0 || err == MCOS_E_NOTREADY)
        return 0;
    if (err == MCOS_E_NOTFOUND)
        return 1;
    return mcos_err_classify(err) == MCOS_RETRY ? 2 : 3;
}

static void blame(struct mc_followed *ring, const struct mc_place *place, int err,
                  const char *why)
{
    if (weight_of(err) <= weight_of(ring->stats.error))
        return;
    ring->stats.error = err;
    (void)snprintf(ring->stats.trouble, sizeof(ring->stats.trouble), "%.100s: %s",
                   place->address, why[0] == '\0' ? mcos_err_text(err) : why);
}

static void settled(struct mc_followed *ring, struct mc_place *place,
                    const struct mc_chain_now *now)
{
    struct mc_source *source = place->source;
    int64_t confirmed =
        source->ops->confirmed == NULL ? 0 : source->ops->confirmed(source);

    ring->stats.checked_at = now->wall_ns;
    atomic_store_explicit(&ring->times.checked, now->wall_ns, memory_order_relaxed);
    /* A time that is not yet is of a clock that was set back, or of a mad agent. */
    if (confirmed > ring->stats.confirmed_at ||
        (confirmed != 0 && ring->stats.confirmed_at > now->wall_ns)) {
        ring->stats.confirmed_at = confirmed;
        atomic_store_explicit(&ring->times.confirmed, confirmed, memory_order_relaxed);
    }
}

/* Puts maps (taken over) in the place of what was in force. With no memory for a view
 * of them the old one stays until the next look. */
static void adopt(struct mc_chain *chain, struct mc_followed *ring, struct mc_map *map,
                  struct mc_map *before, const struct mc_chain_now *now)
{
    struct mc_map *old = ring->map;
    struct mc_map *old_before = ring->before;

    ring->map = map;
    ring->before = before;
    (void)mc_chain_show(chain, ring);
    mc_map_unref(old);
    mc_map_unref(old_before);
    ring->spoilt = false;
    ring->stats.adopted++;
    ring->stats.adopted_at = now->wall_ns;
}

/* Whether it is of the system that is looked for, or of none: made offline. */
static bool is_ours(const struct mc_chain *chain, const struct mc_ring *came)
{
    static const uint8_t none[MC_UID_BYTES] = {0};
    const uint8_t *system = mc_ring_head(came)->system;

    return memcmp(system, chain->config.system, MC_UID_BYTES) == 0 ||
           memcmp(system, none, MC_UID_BYTES) == 0;
}

/* The record before the first one that this process has seen. NULL: none. */
static struct mc_map *find_before(struct mc_chain *chain, struct mc_followed *ring,
                                  struct mc_place *place, const struct mc_map *map)
{
    struct mc_source *source = place->source;
    struct mc_ring *came = NULL;
    struct mc_map *before = NULL;

    if (source->ops->previous == NULL ||
        source->ops->previous(source, &ring->name, &came) != 0)
        return NULL;
    if (!is_ours(chain, came) ||
        mc_map_new(came, chain->config.secret, place->address, &before) != 0) {
        mc_ring_unref(came);
        return NULL;
    }
    if (mc_stamp_cmp(&before->stamp, &map->stamp) < 0)
        return before;
    mc_map_unref(before);
    return NULL;
}

static enum outcome refuse_older(struct mc_followed *ring, const struct mc_place *place)
{
    ring->stats.older++;
    blame(ring, place, MCOS_E_STALE, "a version before the one in force");
    return NEXT;
}

/* A good record has come (taken over). `any`: also one before what was in force. */
static enum outcome judge(struct mc_chain *chain, struct mc_followed *ring,
                          struct mc_place *place, struct mc_ring *came, bool any,
                          const struct mc_chain_now *now)
{
    struct mc_map *held = ring->map;
    struct mc_map *before = NULL;
    struct mc_map *map = NULL;
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(came));
    int order = held == NULL ? 1 : mc_stamp_cmp(&stamp, &held->stamp);
    int err;

    if (!is_ours(chain, came)) {
        ring->stats.foreign++;
        blame(ring, place, MCOS_E_CONFLICT,
              "a ring of another system than is asked for");
        mc_ring_unref(came);
        return NEXT;
    }
    if (order == 0 && !mc_map_spoilt(held)) {
        mc_ring_unref(came);
        return SETTLED;
    }
    if (order < 0 && !any) {
        mc_ring_unref(came);
        return refuse_older(ring, place);
    }
    err = mc_map_new(came, chain->config.secret, place->address, &map);
    if (err != 0) {
        mc_ring_unref(came);
        blame(ring, place, err, "");
        return NEXT;
    }
    if (chain->config.keep_previous && held != NULL && order > 0 &&
        !mc_map_spoilt(held))
        before = mc_map_ref(held);
    else if (chain->config.keep_previous && ring->before != NULL && order == 0)
        before = mc_map_ref(ring->before);
    else if (chain->config.keep_previous)
        before = find_before(chain, ring, place, map);
    adopt(chain, ring, map, before, now);
    ring->stats.source = (uint32_t)(place - chain->places);
    return SETTLED;
}

static enum outcome look_at(struct mc_chain *chain, struct mc_followed *ring,
                            struct mc_place *place, const struct mc_chain_now *now)
{
    struct mc_source *source = place->source;
    bool usable = ring->map != NULL && !mc_map_spoilt(ring->map);
    struct mc_ring *came = NULL;
    int err;

    if (mc_place_resting(place, now)) {
        ring->stats.away++;
        blame(ring, place, place->rest_err, place->rest_why);
        return NEXT;
    }
    err = source->ops->look(source, &ring->name, usable ? &ring->map->stamp : NULL,
                            &came);
    mc_place_heard(chain, place, err, now);
    if (err == MCOS_E_STALE && usable)
        return refuse_older(ring, place);
    if (err != 0) {
        count_failure(ring, err);
        blame(ring, place, err, source->ops->trouble(source));
        return NEXT;
    }
    if (came == NULL) {
        ring->stats.source = (uint32_t)(place - chain->places);
        return SETTLED;
    }
    return judge(chain, ring, place, came, false, now);
}

/* Nothing that is good is in force, and no place has a good one: one before it. */
static void fall_back(struct mc_chain *chain, struct mc_followed *ring,
                      const struct mc_chain_now *now)
{
    for (size_t i = 0; i < chain->place_count; i++) {
        struct mc_place *place = &chain->places[i];
        struct mc_ring *came = NULL;

        if (place->source->ops->previous == NULL || mc_place_resting(place, now) ||
            place->source->ops->previous(place->source, &ring->name, &came) != 0)
            continue;
        if (judge(chain, ring, place, came, true, now) == SETTLED)
            return;
    }
    if (ring->before != NULL && !mc_map_spoilt(ring->before))
        adopt(chain, ring, mc_map_ref(ring->before), NULL, now);
}

void mc_chain_look(struct mc_chain *chain, struct mc_followed *ring,
                   const struct mc_chain_now *now)
{
    size_t i = 0;

    ring->stats.looks++;
    ring->stats.error = 0;
    ring->stats.trouble[0] = '\0';
    if (ring->stale)
        (void)mc_chain_show(chain, ring);
    while (i < chain->place_count &&
           look_at(chain, ring, &chain->places[i], now) == NEXT) {
        if (mc_chain_stopped(chain))
            return;
        i++;
    }
    if (i < chain->place_count) {
        settled(ring, &chain->places[i], now);
    } else if (weight_of(ring->stats.error) == 3 &&
               (ring->map == NULL || mc_map_spoilt(ring->map))) {
        fall_back(chain, ring, now);
    }
    if (ring->map != NULL && mc_map_spoilt(ring->map) && !ring->spoilt) {
        ring->spoilt = true;
        ring->stats.spoilt++;
    }
}
