/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A desk and its book over a folder of rings that the test writes, without sockets: the
 * handler is called as the HTTP server calls it. Documents are read by a JSON library
 * and compared with the table of the sample.
 */
#include "contract/scratch.h"
#include "ring_sample.h"
#include "service/desk.h"
#include "service/wire.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PART_POWER 6u
#define JSON_TYPE  "application/json"
#define PATIENCE   30000 /* ms until something must have happened */

struct world {
    struct mc_hall hall;
    struct mc_desk *desk;
    int wake_fd;
    char folder[SCRATCH_MAX];
    char chain[SCRATCH_MAX + 8];
    /* the answer */
    struct mc_later later;
    bool kept;
    struct mc_response answer;
    json_t *doc;
};

static struct world *the_world; /* a later knows no other way to it */

static void keep(struct mc_later *later)
{
    assert_ptr_equal(later, &the_world->later);
    the_world->kept = true;
}

static void give(struct mc_later *later, struct mc_response *take_response)
{
    assert_ptr_equal(later, &the_world->later);
    assert_true(the_world->kept);
    the_world->kept = false;
    the_world->answer = *take_response;
}

static void wake(void *ctx)
{
    const uint64_t one = 1;

    assert_int_equal(write(*(int *)ctx, &one, sizeof(one)), sizeof(one));
}

/* A version of a ring in the folder, as an agent puts it there. */
static void put(struct world *w, const char *name, uint64_t version, bool tombstone)
{
    struct mc_ring *ring = ring_sample(&(struct sample){.name = name,
                                                        .version = version,
                                                        .part_power = PART_POWER,
                                                        .tombstone = tombstone});
    struct mc_bytes bytes = mc_blob_get(mc_ring_blob(ring));
    char aside[SCRATCH_MAX + 32];
    char file[SCRATCH_MAX + 96];
    int fd;

    (void)snprintf(aside, sizeof(aside), "%s/rings/.tmp", w->folder);
    (void)snprintf(file, sizeof(file), "%s/rings/%s.ring", w->folder, name);
    fd = open(aside, O_WRONLY | O_CREAT | O_EXCL, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(aside, file), 0);
    mc_ring_unref(ring);
}

static int set_up(void **state)
{
    struct mcos_resolver_options options = MCOS_RESOLVER_OPTIONS;
    struct world *w = calloc(1, sizeof(*w));
    char path[SCRATCH_MAX + 8];

    assert_non_null(w);
    the_world = w;
    assert_true(scratch_make(w->folder));
    (void)snprintf(path, sizeof(path), "%s/rings", w->folder);
    assert_int_equal(mkdir(path, 0750), 0);
    (void)snprintf(w->chain, sizeof(w->chain), "file:%s", w->folder);
    put(w, "photos", 1, false);
    options.flags = MCOS_KEEP_PREVIOUS;
    options.poll_ms = 10;
    assert_int_equal(mc_book_open(w->chain, &options, &w->hall.book, NULL), 0);
    w->hall.system = "mcos";
    w->hall.keeps_previous = true;
    w->later.keep = keep;
    w->later.answer = give;
    w->wake_fd = eventfd(0, EFD_CLOEXEC);
    assert_true(w->wake_fd >= 0);
    assert_int_equal(mc_desk_new(&w->hall, wake, &w->wake_fd, &w->desk), 0);
    *state = w;
    return 0;
}

static void forget(struct world *w)
{
    mc_buf_fini(&w->answer.body);
    w->answer = (struct mc_response){0};
    json_decref(w->doc);
    w->doc = NULL;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    mc_book_close(w->hall.book);
    mc_desk_turn(w->desk);
    mc_desk_free(w->desk);
    forget(w);
    (void)close(w->wake_fd);
    scratch_remove(w->folder);
    free(w);
    return 0;
}

/* Asks, and waits for an answer that comes later. Returns the status; the document, if
 * it is one, is in w->doc. */
