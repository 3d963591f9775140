/* SPDX-License-Identifier: Apache-2.0 */
/* service/desk.c -- which request is which, and those that wait for a ring. */
#include "service/desk.h"

#include "service/desk_in.h"
#include "service/text.h"
#include "service/wire.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED_BYTES_MAX (64u << 10) /* read of a body that is not wanted */
#define RETRY_S           1u
#define RING_PREFIX       "/v1/rings/"

/* A request that waits for its ring to be looked for. */
struct waiting {
    struct mc_book_waiter waiter; /* first */
    struct waiting *next;         /* in the desk's inbox */
    struct mc_desk *desk;
    struct mc_later *later;
    struct mc_request request;
    int err;
    struct mcos_diag diag;
    char texts[]; /* of the request */
};

void mc_desk_fail(struct mc_response *response, int code, const struct mcos_diag *diag)
{
    struct mc_buf *b = &response->body;
    const bool told = diag != NULL && diag->text[0] != '\0';

    mc_buf_clear(b);
    response->status = mcos_err_http(code);
    response->content_type = "application/problem+json";
    response->etag[0] = '\0';
    if (response->status == 503)
        response->retry_after_s = RETRY_S;
    mc_text_raw(b, "{\"type\": \"/problems/");
    mc_text_raw(b, mcos_err_slug(code));
    mc_text_raw(b, "\"");
    mc_text_key(b, "title");
    mc_text_string(b, mcos_err_text(code));
    mc_text_key(b, "status");
    mc_text_number(b, (uint64_t)response->status);
    mc_text_key(b, "code");
    mc_text_string(b, mcos_err_slug(code));
    mc_text_key(b, "detail");
    mc_text_foreign(b, told ? diag->text : mcos_err_text(code));
    if (told && diag->field[0] != '\0') {
        mc_text_key(b, "field");
        mc_text_foreign(b, diag->field);
    }
    if (told && diag->line > 0) {
        mc_text_key(b, "line");
        mc_text_number(b, (uint64_t)diag->line);
    }
    if (told && diag->offset >= 0) {
        mc_text_key(b, "offset");
        mc_text_number(b, (uint64_t)diag->offset);
    }
    mc_text_raw(b, "}\n");
}

/* ---- routes ---- */

typedef void answer_ring(struct mc_desk *desk, const struct mc_book_ring *ring,
                         const struct mc_request *request,
                         struct mc_response *response);
typedef void answer_any(struct mc_desk *desk, const struct mc_request *request,
                        struct mc_response *response);

static const struct {
    const char *path;
    answer_any *get;
} routes[] = {
    {"/livez", mc_desk_livez},         {"/healthz", mc_desk_livez},
    {"/readyz", mc_desk_readyz},       {"/v1/status", mc_desk_status},
    {"/v1/rings", mc_desk_list_rings},
};

struct ring_route {
    const char *path; /* after the name */
    answer_ring *get;
    answer_ring *post;
    const char *allow;
};

static const struct ring_route ring_routes[] = {
    {"", mc_desk_show_ring, NULL, "GET"},
    {"/lookup", mc_desk_look_up, mc_desk_look_up_many, "GET, POST"},
};

/* NULL: no such path. *ret_name is the text between; not looked at. */
static const struct ring_route *find_ring_route(const char *path,
                                                struct mc_bytes *ret_name)
{
    const char *name = path + strlen(RING_PREFIX);
    size_t len;

    if (strncmp(path, RING_PREFIX, strlen(RING_PREFIX)) != 0)
        return NULL;
    len = strcspn(name, "/");
    for (size_t i = 0; i < sizeof(ring_routes) / sizeof(ring_routes[0]); i++) {
        if (strcmp(ring_routes[i].path, name + len) == 0) {
            *ret_name = (struct mc_bytes){(const uint8_t *)name, len};
            return &ring_routes[i];
        }
    }
    return NULL;
}

static size_t body_max(struct mc_handler *handler, const char *method, const char *path)
{
    struct mc_bytes name;
    const struct ring_route *route = find_ring_route(path, &name);

    (void)handler;
    if (route != NULL && route->post != NULL && strcmp(method, "POST") == 0)
        return MC_WIRE_QUESTION_MAX;
    return strcmp(method, "GET") == 0 ? 0 : REFUSED_BYTES_MAX;
}

