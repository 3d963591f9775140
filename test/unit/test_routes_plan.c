/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan changes nothing, and its token lets exactly that change through: not one
 * from another ring, not one with another result, by whatever it differs.
 */
#include "node/etag.h"
#include "node/json_plan.h"
#include "node/token.h"
#include "test/fake/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* THREE with another weight, and with another note only. */
#define HEAVY                                                                          \
    "{\"partition_power\": 6, \"replicas\": 2, \"note\": \"n1\", \"devices\": ["       \
    "{\"name\": \"a\", \"weight\": 1, \"zone\": \"1\"},"                               \
    "{\"name\": \"b\", \"weight\": 3, \"zone\": \"2\"},"                               \
    "{\"name\": \"eu-west\", \"weight\": 2, \"zone\": \"3\"}]}"
#define NOTED                                                                          \
    "{\"partition_power\": 6, \"replicas\": 2, \"note\": \"n2\", \"devices\": ["       \
    "{\"name\": \"a\", \"weight\": 1, \"zone\": \"1\"},"                               \
    "{\"name\": \"b\", \"weight\": 1, \"zone\": \"2\"},"                               \
    "{\"name\": \"eu-west\", \"weight\": 2, \"zone\": \"3\"}]}"

/* Zone 1 has less than one of two replicas with e, and more without. */
#define ZONES(more, e)                                                                 \
    "{\"partition_power\": 8, \"replicas\": 2, " more "\"devices\": ["                 \
    "{\"name\": \"a\", \"weight\": 1.01, \"zone\": \"1\"},"                            \
    "{\"name\": \"b\", \"weight\": 1.01, \"zone\": \"1\"},"                            \
    "{\"name\": \"c\", \"weight\": 1, \"zone\": \"2\"}," e                             \
    "{\"name\": \"eu-west\", \"weight\": 1, \"zone\": \"3\"}]}"
#define E      "{\"name\": \"e\", \"weight\": 0.3, \"zone\": \"2\"},"
#define STRICT "\"spread\": \"strict\", "

static int plan(struct world *w, const char *body, char token[MC_TOKEN_MAX])
{
    struct mc_request q = {.method = "POST"};
    int status = ask(w, &q, "/v1/rings/photos/plan", body);

    token[0] = '\0';
    if (status == 200)
        (void)snprintf(token, MC_TOKEN_MAX, "%s", json_string_value(at(w, "plan")));
    return status;
}

static int apply(struct world *w, const char *body, const char *token, bool update)
{
    struct mc_request q = {.method = "PUT",
                           .if_match = update ? w->etag : NULL,
                           .if_none_match = update ? NULL : "*"};
    char target[256];
    char etag[96];

    memcpy(etag, w->etag, sizeof(etag));
    if (update)
        q.if_match = etag;
    (void)snprintf(target, sizeof(target), "/v1/rings/photos?plan=%s", token);
    return ask(w, &q, target, body);
}

static void a_plan_tells_and_changes_nothing(void **state)
{
    struct world *w = *state;
    char token[MC_TOKEN_MAX];
    char again[MC_TOKEN_MAX];
    uint64_t in = 0;

    assert_int_equal(plan(w, THREE, token), 200);
    assert_true(json_is_null(at(w, "before")));
    want_number(w, "moved", 0);
    want_number(w, "after.survives.zones.any", 1);
    want_number(w, "after.survives.zones.of", 3);
    want_number(w, "after.survives.regions.any", 0);
    want_number(w, "after.survives.regions.weakest", 64);
    want_text(w, "devices.0.change", "added");
    assert_int_equal(strncmp(token, "pl_0-", 5), 0);
    assert_int_equal(get(w, "/v1/rings/photos"), 404);
    assert_int_equal(w->agent.record_count, 0);

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_int_equal(plan(w, FOUR, token), 200);
    want_text(w, "ring", "photos");
    want_number(w, "version", 1); /* what it starts from */
    want_number(w, "before.violations", 0);
    want_text(w, "devices.3.name", "c");
    want_text(w, "devices.3.change", "added");
    for (unsigned i = 0; i < 4; i++) {
        char way[32];

        (void)snprintf(way, sizeof(way), "devices.%u.moves_in", i);
        in += (uint64_t)json_integer_value(at(w, way));
    }
    assert_true(in > 0);
    want_number(w, "moved", (double)in);
    want_number(w, "moved_lower_bound", (double)in);
    want_number(w, "moving.0.replicas", 1);
    assert_int_equal(plan(w, FOUR, again), 200);
    assert_string_equal(token, again);
    assert_int_equal(w->agent.record_count, 1);
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    want_number(w, "version", 1);
}

