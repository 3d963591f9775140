/* SPDX-License-Identifier: Apache-2.0 */
/* sim/chaos.c -- see chaos.h. */
#include "sim/chaos.h"

#include "sim/check.h"

#include <stdio.h>
#include <string.h>

#define SITES_MIN     3u
#define SITES_MORE    5u
#define RINGS         3u
#define STORM_MS      90000u
#define GAP_MS        3000u  /* between two acts, at most */
#define HEAL_MS_MAX   30000u /* 3 delta_t: then all must agree */
#define LISTEN_MS_MAX 15000u /* so long may one that just started listen */
#define DISK_MS       25000u /* later than that, when a disk had failed */
#define QUIET_MS      20000u /* 2 delta_t without a body on its way (digest) */

static const char *const rings[RINGS] = {"photos", "mail", "logs"};

struct chaos {
    struct sim_world *world;
    struct mc_rng rng; /* of the faults; the world has its own */
    uint32_t count;
    uint64_t faults;
    bool digest;       /* nobody is in full mode */
    bool mixed;        /* machines of two versions */
    bool disks_failed; /* a letter may wait 25 s for its next try (P63) */
};

static uint64_t pick(struct chaos *c, uint64_t n)
{
    return mc_rng_below(&c->rng, n);
}

static struct sim_site *any_site(struct chaos *c)
{
    return sim_world_site(c->world, (uint32_t)pick(c, c->count));
}

static void say(struct chaos *c, const char *what, const struct sim_site *site)
{
    sim_trace_say(&c->world->trace, true, sim_world_at_ms(c->world), "-- %s %s", what,
                  site == NULL ? "" : site->label);
    c->faults++;
}

static void mint(struct chaos *c)
{
    struct sim_site *site = any_site(c);
    const char *ring = rings[pick(c, RINGS)];
    const struct mc_ring *held;
    enum sim_change change = SIM_UPDATE;

    if (site->agent == NULL)
        return;
    held = mc_agent_ring_find(site->agent, ring);
    if (held == NULL || mc_ring_head(held)->tombstone)
        change = SIM_CREATE;
    else if (pick(c, 8) == 0)
        change = SIM_DELETE;
    (void)sim_site_mint(site, ring, change);
}

/* Starts it as this version or the next. */
static void set_version(struct chaos *c, struct sim_site *site)
{
    unsigned version = pick(c, 2) == 0 ? SIM_PRESENT : SIM_NEXT;

    say(c, version == SIM_NEXT ? "next version" : "this version", site);
    sim_site_change_version(site, version, pick(c, 3) == 0);
}

static void machine_fault(struct chaos *c)
{
    struct sim_site *site = any_site(c);

    if (c->mixed && site->agent != NULL && pick(c, 2) == 0) {
        set_version(c, site);
        return;
    }
    if (site->agent != NULL) {
        bool clean = pick(c, 3) == 0;

        say(c, clean ? "stop" : "kill", site);
        (clean ? sim_site_stop : sim_site_kill)(site);
        return;
    }
    if (pick(c, 8) == 0) {
        say(c, "wipe", site);
        sim_site_wipe(site);
    } else if (site->backup != NULL && pick(c, 6) == 0) {
        say(c, "restore", site);
        sim_site_restore(site);
    }
    if (c->mixed && pick(c, 2) == 0) {
        set_version(c, site);
        return;
    }
    say(c, "start", site);
    sim_site_start(site);
}

static void wall_fault(struct chaos *c)
{
    uint64_t group = pick(c, 1ull << c->count);
    bool one_way = pick(c, 3) == 0;

    if (pick(c, 2) == 0) {
        say(c, "heal", NULL);
        sim_net_heal(&c->world->net);
        return;
    }
    say(c, one_way ? "one-way cut" : "cut", NULL);
    for (uint32_t a = 0; a < c->count; a++) {
        for (uint32_t b = 0; b < c->count; b++) {
            bool a_in = (group >> a & 1) != 0;
            bool b_in = (group >> b & 1) != 0;

            if (a_in != b_in && (a_in || !one_way))
                sim_net_wall(&c->world->net, a, b);
        }
    }
}

static void net_fault(struct chaos *c)
{
    static const uint32_t losses[] = {0, 0, 50000, 300000, 600000};
    static const uint32_t delays[] = {5, 5, 200, 2000};
    struct sim_net *net = &c->world->net;

    say(c, "other weather", NULL);
    net->loss_ppm = losses[pick(c, 5)];
    net->twice_ppm = pick(c, 2) == 0 ? 0 : 100000;
    net->damage_ppm = pick(c, 3) == 0 ? 10000 : 0;
    net->delay_ms_max = delays[pick(c, 4)];
}

