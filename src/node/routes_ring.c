/* SPDX-License-Identifier: Apache-2.0 */
/* node/routes_ring.c -- reading rings: list, one, spec, bytes, look-up. */
#include "node/etag.h"
#include "node/json_ring.h"
#include "node/converge.h"
#include "node/problem.h"
#include "node/spec.h"

#include <stdlib.h>
#include <string.h>

#define HANDOFFS_MAX 1000u

static void put_etag(struct mc_call *call, const struct mc_ring *ring)
{
    _Static_assert(MC_ETAG_MAX <= sizeof(call->response->etag), "an ETag fits");
    mc_etag_format(mc_ring_head(ring), call->response->etag);
}

void mc_get_rings(struct mc_call *call)
{
    json_t *doc = json_object();
    json_t *list = json_array();
    const struct mc_ring *ring;
    size_t cursor = 0;

    while ((ring = mc_agent_ring_next(call->agent, &cursor)) != NULL)
        (void)json_array_append_new(list, mc_json_ring(call->routes, ring));
    (void)json_object_set_new(doc, "rings", list);
    mc_json_answer(call->response, 200, doc);
}

/* Who lost against the ring. Of a record that cannot be read its stamp is told. */
static json_t *json_losers(const struct mc_call *call)
{
    json_t *list = json_array();
    struct mc_stamp stamp;

    for (size_t i = 0; mc_agent_loser(call->agent, call->ring.s, i, &stamp); i++) {
        struct mc_ring *ring = NULL;
        json_t *o = json_object();
        char text[MC_STAMP_TEXT_MAX];

        mc_stamp_format(&stamp, text);
        mc_json_put_text(o, "stamp", text);
        mc_json_put_int(o, "epoch", stamp.epoch);
        mc_json_put_int(o, "version", stamp.version);
        mc_json_put_hex(o, "digest", stamp.digest, MC_DIGEST_BYTES);
        mc_json_put_time(o, "time", stamp.timestamp);
        if (mc_agent_record(call->agent, call->ring.s, stamp.digest, &ring) == 0) {
            const struct mc_head *head = mc_ring_head(ring);

            mc_json_put_bool(o, "deleted", head->tombstone);
            mc_json_put_text(o, "origin", head->origin.s);
            mc_json_put_text(o, "author", head->author);
            mc_json_put_text(o, "note", head->note);
            mc_ring_unref(ring);
        }
        (void)json_array_append_new(list, o);
    }
    return list;
}

void mc_get_ring(struct mc_call *call)
{
    const struct mc_ring *ring = mc_call_ring(call);
    json_t *doc;

    if (ring == NULL)
        return;
    doc = mc_json_ring(call->routes, ring);
    (void)json_object_set_new(doc, "losers", json_losers(call));
    if (!mc_ring_head(ring)->tombstone) {
        (void)json_object_set_new(doc, "devices", mc_json_devices(call->routes, ring));
        put_etag(call, ring);
    }
    mc_json_answer(call->response, 200, doc);
}

void mc_get_spec(struct mc_call *call)
{
    const struct mc_ring *ring = mc_call_ring(call);
    int r;

    if (ring == NULL)
        return;
    r = mc_spec_of_ring(ring, &call->response->body);
    if (r != 0) {
        mc_call_fail(call, r, NULL);
        return;
    }
    call->response->status = 200;
    call->response->content_type = "application/json";
    put_etag(call, ring);
}

void mc_get_file(struct mc_call *call)
{
    const struct mc_ring *ring = mc_call_ring(call);

    if (ring == NULL)
        return;
    if (!mc_ring_head(ring)->tombstone) {
        const char *known = call->request->if_none_match;

        put_etag(call, ring);
        if (known != NULL && strcmp(known, call->response->etag) == 0) {
            call->response->status = 304;
            return;
        }
    }
    call->response->blob = mc_blob_ref(mc_ring_blob(ring));
    call->response->status = 200;
    call->response->content_type = "application/octet-stream";
}

/* ---- look-up ---- */

/* Empty counts as absent. */
static struct mc_bytes param_bytes(const struct mc_call *call, const char *name)
{
    const char *text = mc_call_param(call, name);

    if (text == NULL || text[0] == '\0')
        return (struct mc_bytes){0};
    return (struct mc_bytes){(const uint8_t *)text, strlen(text)};
}

