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

/* Container and object may be absent (empty); an object needs a container. */
struct mc_key {
    struct mc_bytes account;
    struct mc_bytes container;
    struct mc_bytes object;
};

/* Whether that is a name: it has an account, and no object without a container. */
static inline bool mc_key_ok(const struct mc_key *key)
{
    return key->account.len != 0 && (key->object.len == 0 || key->container.len != 0);
}

/* Prefix and suffix of Swift's hash; both empty: none given. Borrowed. */
struct mc_secret {
    struct mc_bytes prefix;
    struct mc_bytes suffix;
};

/* First 8 bytes of SHA-256("mcos hash check" NUL prefix NUL suffix). */
void mc_secret_check(const struct mc_secret *secret, uint8_t ret[8]);

/*
 * The secret to hash names of this ring with, checked once for many look-ups:
 * the ring's own when it is embedded, otherwise `given` (NULL: none), which must
 * match hash_check. A hash_check of zeros (a Swift ring that came without its
 * secret) accepts any secret that is not empty. Nothing is needed for xxh3.
 * *ret_secret is lent by the ring or borrows from `given`. Fails with SECRET.
 */
int mc_lookup_secret(const struct mc_ring *ring, const struct mc_secret *given,
                     struct mc_secret *ret_secret);

/*
 * Partition of a name. `secret` is as for mc_lookup_secret and is checked on
 * each call. An empty container or object counts as absent. Does not allocate.
 * Fails with SECRET (missing or wrong), VALUE (no account, object without container),
 * DELETED (tombstone).
 */
int mc_lookup_part(const struct mc_ring *ring, const struct mc_secret *secret,
                   const struct mc_key *key, uint32_t *ret_part);

/*
 * The same for callers that ask often: `secret` is what mc_lookup_secret
 * returned for this ring, and is not checked again.
 */
int mc_lookup_part_fast(const struct mc_ring *ring, const struct mc_secret *secret,
                        const struct mc_key *key, uint32_t *ret_part);

/*
 * Up to `want` handoff devices of a partition in Swift's order into ids;
 * returns how many there are. Scans the table and sorts the devices: for many
 * questions to one ring see ring/handoff.h. None for a partition that the ring
 * does not have. Fails with NOMEM (negative).
 */
long mc_lookup_handoffs(const struct mc_ring *ring, uint32_t part, uint32_t *ids,
                        size_t want);

#endif /* MCOS_RING_LOOKUP_H */
