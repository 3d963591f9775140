/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/floor.h -- one row of a table against the strict rule: floor and ceil.
 *
 * Each replica climbs from its device. A node takes as many of those that arrive
 * as its floor is above the floors of its children, and lets one more through if
 * its quota is no whole number of replicas; the root takes the rest of the row.
 * A row from which no node has to let through more than it may can be filled up
 * to one that has floor and ceil everywhere, and only such a row can: so this one
 * test serves rows with vacant places and whole ones, and both bounds.
 *
 * The functions are those of ring/row.h, which calls them for a strict plan.
 */
#ifndef MCOS_RING_FLOOR_H
#define MCOS_RING_FLOOR_H

#include "ring/row.h"

/* Fills node_takes, node_lets and takers of a plan that has its quotas. */
int mc_floor_fill(struct mc_plan *plan);

bool mc_floor_fits(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                   uint32_t leaf);
bool mc_floor_ok(const struct mc_plan *plan, const uint32_t *row);
unsigned mc_floor_closed(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                         struct mc_span spans[MC_SPANS_MAX]);

#endif /* MCOS_RING_FLOOR_H */
