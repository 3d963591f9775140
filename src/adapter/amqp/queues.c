/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/queues.c -- declaring. */
#include "adapter/amqp/queues.h"

#include "base/bytes.h"

#include <stdio.h>

#define LOOK_CHANNEL 3 /* the broker closes it when there is nothing to see */
#define ARGS_MAX     8

static int open_channel(struct mc_amqp_link *link, amqp_channel_t channel);
static int look(struct mc_amqp_link *link, const char *queue, bool *ret_there);
static int declare(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                   enum mc_bus_queue which);
static int bind(struct mc_amqp_link *link, const char *queue, const char *key);
static int consume(struct mc_amqp_link *link, const char *queue, amqp_channel_t channel,
                   uint16_t prefetch);

void mc_amqp_queues_name(struct mc_amqp_queues *queues, const struct mc_name *cluster,
                         const uint8_t uid[MC_UID_BYTES])
{
    char uid8[9];

    mc_hex(uid8, uid, 4);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(queues->name[i], sizeof(queues->name[i]), "mcos.%s.%s%s",
                       cluster->s, uid8, i == MC_QUEUE_TALK ? ".talk" : "");
        (void)snprintf(queues->key[i], sizeof(queues->key[i]), "%s.%s",
                       i == MC_QUEUE_TALK ? "talk" : "ring", cluster->s);
    }
}

int mc_amqp_queues_open(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        bool shared, bool *ret_fresh)
{
    bool there = false;
    int err = open_channel(link, LOOK_CHANNEL);

    if (err == 0)
        err = look(link, queues->name[MC_QUEUE_RECORDS], &there);
    if (err == 0)
        err = open_channel(link, MC_AMQP_RECORDS_CHANNEL);
    if (err == 0)
        err = open_channel(link, MC_AMQP_TALK_CHANNEL);
    if (err == 0) {
        (void)amqp_exchange_declare(
            link->conn, MC_AMQP_RECORDS_CHANNEL, amqp_cstring_bytes(MC_AMQP_EXCHANGE),
            amqp_cstring_bytes("topic"), 0, 1, 0, 0, amqp_empty_table);
        err = mc_amqp_link_asked(link, "declare exchange");
    }
    for (int i = 0; i < 2 && err == 0; i++)
        err = declare(link, queues, (enum mc_bus_queue)i);
    if (err == 0)
        err = mc_amqp_queues_bind(link, queues);
    if (err == 0 && !shared)
        err = mc_amqp_queues_take_records(link, queues);
    if (err == 0)
        err = consume(link, queues->name[MC_QUEUE_TALK], MC_AMQP_TALK_CHANNEL,
                      MC_AMQP_TALK_PREFETCH);
    if (err == 0)
        *ret_fresh = !there;
    return err;
}

int mc_amqp_queues_take_records(struct mc_amqp_link *link,
                                const struct mc_amqp_queues *queues)
{
    return consume(link, queues->name[MC_QUEUE_RECORDS], MC_AMQP_RECORDS_CHANNEL,
                   MC_AMQP_RECORDS_PREFETCH);
}

int mc_amqp_queues_bind(struct mc_amqp_link *link, const struct mc_amqp_queues *queues)
{
    int err = 0;

    for (int i = 0; i < 2 && err == 0; i++) {
        err = bind(link, queues->name[i], i == MC_QUEUE_TALK ? "talk" : "ring");
        if (err == 0)
            err = bind(link, queues->name[i], queues->key[i]);
    }
    return err;
}

static int open_channel(struct mc_amqp_link *link, amqp_channel_t channel)
{
    (void)amqp_channel_open(link->conn, channel);
    return mc_amqp_link_asked(link, "open channel");
}

static int look(struct mc_amqp_link *link, const char *queue, bool *ret_there)
{
    amqp_rpc_reply_t reply;
    amqp_channel_close_ok_t ok = {0};

    (void)amqp_queue_declare(link->conn, LOOK_CHANNEL, amqp_cstring_bytes(queue), 1, 0,
                             0, 0, amqp_empty_table);
    reply = amqp_get_rpc_reply(link->conn);
    *ret_there = reply.reply_type == AMQP_RESPONSE_NORMAL;
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION ||
        reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD ||
        ((const amqp_channel_close_t *)reply.reply.decoded)->reply_code !=
            AMQP_NOT_FOUND)
        return mc_amqp_link_check(link, reply, "look for queue");
    return mc_amqp_link_status(
        link,
        amqp_send_method(link->conn, LOOK_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok),
        "look for queue");
}

static amqp_table_entry_t number(const char *key, long long value)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_I64, .value = {.i64 = value}}};
}

static amqp_table_entry_t text(const char *key, const char *value)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_UTF8,
                  .value = {.bytes = amqp_cstring_bytes(value)}}};
}

/* The TTL of talk travels with each letter: delta_t is the sender's, and a queue
 * whose arguments followed it could not be declared again with another one. */
static int declare(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                   enum mc_bus_queue which)
{
    amqp_table_entry_t args[ARGS_MAX];
    bool records = which == MC_QUEUE_RECORDS;
    int n = 0;

    args[n++] = text("x-queue-type", "classic");
    args[n++] = text("x-overflow", "drop-head");
    args[n++] = (amqp_table_entry_t){
        .key = amqp_cstring_bytes("x-single-active-consumer"),
        .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value = {.boolean = 1}}};
    if (records) {
        args[n++] = number("x-max-length", MC_AMQP_RECORDS_MAX);
        args[n++] = number("x-max-length-bytes", MC_AMQP_RECORDS_BYTES_MAX);
        args[n++] = number("x-message-ttl", MC_AMQP_RECORDS_TTL_MS);
        args[n++] = number("x-expires", MC_AMQP_RECORDS_EXPIRE_MS);
    } else {
        args[n++] = number("x-max-length", MC_AMQP_TALK_MAX);
        args[n++] = number("x-expires", MC_AMQP_TALK_EXPIRE_MS);
    }
    (void)amqp_queue_declare(link->conn, MC_AMQP_RECORDS_CHANNEL,
                             amqp_cstring_bytes(queues->name[which]), 0, records, 0, 0,
                             (amqp_table_t){.num_entries = n, .entries = args});
    return mc_amqp_link_asked(link, "declare queue");
}

static int bind(struct mc_amqp_link *link, const char *queue, const char *key)
{
    (void)amqp_queue_bind(link->conn, MC_AMQP_RECORDS_CHANNEL,
                          amqp_cstring_bytes(queue),
                          amqp_cstring_bytes(MC_AMQP_EXCHANGE), amqp_cstring_bytes(key),
                          amqp_empty_table);
    return mc_amqp_link_asked(link, "bind queue");
}

static int consume(struct mc_amqp_link *link, const char *queue, amqp_channel_t channel,
                   uint16_t prefetch)
{
    int err;

    (void)amqp_basic_qos(link->conn, channel, 0, prefetch, 0);
    err = mc_amqp_link_asked(link, "prefetch");
    if (err != 0)
        return err;
    (void)amqp_basic_consume(link->conn, channel, amqp_cstring_bytes(queue),
                             amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    return mc_amqp_link_asked(link, "consume");
}
