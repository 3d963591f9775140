/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What readers of the API are told. The clusters around are the test's own words
 * (test/fake/agent.h), so that every relation between what they hold and what is
 * held here can be shown.
 */
#include "node/etag.h"
#include "node/json_out.h"
#include "test/fake/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void paths_and_methods_are_what_they_are(void **state)
{
    struct world *w = *state;
    const char *const missing[] = {
        "/",       "/v1",           "/v1/ring", "/v1/rings/a/b", "/v1/rings/a/spec/",
        "/livez/", "/v1/clusters/a"};
    const char *const unknown[] = {"/livez?x=1", "/v1/rings?limit=1",
                                   "/v1/rings/a/lookup?acc=1", "/v1/rings/a/spec?=1",
                                   "/v1/rings/a/lookup?account=1&account=2"};
    struct mc_request post = {.method = "POST"};
    struct mc_request put = {.method = "PUT"};

    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        (void)get(w, missing[i]);
        want_problem(w, MCOS_E_NOTFOUND);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        (void)get(w, unknown[i]);
        want_problem(w, MCOS_E_FIELD);
    }
    (void)ask(w, &post, "/v1/rings/a", NULL);
    want_problem(w, MCOS_E_METHOD);
    assert_string_equal(w->answer.allow, "GET, HEAD, PUT, DELETE");
    (void)ask(w, &put, "/v1/status", NULL);
    want_problem(w, MCOS_E_METHOD);
    assert_string_equal(w->answer.allow, "GET, HEAD");
    (void)get(w, "/v1/rings/a/import");
    want_problem(w, MCOS_E_METHOD);
    (void)get(w, "/v1/rings/a");
    want_problem(w, MCOS_E_NOTFOUND);
    (void)get(w, "/v1/rings/");
    want_problem(w, MCOS_E_NAME);
}

static void bodies_have_the_bound_of_their_route(void **state)
{
    struct world *w = *state;
    struct mc_handler *h = w->handler;

    assert_int_equal(h->body_max(h, "PUT", "/v1/rings/a"), MC_SPEC_BYTES_MAX);
    assert_int_equal(h->body_max(h, "PUT", "/v1/rings/a/import"), MC_IMPORT_BYTES_MAX);
    assert_int_equal(h->body_max(h, "GET", "/v1/rings/a"), 0);
    assert_int_equal(h->body_max(h, "DELETE", "/v1/rings/a"), 0);
    assert_true(h->body_max(h, "PUT", "/v1/status") <= 65536);
    assert_true(h->body_max(h, "POST", "/v1/rings/a") <= 65536);
}

static void the_file_is_the_record_itself(void **state)
{
    struct world *w = *state;
    struct mc_bytes bytes;

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_int_equal(get(w, "/v1/rings/photos/file"), 200);
    bytes = mc_blob_get(mc_ring_blob(w->agent.rings[0]));
    assert_string_equal(w->answer.content_type, "application/octet-stream");
    assert_int_equal(w->answer.body.len, 0);
    assert_int_equal(mc_blob_get(w->answer.blob).len, bytes.len);
    assert_ptr_equal(mc_blob_get(w->answer.blob).ptr, bytes.ptr); /* not a copy */
}

