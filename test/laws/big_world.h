/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large rings and every kind of change to them: three replicas (or 3.4), three
 * regions, four zones in each, devices of three sizes, and weights that leave the
 * quotas of regions and zones just off whole numbers of replicas.
 */
#ifndef TEST_BIG_WORLD_H
#define TEST_BIG_WORLD_H

#include "ring/plan.h"

enum big_change {
    BIG_SAME,
    BIG_MORE,      /* 5 % devices */
    BIG_FEWER,     /* every 20th */
    BIG_DRAIN,     /* every 20th has weight 0 */
    BIG_LESS_ZONE, /* without one zone */
    BIG_MORE_ZONE, /* another */
    BIG_LESS_REGION,
    BIG_MORE_REGION,
    BIG_WEIGHTS,  /* every 7th a quarter more */
    BIG_REPLICAS, /* 0.4 more, or less if there is a fraction */
    BIG_OVERLOAD, /* 10 % of it, or none if there is some */
    BIG_CHANGES
};
extern const char *const big_names[BIG_CHANGES];

struct big_world {
    unsigned power;
    uint64_t replicas; /* millionths */
    uint32_t overload;
    bool strict;
    struct mc_device *devices; /* texts live as long as the process */
    uint32_t count;
    uint32_t *was; /* index in the world before, UINT32_MAX: new; NULL: no such */
    uint32_t made; /* devices so far: the number of the next */
};

/* skewed: region weights of 1.07 : 0.95 : 0.98, otherwise all alike. */
struct big_world big_first(unsigned power, uint32_t count, bool skewed);
struct big_world big_next(const struct big_world *w, enum big_change change);
void big_fini(struct big_world *w);

/* A plan, and the table: of a first build if old is NULL. */
struct big_ring {
    struct big_world world;
    struct mc_plan plan;
    uint32_t *before; /* the table it was made from, in leaves of this plan, or NULL */
    unsigned before_stride;
    uint32_t *table;
    uint32_t *price;
    uint8_t *tight;
    struct mc_plan_moves moves;
};

/* Takes the world over. */
struct big_ring big_build(struct big_world take_world, uint64_t seed);
struct big_ring big_rebalance(const struct big_ring *old, enum big_change change,
                              bool gentle, uint64_t seed);
void big_ring_fini(struct big_ring *r);

#endif /* TEST_BIG_WORLD_H */
