/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/raise.h -- Swift's way to a greater part power.
 *
 * It takes three steps, and nothing may move until the last: the next power is
 * announced (and each disk links its files to where they will be), the table is
 * split (and each disk cleans up), the announcement is withdrawn. A ring without
 * next_part_power is split at once, and rebalanced in the same build.
 */
#ifndef MCOS_RING_RAISE_H
#define MCOS_RING_RAISE_H

#include "ring/built.h"

/* Whether the step from a ring to a spec is one of these. Fails with PARTPOWER. */
int mc_raise_check(const struct mc_spec *spec, const struct mc_head *old,
                   struct mcos_diag *diag);

/* True if this build is to move nothing. */
bool mc_raise_holds(const struct mc_built *b);

/*
 * The table as it was, split, in leaves, into table; *ret_held_back: replicas beyond
 * the quotas that the weights say now. Fails with VALUE or DEVICE where replicas or
 * devices would have to move.
 */
int mc_raise_hold(const struct mc_built *b, uint32_t *table, uint64_t *ret_held_back,
                  struct mcos_diag *diag);

#endif /* MCOS_RING_RAISE_H */