static void a_file_for_swift_is_made_once_for_each_record(void **state)
{
    struct world *w = *state;
    struct mc_request again = {.method = "GET"};
    struct mc_request other = {.method = "GET", .if_none_match = "\"1-00000000\""};
    struct mc_request put = {.method = "PUT"};
    char etag[96];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    assert_int_equal(get(w, "/v1/rings/photos/swift"), 200);
    assert_string_equal(w->answer.content_type, "application/gzip");
    assert_int_equal(w->answer.body.len, 6);
    assert_memory_equal(w->answer.body.ptr, "photos", 6);
    assert_int_equal(w->format, 0);
    mc_etag_format(mc_ring_head(w->agent.rings[0]), etag);
    assert_string_equal(w->answer.etag, etag);
    assert_int_equal(get(w, "/v1/rings/photos/swift?format=2"), 200);
    assert_int_equal(w->format, 2);
    again.if_none_match = etag;
    assert_int_equal(ask(w, &again, "/v1/rings/photos/swift", NULL), 304);
    assert_string_equal(w->answer.etag, etag);
    assert_int_equal(w->answer.body.len, 0);
    assert_int_equal(w->exported, 2);
    assert_int_equal(ask(w, &other, "/v1/rings/photos/swift", NULL), 200);
    assert_int_equal(w->exported, 3);
    (void)get(w, "/v1/rings/photos/swift?format=3");
    want_problem(w, MCOS_E_VALUE);
    want_text(w, "field", "format");
    (void)get(w, "/v1/rings/photos/swift?format=");
    want_problem(w, MCOS_E_VALUE);
    (void)ask(w, &put, "/v1/rings/photos/swift", NULL);
    want_problem(w, MCOS_E_METHOD);
    (void)get(w, "/v1/rings/none/swift");
    want_problem(w, MCOS_E_NOTFOUND);
    w->export_err = MCOS_E_DEVICE;
    (void)get(w, "/v1/rings/photos/swift");
    want_problem(w, MCOS_E_DEVICE);
    want_text(w, "field", "/devices/0");
    assert_string_equal(w->answer.etag, "");
}

static void a_deleted_ring_is_no_file_for_swift(void **state)
{
    struct world *w = *state;
    struct mc_request del = {.method = "DELETE"};
    char etag[96];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    memcpy(etag, w->etag, sizeof(etag));
    del.if_match = etag;
    assert_int_equal(ask(w, &del, "/v1/rings/photos", NULL), 200);
    (void)get(w, "/v1/rings/photos/swift");
    want_problem(w, MCOS_E_DELETED);
    assert_int_equal(w->exported, 0);
}

/* The worker is full, and then it is closed with the file under way. */
static void a_file_for_swift_waits_for_the_worker(void **state)
{
    struct world *w = *state;
    struct asked asked[FAKE_JOBS + 1];
    struct mc_request q[FAKE_JOBS + 1];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    for (size_t i = 0; i <= FAKE_JOBS; i++) {
        q[i] = (struct mc_request){.method = "GET"};
        begin(w, &asked[i], &q[i], "/v1/rings/photos/swift", NULL);
        assert_int_equal(asked[i].kept, i < FAKE_JOBS);
    }
    assert_int_equal(look(w, &asked[FAKE_JOBS]), 503);
    want_problem(w, MCOS_E_BUSY);
    fake_work_step(&w->work);
    assert_int_equal(look(w, &asked[0]), 200);
    fake_work_close(&w->work);
    for (size_t i = 1; i < FAKE_JOBS; i++) {
        assert_int_equal(look(w, &asked[i]), 503);
        want_problem(w, MCOS_E_BUSY);
    }
    assert_int_equal(w->exported, 1);
}

static void a_look_up_names_devices_and_handoffs(void **state)
{
    struct world *w = *state;

    assert_int_equal(create(w, "/v1/rings/photos", FOUR), 201);
    assert_int_equal(
        get(w, "/v1/rings/photos/lookup?account=a&container=c&object=o&handoffs=1000"),
        200);
    assert_int_equal(json_array_size(at(w, "devices")), 2);
    assert_int_equal(json_array_size(at(w, "handoffs")), 2);
    want_number(w, "partitions", 64);
    assert_true(json_is_null(at(w, "confirmed")));
    assert_true(json_is_string(at(w, "devices.0.name")));
    assert_int_equal(get(w, "/v1/rings/photos/lookup?account=a&handoffs=1"), 200);
    assert_int_equal(json_array_size(at(w, "handoffs")), 1);
    assert_int_equal(get(w, "/v1/rings/photos/lookup?account=a&container=&object="),
                     200);
    assert_int_equal(json_array_size(at(w, "handoffs")), 0);
    (void)get(w, "/v1/rings/photos/lookup?container=c");
    want_problem(w, MCOS_E_FIELD);
    want_text(w, "field", "account");
    (void)get(w, "/v1/rings/photos/lookup?account=a&object=o");
    want_problem(w, MCOS_E_FIELD);
    want_text(w, "field", "container");
    (void)get(w, "/v1/rings/photos/lookup?account=a&handoffs=1001");
    want_problem(w, MCOS_E_VALUE);
    (void)get(w, "/v1/rings/photos/lookup?account=a&handoffs=-1");
    want_problem(w, MCOS_E_VALUE);
    (void)get(w, "/v1/rings/photos/lookup?account=a&handoffs=99999999999999999999999");
    want_problem(w, MCOS_E_VALUE);
}

