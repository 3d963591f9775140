/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/stamp.h -- which of two records is newer: the one comparator.
 *
 * Two clusters that met must keep the same record without asking a third, so
 * stamps are totally ordered: epoch, version, timestamp, digest. The greater
 * record wins. Pure; cannot fail.
 */
#ifndef MCOS_SYNC_STAMP_H
#define MCOS_SYNC_STAMP_H

#include "ring/front.h"

struct mc_stamp {
    uint16_t epoch;     /* raised only by an operator who overrides */
    uint64_t version;   /* raised by one by each mint */
    uint64_t timestamp; /* ns; greater than the parent's */
    uint8_t digest[MC_DIGEST_BYTES];
};

/* <0, 0, >0, like memcmp. Zero means both name the very same bytes. */
int mc_stamp_cmp(const struct mc_stamp *a, const struct mc_stamp *b);

/* The same with only the first 8 digest bytes known of b. */
int mc_stamp_cmp8(const struct mc_stamp *a, const struct mc_stamp *b);

/* The seed's words: version and timestamp both greater, in one epoch. */
bool mc_stamp_dominates(const struct mc_stamp *a, const struct mc_stamp *b);

struct mc_stamp mc_stamp_of(const struct mc_head *head);
struct mc_stamp mc_stamp_of_front(const struct mc_front *front);

/* "v7.91d0aa02", or "e1.v8.91d0aa02" beyond epoch 0. */
#define MC_STAMP_TEXT_MAX 48u
void mc_stamp_format(const struct mc_stamp *stamp, char dst[MC_STAMP_TEXT_MAX]);

/* All of it, for programs: "e0.v7.t1700000000000000000." and 64 hex digits. */
#define MC_STAMP_FULL_MAX 128u
void mc_stamp_write(const struct mc_stamp *stamp, char dst[MC_STAMP_FULL_MAX]);
/* Reads exactly what mc_stamp_write writes; false, and *ret untouched, if the text
 * is anything else or a number is beyond the limits. Any input is safe. */
bool mc_stamp_read(struct mc_bytes text, struct mc_stamp *ret_stamp);

#endif /* MCOS_SYNC_STAMP_H */
