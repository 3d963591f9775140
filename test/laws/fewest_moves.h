/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fewest moves that any table can do with, found the slow and plain way: a
 * min-cost flow with a node for each partition and device group, by successive
 * shortest paths. Shares no code with the builder.
 */
#ifndef TEST_FEWEST_MOVES_H
#define TEST_FEWEST_MOVES_H

#include "ring/plan.h"

/* Under exact quotas and ceil, and if the plan is strict floor; UINT64_MAX if no table
 * keeps to them. */
uint64_t fewest_moves(const struct mc_plan *plan, const struct mc_plan_old *old);

/* True if the old row has that leaf. */
bool row_had(const struct mc_plan_old *old, uint32_t part, uint32_t leaf);

#endif /* TEST_FEWEST_MOVES_H */
