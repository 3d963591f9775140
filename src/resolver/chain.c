/* SPDX-License-Identifier: Apache-2.0 */
/* resolver/chain.c -- places, rings, and how the clusters are. */
#include "resolver/chain.h"

#include "resolver/chain_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mc_chain_new(const struct mc_chain_config *config, struct mc_chain **ret_chain)
{
    struct mc_chain *chain = calloc(1, sizeof(*chain));

    if (chain == NULL)
        return MCOS_E_NOMEM;
    chain->config = *config;
    *ret_chain = chain;
    return 0;
}

static void free_thing(struct mc_swap_thing *thing)
{
    mc_view_free((struct mcos_view *)thing);
}

static void ring_free(struct mc_followed *ring)
{
    mc_swap_fini(&ring->swap, free_thing);
    mc_map_unref(ring->map);
    mc_map_unref(ring->before);
    free(ring);
}

void mc_chain_free(struct mc_chain *chain)
{
    if (chain == NULL)
        return;
    for (size_t i = 0; i < chain->ring_count; i++)
        ring_free(chain->rings[i]);
    for (size_t i = 0; i < chain->place_count; i++) {
        struct mc_source *source = chain->places[i].source;

        source->ops->close(source);
        free(chain->places[i].address);
    }
    free(chain->rings);
    free(chain->clusters);
    free(chain);
}

int mc_chain_add(struct mc_chain *chain, struct mc_source *take_source,
                 const char *address)
{
    struct mc_place *place = &chain->places[chain->place_count];
    int err = 0;

    if (chain->place_count == MCOS_SOURCES_MAX)
        err = MCOS_E_TOOBIG;
    else if ((place->address = strdup(address)) == NULL)
        err = MCOS_E_NOMEM;
    if (err != 0) {
        take_source->ops->close(take_source);
        return err;
    }
    place->source = take_source;
    chain->place_count++;
    return 0;
}

size_t mc_chain_source_count(const struct mc_chain *chain)
{
    return chain->place_count;
}

struct mc_source *mc_chain_source(const struct mc_chain *chain, size_t i)
{
    return chain->places[i].source;
}

int mc_chain_follow(struct mc_chain *chain, const struct mc_name *name,
                    struct mc_followed **ret_ring)
{
    struct mc_followed *ring;

    if (chain->ring_count == MCOS_RINGS_MAX)
        return MCOS_E_BUSY;
    if (chain->ring_count == chain->ring_room) {
        size_t room = chain->ring_room == 0 ? 8 : 2 * chain->ring_room;
        void *more = realloc(chain->rings, room * sizeof(struct mc_followed *));

        if (more == NULL)
            return MCOS_E_NOMEM;
        chain->rings = more;
        chain->ring_room = room;
    }
    ring = aligned_alloc(_Alignof(struct mc_followed), sizeof(*ring));
    if (ring == NULL)
        return MCOS_E_NOMEM;
    memset(ring, 0, sizeof(*ring));
    mc_swap_init(&ring->swap);
    atomic_init(&ring->times.checked, 0);
    atomic_init(&ring->times.confirmed, 0);
    ring->name = *name;
    ring->stats.source = MCOS_NONE;
    ring->stats.error = MCOS_E_NOTREADY;
    chain->rings[chain->ring_count++] = ring;
    *ret_ring = ring;
    return 0;
}

size_t mc_chain_ring_count(const struct mc_chain *chain)
{
    return chain->ring_count;
}

struct mc_followed *mc_chain_ring(const struct mc_chain *chain, size_t i)
{
    return chain->rings[i];
}

struct mcos_view *mc_chain_hold(struct mc_followed *ring)
{
    return (struct mcos_view *)mc_swap_hold(&ring->swap);
}

int mc_chain_show(struct mc_chain *chain, struct mc_followed *ring)
{
    struct mc_view_parts parts = {.map = ring->map,
                                  .before = ring->before,
                                  .cluster = chain->clusters,
                                  .cluster_count = chain->cluster_count,
                                  .times = &ring->times};
    struct mcos_view *view;
    int err = mc_view_new(&parts, &view);

    ring->stale = err != 0;
    if (err != 0)
        return err;
    mc_swap_set(&ring->swap, &view->thing);
    ring->stats.views++;
    return 0;
}

void mc_chain_sweep(struct mc_chain *chain)
{
    for (size_t i = 0; i < chain->ring_count; i++) {
        struct mc_followed *ring = chain->rings[i];

        ring->stats.unclaimed = mc_swap_sweep(&ring->swap, free_thing);
    }
}

bool mc_chain_stopped(const struct mc_chain *chain)
{
    return chain->config.stopped != NULL && chain->config.stopped(chain->config.ctx);
}

/* ---- places that do not answer ---- */

bool mc_place_resting(const struct mc_place *place, const struct mc_chain_now *now)
{
    return now->ms < place->rest_until_ms;
}

void mc_place_heard(const struct mc_chain *chain, struct mc_place *place, int err,
                    const struct mc_chain_now *now)
{
    if (err != MCOS_E_UNREACHABLE) { /* one ring that it cannot read is no reason */
        place->rest_ms = 0;
        return;
    }
    place->rest_ms = place->rest_ms == 0 ? MC_CHAIN_PAUSE_MS : 2 * place->rest_ms;
    if (place->rest_ms > MC_CHAIN_PAUSE_MS_MAX)
        place->rest_ms = MC_CHAIN_PAUSE_MS_MAX;
    place->rest_until_ms =
        place->rest_ms +
        (chain->config.now_ms == NULL ? now->ms : chain->config.now_ms());
    place->rest_err = err;
    (void)snprintf(place->rest_why, sizeof(place->rest_why), "%s",
                   place->source->ops->trouble(place->source));
}

/* ---- how the clusters are ---- */

static bool same_clusters(const struct mc_chain *chain,
                          const struct mc_cluster *clusters, size_t count)
{
    if (count != chain->cluster_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (clusters[i].state != chain->clusters[i].state ||
            strcmp(clusters[i].name.s, chain->clusters[i].name.s) != 0)
            return false;
    }
    return true;
}

/* False if the place does not say. */
static bool take_clusters(struct mc_chain *chain, struct mc_place *place,
                          const struct mc_chain_now *now, bool *ret_changed)
{
    struct mc_source *source = place->source;
    struct mc_cluster *clusters = NULL;
    size_t count = 0;
    int err;

    if (source->ops->clusters == NULL || mc_place_resting(place, now))
        return false;
    err = source->ops->clusters(source, &clusters, &count);
    mc_place_heard(chain, place, err, now);
    if (err != 0)
        return false;
    *ret_changed = !same_clusters(chain, clusters, count);
    free(chain->clusters);
    chain->clusters = clusters;
    chain->cluster_count = count;
    return true;
}

void mc_chain_look_at_clusters(struct mc_chain *chain, const struct mc_chain_now *now)
{
    bool changed = false;

    for (size_t i = 0; i < chain->place_count && !mc_chain_stopped(chain); i++) {
        if (take_clusters(chain, &chain->places[i], now, &changed))
            break;
    }
    for (size_t i = 0; changed && i < chain->ring_count; i++) {
        if (chain->rings[i]->map != NULL)
            (void)mc_chain_show(chain, chain->rings[i]);
    }
}
