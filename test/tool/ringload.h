/* SPDX-License-Identifier: Apache-2.0 */
/* test/tool/ringload.h -- files as rings, for tests, tools and benches. */
#ifndef MCOS_TEST_RINGLOAD_H
#define MCOS_TEST_RINGLOAD_H

#include "base/bytes.h"
#include "ring/draft.h"
#include "ring/lookup.h"

/* All bytes of a file; b starts as {0} and is yours. Fails with IO. */
int ringload_file(const char *path, struct mc_buf *b);

/*
 * Mints and encodes a draft whose placement, devices and table are there, as the
 * first version of a ring named "test", and opens the bytes with every check.
 */
int ringload_draft(struct mc_draft *draft, struct mc_ring **ret_ring,
                   struct mcos_diag *diag);

/* The same from a .ring.gz file. */
int ringload_swift(const char *path, const struct mc_secret *secret,
                   struct mc_ring **ret_ring, struct mcos_diag *diag);

#endif /* MCOS_TEST_RINGLOAD_H */