/* ---- others ---- */

static struct mc_member *add_member(struct world *w, const char *name,
                                    enum mc_member_state state,
                                    const struct mc_holding *holding)
{
    struct mc_machine *m = &w->agent.machine;
    struct mc_member *member = &m->members[m->member_count++];

    *member = (struct mc_member){.state = state,
                                 .inventory_known = true,
                                 .heard_ms = w->agent.now_ms - 400,
                                 .interval_ms = 10000,
                                 .clock_ms = -20,
                                 .holdings = holding,
                                 .holding_count = holding == NULL ? 0 : 1};
    (void)mc_name_set(&member->name, name);
    return member;
}

static struct mc_holding holding_of(const struct world *w, size_t record)
{
    const struct mc_head *head = mc_ring_head(w->agent.records[record]);

    return (struct mc_holding){.ring = head->name,
                               .stamp = mc_stamp_of(head),
                               .since_ms = w->agent.now_ms - 12000};
}

static void each_cluster_is_told_against_the_record_held_here(void **state)
{
    struct world *w = *state;
    struct mc_holding same;
    struct mc_holding old;
    struct mc_holding other;
    struct mc_holding newer;
    unsigned opens = 0;
    double divergence;

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    w->agent.wall_ns += 1000000000u;
    assert_int_equal(replace(w, "/v1/rings/photos", w->etag, FOUR), 200);
    old = holding_of(w, 0);
    same = holding_of(w, 1);
    other = same;
    other.stamp.digest[0] ^= 1;
    newer = same;
    newer.stamp.version++;
    (void)add_member(w, "m-ahead", MC_MEMBER_ACTIVE, &newer);
    (void)add_member(w, "m-behind", MC_MEMBER_SILENT, &old);
    (void)add_member(w, "m-conflict", MC_MEMBER_ACTIVE, &other);
    (void)add_member(w, "m-equal", MC_MEMBER_ACTIVE, &same);
    (void)add_member(w, "m-left", MC_MEMBER_LEFT, &same);
    (void)add_member(w, "m-none", MC_MEMBER_ACTIVE, NULL);
    add_member(w, "m-unknown", MC_MEMBER_ACTIVE, NULL)->inventory_known = false;

    assert_int_equal(get(w, "/v1/rings/photos/convergence"), 200);
    want_text(w, "state", "converging");
    want_number(w, "active.have", 2);
    want_number(w, "active.of", 6);
    assert_int_equal(json_array_size(at(w, "inactive_pending")), 1);
    want_text(w, "inactive_pending.0", "m-behind");
    want_text(w, "clusters.0.cluster", "eu-west");
    want_text(w, "clusters.0.relation", "equal");
    want_text(w, "clusters.1.relation", "ahead");
    assert_true(json_is_null(at(w, "clusters.1.divergence")));
    want_text(w, "clusters.2.relation", "behind");
    want_text(w, "clusters.2.state", "INACTIVE");
    want_text(w, "clusters.2.reason", "silent");
    want_number(w, "clusters.2.version", 1);
    want_text(w, "clusters.2.since", "2026-01-02T09:59:49.000Z");
    assert_true(json_real_value(at(w, "clusters.2.divergence")) > 0.0);
    want_text(w, "clusters.3.relation", "conflict");
    assert_true(json_is_null(at(w, "clusters.3.divergence")));
    want_text(w, "clusters.4.relation", "equal");
    want_number(w, "clusters.4.divergence", 0);
    want_text(w, "clusters.5.reason", "left");
    assert_true(json_is_true(at(w, "clusters.5.has")));
    want_text(w, "clusters.6.relation", "none");
    assert_true(json_is_null(at(w, "clusters.6.stamp")));
    want_text(w, "clusters.7.relation", "unknown");

    w->agent.opens = &opens; /* who asks again gets what was compared before */
    divergence = json_real_value(at(w, "clusters.2.divergence"));
    assert_int_equal(get(w, "/v1/rings/photos/convergence"), 200);
    want_number(w, "clusters.2.divergence", divergence);
    assert_int_equal(opens, 1); /* of the conflict's, which is not kept here */

    assert_int_equal(get(w, "/v1/rings"), 200);
    want_number(w, "rings.0.converged.active", 2);
    want_number(w, "rings.0.converged.inactive_pending", 1);
    assert_int_equal(get(w, "/v1/convergence"), 200);
    want_text(w, "rings.0.ring", "photos");
    assert_int_equal(get(w, "/v1/clusters"), 200);
    assert_int_equal(json_array_size(at(w, "clusters")), 8);
    assert_true(json_is_true(at(w, "clusters.0.self")));
    want_number(w, "clusters.0.rings_equal", 1);
    want_number(w, "clusters.2.rings", 1);
    want_number(w, "clusters.2.rings_equal", 0);
    want_number(w, "clusters.2.age", 0.4);
    want_number(w, "clusters.2.clock_offset", -0.02);
    assert_int_equal(get(w, "/v1/status"), 200);
    want_text(w, "verdict", "degraded");
    want_number(w, "clusters.inactive", 2);
    want_number(w, "rings_converged", 0);
}

