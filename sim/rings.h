/* SPDX-License-Identifier: Apache-2.0 */
/* sim/rings.h -- small rings for plays: three replicas on a few devices. */
#ifndef MCOS_SIM_RINGS_H
#define MCOS_SIM_RINGS_H

#include "ring/draft.h"

#define SIM_PART_POWER 4u

/* Inits the draft. `salt` makes one table differ from the next. */
void sim_ring_draft(struct mc_draft *draft, const char *name, bool tombstone,
                    unsigned salt, unsigned part_power);

#endif /* MCOS_SIM_RINGS_H */
