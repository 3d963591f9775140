/* SPDX-License-Identifier: Apache-2.0 */
/* Full mode (P45): when bodies go out unasked, and that a late broker is not given
 * more. */
#include "machine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RINGS 3u

static struct kit *k;
static uint64_t delta_t;

/* One cluster that holds some rings and has just reached the bus again. */
static int setup(void **state)
{
    static const char *const names[RINGS] = {"logs", "mail", "photos"};

    (void)state;
    k = kit_new(1, MC_ANNOUNCE_FULL);
    delta_t = k->nodes[0].config.announce_interval_ms;
    kit_start(k, 0);
    kit_run(k, 2 * delta_t);
    for (unsigned i = 0; i < RINGS; i++)
        assert_int_equal(kit_mint(k, 0, names[i], ""), 0);
    kit_run(k, delta_t / 10);
    kit_bus(k, 0, false);
    kit_run(k, 10 * delta_t);
    kit_bus(k, 0, true);
    kit_run(k, delta_t / 10);
    k->nodes[0].bodies = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_free(k);
    return 0;
}

static void who_reaches_the_bus_listens_before_it_publishes(void **state)
{
    (void)state;
    kit_run(k, delta_t * 69 / 100);
    assert_int_equal(k->nodes[0].bodies, 0);
    kit_run(k, delta_t * 51 /
                   100); /* the last of three goes out a third after the first */
    assert_int_equal(k->nodes[0].bodies, 1 + (RINGS - 1));
}

static void a_body_waits_until_the_one_before_came_back(void **state)
{
    (void)state;
    k->cut[0][0] = true;
    kit_run(k, delta_t * 17 / 10);
    assert_int_equal(k->nodes[0].bodies, 1);
    kit_run(k, delta_t * 3 / 10); /* it is given up after delta_t */
    assert_int_equal(k->nodes[0].bodies, 2);
    k->cut[0][0] = false;
    kit_run(k, delta_t * 3 / 2); /* the second was lost, too; from then on none is */
    assert_true(k->nodes[0].bodies > RINGS);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test_setup_teardown(who_reaches_the_bus_listens_before_it_publishes,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_waits_until_the_one_before_came_back,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
