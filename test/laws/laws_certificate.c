/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rebalance of any size carries the proof that none moves fewer: prices. Here
 * it is checked from the old table, the new one, the quotas and the prices alone
 * (certificate.c), and prices that prove nothing are seen to fail.
 *
 *     laws_certificate [LARGEST]     up to 2^LARGEST partitions, 16 unless told
 */
#include "big_world.h"
#include "certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned largest = 16;

/* The dearest price of a device. */
static uint32_t dearest(const struct big_ring *r)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < r->plan.tree.leaf_count; i++)
        most = r->price[i] > most ? r->price[i] : most;
    return most;
}

static uint64_t moved(const struct big_ring *r)
{
    return r->plan.assignments -
           (uint64_t)kept(&r->plan, r->before, r->before_stride, r->table);
}

static int64_t proved(const struct big_ring *r)
{
    return (int64_t)r->plan.assignments -
           most_kept(&r->plan, r->before, r->before_stride, r->price, r->world.strict);
}

static void check(const struct big_ring *r, enum big_change change)
{
    assert_true(within_rule(&r->plan, r->table, r->world.strict));
    assert_true(has_quotas(&r->plan, r->table));
    assert_int_equal(moved(r), r->moves.moved);
    assert_int_equal(r->moves.held_back, 0);
    if ((int64_t)moved(r) != proved(r) || moved(r) != r->moves.bound)
        fail_msg("2^%u x %u, %s%s: moved %llu, proved %lld, bound %llu", r->world.power,
                 r->world.count, big_names[change], r->world.strict ? ", strict" : "",
                 (unsigned long long)moved(r), (long long)proved(r),
                 (unsigned long long)r->moves.bound);
}

static void every_change_of_a_large_ring_is_proved(void **state)
{
    static const struct {
        unsigned power;
        uint32_t count;
    } sizes[] = {{12, 40}, {14, 40}, {16, 100}, {18, 300}, {20, 1000}};

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct big_ring first;

        if (sizes[i / 2].power > largest)
            break;
        first =
            big_build(big_first(sizes[i / 2].power, sizes[i / 2].count, i % 2 == 0), 1);
        assert_true(within_rule(&first.plan, first.table, true));
        for (int j = 0; j < 2 * BIG_CHANGES; j++) {
            enum big_change change = (enum big_change)(j / 2);
            struct big_ring r;

            first.world.strict = j % 2 != 0;
            r = big_rebalance(&first, change, false, 7);
            check(&r, change);
            assert_true(change != BIG_SAME || r.moves.moved == 0);
            big_ring_fini(&r);
        }
        big_ring_fini(&first);
    }
}

/* What is held back, and need not be by what the set shows, is none. */
static uint64_t check_gentle(const struct big_ring *r, enum big_change change)
{
    for (uint32_t p = 0; p < r->plan.part_count; p++) {
        struct row_loss loss =
            row_loss(&r->plan, p, r->before + (size_t)p * r->before_stride,
                     r->before_stride, r->table + (size_t)p * r->plan.stride);

        if (loss.lost > loss.may_lose)
            fail_msg("%s: partition %u lost %u and may lose %u", big_names[change], p,
                     loss.lost, loss.may_lose);
    }
    assert_true(within_rule(&r->plan, r->table, r->world.strict));
    assert_int_equal(moved(r), r->moves.moved);
    assert_int_equal(r->moves.held_back,
                     must_hold(&r->plan, r->before, r->before_stride, NULL, r->tight,
                               r->world.strict));
    assert_int_equal(r->moves.held_back, r->moves.held_bound);
    assert_int_equal(has_quotas(&r->plan, r->table), r->moves.held_back == 0);
    return r->moves.held_back;
}

static void every_large_gentle_change_takes_one_of_a_partition(void **state)
{
    struct big_ring first = big_build(big_first(largest < 16 ? 12 : 14, 100, true), 1);

    (void)state;
    for (int change = 0; change < BIG_CHANGES; change++) {
        struct big_ring r = big_rebalance(&first, (enum big_change)change, true, 7);

        assert_int_equal(check_gentle(&r, (enum big_change)change), 0);
        assert_int_equal(r.moves.moved, r.moves.bound);
        big_ring_fini(&r);
    }
    big_ring_fini(&first);
}

