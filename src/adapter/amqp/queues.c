/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/queues.c -- declaring. */
#include "adapter/amqp/queues.h"

#include "base/bytes.h"

#include <stdio.h>

#define LOOK_CHANNEL 3 /* the broker closes it when there is nothing to see */
#define ARGS_MAX     8

static const char *const common_key[2] = {"ring", "talk"}; /* by enum mc_bus_queue */

static int open_records(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        struct mc_amqp_found *ret_found);
static int send_channel(struct mc_amqp_link *link, amqp_channel_t channel);
static int send_exchange(struct mc_amqp_link *link);
static int send_declare(struct mc_amqp_link *link, const char *queue,
                        enum mc_bus_queue which, bool durable);
static int send_delete(struct mc_amqp_link *link, const char *queue);
static const char *records_queue(const struct mc_amqp_queues *queues, bool spare);
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
        (void)snprintf(queues->key[i], sizeof(queues->key[i]), "%s.%s", common_key[i],
                       cluster->s);
    }
    (void)snprintf(queues->spare, sizeof(queues->spare), "mcos.%s.%s.spare", cluster->s,
                   uid8);
}

/* A broker that is slow answers late, not less: what need not be known before the next
 * step is sent without waiting. A refusal closes the channel, and the question on it
 * that is waited for next is told so; one on another channel would miss it. */
int mc_amqp_queues_open(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        bool shared, struct mc_amqp_found *ret_found)
{
    const char *talk = queues->name[MC_QUEUE_TALK];
    struct mc_amqp_found found = {0};
    int err = send_channel(link, MC_AMQP_RECORDS_CHANNEL);

    if (err == 0)
        err = send_channel(link, MC_AMQP_TALK_CHANNEL);
    if (err == 0)
        err = open_records(link, queues, &found);
    if (err == 0)
        err = send_exchange(link);
    if (err == 0)
        err = send_declare(link, talk, MC_QUEUE_TALK, false);
    if (err == 0)
        err = mc_amqp_queues_bind(link, queues, found.spare, MC_AMQP_BINDINGS_ALL);
    if (err == 0 && shared) {
        (void)amqp_basic_qos(link->conn, MC_AMQP_RECORDS_CHANNEL, 0,
                             MC_AMQP_RECORDS_PREFETCH, 0);
        err = mc_amqp_link_asked(link, "open queues");
    } else if (err == 0) {
        err = mc_amqp_queues_take_records(link, queues, found.spare);
    }
    if (err == 0)
        err = consume(link, talk, MC_AMQP_TALK_CHANNEL, MC_AMQP_TALK_PREFETCH);
    if (err == 0)
        *ret_found = found;
    return err;
}

int mc_amqp_queues_take_records(struct mc_amqp_link *link,
                                const struct mc_amqp_queues *queues, bool spare)
{
    return consume(link, records_queue(queues, spare), MC_AMQP_RECORDS_CHANNEL,
                   MC_AMQP_RECORDS_PREFETCH);
}

static const char *records_queue(const struct mc_amqp_queues *queues, bool spare)
{
    return spare ? queues->spare : queues->name[MC_QUEUE_RECORDS];
}

/* The library's own calls would wait for the answer. */
static int send_method(struct mc_amqp_link *link, amqp_channel_t channel,
                       amqp_method_number_t id, void *method, const char *what)
{
    return mc_amqp_link_status(link, amqp_send_method(link->conn, channel, id, method),
                               what);
}

/* Its answer comes as a frame that means nothing to who reads frames. */
static int send_channel(struct mc_amqp_link *link, amqp_channel_t channel)
{
    amqp_channel_open_t m = {.out_of_band = amqp_empty_bytes};

    return send_method(link, channel, AMQP_CHANNEL_OPEN_METHOD, &m, "open channel");
}

/* What became of the question on LOOK_CHANNEL, which is closed then, this way or
 * that. *ret_there: not answered by "there is none". */
static int look_answer(struct mc_amqp_link *link, bool *ret_there)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(link->conn);
    amqp_channel_close_t close = {.reply_code = AMQP_REPLY_SUCCESS};
    amqp_channel_close_ok_t ok = {0};

    *ret_there = reply.reply_type == AMQP_RESPONSE_NORMAL;
    if (*ret_there)
        return send_method(link, LOOK_CHANNEL, AMQP_CHANNEL_CLOSE_METHOD, &close,
                           "look for queue");
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION ||
        reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD ||
        ((const amqp_channel_close_t *)reply.reply.decoded)->reply_code !=
            AMQP_NOT_FOUND)
        return mc_amqp_link_check(link, reply, "look for queue");
    return send_method(link, LOOK_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok,
                       "look for queue");
}

static int look(struct mc_amqp_link *link, const char *queue, bool *ret_there)
{
    int err = send_channel(link, LOOK_CHANNEL);

    if (err != 0)
        return err;
    (void)amqp_queue_declare(link->conn, LOOK_CHANNEL, amqp_cstring_bytes(queue), 1, 0,
                             0, 0, amqp_empty_table);
    return look_answer(link, ret_there);
}

