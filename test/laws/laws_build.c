/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the builder promises, on thousands of small random rings and every kind
 * of change: exact quotas, distinct devices, floor and ceil on a first build,
 * ceil after a rebalance, the same bytes for the same seed, and the fewest
 * moves. The last is compared with a plain min-cost flow (fewest_moves.c).
 */
#include "base/rng.h"
#include "certificate.h"
#include "fewest_moves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICES_MAX 24u
#define PARTS_MAX   128u
#define NONE        MC_DEVICE_NONE

static unsigned one_in = 1; /* of the worlds: sanitizers see one in so many */

struct world {
    unsigned power;
    uint64_t assignments;
    uint32_t overload;
    bool strict;
    uint32_t count;
    struct mc_device devices[DEVICES_MAX];
    char names[DEVICES_MAX][16];
    uint32_t was[DEVICES_MAX]; /* index in the world before, NONE: new */
};

static const char *const texts[] = {"a", "b", "c", "d", "e", "f"};

static uint32_t roll(struct mc_rng *rng, uint32_t n)
{
    return (uint32_t)mc_rng_below(rng, n);
}

static struct mc_device random_device(struct mc_rng *rng)
{
    static const uint64_t weights[] = {1000000, 1000000, 2000000, 1500000, 10000000, 1};
    struct mc_device d = {.region = texts[roll(rng, 3)],
                          .zone = texts[roll(rng, 3)],
                          .host = texts[roll(rng, 2)],
                          .weight = weights[roll(rng, roll(rng, 4) == 0 ? 6 : 4)]};

    if (roll(rng, 8) == 0)
        d.weight = roll(rng, 5000000);
    if (roll(rng, 12) == 0)
        d.weight = 0;
    return d;
}

static uint32_t live_devices(const struct world *w)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->count; i++)
        n += w->devices[i].weight != 0;
    return n;
}

static uint64_t random_assignments(struct mc_rng *rng, unsigned power, uint32_t live)
{
    uint64_t parts = 1ull << power;
    uint64_t most = live < 6 ? live : 6;

    if (roll(rng, 3) != 0)
        return parts * (1 + roll(rng, (uint32_t)most));
    return parts + roll(rng, (uint32_t)(parts * (most - 1)) + 1);
}

static void name_devices(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        (void)snprintf(w->names[i], sizeof(w->names[i]), "d%u", i);
        w->devices[i].name = w->names[i];
    }
}

static struct world random_world(struct mc_rng *rng, unsigned power_max)
{
    struct world w = {.power = roll(rng, power_max + 1),
                      .count = 1 + roll(rng, DEVICES_MAX / 2)};

    for (uint32_t i = 0; i < w.count; i++)
        w.devices[i] = random_device(rng);
    if (live_devices(&w) == 0)
        w.devices[0].weight = 1000000;
    w.assignments = random_assignments(rng, w.power, live_devices(&w));
    if (roll(rng, 4) == 0)
        w.overload = roll(rng, 300000);
    name_devices(&w);
    return w;
}

static struct world changed_world(struct mc_rng *rng, const struct world *old)
{
    unsigned changes = 1 + roll(rng, 2);
    struct world w = *old;

