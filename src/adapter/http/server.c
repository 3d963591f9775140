/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/http/server.c -- one libmicrohttpd daemon for each listener, each with an
 * epoll descriptor that the owner's loop watches. */
#include "adapter/http/server.h"

#include "adapter/http/exchange.h"
#include "adapter/http/listen.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* libmicrohttpd's own limit is never met: a few connections that were cut are still
 * its own for a moment. */
#define CONNECTIONS_SLACK 64u
#define LOOK_MS           250u /* whether those that wait for an answer are still there */
/* Between two looks at all deadlines, at least: there may be thousands. */
#define DUE_MS    50u
#define TURNS_MAX 32u /* of one gate, before the next one's */

enum stage {
    STAGE_HEAD,   /* a request line and its headers are awaited */
    STAGE_BODY,   /* the rest of the request */
    STAGE_ANSWER, /* the answer is being made or sent */
    STAGE_CUT,    /* nothing more: libmicrohttpd will see the end of the stream */
};

/* An open connection. */
struct visitor {
    struct visitor *next;
    struct visitor **link; /* what points here */
    struct mc_http_server *server;
    int fd;
    enum stage stage;
    struct mc_exchange *asleep; /* its answer is given later; NULL: it is not */
    bool kept;                  /* it had an answer */
    uint64_t since_ms; /* opened, or the answer before was sent; ANSWER: asked */
};

struct gate {
    struct mc_http_server *server;
    struct mc_listen listen;
    struct MHD_Daemon *daemon;
    struct mc_exchange_home home;
    int epoll_fd;
};

struct mc_http_server {
    struct gate gates[MC_HTTP_LISTEN_MAX];
    size_t gate_count;
    struct visitor *visitors;
    size_t visitor_count; /* but for those that are cut */
    size_t connections_max;
    unsigned kept_s;
    unsigned least_s; /* the least that anybody has */
    size_t busy;
    struct mc_exchange *sleepers;
    size_t bodies;
    bool woken;         /* an answer was given, which run() has to send */
    uint64_t looked_ms; /* after those that sleep */
    bool stopping;
    uint64_t
        due_ms; /* no deadline is before; most move on unseen, and are looked at then */
};

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

/* When this connection has waited too long; UINT64_MAX: that is not for us to say. */
static uint64_t deadline_of(const struct visitor *v)
{
    switch (v->stage) {
    case STAGE_HEAD:
        return v->since_ms + 1000u * (v->kept ? v->server->kept_s : MC_HTTP_HEAD_S);
    case STAGE_BODY:
        return v->since_ms + 1000u * MC_HTTP_REQUEST_S;
    case STAGE_ANSWER:
    case STAGE_CUT:
        break;
    }
    return UINT64_MAX;
}

/* ---- what libmicrohttpd calls ---- */

/* It would say a line to stderr for every client that goes away. */
static void __attribute__((format(printf, 2, 0)))
stay_silent(void *cls, const char *fmt, va_list args)
{
    (void)cls;
    (void)fmt;
    (void)args;
}

/* libmicrohttpd sees the end of the stream, and closes. */
static void cut(struct visitor *v)
{
    (void)shutdown(v->fd, SHUT_RDWR);
    v->stage = STAGE_CUT;
    v->server->visitor_count--;
}

/* Who has to go for a newcomer; NULL: nobody may. */
static struct visitor *find_idlest(const struct mc_http_server *server)
{
    struct visitor *found = NULL;

    for (struct visitor *v = server->visitors; v != NULL; v = v->next) {
        if (v->stage == STAGE_CUT || v->asleep != NULL)
            continue;
        if (found == NULL ||
            (v->stage != STAGE_ANSWER) > (found->stage != STAGE_ANSWER) ||
            ((v->stage != STAGE_ANSWER) == (found->stage != STAGE_ANSWER) &&
             v->since_ms <= found->since_ms))
            found = v;
    }
    return found;
}

static void leave(struct visitor *v)
{
    if (v == NULL)
        return;
    if (v->stage != STAGE_CUT)
        v->server->visitor_count--;
    *v->link = v->next;
    if (v->next != NULL)
        v->next->link = v->link;
    free(v);
}

static void enter(struct mc_http_server *server, struct visitor *v, int fd)
{
    struct visitor *idlest =
        server->visitor_count < server->connections_max ? NULL : find_idlest(server);

    if (idlest != NULL)
        cut(idlest);
    *v = (struct visitor){.next = server->visitors,
                          .link = &server->visitors,
                          .server = server,
                          .fd = fd,
                          .since_ms = now_ms()};
    if (v->next != NULL)
        v->next->link = &v->next;
    server->visitors = v;
    server->visitor_count++;
    if (v->since_ms + 1000u * server->least_s < server->due_ms)
        server->due_ms = v->since_ms + 1000u * server->least_s;
    if (server->visitor_count > server->connections_max) {
        mc_exchange_refuse_unread(fd, MCOS_E_BUSY,
                                  "all connections wait for an answer already");
        cut(v);
    }
}

