/* SPDX-License-Identifier: Apache-2.0 */
/* sim/curves.c -- see curves.h. */
#include "sim/curves.h"

#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS 10000u
#define SETTLE_MS   25000u
#define PATIENCE_MS 120000u
#define RING        "photos"

struct row {
    const char *what;
    bool ring;       /* a ring is held before */
    bool create;     /* it is made now */
    bool storm;      /* all start, one of them holds it */
    uint32_t within; /* milliseconds in which they start */
    uint32_t loss_ppm;
    uint32_t late_ms; /* letters take one to three times this */
};

static const struct row rows[] = {
    {.what = "a quiet delta_t", .ring = true},
    {.what = "a quiet delta_t, letters take 0.3 to 1 s", .ring = true, .late_ms = 333},
    {.what = "a quiet delta_t, letters take 1 to 3 s", .ring = true, .late_ms = 1000},
    {.what = "a create", .create = true},
    {.what = "a create, 30 % loss", .create = true, .loss_ppm = 300000},
    {.what = "all start at once, one holds it", .storm = true, .within = 0},
    {.what = "all start within 1 s, one holds it", .storm = true, .within = 1000},
    {.what = "the same, 30 % loss", .storm = true, .within = 1000, .loss_ppm = 300000},
};

static bool holds(const struct sim_site *site)
{
    return site->agent != NULL && mc_agent_ring_find(site->agent, RING) != NULL;
}

/* Time until all hold it, from now; 0 if one never does. *first is kept between. */
static bool wait_all(struct sim_world *world, uint64_t until_ms)
{
    uint32_t first = 0;

    for (;;) {
        while (first < world->site_count && holds(world->sites[first]))
            first++;
        if (first == world->site_count)
            return true;
        if (world->now_ms >= until_ms)
            return false;
        sim_world_step(world, until_ms);
    }
}

static struct sim_world *make(uint32_t n, enum mc_announce_mode mode)
{
    struct sim_world_config config = sim_world_defaults(n * 10 + mode);
    struct sim_world *world;

    config.site_max = n;
    config.fast = true;
    config.machine.announce = mode;
    config.machine.announce_interval_ms = INTERVAL_MS;
    world = sim_world_new(&config);
    world->trace.off = true;
    return world;
}

static void start_all(struct sim_world *world, uint32_t n, uint32_t within_ms)
{
    uint64_t from_ms = world->now_ms;
    uint64_t *at_ms = sim_alloc(n * sizeof(*at_ms));

    for (uint32_t i = 0; i < n; i++)
        at_ms[i] = from_ms + mc_rng_below(&world->rng, within_ms + 1);
    for (uint32_t ms = 0; ms <= within_ms; ms++) {
        for (uint32_t i = 0; i < n; i++) {
            if (at_ms[i] == from_ms + ms)
                sim_site_start(sim_world_site(world, i));
        }
        if (ms < within_ms)
            sim_world_run(world, from_ms + ms + 1);
    }
    free(at_ms);
}

static void print_row(const struct row *row, uint32_t n, enum mc_announce_mode mode,
                      const struct sim_world *world, bool all, uint64_t took_ms)
{
    const uint64_t *sent = world->trace.sent;
    uint64_t bytes = world->post.published_bytes[0] + world->post.published_bytes[1];
    char took[32] = "-";

    if (row->create || row->storm)
        (void)snprintf(took, sizeof(took), all ? "%.3f s" : "not within %.0f s",
                       all ? (double)took_ms / 1000 : (double)PATIENCE_MS / 1000);
    printf("| %s | %u | %s | %llu | %llu | %llu | %llu | %.1f | %s |\n", row->what, n,
           mode == MC_ANNOUNCE_FULL ? "full" : "digest",
           (unsigned long long)sent[MC_WIRE_ANNOUNCE],
           (unsigned long long)sent[MC_WIRE_WANT],
           (unsigned long long)(sent[MC_WIRE_LIST] + sent[MC_WIRE_MEMBERS]),
           (unsigned long long)sent[MC_WIRE_RECORD], (double)bytes / 1000, took);
    (void)fflush(stdout);
}

static bool run_row(const struct row *row, uint32_t n, enum mc_announce_mode mode)
{
    struct sim_world *world = make(n, mode);
    uint64_t from_ms;
    uint64_t took_ms;
    bool all = true;

    if (row->storm) {
        sim_site_start(sim_world_site(world, 0));
        sim_world_run(world, world->now_ms + SETTLE_MS);
        (void)sim_site_mint(world->sites[0], RING, SIM_CREATE);
        sim_world_run(world, world->now_ms + SETTLE_MS);
        sim_site_kill(world->sites[0]);
        for (uint32_t i = 1; i < n; i++)
            (void)sim_world_site(world, i);
    } else {
        start_all(world, n, 1000);
        sim_world_run(world, world->now_ms + SETTLE_MS);
        if (row->ring) {
            (void)sim_site_mint(world->sites[0], RING, SIM_CREATE);
            sim_world_run(world, world->now_ms + SETTLE_MS);
        }
    }
    if (row->late_ms != 0) {
        world->net.delay_ms_min = row->late_ms;
        world->net.delay_ms_max = 3 * row->late_ms;
        sim_world_run(world, world->now_ms + 3u * INTERVAL_MS);
    }
    world->net.loss_ppm = row->loss_ppm;
    sim_trace_reset_counts(&world->trace);
    memset(world->post.published_bytes, 0, sizeof(world->post.published_bytes));
    from_ms = world->now_ms;
    if (row->storm)
        start_all(world, n, row->within);
    if (row->create)
        (void)sim_site_mint(world->sites[0], RING, SIM_CREATE);
    if (row->create || row->storm)
        all = wait_all(world, from_ms + PATIENCE_MS);
    took_ms = world->now_ms - from_ms - row->within;
    sim_world_run(world, from_ms + INTERVAL_MS);
    print_row(row, n, mode, world, all, took_ms);
    sim_world_free(world);
    return all;
}

int sim_curves_print(uint32_t max)
{
    static const uint32_t sizes[] = {2, 10, 100, 1000};
    bool all = true;

    puts("| what | clusters | mode | announcements | wants | answers in talk | bodies "
         "| KB published | until all hold it |");
    puts("|---|---|---|---|---|---|---|---|---|");
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            if (sizes[s] > max)
                continue;
            all &= run_row(&rows[r], sizes[s], MC_ANNOUNCE_DIGEST);
            all &= run_row(&rows[r], sizes[s], MC_ANNOUNCE_FULL);
        }
    }
    return all ? 0 : 1;
}