    for (uint32_t i = 0; i < w.count; i++)
        w.was[i] = i;
    if (roll(rng, 8) == 0) {
        w.power++;
        w.assignments = 2 * w.assignments + roll(rng, 2);
    }
    while (changes-- > 0) {
        uint32_t which = roll(rng, w.count);
        struct mc_device one = w.devices[which];
        unsigned kind = roll(rng, 7);

        if (kind == 0) {
            w.devices[which].weight = random_device(rng).weight;
        } else if (kind == 1) {
            w.assignments = 0;
        } else if (kind == 2) {
            for (uint32_t i = 0; i < w.count; i++)
                w.devices[i].weight = random_device(rng).weight;
        } else if (kind <= 4) {
            for (uint32_t n = 1 + roll(rng, 2); n > 0 && w.count < DEVICES_MAX; n--) {
                w.was[w.count] = NONE;
                w.devices[w.count++] = random_device(rng);
            }
        } else {
            uint32_t n = 0;

            for (uint32_t i = 0; i < w.count; i++) {
                const struct mc_device *d = &w.devices[i];
                bool same = strcmp(d->region, one.region) == 0 &&
                            (kind == 5 || strcmp(d->zone, one.zone) == 0);

                if (same && (kind == 5 || i == which || roll(rng, 2) == 0))
                    continue;
                w.devices[n] = w.devices[i];
                w.was[n++] = w.was[i];
            }
            w.count = n;
            if (n == 0) {
                w.was[0] = NONE;
                w.devices[w.count++] = random_device(rng);
            }
        }
    }
    if (live_devices(&w) == 0)
        w.devices[0].weight = 1000000;
    if (w.assignments == 0 || w.assignments > (uint64_t)live_devices(&w) << w.power)
        w.assignments = random_assignments(rng, w.power, live_devices(&w));
    name_devices(&w);
    return w;
}

static void init_plan(struct mc_plan *plan, const struct world *w, const uint32_t *held)
{
    struct mc_plan_input in = {.devices = w->devices,
                               .device_count = w->count,
                               .part_power = w->power,
                               .assignments = w->assignments,
                               .overload = w->overload,
                               .strict = w->strict,
                               .held = held};

    assert_int_equal(mc_plan_init(plan, &in), 0);
}

static uint32_t *new_table(const struct mc_plan *plan)
{
    return calloc((size_t)plan->part_count * plan->stride, sizeof(uint32_t));
}

/* Distinct devices in rows of the right length. */
static void check_rows(const struct mc_plan *plan, const uint32_t *table)
{
    for (uint32_t p = 0; p < plan->part_count; p++) {
        const uint32_t *row = table + (size_t)p * plan->stride;

        for (unsigned i = 0; i < plan->stride; i++) {
            assert_int_equal(row[i] == NONE, i >= mc_plan_row(plan, p));
            for (unsigned j = 0; j < i; j++)
                assert_true(row[i] == NONE || row[i] != row[j]);
        }
    }
}

static void check_quotas(const struct mc_plan *plan, const uint32_t *table)
{
    uint64_t sum = 0;

    for (uint32_t leaf = 0; leaf < plan->tree.leaf_count; leaf++) {
        uint32_t held = 0;

        for (size_t i = 0; i < (size_t)plan->part_count * plan->stride; i++)
            held += table[i] == leaf;
        assert_int_equal(held, plan->quota[leaf]);
        sum += held;
    }
    assert_int_equal(sum, plan->assignments);
}

/* For every row and node no more than ceil, and with `floor` no less than that. */
static void check_spread(const struct mc_plan *plan, const uint32_t *table, bool floor)
{
    for (uint32_t v = 0; v < plan->tree.node_count; v++) {
        const struct mc_tree_node *node = &plan->tree.nodes[v];
        uint64_t quota = 0;

        for (uint32_t i = node->leaf; i < node->leaf_end; i++)
            quota += plan->quota[i];
        assert_int_equal(quota, plan->node_quota[v]);
        for (uint32_t p = 0; p < plan->part_count; p++) {
            unsigned n = 0;

            for (unsigned i = 0; i < mc_plan_row(plan, p); i++) {
                uint32_t leaf = table[(size_t)p * plan->stride + i];

                n += leaf >= node->leaf && leaf < node->leaf_end;
            }
            assert_true(n <= (quota + plan->part_count - 1) / plan->part_count);
            assert_true(!floor || n >= quota / plan->part_count);
        }
    }
}

/* ---- the laws ---- */

struct step {
    struct world world;
    struct mc_plan plan;
    uint32_t *table;
    uint32_t *before; /* what it was made from */
};

static void fini_step(struct step *s)
{
    mc_plan_fini(&s->plan);
    free(s->table);
    free(s->before);
}

static struct step first_step(struct mc_rng *rng, unsigned power_max)
{
    struct step s = {.world = random_world(rng, power_max)};

