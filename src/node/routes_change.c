/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/routes_change.c -- create, replace, delete, import: from a request to a draft,
 * from a draft to a record, and what is told about it.
 *
 * What is refused is refused before anything is minted, so nothing has changed.
 */
#include "node/converge.h"
#include "node/etag.h"
#include "node/json_ring.h"
#include "node/problem.h"
#include "node/spec.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct change {
    struct mc_expect expect;
    struct mc_ring *old; /* the record replaced, or NULL; ours */
    struct mc_draft draft;
    struct mc_build_report report;
    uint64_t build_ms;
};

/* Is the media type (parameters left aside) absent or one of the two? */
static int check_type(const struct mc_call *call, const char *first, const char *second,
                      struct mcos_diag *diag)
{
    const char *type = call->request->content_type;
    size_t len = type == NULL ? 0 : strcspn(type, "; \t");

    if (type == NULL || (len == strlen(first) && strncasecmp(type, first, len) == 0) ||
        (len == strlen(second) && strncasecmp(type, second, len) == 0))
        return 0;
    return mcos_diag_set(diag, MCOS_E_TYPE, "Content-Type", "wants %s", first);
}

/* What every change begins with: the precondition, and what it replaces. */
static int begin(struct mc_call *call, struct change *change, struct mcos_diag *diag)
{
    const struct mc_ring *held;
    int r = mc_etag_expect(call->request->if_match, call->request->if_none_match,
                           &change->expect, diag);

    mc_draft_init(&change->draft);
    if (r == 0)
        r = mc_agent_expects(call->agent, &call->ring, &change->expect, diag);
    if (r != 0)
        return r;
    held = mc_agent_ring_find(call->agent, call->ring.s);
    if (held != NULL && !mc_ring_head(held)->tombstone)
        /* A reference is a count, not a change of the ring. */
        change->old = mc_ring_ref((struct mc_ring *)(uintptr_t)held);
    return 0;
}

static void end(struct change *change)
{
    mc_draft_fini(&change->draft);
    mc_ring_unref(change->old);
}

static json_t *json_change(const struct mc_call *call, const struct change *change,
                           const struct mc_ring *made, bool distributed)
{
    const struct mc_build_report *report = &change->report;
    json_t *o = json_object();

    mc_json_put_text(o, "ring", call->ring.s);
    mc_json_put_stamp(o, mc_ring_head(made));
    mc_json_put_bool(o, "durable", true);
    mc_json_put_bool(o, "distributed", distributed);
    mc_json_put_int(o, "moved", report->moved);
    mc_json_put_int(o, "moved_lower_bound", report->moved_lower_bound);
    mc_json_put_int(o, "held_back", report->held_back);
    mc_json_put_int(o, "assignments", report->assignments);
    mc_json_put_real(o, "balance", report->balance);
    mc_json_put_real(o, "max_deviation", report->max_deviation);
    mc_json_put_real(o, "dispersion", report->dispersion);
    mc_json_put_int(o, "violations", report->violations);
    mc_json_put_real(o, "build_seconds", (double)change->build_ms / 1000.0);
    (void)json_object_set_new(o, "convergence", mc_json_convergence(call->agent, made));
    return o;
}

/* The figures of a ring that was not built here, its moves against what it replaces. */
static void measure(struct mc_call *call, struct change *change,
                    const struct mc_ring *made)
{
    const struct mc_head *head = mc_ring_head(made);

    if (head->tombstone || change->report.assignments != 0)
        return;
    if (change->old != NULL &&
        mc_ring_head(change->old)->part_power == head->part_power)
        (void)mc_build_measure(made, change->old, &change->report);
    else
        (void)mc_ring_figures(call->routes, made, &change->report);
}

/* Mints the draft and answers. */
static int finish(struct mc_call *call, struct change *change,
                  struct mc_ring **ret_made, struct mcos_diag *diag)
{
    struct mc_response *response = call->response;
    struct mc_ring *made = NULL;
    uint64_t retry_ms = 0;
    bool distributed = false;
    int r;

    change->draft.head.name = call->ring;
    (void)snprintf(change->draft.head.author, sizeof(change->draft.head.author), "%s",
                   call->request->author);
    r = mc_agent_mint(call->agent, &change->draft, &change->expect, &made, &distributed,
                      &retry_ms, diag);
    if (r != 0) {
        response->retry_after_s = (unsigned)((retry_ms + 999u) / 1000u);
        return r;
    }
    if (!mc_ring_head(made)->tombstone)
        mc_etag_format(mc_ring_head(made), response->etag);
    if (change->old == NULL)
        (void)snprintf(response->location, sizeof(response->location), "/v1/rings/%s",
                       call->ring.s);
    measure(call, change, made);
    mc_json_answer(response, change->old == NULL ? 201 : 200,
                   json_change(call, change, made, distributed));
    *ret_made = made;
    return 0;
}