static void bus_fault(struct chaos *c)
{
    uint32_t site = pick(c, 2) == 0 ? SIM_ALL : (uint32_t)pick(c, c->count);

    switch (pick(c, 5)) {
    case 0:
        say(c, "bus wiped", NULL);
        sim_post_wipe(&c->world->post);
        break;
    case 1:
    case 2:
        say(c, "bus away", site == SIM_ALL ? NULL : c->world->sites[site]);
        sim_post_away(&c->world->post, site, true);
        break;
    default:
        say(c, "bus back", NULL);
        sim_post_away(&c->world->post, SIM_ALL, false);
        break;
    }
}

static void other_fault(struct chaos *c)
{
    struct sim_site *site = any_site(c);

    switch (pick(c, 4)) {
    case 0:
        say(c, "clock jumps", site);
        site->clock.skew_ms = (int64_t)pick(c, 1200000) - 600000;
        break;
    case 1:
        say(c, "disk fails", site);
        c->disks_failed = true;
        site->store->fail = pick(c, 2) == 0 ? MCOS_E_IO : MCOS_E_FULL;
        break;
    case 2:
        say(c, "disks work", NULL);
        for (uint32_t i = 0; i < c->count; i++)
            c->world->sites[i]->store->fail = 0;
        break;
    default:
        say(c, "backup", site);
        sim_site_backup(site);
        break;
    }
}

/* Of the registry that several agents of one cluster share. */
static void registry_fault(struct chaos *c)
{
    struct sim_company *company = c->world->company;
    struct sim_fellow *fellow = &company->fellows[pick(c, company->count)];

    switch (pick(c, 5)) {
    case 0:
        say(c, "registry wiped", NULL);
        sim_company_wipe(company);
        break;
    case 1:
        say(c, "registry away", NULL);
        company->away = true;
        break;
    case 2:
        say(c, "cut from the registry", fellow->site);
        fellow->cut = true;
        break;
    default:
        say(c, "registry back", NULL);
        company->away = false;
        for (size_t i = 0; i < company->count; i++)
            company->fellows[i].cut = false;
        break;
    }
}

static void act(struct chaos *c)
{
    uint64_t die;

    if (c->world->company != NULL && pick(c, 10) == 0) {
        registry_fault(c);
        return;
    }
    die = pick(c, 100);
    if (die < 40)
        mint(c);
    else if (die < 60)
        machine_fault(c);
    else if (die < 72)
        wall_fault(c);
    else if (die < 82)
        net_fault(c);
    else if (die < 90)
        bus_fault(c);
    else
        other_fault(c);
}

static void heal(struct chaos *c)
{
    struct sim_world *world = c->world;

    say(c, "all is well", NULL);
    sim_net_heal(&world->net);
    world->net.loss_ppm = 0;
    world->net.twice_ppm = 0;
    world->net.damage_ppm = 0;
    world->net.delay_ms_max = 5;
    sim_post_away(&world->post, SIM_ALL, false);
    for (size_t i = 0; world->company != NULL && i < world->company->count; i++) {
        world->company->away = false;
        world->company->fellows[i].cut = false;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        struct sim_site *site = sim_world_site(world, i);

        site->store->fail = 0;
        site->clock.skew_ms = 0;
        sim_site_start(site);
    }
}

static void describe_split(struct chaos *c)
{
    for (unsigned r = 0; r < RINGS; r++) {
        for (uint32_t i = 0; i < c->count; i++) {
            const struct sim_site *site = c->world->sites[i];
            const struct sim_shelf *shelf = sim_store_find(site->store, rings[r]);
            char text[200];
            size_t len = 0;

            if (shelf == NULL || shelf->held == NULL)
                continue;
            len += (size_t)snprintf(
                text, sizeof(text), "%.8s %.40s losers:", rings[r],
                sim_trace_nick(&c->world->trace, mc_ring_head(shelf->held)->digest));
            for (size_t k = 0; k < shelf->loser_count && len < 160; k++)
                len += (size_t)snprintf(
                    text + len, sizeof(text) - len, " %.30s",
                    sim_trace_nick(&c->world->trace,
                                   mc_ring_head(shelf->losers[k])->digest));
            sim_trace_say(&c->world->trace, true, sim_world_at_ms(c->world),
                          "-- %s has %s", site->label, text);
        }
    }
}

/* All agree, nothing minted is missing anywhere. */
static bool whole(const struct chaos *c)
{
    return sim_check_agreed(c->world, NULL, 0) && sim_check_everywhere(c->world);
}