    init_plan(&s.plan, &s.world, NULL);
    s.table = new_table(&s.plan);
    assert_int_equal(mc_plan_first(&s.plan, mc_rng_next(rng), s.table), 0);
    return s;
}

/* The old table, split, in leaves of the next plan; now and then with damage. */
static uint32_t *old_table(struct mc_rng *rng, const struct step *old,
                           const struct world *next, const struct mc_plan *plan)
{
    size_t places = (size_t)plan->part_count * old->plan.stride;
    uint32_t *table = malloc(places * sizeof(*table));
    unsigned more = next->power - old->world.power;
    bool damaged = roll(rng, 10) == 0;

    for (size_t i = 0; i < places; i++) {
        size_t part = i / old->plan.stride >> more;
        uint32_t leaf = old->table[part * old->plan.stride + i % old->plan.stride];

        table[i] = NONE;
        for (uint32_t d = 0; d < next->count; d++) {
            if (leaf != NONE && next->was[d] != NONE &&
                old->plan.tree.leaf_of[next->was[d]] == leaf)
                table[i] = plan->tree.leaf_of[d];
        }
        if (damaged && roll(rng, 6) == 0)
            table[i] = roll(rng, 3) == 0 ? NONE : roll(rng, next->count);
    }
    return table;
}

/* tight: room for DEVICES_MAX, or NULL. */
static struct step next_step(struct mc_rng *rng, const struct step *old, bool gentle,
                             const uint8_t *frozen, uint8_t *tight,
                             struct mc_plan_old *was, struct mc_plan_moves *moves)
{
    struct step s = {.world = changed_world(rng, &old->world)};
    uint32_t held[DEVICES_MAX] = {0};
    uint64_t seed = mc_rng_next(rng);
    uint32_t *again;

    for (uint32_t d = 0; d < s.world.count; d++) {
        if (s.world.was[d] != NONE)
            held[d] = old->plan.quota[old->plan.tree.leaf_of[s.world.was[d]]]
                      << (s.world.power - old->world.power);
    }
    init_plan(&s.plan, &s.world, held);
    s.before = old_table(rng, old, &s.world, &s.plan);
    *was = (struct mc_plan_old){.table = s.before,
                                .stride = old->plan.stride,
                                .gentle = gentle,
                                .frozen = frozen,
                                .tight = tight};
    s.table = new_table(&s.plan);
    again = new_table(&s.plan);
    assert_int_equal(mc_plan_rebalance(&s.plan, was, seed, again, moves), 0);
    assert_int_equal(mc_plan_rebalance(&s.plan, was, seed, s.table, moves), 0);
    assert_memory_equal(s.table, again,
                        (size_t)s.plan.part_count * s.plan.stride * sizeof(*again));
    free(again);
    return s;
}

static void a_first_build_is_exact_and_obeys_floor_and_ceil(void **state)
{
    struct mc_rng rng = mc_rng_init(1);

    (void)state;
    for (unsigned i = 0; i < 4000 / one_in; i++) {
        struct step s = first_step(&rng, 6);
        struct mc_build_report report;

        check_rows(&s.plan, s.table);
        check_quotas(&s.plan, s.table);
        check_spread(&s.plan, s.table, true);
        assert_int_equal(mc_plan_measure(&s.plan, s.table, NULL, &report), 0);
        assert_int_equal(report.violations, 0);
        assert_int_equal(report.below_floor, 0);
        assert_true(report.max_deviation < 1);
        fini_step(&s);
    }
}

static void quotas_are_floor_or_ceil_of_the_share_by_weight(void **state)
{
    struct mc_rng rng = mc_rng_init(2);

    (void)state;
    for (unsigned i = 0; i < 4000 / one_in; i++) {
        struct world w = random_world(&rng, 6);
        double parts = (double)(1u << w.power);
        double left = (double)w.assignments;
        double sum = 0;
        bool full[DEVICES_MAX] = {false};
        bool again = true;
        struct mc_plan plan;

        w.overload = 0;
        init_plan(&plan, &w, NULL);
        for (uint32_t d = 0; d < w.count; d++)
            sum += (double)w.devices[d].weight;
        while (again) {
            again = false;
            for (uint32_t d = 0; d < w.count; d++) {
                double weight = (double)w.devices[d].weight;

                if (full[d] || weight * left < parts * sum || weight <= 0)
                    continue;
                full[d] = again = true;
                left -= parts;
                sum -= weight;
            }
        }
        for (uint32_t d = 0; d < w.count; d++) {
            double quota = plan.quota[plan.tree.leaf_of[d]];
            double weight = (double)w.devices[d].weight;
            double share = full[d] ? parts : weight > 0 ? weight * left / sum : 0;

            assert_true(share - quota < 1 && quota - share < 1);
        }
        mc_plan_fini(&plan);
    }
}

