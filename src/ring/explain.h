/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/explain.h -- what a build does to whom, and why.
 *
 * Every word is taken from the calculation of the quotas and from the two tables;
 * nothing is guessed from the result.
 */
#ifndef MCOS_RING_EXPLAIN_H
#define MCOS_RING_EXPLAIN_H

#include "ring/build.h"
#include "ring/survive.h"

/* Why a device does not hold what its weight says. */
enum mc_why_kind {
    MC_WHY_REMOVED,    /* it is not in the spec: its replicas leave */
    MC_WHY_NO_WEIGHT,  /* its weight is 0 */
    MC_WHY_DRAINED,    /* ... and was not: its replicas leave */
    MC_WHY_FULL,       /* it holds one replica of every partition: no device has more */
    MC_WHY_TAKES_OVER, /* it holds what `devices` full ones cannot */
    MC_WHY_AT_MOST,    /* overload: its node of that tier gets at most `limit` */
    MC_WHY_AT_LEAST,   /* overload: its node of that tier is due `limit` */
    MC_WHY_GIVES,      /* overload: to neighbours of that tier, which are due more */
    MC_WHY_TAKES,      /* overload: from neighbours of that tier, which get less */
    MC_WHY_KEEPS,      /* `holder` keeps `replicas` here beyond the quota */
    MC_WHY_WAITS,      /* ... keeps `replicas` of the quota elsewhere */
    MC_WHY_KINDS
};

/* What makes replicas wait for a later build. */
enum mc_holder {
    MC_HOLDER_NONE,
    MC_HOLDER_GENTLE,   /* min_move_seconds */
    MC_HOLDER_ANNOUNCE, /* next_partition_power: nothing moves */
    MC_HOLDER_RAISE,    /* the part power is all that grows: nothing moves */
};

#define MC_WHY_MAX 3u /* of one device: full or takes over, overload, what waits */

struct mc_why {
    enum mc_why_kind kind;
    unsigned tier; /* MC_TIER_REGION .. MC_SURVIVE_DEVICE, with overload */
    unsigned limit;
    enum mc_holder holder;
    uint32_t devices;
    uint64_t replicas;
};

struct mc_explain_device {
    uint32_t id;
    bool added; /* not in the ring before, or removed there */
    bool removed;
    uint64_t weight_before; /* millionths; 0 if added */
    double wants;   /* its weight's share of all replicas, whatever else is so */
    uint64_t quota; /* by the weights, also where nothing moves */
    uint64_t had;   /* of the partitions before, split */
    uint64_t has;
    uint64_t moves_in;
    uint64_t moves_out;
    unsigned why_count; /* 0: it holds floor or ceil of what it wants, and has weight */
    struct mc_why why[MC_WHY_MAX];
};

struct mc_explain {
    bool first;            /* there was no ring: nothing below is `before` */
    uint32_t parts_before; /* fewer than now: each was split, which moves nothing */
    struct mc_build_report was; /* of the ring before, as it was meant then */
    struct mc_survival survived[MC_SURVIVE_TIERS]; /* by the ring before */
    struct mc_survival survives[MC_SURVIVE_TIERS];
    uint32_t moving[MC_REPLICAS_MAX + 1]; /* partitions of which so many move */
    uint32_t at_risk; /* of these, partitions of which no majority stays in place */
    enum mc_holder holder; /* ANNOUNCE, RAISE: nothing of the next three */
    uint32_t below_floor;  /* partitions with less than floor in a node of any tier */
    uint64_t moves;        /* of all partitions */
    bool strict_known;
    uint64_t strict_moves; /* what floors in all partitions would have come to */
    /* By id: all of the spec, and those removed now. */
    struct mc_explain_device *devices;
    uint32_t device_count;
};

/* Of what mc_build_run() built. On success *ret is yours (fini). Fails with NOMEM. */
int mc_explain_init(struct mc_explain *ret, const struct mc_built *built);
/* Finds strict_moves as well, which can take a second build. Fails with NOMEM, EMPTY.
 */
int mc_explain_strict(struct mc_explain *explain, const struct mc_built *built);
void mc_explain_fini(struct mc_explain *explain);

/* The figures of a ring as it is, as mc_build_measure gives them, and what it survives.
 * Fails with NOMEM. */
int mc_explain_ring(const struct mc_ring *ring, struct mc_build_report *ret_report,
                    struct mc_survival ret_survives[MC_SURVIVE_TIERS]);

#endif /* MCOS_RING_EXPLAIN_H */
