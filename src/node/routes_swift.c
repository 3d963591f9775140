/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/routes_swift.c -- a ring as a file for Swift. Writing a large one takes a while,
 * so the worker does it; the answer follows from the record alone.
 */
#include "node/etag.h"
#include "node/routes_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exporting {
    struct mc_routes *routes;
    struct mc_later *later;
    struct mc_name name;
    struct mc_ring *ring; /* ours */
    unsigned format;
    int (*write)(void *ctx, const struct mc_ring *ring, unsigned format,
                 struct mc_buf *b, struct mcos_diag *diag);
    void *ctx;
    int err;
    struct mcos_diag diag;
    struct mc_buf file;
};

static void run(void *ctx)
{
    struct exporting *e = ctx;

    e->err = e->write(e->ctx, e->ring, e->format, &e->file, &e->diag);
}

static void done(void *ctx, bool wanted)
{
    struct exporting *e = ctx;
    struct mc_response response = {0};
    struct mc_later *later = e->later;
    struct mc_call call;

    mc_call_init(&call, e->routes, &e->name, &response);
    if (!wanted)
        e->err = mcos_diag_set(&e->diag, MCOS_E_BUSY, "", "the agent stops");
    if (e->err != 0) {
        mc_call_fail(&call, e->err, &e->diag);
    } else {
        response.status = 200;
        response.content_type = "application/gzip";
        mc_etag_format(mc_ring_head(e->ring), response.etag);
        response.body = e->file;
        e->file = (struct mc_buf){0};
    }
    mc_buf_fini(&e->file);
    mc_ring_unref(e->ring);
    free(e);
    later->answer(later, &response);
}

static int submit(struct mc_call *call, const struct mc_ring *ring, unsigned format,
                  struct mcos_diag *diag)
{
    const struct mc_routes_config *config = &call->routes->config;
    struct exporting *e = calloc(1, sizeof(*e));
    int r;

    if (e == NULL)
        return MCOS_E_NOMEM;
    *e = (struct exporting){.routes = call->routes,
                            .later = call->request->later,
                            .name = call->ring,
                            .format = format,
                            .write = config->export_swift,
                            .ctx = config->import_ctx,
                            .diag = {.offset = -1}};
    /* A reference is a count, not a change of the ring. */
    e->ring = mc_ring_ref((struct mc_ring *)(uintptr_t)ring);
    r = config->work->submit(config->work, &(struct mc_job){run, done, e, false});
    if (r != 0) {
        mc_ring_unref(e->ring);
        free(e);
        return mcos_diag_set(diag, r, "", "too many changes are being built");
    }
    e->later->keep(e->later);
    return 0;
}

static int read_format(const struct mc_call *call, unsigned *ret,
                       struct mcos_diag *diag)
{
    const char *text = mc_call_param(call, "format");

    *ret = 0;
    if (text == NULL)
        return 0;
    if (strcmp(text, "1") != 0 && strcmp(text, "2") != 0)
        return mcos_diag_set(diag, MCOS_E_VALUE, "format", "wants 1 or 2");
    *ret = (unsigned)(text[0] - '0');
    return 0;
}

/* The reader has this very record already. */
static bool is_known(struct mc_call *call, const struct mc_ring *ring)
{
    const char *known = call->request->if_none_match;

    mc_etag_format(mc_ring_head(ring), call->response->etag);
    return known != NULL && strcmp(known, call->response->etag) == 0;
}

void mc_get_swift(struct mc_call *call)
{
    const struct mc_ring *ring = mc_call_ring(call);
    struct mcos_diag diag = {.offset = -1};
    unsigned format;
    int r;

    if (ring == NULL)
        return;
    r = read_format(call, &format, &diag);
    if (r == 0 && call->routes->config.export_swift == NULL)
        r = mcos_diag_set(&diag, MCOS_E_CONFIG, "", "this agent does not export");
    if (r == 0 && mc_ring_head(ring)->tombstone)
        r = mcos_diag_set(&diag, MCOS_E_DELETED, "", "the ring was deleted");
    if (r == 0 && is_known(call, ring)) {
        call->response->status = 304;
        return;
    }
    call->response->etag[0] = '\0'; /* of a failure there is none */
    if (r == 0)
        r = submit(call, ring, format, &diag);
    if (r != 0)
        mc_call_fail(call, r, &diag);
}