static void the_token_lets_that_change_through(void **state)
{
    struct world *w = *state;
    char token[MC_TOKEN_MAX];
    double moved;

    assert_int_equal(plan(w, THREE, token), 200);
    assert_int_equal(apply(w, THREE, token, false), 201);
    assert_int_equal(plan(w, HEAVY, token), 200);
    moved = json_number_value(at(w, "moved"));
    assert_true(moved > 0);
    assert_int_equal(apply(w, HEAVY, token, true), 200);
    want_number(w, "moved", moved);
    want_number(w, "version", 2);
}

static void another_result_is_refused(void **state)
{
    static const char *const other[] = {HEAVY, NOTED, FOUR};
    struct world *w = *state;
    char token[MC_TOKEN_MAX];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_int_equal(plan(w, THREE, token), 200);
    for (unsigned i = 0; i < 3; i++) {
        (void)apply(w, other[i], token, true);
        want_problem(w, MCOS_E_PLANSTALE);
        want_text(w, "field", "plan");
    }
    token[strlen(token) - 1] = token[strlen(token) - 1] == '0' ? '1' : '0';
    (void)apply(w, THREE, token, true);
    want_problem(w, MCOS_E_PLANSTALE);
    assert_int_equal(w->agent.record_count, 1);
}

static void a_plan_says_what_strict_would_move(void **state)
{
    struct world *w = *state;
    char token[MC_TOKEN_MAX];
    char strict_token[MC_TOKEN_MAX];
    double moved;

    assert_int_equal(create(w, "/v1/rings/photos", ZONES("", E)), 201);
    assert_int_equal(plan(w, ZONES("", ""), token), 200);
    want_text(w, "spread", "ceil");
    assert_true(json_integer_value(at(w, "floor.partitions")) > 0);
    moved = json_number_value(at(w, "floor.moved"));
    assert_true(moved > json_number_value(at(w, "moved")));
    assert_int_equal(plan(w, ZONES(STRICT, ""), strict_token), 200);
    want_text(w, "spread", "strict");
    want_number(w, "moved", moved);
    want_number(w, "moved_lower_bound", moved);
    want_number(w, "floor.partitions", 0);
    want_number(w, "floor.moved", moved);
    want_number(w, "below_floor", 0);
    /* Even where the tables are the same the rule is another one. */
    assert_int_equal(plan(w, ZONES("", E), token), 200);
    assert_int_equal(plan(w, ZONES(STRICT, E), strict_token), 200);
    want_number(w, "moved", 0);
    assert_string_not_equal(token, strict_token);
}

