/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines among themselves: what the seed asks, end to end, in a world whose
 * bus only delays, loses and cuts. The simulator does this at length; here each
 * promise is seen once, in milliseconds, beside the code it belongs to.
 */
#include "machine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct kit *world(unsigned nodes, enum mc_announce_mode mode)
{
    struct kit *k = kit_new(nodes, mode);

    for (unsigned i = 0; i < nodes; i++)
        kit_start(k, i);
    kit_run(k, 15000);
    return k;
}

static unsigned bodies(const struct kit *k)
{
    unsigned n = 0;

    for (unsigned i = 0; i < k->node_count; i++)
        n += k->nodes[i].bodies;
    return n;
}

static void a_ring_made_on_one_cluster_reaches_all(void **state)
{
    struct kit *k = world(5, MC_ANNOUNCE_DIGEST);

    (void)state;
    assert_int_equal(kit_mint(k, 2, "photos", "one"), 0);
    assert_true(kit_until(k, "photos", 1, 1000) <= 10);
    kit_run(k, 30000);
    assert_int_equal(bodies(k), 1);
    assert_int_equal(kit_mint(k, 3, "photos", "two"), 0);
    assert_true(kit_until(k, "photos", 2, 1000) <= 10);
    kit_run(k, 30000);
    assert_int_equal(bodies(k), 2);
    for (unsigned i = 0; i < 5; i++)
        assert_false(mc_machine_status(k->nodes[i].machine).listening);
    kit_free(k);
}

static void one_that_returns_or_joins_has_it_within_a_second(void **state)
{
    struct kit *k = kit_new(6, MC_ANNOUNCE_DIGEST);

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        kit_start(k, i);
    kit_run(k, 15000);
    kit_kill(k, 4, false);
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    kit_run(k, 60000);
    kit_start(k, 4); /* returns */
    assert_true(kit_until(k, "photos", 1, 1000) < 1000);
    kit_start(k, 5); /* joins with nothing */
    assert_true(kit_until(k, "photos", 1, 1000) < 1000);
    kit_run(k, 30000);
    assert_int_equal(bodies(k), 3);
    kit_free(k);
}

static void what_is_lost_on_the_way_is_asked_for(void **state)
{
    struct kit *k = world(5, MC_ANNOUNCE_DIGEST);

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        k->cut[0][i] = i == 3;
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    kit_run(k, 100);
    assert_null(kit_held(k, 3, "photos"));
    assert_true(kit_until(k, "photos", 1, 20000) < 8000);
    k->loss_pct = 30;
    for (unsigned v = 2; v <= 20; v++) {
        assert_int_equal(kit_mint(k, v % 5, "photos", "more"), 0);
        kit_until(k, "photos", v, 120000);
    }
    kit_free(k);
}

static void everybody_returning_at_once_takes_three_bodies(void **state)
{
    struct kit *k = kit_new(40, MC_ANNOUNCE_DIGEST);

    (void)state;
    kit_start(k, 0);
    kit_run(k, 15000);
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    kit_run(k, 15000);
    for (unsigned i = 1; i < 40; i++)
        kit_start(k, i);
    k->nodes[0].bodies = 0;
    assert_true(kit_until(k, "photos", 1, 1000) < 1000);
    kit_run(k, 30000);
    assert_true(bodies(k) <= 3);
    kit_free(k);
}

static void two_sides_of_a_cut_agree_and_keep_the_loser(void **state)
{
    struct kit *k = world(4, MC_ANNOUNCE_DIGEST);
    unsigned settled = 0;

    (void)state;
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    kit_run(k, 15000);
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 4; j++)
            k->cut[i][j] = (i < 2) != (j < 2);
    }
    assert_int_equal(kit_mint(k, 0, "photos", "left"), 0);
    kit_run(k, 10);
    assert_int_equal(kit_mint(k, 3, "photos", "right"), 0);
    kit_run(k, 20000);
    memset(k->cut, 0, sizeof(k->cut));
    kit_until(k, "photos", 2, 30000);
    kit_run(k, 40000);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(k->nodes[i].slots[0].loser_count, 1);
        assert_string_equal(mc_ring_head(k->nodes[i].slots[0].losers[0])->note, "left");
        assert_true(mc_machine_status(k->nodes[i].machine).confirmed_ms > 0);
    }
    assert_int_equal(kit_mint(k, 1, "photos", "both"), 0);
    kit_until(k, "photos", 3, 1000);
    kit_run(k, 40000);
    for (unsigned i = 0; i < 4; i++) {
        struct mc_machine_status s = mc_machine_status(k->nodes[i].machine);

        assert_int_equal(k->nodes[i].slots[0].loser_count, 0);
        settled += s.notes[MC_NOTE_SETTLED] == 1;
        assert_true(k->now_ms - s.confirmed_ms < 25000); /* equal again */
    }
    assert_int_equal(settled, 4);
    kit_free(k);
}

static void full_mode_shows_each_ring_about_once_per_interval(void **state)
{
    struct kit *k = world(5, MC_ANNOUNCE_FULL);
    unsigned before;

    (void)state;
    for (unsigned r = 0; r < 10; r++) {
        char name[8];

        snprintf(name, sizeof(name), "r%u", r);
        assert_int_equal(kit_mint(k, r % 5, name, ""), 0);
    }
    kit_run(k, 20000);
    before = bodies(k);
    kit_run(k, 100000); /* ten intervals */
    printf("# full mode: %u bodies in 10 intervals, 10 rings\n", bodies(k) - before);
    assert_in_range(bodies(k) - before, 100, 150);
    kit_free(k);
}

static void a_large_inventory_is_listed_bucket_by_bucket(void **state)
{
    struct kit *k = kit_new(3, MC_ANNOUNCE_DIGEST);
    struct mc_member member;

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        kit_start(k, i);
    kit_run(k, 15000);
    for (unsigned r = 0; r < 600; r++) {
        char name[16];

        snprintf(name, sizeof(name), "ring-%04u", r);
        assert_int_equal(kit_mint(k, 0, name, ""), 0);
        kit_run(k, 20);
    }
    kit_run(k, 60000);
    assert_int_equal(k->nodes[1].slot_count, 600);
    k->nodes[0].bodies = 0;
    k->nodes[1].bodies = 0;
    kit_start(k, 2);
    kit_run(k, 10000);
    printf("# 600 rings: %u bodies\n", bodies(k));
    assert_int_equal(k->nodes[2].slot_count, 600);
    assert_in_range(bodies(k), 600, 660);
    kit_run(k, 30000);
    member = mc_machine_member(k->nodes[2].machine, 1);
    assert_true(member.inventory_known);
    assert_int_equal(member.holding_count, 600);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_ring_made_on_one_cluster_reaches_all),
        cmocka_unit_test(one_that_returns_or_joins_has_it_within_a_second),
        cmocka_unit_test(what_is_lost_on_the_way_is_asked_for),
        cmocka_unit_test(everybody_returning_at_once_takes_three_bodies),
        cmocka_unit_test(two_sides_of_a_cut_agree_and_keep_the_loser),
        cmocka_unit_test(full_mode_shows_each_ring_about_once_per_interval),
        cmocka_unit_test(a_large_inventory_is_listed_bucket_by_bucket),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