static void check_rebalances(uint64_t seed, unsigned count, bool strict)
{
    struct mc_rng rng = mc_rng_init(seed);
    unsigned dearer = 0; /* floors cost moves */

    for (unsigned i = 0; i < count; i++) {
        struct step a = first_step(&rng, i % 10 == 0 ? 5 : 3);
        struct mc_plan_moves moves;
        struct mc_plan_old was;
        struct step b;
        struct mc_build_report report;

        a.world.strict = strict;
        b = next_step(&rng, &a, false, NULL, NULL, &was, &moves);
        check_rows(&b.plan, b.table);
        check_quotas(&b.plan, b.table);
        check_spread(&b.plan, b.table, strict);
        assert_int_equal(mc_plan_measure(&b.plan, b.table, &was, &report), 0);
        assert_int_equal(report.violations, 0);
        assert_int_equal(report.moved, fewest_moves(&b.plan, &was));
        assert_int_equal(report.moved, moves.moved);
        if (strict) {
            struct mc_plan ceil = b.plan;

            ceil.strict = false;
            dearer += report.moved > fewest_moves(&ceil, &was);
            assert_int_equal(report.below_floor, 0);
        }
        assert_int_equal(report.moved, moves.bound);
        assert_true(report.moved >= report.moved_lower_bound);
        assert_int_equal(moves.undone, 0);
        assert_int_equal(moves.held_back, 0);
        fini_step(&a);
        fini_step(&b);
    }
    assert_true(!strict || dearer > count / 200);
}

static void a_rebalance_is_exact_and_moves_the_fewest(void **state)
{
    (void)state;
    check_rebalances(3, 12000 / one_in, false);
}

static void a_strict_one_keeps_floors_too_and_moves_the_fewest(void **state)
{
    (void)state;
    check_rebalances(8, 6000 / one_in, true);
}

static void larger_rings_keep_the_rules_too(void **state)
{
    struct mc_rng rng = mc_rng_init(4);

    (void)state;
    for (unsigned i = 0; i < 6000 / one_in; i++) {
        struct step a = first_step(&rng, 6);
        struct mc_plan_moves moves;
        struct mc_plan_old was;
        struct step b;

        a.world.strict = i % 2 == 0;
        b = next_step(&rng, &a, false, NULL, NULL, &was, &moves);
        check_rows(&b.plan, b.table);
        check_quotas(&b.plan, b.table);
        check_spread(&b.plan, b.table, a.world.strict);
        assert_int_equal(moves.undone, 0);
        fini_step(&a);
        fini_step(&b);
    }
}

static void nothing_changed_moves_nothing(void **state)
{
    struct mc_rng rng = mc_rng_init(5);

    (void)state;
    for (unsigned i = 0; i < 2000 / one_in; i++) {
        struct step a = first_step(&rng, 6);
        size_t bytes = (size_t)a.plan.part_count * a.plan.stride * sizeof(*a.table);
        struct mc_plan_old was = {.table = a.table, .stride = a.plan.stride};
        uint32_t held[DEVICES_MAX];
        struct mc_plan_moves moves;
        struct mc_plan plan;
        uint32_t *table = new_table(&a.plan);

        for (uint32_t d = 0; d < a.world.count; d++)
            held[d] = a.plan.quota[a.plan.tree.leaf_of[d]];
        init_plan(&plan, &a.world, held);
        assert_int_equal(mc_plan_rebalance(&plan, &was, 7, table, &moves), 0);
        assert_memory_equal(table, a.table, bytes);
        assert_int_equal(moves.bound, 0);
        mc_plan_fini(&plan);
        free(table);
        fini_step(&a);
    }
}

