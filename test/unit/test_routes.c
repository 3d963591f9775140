/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API is a promise to programs, so changes are tested as they see them: a
 * request, the status, and the members of the answer by name. What is refused must
 * have changed nothing, which every such case checks by counting records.
 */
#include "node/operation.h"
#include "test/fake/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_ring_lives_from_create_to_delete_and_again(void **state)
{
    struct world *w = *state;
    struct mc_request del = {.method = "DELETE"};
    char first[96];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_string_equal(w->answer.location, "/v1/rings/photos");
    assert_string_equal(w->answer.content_type, "application/json");
    want_text(w, "ring", "photos");
    want_number(w, "version", 1);
    want_number(w, "assignments", 128);
    want_number(w, "violations", 0);
    assert_true(json_is_true(at(w, "durable")));
    assert_true(json_is_true(at(w, "distributed")));
    want_text(w, "convergence.state", "alone");
    assert_memory_equal(w->etag, "\"1-", 3);
    memcpy(first, w->etag, sizeof(first));

    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    assert_string_equal(w->answer.etag, first);
    want_text(w, "author", "uid:7");
    want_text(w, "note", "n1");
    want_text(w, "origin", "eu-west");
    want_text(w, "time", "2026-01-02T10:00:00.000Z");
    want_number(w, "replicas", 2);
    want_number(w, "device_count", 3);
    want_text(w, "devices.2.name", "eu-west");
    want_number(w, "devices.2.wants", 64);
    want_number(w, "devices.2.has", 64);
    want_number(w, "devices.2.balance", 0);
    want_text(w, "devices.2.state", "ACTIVE");
    want_text(w, "devices.0.state", "UNKNOWN");

    w->agent.wall_ns += 1000000000u;
    assert_int_equal(replace(w, "/v1/rings/photos", first, FOUR), 200);
    want_number(w, "version", 2);
    assert_true(json_integer_value(at(w, "moved")) > 0);
    assert_string_equal(w->answer.location, "");

    del.if_match = w->etag;
    assert_int_equal(ask(w, &del, "/v1/rings/photos", NULL), 200);
    want_number(w, "assignments", 0);
    assert_string_equal(w->answer.etag, "");
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    assert_true(json_is_true(at(w, "deleted")));
    assert_null(json_object_get(w->doc, "devices"));
    assert_string_equal(w->answer.etag, "");
    (void)get(w, "/v1/rings/photos/spec");
    want_problem(w, MCOS_E_DELETED);
    (void)get(w, "/v1/rings/photos/lookup?account=a");
    want_problem(w, MCOS_E_DELETED);
    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    want_number(w, "version", 4);
}

static void the_spec_fed_back_changes_no_placement(void **state)
{
    struct world *w = *state;
    char *spec;

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_int_equal(get(w, "/v1/rings/photos/spec"), 200);
    want_number(w, "partition_power", 6);
    want_number(w, "replicas", 2);
    want_text(w, "note", "n1");
    want_number(w, "devices.2.weight", 2);
    spec = strndup((char *)w->answer.body.ptr, w->answer.body.len);
    assert_int_equal(replace(w, "/v1/rings/photos", w->etag, spec), 200);
    want_number(w, "moved", 0);
    assert_int_equal(get(w, "/v1/rings/photos/spec"), 200);
    assert_int_equal(w->answer.body.len, strlen(spec));
    assert_memory_equal(w->answer.body.ptr, spec, strlen(spec));
    free(spec);
}

