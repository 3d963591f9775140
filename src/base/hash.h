/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/hash.h -- SHA-256, XXH3 and MD5, from OpenSSL and libxxhash.
 *
 * Pure functions of their input. MD5 is here because Swift's names are placed
 * with it; nothing relies on it being hard to forge.
 */
#ifndef MCOS_BASE_HASH_H
#define MCOS_BASE_HASH_H

#include "base/bytes.h"

#define MC_SHA256_BYTES 32u
#define MC_MD5_BYTES    16u

void mc_sha256(uint8_t ret[MC_SHA256_BYTES], struct mc_bytes in);
/* SHA-256 over the parts, one after the other. */
void mc_sha256_parts(uint8_t ret[MC_SHA256_BYTES], const struct mc_bytes *parts,
                     size_t count);
uint64_t mc_xxh3_64(struct mc_bytes in);
/* XXH3-64 over the parts, one after the other. */
uint64_t mc_xxh3_64_parts(const struct mc_bytes *parts, size_t count);
/* Canonical (big-endian) form of XXH3-128, as xxhsum prints it. */
void mc_xxh3_128(uint8_t ret[16], struct mc_bytes in);
/* MD5 over the parts, one after the other. */
void mc_md5(uint8_t ret[MC_MD5_BYTES], const struct mc_bytes *parts, size_t count);

#endif /* MCOS_BASE_HASH_H */