static int read_question(const struct mc_call *call, struct mc_key *key,
                         size_t *handoffs, struct mcos_diag *diag)
{
    const char *text = mc_call_param(call, "handoffs");
    char *end = NULL;
    unsigned long n = 0;

    key->account = param_bytes(call, "account");
    key->container = param_bytes(call, "container");
    key->object = param_bytes(call, "object");
    if (key->account.ptr == NULL)
        return mcos_diag_set(diag, MCOS_E_FIELD, "account", "needed");
    if (key->object.ptr != NULL && key->container.ptr == NULL)
        return mcos_diag_set(diag, MCOS_E_FIELD, "container", "an object needs one");
    if (text != NULL) {
        if (text[0] >= '0' && text[0] <= '9')
            n = strtoul(text, &end, 10);
        if (end == NULL || *end != '\0' || n > HANDOFFS_MAX)
            return mcos_diag_set(diag, MCOS_E_VALUE, "handoffs", "wants 0 to %u",
                                 HANDOFFS_MAX);
    }
    *handoffs = n;
    return 0;
}

static json_t *json_places(struct mc_call *call, const struct mc_ring *ring,
                           const uint32_t *ids, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, mc_json_device(call->routes, ring, ids[i]));
    return list;
}

static void answer_lookup(struct mc_call *call, const struct mc_ring *ring,
                          uint32_t part, size_t want)
{
    uint32_t ids[HANDOFFS_MAX];
    struct mc_machine_status st = mc_machine_status(mc_agent_machine(call->agent));
    json_t *doc = json_object();
    long found = 0;

    mc_json_put_text(doc, "ring", call->ring.s);
    mc_json_put_stamp(doc, mc_ring_head(ring));
    mc_json_put_int(doc, "partition", part);
    mc_json_put_int(doc, "partitions", mc_ring_part_count(ring));
    mc_json_put_text(doc, "hash",
                     mc_ring_head(ring)->hash == MC_HASH_XXH3 ? "xxh3" : "swift-md5");
    mc_json_put_time(doc, "confirmed", mc_wall_of(call->agent, st.confirmed_ms));
    (void)json_object_set_new(
        doc, "devices", json_places(call, ring, ids, mc_ring_row(ring, part, ids)));
    if (want > 0)
        found = mc_lookup_handoffs(ring, part, ids, want);
    if (found < 0) {
        json_decref(doc);
        mc_call_fail(call, (int)found, NULL);
        return;
    }
    if ((size_t)found > want)
        found = (long)want;
    (void)json_object_set_new(doc, "handoffs",
                              json_places(call, ring, ids, (size_t)found));
    put_etag(call, ring);
    mc_json_answer(call->response, 200, doc);
}

/* The version that the query names, of those that `held` descends from; yours. Fails
 * with VALUE, NOTFOUND, GONE, and as reading it does. */
static int find_version(const struct mc_call *call, const struct mc_ring *held,
                        const char *text, struct mc_ring **ret_ring,
                        struct mcos_diag *diag)
{
    const struct mc_builder_info *b = mc_ring_builder(held);
    const struct mc_head *head = mc_ring_head(held);
    unsigned long long version = 0;
    char *end = NULL;

    if (text[0] >= '1' && text[0] <= '9')
        version = strtoull(text, &end, 10);
    if (end == NULL || *end != '\0' || version > MC_VERSION_MAX)
        return mcos_diag_set(diag, MCOS_E_VALUE, "version", "wants a version's number");
    if (version == head->version)
        return mc_agent_record(call->agent, call->ring.s, head->digest, ret_ring);
    if (version > head->version)
        return mcos_diag_set(diag, MCOS_E_NOTFOUND, "version",
                             "%s is at version %llu here", call->ring.s,
                             (unsigned long long)head->version);
    for (size_t i = 0; i < b->ancestor_count; i++) {
        if (b->ancestors[i].version != version)
            continue;
        if (mc_agent_record(call->agent, call->ring.s, b->ancestors[i].digest8,
                            ret_ring) == 0)
            return 0;
        break;
    }
    return mcos_diag_set(diag, MCOS_E_GONE, "version",
                         "version %llu of %s is not kept here", version, call->ring.s);
}

static void look_up(struct mc_call *call, const struct mc_ring *ring)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_key key;
    uint32_t part = 0;
    size_t want = 0;
    int r = read_question(call, &key, &want, &diag);

    if (r == 0)
        r = mc_lookup_part(ring, &call->routes->config.secret, &key, &part);
    if (r != 0) {
        mc_call_fail(call, r, &diag);
        return;
    }
    answer_lookup(call, ring, part, want);
}

void mc_get_lookup(struct mc_call *call)
{
    const char *version = mc_call_param(call, "version");
    const struct mc_ring *held = mc_call_ring(call);
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *ring = NULL;
    int r;

    if (held == NULL)
        return;
    if (version == NULL) {
        look_up(call, held);
        return;
    }
    r = find_version(call, held, version, &ring, &diag);
    if (r != 0) {
        mc_call_fail(call, r, &diag);
        return;
    }
    look_up(call, ring);
    mc_ring_unref(ring);
}