static uint64_t wait_whole(struct chaos *c, const char *after)
{
    struct sim_world *world = c->world;
    uint64_t from_ms = world->now_ms;
    uint64_t most_ms = HEAL_MS_MAX + (c->disks_failed ? DISK_MS : 0);

    while (!whole(c)) {
        if (world->violations != 0)
            return 0;
        if (world->now_ms - from_ms >= most_ms) {
            describe_split(c);
            sim_check_fail(world, "not all agree %llu ms after %s",
                           (unsigned long long)most_ms, after);
            return 0;
        }
        sim_world_step(world, from_ms + most_ms);
    }
    return world->now_ms - from_ms;
}

/* One update of each ring settles every conflict, wherever it is made. */
static void settle(struct chaos *c)
{
    for (unsigned r = 0; r < RINGS; r++) {
        struct sim_site *site = any_site(c);
        const struct mc_ring *held = mc_agent_ring_find(site->agent, rings[r]);

        enum sim_change change;
        uint64_t until_ms = c->world->now_ms + LISTEN_MS_MAX;

        if (held == NULL)
            continue;
        change = mc_ring_head(held)->tombstone ? SIM_CREATE : SIM_UPDATE;
        while (sim_site_mint(site, rings[r], change) != 0 &&
               c->world->violations == 0) {
            if (c->world->now_ms >= until_ms) {
                sim_check_fail(c->world, "%s refuses an update", site->label);
                return;
            }
            sim_world_run(c->world, c->world->now_ms + 100);
        }
    }
    (void)wait_whole(c, "an update of each ring");
    for (uint32_t i = 0; c->world->violations == 0 && i < c->count; i++) {
        for (unsigned r = 0; r < RINGS; r++) {
            if (mc_agent_loser_count(c->world->sites[i]->agent, rings[r]) != 0)
                sim_check_fail(c->world, "an update of %s did not settle its conflicts",
                               rings[r]);
        }
    }
}

/* Nothing is sent round and round. */
static void bodies_end(struct chaos *c)
{
    struct sim_world *world = c->world;

    sim_world_run(world, world->now_ms + QUIET_MS);
    sim_trace_reset_counts(&world->trace);
    sim_world_run(world, world->now_ms + QUIET_MS);
    if (c->digest && world->trace.sent[MC_WIRE_RECORD] != 0)
        sim_check_fail(world, "%llu bodies are sent though all is well",
                       (unsigned long long)world->trace.sent[MC_WIRE_RECORD]);
}

static void quiet(struct chaos *c)
{
    bodies_end(c);
    if (!whole(c))
        sim_check_fail(c->world, "all agreed, and then no longer");
}

static bool is_less(const struct mc_ring *a, const struct mc_ring *b)
{
    struct mc_stamp x;
    struct mc_stamp y;

    if (a == NULL || b == NULL)
        return a == NULL && b != NULL;
    x = mc_stamp_of(mc_ring_head(a));
    y = mc_stamp_of(mc_ring_head(b));
    return mc_stamp_cmp(&x, &y) < 0;
}

/* What `site` is told that the machine holds of a ring. A cluster of several says no
 * more than all of them hold (P93), and so nothing of what one of them cannot read. */
static const struct mc_ring *told(const struct chaos *c, const struct sim_site *other,
                                  const struct sim_site *site, const char *ring)
{
    const struct mc_ring *least = mc_agent_ring_find(other->agent, ring);

    if (other->fellow == NULL || site->fellow != NULL)
        return least;
    for (size_t i = 0; i < c->world->company->count; i++) {
        const struct mc_ring *held =
            mc_agent_ring_find(c->world->company->fellows[i].site->agent, ring);

        least = is_less(held, least) ? held : least;
    }
    return least;
}

/* One that follows gets what the registry has, and nothing that the active one cannot
 * read: it hears that it is behind, and waits. */
static bool waits_for_others(const struct chaos *c, const struct sim_site *site)
{
    if (site->fellow == NULL ||
        !mc_machine_status(mc_agent_machine(site->agent)).following)
        return false;
    for (size_t i = 0; i < c->world->company->count; i++) {
        if (c->world->company->fellows[i].site->config.format < site->config.format)
            return true;
    }
    return false;
}

/* Is it told of a greater one than it holds, read or not? */
static bool is_behind(const struct chaos *c, const struct sim_site *site,
                      const char *ring)
{
    const struct mc_ring *held = mc_agent_ring_find(site->agent, ring);

    for (uint32_t i = 0; i < c->count; i++) {
        if (is_less(held, told(c, c->world->sites[i], site, ring)))
            return true;
    }
    return false;
}

/*
 * All is well but for the versions. Each machine then holds the greatest of each
 * ring, or knows that there is a greater one which it cannot read, and refuses
 * to change it; and nobody asks for such a record again and again.
 */
