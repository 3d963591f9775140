/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/build.h -- the builder: from a spec, and the ring before, to a table.
 *
 * Exact quotas (every device holds floor or ceil of its ideal share), optimal
 * dispersion over region, zone and host, few moves. Deterministic: equal input
 * gives equal bytes on every machine; no float decides anything.
 */
#ifndef MCOS_RING_BUILD_H
#define MCOS_RING_BUILD_H

#include "ring/draft.h"
#include "ring/spec.h"

/*
 * Hears of a build on its way: now and then, many times a second, how far it is in
 * thousandths; a second try begins at 0 again. False stops the build.
 */
struct mc_progress {
    bool (*tell)(void *ctx, unsigned thousandths);
    void *ctx;
};

struct mc_build_input {
    const struct mc_spec *spec;
    const struct mc_ring *old; /* NULL: a first build. A tombstone counts as NULL */
    uint32_t now_s; /* seconds since 1970, for last moves and min_move_seconds */
    uint64_t seed;  /* same seed, same table */
    const struct mc_progress *progress; /* borrowed; NULL: nobody wants to know */
};

struct mc_build_report {
    uint64_t assignments;
    uint64_t moved;             /* replicas that are on another device than before */
    uint64_t moved_lower_bound; /* no table within the rules moves fewer */
    uint64_t held_back; /* replicas that min_move_seconds kept where they are; moves
                           that wait while nothing moves for a greater part power */
    uint64_t held_back_lower_bound; /* no table within the rules leaves fewer waiting */
    double balance; /* worst |held / ideal - 1| of a device with weight, percent */
    double max_deviation; /* worst |held - ideal| in replicas */
    double dispersion;    /* replicas beyond ceil at their worst tier, percent */
    uint64_t violations;  /* the same, as a count: 0 is optimal */
    uint64_t below_floor; /* (partition, node) pairs below floor, at any tier */
};

/*
 * Fills an initialised draft: placement, devices (ids: by name from old, new
 * ones after the last id ever used, removed ones stay as removed slots), table,
 * last moves, overload, min_move_seconds, algorithm, note; from old also extra,
 * hash check and embedded secret. Not the name, stamp or ancestors; the hash check
 * of a first swift-md5 ring is the caller's. A first placement is no move: moved is
 * 0 and there are no last moves. With min_move_seconds a partition moves one
 * replica, and none within that time, but for what must move: a replica on a
 * device that is removed or has no weight, or one beyond ceil. On failure the draft is
 * only good for mc_draft_fini().
 *
 * With a greater part power than old's every partition of old is split, and its parts
 * are what is rebalanced: moves and last moves are counted against them. If nothing
 * else changes that shares are made of, nothing moves (docs/adr/0016).
 *
 * Fails as mc_spec_check does, and with UPGRADE if old was made by a newer
 * builder, PARTPOWER if old has a greater part power, VALUE if another hash, NOMEM,
 * EMPTY if it was stopped.
 */
int mc_build(const struct mc_build_input *in, struct mc_draft *draft,
             struct mc_build_report *ret_report, struct mcos_diag *diag);

/*
 * The same, and keeps what explains it (ring/explain.h): *ret_built is yours, and
 * borrows the input and the draft, which stay as they are until then.
 */
struct mc_built;
int mc_build_run(const struct mc_build_input *in, struct mc_draft *draft,
                 struct mc_build_report *ret_report, struct mc_built **ret_built,
                 struct mcos_diag *diag);
void mc_built_free(struct mc_built *built); /* NULL is fine */

/* The same figures for any ring, moved counted against `old` (may be NULL), which is
 * split first where it has fewer partitions. */
int mc_build_measure(const struct mc_ring *ring, const struct mc_ring *old,
                     struct mc_build_report *ret_report);

#endif /* MCOS_RING_BUILD_H */
