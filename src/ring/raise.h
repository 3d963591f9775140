/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/raise.h -- a greater part power, and nothing else: no replica moves.
 *
 * A build that raises the part power and changes nothing else that shares are made of
 * splits the table and leaves it so. The quotas in force are what the devices hold; the
 * next build that is not one of these either goes to those of the spec, as far as
 * min_move_seconds lets it (docs/adr/0016).
 *
 * Swift's way takes three steps, and nothing may move until the last: the next power is
 * announced (and each disk links its files to where they will be), the table is
 * split (and each disk cleans up), the announcement is withdrawn.
 */
#ifndef MCOS_RING_RAISE_H
#define MCOS_RING_RAISE_H

#include "ring/built.h"

/* Whether the step from a ring to a spec is one of Swift's. Fails with PARTPOWER. */
int mc_raise_check(const struct mc_spec *spec, const struct mc_head *old,
                   struct mcos_diag *diag);

/* True if a build from a ring to a spec is to move nothing: one of Swift's steps but
 * the last, or a greater part power and nothing else that shares are made of. */
bool mc_raise_holds(const struct mc_spec *spec, const struct mc_ring *old);

/*
 * The table as it was, split, in leaves, into table; the plan is the spec's. Fails with
 * VALUE or DEVICE where replicas or devices would have to move.
 */
int mc_raise_hold(const struct mc_built *b, uint32_t *table, struct mcos_diag *diag);

/*
 * Fills what is due, which is of as many replicas as the spec comes to (of a fraction
 * that may be more than the split gives), and counts the moves that wait: those to it.
 * Then puts the quotas in force: the plan's are what is held. in: what the plan was
 * made of. Fails with NOMEM, EMPTY (stopped).
 */
int mc_raise_settle(struct mc_built *b, const struct mc_plan_input *in,
                    uint64_t *ret_waiting);

#endif /* MCOS_RING_RAISE_H */
