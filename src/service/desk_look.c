/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service/desk_look.c -- look-ups, one and many.
 *
 * An answer is made of one view, so that all of it agrees. Somebody may write into the
 * mapped file of a ring meanwhile, though nobody may: then the resolver soon has a good
 * one again, and who asked is told to ask again.
 */
#include "service/desk_in.h"
#include "service/document.h"
#include "service/question.h"
#include "service/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK 256u /* names of a batch that are looked up at once */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "columns of an answer are written where they are sent");

static void put_etag(const struct mcos_view_info *info, struct mc_response *response)
{
    char epoch[16] = "";
    char digest[9];

    mc_hex(digest, info->digest, 4);
    if (info->epoch > 0)
        (void)snprintf(epoch, sizeof(epoch), "e%u.", info->epoch);
    (void)snprintf(response->etag, sizeof(response->etag), "\"%s%" PRIu64 "-%s\"",
                   epoch, info->version, digest);
}

static void finish(struct mc_desk *desk, int err, struct mcos_diag *diag,
                   const struct mcos_view *view, const char *type, size_t names,
                   struct mc_response *response)
{
    if (err == 0)
        err = response->body.err;
    if (err == MCOS_E_DIGEST)
        err = mcos_diag_set(diag, MCOS_E_NOTREADY, "",
                            "somebody wrote into the ring's file; it is read anew");
    if (err != 0) {
        mc_desk_fail(response, err, diag);
        return;
    }
    response->status = 200;
    response->content_type = type;
    put_etag(mcos_view_info(view), response);
    mc_desk_count(&desk->counts.lookups, names);
}

/* Refuses to tell of the version before where it is not kept. */
static int check_previous(const struct mc_desk *desk, bool previous,
                          struct mcos_diag *diag)
{
    if (!previous || desk->hall->keeps_previous)
        return 0;
    return mcos_diag_set(diag, MCOS_E_VALUE, "previous",
                         "this service was started without --keep-previous");
}

/* The version before, if it has places. */
static const struct mcos_view *find_previous(const struct mcos_view *view)
{
    const struct mcos_view *before = mcos_view_previous(view);

    return before == NULL || mcos_view_info(before)->deleted ? NULL : before;
}

/* ---- one ---- */

static int look_up_previous(const struct mcos_view *view, const struct mc_question *q,
                            struct mc_buf *b)
{
    const struct mcos_view *before = find_previous(view);
    struct mcos_answer answer;
    int err = 0;

    if (before != NULL)
        err = mcos_view_lookup(before, &q->key, q->flags, &answer);
    return err != 0 ? err : mc_doc_previous(before, &answer, b);
}

static int look_up(const struct mcos_view *view, const struct mc_question *q,
                   struct mc_buf *b)
{
    uint32_t handoffs[MCOS_HANDOFFS_MAX];
    struct mcos_answer answer;
    int count = 0;
    int err = mcos_view_lookup(view, &q->key, q->flags, &answer);

    if (err == 0 && q->handoffs > 0)
        count = mcos_view_handoffs(view, answer.partition, q->handoffs, handoffs);
    if (count < 0)
        err = count;
    if (err == 0)
        err = mc_doc_lookup(view, &answer, handoffs, (size_t)count, b);
    if (err == 0 && q->previous)
        err = look_up_previous(view, q, b);
    mc_doc_end(b);
    return err;
}

void mc_desk_look_up(struct mc_desk *desk, const struct mc_book_ring *ring,
                     const struct mc_request *request, struct mc_response *response)
{
    struct mcos_diag diag = {.offset = -1};
    const struct mcos_view *view;
    struct mc_question q = {0};
    int err = mc_question_read(request, &q, &diag);

    if (err == 0)
        err = check_previous(desk, q.previous, &diag);
    if (err != 0) {
        mc_desk_fail(response, err, &diag);
        return;
    }
    view = mc_desk_hold(ring, response);
    if (view == NULL)
        return;
    err = look_up(view, &q, &response->body);
    finish(desk, err, &diag, view, "application/json", 1, response);
    mcos_view_release(view);
}

/* ---- many, in JSON ---- */

/* A view of a batch, and a bit for each of its devices that was named. */
struct side {
    const struct mcos_view *view; /* NULL: there is none */
    uint8_t *seen;
};

static int side_init(struct side *side, const struct mcos_view *view)
{
    side->view = view;
    if (view == NULL)
        return 0;
    side->seen = calloc(1, mcos_view_info(view)->device_slots / 8 + 1);
    return side->seen == NULL ? MCOS_E_NOMEM : 0;
}

static int answer_name(const struct side *now, const struct side *before,
                       const struct mc_questions *q, size_t i, struct mc_buf *b)
{
    struct mcos_answer answer;
    int err = mcos_view_lookup(now->view, &q->keys[i], q->flags, &answer);

    if (err != 0)
        return err;
    if (i == 0)
        mc_doc_batch_head(now->view, &answer, b);
    mc_doc_batch_answer(&answer, now->seen, b);
    if (before->view != NULL) {
        err = mcos_view_lookup(before->view, &q->keys[i], q->flags, &answer);
        if (err == 0)
            mc_doc_batch_answer_previous(&answer, before->seen, b);
    }
    mc_doc_batch_answer_end(b);
    return err;
}

