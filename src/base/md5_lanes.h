/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/md5_lanes.h -- MD5 of many short messages side by side.
 *
 * Each vector of a processor holds one word of several messages. The digests are
 * those of mc_md5.
 */
#ifndef MCOS_BASE_MD5_LANES_H
#define MCOS_BASE_MD5_LANES_H

#include "base/hash.h"

#define MC_MD5_BLOCK 64u

enum mc_md5_way {
    MC_MD5_BEST,     /* the fastest that this machine has */
    MC_MD5_PORTABLE, /* any machine; with SSE2 or NEON where the compiler has them */
    MC_MD5_AVX2,     /* x86-64 with AVX2 */
};
/* Whether this machine can go that way. BEST and PORTABLE: always. */
bool mc_md5_has(enum mc_md5_way way);

/*
 * A message with its padding (a byte 0x80, zeros, and eight bytes of its length in
 * bits): whole blocks, at any alignment. At least one.
 */
struct mc_md5_message {
    const uint8_t *blocks;
    uint32_t block_count;
};

/* Blocks of a message of that many bytes (below 2^32), padding included. */
static inline uint32_t mc_md5_blocks(size_t bytes)
{
    return (uint32_t)((bytes + 8) / MC_MD5_BLOCK + 1);
}

/*
 * ret[i] is the digest of in[i]. `way` is one that mc_md5_has. Any count; messages
 * of very different lengths are fine. Does not allocate.
 */
void mc_md5_lanes(enum mc_md5_way way, uint8_t (*ret)[MC_MD5_BYTES],
                  const struct mc_md5_message *in, size_t count);

#endif /* MCOS_BASE_MD5_LANES_H */
