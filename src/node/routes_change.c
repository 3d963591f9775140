/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/routes_change.c -- create, replace, delete, import. Placing a large ring and
 * reading one take seconds, so that is done by the worker (node/change.h).
 */
#include "node/change.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int mc_change_type(const struct mc_call *call, const char *first, const char *second,
                   struct mcos_diag *diag)
{
    const char *type = call->request->content_type;
    size_t len = type == NULL ? 0 : strcspn(type, "; \t");

    if (type == NULL || (len == strlen(first) && strncasecmp(type, first, len) == 0) ||
        (len == strlen(second) && strncasecmp(type, second, len) == 0))
        return 0;
    return mcos_diag_set(diag, MCOS_E_TYPE, "Content-Type", "wants %s", first);
}

static void run_nothing(struct mc_change *change)
{
    (void)change;
}

void mc_change_go(struct mc_call *call, struct mc_change *take_change, int r,
                  void (*run)(struct mc_change *change), struct mcos_diag *diag)
{
    if (r == 0)
        r = mc_change_submit(
            take_change, mc_change_is_replayed(take_change) ? run_nothing : run, diag);
    if (r == 0)
        return;
    mc_call_fail(call, r, diag);
    mc_change_free(take_change);
}

static struct mc_bytes body_of(const struct mc_change *change)
{
    return change->body == NULL ? (struct mc_bytes){0} : mc_blob_get(change->body);
}

/* ---- from a spec ---- */

/*
 * A ring placed by Swift's hash carries a check value of the secret. One that is
 * there already keeps it, so that a cluster without the secret can update the ring.
 */
static int set_hash_check(struct mc_change *change, const struct mc_spec *spec)
{
    const struct mc_head *old = change->old == NULL ? NULL : mc_ring_head(change->old);

    if (spec->hash != MC_HASH_SWIFT_MD5)
        return 0;
    if (old != NULL) { /* with another hash the builder refuses */
        memcpy(change->hash_check, old->hash_check, sizeof(change->hash_check));
        return 0;
    }
    if (!change->has_check)
        return mcos_diag_set(&change->diag, MCOS_E_SECRET, "/hash",
                             "swift-md5 needs the secret, and this agent was started "
                             "without a swift.conf");
    return 0;
}

/* A plan is for who asked for it; a change is made whether he waits or not. */
static bool is_wanted(void *ctx, unsigned thousandths)
{
    const struct mc_change *change = ctx;

    (void)thousandths;
    return !atomic_load(&change->later->gone);
}

static int build(struct mc_change *change, const struct mc_spec *spec)
{
    const struct mc_progress progress = {is_wanted, change};
    const struct mc_build_input in = {
        .spec = spec,
        .old = change->old,
        .now_s = change->now_s,
        .seed = mc_xxh3_64(
            (struct mc_bytes){(const uint8_t *)change->ring.s, strlen(change->ring.s)}),
        .progress = change->dry ? &progress : NULL};
    struct mc_head *head = &change->draft.head;
    struct mc_built *built = NULL;
    char token[MC_TOKEN_MAX];
    int r = set_hash_check(change, spec);

    if (r == 0)
        r = mc_build_run(&in, &change->draft, &change->report, &built, &change->diag);
    if (r != 0)
        return r;
    if (head->hash == MC_HASH_SWIFT_MD5)
        memcpy(head->hash_check, change->hash_check, sizeof(head->hash_check));
    (void)snprintf(head->note, sizeof(head->note), "%s", spec->note);
    if (change->dry || change->plan[0] != '\0')
        r = mc_token_format(change->old == NULL ? NULL : mc_ring_head(change->old),
                            &change->draft, token);
    if (r == 0 && change->plan[0] != '\0')
        r = mc_token_check(change->plan, token, &change->diag);
    if (r == 0 && change->dry)
        r = mc_change_explain(change, built, token);
    mc_built_free(built);
    return r;
}

void mc_change_build(struct mc_change *change)
{
    change->err = mc_spec_parse(body_of(change), &change->doc, &change->diag);
    if (change->err == 0)
        change->err = build(change, mc_spec_doc_get(change->doc));
}

void mc_change_take(struct mc_call *call, struct mc_change *change)
{
    const struct mc_secret *secret = &call->routes->config.secret;

    change->now_s = (uint32_t)(mc_agent_wall_ns(call->agent) / 1000000000u);
    change->has_check = secret->prefix.len != 0 || secret->suffix.len != 0;
    mc_secret_check(secret, change->hash_check);
}

/* The plan that is to come out, if the query names one. */
static int take_plan(const struct mc_call *call, struct mc_change *change,
                     struct mcos_diag *diag)
{
    const char *token = mc_call_param(call, "plan");
    int r;