/* Of three replicas a device: a row that must give up one of two in a region may not
 * give another, so a new region that takes from all has not all of its share at once.
 */
static void what_is_held_back_is_shown_to_be(void **state)
{
    struct big_ring first = big_build(big_first(10, 1000, true), 1);
    uint64_t held = 0;

    (void)state;
    for (int i = 0; i < 2 * BIG_CHANGES; i++) {
        enum big_change change = (enum big_change)(i / 2);
        struct big_ring r;

        first.world.strict = i % 2 != 0;
        r = big_rebalance(&first, change, true, 7);
        held += check_gentle(&r, change);
        if (r.moves.held_back != 0) {
            /* All devices, or none, show nothing; and no set shows too much. */
            memset(r.tight, i % 2, r.plan.tree.leaf_count);
            assert_true(must_hold(&r.plan, r.before, r.before_stride, NULL, r.tight,
                                  r.world.strict) <= 0);
            for (uint32_t d = 0; d < r.plan.tree.leaf_count; d++)
                r.tight[d] = d % 7 == change % 7;
            assert_true(must_hold(&r.plan, r.before, r.before_stride, NULL, r.tight,
                                  r.world.strict) <= (int64_t)r.moves.held_back);
        }
        big_ring_fini(&r);
    }
    assert_true(held > 4);
    big_ring_fini(&first);
}

/* One after another, each from what the one before left. */
static void check_chain(bool strict)
{
    struct big_ring r = big_build(big_first(largest < 14 ? 10 : 14, 60, true), 3);

    r.world.strict = strict;
    for (int i = 0; i < 3 * BIG_CHANGES; i++) {
        enum big_change change = (enum big_change)(i * 7 % BIG_CHANGES);
        struct big_ring next;

        if (change == BIG_LESS_REGION && i > BIG_CHANGES)
            change = BIG_MORE_REGION;
        next = big_rebalance(&r, change, false, (uint64_t)i);
        check(&next, change);
        big_ring_fini(&r);
        r = next;
    }
    big_ring_fini(&r);
}

static void a_chain_of_changes_is_proved_at_every_step(void **state)
{
    (void)state;
    check_chain(false);
    check_chain(true);
}

/* A certificate that anything passes would be none. */
static void a_worse_table_or_other_prices_are_no_proof(void **state)
{
    struct big_ring first = big_build(big_first(14, 40, true), 1);
    struct big_ring r = big_rebalance(&first, BIG_WEIGHTS, false, 7);
    int64_t right = proved(&r);
    unsigned below = 0;

    (void)state;
    check(&r, BIG_WEIGHTS);
    assert_true(dearest(&r) > 0);
    for (uint32_t i = 0; i < r.plan.tree.leaf_count; i++) {
        for (int up = 0; up < 2; up++) {
            uint32_t was = r.price[i];

            if (up == 0 && was == 0)
                continue;
            r.price[i] = up != 0 ? was + 1 : was - 1;
            assert_true(proved(&r) <= right); /* no prices prove too much */
            below += proved(&r) < right;
            r.price[i] = was;
        }
    }
    assert_true(below > r.plan.tree.leaf_count / 2);
    memset(r.price, 0, r.plan.tree.leaf_count * sizeof(*r.price));
    assert_true(proved(&r) < right);
    /* A first build's table, made anew, is within the rule and keeps less. */
    assert_int_equal(mc_plan_first(&r.plan, 9, r.table), 0);
    assert_true(within_rule(&r.plan, r.table, true));
    assert_true((int64_t)moved(&r) > right);
    r.table[0] = r.table[1];
    assert_false(within_rule(&r.plan, r.table, false));
    big_ring_fini(&r);
    big_ring_fini(&first);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_of_a_large_ring_is_proved),
        cmocka_unit_test(every_large_gentle_change_takes_one_of_a_partition),
        cmocka_unit_test(what_is_held_back_is_shown_to_be),
        cmocka_unit_test(a_chain_of_changes_is_proved_at_every_step),
        cmocka_unit_test(a_worse_table_or_other_prices_are_no_proof),
    };

    if (argc > 1)
        largest = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