static int ask(struct world *w, struct mc_request request)
{
    struct mc_handler *handler = mc_desk_handler(w->desk);
    struct pollfd fd = {.fd = w->wake_fd, .events = POLLIN};
    uint64_t woken;

    forget(w);
    if (request.method == NULL)
        request.method = request.body.len > 0 ? "POST" : "GET";
    request.later = &w->later;
    handler->handle(handler, &request, &w->answer);
    while (w->kept) {
        assert_int_equal(poll(&fd, 1, PATIENCE), 1);
        assert_int_equal(read(w->wake_fd, &woken, sizeof(woken)), sizeof(woken));
        mc_desk_turn(w->desk);
    }
    if (w->answer.content_type != NULL &&
        strstr(w->answer.content_type, "json") != NULL) {
        w->doc = json_loadb((const char *)w->answer.body.ptr, w->answer.body.len,
                            JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(w->doc);
    }
    return w->answer.status;
}

static int get(struct world *w, const char *path)
{
    return ask(w, (struct mc_request){.path = path});
}

static int post(struct world *w, const char *type, const void *body, size_t len)
{
    return ask(w, (struct mc_request){.path = "/v1/rings/photos/lookup",
                                      .content_type = type,
                                      .body = {body, len}});
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value == NULL ? "(none)" : value;
}

static json_int_t number(const json_t *object, const char *name)
{
    assert_true(json_is_integer(json_object_get(object, name)));
    return json_integer_value(json_object_get(object, name));
}

/* A row of the sample, given as ids or as devices. */
static void want_row(const json_t *row, uint64_t version, uint32_t partition)
{
    assert_int_equal(json_array_size(row), SAMPLE_REPLICAS);
    for (unsigned r = 0; r < SAMPLE_REPLICAS; r++) {
        const json_t *one = json_array_get(row, r);
        const uint32_t id = ring_sample_at(version, partition, r);
        char name[16];

        if (json_is_object(one)) {
            (void)snprintf(name, sizeof(name), "d%u", id);
            assert_string_equal(text(one, "name"), name);
            (void)snprintf(name, sizeof(name), "c%u", id % 4);
            assert_string_equal(text(one, "cluster"), name);
            assert_int_equal(number(one, "port"), 6200 + id);
            assert_string_equal(text(one, "state"), "UNKNOWN");
            one = json_object_get(one, "id");
        }
        assert_int_equal(json_integer_value(one), id);
    }
}

static void a_look_up_is_the_table_of_the_version_it_names(void **state)
{
    struct world *w = *state;
    struct mc_request request = {.path = "/v1/rings/photos/lookup",
                                 .query = {{"account", "a", 1},
                                           {"container", "b", 1},
                                           {"handoffs", "2", 1},
                                           {"previous", "true", 4}},
                                 .query_count = 4};

    assert_int_equal(ask(w, request), 200); /* followed on first ask */
    assert_string_equal(text(w->doc, "ring"), "photos");
    assert_int_equal(number(w->doc, "version"), 1);
    assert_int_equal(number(w->doc, "partitions"), 1u << PART_POWER);
    assert_string_equal(text(w->doc, "hash"), "xxh3");
    assert_int_equal(strlen(text(w->doc, "digest")), 2 * MCOS_DIGEST_BYTES);
    assert_memory_equal(w->answer.etag, "\"1-", 3);
    assert_memory_equal(w->answer.etag + 3, text(w->doc, "digest"), 8);
    want_row(json_object_get(w->doc, "devices"), 1,
             (uint32_t)number(w->doc, "partition"));
    assert_int_equal(json_array_size(json_object_get(w->doc, "handoffs")), 2);
    assert_true(json_is_null(json_object_get(w->doc, "previous")));
    put(w, "photos", 2, false);
    for (unsigned i = 0; number(w->doc, "version") == 1 && i < PATIENCE; i++) {
        (void)poll(NULL, 0, 1);
        assert_int_equal(ask(w, request), 200);
    }
    want_row(json_object_get(w->doc, "devices"), 2,
             (uint32_t)number(w->doc, "partition"));
    want_row(json_object_get(json_object_get(w->doc, "previous"), "devices"), 1,
             (uint32_t)number(json_object_get(w->doc, "previous"), "partition"));
    assert_int_equal(number(json_object_get(w->doc, "previous"), "version"), 1);
    request.query_count = 3;
    assert_int_equal(ask(w, request), 200);
    assert_null(json_object_get(w->doc, "previous"));
    w->hall.keeps_previous = false;
    request.query_count = 4;
    assert_int_equal(ask(w, request), 422);
    assert_string_equal(text(w->doc, "field"), "previous");
}

#define BATCH 700u /* more than two chunks */

static void batches_are_what_their_names_are_one_by_one(void **state)
{
    struct world *w = *state;
    struct mc_buf json = {0};
    struct mc_buf wire = {0};
    struct mc_buf names = {0};
    uint32_t parts[BATCH];
    json_t *answers;

    mc_buf_put(&json, "{\"names\": [", 11);
    mc_buf_put(&wire, "MCQ1", 4);
    mc_buf_u32(&wire, BATCH);
    mc_buf_u32(&wire, 0);
    for (unsigned i = 0; i < BATCH; i++) {
        struct mc_request request = {
            .path = "/v1/rings/photos/lookup",
            .query = {{"account", "a", 1}, {"container", NULL, 0}},
            .query_count = 2};
        char name[16];
        char item[64];
        int len = snprintf(name, sizeof(name), "%u", i);

        request.query[1].value = name;
        request.query[1].len = (size_t)len;
        assert_int_equal(ask(w, request), 200);
        parts[i] = (uint32_t)number(w->doc, "partition");
        len =
            snprintf(item, sizeof(item), "%s[\"a\", \"%s\"]", i == 0 ? "" : ",", name);
        mc_buf_put(&json, item, (size_t)len);
        len = snprintf(item, sizeof(item), "a/%s", name);
        mc_buf_put(&names, item, (size_t)len);
    }
    mc_buf_put(&json, "]}", 2);
    mc_buf_u32(&wire, (uint32_t)names.len);
    for (unsigned i = 0; i < BATCH; i++) {
        mc_buf_u16(&wire, 1);
        mc_buf_u16(&wire, i < 10 ? 1 : i < 100 ? 2 : 3);
        mc_buf_u16(&wire, 0);
    }
    mc_buf_put(&wire, names.ptr, names.len);

    assert_int_equal(post(w, JSON_TYPE, json.ptr, json.len), 200);
    answers = json_object_get(w->doc, "answers");
    assert_int_equal(json_array_size(answers), BATCH);
    assert_int_equal(json_array_size(json_object_get(w->doc, "devices")),
                     SAMPLE_DEVICES);
    for (unsigned i = 0; i < BATCH; i++) {
        const json_t *one = json_array_get(answers, i);

        assert_int_equal(number(one, "partition"), parts[i]);
        want_row(json_object_get(one, "devices"), 1, parts[i]);
    }
    assert_int_equal(post(w, MC_WIRE_TYPE "; x=y", wire.ptr, wire.len), 200);
    assert_string_equal(w->answer.content_type, MC_WIRE_TYPE);
    assert_int_equal(w->answer.body.len,
                     MC_WIRE_ANSWER_HEAD + 4 * BATCH * (1 + SAMPLE_REPLICAS));
    for (unsigned i = 0; i < BATCH; i++) {
        const uint8_t *columns = w->answer.body.ptr + MC_WIRE_ANSWER_HEAD;

        assert_int_equal(mc_get_u32(columns + 4 * i), parts[i]);
        for (unsigned r = 0; r < SAMPLE_REPLICAS; r++)
            assert_int_equal(
                mc_get_u32(columns + 4 * (BATCH + SAMPLE_REPLICAS * i + r)),
                ring_sample_at(1, parts[i], r));
    }
    mc_buf_fini(&json);
    mc_buf_fini(&wire);
    mc_buf_fini(&names);
    assert_int_equal(get(w, "/v1/status"), 200);
    assert_int_equal(number(w->doc, "lookups"), 3 * BATCH);
    assert_int_equal(number(w->doc, "batches"), 2);
}

static void what_is_no_look_up_is_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        struct mc_request request;
        int status;
        const char *code;
    } rows[] = {
        {{.path = "/"}, 404, "not-found"},
        {{.path = "/v1/rings/photos/"}, 404, "not-found"},
        {{.path = "/v1/rings/photos/file"}, 404, "not-found"},
        {{.path = "/v1/rings/photos", .method = "PUT"}, 405, "method-not-allowed"},
        {{.path = "/livez", .method = "POST"}, 405, "method-not-allowed"},
        {{.path = "/v1/rings/Photos"}, 400, "bad-name"},
        {{.path = "/v1/rings//lookup"}, 400, "bad-name"},
        {{.path = "/v1/rings/nobody"}, 404, "not-found"},
        {{.path = "/v1/rings/photos", .query = {{"x", "", 0}}, .query_count = 1},
         400,
         "unknown-field"},
        {{.path = "/v1/status", .query = {{"x", "", 0}}, .query_count = 1},
         400,
         "unknown-field"},
        {{.path = "/v1/rings/photos/lookup",
          .method = "POST",
          .query = {{"x", "", 0}},
          .query_count = 1},
         400,
         "unknown-field"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = ask(w, rows[i].request);

        if (status != rows[i].status || strcmp(text(w->doc, "code"), rows[i].code) != 0)
            fail_msg("%s: %d %s", rows[i].request.path, status, text(w->doc, "code"));
        assert_int_equal(number(w->doc, "status"), status);
    }
    assert_int_equal(post(w, "text/plain", "x", 1), 415);
    assert_int_equal(post(w, JSON_TYPE "x", "{}", 2), 415);
    assert_int_equal(post(w, NULL, "{}", 2), 400);
    assert_string_equal(text(w->doc, "field"), "names");
    assert_int_equal(post(w, MC_WIRE_TYPE, "MCQ1", 4), 422);
    assert_int_equal(number(w->doc, "offset"), 0);
    assert_int_equal(get(w, "/v1/status"), 200);
    assert_true(number(w->doc, "refused") >= 15);
    assert_int_equal(number(w->doc, "rings"), 1); /* names of no ring are not kept */
}

