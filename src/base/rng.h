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
uint64_t mc_rng_next(struct mc_rng *rng);
/* Uniform in [0, n), without bias; 0 if n is 0. */
uint64_t mc_rng_below(struct mc_rng *rng, uint64_t n);

#endif /* MCOS_BASE_RNG_H */