static void on_visit(void *cls, struct MHD_Connection *c, void **context,
                     enum MHD_ConnectionNotificationCode what)
{
    struct gate *gate = cls;
    const union MHD_ConnectionInfo *info;
    struct visitor *v;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        leave(*context);
        return;
    }
    info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    v = calloc(1, sizeof(*v));
    if (v == NULL || info == NULL) {
        free(v); /* served all the same, by libmicrohttpd's timeout alone */
        return;
    }
    enter(gate->server, v, info->connect_fd);
    *context = v;
}

static void set_stage(struct MHD_Connection *c, enum stage stage,
                      struct mc_exchange *asleep)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct visitor *v = info == NULL ? NULL : info->socket_context;

    if (v == NULL)
        return;
    v->kept = v->kept || stage == STAGE_HEAD;
    v->asleep = asleep;
    if (v->stage == STAGE_CUT)
        return;
    if (v->stage != stage && stage != STAGE_BODY)
        v->since_ms = now_ms();
    v->stage = stage;
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *c)
{
    struct gate *gate = cls;

    (void)c;
    return mc_exchange_new(&gate->home, target);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version,
                                  const char *data, size_t *size, void **con_cls)
{
    enum MHD_Result r;

    (void)cls;
    (void)url;
    (void)version;
    if (*con_cls == NULL)
        return MHD_NO; /* no memory for it */
    r = mc_exchange_go_on(*con_cls, c, method, data, size);
    if (mc_exchange_asleep(*con_cls))
        set_stage(c, STAGE_ANSWER, *con_cls);
    else
        set_stage(c, mc_exchange_answered(*con_cls) ? STAGE_ANSWER : STAGE_BODY, NULL);
    return r;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)why;
    set_stage(c, STAGE_HEAD, NULL);
    mc_exchange_free(*con_cls);
    *con_cls = NULL;
}

/* ---- open ---- */

static int start_daemon(struct gate *gate, struct mcos_diag *diag)
{
    const union MHD_DaemonInfo *info;

    gate->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_request, gate, MHD_OPTION_EXTERNAL_LOGGER, stay_silent, NULL,
        MHD_OPTION_LISTEN_SOCKET, gate->listen.fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(gate->server->connections_max + CONNECTIONS_SLACK),
        MHD_OPTION_CONNECTION_TIMEOUT, MC_HTTP_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MC_HTTP_HEAD_BYTES_MAX,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, gate, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, gate, MHD_OPTION_NOTIFY_CONNECTION, on_visit, gate,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (gate->daemon == NULL)
        return mcos_diag_set(diag, MCOS_E_IO, "http",
                             "%s: libmicrohttpd does not start", gate->listen.address);
    gate->listen.fd = -1; /* the daemon's now */
    info = MHD_get_daemon_info(gate->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL)
        return mcos_diag_set(diag, MCOS_E_IO, "http", "libmicrohttpd has no epoll");
    gate->epoll_fd = info->epoll_fd;
    return 0;
}

/* The i-th socket of another server, under a descriptor of our own; it removes the
 * unix socket's file. */
static int share_listen(const struct mc_http_server *other, size_t i,
                        struct mc_listen *ret, struct mcos_diag *diag)
{
    const struct gate *gate = &other->gates[i];
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(gate->daemon, MHD_DAEMON_INFO_LISTEN_FD);

    *ret = gate->listen;
    ret->local = false;
    ret->fd = info == NULL ? -1 : fcntl(info->listen_fd, F_DUPFD_CLOEXEC, 0);
    if (ret->fd < 0)
        return mcos_diag_set(diag, MCOS_E_IO, "http", "%s: no descriptor for a thread",
                             ret->address);
    return 0;
}

static int open_gate(struct mc_http_server *server, const struct mc_http_config *config,
                     size_t i, struct mc_handler *handler, struct mcos_diag *diag)
{
    struct gate *gate = &server->gates[i];
    int r;

    gate->listen.fd = -1;
    gate->server = server;
    if (config->beside != NULL)
        r = share_listen(config->beside, i, &gate->listen, diag);
    else
        r = mc_listen_open(config->listen[i], &gate->listen, diag);
    if (r != 0)
        return r;
    gate->home = (struct mc_exchange_home){
        .handler = handler,
        .local = config->beside == NULL ? gate->listen.local
                                        : config->beside->gates[i].home.local,
        .any_bytes = config->any_bytes,
        .bodies_max = config->bodies_max == 0 ? MC_HTTP_BODIES_MAX : config->bodies_max,
        .stopping = &server->stopping,
        .busy = &server->busy,
        .bodies = &server->bodies,
        .sleepers = &server->sleepers,
        .woken = &server->woken};
    return start_daemon(gate, diag);
}

int mc_http_server_open(const struct mc_http_config *config, struct mc_handler *handler,
                        struct mc_http_server **ret_server, struct mcos_diag *diag)
{
    const size_t count =
        config->beside == NULL ? config->listen_count : config->beside->gate_count;
    struct mc_http_server *server;
    int r = 0;