/* ---- from a spec ---- */

/*
 * A ring placed by Swift's hash carries a check value of the secret. One that is
 * there already keeps it, so that a cluster without the secret can update the ring.
 */
static int set_hash_check(const struct mc_call *call, struct change *change,
                          struct mcos_diag *diag)
{
    const struct mc_secret *secret = &call->routes->config.secret;
    const struct mc_head *old = change->old == NULL ? NULL : mc_ring_head(change->old);
    struct mc_head *head = &change->draft.head;

    if (head->hash != MC_HASH_SWIFT_MD5)
        return 0;
    if (old != NULL && old->hash == MC_HASH_SWIFT_MD5) {
        memcpy(head->hash_check, old->hash_check, sizeof(head->hash_check));
        return 0;
    }
    if (secret->prefix.len == 0 && secret->suffix.len == 0)
        return mcos_diag_set(diag, MCOS_E_SECRET, "/hash",
                             "swift-md5 needs the secret, and this agent was started "
                             "without a swift.conf");
    mc_secret_check(secret, head->hash_check);
    return 0;
}

static int build(struct mc_call *call, const struct mc_spec *spec,
                 struct change *change, struct mcos_diag *diag)
{
    struct mc_build_input in = {.spec = spec, .old = change->old};
    struct mc_head *head = &change->draft.head;
    uint64_t start_ms = mc_agent_now_ms(call->agent);
    int r;

    in.now_s = (uint32_t)(mc_agent_wall_ns(call->agent) / 1000000000u);
    in.seed = mc_xxh3_64(
        (struct mc_bytes){(const uint8_t *)call->ring.s, strlen(call->ring.s)});
    r = mc_build(&in, &change->draft, &change->report, diag);
    if (r != 0)
        return r;
    change->build_ms = mc_agent_now_ms(call->agent) - start_ms;
    (void)snprintf(head->note, sizeof(head->note), "%s", spec->note);
    return set_hash_check(call, change, diag);
}

void mc_put_ring(struct mc_call *call)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_spec_doc *doc = NULL;
    struct mc_ring *made = NULL;
    struct change change = {0};
    int r = begin(call, &change, &diag);

    if (r == 0)
        r = check_type(call, "application/json", "text/json", &diag);
    if (r == 0)
        r = mc_spec_parse(call->request->body, &doc, &diag);
    if (r == 0)
        r = build(call, mc_spec_doc_get(doc), &change, &diag);
    if (r == 0)
        r = finish(call, &change, &made, &diag);
    if (r != 0)
        mc_call_fail(call, r, &diag);
    mc_ring_unref(made);
    mc_spec_doc_free(doc);
    end(&change);
}

/* ---- delete ---- */

void mc_delete_ring(struct mc_call *call)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *made = NULL;
    struct change change = {0};
    int r = begin(call, &change, &diag);

    if (r == 0 && change.expect.kind == MC_EXPECT_ABSENT)
        r = mcos_diag_set(&diag, MCOS_E_USAGE, "If-None-Match",
                          "nothing can be deleted that is absent; send If-Match");
    if (r == 0) {
        change.draft.head.tombstone = true;
        r = finish(call, &change, &made, &diag);
    }
    if (r != 0)
        mc_call_fail(call, r, &diag);
    mc_ring_unref(made);
    end(&change);
}

/* ---- import ---- */

static int import(struct mc_call *call, struct change *change, struct mcos_diag *diag)
{
    const struct mc_routes_config *config = &call->routes->config;
    const char *prefix = mc_call_param(call, "prefix");
    const char *suffix = mc_call_param(call, "suffix");
    struct mc_secret secret = config->secret;

    if (config->import_swift == NULL)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "", "this agent does not import");
    if (prefix != NULL || suffix != NULL) {
        secret = (struct mc_secret){0};
        if (prefix != NULL)
            secret.prefix = (struct mc_bytes){(const uint8_t *)prefix, strlen(prefix)};
        if (suffix != NULL)
            secret.suffix = (struct mc_bytes){(const uint8_t *)suffix, strlen(suffix)};
    }
    return config->import_swift(config->import_ctx, call->request->body, &secret,
                                &change->draft, diag);
}

void mc_put_import(struct mc_call *call)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *made = NULL;
    struct change change = {0};
    int r = begin(call, &change, &diag);

    if (r == 0)
        r = check_type(call, "application/gzip", "application/octet-stream", &diag);
    if (r == 0)
        r = import(call, &change, &diag);
    if (r == 0)
        r = finish(call, &change, &made, &diag);
    if (r != 0)
        mc_call_fail(call, r, &diag);
    mc_ring_unref(made);
    end(&change);
}
