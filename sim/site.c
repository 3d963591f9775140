/* SPDX-License-Identifier: Apache-2.0 */
/* sim/site.c -- a machine's life. */
#include "sim/site.h"

#include "sim/check.h"
#include "sim/rings.h"
#include "sim/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPINS_MAX 20000u

static void effect(struct mc_watch *watch, const struct mc_effect *fx)
{
    struct sim_site *site = ((struct sim_watch *)watch)->site;
    struct sim_world *world = site->world;

    sim_trace_effect(&world->trace, sim_world_at_ms(world), site->label, fx);
    if (!world->config.fast)
        sim_check_effect(site, fx);
}

static void no_line(struct mc_log *log, enum mc_log_level level, const char *text)
{
    (void)log;
    (void)level;
    (void)text;
}

static void random_bytes(struct sim_world *world, uint8_t *dst, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = (uint8_t)mc_rng_next(&world->rng);
}

struct sim_site *sim_site_new(struct sim_world *world, uint32_t index)
{
    struct sim_site *site = sim_alloc(sizeof(*site));

    site->world = world;
    site->index = index;
    (void)snprintf(site->label, sizeof(site->label), "c%u", (unsigned)index + 1);
    site->config = world->config.machine;
    (void)mc_name_set(&site->config.cluster, site->label);
    random_bytes(world, site->config.uid, MC_UID_BYTES);
    sim_clock_init(&site->clock, &world->now_ms);
    site->store = sim_store_new();
    site->log.line = no_line;
    site->watch = (struct sim_watch){.port = {.effect = effect}, .site = site};
    site->turn_at_ms = SIM_NEVER;
    return site;
}

void sim_site_free(struct sim_site *site)
{
    if (site == NULL)
        return;
    mc_agent_free(site->agent);
    sim_store_free(site->store);
    sim_store_free(site->backup);
    free(site->adopted);
    free(site);
}

void sim_site_wake(struct sim_site *site, uint64_t at_ms)
{
    struct sim_due due = {.at_ms = at_ms, .kind = SIM_DUE_TURN, .site = site->index};

    if (site->agent == NULL || at_ms >= site->turn_at_ms)
        return;
    site->turn_at_ms = at_ms;
    sim_agenda_put(&site->world->agenda, &due);
}

void sim_site_start(struct sim_site *site)
{
    struct sim_world *world = site->world;
    struct mc_agent_ports ports;
    int err;

    if (site->agent != NULL)
        return;
    site->config.incarnation = mc_rng_next(&world->rng);
    site->config.seed = mc_rng_next(&world->rng);
    site->turn_at_ms = SIM_NEVER;
    sim_store_reads(site->store, site->config.format);
    if (site->fellow != NULL) {
        sim_post_share(&world->post, site->index,
                       site->fellow->company->fellows[0].site->index,
                       &site->config.cluster, site->config.uid);
        sim_fellow_start(site->fellow);
    }
    site->mailbox = sim_post_open(&world->post, site->index, &site->config.cluster,
                                  site->config.uid);
    ports = (struct mc_agent_ports){
        .bus = &site->mailbox->port,
        .store = site->fellow != NULL ? &site->fellow->store : &site->store->port,
        .roster = site->fellow != NULL ? &site->fellow->roster : NULL,
        .clock = &site->clock.port,
        .log = &site->log,
        .watch = &site->watch.port};
    err = mc_agent_new(&site->config, &ports, &site->agent, NULL);
    if (err != 0) {
        sim_check_fail(world, "%s does not start: %s", site->label, mcos_err_text(err));
        return;
    }
    sim_site_wake(site, world->now_ms);
}

void sim_site_kill(struct sim_site *site)
{
    if (site->agent == NULL)
        return;
    mc_agent_free(site->agent);
    site->agent = NULL;
    site->mailbox->port.ops->close(&site->mailbox->port);
    site->turn_at_ms = SIM_NEVER;
}

void sim_site_stop(struct sim_site *site)
{
    if (site->agent == NULL)
        return;
    mc_agent_stop(site->agent);
    sim_site_kill(site);
}

static void forget_adopted(struct sim_site *site)
{
    site->adopted_count = 0;
}

void sim_site_wipe(struct sim_site *site)
{
    assert(site->agent == NULL);
    sim_store_wipe(site->store);
    if (site->fellow == NULL) /* else it learns its cluster's again */
        random_bytes(site->world, site->config.uid, MC_UID_BYTES);
    forget_adopted(site);
    sim_check_excuse(site->world);
}

void sim_site_backup(struct sim_site *site)
{
    sim_store_free(site->backup);
    site->backup = sim_store_copy(site->store);
}

void sim_site_restore(struct sim_site *site)
{
    assert(site->agent == NULL);
    if (site->backup == NULL)
        return;
    sim_store_free(site->store);
    site->store = sim_store_copy(site->backup);
    forget_adopted(site);
    sim_check_excuse(site->world);
}

void sim_site_change_version(struct sim_site *site, unsigned version, bool clean)
{
    (clean ? sim_site_stop : sim_site_kill)(site);
    if (version < site->config.format)
        forget_adopted(site); /* an older program serves what it can read */
    site->config.protocol = (uint8_t)version;
    site->config.format = (uint8_t)version;
    sim_site_start(site);
}

void sim_site_turn(struct sim_site *site)
{
    struct sim_world *world = site->world;
    uint64_t due;

    site->turn_at_ms = SIM_NEVER;
    if (site->spin_ms != world->now_ms) {
        site->spin_ms = world->now_ms;
        site->spins = 0;
    }
    if (++site->spins > SPINS_MAX) {
        sim_check_fail(world, "%s does not come to rest", site->label);
        return;
    }
    if (site->fellow != NULL)
        sim_fellow_turn(site->fellow);
    due = mc_agent_turn(site->agent);
    if (due != SIM_NEVER)
        sim_site_wake(site, due > world->now_ms ? due : world->now_ms);
}

int sim_site_mint(struct sim_site *site, const char *ring, enum sim_change change)
{
    struct sim_world *world = site->world;
    const struct mc_ring *held;
    struct mc_expect expect = {.kind = MC_EXPECT_ABSENT};
    struct mc_draft draft;
    struct mc_ring *made = NULL;
    bool distributed = false;
    uint64_t retry_ms = 0;
    int err;

    if (site->agent == NULL)
        return MCOS_E_UNREACHABLE;
    held = mc_agent_ring_find(site->agent, ring);
    if (change != SIM_CREATE) {
        expect.kind = MC_EXPECT_EXACT;
        if (held != NULL) {
            expect.epoch = mc_ring_head(held)->epoch;
            expect.version = mc_ring_head(held)->version;
            memcpy(expect.digest4, mc_ring_head(held)->digest, 4);
        }
    }
    sim_ring_draft(&draft, ring, change == SIM_DELETE, (unsigned)world->minted_count,
                   world->config.part_power);
    world->trace.minting = &site->config.cluster;
    err = mc_agent_mint(site->agent, &draft, &expect, &made, &distributed, &retry_ms,
                        NULL);
    world->trace.minting = NULL;
    mc_draft_fini(&draft);
    if (err == 0)
        sim_check_minted(world, made); /* takes it */
    sim_site_wake(site, world->now_ms);
    return err;
}
