/* SPDX-License-Identifier: Apache-2.0 */
/* contract/records.h -- small records with a line of descent, for suites of stores. */
#ifndef MCOS_TEST_CONTRACT_RECORDS_H
#define MCOS_TEST_CONTRACT_RECORDS_H

#include "ring/draft.h"

/*
 * The child of `held` (NULL: the first of `name`), which settles `also` (NULL:
 * nothing). `note` tells records of one place apart; the table has
 * 2^part_power rows. Fails the test if it cannot. The ring is yours.
 */
struct mc_ring *record_mint(const char *name, const struct mc_ring *held,
                            const struct mc_ring *also, const char *note,
                            unsigned part_power);
struct mc_ring *record_tombstone(const struct mc_ring *held);

bool record_same(const struct mc_ring *a, const struct mc_ring *b);
struct mc_name record_name(const char *name);

#endif /* MCOS_TEST_CONTRACT_RECORDS_H */