int mc_amqp_queues_look_home(struct mc_amqp_link *link,
                             const struct mc_amqp_queues *queues, bool *ret_home)
{
    return look(link, queues->name[MC_QUEUE_RECORDS], ret_home);
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
static amqp_table_t arguments(enum mc_bus_queue which, bool durable,
                              amqp_table_entry_t args[ARGS_MAX])
{
    int n = 0;

    args[n++] = text("x-queue-type", "classic");
    args[n++] = text("x-overflow", "drop-head");
    args[n++] = (amqp_table_entry_t){
        .key = amqp_cstring_bytes("x-single-active-consumer"),
        .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value = {.boolean = 1}}};
    if (which == MC_QUEUE_RECORDS) {
        args[n++] = number("x-max-length", MC_AMQP_RECORDS_MAX);
        args[n++] = number("x-max-length-bytes", MC_AMQP_RECORDS_BYTES_MAX);
        args[n++] = number("x-message-ttl", MC_AMQP_RECORDS_TTL_MS);
        args[n++] = number("x-expires", durable ? MC_AMQP_RECORDS_EXPIRE_MS
                                                : MC_AMQP_SPARE_EXPIRE_MS);
    } else {
        args[n++] = number("x-max-length", MC_AMQP_TALK_MAX);
        args[n++] = number("x-expires", MC_AMQP_TALK_EXPIRE_MS);
    }
    return (amqp_table_t){.num_entries = n, .entries = args};
}

/* What the records are to come out of. Only a declaration tells a queue that was
 * never there from one whose node is down: to the look it is "not found" too. */
static int open_records(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        struct mc_amqp_found *ret_found)
{
    const char *own = queues->name[MC_QUEUE_RECORDS];
    amqp_table_entry_t args[ARGS_MAX];
    bool there = false, home = true;
    int err = look(link, own, &there);

    if (err == 0 && there) {
        err = send_declare(link, own, MC_QUEUE_RECORDS, true); /* as it should be? */
    } else if (err == 0) {
        err = send_channel(link, LOOK_CHANNEL);
        if (err == 0) {
            (void)amqp_queue_declare(link->conn, LOOK_CHANNEL, amqp_cstring_bytes(own),
                                     0, 1, 0, 0,
                                     arguments(MC_QUEUE_RECORDS, true, args));
            err = look_answer(link, &home);
        }
    }
    if (err == 0 && home) {
        err = send_delete(link, queues->spare);
    } else if (err == 0) {
        err = look(link, queues->spare, &there);
        if (err == 0)
            err = send_declare(link, queues->spare, MC_QUEUE_RECORDS, false);
    }
    *ret_found = (struct mc_amqp_found){.fresh = !there, .spare = !home};
    return err;
}

static int send_exchange(struct mc_amqp_link *link)
{
    amqp_exchange_declare_t m = {.exchange = amqp_cstring_bytes(MC_AMQP_EXCHANGE),
                                 .type = amqp_cstring_bytes("topic"),
                                 .durable = 1,
                                 .nowait = 1};

    return send_method(link, MC_AMQP_RECORDS_CHANNEL, AMQP_EXCHANGE_DECLARE_METHOD, &m,
                       "declare exchange");
}

static int send_declare(struct mc_amqp_link *link, const char *queue,
                        enum mc_bus_queue which, bool durable)
{
    amqp_table_entry_t args[ARGS_MAX];
    amqp_queue_declare_t m = {.queue = amqp_cstring_bytes(queue),
                              .durable = durable,
                              .nowait = 1,
                              .arguments = arguments(which, durable, args)};

    return send_method(link, MC_AMQP_RECORDS_CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &m,
                       "declare queue");
}

static int send_delete(struct mc_amqp_link *link, const char *queue)
{
    amqp_queue_delete_t m = {.queue = amqp_cstring_bytes(queue), .nowait = 1};

    return send_method(link, MC_AMQP_RECORDS_CHANNEL, AMQP_QUEUE_DELETE_METHOD, &m,
                       "delete spare queue");
}

static int send_bind(struct mc_amqp_link *link, const char *queue, const char *key)
{
    amqp_queue_bind_t m = {.queue = amqp_cstring_bytes(queue),
                           .exchange = amqp_cstring_bytes(MC_AMQP_EXCHANGE),
                           .routing_key = amqp_cstring_bytes(key),
                           .nowait = 1};

    return send_method(link, MC_AMQP_RECORDS_CHANNEL, AMQP_QUEUE_BIND_METHOD, &m,
                       "bind queue");
}

int mc_amqp_queues_bind(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        bool spare, unsigned bindings)
{
    int err = 0;

    for (unsigned i = 0; i < MC_AMQP_BINDINGS && err == 0; i++) {
        bool talk = i % 2 == MC_QUEUE_TALK;

        if ((bindings >> i & 1) != 0)
            err = send_bind(
                link, talk ? queues->name[MC_QUEUE_TALK] : records_queue(queues, spare),
                i < 2 ? common_key[i] : queues->key[i % 2]);
    }
    return err;
}

static int consume(struct mc_amqp_link *link, const char *queue, amqp_channel_t channel,
                   uint16_t prefetch)
{
    amqp_basic_qos_t m = {.prefetch_count = prefetch};
    int err = send_method(link, channel, AMQP_BASIC_QOS_METHOD, &m, "prefetch");

    if (err != 0)
        return err;
    (void)amqp_basic_consume(link->conn, channel, amqp_cstring_bytes(queue),
                             amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    return mc_amqp_link_asked(link, "open queues");
}
