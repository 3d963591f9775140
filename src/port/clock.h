/* SPDX-License-Identifier: Apache-2.0 */
/* port/clock.h -- what the house needs from time. */
#ifndef MCOS_PORT_CLOCK_H
#define MCOS_PORT_CLOCK_H

#include <stdint.h>

struct mc_clock {
    /* Milliseconds since some moment; never goes back. */
    uint64_t (*now_ms)(struct mc_clock *clock);
    /* Nanoseconds since 1970, as far as this machine knows. May jump. */
    uint64_t (*wall_ns)(struct mc_clock *clock);
};

#endif /* MCOS_PORT_CLOCK_H */
