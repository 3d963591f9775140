/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/delta.h -- a record as its difference from another one.
 *
 * Of the table only the cells that changed are said: how many each device gives and
 * gets, which of them, and to whom; of everything else the bytes that are not as
 * before. Any two records will do; it is short where one was made of the other
 * (docs/format.md has the bytes, and the floor that they are measured by).
 *
 * A difference vouches for nothing. What it makes is checked as any record is that
 * came from outside: from another parent, or from damaged bytes, come bytes that do
 * not agree with the head.
 */
#ifndef MCOS_RING_DELTA_H
#define MCOS_RING_DELTA_H

#include "ring/ring.h"

/* Appends the difference; b->max bounds it. Fails with TOOBIG (then, or when more than
 * MC_DELTA_CELLS_MAX cells or MC_DELTA_LITERALS_MAX bytes of text are new, or the child
 * is longer than MC_DELTA_GROWTH allows: it would be no shorter than the record),
 * NOMEM. b then keeps what was in it. */
int mc_delta_make(const struct mc_ring *parent, const struct mc_ring *child,
                  struct mc_buf *b);

/*
 * The bytes of the record with this head: not checked yet, but for their length. Open
 * them with MC_CHECK_SHA256. *ret_blob is yours. Any input is safe.
 * Fails as mc_head_decode (of the head), with UPGRADE (a later form), TOOBIG (it
 * outgrows its parent: nothing was done), DIGEST (damaged, or not a difference from
 * this parent), NOMEM.
 */
int mc_delta_apply(const struct mc_ring *parent, struct mc_bytes head,
                   struct mc_bytes delta, struct mc_blob **ret_blob,
                   struct mcos_diag *diag);

#endif /* MCOS_RING_DELTA_H */
