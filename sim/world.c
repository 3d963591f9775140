/* SPDX-License-Identifier: Apache-2.0 */
/* sim/world.c -- see world.h. */
#include "sim/world.h"

#include "sim/rings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sim_world_config sim_world_defaults(uint64_t seed)
{
    struct sim_world_config config = {.seed = seed,
                                      .site_max = 64,
                                      .part_power = SIM_PART_POWER,
                                      .machine = {.protocol = SIM_PRESENT,
                                                  .format = SIM_PRESENT,
                                                  .announce_interval_ms = 10000,
                                                  .inactive_after_ms = 30000,
                                                  .announce = MC_ANNOUNCE_DIGEST,
                                                  .announce_budget = 256 << 10}};

    memset(config.machine.system, 0x5e, sizeof(config.machine.system));
    return config;
}

static void ready(void *ctx, uint32_t index)
{
    struct sim_world *world = ctx;

    sim_site_wake(world->sites[index], world->now_ms);
}

struct sim_world *sim_world_new(const struct sim_world_config *config)
{
    struct sim_world *world = sim_alloc(sizeof(*world));

    world->config = *config;
    world->now_ms = SIM_START_MS;
    world->rng = mc_rng_init(config->seed);
    world->sites = sim_alloc(config->site_max * sizeof(*world->sites));
    sim_net_init(&world->net, mc_rng_next(&world->rng), config->site_max);
    sim_post_init(&world->post, &world->agenda, &world->now_ms, &world->net);
    world->post.ready = ready;
    world->post.ctx = world;
    return world;
}

void sim_world_free(struct sim_world *world)
{
    struct sim_due due;

    if (world == NULL)
        return;
    for (uint32_t i = 0; i < world->site_count; i++)
        sim_site_free(world->sites[i]);
    sim_company_free(world->company);
    while (sim_agenda_take(&world->agenda, &due))
        sim_letter_unref(due.letter);
    for (size_t i = 0; i < world->minted_count; i++)
        mc_ring_unref(world->minted[i].ring);
    sim_post_fini(&world->post);
    sim_net_fini(&world->net);
    sim_agenda_fini(&world->agenda);
    sim_trace_fini(&world->trace);
    free(world->minted);
    free(world->sites);
    free(world);
}

struct sim_site *sim_world_site(struct sim_world *world, uint32_t index)
{
    assert(index < world->config.site_max);
    while (world->site_count <= index) {
        world->sites[world->site_count] = sim_site_new(world, world->site_count);
        world->site_count++;
    }
    return world->sites[index];
}

static void happen(struct sim_world *world, struct sim_due *due)
{
    struct sim_site *site = world->sites[due->site];

    if (due->kind != SIM_DUE_TURN)
        sim_post_due(&world->post, due);
    else if (site->agent != NULL && site->turn_at_ms == due->at_ms)
        sim_site_turn(site);
}

void sim_world_step(struct sim_world *world, uint64_t until_ms)
{
    uint64_t next_ms = sim_agenda_next_ms(&world->agenda);
    struct sim_due due;

    if (next_ms > until_ms) {
        world->now_ms = until_ms;
        return;
    }
    world->now_ms = next_ms;
    while (world->violations == 0 &&
           sim_agenda_next_ms(&world->agenda) == world->now_ms &&
           sim_agenda_take(&world->agenda, &due))
        happen(world, &due);
}

void sim_world_run(struct sim_world *world, uint64_t until_ms)
{
    while (world->now_ms < until_ms && world->violations == 0)
        sim_world_step(world, until_ms);
    /* What is due at this very moment belongs to it. */
    while (world->violations == 0 && sim_agenda_next_ms(&world->agenda) <= until_ms)
        sim_world_step(world, until_ms);
}

uint64_t sim_world_at_ms(const struct sim_world *world)
{
    return world->now_ms - SIM_START_MS;
}
