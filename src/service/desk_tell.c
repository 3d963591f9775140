/* SPDX-License-Identifier: Apache-2.0 */
/* service/desk_tell.c -- the rings that are followed, and how the service is. */
#include "service/desk_in.h"
#include "service/document.h"
#include "service/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer(struct mc_response *response, int status, int err)
{
    if (err == 0)
        err = response->body.err;
    if (err == MCOS_E_DIGEST)
        err = MCOS_E_NOTREADY;
    if (err != 0) {
        mc_desk_fail(response, err, NULL);
        return;
    }
    response->status = status;
    response->content_type = "application/json";
}

void mc_desk_livez(struct mc_desk *desk, const struct mc_request *request,
                   struct mc_response *response)
{
    (void)desk;
    (void)request;
    mc_text_raw(&response->body, "{\"alive\": true}\n");
    answer(response, 200, 0);
}

/* ---- rings ---- */

void mc_desk_show_ring(struct mc_desk *desk, const struct mc_book_ring *ring,
                       const struct mc_request *request, struct mc_response *response)
{
    const struct mcos_view *view;
    int err;

    (void)desk;
    if (!mc_desk_take_no_params(request, response))
        return;
    view = mc_desk_hold(ring, response);
    if (view == NULL)
        return;
    err = mc_doc_ring(ring->name.s, ring->ring, view, true, &response->body);
    mc_text_raw(&response->body, "\n");
    answer(response, 200, err);
    mcos_view_release(view);
}

static int order(const void *a, const void *b)
{
    const struct mc_book_ring *const *x = a;
    const struct mc_book_ring *const *y = b;

    return strcmp((*x)->name.s, (*y)->name.s);
}

void mc_desk_list_rings(struct mc_desk *desk, const struct mc_request *request,
                        struct mc_response *response)
{
    const struct mc_book_ring **rings = calloc(MCOS_RINGS_MAX, sizeof(*rings));
    struct mc_buf *b = &response->body;
    size_t count = 0;
    int err = rings == NULL ? MCOS_E_NOMEM : 0;

    (void)request;
    while (err == 0 && count < MCOS_RINGS_MAX &&
           (rings[count] = mc_book_get(desk->hall->book, count)) != NULL)
        count++;
    if (count > 1)
        qsort(rings, count, sizeof(*rings), order);
    mc_text_raw(b, "{");
    mc_text_key(b, "rings");
    mc_text_raw(b, "[");
    for (size_t i = 0; i < count && err == 0; i++) {
        const struct mcos_view *view = mcos_ring_hold(rings[i]->ring);

        mc_text_item(b);
        err = mc_doc_ring(rings[i]->name.s, rings[i]->ring, view, false, b);
        mcos_view_release(view);
    }
    mc_text_raw(b, "]}\n");
    free(rings);
    answer(response, 200, err);
}

/* ---- the service ---- */

struct tally {
    size_t rings;
    size_t held;
    size_t named;
};

/* Counts; writes a sentence for each ring that was named and is not held. */
static struct tally take_tally(const struct mc_desk *desk, struct mc_buf *b)
{
    const struct mc_book_ring *ring;
    struct tally t = {0};

    for (size_t i = 0; (ring = mc_book_get(desk->hall->book, i)) != NULL; i++) {
        const struct mcos_view *view = mcos_ring_hold(ring->ring);
        struct mcos_diag diag = {.offset = -1};
        char text[sizeof(diag.text) + MC_NAME_MAX + 16];

        t.rings++;
        t.held += view != NULL;
        t.named += ring->named;
        if (view == NULL && mcos_ring_wait(ring->ring, 0, &diag) != 0) {
            (void)snprintf(text, sizeof(text), "%s is not held: %s", ring->name.s,
                           diag.text);
            mc_text_item(b);
            mc_text_foreign(b, text);
        }
        mcos_view_release(view);
    }
    return t;
}

/* Not ready only while it was told which rings to follow and holds none of them:
 * what it holds it goes on answering, whoever is away. */
static bool is_ready(const struct tally *t)
{
    return t->named == 0 || t->held > 0;
}

void mc_desk_readyz(struct mc_desk *desk, const struct mc_request *request,
                    struct mc_response *response)
{
    struct mc_buf *b = &response->body;
    struct mc_buf reasons = {0};
    struct tally t = take_tally(desk, &reasons);

    (void)request;
    mc_text_raw(b, "{");
    mc_text_key(b, "ready");
    mc_text_bool(b, is_ready(&t));
    mc_text_key(b, "reasons");
    mc_text_raw(b, "[");
    mc_buf_put(b, reasons.ptr, reasons.len);
    mc_text_raw(b, "]}\n");
    answer(response, is_ready(&t) ? 200 : 503, reasons.err);
    if (!is_ready(&t))
        response->retry_after_s = 1;
    mc_buf_fini(&reasons);
}

static void put_counts(const struct mc_hall *hall, struct mc_buf *b)
{
    uint64_t sums[5] = {0};
    static const char *const names[] = {"requests", "refused", "failed", "lookups",
                                        "batches"};

    for (size_t i = 0; i < hall->desk_count; i++) {
        const struct mc_desk_counts *c = &hall->desks[i]->counts;

        sums[0] += atomic_load_explicit(&c->requests, memory_order_relaxed);
        sums[1] += atomic_load_explicit(&c->refused, memory_order_relaxed);
        sums[2] += atomic_load_explicit(&c->failed, memory_order_relaxed);
        sums[3] += atomic_load_explicit(&c->lookups, memory_order_relaxed);
        sums[4] += atomic_load_explicit(&c->batches, memory_order_relaxed);
    }
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        mc_text_key(b, names[i]);
        mc_text_number(b, sums[i]);
    }
}

void mc_desk_status(struct mc_desk *desk, const struct mc_request *request,
                    struct mc_response *response)
{
    const struct mc_hall *hall = desk->hall;
    struct mc_buf *b = &response->body;
    struct mc_buf reasons = {0};
    struct tally t = take_tally(desk, &reasons);

    (void)request;
    mc_text_raw(b, "{");
    mc_text_key(b, "version");
    mc_text_string(b, MCOS_VERSION);
    mc_text_key(b, "system");
    mc_text_string(b, hall->system);
    mc_text_key(b, "verdict");
    mc_text_string(b, !is_ready(&t) ? "failing" : t.held < t.rings ? "degraded" : "ok");
    mc_text_key(b, "reasons");
    mc_text_raw(b, "[");
    mc_buf_put(b, reasons.ptr, reasons.len);
    mc_text_raw(b, "]");
    mc_text_key(b, "started");
    mc_text_time(b, hall->started);
    mc_text_key(b, "threads");
    mc_text_number(b, hall->desk_count);
    mc_text_key(b, "rings");
    mc_text_number(b, t.rings);
    mc_text_key(b, "held");
    mc_text_number(b, t.held);
    put_counts(hall, b);
    mc_text_raw(b, "}\n");
    answer(response, 200, reasons.err);
    mc_buf_fini(&reasons);
}