static void a_system_in_which_all_hold_the_same_is_ok(void **state)
{
    struct world *w = *state;
    struct mc_holding same;
    char digest[2 * MC_DIGEST_BYTES + 1];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    same = holding_of(w, 0);
    (void)add_member(w, "us-west", MC_MEMBER_ACTIVE, &same);
    w->agent.machine.status.confirmed_ms = w->agent.now_ms - 1000;
    assert_int_equal(get(w, "/v1/rings/photos/convergence"), 200);
    want_text(w, "state", "converged");
    assert_int_equal(get(w, "/v1/status"), 200);
    want_text(w, "verdict", "ok");
    want_text(w, "system", "mcos");
    want_text(w, "bus", "up");
    want_text(w, "announce", "full");
    want_text(w, "confirmed", "2026-01-02T09:59:59.000Z");
    assert_int_equal(json_array_size(at(w, "reasons")), 0);
    w->agent.losers = 1;
    assert_int_equal(get(w, "/v1/status"), 200);
    want_text(w, "verdict", "degraded");
    want_text(w, "reasons.0", "ring photos has 1 unresolved conflict");
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    assert_int_equal(json_array_size(at(w, "losers")), 1);
    mc_hex(digest, mc_ring_head(w->agent.records[0])->digest, MC_DIGEST_BYTES);
    want_text(w, "losers.0.digest", digest);
    want_text(w, "losers.0.origin", "eu-west");
    want_text(w, "losers.0.author", mc_ring_head(w->agent.records[0])->author);
    w->agent.losers = 0;
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    assert_int_equal(json_array_size(at(w, "losers")), 0);
}

static void a_degraded_registry_degrades_the_verdict_and_not_the_readiness(void **state)
{
    struct world *w = *state;

    assert_int_equal(get(w, "/v1/status"), 200);
    want_text(w, "registry", "none");
    w->agent.registry = "";
    assert_int_equal(get(w, "/v1/status"), 200);
    want_text(w, "registry", "up");
    want_text(w, "verdict", "ok");
    w->agent.registry = "Redis does not answer";
    assert_int_equal(get(w, "/v1/status"), 200);
    want_text(w, "registry", "degraded");
    want_text(w, "verdict", "degraded");
    want_text(w, "reasons.0", "the registry is degraded: Redis does not answer");
    assert_int_equal(get(w, "/readyz"), 200);
}