static void a_spec_keeps_every_text_as_it_was_written(void **state)
{
    struct world *w = *state;
    const char *const weights[] = {"1.50", "0.1", "1000.0", "2", "1e2", "0.30"};
    char *spec;

    assert_int_equal(
        create(
            w, "/v1/rings/photos",
            "{\"partition_power\": 4, \"replicas\": 2.5, \"overload\": 0.25,"
            "\"min_move_seconds\": 60, \"spread\": \"strict\","
            "\"note\": \"\\\"q\\\" \\\\ \\n \\u00e9\","
            "\"devices\": ["
            "{\"name\": \"10.0.0.1:6200/d0\", \"weight\": \"1.50\", \"meta\": \"\\t/\","
            "\"region\": \"1\", \"zone\": \"2\", \"host\": \"h\", \"port\": 6200},"
            "{\"name\": \"b\", \"weight\": 0.1, \"cluster\": \"x\"},"
            "{\"name\": \"c\", \"weight\": \"1000.0\", \"device\": \"d1\"},"
            "{\"name\": \"d\", \"weight\": 2}, {\"name\": \"e\", \"weight\": \"1e2\"},"
            "{\"name\": \"f\", \"weight\": \"0.30\"}]}"),
        201);
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
        assert_string_equal(mc_ring_device(w->agent.rings[0], (uint32_t)i)->weight_text,
                            weights[i]);
    assert_int_equal(get(w, "/v1/rings/photos/spec"), 200);
    want_number(w, "replicas", 2.5);
    want_number(w, "overload", 0.25);
    want_text(w, "spread", "strict");
    want_text(w, "note", "\"q\" \\ \n \xc3\xa9");
    want_text(w, "devices.0.meta", "\t/");
    want_text(w, "devices.0.weight", "1.50");
    want_number(w, "devices.1.weight", 0.1);
    spec = strndup((char *)w->answer.body.ptr, w->answer.body.len);
    assert_int_equal(replace(w, "/v1/rings/photos", w->etag, spec), 200);
    want_number(w, "moved", 0);
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    want_text(w, "spread", "strict");
    for (uint32_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        const struct mc_device *a = mc_ring_device(w->agent.records[0], i);
        const struct mc_device *b = mc_ring_device(w->agent.records[1], i);

        assert_string_equal(a->name, b->name);
        assert_string_equal(a->cluster, b->cluster);
        assert_string_equal(a->host, b->host);
        assert_string_equal(a->meta, b->meta);
        assert_string_equal(a->weight_text, b->weight_text);
        assert_true(a->weight == b->weight && a->port == b->port);
    }
    free(spec);
}

static void a_change_without_its_precondition_is_refused(void **state)
{
    struct world *w = *state;
    const char *const bad[] = {"*",
                               "W/\"1-00000000\"",
                               "\"1-00000000\", \"2-00000000\"",
                               "1-00000000",
                               "\"01-00000000\"",
                               "\"1-0000000\"",
                               "\"1-000000000\"",
                               "\"1-0000000G\"",
                               "\"1-0000000A\"",
                               "\"0-00000000\"",
                               "\"e0.1-00000000\"",
                               "\"e65536.1-00000000\"",
                               "\"9007199254740992-00000000\"",
                               ""};
    struct mc_request both = {
        .method = "PUT", .if_match = "\"1-00000000\"", .if_none_match = "*"};
    struct mc_request none = {.method = "PUT"};
    struct mc_request del = {.method = "DELETE", .if_none_match = "*"};
    char digest[65];

    (void)replace(w, "/v1/rings/photos", "\"1-00000000\"", THREE);
    want_problem(w, MCOS_E_NOTFOUND);
    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    (void)snprintf(digest, sizeof(digest), "%s", json_string_value(at(w, "digest")));
    (void)ask(w, &none, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_PRECOND);
    want_text(w, "digest", digest);
    want_text(w, "field", "If-Match");
    (void)ask(w, &both, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_USAGE);
    (void)ask(w, &del, "/v1/rings/photos", NULL);
    want_problem(w, MCOS_E_EXISTS);
    (void)create(w, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_EXISTS);
    want_text(w, "author", "uid:7");
    want_text(w, "time", "2026-01-02T10:00:00.000Z");
    want_number(w, "version", 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)replace(w, "/v1/rings/photos", bad[i], THREE);
        want_problem(w, MCOS_E_USAGE);
    }
    (void)replace(w, "/v1/rings/photos", "\"1-00000000\"", THREE);
    want_problem(w, MCOS_E_STALE);
    want_text(w, "digest", digest);
    assert_int_equal(w->agent.record_count, 1);
}

