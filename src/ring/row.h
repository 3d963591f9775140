/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/row.h -- one row of a table against the rule: no more than ceil of any node,
 * and in a strict plan no less than floor when it is full (ring/floor.h).
 *
 * Places of a row that hold no leaf of the plan (MC_DEVICE_NONE, or the number
 * just past the last leaf for a vacant place) count for nothing.
 */
#ifndef MCOS_RING_ROW_H
#define MCOS_RING_ROW_H

#include "ring/leafset.h"
#include "ring/plan.h"

#define MC_SPANS_MAX (5u * MC_REPLICAS_MAX + 1u)

/* Leaves first .. end - 1. */
struct mc_span {
    uint32_t first;
    uint32_t end;
};

/* True if leaf may join the row when place `skip` is empty (skip >= stride: none). */
bool mc_row_fits(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                 uint32_t leaf);

/* True if the row is within the rule, or can be filled up to one that is. */
bool mc_row_ok(const struct mc_plan *plan, const uint32_t *row);

/*
 * The leaves that may not join when place `skip` is empty, as spans: of a plan that
 * is not strict for every other place the highest node above it that is full, or
 * the leaf itself. Returns how many.
 */
unsigned mc_row_closed(const struct mc_plan *plan, const uint32_t *row, unsigned skip,
                       struct mc_span spans[MC_SPANS_MAX]);

/* A member outside all spans, the first at or after `start`, going round;
 * MC_DEVICE_NONE if there is none. */
uint32_t mc_row_find(const struct mc_leafset *set, const struct mc_span *spans,
                     unsigned span_count, uint32_t start);

#endif /* MCOS_RING_ROW_H */
