/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/rings.h -- small rings for plays: three replicas on a few devices. From 2^8
 * partitions on the tables are as irregular as a builder's, and one differs from the
 * next in a few rows: there a difference is worth it.
 */
#ifndef MCOS_SIM_RINGS_H
#define MCOS_SIM_RINGS_H

#include "ring/draft.h"

#define SIM_PART_POWER     4u
#define SIM_PART_POWER_MAX 16u

/* Inits the draft. `salt` makes one table differ from the next. */
void sim_ring_draft(struct mc_draft *draft, const char *name, bool tombstone,
                    unsigned salt, unsigned part_power);

#endif /* MCOS_SIM_RINGS_H */
