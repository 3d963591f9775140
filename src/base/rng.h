/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/rng.h -- numbers from a seed: same seed, same numbers, on any machine.
 *
 * xoshiro256** by Blackman and Vigna (2018), seeded by splitmix64. Not for
 * secrets.
 */
#ifndef MCOS_BASE_RNG_H
#define MCOS_BASE_RNG_H

#include <stdint.h>

struct mc_rng {
    uint64_t s[4];
};

struct mc_rng mc_rng_init(uint64_t seed);

/* In the header: a call would cost more than the number. */
static inline uint64_t mc_rng_next(struct mc_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t x = s[1] * 5;
    uint64_t out = (x << 7 | x >> 57) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return out;
}

/* Uniform in [0, n), without bias; 0 if n is 0. */
uint64_t mc_rng_below(struct mc_rng *rng, uint64_t n);

#endif /* MCOS_BASE_RNG_H */
