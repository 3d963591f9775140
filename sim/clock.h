/* SPDX-License-Identifier: Apache-2.0 */
/* sim/clock.h -- a machine's clock: virtual time for all, a wall of its own. */
#ifndef MCOS_SIM_CLOCK_H
#define MCOS_SIM_CLOCK_H

#include "port/clock.h"

#define SIM_START_MS 1000000u /* the machines were booted a while before the play */
#define SIM_WALL_NS  1893456000000000000ull /* 2030-01-01, at SIM_START_MS */

struct sim_clock {
    struct mc_clock port;   /* first */
    const uint64_t *now_ms; /* the world's; borrowed for life */
    int64_t skew_ms;        /* what the wall is ahead of the truth */
};

void sim_clock_init(struct sim_clock *clock, const uint64_t *now_ms);

#endif /* MCOS_SIM_CLOCK_H */
