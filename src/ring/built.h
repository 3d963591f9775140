/* SPDX-License-Identifier: Apache-2.0 */
/* ring/built.h -- a build on its way and after it, for this room and nobody else. */
#ifndef MCOS_RING_BUILT_H
#define MCOS_RING_BUILT_H

#include "ring/build.h"
#include "ring/plan.h"

struct mc_built {
    const struct mc_build_input *in;
    const struct mc_ring *old; /* NULL: a first build */
    struct mc_draft *draft;
    bool still; /* nothing moves (ring/raise.h) */
    struct mc_plan plan;
    struct mc_plan due; /* where nothing moves: what the spec asks for, while the
                           quotas of `plan` are what devices hold (ring/raise.h) */
    uint32_t *id_of;    /* index in the spec -> id */
    uint32_t *id_of_leaf;
    uint32_t *index_of; /* id -> index in the spec, or MC_DEVICE_NONE */
    uint32_t *had;      /* replicas of each id before */
    uint32_t *held;     /* the same, of each device of the spec; NULL: a first build */
    uint32_t *before;   /* the old table, split, in leaves; NULL: a first build */
    unsigned before_stride;
    uint8_t *frozen; /* of each partition, with min_move_seconds; otherwise NULL */
    uint32_t *price; /* of each leaf: the certificate (ring/plan.h); 0 at first */
};

#endif /* MCOS_RING_BUILT_H */