static void live_together(struct chaos *c)
{
    sim_world_run(c->world, c->world->now_ms + HEAL_MS_MAX + DISK_MS);
    for (uint32_t i = 0; c->world->violations == 0 && i < c->count; i++) {
        struct sim_site *site = c->world->sites[i];

        for (unsigned r = 0; r < RINGS; r++) {
            struct mc_stamp stamp;
            bool unread =
                mc_machine_find_unread(mc_agent_machine(site->agent), rings[r], &stamp);

            if (is_behind(c, site, rings[r]) && !unread && !waits_for_others(c, site))
                sim_check_fail(c->world, "%s is behind in %s and does not know it",
                               site->label, rings[r]);
            if (unread && site->config.format == SIM_NEXT)
                sim_check_fail(c->world, "%s cannot read a %s that it can read",
                               site->label, rings[r]);
            if (unread && sim_site_mint(site, rings[r], SIM_UPDATE) != MCOS_E_OLD)
                sim_check_fail(c->world, "%s parts from a %s that it cannot read",
                               site->label, rings[r]);
        }
    }
    if (c->world->violations == 0)
        bodies_end(c);
}

/* The last ones are upgraded: now all is as in a world of one version. */
static void upgrade_all(struct chaos *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct sim_site *site = c->world->sites[i];

        if (site->config.format != SIM_NEXT)
            sim_site_change_version(site, SIM_NEXT, pick(c, 2) == 0);
    }
}

/* In every third world the first machine and the last ones are agents of one cluster.
 */
static void join_agents(struct chaos *c, uint64_t seed)
{
    uint32_t others = c->count > 4 ? 2 : 1;

    if (seed % 3 != 0)
        return;
    c->world->company = sim_company_new(c->world);
    (void)sim_company_join(c->world->company, c->world->sites[0]);
    for (uint32_t i = c->count - others; i < c->count; i++)
        (void)sim_company_join(c->world->company, c->world->sites[i]);
}

static void build(struct chaos *c, uint64_t seed, bool show,
                  void (*line)(void *ctx, const char *text))
{
    struct sim_world_config config = sim_world_defaults(seed);
    unsigned mode = (unsigned)pick(c, 4);

    c->count = SITES_MIN + (uint32_t)pick(c, SITES_MORE + 1);
    c->digest = mode == 0;
    if (seed % 4 == 3)
        config.part_power = 10; /* large enough for differences */
    config.machine.announce = mode == 1 ? MC_ANNOUNCE_FULL : MC_ANNOUNCE_DIGEST;
    c->world = sim_world_new(&config);
    if (show)
        c->world->trace.show = line;
    (void)sim_world_site(c->world, c->count - 1);
    join_agents(c, seed);
    for (uint32_t i = 0; i < c->count; i++) {
        struct sim_site *site = sim_world_site(c->world, i);

        if (c->mixed && pick(c, 2) == 0) {
            site->config.protocol = SIM_NEXT;
            site->config.format = SIM_NEXT;
        }
        if (mode > 1)
            site->config.announce =
                pick(c, 2) == 0 ? MC_ANNOUNCE_FULL : MC_ANNOUNCE_DIGEST;
        if (pick(c, 4) != 0)
            sim_site_start(site);
    }
}

static void print(void *ctx, const char *line)
{
    (void)ctx;
    puts(line);
}

void sim_chaos_run(uint64_t seed, bool mixed, bool show, struct sim_chaos_result *ret)
{
    struct chaos c = {.rng = mc_rng_init(seed ^ 0x6368616f73u), .mixed = mixed};
    struct sim_world *world;
    uint64_t healed_ms;

    build(&c, seed, show, print);
    world = c.world;
    while (world->violations == 0 && sim_world_at_ms(world) < STORM_MS) {
        act(&c);
        sim_world_run(world, world->now_ms + 1 + pick(&c, GAP_MS));
        sim_check_nothing_lost(world);
        sim_check_nothing_made_up(world);
    }
    heal(&c);
    if (mixed && world->violations == 0) {
        live_together(&c);
        upgrade_all(&c);
    }
    healed_ms = wait_whole(&c, "healing");
    if (world->violations == 0)
        settle(&c);
    if (world->violations == 0)
        quiet(&c);
    *ret = (struct sim_chaos_result){.hash = world->trace.hash,
                                     .faults = c.faults,
                                     .minted = world->minted_count,
                                     .healed_ms = healed_ms,
                                     .virtual_ms = sim_world_at_ms(world)};
    (void)snprintf(ret->violation, sizeof(ret->violation), "%s", world->violation);
    sim_world_free(world);
}