static void a_plan_tells_that_a_part_power_is_being_raised(void **state)
{
    struct world *w = *state;
    char token[MC_TOKEN_MAX];
    char other[MC_TOKEN_MAX];

    assert_int_equal(create(w, "/v1/rings/photos", ZONES("", E)), 201);
    want_text(w, "ring", "photos");
    assert_int_equal(plan(w, ZONES("", E), other), 200);
    assert_true(json_is_null(at(w, "next_partition_power")));
    assert_int_equal(plan(w, ZONES("\"next_partition_power\": 9, ", E), token), 200);
    want_number(w, "next_partition_power", 9);
    want_number(w, "moved", 0);
    want_number(w, "held_back", 0);
    want_number(w, "held_back_lower_bound", 0);
    assert_true(json_is_null(at(w, "held_by")));
    assert_true(json_is_null(at(w, "floor")));
    assert_string_not_equal(token, other);
    assert_int_equal(apply(w, ZONES("\"next_partition_power\": 9, ", E), token, true),
                     200);
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    want_number(w, "next_partition_power", 9);
    assert_int_equal(get(w, "/v1/rings/photos/spec"), 200);
    want_number(w, "next_partition_power", 9);
    assert_int_equal(plan(w, ZONES("", E), token), 422);
    want_text(w, "field", "/next_partition_power");
    want_text(
        w, "detail",
        "the part power is being raised from 8 to 9: next_partition_power 9 with "
        "partition_power 9 is the next step, and with partition_power 8 it waits; "
        "next_partition_power 8 calls it off");
}

static void want_detail(const struct world *w, const char *part)
{
    assert_non_null(strstr(json_string_value(at(w, "detail")), part));
}

static void another_ring_before_is_refused(void **state)
{
    struct world *w = *state;
    char token[MC_TOKEN_MAX];
    char first[MC_TOKEN_MAX];
    struct mc_request q = {.method = "PUT"};
    struct asked asked;
    char target[256];
    char etag[96];

    assert_int_equal(plan(w, THREE, first), 200);
    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    (void)snprintf(target, sizeof(target), "/v1/rings/photos?plan=%s", first);
    memcpy(etag, w->etag, sizeof(etag));
    q.if_match = etag;
    begin(w, &asked, &q, target, THREE);
    assert_false(asked.kept); /* before anything is built */
    (void)look(w, &asked);
    want_problem(w, MCOS_E_PLANSTALE);
    want_detail(w, "there was no ring when it was planned, and now it is at 1-");
    assert_int_equal(plan(w, HEAVY, token), 200);
    assert_int_equal(replace(w, "/v1/rings/photos", w->etag, NOTED), 200);
    (void)apply(w, HEAVY, token, true);
    want_problem(w, MCOS_E_PLANSTALE);
    want_detail(w, "and the ring is at 2-");
    assert_int_equal(w->agent.record_count, 2);
    assert_int_equal(plan(w, HEAVY, token), 200);
    memcpy(etag, w->etag, sizeof(etag));
    q = (struct mc_request){.method = "DELETE", .if_match = etag};
    assert_int_equal(ask(w, &q, "/v1/rings/photos", ""), 200);
    (void)apply(w, HEAVY, token, false);
    want_problem(w, MCOS_E_PLANSTALE);
    want_detail(w, "; the ring was deleted since");
}

static void what_is_no_token_is_refused(void **state)
{
    static const char long_one[] =
        "pl_0-5be1c04d9a3b7e21pl_0-5be1c04d9a3b7e21pl_0-5be1c04d9a3b7e21"
        "pl_0-5be1c04d9a3b7e21pl_0-5be1c04d9a3b7e21";
    static const char *const bad[] = {
        "",
        "pl_",
        "x",
        "pl_0-5be1c04d9a3b7e2",   /* a digit short */
        "pl_0-5be1c04d9a3b7e211", /* one more */
        "pl_0-5be1c04d9a3b7e2G",
        "pl_00-5be1c04d9a3b7e21",
        "pl_1-5be1c04d9a3b7e21",
        "pl_1-5be1c04-5be1c04d9a3b7e21",
        "pl_-5be1c04d9a3b7e21",
        "PL_0-5be1c04d9a3b7e21",
        long_one,
        "pl_01-5be1c04d-5be1c04d9a3b7e21",
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)apply(w, THREE, bad[i], false);
        want_problem(w, MCOS_E_USAGE);
    }
    assert_int_equal(w->agent.record_count, 0);
    (void)apply(w, THREE, "pl_0-5be1c04d9a3b7e21", false);
    want_problem(w, MCOS_E_PLANSTALE);
    (void)apply(w, THREE, "pl_e3.7-5be1c04d-5be1c04d9a3b7e21", false);
    want_problem(w, MCOS_E_PLANSTALE);
}