bool mc_desk_take_no_params(const struct mc_request *request,
                            struct mc_response *response)
{
    struct mcos_diag diag = {.offset = -1};

    if (request->query_count == 0)
        return true;
    mc_desk_fail(
        response,
        mcos_diag_set(&diag, MCOS_E_FIELD, request->query[0].name, "unknown parameter"),
        &diag);
    return false;
}

const struct mcos_view *mc_desk_hold(const struct mc_book_ring *ring,
                                     struct mc_response *response)
{
    const struct mcos_view *view = mcos_ring_hold(ring->ring);
    struct mcos_diag diag = {.offset = -1};
    int err;

    if (view != NULL)
        return view;
    err = mcos_ring_wait(ring->ring, 0, &diag);
    mc_desk_fail(response, err == 0 ? MCOS_E_NOTREADY : err, &diag);
    return NULL;
}

static void answer_method(struct mc_response *response, const char *allow)
{
    response->allow = allow;
    mc_desk_fail(response, MCOS_E_METHOD, NULL);
}

/* ---- a ring that is not followed yet ---- */

static void told(struct mc_book_waiter *waiter, int err, const struct mcos_diag *diag)
{
    struct waiting *w = (struct waiting *)waiter;
    struct mc_desk *desk = w->desk;

    w->err = err;
    if (diag != NULL)
        w->diag = *diag;
    (void)pthread_mutex_lock(&desk->lock);
    w->next = desk->inbox;
    desk->inbox = w;
    (void)pthread_mutex_unlock(&desk->lock);
    desk->wake(desk->wake_ctx);
}

/* Copies n bytes and a NUL to *at, and moves it on. */
static char *copy(char **at, const char *from, size_t n)
{
    char *to = *at;

    memcpy(to, from, n);
    to[n] = '\0';
    *at += n + 1;
    return to;
}

static size_t texts_bytes(const struct mc_request *q)
{
    size_t bytes = strlen(q->path) + 1;

    if (q->content_type != NULL)
        bytes += strlen(q->content_type) + 1;
    for (size_t i = 0; i < q->query_count; i++)
        bytes += strlen(q->query[i].name) + 1 + q->query[i].len + 1;
    return bytes;
}

/* The request, on its own: what it was made of is gone after the call. */
static struct waiting *waiting_new(struct mc_desk *desk, const struct mc_request *q)
{
    struct waiting *w = calloc(1, sizeof(*w) + texts_bytes(q));
    char *at;

    if (w == NULL)
        return NULL;
    at = w->texts;
    w->waiter.told = told;
    w->desk = desk;
    w->later = q->later;
    w->request.method = strcmp(q->method, "POST") == 0 ? "POST" : "GET";
    w->request.path = copy(&at, q->path, strlen(q->path));
    if (q->content_type != NULL)
        w->request.content_type = copy(&at, q->content_type, strlen(q->content_type));
    w->request.query_count = q->query_count;
    for (size_t i = 0; i < q->query_count; i++) {
        const struct mc_param *p = &q->query[i];

        w->request.query[i].name = copy(&at, p->name, strlen(p->name));
        w->request.query[i].value = copy(&at, p->value, p->len);
        w->request.query[i].len = p->len;
    }
    if (q->blob != NULL) {
        w->request.blob = mc_blob_ref(q->blob);
        w->request.body = mc_blob_get(q->blob);
    }
    return w;
}

static void waiting_free(struct waiting *w)
{
    mc_blob_unref(w->request.blob);
    free(w);
}

static void wait_for_ring(struct mc_desk *desk, const struct mc_name *name,
                          const struct mc_request *request,
                          struct mc_response *response)
{
    struct waiting *w = waiting_new(desk, request);
    int err = w == NULL ? MCOS_E_NOMEM : 0;

    if (err == 0) {
        w->waiter.name = *name;
        err = mc_book_ask(desk->hall->book, &w->waiter);
    }
    if (err != 0) {
        if (w != NULL)
            waiting_free(w);
        mc_desk_fail(response, err, NULL);
        return;
    }
    request->later->keep(request->later);
}

/* ---- requests ---- */

static void call_ring(struct mc_desk *desk, const struct ring_route *route,
                      const struct mc_book_ring *ring, const struct mc_request *request,
                      struct mc_response *response)
{
    if (strcmp(request->method, "POST") == 0)
        route->post(desk, ring, request, response);
    else
        route->get(desk, ring, request, response);
}