static int answer_json(const struct mcos_view *view, const struct mc_questions *q,
                       struct mc_buf *b)
{
    static const struct mcos_answer none;
    struct side now = {0};
    struct side before = {0};
    int err = mcos_view_info(view)->deleted ? MCOS_E_DELETED : side_init(&now, view);

    if (err == 0 && q->previous)
        err = side_init(&before, find_previous(view));
    if (err == 0 && q->count == 0)
        mc_doc_batch_head(view, &none, b);
    for (size_t i = 0; i < q->count && err == 0; i++)
        err = answer_name(&now, &before, q, i, b);
    if (err == 0)
        err = mc_doc_batch_tail(view, now.seen, b);
    if (err == 0 && q->previous)
        err = mc_doc_batch_previous(before.view, before.seen, b);
    mc_doc_end(b);
    free(now.seen);
    free(before.seen);
    return err;
}

static void many_json(struct mc_desk *desk, const struct mcos_view *view,
                      const struct mc_request *request, struct mc_response *response)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_questions q = {0};
    int err = mc_questions_parse(request->body, &q, &diag);

    if (err == 0)
        err = check_previous(desk, q.previous, &diag);
    if (err == 0)
        err = answer_json(view, &q, &response->body);
    finish(desk, err, &diag, view, "application/json", q.count, response);
    mc_questions_fini(&q);
}

/* ---- many, as bytes ---- */

/* Names one by one: those of ACTIVE clusters first. */
static int look_active(const struct mcos_view *view, const struct mcos_key *keys,
                       size_t count, uint32_t *partitions, uint32_t *devices)
{
    const uint32_t stride = mcos_view_info(view)->stride;

    for (size_t i = 0; i < count; i++) {
        struct mcos_answer answer;
        int err = mcos_view_lookup(view, &keys[i], MCOS_ACTIVE_FIRST, &answer);

        if (err != 0)
            return err;
        partitions[i] = answer.partition;
        for (uint32_t k = 0; k < stride; k++)
            devices[i * stride + k] =
                k < answer.device_count ? answer.devices[k] : MCOS_NONE;
    }
    return 0;
}

static int answer_wire(const struct mcos_view *view, struct mc_wire_question *q,
                       struct mc_buf *b, struct mcos_diag *diag)
{
    const struct mcos_view_info *info = mcos_view_info(view);
    struct mcos_key keys[CHUNK];
    struct mc_wire_columns columns;
    struct mcos_answer any; /* of its times */
    size_t count = 0;
    int err = 0;

    err = mcos_view_partition(view, 0, 0, &any);
    if (err != 0)
        return err;
    err = mc_wire_answer(info, any.checked_at, any.confirmed_at, q->count, b, &columns);
    if (err != 0)
        return err;
    for (size_t at = 0; (err = mc_wire_next(q, CHUNK, keys, &count, diag)) == 0 &&
                        count > 0 && err == 0;
         at += count) {
        /* Columns begin at a multiple of 4 in a buffer of malloc's. */
        uint32_t *partitions = (void *)(columns.partitions + 4 * at);
        uint32_t *devices = (void *)(columns.devices + 4 * at * info->stride);

        if (q->flags != 0)
            err = look_active(view, keys, count, partitions, devices);
        else
            err = mcos_view_lookup_many(view, keys, count, partitions, devices);
        if (err != 0)
            break;
    }
    return err;
}

static void many_wire(struct mc_desk *desk, const struct mcos_view *view,
                      const struct mc_request *request, struct mc_response *response)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_wire_question q = {0};
    int err = mc_wire_open(request->body, &q, &diag);

    if (err == 0)
        err = answer_wire(view, &q, &response->body, &diag);
    finish(desk, err, &diag, view, MC_WIRE_TYPE, q.count, response);
}

/* A media type, whatever its parameters are. */
static bool is_type(const char *given, const char *type)
{
    const size_t len = strlen(type);

    return given != NULL && strncasecmp(given, type, len) == 0 &&
           (given[len] == '\0' || given[len] == ';' || given[len] == ' ');
}

void mc_desk_look_up_many(struct mc_desk *desk, const struct mc_book_ring *ring,
                          const struct mc_request *request,
                          struct mc_response *response)
{
    const bool wire = is_type(request->content_type, MC_WIRE_TYPE);
    struct mcos_diag diag = {.offset = -1};
    const struct mcos_view *view;
    int err = 0;

    if (!mc_desk_take_no_params(request, response))
        return;
    if (!wire && request->content_type != NULL &&
        !is_type(request->content_type, "application/json"))
        err = mcos_diag_set(&diag, MCOS_E_TYPE, "Content-Type",
                            "wants application/json or " MC_WIRE_TYPE);
    if (err != 0) {
        mc_desk_fail(response, err, &diag);
        return;
    }
    view = mc_desk_hold(ring, response);
    if (view == NULL)
        return;
    mc_desk_count(&desk->counts.batches, 1);
    if (wire)
        many_wire(desk, view, request, response);
    else
        many_json(desk, view, request, response);
    mcos_view_release(view);
}
