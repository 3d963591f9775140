/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/survive.h -- which losses a table survives.
 *
 * Of each tier, the most nodes of which any may be lost together while every
 * partition keeps a replica, or keeps more than half of its replicas.
 */
#ifndef MCOS_RING_SURVIVE_H
#define MCOS_RING_SURVIVE_H

#include "ring/tree.h"

enum { MC_SURVIVE_DEVICE = MC_TIERS, MC_SURVIVE_TIERS }; /* below MC_TIER_HOST */

struct mc_survival {
    uint32_t nodes;   /* of that tier that hold a replica */
    unsigned one;     /* any so many may be lost, and every partition keeps one */
    unsigned most;    /* ... and every partition keeps a majority */
    uint32_t weakest; /* partitions of which one loss more can take the last replica */
};

/* Fed row by row. */
struct mc_survive {
    const struct mc_tree *tree; /* borrowed until the end */
    uint8_t *seen;              /* nodes, then leaves, that hold something */
    struct mc_survival tier[MC_SURVIVE_TIERS];
    /* Rows of that many replicas that are apart in that tier and so further down, and
     * not above; they are noted at the end. */
    uint32_t apart[MC_SURVIVE_TIERS][MC_REPLICAS_MAX + 1];
};

/* Fails with NOMEM; end in any case. */
int mc_survive_begin(struct mc_survive *s, const struct mc_tree *tree);
/* One partition: the leaves that hold it, all different; none counts for nothing. */
void mc_survive_row(struct mc_survive *s, const uint32_t *leaves, unsigned width);
/* Without any row all figures are 0. */
void mc_survive_end(struct mc_survive *s, struct mc_survival ret[MC_SURVIVE_TIERS]);

#endif /* MCOS_RING_SURVIVE_H */
