/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API is a promise to programs, so it is tested as they see it: a request, the
 * status, and the members of the answer by name. What is refused must have changed
 * nothing, which every such case checks by counting records. The clusters around
 * are the test's own words (test/fake/agent.h), so that every relation can be shown.
 */
#include "node/etag.h"
#include "node/json_out.h"
#include "node/routes.h"
#include "test/fake/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREE                                                                          \
    "{\"partition_power\": 6, \"replicas\": 2, \"note\": \"n1\", \"devices\": ["       \
    "{\"name\": \"a\", \"weight\": 1, \"zone\": \"1\"},"                               \
    "{\"name\": \"b\", \"weight\": 1, \"zone\": \"2\"},"                               \
    "{\"name\": \"eu-west\", \"weight\": 2, \"zone\": \"3\"}]}"
#define FOUR                                                                           \
    "{\"partition_power\": 6, \"replicas\": 2, \"devices\": ["                         \
    "{\"name\": \"a\", \"weight\": 1, \"zone\": \"1\"},"                               \
    "{\"name\": \"b\", \"weight\": 1, \"zone\": \"2\"},"                               \
    "{\"name\": \"c\", \"weight\": 1, \"zone\": \"4\"},"                               \
    "{\"name\": \"eu-west\", \"weight\": 2, \"zone\": \"3\"}]}"

struct world {
    struct mc_agent agent;
    struct mc_handler *handler;
    struct mc_response answer;
    json_t *doc;
    char etag[96];
    /* of the importer */
    int import_err;
    char prefix[32];
    char suffix[32];
};

static int import_swift(void *ctx, struct mc_bytes gz, const struct mc_secret *secret,
                        struct mc_draft *draft, struct mcos_diag *diag)
{
    struct world *w = ctx;

    (void)gz;
    (void)snprintf(w->prefix, sizeof(w->prefix), "%.*s", (int)secret->prefix.len,
                   (const char *)secret->prefix.ptr);
    (void)snprintf(w->suffix, sizeof(w->suffix), "%.*s", (int)secret->suffix.len,
                   (const char *)secret->suffix.ptr);
    if (w->import_err != 0)
        return mcos_diag_set(diag, w->import_err, "", "inflates without end");
    return mc_draft_from_ring(draft, mc_agent_ring_find(&w->agent, "photos"));
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct mc_routes_config config = {
        .system = "mcos", .import_swift = import_swift, .import_ctx = w};

