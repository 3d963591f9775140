/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver/view.h -- one version of a ring, with the clusters' states, ready to be
 * asked by any number of threads. Never changes; mcos/resolver.h is what is asked.
 *
 * Made and freed by the one thread that follows the chain.
 */
#ifndef MCOS_RESOLVER_VIEW_H
#define MCOS_RESOLVER_VIEW_H

#include "mcos/resolver.h"
#include "port/source.h"
#include "resolver/swap.h"
#include "ring/handoff.h"
#include "ring/lookup.h"
#include "sync/stamp.h"

/* A ring and what is worked out of it once, shared by the views made of it. */
struct mc_map {
    unsigned refs; /* the owner's */
    struct mc_ring *ring;
    struct mc_tiers *tiers;  /* NULL if deleted */
    struct mc_secret secret; /* to hash names with */
    int secret_err;          /* 0, or SECRET: no name can be hashed */
    struct mc_stamp stamp;
    char stamp_text[MC_STAMP_TEXT_MAX];
    const char *source; /* lent by the chain */
};

/* Takes over the reference to the ring when it succeeds. `secret` is borrowed as long
 * as the map is there. Fails with NOMEM. */
int mc_map_new(struct mc_ring *take_ring, const struct mc_secret *secret,
               const char *source, struct mc_map **ret_map);
struct mc_map *mc_map_ref(struct mc_map *map);
void mc_map_unref(struct mc_map *map); /* NULL is fine */
/* Somebody wrote into its file. */
bool mc_map_spoilt(const struct mc_map *map);

/* What answers tell besides, and what goes on while a view is in force. */
struct mc_times {
    _Atomic(int64_t) checked;
    _Atomic(int64_t) confirmed;
};

struct mcos_view {
    struct mc_swap_thing thing; /* first */
    struct mc_map *map;
    const struct mc_times *times; /* lent by the ring */
    struct mcos_view *before;     /* part of this one; NULL */
    struct mcos_view_info info;
    uint8_t states[]; /* enum mcos_state of a device's cluster, by id */
};

struct mc_view_parts {
    struct mc_map *map;               /* a reference is taken */
    struct mc_map *before;            /* the same; NULL */
    const struct mc_cluster *cluster; /* sorted by name; borrowed */
    size_t cluster_count;
    const struct mc_times *times; /* must live as long as the view */
};

/* On success *ret_view is yours. Fails with NOMEM. */
int mc_view_new(const struct mc_view_parts *parts, struct mcos_view **ret_view);
void mc_view_free(struct mcos_view *view); /* NULL is fine; nobody holds it */

#endif /* MCOS_RESOLVER_VIEW_H */
