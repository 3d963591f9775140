/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change is answered later, and the world goes on meanwhile. The worker here is
 * stepped by hand (test/fake/work.h), so that each order of build, result and other
 * requests is one that the test chose.
 */
#include "node/routes_state.h"
#include "test/fake/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mc_request put_new(void)
{
    return (struct mc_request){.method = "PUT", .if_none_match = "*"};
}

static void the_answer_waits_for_the_build_and_readers_do_not(void **state)
{
    struct world *w = *state;
    struct mc_request q = put_new();
    struct asked asked;

    begin(w, &asked, &q, "/v1/rings/photos", THREE);
    assert_true(asked.kept);
    assert_false(asked.answered);
    assert_int_equal(get(w, "/livez"), 200);
    assert_int_equal(get(w, "/v1/rings/photos"), 404);
    fake_work_run(&w->work, 0);
    assert_int_equal(get(w, "/v1/rings/photos"), 404); /* minting is the loop's */
    assert_int_equal(w->agent.record_count, 0);
    fake_work_finish(&w->work, 0);
    assert_int_equal(look(w, &asked), 201);
    want_text(w, "ring", "photos");
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    want_text(w, "author", "uid:7");
}

static void of_two_builds_at_once_the_first_to_end_wins(void **state)
{
    struct world *w = *state;

    for (size_t first = 0; first < 2; first++) {
        const char *const path[2] = {"/v1/rings/a", "/v1/rings/b"};
        struct mc_request q[2] = {put_new(), put_new()};
        struct asked asked[2];

        begin(w, &asked[0], &q[0], path[first], THREE);
        begin(w, &asked[1], &q[1], path[first], FOUR);
        fake_work_run(&w->work, 0);
        fake_work_run(&w->work, 1);
        fake_work_finish(&w->work, first);
        fake_work_finish(&w->work, 0);
        assert_int_equal(look(w, &asked[first]), 201);
        (void)look(w, &asked[1 - first]);
        want_problem(w, MCOS_E_EXISTS);
        want_number(w, "version", 1);
    }
    assert_int_equal(w->agent.record_count, 2);
}

static void a_change_between_makes_a_build_stale(void **state)
{
    struct world *w = *state;
    struct mc_request q = {.method = "PUT"};
    struct mc_request del = {.method = "DELETE"};
    struct asked asked;
    char etag[96];

    for (unsigned gone = 0; gone < 2; gone++) {
        assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
        memcpy(etag, w->etag, sizeof(etag));
        q = (struct mc_request){.method = "PUT", .if_match = etag};
        begin(w, &asked, &q, "/v1/rings/photos", FOUR);
        fake_work_run(&w->work, 0);
        if (gone != 0) {
            del.if_match = etag;
            assert_int_equal(ask(w, &del, "/v1/rings/photos", NULL), 200);
        } else {
            /* Its build ends before that of the first. */
            struct mc_request other = {.method = "PUT", .if_match = etag};
            struct asked quick;

            begin(w, &quick, &other, "/v1/rings/photos", THREE);
            fake_work_finish(&w->work, 1);
            assert_int_equal(look(w, &quick), 200);
        }
        fake_work_finish(&w->work, 0);
        (void)look(w, &asked);
        want_problem(w, gone != 0 ? MCOS_E_DELETED : MCOS_E_STALE);
        if (gone == 0) {
            want_number(w, "version", 2);
            del.if_match = w->etag;
            assert_int_equal(ask(w, &del, "/v1/rings/photos", NULL), 200);
        }
    }
}

static void a_client_that_left_changes_nothing_about_its_change(void **state)
{
    struct world *w = *state;
    struct mc_request q = put_new();
    struct asked asked;

    begin(w, &asked, &q, "/v1/rings/photos", THREE);
    asked.gone = true;
    fake_work_finish(&w->work, 0);
    assert_true(asked.answered);
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
}

static void nobody_builds_in_vain_for_an_agent_that_may_not_mint(void **state)
{
    struct world *w = *state;
    struct mc_request q = put_new();
    struct asked asked;

    w->agent.may_err = MCOS_E_NOTREADY;
    w->agent.retry_ms = 2500;
    begin(w, &asked, &q, "/v1/rings/photos", THREE);
    assert_false(asked.kept);
    (void)look(w, &asked);
    want_problem(w, MCOS_E_NOTREADY);
    assert_int_equal(w->answer.retry_after_s, 3);
    assert_int_equal(w->work.count, 0);
}

static void as_many_wait_as_there_are_places_and_one_more_is_busy(void **state)
{
    struct world *w = *state;
    struct asked asked[FAKE_JOBS + 1];
    struct mc_request q[FAKE_JOBS + 1];
    char path[32];

    for (size_t i = 0; i <= FAKE_JOBS; i++) {
        q[i] = put_new();
        (void)snprintf(path, sizeof(path), "/v1/rings/r%zu", i % 4);
        begin(w, &asked[i], &q[i], path, THREE);
        assert_int_equal(asked[i].kept, i < FAKE_JOBS);
    }
    (void)look(w, &asked[FAKE_JOBS]);
    want_problem(w, MCOS_E_BUSY);
    assert_int_not_equal(w->answer.retry_after_s, 0);
    for (size_t i = 0; i < FAKE_JOBS; i++) {
        fake_work_step(&w->work);
        assert_int_equal(look(w, &asked[i]), i < 4 ? 201 : 412);
    }
    assert_int_equal(w->agent.record_count, 4);
}

