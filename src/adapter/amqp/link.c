/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/link.c -- connecting, logging in, frames, and what errors mean. */
#include "adapter/amqp/link.h"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_GAP_S  5
#define KEEPALIVE_TIMES  4
#define FRAME_BYTES      131072

static int make_socket(struct mc_amqp_link *link, bool secure,
                       const struct mc_amqp_tls *tls, amqp_socket_t **ret_socket);
static void set_tcp(int fd);
static int login(struct mc_amqp_link *link, const struct mc_amqp_url *url,
                 const char *name);

static struct timeval to_timeval(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

int mc_amqp_link_open(struct mc_amqp_link *link, const struct mc_amqp_url *url,
                      const struct mc_amqp_tls *tls, const struct mc_amqp_host *host,
                      const char *name, unsigned rpc_ms,
                      void (*opened)(void *ctx, int fd), void *ctx)
{
    struct timeval connect = to_timeval(MC_AMQP_CONNECT_MS);
    struct timeval rpc = to_timeval((int)rpc_ms);
    amqp_socket_t *socket = NULL;
    int err;

    *link = (struct mc_amqp_link){.fd = -1,
                                  .host = host,
                                  .conn = amqp_new_connection(),
                                  .look = true,
                                  .tls = url->tls};
    if (link->conn == NULL)
        return mc_amqp_link_fail(link, MCOS_E_NOMEM, "no memory for a connection");
    link->lost = true;
    err = make_socket(link, url->tls, tls, &socket);
    if (err == 0)
        err = mc_amqp_link_status(
            link, amqp_socket_open_noblock(socket, host->name, host->port, &connect),
            "connect");
    if (err != 0)
        return err;
    link->fd = amqp_get_sockfd(link->conn);
    set_tcp(link->fd);
    opened(ctx, link->fd);
    (void)amqp_set_handshake_timeout(link->conn, &rpc);
    (void)amqp_set_rpc_timeout(link->conn, &rpc);
    err = login(link, url, name);
    link->lost = err != 0;
    return err;
}

void mc_amqp_link_close(struct mc_amqp_link *link)
{
    if (link->conn == NULL)
        return;
    if (!link->lost)
        (void)amqp_connection_close(link->conn, AMQP_REPLY_SUCCESS);
    (void)amqp_destroy_connection(link->conn);
    link->conn = NULL;
    link->fd = -1;
}

static int make_socket(struct mc_amqp_link *link, bool secure,
                       const struct mc_amqp_tls *tls, amqp_socket_t **ret_socket)
{
    amqp_socket_t *socket =
        secure ? amqp_ssl_socket_new(link->conn) : amqp_tcp_socket_new(link->conn);

    if (socket == NULL)
        return mc_amqp_link_fail(link, MCOS_E_NOMEM, "no memory for a socket");
    *ret_socket = socket;
    if (!secure)
        return 0;
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    (void)amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    if (amqp_ssl_socket_set_cacert(socket, tls->ca) != AMQP_STATUS_OK)
        return mc_amqp_link_fail(link, MCOS_E_CONFIG, "bus_ca cannot be read");
    if (tls->cert[0] != '\0' &&
        amqp_ssl_socket_set_key(socket, tls->cert, tls->key) != AMQP_STATUS_OK)
        return mc_amqp_link_fail(link, MCOS_E_CONFIG,
                                 "bus_cert or bus_key cannot be read, or they are not "
                                 "of one pair");
    return 0;
}

/* A peer that is gone without a word is noticed by whichever is the first of the
 * heartbeat, the keepalive and the time to acknowledge. */
static void set_tcp(int fd)
{
    const unsigned user_ms = MC_AMQP_TCP_MS;
    const int on = 1, idle = KEEPALIVE_IDLE_S, gap = KEEPALIVE_GAP_S,
              times = KEEPALIVE_TIMES;

    /* Each is a help and no more: a kernel that lacks it is served too. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &gap, sizeof(gap));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof(user_ms));
}

static amqp_table_entry_t yes(const char *key)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value = {.boolean = 1}}};
}

/* librabbitmq by itself does not say that it understands these. */
static int login(struct mc_amqp_link *link, const struct mc_amqp_url *url,
                 const char *name)
{
    amqp_table_entry_t can[] = {yes("connection.blocked"),
                                yes("consumer_cancel_notify"),
                                yes("publisher_confirms"), yes("basic.nack")};
    amqp_table_entry_t properties[] = {
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE,
                   .value = {.table = {.num_entries = 4, .entries = can}}}},
        {.key = amqp_cstring_bytes("connection_name"),
         .value = {.kind = AMQP_FIELD_KIND_UTF8,
                   .value = {.bytes = amqp_cstring_bytes(name)}}}};
    const amqp_table_t table = {.num_entries = 2, .entries = properties};
    int heartbeat_s = url->heartbeat_s != 0 ? url->heartbeat_s : MC_AMQP_HEARTBEAT_S;

    /* By certificate nothing needs to be said, it was shown already; but the library
     * cannot send an empty word, and the broker does not look at it. */
    return mc_amqp_link_check(
        link,
        url->external
            ? amqp_login_with_properties(link->conn, url->vhost, MC_AMQP_CHANNELS_MAX,
                                         FRAME_BYTES, heartbeat_s, &table,
                                         AMQP_SASL_METHOD_EXTERNAL, "mcosd")
            : amqp_login_with_properties(link->conn, url->vhost, MC_AMQP_CHANNELS_MAX,
                                         FRAME_BYTES, heartbeat_s, &table,
                                         AMQP_SASL_METHOD_PLAIN, url->user,
                                         url->password),
        "log in");
}

