/* SPDX-License-Identifier: Apache-2.0 */
/* ring/leafset.c -- bits with summaries. */
#include "ring/leafset.h"

#include "mcos/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int mc_leafset_init(struct mc_leafset *set, uint32_t size)
{
    uint32_t total = 0;
    uint32_t n = size;

    *set = (struct mc_leafset){.size = size};
    do {
        n = mc_leafset_words(n);
        total += n;
        set->levels++;
    } while (n > 1);
    assert(set->levels <= MC_LEAFSET_LEVELS);
    set->bits = calloc(total, sizeof(*set->bits));
    if (set->bits == NULL)
        return MCOS_E_NOMEM;
    n = size;
    total = 0;
    for (unsigned i = 0; i < set->levels; i++) {
        n = mc_leafset_words(n);
        set->level[i] = set->bits + total;
        total += n;
    }
    return 0;
}

void mc_leafset_fini(struct mc_leafset *set)
{
    free(set->bits);
    *set = (struct mc_leafset){0};
}

void mc_leafset_clear(struct mc_leafset *set)
{
    uint32_t n = set->size;

    for (unsigned i = 0; i < set->levels; i++) {
        n = mc_leafset_words(n);
        memset(set->level[i], 0, n * sizeof(uint64_t));
    }
    set->count = 0;
}

void mc_leafset_add(struct mc_leafset *set, uint32_t leaf)
{
    assert(leaf < set->size);
    if (mc_leafset_has(set, leaf))
        return;
    set->count++;
    for (unsigned i = 0; i < set->levels; i++) {
        set->level[i][leaf / 64] |= 1ull << leaf % 64;
        leaf /= 64;
    }
}

void mc_leafset_remove(struct mc_leafset *set, uint32_t leaf)
{
    assert(leaf < set->size);
    if (!mc_leafset_has(set, leaf))
        return;
    set->count--;
    for (unsigned i = 0; i < set->levels; i++) {
        set->level[i][leaf / 64] &= ~(1ull << leaf % 64);
        if (set->level[i][leaf / 64] != 0)
            return;
        leaf /= 64;
    }
}