static void a_plan_is_refused_as_a_change_is(void **state)
{
    struct world *w = *state;
    struct mc_request q = {.method = "POST", .content_type = "text/plain"};
    char token[MC_TOKEN_MAX];

    (void)ask(w, &q, "/v1/rings/photos/plan", THREE);
    want_problem(w, MCOS_E_TYPE);
    assert_int_equal(plan(w, "{", token), 400);
    want_problem(w, MCOS_E_JSON);
    assert_int_equal(plan(w,
                          "{\"partition_power\": 6, \"devices\": [{\"name\": \"a\", "
                          "\"weight\": 1}]}",
                          token),
                     422);
    want_problem(w, MCOS_E_PLACEMENT);
    q = (struct mc_request){.method = "PUT", .if_none_match = "*"};
    (void)ask(w, &q, "/v1/rings/photos/plan", THREE);
    want_problem(w, MCOS_E_METHOD);
    assert_string_equal(w->answer.allow, "POST");
    q = (struct mc_request){.method = "POST"};
    (void)ask(w, &q, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_METHOD);
    q = (struct mc_request){.method = "POST", .if_match = "\"1-00000000\""};
    (void)ask(w, &q, "/v1/rings/photos/plan", THREE);
    want_problem(w, MCOS_E_NOTFOUND);

    /* One that may not mint may plan. */
    w->agent.may_err = MCOS_E_NOTREADY;
    assert_int_equal(plan(w, THREE, token), 200);
}

static void a_ring_that_is_too_new_is_not_planned(void **state)
{
    struct world *w = *state;
    char token[MC_TOKEN_MAX];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    w->agent.machine.unread_ring = "photos";
    w->agent.machine.unread.version = 2;
    assert_int_equal(plan(w, FOUR, token), 409);
    want_text(w, "code", "agent-too-old");
}

static void a_ring_of_a_later_builder_is_looked_up_and_not_changed(void **state)
{
    struct world *w = *state;
    struct mc_expect held;
    struct mc_ring *made = NULL;
    struct mc_draft draft;
    char token[MC_TOKEN_MAX];
    bool distributed;
    uint64_t retry_ms;

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    mc_draft_init(&draft);
    assert_int_equal(mc_draft_from_ring(&draft, w->agent.rings[0]), 0);
    assert_true(mc_name_set(&draft.head.name, "photos"));
    draft.builder.algorithm = 3;
    assert_int_equal(mc_etag_parse(w->etag, &held), 0);
    assert_int_equal(
        mc_agent_mint(&w->agent, &draft, &held, &made, &distributed, &retry_ms, NULL),
        0);
    mc_draft_fini(&draft);
    mc_ring_unref(made);

    assert_int_equal(get(w, "/v1/rings/photos/lookup?account=a"), 200);
    want_number(w, "version", 2);
    assert_int_equal(plan(w, FOUR, token), 422);
    want_text(w, "code", "upgrade-needed");
    want_text(w, "detail",
              "the ring needs builder 3 to be changed, this one is 2; look-ups go on");
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    assert_int_equal(replace(w, "/v1/rings/photos", w->etag, FOUR), 422);
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    want_number(w, "version", 2);
}

static void readers_do_not_wait_for_a_plan(void **state)
{
    struct world *w = *state;
    struct mc_request q = {.method = "POST"};
    struct asked asked;

    begin(w, &asked, &q, "/v1/rings/photos/plan", THREE);
    assert_true(asked.kept);
    assert_int_equal(get(w, "/livez"), 200);
    fake_work_step(&w->work);
    assert_int_equal(look(w, &asked), 200);
    begin(w, &asked, &q, "/v1/rings/photos/plan", THREE);
    fake_work_close(&w->work);
    (void)look(w, &asked);
    want_problem(w, MCOS_E_BUSY);
}