    if (count == 0 || count > MC_HTTP_LISTEN_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "http", "wants 1 to %u addresses",
                             MC_HTTP_LISTEN_MAX);
    server = calloc(1, sizeof(*server));
    if (server == NULL)
        return MCOS_E_NOMEM;
    server->due_ms = UINT64_MAX;
    server->kept_s = config->kept_s == 0 ? MC_HTTP_KEPT_S : config->kept_s;
    server->least_s = server->kept_s < MC_HTTP_HEAD_S ? server->kept_s : MC_HTTP_HEAD_S;
    server->connections_max = config->connections_max == 0 ? MC_HTTP_CONNECTIONS_MAX
                                                           : config->connections_max;
    for (size_t i = 0; i < count && r == 0; i++) {
        server->gate_count = i + 1;
        r = open_gate(server, config, i, handler, diag);
    }
    if (r != 0) {
        mc_http_server_close(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

/* ---- run ---- */

size_t mc_http_server_fds(const struct mc_http_server *server, int *fds, size_t cap)
{
    for (size_t i = 0; i < server->gate_count && i < cap; i++)
        fds[i] = server->gates[i].epoll_fd;
    return server->gate_count;
}

/* libmicrohttpd does not watch who sleeps. */
static void look_for_deserters(struct mc_http_server *server, uint64_t now)
{
    if (server->sleepers == NULL || now - server->looked_ms < LOOK_MS)
        return;
    server->looked_ms = now;
    for (struct visitor *v = server->visitors; v != NULL; v = v->next) {
        struct pollfd fd = {.fd = v->fd, .events = POLLRDHUP};

        if (v->asleep != NULL && poll(&fd, 1, 0) > 0)
            mc_exchange_desert(v->asleep);
    }
}

/* A large body comes in many small reads: one after another, as long as there is more,
 * without asking the other gates and the clock between them. */
static void run_gate(struct gate *gate)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    unsigned turns = 0;

    do
        (void)MHD_run(gate->daemon);
    while (++turns < TURNS_MAX && MHD_get_timeout(gate->daemon, &ms) == MHD_YES &&
           ms == 0);
}

void mc_http_server_run(struct mc_http_server *server)
{
    uint64_t now;

    server->woken = false;
    for (size_t i = 0; i < server->gate_count; i++)
        run_gate(&server->gates[i]);
    now = now_ms();
    look_for_deserters(server, now);
    if (now < server->due_ms)
        return;
    /* A deadline that begins until then ends after it. */
    server->due_ms =
        server->visitors == NULL ? UINT64_MAX : now + 1000u * server->least_s;
    for (struct visitor *v = server->visitors; v != NULL; v = v->next) {
        uint64_t due = deadline_of(v);

        if (due <= now)
            cut(v);
        else if (due < server->due_ms)
            server->due_ms = due;
    }
    if (server->due_ms < now + DUE_MS)
        server->due_ms = now + DUE_MS;
}

uint64_t mc_http_server_timeout_ms(const struct mc_http_server *server)
{
    uint64_t least = server->woken ? 0 : UINT64_MAX;
    uint64_t due = UINT64_MAX;
    uint64_t now;

    for (size_t i = 0; i < server->gate_count; i++) {
        MHD_UNSIGNED_LONG_LONG ms = 0;

        if (MHD_get_timeout(server->gates[i].daemon, &ms) == MHD_YES && ms < least)
            least = ms;
    }
    if (server->sleepers != NULL)
        due = server->looked_ms + LOOK_MS;
    if (server->due_ms < due)
        due = server->due_ms;
    if (due == UINT64_MAX)
        return least;
    now = now_ms();
    due = due > now ? due - now : 0;
    return due < least ? due : least;
}

const char *mc_http_server_address(const struct mc_http_server *server, size_t i)
{
    return i < server->gate_count ? server->gates[i].listen.address : "";
}

/* ---- stop ---- */

void mc_http_server_stop(struct mc_http_server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    for (size_t i = 0; i < server->gate_count; i++) {
        struct gate *gate = &server->gates[i];

        mc_listen_remove(&gate->listen);
        gate->listen.fd = MHD_quiesce_daemon(gate->daemon);
        if (gate->listen.fd >= 0)
            (void)close(gate->listen.fd);
        gate->listen.fd = -1;
    }
}

size_t mc_http_server_busy(const struct mc_http_server *server)
{
    return server->busy;
}

void mc_http_server_close(struct mc_http_server *server)
{
    if (server == NULL)
        return;
    mc_exchange_wake_all(server->sleepers);
    for (size_t i = 0; i < server->gate_count; i++) {
        struct gate *gate = &server->gates[i];

        mc_listen_remove(&gate->listen);
        if (gate->daemon != NULL)
            MHD_stop_daemon(gate->daemon);
        if (gate->listen.fd >= 0)
            (void)close(gate->listen.fd);
    }
    free(server);
}
