/* SPDX-License-Identifier: Apache-2.0 */
/* test/tool/ringround.h -- the law of ring files, for fuzzers. */
#ifndef MCOS_TEST_RINGROUND_H
#define MCOS_TEST_RINGROUND_H

#include "base/bytes.h"

/*
 * Reads a ring file of either version, compressed or not. What is accepted must be
 * whole: it encodes, opens with every check, answers a look-up; and it comes out as a
 * file of both versions that reads as the same table and comes out the same again.
 * Aborts where that is not so.
 */
void ringround(struct mc_bytes bytes, bool gz);

#endif /* MCOS_TEST_RINGROUND_H */