static void a_plan_that_nobody_waits_for_is_not_built(void **state)
{
    struct world *w = *state;
    struct mc_request q = {.method = "POST"};
    struct mc_request put = {.method = "PUT", .if_none_match = "*"};
    struct asked asked;

    begin(w, &asked, &q, "/v1/rings/photos/plan", THREE);
    assert_true(asked.kept);
    atomic_store(&asked.later.gone, true);
    fake_work_step(&w->work);
    (void)look(w, &asked);
    want_problem(w, MCOS_E_EMPTY);
    begin(w, &asked, &put, "/v1/rings/photos", THREE);
    atomic_store(&asked.later.gone, true); /* a change is made all the same */
    fake_work_step(&w->work);
    assert_int_equal(look(w, &asked), 201);
}

static void a_plan_yields_to_changes(void **state)
{
    struct world *w = *state;
    struct mc_request q = {.method = "POST"};
    struct mc_request put = {.method = "PUT", .if_none_match = "*"};
    struct asked asked[2];

    begin(w, &asked[0], &q, "/v1/rings/photos/plan", THREE);
    begin(w, &asked[1], &put, "/v1/rings/photos", THREE);
    assert_true(w->work.jobs[0].yields);
    assert_false(w->work.jobs[1].yields);
    fake_work_step(&w->work);
    fake_work_step(&w->work);
    assert_int_equal(look(w, &asked[0]), 200);
    assert_int_equal(look(w, &asked[1]), 201);
}

static void a_plan_of_what_the_bus_does_not_take_is_refused(void **state)
{
    struct world *w = *state;
    char token[MC_TOKEN_MAX];

    w->agent.fits_err = MCOS_E_TOOBIG;
    assert_int_equal(plan(w, THREE, token), 413);
    want_problem(w, MCOS_E_TOOBIG);
}

/* The longest place there is fits its sentence. */
static void every_reason_is_a_sentence(void **state)
{
    char text[256];
    char words[MC_WHY_TEXT_MAX];
    const struct mc_device device = {
        .name = text, .region = text, .zone = text, .host = text};

    (void)state;
    memset(text, 'x', 255);
    text[255] = '\0';
    for (unsigned kind = 0; kind < MC_WHY_KINDS; kind++) {
        for (unsigned tier = 0; tier < MC_SURVIVE_TIERS; tier++) {
            const struct mc_why why = {.kind = (enum mc_why_kind)kind,
                                       .tier = tier,
                                       .limit = 1,
                                       .devices = 2,
                                       .replicas = 3};

            mc_why_format(&why, &device, words);
            assert_true(strlen(words) > 5 && strlen(words) + 1 < sizeof(words));
        }
    }
    assert_non_null(strstr(words, "3 replicas"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_plan_tells_and_changes_nothing),
        CASE(the_token_lets_that_change_through),
        CASE(another_result_is_refused),
        CASE(a_plan_says_what_strict_would_move),
        CASE(a_plan_tells_that_a_part_power_is_being_raised),
        CASE(another_ring_before_is_refused),
        CASE(what_is_no_token_is_refused),
        CASE(a_plan_is_refused_as_a_change_is),
        CASE(a_ring_that_is_too_new_is_not_planned),
        CASE(a_ring_of_a_later_builder_is_looked_up_and_not_changed),
        CASE(readers_do_not_wait_for_a_plan),
        CASE(a_plan_that_nobody_waits_for_is_not_built),
        CASE(a_plan_yields_to_changes),
        CASE(a_plan_of_what_the_bus_does_not_take_is_refused),
        cmocka_unit_test(every_reason_is_a_sentence),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
