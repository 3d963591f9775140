/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/lookup.h -- from a name to its partition, its devices and its handoffs.
 *
 * The order of handoffs and, for MC_HASH_SWIFT_MD5, the partition are Swift's
 * to the letter (docs/format.md).
 */
#ifndef MCOS_RING_LOOKUP_H
#define MCOS_RING_LOOKUP_H

#include "ring/ring.h"

/* Container and object may be absent (ptr NULL); an object needs a container. */
struct mc_key {
    struct mc_bytes account;
    struct mc_bytes container;
    struct mc_bytes object;
};

/* Prefix and suffix of Swift's hash; both empty: none given. Borrowed. */
struct mc_secret {
    struct mc_bytes prefix;
    struct mc_bytes suffix;
};

/* First 8 bytes of SHA-256("mcos hash check" NUL prefix NUL suffix). */
void mc_secret_check(const struct mc_secret *secret, uint8_t ret[8]);

/*
 * Partition of a name. The secret of the ring itself is used when it is
 * embedded; otherwise `secret` (may be NULL for xxh3) must match hash_check.
 * Fails with SECRET (missing or wrong), VALUE (object without container),
 * DELETED (tombstone).
 */
int mc_lookup_part(const struct mc_ring *ring, const struct mc_secret *secret,
                   const struct mc_key *key, uint32_t *ret_part);

/*
 * Up to `want` handoff devices of a partition in Swift's order into ids;
 * returns how many there are. Scans the table: not for a hot path.
 * Fails with NOMEM (negative).
 */
long mc_lookup_handoffs(const struct mc_ring *ring, uint32_t part, uint32_t *ids,
                        size_t want);

#endif /* MCOS_RING_LOOKUP_H */
