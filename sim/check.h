/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/check.h -- what must be true of any world.
 *
 *  - what resolvers are given never decreases, and it was stored before;
 *  - a record is acknowledged to the bus only when the disk has it;
 *  - what an operator was told is safe stays safe: every minted record is, on
 *    some disk, held, an ancestor of what is held, or kept as a loser; after
 *    healing on every disk (unless its last copy went with a wiped disk);
 *  - no disk holds a record that nobody minted (one damaged on its way);
 *  - after healing all hold the same.
 */
#ifndef MCOS_SIM_CHECK_H
#define MCOS_SIM_CHECK_H

#include "sim/world.h"

/* Notes the first one; the world stops. */
void sim_check_fail(struct sim_world *world, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void sim_check_effect(struct sim_site *site, const struct mc_effect *effect);
/* Takes the ring: it is watched from now on. */
void sim_check_minted(struct sim_world *world, struct mc_ring *take_ring);
/* A disk was wiped or put back: records without any copy left are excused. */
void sim_check_excuse(struct sim_world *world);
/* Is each minted record on some disk? Violations are noted. */
void sim_check_nothing_lost(struct sim_world *world);

/* Is each record on each disk one that somebody minted? */
void sim_check_nothing_made_up(struct sim_world *world);

/*
 * Do all machines that run hold the same record of this ring, the same losers,
 * and is it (if version is not 0) that version? ring NULL: of every ring.
 */
bool sim_check_agreed(const struct sim_world *world, const char *ring,
                      uint64_t version);
/* Is every minted record covered on every running machine's disk? */
bool sim_check_everywhere(const struct sim_world *world);

#endif /* MCOS_SIM_CHECK_H */
