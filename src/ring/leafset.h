/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/leafset.h -- a set of leaves that finds its next member fast.
 *
 * Bits, and over each 64 of them one bit that says whether any is set, and so
 * on up. Made for one size, used again and again.
 */
#ifndef MCOS_RING_LEAFSET_H
#define MCOS_RING_LEAFSET_H

#include <stdbool.h>
#include <stdint.h>

#define MC_LEAFSET_LEVELS 4u /* 64^4 leaves at most */

struct mc_leafset {
    uint64_t *bits; /* yours: all levels in one block */
    uint64_t *level[MC_LEAFSET_LEVELS];
    unsigned levels;
    uint32_t size;
    uint32_t count; /* members */
};

/* An empty set for 0 .. size - 1. Fails with NOMEM. */
int mc_leafset_init(struct mc_leafset *set, uint32_t size);
void mc_leafset_fini(struct mc_leafset *set);
void mc_leafset_clear(struct mc_leafset *set);
/* Adding a member or removing one that is none changes nothing. */
void mc_leafset_add(struct mc_leafset *set, uint32_t leaf);
void mc_leafset_remove(struct mc_leafset *set, uint32_t leaf);

static inline bool mc_leafset_has(const struct mc_leafset *set, uint32_t leaf)
{
    return (set->level[0][leaf / 64] >> leaf % 64 & 1) != 0;
}

static inline uint32_t mc_leafset_words(uint32_t bits)
{
    return (bits + 63) / 64;
}

/* The first member that is `from` or greater, UINT32_MAX if there is none. */
static inline uint32_t mc_leafset_next(const struct mc_leafset *set, uint32_t from)
{
    uint32_t n = set->size;
    unsigned i = 0;

    /* Up, while nothing is left in this word. */
    for (;; i++) {
        uint64_t word;

        if (i == set->levels || from >= n)
            return UINT32_MAX;
        word = set->level[i][from / 64] >> from % 64;
        if (word != 0) {
            from += (uint32_t)__builtin_ctzll(word);
            break;
        }
        from = from / 64 + 1;
        n = mc_leafset_words(n);
    }
    /* And down to its first member. */
    while (i-- > 0)
        from = from * 64 + (uint32_t)__builtin_ctzll(set->level[i][from]);
    return from;
}

#endif /* MCOS_RING_LEAFSET_H */
