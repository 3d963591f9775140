/* SPDX-License-Identifier: Apache-2.0 */
/* ring/descent.c -- two rings beside each other: how far apart, who comes from whom. */
#include "ring/layout.h"
#include "ring/ring.h"

#include <stdlib.h>
#include <string.h>

/* For each slot of `now` the slot of that name in `old`; NULL when memory is out. */
static uint32_t *map_names(const struct mc_ring *old, const struct mc_ring *now)
{
    uint32_t count = mc_ring_head(now)->device_count;
    uint32_t *map = malloc((size_t)count * sizeof(*map));

    for (uint32_t i = 0; map != NULL && i < count; i++)
        map[i] = mc_ring_device_find(old, mc_ring_device(now, i)->name);
    return map;
}

uint64_t mc_ring_divergence(const struct mc_ring *old, const struct mc_ring *now)
{
    uint32_t parts = mc_ring_part_count(now);
    unsigned more = mc_ring_head(now)->part_power - mc_ring_head(old)->part_power;
    uint64_t differing = 0;
    uint32_t *map;

    if (parts == 0 || mc_ring_part_count(old) == 0 || parts < mc_ring_part_count(old))
        return mc_ring_head(now)->assignments;
    map = map_names(old, now);
    for (uint32_t p = 0; p < parts; p++) {
        uint32_t was[MC_REPLICAS_MAX];
        uint32_t is[MC_REPLICAS_MAX];
        unsigned n_was = mc_ring_row(old, p >> more, was);
        unsigned n_is = mc_ring_row(now, p, is);

        for (unsigned i = 0; i < n_is; i++) {
            uint32_t id =
                map != NULL
                    ? map[is[i]]
                    : mc_ring_device_find(old, mc_ring_device(now, is[i])->name);
            unsigned j = 0;

            while (j < n_was && was[j] != id)
                j++;
            differing += j == n_was;
        }
    }
    free(map);
    return differing;
}

enum mc_descent mc_ring_descends(const struct mc_ring *b, const struct mc_head *a)
{
    const struct mc_builder_info *info = mc_ring_builder(b);
    struct mc_ancestor wanted = mc_ancestor_of(a);
    size_t lo = 0;
    size_t hi = info->ancestor_count;

    if (memcmp(mc_ring_head(b)->digest, a->digest, MC_DIGEST_BYTES) == 0)
        return MC_DESCENT_SAME;
    if (mc_head_has_parent(mc_ring_head(b), a->digest))
        return MC_DESCENT_YES;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = mc_ancestor_cmp(&wanted, &info->ancestors[mid]);

        if (order == 0)
            return MC_DESCENT_YES;
        if (order > 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    /* The list holds the newest: short, it is complete; full, it ends somewhere. */
    if (info->ancestor_count < MC_ANCESTORS_MAX || lo < info->ancestor_count)
        return MC_DESCENT_NO;
    return MC_DESCENT_UNKNOWN;
}