static void bad_input_is_told_and_changes_nothing(void **state)
{
    struct world *w = *state;
    const struct {
        const char *body;
        int code;
        const char *field;
    } rows[] = {
        {"", MCOS_E_JSON, NULL},
        {"{\"partition_power\": 6, \"x\": 1}", MCOS_E_FIELD, "/x"},
        {"{\"partition_power\": 6, \"devices\": [{\"name\": \"a\", \"weight\": -1}]}",
         MCOS_E_WEIGHT, "/devices/0/weight"},
        {"{\"partition_power\": 6, \"devices\": [{\"name\": \"a\", \"weight\": 0}]}",
         MCOS_E_WEIGHT, NULL},
        {"{\"partition_power\": 6, \"devices\": [{\"name\": \"a\", \"weight\": 1}]}",
         MCOS_E_PLACEMENT, NULL},
        {"{\"partition_power\": 6, \"hash\": \"swift-md5\", \"replicas\": 1, "
         "\"devices\": [{\"name\": \"a\", \"weight\": 1}]}",
         MCOS_E_SECRET, "/hash"},
    };
    struct mc_request typed = {
        .method = "PUT", .if_none_match = "*", .content_type = "text/html"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)create(w, "/v1/rings/photos", rows[i].body);
        want_problem(w, rows[i].code);
        if (rows[i].field != NULL)
            want_text(w, "field", rows[i].field);
    }
    (void)create(w, "/v1/rings/Photos", THREE);
    want_problem(w, MCOS_E_NAME);
    (void)create(w,
                 "/v1/rings/"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 THREE);
    want_problem(w, MCOS_E_NAME);
    (void)ask(w, &typed, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_TYPE);
    assert_int_equal(w->agent.record_count, 0);
    typed.content_type = "Application/JSON; charset=utf-8";
    typed.query_count = 0;
    assert_int_equal(ask(w, &typed, "/v1/rings/photos", THREE), 201);
}

static void a_refused_mint_says_when_to_try_again(void **state)
{
    struct world *w = *state;

    w->agent.mint_err = MCOS_E_NOTREADY;
    w->agent.retry_ms = 2500;
    (void)create(w, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_NOTREADY);
    assert_int_equal(w->answer.retry_after_s, 3);
    w->agent.mint_err = MCOS_E_FULL;
    (void)create(w, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_FULL);
    w->agent.mint_err = 0;
    w->agent.machine.status.bus_up = false;
    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_true(json_is_false(at(w, "distributed")));
}

static void an_import_becomes_a_ring_or_nothing(void **state)
{
    struct world *w = *state;
    struct mc_request typed = {
        .method = "PUT", .if_none_match = "*", .content_type = "text/plain"};

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    w->import_err = MCOS_E_TOOBIG;
    (void)create(w, "/v1/rings/swift/import?prefix=p&suffix=s", "gz");
    want_problem(w, MCOS_E_TOOBIG);
    want_text(w, "detail", "inflates without end");
    want_number(w, "offset", 4711);
    assert_string_equal(w->prefix, "p");
    assert_string_equal(w->suffix, "s");
    (void)ask(w, &typed, "/v1/rings/swift/import", "gz");
    want_problem(w, MCOS_E_TYPE);
    assert_null(json_object_get(w->doc, "offset"));
    assert_int_equal(w->agent.record_count, 1);
    w->import_err = 0;
    assert_int_equal(create(w, "/v1/rings/swift/import", "gz"), 201);
    want_text(w, "ring", "swift");
    want_number(w, "assignments", 128);
    assert_int_equal(get(w, "/v1/rings/swift"), 200);
    want_text(w, "author", "uid:7");
}

