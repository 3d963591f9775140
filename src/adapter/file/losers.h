/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/losers.h -- records that lost a conflict which nobody settled
 * yet: conflicts/<name>/<stamp>.ring, at most MC_LOSERS_MAX, the greatest.
 *
 * Which ones are kept depends on the records alone and not on the order in
 * which they came: none is an ancestor of another or of the record held.
 */
#ifndef MCOS_ADAPTER_FILE_LOSERS_H
#define MCOS_ADAPTER_FILE_LOSERS_H

#include "adapter/file/folder.h"
#include "adapter/file/history.h"
#include "ring/ring.h"

/*
 * The losers that `held` (NULL: none) does not settle, greatest first; each
 * yours. Damaged files are passed over. Fails with IO, NOMEM.
 */
int mc_losers_list(const struct mc_place *place, const char *name,
                   const struct mc_ring *held, struct mc_ring *ret_rings[MC_LOSERS_MAX],
                   size_t *ret_count, struct mcos_diag *diag);

/*
 * Keeps a loser durably, unless it is kept already, one kept descends from it,
 * or MC_LOSERS_MAX greater ones are there; then those that it descends from go.
 * Fails with IO, FULL, NOMEM: nothing changed.
 */
int mc_losers_add(struct mc_place *place, struct mc_ring *loser,
                  struct mcos_diag *diag);

/*
 * Keeps the record in force, which is about to lose, by a link to its file.
 * Until it has lost it is passed over by mc_losers_list, so a merge that goes no
 * further has changed nothing.
 */
int mc_losers_link(struct mc_place *place, const char *name,
                   const struct mc_entry *held, struct mcos_diag *diag);

/* Removes what `ring` settles (itself, its ancestors, and those of which it cannot
 * tell), damaged ones (to
 * quarantine) and those beyond MC_LOSERS_MAX. What fails is met again next time. */
void mc_losers_settle(const struct mc_place *place, const struct mc_ring *ring);

#endif /* MCOS_ADAPTER_FILE_LOSERS_H */
