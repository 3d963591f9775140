/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's post keeps the contract of port/bus.h, on virtual time: what
 * is proved in small worlds is proved on a bus like the real ones.
 */
#include "contract_bus.h"

#include "sim/clock.h"
#include "sim/post.h"

#include <stdio.h>
#include <string.h>

#define SITES_MAX 8u

struct here {
    struct sim_agenda agenda;
    struct sim_net net;
    struct sim_post post;
    uint64_t now_ms;
    uint32_t site_count;
    struct mc_name names[SITES_MAX];
    uint8_t uids[SITES_MAX];
};

static void clear(struct here *here)
{
    struct sim_due due;

    while (sim_agenda_take(&here->agenda, &due))
        sim_letter_unref(due.letter);
    sim_post_fini(&here->post);
    sim_net_fini(&here->net);
    here->site_count = 0;
}

static void reset(void *ctx)
{
    struct here *here = ctx;

    clear(here);
    sim_net_init(&here->net, 1, SITES_MAX);
    here->net.delay_ms_min = 1;
    here->net.delay_ms_max = 1;
    sim_post_init(&here->post, &here->agenda, &here->now_ms, &here->net);
}

static int open_bus(void *ctx, const char *cluster, uint8_t uid,
                    struct mc_bus **ret_bus)
{
    struct here *here = ctx;
    uint8_t full[MC_UID_BYTES];
    uint32_t i = 0;

    while (i < here->site_count &&
           (strcmp(here->names[i].s, cluster) != 0 || here->uids[i] != uid))
        i++;
    if (i == here->site_count) {
        (void)mc_name_set(&here->names[i], cluster);
        here->uids[i] = uid;
        here->site_count++;
    }
    memset(full, uid, sizeof(full));
    *ret_bus = &sim_post_open(&here->post, i, &here->names[i], full)->port;
    return 0;
}

static void pass(struct here *here, uint64_t ms)
{
    uint64_t until_ms = here->now_ms + ms;
    struct sim_due due;

    while (sim_agenda_next_ms(&here->agenda) <= until_ms &&
           sim_agenda_take(&here->agenda, &due)) {
        here->now_ms = due.at_ms;
        sim_post_due(&here->post, &due);
    }
    here->now_ms = until_ms;
}

static void wait_bus(void *ctx, struct mc_bus *bus, uint64_t ms)
{
    (void)bus;
    pass(ctx, ms);
}

static void advance(void *ctx, uint64_t ms)
{
    pass(ctx, ms);
}

int main(void)
{
    struct here here = {.now_ms = SIM_START_MS};
    struct mc_contract_bus_world world = {.ctx = &here,
                                          .reset = reset,
                                          .open = open_bus,
                                          .wait = wait_bus,
                                          .advance = advance,
                                          .talk_ttl_ms = 30000,
                                          .records_max = SIM_RECORDS_MAX};
    int failed = mc_contract_bus("bus_sim", &world);

    clear(&here);
    sim_agenda_fini(&here.agenda);
    return failed;
}
