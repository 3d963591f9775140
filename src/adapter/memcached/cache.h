/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/memcached/cache.h -- the cache in a memcached (docs/format.md, "In
 * memcached").
 *
 * Pieces are named by the digest of their record, so those of two records never
 * meet, and none is ever replaced by other bytes. The manifest is moved last, by
 * compare-and-swap, only to a greater stamp.
 */
#ifndef MCOS_ADAPTER_MEMCACHED_CACHE_H
#define MCOS_ADAPTER_MEMCACHED_CACHE_H

#include "adapter/memcached/address.h"
#include "base/name.h"
#include "port/cache.h"

#define MC_CACHE_KEY_BYTES 112u /* a key, with NUL */

struct mc_memcached_config {
    struct mc_memcached_address address;
    uint8_t system[MC_UID_BYTES]; /* rings of other systems are not seen */
};

/* Does not connect: that is done when it is used. *ret_cache is yours (close).
 * Fails with NOMEM. */
int mc_memcached_open(const struct mc_memcached_config *config,
                      struct mc_cache **ret_cache);

/* "mcos:3f9c21ab:ring:photos", "mcos:3f9c21ab:piece:91d0aa02…64 digits:0",
 * "mcos:3f9c21ab:fill:91d0aa02…": held by who writes the pieces just now. */
void mc_cache_ring_key(char dst[MC_CACHE_KEY_BYTES], const uint8_t system[MC_UID_BYTES],
                       const char *name);
void mc_cache_piece_key(char dst[MC_CACHE_KEY_BYTES],
                        const uint8_t system[MC_UID_BYTES],
                        const uint8_t digest[MC_DIGEST_BYTES], uint32_t piece);
void mc_cache_fill_key(char dst[MC_CACHE_KEY_BYTES], const uint8_t system[MC_UID_BYTES],
                       const uint8_t digest[MC_DIGEST_BYTES]);

#endif /* MCOS_ADAPTER_MEMCACHED_CACHE_H */
