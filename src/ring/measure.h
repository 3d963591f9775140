/* SPDX-License-Identifier: Apache-2.0 */
/* ring/measure.h -- how good a table is, counted row by row as it is made. */
#ifndef MCOS_RING_MEASURE_H
#define MCOS_RING_MEASURE_H

#include "ring/plan.h"

struct mc_measure {
    const struct mc_plan *plan; /* borrowed until the end */
    uint64_t *held;             /* of each leaf */
    uint64_t *enough;           /* of each node: rows that reach its floor */
    uint32_t *floor;            /* of each node */
    unsigned tiers; /* those down to the last that has a node with a floor */
    uint64_t violations;
};

/* Fails with NOMEM; fini in any case. */
int mc_measure_init(struct mc_measure *m, const struct mc_plan *plan);
void mc_measure_fini(struct mc_measure *m);
/* Rows of leaves; any order, each once. */
void mc_measure_rows(struct mc_measure *m, const uint32_t *rows, uint32_t count);
/* All but what moved. */
void mc_measure_report(const struct mc_measure *m, struct mc_build_report *ret_report);

#endif /* MCOS_RING_MEASURE_H */