static void a_gentle_rebalance_takes_one_of_a_partition_unless_forced(void **state)
{
    struct mc_rng rng = mc_rng_init(6);
    uint64_t held_back = 0;
    uint64_t moved = 0;
    uint64_t holds = 0;   /* runs that held something back */
    uint64_t shown = 0;   /* of these, as is shown, no more than must be */
    uint64_t reached = 0; /* runs that reached their quotas */
    uint64_t exact = 0;   /* of these, with no more moves than without the rule */

    (void)state;
    for (unsigned i = 0; i < 3000 / one_in; i++) {
        struct step a = first_step(&rng, 6);
        uint8_t frozen[PARTS_MAX];
        uint8_t tight[DEVICES_MAX] = {0};
        struct mc_plan_moves moves;
        struct mc_plan_old was;
        struct mc_build_report report;
        struct step b;

        for (uint32_t p = 0; p < PARTS_MAX; p++)
            frozen[p] = roll(&rng, 4) == 0;
        a.world.strict = i % 3 == 0;
        b = next_step(&rng, &a, true, roll(&rng, 2) == 0 ? frozen : NULL, tight, &was,
                      &moves);
        check_rows(&b.plan, b.table);
        check_spread(&b.plan, b.table, a.world.strict);
        assert_int_equal(mc_plan_measure(&b.plan, b.table, &was, &report), 0);
        assert_true(report.moved >= moves.bound);
        held_back += moves.held_back;
        moved += report.moved;
        assert_true(moves.held_bound <= moves.held_back);
        if (moves.held_bound != 0)
            assert_int_equal(moves.held_bound,
                             must_hold(&b.plan, was.table, was.stride, was.frozen,
                                       tight, a.world.strict));
        holds += moves.held_back != 0;
        shown += moves.held_back != 0 && moves.held_bound == moves.held_back;
        if (moves.held_back == 0) {
            check_quotas(&b.plan, b.table);
            exact += report.moved == moves.bound;
            if (i % 4 == 0)
                assert_int_equal(moves.bound, fewest_moves(&b.plan, &was));
            reached++;
        }
        for (uint32_t p = 0; p < b.plan.part_count; p++) {
            const uint32_t *row = b.table + (size_t)p * b.plan.stride;
            unsigned width = mc_plan_row(&b.plan, p);
            unsigned kept = 0;
            unsigned could = 0;

            for (uint32_t leaf = 0; leaf < b.plan.tree.leaf_count; leaf++) {
                bool now = false;

                for (unsigned s = 0; s < width; s++)
                    now = now || row[s] == leaf;
                could += row_had(&was, p, leaf);
                kept += now && row_had(&was, p, leaf);
            }
            /* Where nothing forces a move at all: one, or none when frozen. */
            if (could == width && moves.bound == 0)
                assert_true(width - kept <= (was.frozen == NULL || !frozen[p]));
        }
        fini_step(&a);
        fini_step(&b);
    }
    assert_true(moved > 0);
    assert_true(held_back > 0 && shown * 100 >= holds * 98);
    assert_true(reached > 1500 / one_in && exact * 100 > reached * 95);
}

/* Three replicas, zones of 2 : 1 : 1 by weight. */
static struct world uneven_world(uint32_t overload)
{
    struct world w = {
        .power = 6, .assignments = 3 << 6, .overload = overload, .count = 12};

    for (uint32_t i = 0; i < w.count; i++)
        w.devices[i] = (struct mc_device){.region = "a",
                                          .zone = texts[i % 3],
                                          .host = texts[i / 3],
                                          .weight = i % 3 == 0 ? 2000000 : 1000000};
    name_devices(&w);
    return w;
}

