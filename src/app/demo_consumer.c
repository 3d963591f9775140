/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_consumer.c -- a plain consumer of the queue. */
#include "app/demo_consumer.h"

#include "app/api.h"
#include "app/cli.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL 1
#define OPEN_S  5
#define FRAME   131072
#define READ_MS 100u

struct mc_consumer {
    amqp_connection_state_t conn;
};

static bool well(const struct mc_consumer *c)
{
    return amqp_get_rpc_reply(c->conn).reply_type == AMQP_RESPONSE_NORMAL;
}

static bool log_in(struct mc_consumer *c, unsigned port)
{
    struct timeval patience = {.tv_sec = OPEN_S};
    amqp_socket_t *socket = amqp_tcp_socket_new(c->conn);

    return socket != NULL &&
           amqp_socket_open_noblock(socket, "127.0.0.1", (int)port, &patience) ==
               AMQP_STATUS_OK &&
           amqp_set_rpc_timeout(c->conn, &patience) == AMQP_STATUS_OK &&
           amqp_login(c->conn, "/", 0, FRAME, 0, AMQP_SASL_METHOD_PLAIN, "guest",
                      "guest")
                   .reply_type == AMQP_RESPONSE_NORMAL;
}

/* A queue that the broker names, and takes away when we go. */
static bool bind_queue(struct mc_consumer *c)
{
    amqp_queue_declare_ok_t *made;
    amqp_bytes_t queue;
    bool ok;

    (void)amqp_channel_open(c->conn, CHANNEL);
    if (!well(c))
        return false;
    made = amqp_queue_declare(c->conn, CHANNEL, amqp_empty_bytes, 0, 0, 1, 1,
                              amqp_empty_table);
    if (made == NULL)
        return false;
    queue = amqp_bytes_malloc_dup(made->queue);
    (void)amqp_queue_bind(c->conn, CHANNEL, queue, amqp_cstring_bytes("mcos"),
                          amqp_cstring_bytes("ring"), amqp_empty_table);
    ok = queue.bytes != NULL && well(c);
    if (ok) {
        (void)amqp_basic_consume(c->conn, CHANNEL, queue, amqp_empty_bytes, 0, 1, 1,
                                 amqp_empty_table);
        ok = well(c);
    }
    amqp_bytes_free(queue);
    return ok;
}

int mc_consumer_open(unsigned port, struct mc_consumer **ret_consumer,
                     struct mcos_diag *diag)
{
    struct mc_consumer *c = calloc(1, sizeof(*c));

    if (c != NULL)
        c->conn = amqp_new_connection();
    if (c == NULL || c->conn == NULL) {
        free(c);
        return MCOS_E_NOMEM;
    }
    if (log_in(c, port) && bind_queue(c)) {
        *ret_consumer = c;
        return 0;
    }
    mc_consumer_close(c);
    return mcos_diag_set(diag, MCOS_E_AWAY, "",
                         "the broker at 127.0.0.1:%u does not take a consumer", port);
}

void mc_consumer_close(struct mc_consumer *consumer)
{
    if (consumer == NULL)
        return;
    (void)amqp_connection_close(consumer->conn, AMQP_REPLY_SUCCESS);
    (void)amqp_destroy_connection(consumer->conn);
    free(consumer);
}

static bool is(amqp_bytes_t key, const char *name)
{
    return key.len == strlen(name) && memcmp(key.bytes, name, key.len) == 0;
}

static void read_headers(const amqp_basic_properties_t *p, struct mc_consumed *ret)
{
    for (int i = 0;
         (p->_flags & AMQP_BASIC_HEADERS_FLAG) != 0 && i < p->headers.num_entries;
         i++) {
        const amqp_table_entry_t *e = &p->headers.entries[i];
        const amqp_field_value_t *v = &e->value;

        if (is(e->key, "ring_name") && v->kind == AMQP_FIELD_KIND_UTF8)
            (void)snprintf(ret->ring_name, sizeof(ret->ring_name), "%.*s",
                           (int)v->value.bytes.len, (const char *)v->value.bytes.bytes);
        else if (is(e->key, "version") && v->kind == AMQP_FIELD_KIND_I64)
            ret->version = v->value.i64;
        else if (is(e->key, "timestamp") && v->kind == AMQP_FIELD_KIND_I64)
            ret->timestamp = v->value.i64;
    }
}

bool mc_consumer_next(struct mc_consumer *consumer, uint32_t within_ms,
                      struct mc_consumed *ret)
{
    uint64_t until = mc_api_now_ms() + within_ms;

    while (mc_cli_signal == 0 && mc_api_now_ms() < until) {
        struct timeval patience = {.tv_usec = READ_MS * 1000};
        amqp_envelope_t envelope;
        amqp_rpc_reply_t reply;

        amqp_maybe_release_buffers(consumer->conn);
        reply = amqp_consume_message(consumer->conn, &envelope, &patience, 0);
        if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
            *ret = (struct mc_consumed){
                .version = -1, .timestamp = -1, .bytes = envelope.message.body.len};
            read_headers(&envelope.message.properties, ret);
            amqp_destroy_envelope(&envelope);
            return true;
        }
        if (reply.reply_type != AMQP_RESPONSE_LIBRARY_EXCEPTION ||
            reply.library_error != AMQP_STATUS_TIMEOUT)
            return false;
    }
    return false;
}
