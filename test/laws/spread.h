/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How evenly a table shares out what its quotas leave open: who comes first in a row,
 * who shares partitions with whom, where in the table a device's partitions lie.
 *
 * Random tables have the plan's quotas, and floor and ceil in every row.
 */
#ifndef TEST_SPREAD_H
#define TEST_SPREAD_H

#include "ring/plan.h"

struct spread {
    /* Squares of how far each device's first places are from its part of them, beside
     * what drawing the places of each row at random gives: 1. */
    double primaries;
    double primaries_worst; /* of one device: in standard deviations of that */
    /* Devices that a device shares partitions with, mean over all, beside a table
     * drawn at random; and the worst device beside its own number there. */
    double width;
    double width_worst;
    /* Squares of how far partitions shared by two devices are from what random tables
     * give, beside what chance gives: 1. */
    double pairs;
    double pair_most; /* the largest part of one device's partitions that one other has,
                         beside the same in a random table */
    /* Chi-square of each device's partitions over 64 ranges of them, mean by degree of
     * freedom: 1 by chance. */
    double ranges;
    /* The same of what moved, all devices together; 0 if little did. */
    double moved_ranges;
};

/* old: what it was made from, in leaves, or NULL. */
struct spread measure_spread(const struct mc_plan *plan, const uint32_t *table,
                             const uint32_t *old, unsigned old_stride);

#endif /* TEST_SPREAD_H */