#define SMALL                                                                          \
    "{\"partition_power\": 5, \"replicas\": 1, \"devices\": ["                         \
    "{\"name\": \"a\", \"weight\": 1}]}"
#define LARGE                                                                          \
    "{\"partition_power\": 7, \"replicas\": 1, \"devices\": ["                         \
    "{\"name\": \"a\", \"weight\": 1}]}"

static void want_check(const struct world *w, const char *ring, uint8_t byte)
{
    uint8_t check[8];

    memset(check, byte, sizeof(check));
    assert_memory_equal(mc_ring_head(mc_agent_ring_find(&w->agent, ring))->hash_check,
                        check, sizeof(check));
}

/* A file does not say which secret it was made with. */
static void an_import_without_a_secret_keeps_the_check(void **state)
{
    struct world *w = *state;
    char etag[96];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    w->swift_md5 = true;
    w->check = 7;
    assert_int_equal(create(w, "/v1/rings/swift/import", "gz"), 201);
    want_check(w, "swift", 7);
    w->check = 0;
    memcpy(etag, w->etag, sizeof(etag));
    assert_int_equal(replace(w, "/v1/rings/swift/import", etag, "gz"), 200);
    want_check(w, "swift", 7);
    w->check = 9;
    memcpy(etag, w->etag, sizeof(etag));
    assert_int_equal(replace(w, "/v1/rings/swift/import", etag, "gz"), 200);
    want_check(w, "swift", 9);
}

/* What is imported is `photos`: 2^6 partitions. */
static void an_import_does_not_join_partitions(void **state)
{
    struct world *w = *state;
    struct mc_request q = {.method = "PUT"};
    char etag[96];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_int_equal(create(w, "/v1/rings/swift", LARGE), 201);
    memcpy(etag, w->etag, sizeof(etag));
    q.if_match = etag;
    (void)ask(w, &q, "/v1/rings/swift/import", "gz");
    want_problem(w, MCOS_E_PARTPOWER);
    want_text(w, "field", "/partition_power");
    want_text(w, "detail",
              "the file has 6 and the ring 7: a partition can be split, and "
              "cannot be joined with others");
    assert_int_equal(get(w, "/v1/rings/swift"), 200);
    want_number(w, "version", 1);
    /* Each of 2^5 is split: what is on another device than the whole was has moved. */
    assert_int_equal(create(w, "/v1/rings/small", SMALL), 201);
    memcpy(etag, w->etag, sizeof(etag));
    assert_int_equal(ask(w, &q, "/v1/rings/small/import", "gz"), 200);
    want_number(w, "moved", 128 - 32); /* a holds a quarter by now */
    assert_int_equal(get(w, "/v1/rings/small"), 200);
    want_number(w, "partitions", 64);
    /* With a deletion between it is another ring, as in a create. */
    assert_int_equal(get(w, "/v1/rings/swift"), 200);
    memcpy(etag, w->etag, sizeof(etag));
    q.method = "DELETE";
    assert_int_equal(ask(w, &q, "/v1/rings/swift", ""), 200);
    assert_int_equal(create(w, "/v1/rings/swift/import", "gz"), 201);
}

/* ---- asking again ---- */

static int put_keyed(struct world *w, const char *etag, const char *body,
                     const char *key)
{
    struct mc_request q = {.method = "PUT",
                           .if_match = etag,
                           .if_none_match = etag == NULL ? "*" : NULL,
                           .idempotency_key = key};

    return ask(w, &q, "/v1/rings/photos", body);
}

