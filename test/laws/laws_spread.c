/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What quotas and dispersion leave open is shared out as chance would: who comes first
 * in a row, with whom a device shares its partitions (all of those rebuild it when it
 * is lost), and where in the table they lie. After a first build, after every kind of
 * change, and after a long chain of them, which must not let it drift. Beside each
 * bound stands what was measured (bench/bench_spread prints more).
 *
 *     laws_spread [PART_POWER]       14 unless told; the bounds on pairs are for 13, 14
 */
#include "big_world.h"
#include "spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned power = 14;

struct bounds {
    double primaries;
    double primaries_worst;
    double width;
    double width_worst;
    double pairs;
    double pair_most;
    double ranges;
    double moved_ranges;
};

static void check(const char *what, const struct big_ring *r, const struct bounds *b)
{
    struct spread s = measure_spread(&r->plan, r->table, r->before, r->before_stride);

    if (s.primaries > b->primaries || s.primaries_worst > b->primaries_worst)
        fail_msg("%s: first places %.2f times chance, %.1f at worst", what, s.primaries,
                 s.primaries_worst);
    if (s.width < b->width || s.width_worst < b->width_worst)
        fail_msg("%s: shares with %.3f of the devices that chance gives, %.3f at worst",
                 what, s.width, s.width_worst);
    if (s.pairs > b->pairs || s.pair_most > b->pair_most)
        fail_msg("%s: pairs %.2f times chance, the heaviest %.2f", what, s.pairs,
                 s.pair_most);
    if (s.ranges > b->ranges)
        fail_msg("%s: over the table %.2f times chance", what, s.ranges);
    if (s.moved_ranges > b->moved_ranges)
        fail_msg("%s: moves over the table %.2f times chance", what, s.moved_ranges);
}

static void a_first_build_is_as_even_as_chance(void **state)
{
    struct big_ring alike = big_build(big_first(power, 60, false), 1);
    struct big_ring skewed = big_build(big_first(power, 60, true), 1);

    (void)state;
    /* Measured: 1.2, 2.6; 1.0, 0.97; 1.0, 1.0; 1.0. */
    check("alike", &alike, &(struct bounds){1.6, 4, 0.97, 0.85, 1.6, 1.5, 1.3, 0});
    /* 1.0, 2.1; 0.99, 0.93; 1.1, 0.9; 0.5. */
    check("skewed", &skewed, &(struct bounds){1.6, 4, 0.95, 0.8, 3, 1.5, 1.3, 0});
    big_ring_fini(&alike);
    big_ring_fini(&skewed);
}

/* Measured: at most 1.6, 3.2; at least 0.98, 0.67; at most 7.1, 2.2; 1.5; 0.8. */
static const struct bounds changed = {2.5, 4, 0.95, 0.6, 10, 3, 2.2, 2};

static void every_change_keeps_it_even(void **state)
{
    struct big_ring first = big_build(big_first(power, 60, true), 1);

    (void)state;
    for (int change = BIG_MORE; change < BIG_CHANGES; change++) {
        struct bounds b = changed;
        struct big_ring r = big_rebalance(&first, (enum big_change)change, false, 7);

        /* The first rows are the longer ones: what joins them lies there. */
        if (change == BIG_REPLICAS) {
            b.ranges = 4;
            b.moved_ranges = 1e9;
        }
        check(big_names[change], &r, &b);
        big_ring_fini(&r);
    }
    big_ring_fini(&first);
}

static void a_long_chain_of_changes_does_not_let_it_drift(void **state)
{
    static const enum big_change chain[] = {BIG_WEIGHTS, BIG_FEWER, BIG_MORE_ZONE,
                                            BIG_LESS_ZONE, BIG_MORE};
    struct big_ring r = big_build(big_first(power, 60, true), 1);

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct big_ring next = big_rebalance(&r, chain[i % 5], i % 2 != 0, (uint64_t)i);
        char what[32];

        big_ring_fini(&r);
        r = next;
        (void)snprintf(what, sizeof(what), "%d changes", i + 1);
        if (i % 8 == 7)
            check(what, &r, &changed);
    }
    big_ring_fini(&r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_build_is_as_even_as_chance),
        cmocka_unit_test(every_change_keeps_it_even),
        cmocka_unit_test(a_long_chain_of_changes_does_not_let_it_drift),
    };

    if (argc > 1)
        power = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
