/* SPDX-License-Identifier: Apache-2.0 */
/* base/rng.c -- xoshiro256**. */
#include "base/rng.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

struct mc_rng mc_rng_init(uint64_t seed)
{
    struct mc_rng rng;

    for (unsigned i = 0; i < 4; i++)
        rng.s[i] = splitmix(&seed);
    return rng;
}

uint64_t mc_rng_below(struct mc_rng *rng, uint64_t n)
{
    uint64_t limit;
    uint64_t x;

    if (n == 0)
        return 0;
    limit = UINT64_MAX - UINT64_MAX % n;
    do
        x = mc_rng_next(rng);
    while (x >= limit);
    return x % n;
}