static void the_same_request_is_made_once_and_answered_alike(void **state)
{
    struct world *w = *state;
    struct mc_request del = {.method = "DELETE", .idempotency_key = "k3"};
    char stamp[64];
    char first[96];
    char etag[96];
    double moved;

    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(put_keyed(w, NULL, THREE, "k1"), 201);
        assert_string_equal(w->answer.location, "/v1/rings/photos");
        want_number(w, "version", 1);
        want_number(w, "assignments", 128);
    }
    memcpy(first, w->etag, sizeof(first));
    assert_int_equal(put_keyed(w, first, FOUR, "k2"), 200);
    (void)snprintf(stamp, sizeof(stamp), "%s", json_string_value(at(w, "stamp")));
    moved = json_number_value(at(w, "moved"));
    assert_true(moved > 0);
    assert_int_equal(put_keyed(w, first, FOUR, "k2"), 200);
    want_text(w, "stamp", stamp);
    want_number(w, "moved", moved);
    /* The first one is not held any more, but it is known what came of it. */
    memcpy(etag, w->etag, sizeof(etag));
    assert_int_equal(put_keyed(w, NULL, THREE, "k1"), 201);
    want_number(w, "version", 1);
    assert_string_equal(w->etag, first);
    assert_int_equal(w->agent.record_count, 2);
    /* Anything else is another request. */
    (void)put_keyed(w, NULL, FOUR, "k1");
    want_problem(w, MCOS_E_EXISTS);
    (void)put_keyed(w, NULL, THREE, "k4");
    want_problem(w, MCOS_E_EXISTS);
    (void)put_keyed(w, NULL, THREE, NULL);
    want_problem(w, MCOS_E_EXISTS);
    (void)put_keyed(w, first, FOUR, "k1");
    want_problem(w, MCOS_E_STALE);
    assert_int_equal(w->agent.record_count, 2);
    del.if_match = etag;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask(w, &del, "/v1/rings/photos", NULL), 200);
        want_number(w, "version", 3);
    }
    assert_int_equal(w->agent.record_count, 3);
}

static void the_same_request_at_once_is_made_once(void **state)
{
    struct world *w = *state;
    struct mc_request q[2] = {
        {.method = "PUT", .if_none_match = "*", .idempotency_key = "k"},
        {.method = "PUT", .if_none_match = "*", .idempotency_key = "k"}};
    struct asked asked[2];
    char stamp[64];

    begin(w, &asked[0], &q[0], "/v1/rings/photos", THREE);
    begin(w, &asked[1], &q[1], "/v1/rings/photos", THREE);
    while (!asked[0].answered || !asked[1].answered)
        fake_work_step(&w->work);
    assert_int_equal(look(w, &asked[0]), 201);
    (void)snprintf(stamp, sizeof(stamp), "%s", json_string_value(at(w, "stamp")));
    assert_int_equal(look(w, &asked[1]), 201);
    want_text(w, "stamp", stamp);
    want_number(w, "assignments", 128);
    assert_int_equal(w->agent.record_count, 1);
}

static void what_is_no_key_is_refused(void **state)
{
    static const char *const bad[] = {"", " ", "a b", "\xc3\xa4", "\x7f"};
    struct world *w = *state;
    char text[MC_OPERATION_KEY_MAX + 2];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)put_keyed(w, NULL, THREE, bad[i]);
        want_problem(w, MCOS_E_USAGE);
        want_text(w, "field", "Idempotency-Key");
    }
    memset(text, 'k', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    (void)put_keyed(w, NULL, THREE, text);
    want_problem(w, MCOS_E_USAGE);
    text[MC_OPERATION_KEY_MAX] = '\0';
    assert_int_equal(put_keyed(w, NULL, THREE, text), 201);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_ring_lives_from_create_to_delete_and_again),
        CASE(the_spec_fed_back_changes_no_placement),
        CASE(a_spec_keeps_every_text_as_it_was_written),
        CASE(a_change_without_its_precondition_is_refused),
        CASE(bad_input_is_told_and_changes_nothing),
        CASE(a_refused_mint_says_when_to_try_again),
        CASE(an_import_becomes_a_ring_or_nothing),
        CASE(the_same_request_is_made_once_and_answered_alike),
        CASE(the_same_request_at_once_is_made_once),
        CASE(what_is_no_key_is_refused),
        CASE(an_import_without_a_secret_keeps_the_check),
        CASE(an_import_does_not_join_partitions),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
