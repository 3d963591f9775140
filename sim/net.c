/* SPDX-License-Identifier: Apache-2.0 */
/* sim/net.c -- see net.h. */
#include "sim/net.h"

#include "sim/agenda.h"

#include <stdlib.h>

#define MILLION 1000000u

void sim_net_init(struct sim_net *net, uint64_t seed, uint32_t site_max)
{
    *net = (struct sim_net){.rng = mc_rng_init(seed),
                            .delay_ms_min = 1,
                            .delay_ms_max = 5,
                            .site_max = site_max};
}

void sim_net_fini(struct sim_net *net)
{
    free(net->walls);
    net->walls = NULL;
}

void sim_net_wall(struct sim_net *net, uint32_t from, uint32_t to)
{
    if (net->walls == NULL)
        net->walls = sim_alloc((size_t)net->site_max * net->site_max);
    net->walls[(size_t)from * net->site_max + to] = 1;
}

void sim_net_heal(struct sim_net *net)
{
    free(net->walls);
    net->walls = NULL;
}

static bool happens(struct sim_net *net, uint32_t ppm)
{
    return ppm != 0 && mc_rng_below(&net->rng, MILLION) < ppm;
}

unsigned sim_net_copies(struct sim_net *net, uint32_t from, uint32_t to)
{
    if (net->walls != NULL && net->walls[(size_t)from * net->site_max + to] != 0)
        return 0;
    if (happens(net, net->loss_ppm))
        return 0;
    return happens(net, net->twice_ppm) ? 2 : 1;
}

uint32_t sim_net_delay(struct sim_net *net)
{
    uint32_t span = net->delay_ms_max - net->delay_ms_min;

    if (span == 0)
        return net->delay_ms_min;
    return net->delay_ms_min + (uint32_t)mc_rng_below(&net->rng, span + 1);
}

bool sim_net_damages(struct sim_net *net)
{
    return happens(net, net->damage_ppm);
}