static void at_the_end_what_is_built_is_not_minted(void **state)
{
    struct world *w = *state;
    struct mc_request q[2] = {put_new(), put_new()};
    struct asked asked[2];

    begin(w, &asked[0], &q[0], "/v1/rings/a", THREE);
    begin(w, &asked[1], &q[1], "/v1/rings/b/import", "gz");
    fake_work_run(&w->work, 0);
    fake_work_close(&w->work);
    for (unsigned i = 0; i < 2; i++) {
        (void)look(w, &asked[i]);
        want_problem(w, MCOS_E_BUSY);
    }
    assert_int_equal(w->agent.record_count, 0);
}

static void an_import_is_read_and_measured_beside_the_loop(void **state)
{
    struct world *w = *state;
    struct mc_request q = put_new();
    struct asked asked;

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    begin(w, &asked, &q, "/v1/rings/swift/import", "gz");
    fake_work_step(&w->work);
    assert_false(asked.answered); /* minted, and being measured */
    assert_int_equal(w->agent.record_count, 2);
    fake_work_step(&w->work);
    assert_int_equal(look(w, &asked), 201);
    want_number(w, "assignments", 128);

    /* At the end it is told all the same, for it is durable. */
    q = put_new();
    begin(w, &asked, &q, "/v1/rings/other/import", "gz");
    fake_work_step(&w->work);
    fake_work_close(&w->work);
    assert_int_equal(look(w, &asked), 201);
}

static struct mc_routes *routes_of(struct world *w)
{
    return (struct mc_routes *)w->handler;
}

static void a_record_is_measured_once_and_never_if_it_was_built_here(void **state)
{
    struct world *w = *state;

    routes_of(w)->figures_per_request = 0;
    assert_int_equal(create(w, "/v1/rings/a", THREE), 201);
    assert_int_equal(create(w, "/v1/rings/b", FOUR), 201);
    assert_int_equal(get(w, "/v1/rings"), 200);
    want_number(w, "rings.0.balance", 0);
    want_number(w, "rings.1.violations", 0);
    assert_int_equal(w->work.count, 0);

    /* As after a start: nothing is known, and one small ring fits a request. */
    routes_of(w)->figures_count = 0;
    routes_of(w)->figures_per_request = 128;
    assert_int_equal(get(w, "/v1/rings"), 200);
    want_number(w, "rings.0.balance", 0);
    assert_true(json_is_null(at(w, "rings.1.balance")));
    assert_true(json_is_null(at(w, "rings.1.violations")));
    assert_int_equal(w->work.count, 1); /* the other is measured beside the loop */
    assert_int_equal(get(w, "/v1/rings/a"), 200);
    assert_int_equal(w->work.count, 1);
    fake_work_step(&w->work);
    routes_of(w)->figures_per_request = 0;
    assert_int_equal(get(w, "/v1/rings"), 200);
    want_number(w, "rings.1.violations", 0);
    assert_int_equal(w->work.count, 0);
}

static void large_rings_are_measured_one_after_the_other(void **state)
{
    struct world *w = *state;

    assert_int_equal(create(w, "/v1/rings/a", THREE), 201);
    assert_int_equal(create(w, "/v1/rings/b", FOUR), 201);
    routes_of(w)->figures_count = 0;
    routes_of(w)->figures_per_request = 0;
    assert_int_equal(get(w, "/v1/rings"), 200);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(w->work.count, 1); /* changes find room beside it */
        fake_work_step(&w->work);
    }
    assert_int_equal(w->work.count, 0);
    assert_int_equal(get(w, "/v1/rings"), 200);
    want_number(w, "rings.0.violations", 0);
    want_number(w, "rings.1.violations", 0);

    /* At the end, what is being measured is nobody's. */
    routes_of(w)->figures_count = 0;
    assert_int_equal(get(w, "/v1/rings"), 200);
    assert_int_equal(w->work.count, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(the_answer_waits_for_the_build_and_readers_do_not),
        CASE(of_two_builds_at_once_the_first_to_end_wins),
        CASE(a_change_between_makes_a_build_stale),
        CASE(a_client_that_left_changes_nothing_about_its_change),
        CASE(nobody_builds_in_vain_for_an_agent_that_may_not_mint),
        CASE(as_many_wait_as_there_are_places_and_one_more_is_busy),
        CASE(at_the_end_what_is_built_is_not_minted),
        CASE(an_import_is_read_and_measured_beside_the_loop),
        CASE(a_record_is_measured_once_and_never_if_it_was_built_here),
        CASE(large_rings_are_measured_one_after_the_other),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