static void handle_ring(struct mc_desk *desk, const struct mc_request *request,
                        struct mc_response *response)
{
    struct mcos_diag diag = {.offset = -1};
    char text[MC_NAME_MAX + 2] = "";
    struct mc_bytes part;
    const struct ring_route *route = find_ring_route(request->path, &part);
    const struct mc_book_ring *ring;
    struct mc_name name;

    if (route == NULL) {
        mc_desk_fail(response, MCOS_E_NOTFOUND, NULL);
        return;
    }
    if (strcmp(request->method, "GET") != 0 &&
        (route->post == NULL || strcmp(request->method, "POST") != 0)) {
        answer_method(response, route->allow);
        return;
    }
    memcpy(text, part.ptr, part.len < sizeof(text) ? part.len : sizeof(text) - 1);
    if (!mc_name_set(&name, text)) {
        mc_desk_fail(
            response,
            mcos_diag_set(&diag, MCOS_E_NAME, "ring", "not a name: \"%.70s\"", text),
            &diag);
        return;
    }
    ring = mc_book_find(desk->hall->book, name.s);
    if (ring != NULL)
        call_ring(desk, route, ring, request, response);
    else
        wait_for_ring(desk, &name, request, response);
}

static void count_answer(struct mc_desk *desk, const struct mc_response *response)
{
    mc_desk_count(&desk->counts.requests, 1);
    if (response->status >= 500)
        mc_desk_count(&desk->counts.failed, 1);
    else if (response->status >= 400)
        mc_desk_count(&desk->counts.refused, 1);
}

static void handle(struct mc_handler *handler, const struct mc_request *request,
                   struct mc_response *response)
{
    struct mc_desk *desk = (struct mc_desk *)handler;
    size_t i = 0;

    while (i < sizeof(routes) / sizeof(routes[0]) &&
           strcmp(routes[i].path, request->path) != 0)
        i++;
    if (i == sizeof(routes) / sizeof(routes[0]))
        handle_ring(desk, request, response);
    else if (strcmp(request->method, "GET") != 0)
        answer_method(response, "GET");
    else if (mc_desk_take_no_params(request, response))
        routes[i].get(desk, request, response);
    if (response->status != 0) /* else it was kept */
        count_answer(desk, response);
}

static void answer_waiting(struct mc_desk *desk, struct waiting *w)
{
    struct mc_response response = {0};
    struct mc_bytes part;
    const struct ring_route *route = find_ring_route(w->request.path, &part);
    const struct mc_book_ring *ring = mc_book_find(desk->hall->book, w->waiter.name.s);

    if (ring != NULL)
        call_ring(desk, route, ring, &w->request, &response);
    else
        mc_desk_fail(&response, w->err, &w->diag);
    count_answer(desk, &response);
    w->later->answer(w->later, &response);
    waiting_free(w);
}

void mc_desk_turn(struct mc_desk *desk)
{
    struct waiting *inbox;

    (void)pthread_mutex_lock(&desk->lock);
    inbox = desk->inbox;
    desk->inbox = NULL;
    (void)pthread_mutex_unlock(&desk->lock);
    while (inbox != NULL) {
        struct waiting *next = inbox->next;

        answer_waiting(desk, inbox);
        inbox = next;
    }
}

/* ---- new and free ---- */

struct mc_handler *mc_desk_handler(struct mc_desk *desk)
{
    return &desk->handler;
}

int mc_desk_new(struct mc_hall *hall, void (*wake)(void *ctx), void *ctx,
                struct mc_desk **ret_desk)
{
    struct mc_desk *desk;

    if (hall->desk_count == MC_DESKS_MAX)
        return MCOS_E_BUSY;
    desk = calloc(1, sizeof(*desk));
    if (desk == NULL)
        return MCOS_E_NOMEM;
    desk->handler = (struct mc_handler){body_max, handle};
    desk->hall = hall;
    desk->wake = wake;
    desk->wake_ctx = ctx;
    (void)pthread_mutex_init(&desk->lock, NULL);
    hall->desks[hall->desk_count++] = desk;
    *ret_desk = desk;
    return 0;
}

void mc_desk_free(struct mc_desk *desk)
{
    if (desk == NULL)
        return;
    (void)pthread_mutex_destroy(&desk->lock);
    free(desk);
}
