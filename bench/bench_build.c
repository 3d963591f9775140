/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a first build and a rebalance take, and how much they move, on
 * synthetic rings: three replicas, three regions, four zones in each, devices
 * of three sizes, and weights that leave region quotas just off whole numbers.
 *
 *     bench_build [PART_POWER DEVICES]
 */
#include "ring/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REGIONS 3u
#define ZONES   4u

enum change {
    CHANGE_MORE,
    CHANGE_ZONE,
    CHANGE_REGION,
    CHANGE_WEIGHTS,
    CHANGE_DRAIN,
    CHANGE_ALL,
    CHANGE_UP,
    CHANGE_DOWN,
    CHANGE_COUNT
};

static const char *const change_names[] = {
    "+5 % devices", "- zone",       "- region",     "reweight 1/7",
    "drain 1/20",   "reweight all", "3.5 replicas", "2.5 replicas"};

enum mode { MODE_CEIL, MODE_STRICT, MODE_GENTLE, MODE_COUNT };

static const char *const mode_names[] = {"", "strict", "gentle"};

/* The devices of a ring, and where each was in the list before. */
struct world {
    struct mc_device *devices;
    uint32_t count;
    uint32_t *was;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static const char *text(const char *form, unsigned a, unsigned b)
{
    char *s = NULL;

    if (asprintf(&s, "%s%u-%u", form, a, b) < 0)
        abort();
    return s; /* for the life of the process */
}

static struct mc_device make_device(uint32_t i)
{
    static const uint64_t sizes[] = {1000, 2000, 4000};
    static const uint64_t skew[] = {1070, 950, 980};
    unsigned region = i % REGIONS;
    unsigned zone = i / REGIONS % ZONES;

    return (struct mc_device){
        .name = text("d", i, 0),
        .region = text("r", region, 0),
        .zone = text("z", region, zone),
        .host = text("h", i / (REGIONS * ZONES) / 8, 0),
        .weight = sizes[i / (REGIONS * ZONES) % 3] * skew[region] * 1000,
    };
}

static struct world first_world(uint32_t count)
{
    struct world w = {calloc(count, sizeof(*w.devices)), count, NULL};

    for (uint32_t i = 0; i < count; i++)
        w.devices[i] = make_device(i);
    return w;
}

static struct world next_world(const struct world *old, enum change change)
{
    uint32_t more = change == CHANGE_MORE ? old->count / 20 : 0;
    struct world w = {calloc(old->count + more, sizeof(*w.devices)), 0,
                      calloc(old->count + more, sizeof(*w.was))};

    for (uint32_t i = 0; i < old->count; i++) {
        struct mc_device d = old->devices[i];

        if ((change == CHANGE_ZONE && strcmp(d.zone, old->devices[0].zone) == 0) ||
            (change == CHANGE_REGION && strcmp(d.region, old->devices[0].region) == 0))
            continue;
        if (change == CHANGE_WEIGHTS && i % 7 == 0)
            d.weight += d.weight / 4;
        if (change == CHANGE_DRAIN && i % 20 == 7)
            d.weight = 0;
        if (change == CHANGE_ALL) /* by a half to twice, as if at random */
            d.weight = d.weight / 1000 * (500 + i * 7919ull % 1500);
        w.was[w.count] = i;
        w.devices[w.count++] = d;
    }
    for (uint32_t i = 0; i < more; i++) {
        w.was[w.count] = UINT32_MAX;
        w.devices[w.count++] = make_device(old->count + i);
    }
    return w;
}

static void init_plan(struct mc_plan *plan, const struct world *w, unsigned power,
                      unsigned halves, enum mode mode)
{
    struct mc_plan_input in = {.devices = w->devices,
                               .device_count = w->count,
                               .part_power = power,
                               .assignments = (uint64_t)halves << power >> 1,
                               .strict = mode == MODE_STRICT};

    if (mc_plan_init(plan, &in) < 0)
        abort();
}

static void rebalance(unsigned power, const struct world *old,
                      const struct mc_plan *plan, const uint32_t *table,
                      enum change change, enum mode mode)
{
    size_t places = (size_t)plan->part_count * plan->stride;
    struct world w = next_world(old, change);
    uint32_t *leaf = malloc(old->count * sizeof(*leaf)); /* old leaf -> new leaf */
    uint32_t *before = malloc(places * sizeof(*before));
    uint32_t *after;
    struct mc_plan_old was = {
        .table = before, .stride = plan->stride, .gentle = mode == MODE_GENTLE};
    struct mc_build_report report;
    struct mc_plan_moves moves;
    struct mc_plan next;
    double start;
    double end;

    init_plan(&next, &w, power,
              change == CHANGE_UP     ? 7
              : change == CHANGE_DOWN ? 5
                                      : 6,
              mode);
    after = malloc((size_t)next.part_count * next.stride * sizeof(*after));
    memset(leaf, 0xff, old->count * sizeof(*leaf));
    for (uint32_t i = 0; i < w.count; i++) {
        if (w.was[i] != UINT32_MAX)
            leaf[plan->tree.leaf_of[w.was[i]]] = next.tree.leaf_of[i];
    }
    for (size_t i = 0; i < places; i++)
        before[i] = leaf[table[i]];
    start = now_ms();
    if (mc_plan_rebalance(&next, &was, 1, after, &moves) < 0)
        abort();
    end = now_ms();
    if (mc_plan_measure(&next, after, &was, &report) < 0)
        abort();
    printf("%-14s %-7s %9.1f %9llu %9llu %9llu %6u %8.2f %5llu\n", change_names[change],
           mode_names[mode], end - start, (unsigned long long)report.moved,
           (unsigned long long)moves.bound, (unsigned long long)moves.held_back,
           moves.rounds, report.max_deviation, (unsigned long long)report.violations);
    mc_plan_fini(&next);
    free(leaf);
    free(before);
    free(after);
    free(w.devices);
    free(w.was);
}

static void run(unsigned power, uint32_t count)
{
    struct world w = first_world(count);
    struct mc_build_report report;
    struct mc_plan plan;
    uint32_t *table;
    double start = now_ms();
    double planned;
    double built;

    init_plan(&plan, &w, power, 6, MODE_CEIL);
    planned = now_ms();
    table = malloc((size_t)plan.part_count * plan.stride * sizeof(*table));
    if (table == NULL || mc_plan_first(&plan, 1, table) < 0)
        abort();
    built = now_ms();
    if (mc_plan_measure(&plan, table, NULL, &report) < 0)
        abort();
    printf("2^%u x 3, %u devices: plan %.1f ms, first build %.1f ms, measure %.1f ms, "
           "violations %llu, below floor %llu, max deviation %.2f\n",
           power, count, planned - start, built - planned, now_ms() - built,
           (unsigned long long)report.violations,
           (unsigned long long)report.below_floor, report.max_deviation);
    printf("%-22s %9s %9s %9s %9s %6s %8s %5s\n", "change", "ms", "moved", "bound",
           "held back", "rounds", "max dev.", "viol.");
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        for (int change = 0; change < CHANGE_COUNT; change++)
            rebalance(power, &w, &plan, table, (enum change)change, (enum mode)mode);
    }
    printf("\n");
    mc_plan_fini(&plan);
    free(table);
    free(w.devices);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        run((unsigned)strtoul(argv[1], NULL, 10), (uint32_t)strtoul(argv[2], NULL, 10));
        return 0;
    }
    run(16, 100);
    run(18, 300);
    run(20, 1000);
    return 0;
}
