/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/net.h -- what happens to a letter on its way from one machine to another:
 * delay, loss, a second copy, damage, and walls.
 *
 * A wall from a to b means that letters of a are not put into b's queues. All
 * is drawn from one seed.
 */
#ifndef MCOS_SIM_NET_H
#define MCOS_SIM_NET_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_net {
    struct mc_rng rng;
    uint32_t delay_ms_min;
    uint32_t delay_ms_max;
    uint32_t loss_ppm; /* parts in a million */
    uint32_t twice_ppm;
    uint32_t damage_ppm;
    uint8_t *walls; /* site_max * site_max, or NULL: none */
    uint32_t site_max;
};

void sim_net_init(struct sim_net *net, uint64_t seed, uint32_t site_max);
void sim_net_fini(struct sim_net *net);

void sim_net_wall(struct sim_net *net, uint32_t from, uint32_t to);
void sim_net_heal(struct sim_net *net); /* no walls any more */

/* How many copies of a letter arrive (0, 1, 2). */
unsigned sim_net_copies(struct sim_net *net, uint32_t from, uint32_t to);
uint32_t sim_net_delay(struct sim_net *net);
bool sim_net_damages(struct sim_net *net);

#endif /* MCOS_SIM_NET_H */
