/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/store.h -- a machine's disk: the store port in memory. It outlives the
 * agents that open it; it can be wiped, copied, and made to fail.
 */
#ifndef MCOS_SIM_STORE_H
#define MCOS_SIM_STORE_H

#include "port/store.h"

#define SIM_KEEP_VERSIONS 10u

/* All that is kept of one ring name. */
struct sim_shelf {
    struct mc_name name;
    struct mc_ring *held;    /* NULL: none that can be read */
    struct mc_ring **sealed; /* of a later format: kept for who can read them */
    size_t sealed_count;
    struct mc_ring *losers[MC_LOSERS_MAX]; /* greatest first */
    size_t loser_count;
    struct mc_ring *older[SIM_KEEP_VERSIONS]; /* latest first */
    size_t older_count;
};

struct sim_store {
    struct mc_store port;      /* first */
    struct sim_shelf *shelves; /* by name */
    size_t count;
    struct mc_blob *clusters;
    unsigned reads; /* the greatest format; what is above it is sealed */
    int fail;       /* what writing fails with; 0: it works */
    uint64_t failures;
    uint64_t quarantined;
    uint64_t decreased; /* merges after which a smaller record was held: a bug */
};

struct sim_store *sim_store_new(void);
void sim_store_free(struct sim_store *store);
void sim_store_wipe(struct sim_store *store);
struct sim_store *sim_store_copy(const struct sim_store *store); /* yours */
const struct sim_shelf *sim_store_find(const struct sim_store *store, const char *name);

/* The machine is of another version from now on. */
void sim_store_reads(struct sim_store *store, unsigned format);

/* Is this record in it: held, sealed, an ancestor of what is held, or a loser (or its
 * ancestor)? */
bool sim_store_covers(const struct sim_store *store, const struct mc_ring *ring);

#endif /* MCOS_SIM_STORE_H */
