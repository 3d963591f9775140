/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/plan.h -- who gets how much, and tables that keep to it.
 *
 * A plan is the part of a build before any partition is named: the tree of the
 * devices, the ideal share and the exact quota of each, and for every node v
 * with quota Q_v the least and most replicas of one partition below it:
 * floor and ceil of Q_v / partitions. Tables here hold leaves of the plan's
 * tree, partition-major, MC_DEVICE_NONE where a row is shorter or nothing is.
 */
#ifndef MCOS_RING_PLAN_H
#define MCOS_RING_PLAN_H

#include "ring/build.h"
#include "ring/tree.h"

/* For products of two 64-bit numbers. */
__extension__ typedef unsigned __int128 mc_u128;

#define MC_IDEAL_BITS 35u /* ideals count 1 / 2^35 of a replica */
#define MC_IDEAL_ONE  (1ull << MC_IDEAL_BITS)

/* What overload did to a node's part of its parent, and by which bound of the most
 * even spread; `limit` is that bound, in replicas of one partition. */
enum mc_bound_kind {
    MC_BOUND_NONE,  /* its part is what the weights say */
    MC_BOUND_MOST,  /* less: it may have no more than limit */
    MC_BOUND_LEAST, /* more: it is due limit */
    MC_BOUND_LESS,  /* what its neighbours are due is taken from it */
    MC_BOUND_MORE,  /* what its neighbours may not have comes to it */
};
struct mc_bound {
    uint8_t kind;
    uint8_t limit; /* of MOST and LEAST */
};

/* A node or leaf that takes replicas of a row for itself. */
struct mc_taker {
    uint32_t node;  /* MC_DEVICE_NONE: a leaf */
    uint8_t tier;   /* of a node */
    uint32_t first; /* leaves below */
    uint32_t end;
};

struct mc_plan {
    const struct mc_progress *progress; /* NULL, unless somebody sets it */
    uint32_t part_count;
    uint64_t assignments;
    unsigned stride;    /* replicas of the longest row */
    uint32_t long_rows; /* rows 0 .. long_rows - 1 have stride, the others one less */
    struct mc_tree tree;
    uint64_t *ideal; /* of each leaf: by weight, capped, with overload */
    uint32_t *quota; /* of each leaf: floor or ceil of ideal; their sum is exact */
    uint64_t *node_quota;
    uint8_t *node_most;      /* ceil(node_quota / part_count) */
    bool strict;             /* a rebalance keeps floors as well (ring/floor.h) */
    uint8_t *node_takes;     /* by how much its floor is above those of its children */
    uint8_t *node_lets;      /* 1: lets one more through, for ceil is above floor */
    struct mc_taker *takers; /* all but the root that take any: by tier, leaves last */
    unsigned taker_count;
    /* Only with overload, otherwise NULL: what it changed. */
    uint64_t *by_weight;         /* of each leaf: the ideal before */
    struct mc_bound *node_bound; /* of each node */
    struct mc_bound *leaf_bound;
};

struct mc_plan_input {
    const struct mc_device *devices;
    uint32_t device_count;
    unsigned part_power;
    uint64_t assignments;
    uint32_t overload; /* millionths */
    bool strict;
    const uint32_t *held; /* replicas each device has now; NULL: a first build */
    bool as_held;         /* these are the quotas; they add up to assignments */
};

/* Input as mc_spec_check lets it pass. Fails with NOMEM. */
int mc_plan_init(struct mc_plan *plan, const struct mc_plan_input *in);
void mc_plan_fini(struct mc_plan *plan);

/* Tells how much is done; 0, or EMPTY if that is to be the end. */
int mc_plan_tell(const struct mc_plan *plan, uint64_t done, uint64_t of);

/* Replicas of row p. */
static inline unsigned mc_plan_row(const struct mc_plan *plan, uint32_t part)
{
    return plan->stride - (part >= plan->long_rows);
}

/*
 * Each row once, in an order that is scattered over the table, 64 neighbours at a time:
 * for what may end before the last row, so that no part of the table is preferred.
 */
uint32_t mc_plan_scattered(const struct mc_plan *plan, uint32_t i);

/*
 * Fills ideal, quota, node_quota and node_most of a plan whose tree and arrays
 * are there (ring/quota.c). Fails with NOMEM.
 */
int mc_quota_fill(struct mc_plan *plan, const struct mc_plan_input *in);

/* Takes rows of a table as they are made: `count` of them, from partition `first` on,
 * in order. Lent for the call. */
struct mc_rows {
    void (*take)(void *ctx, uint32_t first, uint32_t count, const uint32_t *rows);
    void *ctx;
};

/*
 * A first table (ring/first.c): exact quotas, and for every row and node floor
 * or ceil. Fails with NOMEM, EMPTY (stopped).
 */
int mc_plan_first_rows(const struct mc_plan *plan, uint64_t seed,
                       const struct mc_rows *to);
/* The same into one table, which holds part_count * stride. */
int mc_plan_first(const struct mc_plan *plan, uint64_t seed, uint32_t *table);

/*
 * The table before: leaves of the new plan, MC_DEVICE_NONE for devices that are
 * gone. Any rows: short, long, with holes, with a device twice.
 */
struct mc_plan_old {
    const uint32_t *table;
    unsigned stride;
    bool gentle;           /* one replica of a partition at a time, unless forced */
    const uint8_t *frozen; /* one byte a partition: it moved too lately; may be NULL */
    uint32_t *price;       /* filled, for each leaf: the certificate; may be NULL */
    uint8_t *tight; /* filled, for each leaf: 1 in the set that shows held_bound, if
                       that is not 0; may be NULL */
};

struct mc_plan_moves {
    uint64_t moved;      /* replicas on a device that did not hold them */
    uint64_t bound;      /* no table within the rules moves fewer */
    uint64_t held_back;  /* replicas beyond quota that gentle left where they are */
    uint64_t held_bound; /* no table within its rules leaves fewer */
    uint64_t undone;     /* paths that did not fit a row; 0 unless gentle */
    unsigned rounds;
};

/*
 * The table of the new plan that keeps most of the old one (ring/rebalance.c):
 * exact quotas (gentle: as near as it may), no more than ceil of a node in a
 * row, and in a strict plan no less than floor. Fails with NOMEM, EMPTY (stopped).
 *
 * With the prices anybody can see for himself that no table keeps more: one with
 * these quotas keeps at most sum(price * quota) and, for every row, the most that
 * (1 if old) - price can add up to within the rule. A table that keeps so many is
 * optimal. Gentle results mostly meet that bound too, but need not. What they hold back
 * anybody can bound with the set: every row has at least so many replicas on it, by
 * what the row may lose, and what that adds up to beyond the quotas of the set is
 * held_bound.
 */
int mc_plan_rebalance(const struct mc_plan *plan, const struct mc_plan_old *old,
                      uint64_t seed, uint32_t *table, struct mc_plan_moves *ret_moves);

/* Figures of a table; moved and its bound against old, which may be NULL. */
int mc_plan_measure(const struct mc_plan *plan, const uint32_t *table,
                    const struct mc_plan_old *old, struct mc_build_report *ret_report);

#endif /* MCOS_RING_PLAN_H */
