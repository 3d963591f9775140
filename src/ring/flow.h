/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/flow.h -- the state of a rebalance, seen as a min-cost flow.
 *
 * A row is a laminar matroid (no more than ceil below any node), rows meet at
 * the devices, where the quotas sit; keeping an old (row, device) pair is worth
 * 1. A price on each device is dual enough. An arc u -> e is one exchange: some
 * row gives the place of u to e; it costs nothing when
 * [e old] - price(e) = [u old] - price(u), and no exchange ever gains: that,
 * with exact quotas, certifies the optimum. Vacant places belong to a pseudo
 * device, just past the last leaf, with quota 0.
 *
 * Shared by ring/rebalance.c (the rounds), ring/search.c, ring/push.c, ring/evict.c,
 * ring/prove.c.
 */
#ifndef MCOS_RING_FLOW_H
#define MCOS_RING_FLOW_H

#include "base/rng.h"
#include "ring/row.h"

#define MC_LEVEL_NONE UINT32_MAX

/* Places of the table: part * stride + replica. */
struct mc_places {
    uint32_t *at;
    uint32_t count;
    uint32_t cap;
};

/* How far a device's places have been looked at in one round of pushing. */
struct mc_cursor {
    unsigned phase; /* moved places, untouched rows, rows that lost one already */
    uint32_t index;
    uint32_t stride_at; /* of an untouched place: they are taken in scattered order */
    uint32_t ahead_at;  /* a few steps further: the row that is fetched now */
    uint32_t far_at;    /* twice as far: the number of a place that is fetched now */
};

struct mc_flow {
    const struct mc_plan *plan;
    const struct mc_plan_old *old;
    struct mc_rng rng;
    uint32_t *table;         /* borrowed */
    uint32_t vacant;         /* the pseudo device: leaf_count */
    uint64_t stride_inverse; /* 2^32 / stride, rounded up */
    int64_t *excess;         /* of each leaf and vacant: held - quota */
    uint32_t *price;
    uint32_t price_max;
    uint32_t *level; /* by the last search; MC_LEVEL_NONE: not reached */
    uint32_t *queue;
    uint32_t reached;
    uint8_t *lost;     /* of each row: live old leaves that are not in it now */
    uint8_t *may_lose; /* gentle: no more than these; NULL: any */
    /*
     * Each place is listed once: untouched places (an old leaf in a row that
     * has lost none) in one block, made when first needed; all others as
     * `special` in a list of their device. A place becomes special when its
     * leaf changes or its row loses one, and stays so; an entry of a list
     * whose place has another leaf by now is stale.
     */
    uint64_t *special; /* a bit per place */
    struct mc_places *lists;
    uint32_t *clean; /* NULL until made */
    uint32_t *clean_first;
    uint32_t *clean_step;
    struct mc_cursor *cursors;
    /* Sets of leaves by price (search), or level and price (push). */
    struct mc_leafset *sets;
    size_t set_count;
    size_t set_used;
    uint32_t *set_of; /* key -> number in sets + 1; 0: none */
    size_t key_count;
    size_t key_cap;
    uint64_t must_hold; /* no table holds back less, as far as is known, */
    uint8_t *tight;     /* and a set of leaves that shows it; NULL until made */
    uint64_t missing;   /* quota - held before, summed over those with less */
    uint64_t undone;
    uint64_t to_push; /* replicas with too much, at first; for the progress */
    uint64_t pushed;
    int err; /* sticks: 0, NOMEM or EMPTY (stopped) */
};

/* table: as mc_flow_keep leaves it. Fails with NOMEM; fini in any case. */
int mc_flow_init(struct mc_flow *f, const struct mc_plan *plan,
                 const struct mc_plan_old *old, uint64_t seed, uint32_t *table);
void mc_flow_fini(struct mc_flow *f);

/* Keeps as many old pairs as the rule allows, row by row (ring/keep.c): the
 * others become vacant. Fills table, excess, lost, may_lose, and the lists. */
void mc_flow_keep(struct mc_flow *f);

/* Progress: keeping rows is the first tenth, pushing the rest. Sets err. */
void mc_flow_tell(struct mc_flow *f, uint32_t rows_kept);

/* The row of a place: a division by a number that nobody knows beforehand costs more
 * than all else that is done with it. */
static inline uint32_t mc_flow_part(const struct mc_flow *f, uint32_t place)
{
    return (uint32_t)(place * f->stride_inverse >> 32);
}

/* True if the old row has that leaf. */
static inline bool mc_flow_was(const struct mc_flow *f, uint32_t part, uint32_t leaf)
{
    const uint32_t *row = f->old->table + (size_t)part * f->old->stride;
    bool was = false;

    for (unsigned i = 0; i < f->old->stride; i++)
        was |= row[i] == leaf;
    return was;
}
/* Lists a place as special, under the device that holds it now. Sets err. */
void mc_flow_list(struct mc_flow *f, uint32_t place);
/* Notes that the place, held by `from`, is now held by what the table says. */
void mc_flow_moved(struct mc_flow *f, uint32_t place, uint32_t from);
/* Lists the untouched places, if that is not done. */
int mc_flow_clean(struct mc_flow *f);
/* All keys below count without a set. */
int mc_flow_sets_reset(struct mc_flow *f, size_t key_count);
/* Adds to the set of a key, made when missing. */
int mc_flow_set_add(struct mc_flow *f, size_t key, uint32_t leaf);
/* The set of a key, or NULL if it is empty or there is none. */
struct mc_leafset *mc_flow_set(const struct mc_flow *f, size_t key);
/* Any number below n. */
uint32_t mc_flow_random(struct mc_flow *f, uint32_t n);

/*
 * Levels of all devices from those with too much, over exchanges that cost
 * nothing, until devices with too little are reached (ring/search.c): their
 * level, or 0 if none can be. Sets err.
 */
uint32_t mc_flow_search(struct mc_flow *f);

/* Moves replicas along shortest paths to the devices of that level that have
 * too little, until no such path is left; how many (ring/push.c). Sets err. */
uint64_t mc_flow_push(struct mc_flow *f, uint32_t target);

/*
 * Gentle, when no place is vacant: moves replicas that are held back by taking moves
 * of other rows back (ring/evict.c), as far as it finds such. The lists are not kept.
 * Sets and returns err.
 */
int mc_flow_evict(struct mc_flow *f);

/*
 * Gentle, when no place is vacant: looks for what every table within the rules holds
 * back (ring/hold.c), and raises must_hold to that. The sets are not kept. Sets and
 * returns err.
 */
int mc_flow_must_hold(struct mc_flow *f);

/* True if the table is the optimum of the rule and its prices show it (ring/prove.c);
 * false: it is not, or they do not. Sets err. */
bool mc_flow_proved(struct mc_flow *f);

#endif /* MCOS_RING_FLOW_H */
