/* SPDX-License-Identifier: Apache-2.0 */
/* sim/clock.c -- see clock.h. */
#include "sim/clock.h"

static uint64_t now_ms(struct mc_clock *clock)
{
    return *((struct sim_clock *)clock)->now_ms;
}

static uint64_t wall_ns(struct mc_clock *clock)
{
    struct sim_clock *c = (struct sim_clock *)clock;
    int64_t ms = (int64_t)(*c->now_ms - SIM_START_MS) + c->skew_ms;

    return SIM_WALL_NS + (uint64_t)(ms * 1000000);
}

void sim_clock_init(struct sim_clock *clock, const uint64_t *now)
{
    *clock = (struct sim_clock){.port = {.now_ms = now_ms, .wall_ns = wall_ns},
                                .now_ms = now};
}
