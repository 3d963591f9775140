/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/hash.c -- hashing by the libraries that do it well.
 *
 * The low-level OpenSSL calls on purpose: they neither fetch a provider nor
 * take a lock (three times faster on short names than EVP), they cannot fail
 * under a policy that forbids MD5 as cryptography, and they are pure.
 */
#define OPENSSL_API_COMPAT 0x10101000L
/* For a state of XXH3 on the stack; the library is still linked as it is. */
#define XXH_STATIC_LINKING_ONLY

#include "base/hash.h"

#include <openssl/md5.h>
#include <openssl/sha.h>
#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
/* Long inputs by the widest instructions that this machine has: the same values. */
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#define LONG_XXH3_128 XXH3_128bits_dispatch
#else
#define LONG_XXH3_128 XXH3_128bits
#endif

void mc_sha256(uint8_t ret[MC_SHA256_BYTES], struct mc_bytes in)
{
    mc_sha256_parts(ret, &in, 1);
}

void mc_sha256_parts(uint8_t ret[MC_SHA256_BYTES], const struct mc_bytes *parts,
                     size_t count)
{
    SHA256_CTX ctx;

    SHA256_Init(&ctx);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len != 0)
            SHA256_Update(&ctx, parts[i].ptr, parts[i].len);
    }
    SHA256_Final(ret, &ctx);
}

uint64_t mc_xxh3_64(struct mc_bytes in)
{
    return XXH3_64bits(in.ptr, in.len);
}

uint64_t mc_xxh3_64_parts(const struct mc_bytes *parts, size_t count)
{
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    (void)XXH3_64bits_reset(&state);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len != 0)
            (void)XXH3_64bits_update(&state, parts[i].ptr, parts[i].len);
    }
    return XXH3_64bits_digest(&state);
}

void mc_xxh3_128(uint8_t ret[16], struct mc_bytes in)
{
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, LONG_XXH3_128(in.ptr, in.len));
    for (unsigned i = 0; i < 16; i++)
        ret[i] = canonical.digest[i];
}

void mc_md5(uint8_t ret[MC_MD5_BYTES], const struct mc_bytes *parts, size_t count)
{
    MD5_CTX ctx;

    MD5_Init(&ctx);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len != 0)
            MD5_Update(&ctx, parts[i].ptr, parts[i].len);
    }
    MD5_Final(ret, &ctx);
}
