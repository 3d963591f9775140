/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/curl/source.c -- an agent, as who looks names up sees it. */
#include "adapter/curl/source.h"

#include "adapter/curl/answer.h"
#include "adapter/curl/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEM_BYTES_MAX 65536u /* an answer other than 200 */
#define OTHER_RING        "answers with another ring"

/* What was given of one name last, and the ETag that it had. */
struct given {
    struct mc_name name; /* first: sorted by it */
    struct mc_stamp stamp;
    char etag[MC_CLIENT_ETAG_MAX]; /* "": nothing given */
};

struct agent_source {
    struct mc_source source; /* first */
    struct mc_client *client;
    struct mc_response response;
    struct mc_name_list given; /* of struct given */
    int64_t confirmed;
    const struct mc_name *asked; /* the ring whose record is asked for; NULL: none is */
    size_t record_bytes;         /* of it, once its head is here */
    struct mcos_diag trouble;
};

static int say(struct agent_source *s, int err, const char *what)
{
    return mcos_diag_set(&s->trouble, err, "", "%s", what);
}

/* How long an answer may be: whoever is at the other end may send without end. */
static size_t most(void *ctx, int status, struct mc_bytes came)
{
    struct agent_source *s = ctx;
    struct mc_head head;

    if (status != 200)
        return PROBLEM_BYTES_MAX;
    if (s->asked == NULL)
        return MC_ANSWER_BYTES_MAX;
    if (s->record_bytes == 0 && mc_head_decode(came, &head, NULL) == 0 &&
        strcmp(head.name.s, s->asked->s) == 0)
        s->record_bytes = head.record_bytes;
    return s->record_bytes == 0 ? MC_HEAD_BYTES_MAX : s->record_bytes;
}

/* Of a record that is longer than it may be, why. */
static int explain_length(struct agent_source *s)
{
    struct mc_head head;
    int err =
        mc_head_decode((struct mc_bytes){s->response.body.ptr, s->response.body.len},
                       &head, &s->trouble);

    if (err != 0)
        return err;
    return say(s, MCOS_E_FORMAT,
               s->record_bytes == 0 ? OTHER_RING : "answers with more than a record");
}

/* Asks, and says what the answer's status means: 0 for 200 and 304. `ring`: its record
 * is asked for. */
static int ask(struct agent_source *s, const char *path, const struct mc_name *ring,
               const char *etag)
{
    const struct mc_request request = {
        .path = path, .if_none_match = etag, .most = most, .most_ctx = s};
    int err;

    s->asked = ring;
    s->record_bytes = 0;
    err = mc_client_send(s->client, &request, &s->response, &s->trouble);
    if (err == MCOS_E_TOOBIG && ring != NULL)
        return explain_length(s);
    if (err != 0)
        return err == MCOS_E_NOMEM || err == MCOS_E_TOOBIG ? err : MCOS_E_UNREACHABLE;
    if (s->response.status == 200 || (s->response.status == 304 && etag != NULL))
        return 0;
    err = mc_answer_problem(
        (struct mc_bytes){s->response.body.ptr, s->response.body.len});
    if (s->response.status == 404)
        return say(s, MCOS_E_NOTFOUND, "has no such ring");
    if (err == MCOS_E_OLD)
        return say(s, MCOS_E_UPGRADE, "cannot read the ring's format itself");
    if (s->response.status >= 500)
        return mcos_diag_set(&s->trouble, MCOS_E_IO, "", "answers %d",
                             s->response.status);
    return mcos_diag_set(&s->trouble, MCOS_E_FORMAT, "", "answers %d: is it an agent?",
                         s->response.status);
}

/* ---- rings ---- */

/* The record in the answer, which comes from outside. */
static int take_record(struct agent_source *s, const struct mc_name *name,
                       struct mc_ring **ret_ring)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int err = mc_blob_from_buf(&s->response.body, &blob);

    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_SHA256, &ring, &s->trouble);
    if (err == 0 && strcmp(mc_ring_head(ring)->name.s, name->s) != 0)
        err = say(s, MCOS_E_FORMAT, OTHER_RING);
    mc_blob_unref(blob);
    if (err != 0)
        mc_ring_unref(ring);
    else
        *ret_ring = ring;
    return err;
}

static int look(struct mc_source *source, const struct mc_name *name,
                const struct mc_stamp *known, struct mc_ring **ret_ring)
{
    struct agent_source *s = (struct agent_source *)source;
    char path[MC_NAME_MAX + 32];
    struct mc_ring *ring = NULL;
    struct given *g = NULL;
    bool old;
    int err;

    s->trouble.text[0] = '\0';
    g = mc_name_entry(&s->given, sizeof(*g), name);
    if (g == NULL)
        return MCOS_E_NOMEM;
    /* What is before `known` was given once, and is not fetched again. What is after
     * it, and was not taken all the same, is. */
    old = known != NULL && g->etag[0] != '\0' && mc_stamp_cmp(&g->stamp, known) <= 0;
    (void)snprintf(path, sizeof(path), "/v1/rings/%s/file", name->s);
    err = ask(s, path, name, old ? g->etag : NULL);
    if (err != 0)
        return err;
    if (s->response.status == 304 && mc_stamp_cmp(&g->stamp, known) < 0)
        return say(s, MCOS_E_STALE, "has a version before the one in force");
    if (s->response.status == 304)
        return 0;
    err = take_record(s, name, &ring);
    if (err != 0)
        return err;
    g->stamp = mc_stamp_of(mc_ring_head(ring));
    memcpy(g->etag, s->response.etag, sizeof(g->etag));
    *ret_ring = ring;
    return 0;
}

/* ---- clusters ---- */

static int clusters(struct mc_source *source, struct mc_cluster **ret_clusters,
                    size_t *ret_count)
{
    struct agent_source *s = (struct agent_source *)source;
    int err;

    s->trouble.text[0] = '\0';
    err = ask(s, "/v1/clusters", NULL, NULL);
    if (err != 0)
        return err;
    return mc_answer_clusters(
        (struct mc_bytes){s->response.body.ptr, s->response.body.len}, ret_clusters,
        ret_count, &s->confirmed, &s->trouble);
}

static int64_t confirmed(struct mc_source *source)
{
    return ((struct agent_source *)source)->confirmed;
}

/* ---- life ---- */

static const char *trouble(const struct mc_source *source)
{
    return ((const struct agent_source *)source)->trouble.text;
}

static void close_it(struct mc_source *source)
{
    struct agent_source *s = (struct agent_source *)source;

    mc_client_free(s->client);
    mc_response_fini(&s->response);
    free(s->given.entries);
    free(s);
}

int mc_agent_source_open(const char *server, uint32_t timeout_ms,
                         struct mc_source **ret_source, struct mcos_diag *diag)
{
    static const struct mc_source_ops ops = {.look = look,
                                             .clusters = clusters,
                                             .confirmed = confirmed,
                                             .trouble = trouble,
                                             .close = close_it};
    struct agent_source *s = calloc(1, sizeof(*s));
    int err =
        s == NULL ? MCOS_E_NOMEM : mc_client_new(server, timeout_ms, &s->client, diag);

    if (err != 0) {
        free(s);
        return err;
    }
    s->source.ops = &ops;
    *ret_source = &s->source;
    return 0;
}
