/* SPDX-License-Identifier: Apache-2.0 */
/* bench/names.h -- what benches of look-ups ask, and of which ring. */
#ifndef MCOS_BENCH_NAMES_H
#define MCOS_BENCH_NAMES_H

#include "ring/lookup.h"

/*
 * Reads account<TAB>container<TAB>object lines. Keys point into `file`, which starts as
 * {0}; both are yours. Fails with IO, NOMEM, VALUE: no line.
 */
int names_read(const char *path, struct mc_buf *file, struct mc_key **ret_keys,
               size_t *ret_count);

/* A ring with the table of another and the hash xxh3. */
int names_xxh3(const struct mc_ring *ring, struct mc_ring **ret_ring);

#endif /* MCOS_BENCH_NAMES_H */