static void a_deleted_ring_says_so(void **state)
{
    struct world *w = *state;

    put(w, "gone", 3, true);
    assert_int_equal(ask(w, (struct mc_request){.path = "/v1/rings/gone/lookup",
                                                .query = {{"account", "a", 1}},
                                                .query_count = 1}),
                     404);
    assert_string_equal(text(w->doc, "code"), "deleted");
    assert_int_equal(
        ask(w, (struct mc_request){.path = "/v1/rings/gone/lookup",
                                   .body = {(const uint8_t *)"{\"names\": [[\"a\"]]}",
                                            18}}),
        404);
    assert_int_equal(get(w, "/v1/rings/gone"), 200);
    assert_true(json_is_true(json_object_get(w->doc, "deleted")));
    assert_null(json_object_get(w->doc, "devices"));
}

static void the_rings_and_their_devices_are_told(void **state)
{
    struct world *w = *state;
    json_t *rings;

    assert_int_equal(mc_book_follow(w->hall.book, "later", NULL), 0);
    assert_int_equal(get(w, "/readyz"), 503); /* named, and nobody has it */
    assert_int_equal(get(w, "/v1/rings/photos"), 200);
    assert_int_equal(json_array_size(json_object_get(w->doc, "devices")),
                     SAMPLE_DEVICES);
    assert_int_equal(number(w->doc, "partition_power"), PART_POWER);
    assert_int_equal(get(w, "/readyz"), 200);
    assert_int_equal(get(w, "/v1/rings"), 200);
    rings = json_object_get(w->doc, "rings");
    assert_int_equal(json_array_size(rings), 2); /* by name */
    assert_string_equal(text(json_array_get(rings, 0), "ring"), "later");
    assert_true(json_is_false(json_object_get(json_array_get(rings, 0), "held")));
    assert_string_equal(text(json_array_get(rings, 1), "ring"), "photos");
    assert_int_equal(get(w, "/v1/status"), 200);
    assert_string_equal(text(w->doc, "verdict"), "degraded");
    assert_int_equal(get(w, "/livez"), 200);
}