    if (token == NULL)
        return 0;
    r = mc_token_check_base(
        token, change->old == NULL ? NULL : mc_ring_head(change->old), diag);
    if (r == 0)
        (void)snprintf(change->plan, sizeof(change->plan), "%s", token);
    return r;
}

void mc_put_ring(struct mc_call *call)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_change *change = NULL;
    int r = mc_change_new(call, &change, &diag);

    if (r == 0)
        r = mc_change_type(call, "application/json", "text/json", &diag);
    if (r == 0 && !mc_change_is_replayed(change))
        r = take_plan(call, change, &diag);
    if (r == 0)
        mc_change_take(call, change);
    mc_change_go(call, change, r, mc_change_build, &diag);
}

/* ---- delete ---- */

void mc_delete_ring(struct mc_call *call)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_change *change = NULL;
    int r = mc_change_new(call, &change, &diag);

    if (r == 0 && change->expect.kind == MC_EXPECT_ABSENT)
        r = mcos_diag_set(&diag, MCOS_E_USAGE, "If-None-Match",
                          "nothing can be deleted that is absent; send If-Match");
    if (r == 0 && !mc_change_is_replayed(change)) {
        change->draft.head.tombstone = true;
        r = mc_change_mint(call, change, &diag);
    }
    if (r == 0)
        mc_change_tell(call, change);
    else
        mc_call_fail(call, r, &diag);
    mc_change_free(change);
}

/* ---- import ---- */

/* As an update: partitions are split, and not joined, for as long as their ring lives.
 */
static int keeps_power(struct mc_change *change)
{
    unsigned given = change->draft.head.part_power;
    unsigned held = change->old == NULL ? given : mc_ring_head(change->old)->part_power;

    if (given >= held)
        return 0;
    return mcos_diag_set(
        &change->diag, MCOS_E_PARTPOWER, "/partition_power",
        "the file has %u and the ring %u: a partition can be split, and "
        "cannot be joined with others",
        given, held);
}

/* A file says nothing of the secret: what the ring knew of it stays known. */
static void keep_check(struct mc_change *change)
{
    static const uint8_t none[sizeof(change->hash_check)];
    const struct mc_head *old = change->old == NULL ? NULL : mc_ring_head(change->old);
    struct mc_head *head = &change->draft.head;

    if (old != NULL && old->hash == head->hash &&
        memcmp(head->hash_check, none, sizeof(none)) == 0)
        memcpy(head->hash_check, old->hash_check, sizeof(none));
}

static void run_import(struct mc_change *change)
{
    change->err =
        change->import_swift(change->import_ctx, body_of(change), &change->secret,
                             &change->draft, &change->extra, &change->diag);
    if (change->err == 0)
        change->err = keeps_power(change);
    if (change->err == 0)
        keep_check(change);
}

/* The secret that the query gives, or else this machine's, copied. */
static int take_secret(const struct mc_call *call, struct mc_change *change)
{
    const char *prefix = mc_call_param(call, "prefix");
    const char *suffix = mc_call_param(call, "suffix");
    struct mc_secret given = call->routes->config.secret;
    struct mc_buf *b = &change->secret_buf;

    if (prefix != NULL || suffix != NULL) {
        given = (struct mc_secret){0};
        if (prefix != NULL)
            given.prefix = (struct mc_bytes){(const uint8_t *)prefix, strlen(prefix)};
        if (suffix != NULL)
            given.suffix = (struct mc_bytes){(const uint8_t *)suffix, strlen(suffix)};
    }
    mc_buf_put(b, given.prefix.ptr, given.prefix.len);
    mc_buf_put(b, given.suffix.ptr, given.suffix.len);
    if (b->err != 0 || b->len == 0)
        return b->err;
    change->secret.prefix = (struct mc_bytes){b->ptr, given.prefix.len};
    change->secret.suffix =
        (struct mc_bytes){b->ptr + given.prefix.len, given.suffix.len};
    return 0;
}

void mc_put_import(struct mc_call *call)
{
    const struct mc_routes_config *config = &call->routes->config;
    struct mcos_diag diag = {.offset = -1};
    struct mc_change *change = NULL;
    int r = mc_change_new(call, &change, &diag);

    if (r == 0 &&
        mc_change_type(call, "application/json", "application/json", NULL) != 0)
        r = mc_change_type(call, "application/gzip", "application/octet-stream", &diag);
    if (r == 0 && config->import_swift == NULL)
        r = mcos_diag_set(&diag, MCOS_E_CONFIG, "", "this agent does not import");
    if (r == 0)
        r = take_secret(call, change);
    if (r == 0) {
        change->import_swift = config->import_swift;
        change->import_ctx = config->import_ctx;
    }
    mc_change_go(call, change, r, run_import, &diag);
}