static void overload_buys_spread_and_no_more_than_it_says(void **state)
{
    static const uint32_t overloads[] = {0, 100000, 333333, 333334, 5000000};
    static const uint64_t big_zone[] = {96, 86, 64, 64, 64}; /* of 192 */
    uint64_t before = UINT64_MAX;

    (void)state;
    for (unsigned i = 0; i < sizeof(overloads) / sizeof(overloads[0]); i++) {
        struct world w = uneven_world(overloads[i]);
        struct mc_plan plan;
        uint64_t zone = 0;

        init_plan(&plan, &w, NULL);
        for (uint32_t d = 0; d < w.count; d++) {
            uint64_t quota = plan.quota[plan.tree.leaf_of[d]];
            double share = 192.0 * (double)w.devices[d].weight / 16e6;

            zone += d % 3 == 0 ? quota : 0;
            assert_true((double)quota < share * (1 + overloads[i] / 1e6) + 1);
        }
        assert_true(zone <= before);
        assert_true(zone <= big_zone[i] + 1 && zone + 1 >= big_zone[i]);
        before = zone;
        mc_plan_fini(&plan);
    }
}

/* Five regions, three replicas: each pair in different regions could share a partition,
 * so that whoever is lost is made anew by all of them. */
static void who_may_share_a_partition_does(void **state)
{
    struct world w = {.power = 12, .assignments = 3 << 12, .count = 20};
    uint32_t together[20][20] = {{0}};
    struct mc_plan plan;
    uint32_t *table;

    (void)state;
    for (uint32_t i = 0; i < w.count; i++)
        w.devices[i] = (struct mc_device){.region = texts[i % 5],
                                          .zone = texts[i / 5 % 2],
                                          .host = "",
                                          .weight = 1000000 + i % 3 * 100000};
    name_devices(&w);
    init_plan(&plan, &w, NULL);
    table = new_table(&plan);
    assert_int_equal(mc_plan_first(&plan, 1, table), 0);
    for (size_t at = 0; at < 3u << 12; at++) {
        for (size_t other = at - at % 3; other < at; other++) {
            together[table[at]][table[other]]++;
            together[table[other]][table[at]]++;
        }
    }
    for (uint32_t a = 0; a < w.count; a++) {
        for (uint32_t b = 0; b < w.count; b++) {
            uint64_t even = 2 * (uint64_t)plan.quota[a] * plan.quota[b] /
                            (plan.assignments - plan.assignments / 5);

            if (plan.tree.up[a][MC_TIER_REGION] != plan.tree.up[b][MC_TIER_REGION])
                assert_in_range(together[a][b], even / 2, 2 * even);
        }
    }
    free(table);
    mc_plan_fini(&plan);
}

static void any_overload_can_be_built(void **state)
{
    struct mc_rng rng = mc_rng_init(7);

    (void)state;
    for (unsigned i = 0; i < 4000 / one_in; i++) {
        struct world w = random_world(&rng, 6);
        struct mc_plan plan;
        uint32_t *table;

        w.overload = 1 + roll(&rng, roll(&rng, 2) == 0 ? 3000000 : MC_OVERLOAD_MAX);
        init_plan(&plan, &w, NULL);
        table = new_table(&plan);
        assert_int_equal(mc_plan_first(&plan, i, table), 0);
        check_rows(&plan, table);
        check_quotas(&plan, table);
        check_spread(&plan, table, true);
        free(table);
        mc_plan_fini(&plan);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_are_floor_or_ceil_of_the_share_by_weight),
        cmocka_unit_test(overload_buys_spread_and_no_more_than_it_says),
        cmocka_unit_test(any_overload_can_be_built),
        cmocka_unit_test(who_may_share_a_partition_does),
        cmocka_unit_test(a_first_build_is_exact_and_obeys_floor_and_ceil),
        cmocka_unit_test(a_rebalance_is_exact_and_moves_the_fewest),
        cmocka_unit_test(a_strict_one_keeps_floors_too_and_moves_the_fewest),
        cmocka_unit_test(larger_rings_keep_the_rules_too),
        cmocka_unit_test(nothing_changed_moves_nothing),
        cmocka_unit_test(a_gentle_rebalance_takes_one_of_a_partition_unless_forced),
    };

    if (argc > 1)
        one_in = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
