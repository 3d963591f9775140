/* SPDX-License-Identifier: Apache-2.0 */
/* resolver/chain_in.h -- what a chain is inside; for chain.c and look.c. */
#ifndef MCOS_RESOLVER_CHAIN_IN_H
#define MCOS_RESOLVER_CHAIN_IN_H

#include "resolver/chain.h"

#define MC_CHAIN_PAUSE_MS 250u /* the first time that a place does not answer */

struct mc_place {
    struct mc_source *source;
    char *address;
    uint64_t rest_ms; /* 0: it answers */
    uint64_t rest_until_ms;
    int rest_err; /* why it rests */
    char rest_why[128];
};

struct mc_chain {
    struct mc_chain_config config;
    struct mc_place places[MCOS_SOURCES_MAX];
    size_t place_count;
    struct mc_followed **rings;
    size_t ring_count;
    size_t ring_room;
    struct mc_cluster *clusters; /* sorted by name */
    size_t cluster_count;
};

/* A new view of what is in force. Fails with NOMEM: the old one stays. */
int mc_chain_show(struct mc_chain *chain, struct mc_followed *ring);

bool mc_chain_stopped(const struct mc_chain *chain);

/* Is the place left alone just now? */
bool mc_place_resting(const struct mc_place *place, const struct mc_chain_now *now);
/* What a call to the place came to: if it did not answer, it rests. */
void mc_place_heard(const struct mc_chain *chain, struct mc_place *place, int err,
                    const struct mc_chain_now *now);

#endif /* MCOS_RESOLVER_CHAIN_IN_H */
