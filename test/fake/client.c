/* SPDX-License-Identifier: Apache-2.0 */
/* test/fake/client.c -- see client.h. */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int import_swift(void *ctx, struct mc_bytes gz, const struct mc_secret *secret,
                        struct mc_draft *draft, struct mc_buf *extra,
                        struct mcos_diag *diag)
{
    struct world *w = ctx;
    int r;

    (void)gz;
    (void)extra;
    (void)snprintf(w->prefix, sizeof(w->prefix), "%.*s", (int)secret->prefix.len,
                   (const char *)secret->prefix.ptr);
    (void)snprintf(w->suffix, sizeof(w->suffix), "%.*s", (int)secret->suffix.len,
                   (const char *)secret->suffix.ptr);
    if (w->import_err != 0) {
        (void)mcos_diag_set(diag, w->import_err, "", "inflates without end");
        diag->offset = 4711;
        return w->import_err;
    }
    r = mc_draft_from_ring(draft, mc_agent_ring_find(&w->agent, "photos"));
    if (w->swift_md5)
        draft->head.hash = MC_HASH_SWIFT_MD5;
    memset(draft->head.hash_check, w->check, sizeof(draft->head.hash_check));
    return r;
}

static int export_swift(void *ctx, const struct mc_ring *ring, unsigned format,
                        struct mc_buf *b, struct mcos_diag *diag)
{
    struct world *w = ctx;

    w->exported++;
    w->format = format;
    if (w->export_err != 0)
        return mcos_diag_set(diag, w->export_err, "/devices/0", "no place");
    mc_buf_put(b, mc_ring_head(ring)->name.s, strlen(mc_ring_head(ring)->name.s));
    return 0;
}

int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct mc_routes_config config = {.system = "mcos",
                                      .import_swift = import_swift,
                                      .import_ctx = w,
                                      .export_swift = export_swift};

    assert_non_null(w);
    fake_work_init(&w->work);
    config.work = &w->work.work;
    fake_agent_init(&w->agent);
    assert_int_equal(mc_routes_new(&w->agent, &config, &w->handler), 0);
    *state = w;
    return 0;
}

int tear_down(void **state)
{
    struct world *w = *state;

    fake_work_close(&w->work);
    json_decref(w->doc);
    mc_blob_unref(w->answer.blob);
    mc_buf_fini(&w->answer.body);
    mc_routes_free(w->handler);
    fake_agent_fini(&w->agent);
    free(w);
    return 0;
}

/* ---- the server's side ---- */

static void keep(struct mc_later *later)
{
    ((struct asked *)later)->kept = true;
}

static void answer(struct mc_later *later, struct mc_response *take_response)
{
    struct asked *asked = (struct asked *)later;

    assert_true(asked->kept);
    assert_false(asked->answered);
    asked->answered = true;
    asked->answer = *take_response;
    if (asked->gone) {
        mc_buf_fini(&asked->answer.body);
        mc_blob_unref(asked->answer.blob);
    }
}

/* ---- asking ---- */

void begin(struct world *w, struct asked *asked, struct mc_request *q,
           const char *target, const char *body)
{
    char text[512];
    char *rest = text;
    char *part;

    *asked = (struct asked){.later = {.keep = keep, .answer = answer}};
    (void)snprintf(text, sizeof(text), "%s", target);
    q->path = strsep(&rest, "?");
    while (rest != NULL && (part = strsep(&rest, "&")) != NULL) {
        char *value = strchr(part, '=');

        assert_non_null(value);
        *value++ = '\0';
        q->query[q->query_count++] = (struct mc_param){part, value, strlen(value)};
    }
    q->author = "uid:7";
    q->later = &asked->later;
    q->blob = NULL;
    if (body != NULL) {
        q->body = (struct mc_bytes){(const uint8_t *)body, strlen(body)};
        assert_int_equal(mc_blob_new(q->body, &q->blob), 0);
    }
    w->handler->handle(w->handler, q, &asked->answer);
    mc_blob_unref(q->blob); /* whoever needs it longer has a reference */
    q->blob = NULL;
    asked->answered = !asked->kept;
}

int look(struct world *w, const struct asked *asked)
{
    assert_true(asked->answered);
    json_decref(w->doc);
    mc_blob_unref(w->answer.blob);
    mc_buf_fini(&w->answer.body);
    w->answer = asked->answer;
    assert_int_equal(w->answer.body.err, 0);
    assert_string_equal(w->answer.answered_by, "eu-west");
    w->doc = json_loadb((char *)w->answer.body.ptr, w->answer.body.len, 0, NULL);
    if (w->answer.etag[0] != '\0')
        memcpy(w->etag, w->answer.etag, sizeof(w->etag));
    if (w->answer.status >= 400 && w->answer.status != 503)
        assert_string_equal(w->answer.content_type, "application/problem+json");
    if (w->answer.content_type != NULL &&
        strcmp(w->answer.content_type, "application/problem+json") == 0)
        assert_int_equal(json_integer_value(json_object_get(w->doc, "status")),
                         w->answer.status);
    return w->answer.status;
}

int ask(struct world *w, struct mc_request *q, const char *target, const char *body)
{
    struct asked asked;

    begin(w, &asked, q, target, body);
    while (!asked.answered)
        fake_work_step(&w->work);
    return look(w, &asked);
}

int get(struct world *w, const char *target)
{
    struct mc_request q = {.method = "GET"};

    return ask(w, &q, target, NULL);
}

int create(struct world *w, const char *target, const char *body)
{
    struct mc_request q = {.method = "PUT", .if_none_match = "*"};

    return ask(w, &q, target, body);
}

int replace(struct world *w, const char *target, const char *etag, const char *body)
{
    struct mc_request q = {.method = "PUT", .if_match = etag};

    return ask(w, &q, target, body);
}

json_t *at(const struct world *w, const char *way)
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

void want_text(const struct world *w, const char *way, const char *text)
{
    json_t *value = at(w, way);

    if (!json_is_string(value) || strcmp(json_string_value(value), text) != 0)
        fail_msg("%s is not %s in %.*s", way, text, (int)w->answer.body.len,
                 (const char *)w->answer.body.ptr);
}

void want_number(const struct world *w, const char *way, double number)
{
    json_t *value = at(w, way);

    if (!json_is_number(value) || json_number_value(value) < number - 1e-9 ||
        json_number_value(value) > number + 1e-9)
        fail_msg("%s is not %g in %.*s", way, number, (int)w->answer.body.len,
                 (const char *)w->answer.body.ptr);
}

void want_problem(const struct world *w, int code)
{
    if (w->answer.status != mcos_err_http(code))
        fail_msg("%d is not %s: %.*s", w->answer.status, mcos_err_slug(code),
                 (int)w->answer.body.len, (const char *)w->answer.body.ptr);
    want_text(w, "code", mcos_err_slug(code));
}