static void readiness_names_what_is_missing(void **state)
{
    struct world *w = *state;

    assert_int_equal(get(w, "/livez"), 200);
    assert_int_equal(get(w, "/readyz"), 200);
    assert_true(json_is_true(at(w, "ready")));
    w->agent.machine.status.bus_up = false;
    w->agent.machine.status.mute = true;
    w->agent.machine.status.identity_lost = true;
    assert_int_equal(get(w, "/readyz"), 503);
    assert_int_equal(json_array_size(at(w, "reasons")), 3);
    assert_int_not_equal(w->answer.retry_after_s, 0);
    assert_int_equal(get(w, "/livez"), 200);
    assert_int_equal(get(w, "/v1/status"), 200);
    want_text(w, "verdict", "failing");
}

static void times_are_dates_of_our_calendar(void **state)
{
    const struct {
        uint64_t seconds;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782399, "2000-02-28T23:59:59.000Z"},
        {951782400, "2000-02-29T00:00:00.000Z"},
        {951868800, "2000-03-01T00:00:00.000Z"},
        {1767225599, "2025-12-31T23:59:59.000Z"},
        {4107542400, "2100-03-01T00:00:00.000Z"},
        {4107542399, "2100-02-28T23:59:59.000Z"},
    };
    char text[MC_TIME_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mc_time_format(rows[i].seconds * 1000000000u, text);
        assert_string_equal(text, rows[i].text);
    }
    mc_time_format(1999999, text);
    assert_string_equal(text, "1970-01-01T00:00:00.001Z");
    mc_time_format(MC_TIMESTAMP_MAX, text);
    assert_string_equal(text, "2116-02-20T23:53:38.427Z");
}

static void an_etag_names_one_record_beyond_an_override_too(void **state)
{
    struct mc_head head = {.version = 7, .digest = {0x91, 0xd0, 0xaa, 0x02, 0xff}};
    struct mc_expect e = {0};
    char text[MC_ETAG_MAX];

    (void)state;
    mc_etag_format(&head, text);
    assert_string_equal(text, "\"7-91d0aa02\"");
    assert_int_equal(mc_etag_parse(text, &e), 0);
    assert_int_equal(e.kind, MC_EXPECT_EXACT);
    assert_int_equal(e.epoch, 0);
    assert_true(e.version == 7);
    assert_memory_equal(e.digest4, head.digest, 4);
    head.epoch = MC_EPOCH_MAX;
    head.version = MC_VERSION_MAX;
    mc_etag_format(&head, text);
    assert_string_equal(text, "\"e65535.9007199254740991-91d0aa02\"");
    assert_int_equal(mc_etag_parse(text, &e), 0);
    assert_int_equal(e.epoch, MC_EPOCH_MAX);
    assert_true(e.version == MC_VERSION_MAX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(paths_and_methods_are_what_they_are),
        CASE(bodies_have_the_bound_of_their_route),
        CASE(the_file_is_the_record_itself),
        CASE(a_file_for_swift_is_made_once_for_each_record),
        CASE(a_deleted_ring_is_no_file_for_swift),
        CASE(a_file_for_swift_waits_for_the_worker),
        CASE(a_look_up_names_devices_and_handoffs),
        CASE(each_cluster_is_told_against_the_record_held_here),
        CASE(a_system_in_which_all_hold_the_same_is_ok),
        CASE(a_degraded_registry_degrades_the_verdict_and_not_the_readiness),
        CASE(readiness_names_what_is_missing),
        cmocka_unit_test(times_are_dates_of_our_calendar),
        cmocka_unit_test(an_etag_names_one_record_beyond_an_override_too),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