    assert_non_null(w);
    fake_agent_init(&w->agent);
    assert_int_equal(mc_routes_new(&w->agent, &config, &w->handler), 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    json_decref(w->doc);
    mc_buf_fini(&w->answer.body);
    mc_routes_free(w->handler);
    fake_agent_fini(&w->agent);
    free(w);
    return 0;
}

/* ---- asking ---- */

static int send(struct world *w, struct mc_request *q, const char *target,
                const char *body)
{
    char text[512];
    char *rest = text;
    char *part;

    (void)snprintf(text, sizeof(text), "%s", target);
    q->path = strsep(&rest, "?");
    while (rest != NULL && (part = strsep(&rest, "&")) != NULL) {
        char *value = strchr(part, '=');

        assert_non_null(value);
        *value++ = '\0';
        q->query[q->query_count++] = (struct mc_param){part, value};
    }
    q->author = "uid:7";
    if (body != NULL)
        q->body = (struct mc_bytes){(const uint8_t *)body, strlen(body)};
    json_decref(w->doc);
    mc_buf_fini(&w->answer.body);
    w->answer = (struct mc_response){0};
    w->handler->handle(w->handler, q, &w->answer);
    assert_int_equal(w->answer.body.err, 0);
    assert_string_equal(w->answer.answered_by, "eu-west");
    w->doc = json_loadb((char *)w->answer.body.ptr, w->answer.body.len, 0, NULL);
    if (w->answer.etag[0] != '\0')
        memcpy(w->etag, w->answer.etag, sizeof(w->etag));
    if (w->answer.status >= 400 && strcmp(target, "/readyz") != 0) {
        assert_string_equal(w->answer.content_type, "application/problem+json");
        assert_int_equal(json_integer_value(json_object_get(w->doc, "status")),
                         w->answer.status);
    }
    return w->answer.status;
}

static int get(struct world *w, const char *target)
{
    struct mc_request q = {.method = "GET"};

    return send(w, &q, target, NULL);
}

static int create(struct world *w, const char *target, const char *body)
{
    struct mc_request q = {.method = "PUT", .if_none_match = "*"};

    return send(w, &q, target, body);
}

static int replace(struct world *w, const char *target, const char *etag,
                   const char *body)
{
    struct mc_request q = {.method = "PUT", .if_match = etag};

    return send(w, &q, target, body);
}

/* A member by its way down: "convergence.clusters.1.state". */
static json_t *at(const struct world *w, const char *way)
{
    json_t *value = w->doc;
    char text[128];
    char *rest = text;
    char *name;

    (void)snprintf(text, sizeof(text), "%s", way);
    while ((name = strsep(&rest, ".")) != NULL)
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
    if (value == NULL)
        fail_msg("no %s in %.*s", way, (int)w->answer.body.len,
                 (const char *)w->answer.body.ptr);
    return value;
}

static void want_text(const struct world *w, const char *way, const char *text)
{
    json_t *value = at(w, way);

    if (!json_is_string(value) || strcmp(json_string_value(value), text) != 0)
        fail_msg("%s is not %s in %.*s", way, text, (int)w->answer.body.len,
                 (const char *)w->answer.body.ptr);
}

static void want_number(const struct world *w, const char *way, double number)
{
    json_t *value = at(w, way);

    if (!json_is_number(value) || json_number_value(value) < number - 1e-9 ||
        json_number_value(value) > number + 1e-9)
        fail_msg("%s is not %g in %.*s", way, number, (int)w->answer.body.len,
                 (const char *)w->answer.body.ptr);
}

static void want_problem(const struct world *w, int code)
{
    if (w->answer.status != mcos_err_http(code))
        fail_msg("%d is not %s: %.*s", w->answer.status, mcos_err_slug(code),
                 (int)w->answer.body.len, (const char *)w->answer.body.ptr);
    want_text(w, "code", mcos_err_slug(code));
}

/* ---- changes ---- */

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
    assert_int_equal(send(w, &del, "/v1/rings/photos", NULL), 200);
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
    (void)send(w, &none, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_PRECOND);
    want_text(w, "digest", digest);
    want_text(w, "field", "If-Match");
    (void)send(w, &both, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_USAGE);
    (void)send(w, &del, "/v1/rings/photos", NULL);
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
    (void)send(w, &typed, "/v1/rings/photos", THREE);
    want_problem(w, MCOS_E_TYPE);
    assert_int_equal(w->agent.record_count, 0);
    typed.content_type = "Application/JSON; charset=utf-8";
    typed.query_count = 0;
    assert_int_equal(send(w, &typed, "/v1/rings/photos", THREE), 201);
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
        .method = "PUT", .if_none_match = "*", .content_type = "application/json"};

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    w->import_err = MCOS_E_TOOBIG;
    (void)create(w, "/v1/rings/swift/import?prefix=p&suffix=s", "gz");
    want_problem(w, MCOS_E_TOOBIG);
    want_text(w, "detail", "inflates without end");
    assert_string_equal(w->prefix, "p");
    assert_string_equal(w->suffix, "s");
    (void)send(w, &typed, "/v1/rings/swift/import", "gz");
    want_problem(w, MCOS_E_TYPE);
    assert_int_equal(w->agent.record_count, 1);
    w->import_err = 0;
    assert_int_equal(create(w, "/v1/rings/swift/import", "gz"), 201);
    want_text(w, "ring", "swift");
    want_number(w, "assignments", 128);
    assert_int_equal(get(w, "/v1/rings/swift"), 200);
    want_text(w, "author", "uid:7");
}

/* ---- reading ---- */

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
    (void)send(w, &post, "/v1/rings/a", NULL);
    want_problem(w, MCOS_E_METHOD);
    assert_string_equal(w->answer.allow, "GET, HEAD, PUT, DELETE");
    (void)send(w, &put, "/v1/status", NULL);
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
    assert_int_equal(w->answer.body.len, bytes.len);
    assert_memory_equal(w->answer.body.ptr, bytes.ptr, bytes.len);
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
        CASE(a_ring_lives_from_create_to_delete_and_again),
        CASE(the_spec_fed_back_changes_no_placement),
        CASE(a_change_without_its_precondition_is_refused),
        CASE(bad_input_is_told_and_changes_nothing),
        CASE(a_refused_mint_says_when_to_try_again),
        CASE(an_import_becomes_a_ring_or_nothing),
        CASE(paths_and_methods_are_what_they_are),
        CASE(bodies_have_the_bound_of_their_route),
        CASE(the_file_is_the_record_itself),
        CASE(a_look_up_names_devices_and_handoffs),
        CASE(each_cluster_is_told_against_the_record_held_here),
        CASE(a_system_in_which_all_hold_the_same_is_ok),
        CASE(readiness_names_what_is_missing),
        cmocka_unit_test(times_are_dates_of_our_calendar),
        cmocka_unit_test(an_etag_names_one_record_beyond_an_override_too),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
