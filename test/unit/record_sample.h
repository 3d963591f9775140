/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small ring for the tests of records: 2^2 partitions, 2.5 replicas, four
 * slots of which one is removed. Each field has a value of its own, so that two
 * fields changed for each other cannot go unseen.
 */
#ifndef TEST_RECORD_SAMPLE_H
#define TEST_RECORD_SAMPLE_H

#include "ring/draft.h"

/* Fills an initialised draft; false when memory is out. */
bool sample_draft(struct mc_draft *draft);

#endif /* TEST_RECORD_SAMPLE_H */