/* ---- what errors mean ---- */

int mc_amqp_link_fail(struct mc_amqp_link *link, int err, const char *text)
{
    size_t n;

    (void)snprintf(link->text, sizeof(link->text), "%.80s:%u: %s",
                   link->host == NULL ? "" : link->host->name,
                   link->host == NULL ? 0u : (unsigned)link->host->port, text);
    n = strlen(link->text);
    for (size_t i = 0; i < n; i++) { /* one line, whatever the broker said */
        if ((unsigned char)link->text[i] < ' ' || link->text[i] == '"')
            link->text[i] = '\'';
    }
    link->lost = true;
    return err;
}

static int from_broker(struct mc_amqp_link *link, unsigned code, amqp_bytes_t said,
                       const char *what)
{
    char text[MC_AMQP_LINK_TEXT];
    int err = MCOS_E_AWAY;

    link->code = code;
    switch (code) {
    case AMQP_ACCESS_REFUSED:
    case AMQP_RESOURCE_LOCKED:
    case AMQP_PRECONDITION_FAILED:
    case AMQP_NOT_ALLOWED:
    case AMQP_NOT_IMPLEMENTED:
        err = MCOS_E_CONFIG;
        break;
    case AMQP_NOT_FOUND:
        err = MCOS_E_NOTFOUND;
        break;
    default:
        break;
    }
    (void)snprintf(text, sizeof(text), "%s: %u %.*s", what, code,
                   (int)(said.len < sizeof(text) ? said.len : sizeof(text)),
                   said.len == 0 ? "" : (const char *)said.bytes);
    return mc_amqp_link_fail(link, err, text);
}

static int from_method(struct mc_amqp_link *link, const amqp_method_t *method,
                       const char *what)
{
    if (method->id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *m = method->decoded;
        amqp_connection_close_ok_t ok = {0};

        (void)amqp_send_method(link->conn, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
        return from_broker(link, m->reply_code, m->reply_text, what);
    }
    if (method->id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *m = method->decoded;

        return from_broker(link, m->reply_code, m->reply_text, what);
    }
    return mc_amqp_link_fail(link, MCOS_E_AWAY, what);
}

int mc_amqp_link_status(struct mc_amqp_link *link, int status, const char *what)
{
    char text[MC_AMQP_LINK_TEXT];
    int err = MCOS_E_AWAY;

    if (status == AMQP_STATUS_OK)
        return 0;
    link->slow = status == AMQP_STATUS_TIMEOUT && link->fd >= 0;
    if (status == AMQP_STATUS_NO_MEMORY)
        err = MCOS_E_NOMEM;
    if (status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
        status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED)
        err = MCOS_E_CONFIG;
    (void)snprintf(text, sizeof(text), "%s: %s", what, amqp_error_string2(status));
    return mc_amqp_link_fail(link, err, text);
}

int mc_amqp_link_check(struct mc_amqp_link *link, amqp_rpc_reply_t reply,
                       const char *what)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return 0;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return mc_amqp_link_status(link, reply.library_error, what);
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        return from_method(link, &reply.reply, what);
    case AMQP_RESPONSE_NONE:
        break;
    }
    return mc_amqp_link_fail(link, MCOS_E_AWAY, what);
}

int mc_amqp_link_asked(struct mc_amqp_link *link, const char *what)
{
    return mc_amqp_link_check(link, amqp_get_rpc_reply(link->conn), what);
}

/* ---- frames ---- */

static bool has_more(const struct mc_amqp_link *link)
{
    return amqp_data_in_buffer(link->conn) || amqp_frames_enqueued(link->conn);
}

/* Once the library's own buffer is empty it asks the socket, twice: what there is to
 * know poll has told, or will tell. */
int mc_amqp_link_frame(struct mc_amqp_link *link, amqp_frame_t *ret_frame)
{
    struct timeval now = {0};
    int status;

    if (!has_more(link)) {
        if (!link->look)
            return MCOS_E_EMPTY;
        link->look = link->tls;
    }
    amqp_maybe_release_buffers(link->conn);
    status = amqp_simple_wait_frame_noblock(link->conn, ret_frame, &now);
    if (status == AMQP_STATUS_TIMEOUT)
        return MCOS_E_EMPTY;
    if (status != AMQP_STATUS_OK)
        return mc_amqp_link_status(link, status, "connection lost");
    if (ret_frame->frame_type == AMQP_FRAME_METHOD &&
        (ret_frame->payload.method.id == AMQP_CONNECTION_CLOSE_METHOD ||
         ret_frame->payload.method.id == AMQP_CHANNEL_CLOSE_METHOD))
        return from_method(link, &ret_frame->payload.method, "closed by the broker");
    return 0;
}

bool mc_amqp_link_wait(struct mc_amqp_link *link, int wake_fd, int ms)
{
    struct pollfd fds[2] = {{.fd = wake_fd, .events = POLLIN},
                            {.fd = link->fd, .events = POLLIN}};

    if (has_more(link))
        ms = 0;
    (void)poll(fds, 2, ms); /* interrupted or not, the caller looks at everything */
    link->look = true;
    return fds[0].revents != 0;
}
