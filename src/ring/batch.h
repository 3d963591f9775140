/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/batch.h -- many names at once, to their partitions and devices.
 *
 * The answers are those of mc_lookup_part_fast and mc_ring_row, key by key; a batch
 * hashes several names side by side (base/md5_lanes.h) and asks for the rows of the
 * table before it needs them. Pure, takes no lock and allocates nothing: about 16
 * KiB of the caller's stack, whatever the batch's size. Any number of threads.
 */
#ifndef MCOS_RING_BATCH_H
#define MCOS_RING_BATCH_H

#include "base/md5_lanes.h"
#include "ring/lookup.h"

#define MC_PART_NONE UINT32_MAX

/*
 * Looks up `count` keys (borrowed, also the bytes that they point to; any number, 0
 * is fine). `secret` is what mc_lookup_secret returned for this ring. Writes
 *
 *   parts[i]  the partition of keys[i];
 *   ids       row i begins at ids[i * stride], where stride is that of
 *             mc_ring_head(ring): the partition's devices in row order, then
 *             MC_DEVICE_NONE for replicas that the ring does not have. NULL: no rows;
 *   errs[i]   0, or why keys[i] has no answer: VALUE (no account, object without
 *             container), DELETED (tombstone: all keys, and stride is 0). NULL:
 *             not wanted.
 *
 * A key without an answer gets MC_PART_NONE and a row of MC_DEVICE_NONE; the others
 * are not touched by it. Returns how many keys have no answer.
 */
size_t mc_batch_lookup(const struct mc_ring *ring, const struct mc_secret *secret,
                       const struct mc_key *keys, size_t count, uint32_t *parts,
                       uint32_t *ids, int *errs);

/* The same with MD5 by the way that is named, which this machine must have: tests. */
size_t mc_batch_lookup_by(enum mc_md5_way way, const struct mc_ring *ring,
                          const struct mc_secret *secret, const struct mc_key *keys,
                          size_t count, uint32_t *parts, uint32_t *ids, int *errs);

#endif /* MCOS_RING_BATCH_H */
