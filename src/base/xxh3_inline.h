/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/xxh3_inline.h -- mc_xxh3_64 without a call, for one file that hashes millions.
 *
 * libxxhash offers itself as a header for this; what it gives is what the linked
 * library gives. Include it in a .c file, last: it brings all of the header along.
 */
#ifndef MCOS_BASE_XXH3_INLINE_H
#define MCOS_BASE_XXH3_INLINE_H

#include "base/bytes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t mc_xxh3_64_inline(struct mc_bytes in)
{
    return XXH3_64bits(in.ptr, in.len);
}

#endif /* MCOS_BASE_XXH3_INLINE_H */