/* ---- the book, without a desk ---- */

struct one_who_waits {
    struct mc_book_waiter waiter; /* first */
    int err;
    unsigned told;
};

static atomic_uint told_count;

static void note(struct mc_book_waiter *waiter, int err, const struct mcos_diag *diag)
{
    struct one_who_waits *one = (struct one_who_waits *)waiter;

    (void)diag;
    one->err = err;
    one->told++;
    atomic_fetch_add(&told_count, 1);
}

static void who_waits_is_told_once_whatever_happens(void **state)
{
    static struct one_who_waits crowd[2 * MC_BOOK_WAITING_MAX];
    struct world *w = *state;
    unsigned taken = 0;
    unsigned refused = 0;

    atomic_store(&told_count, 0);
    for (unsigned i = 0; i < 2 * MC_BOOK_WAITING_MAX; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), i % 2 == 0 ? "photos" : "no-%u", i);
        crowd[i] = (struct one_who_waits){.waiter.told = note};
        assert_true(mc_name_set(&crowd[i].waiter.name, name));
        if (mc_book_ask(w->hall.book, &crowd[i].waiter) == 0)
            taken++;
        else
            refused++; /* MC_BOOK_WAITING_MAX at a time */
    }
    assert_true(taken >= MC_BOOK_WAITING_MAX &&
                taken + refused == 2 * MC_BOOK_WAITING_MAX);
    mc_book_close(w->hall.book); /* who is left is told that, too */
    w->hall.book = NULL;
    assert_int_equal(atomic_load(&told_count), taken);
    for (unsigned i = 0; i < 2 * MC_BOOK_WAITING_MAX; i++) {
        assert_in_range(crowd[i].told, 0, 1);
        if (crowd[i].told == 1 && crowd[i].err != MCOS_E_NOTREADY)
            assert_int_equal(crowd[i].err, i % 2 == 0 ? 0 : MCOS_E_NOTFOUND);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_look_up_is_the_table_of_the_version_it_names),
        CASE(batches_are_what_their_names_are_one_by_one),
        CASE(what_is_no_look_up_is_refused),
        CASE(a_deleted_ring_says_so),
        CASE(the_rings_and_their_devices_are_told),
        CASE(who_waits_is_told_once_whatever_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
