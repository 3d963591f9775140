/* SPDX-License-Identifier: Apache-2.0 */
/* ring/primary.h -- who comes first in a row, after a rebalance. */
#ifndef MCOS_RING_PRIMARY_H
#define MCOS_RING_PRIMARY_H

#include "ring/plan.h"

/*
 * A first table shuffles its rows, a rebalance leaves every replica that stays in its
 * place: who comes first drifts from one change to the next. In rows that have another
 * replica than before, this exchanges the first with one further back, as long as
 * either is first more or less often than chance would have it. What a row holds
 * stays. Fails with NOMEM.
 */
int mc_primary_even(const struct mc_plan *plan, const struct mc_plan_old *old,
                    uint32_t *table);

#endif /* MCOS_RING_PRIMARY_H */
