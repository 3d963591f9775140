/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From publish to the last of N plain consumers: what an agent is measured against.
 *
 *     bench-fanout rabbit HOST:PORT FILE.ring N FOLDER
 *     bench-fanout redis SOCKET FILE.ring N FOLDER
 *
 * One process for each consumer, as there is one for each agent: nothing is shared
 * that agents on many machines could not share. RabbitMQ: a durable classic queue
 * each, persistent messages, confirms, prefetch 4, acknowledged when done. Each
 * message is the packed record that an agent would send, and a consumer
 *
 *     bare     has received it
 *     write    has SHA-256 of it and has written it durably: aside, fsync, rename,
 *              fsync of the folder
 *     unpack   has unpacked it first, SHA-256 of each section of the record
 *
 * With Redis it is bare only: PUBLISH, nothing is kept or confirmed. Each line of
 * standard input names a way and makes one round; its answer is a line of JSON:
 * milliseconds until the last consumer was done and until the broker confirmed, and
 * the CPU of all consumers together.
 */
#include "adapter/file/mapping.h"
#include "node/pack.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#define CONSUMERS_MAX 256
#define FRAME_BYTES   131072
#define PREFETCH      4
#define PATIENCE_NS   60000000000u
#define EXCHANGE      "bench.fanout"
#define CHANNEL       1

enum way { BARE, WRITE, UNPACK, WAY_COUNT };

static const char *const way_name[] = {"bare", "write", "unpack"};

struct board {
    volatile uint64_t ready;
    volatile uint64_t done; /* consumers that are, this round */
    volatile enum way way;
    volatile unsigned round;
    volatile uint64_t at_ns[CONSUMERS_MAX];
    volatile uint64_t cpu_ns[CONSUMERS_MAX];
};

static struct board *board;

static uint64_t read_ns(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void need(bool well, const char *what)
{
    if (well)
        return;
    perror(what);
    exit(1);
}

/* ---- what a consumer does with a message ---- */

static void write_durably(int folder, unsigned round, struct mc_bytes bytes)
{
    char name[32], aside[40];
    size_t done = 0;
    int fd;

    (void)snprintf(name, sizeof(name), "%u.ring", round);
    (void)snprintf(aside, sizeof(aside), ".new.%s", name);
    fd = openat(folder, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    need(fd >= 0, aside);
    while (done < bytes.len) {
        ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);

        need(n > 0, "write");
        done += (size_t)n;
    }
    need(fsync(fd) == 0 && close(fd) == 0, "fsync");
    need(renameat(folder, aside, folder, name) == 0, "rename");
    need(fsync(folder) == 0, "fsync of the folder");
}

/* The record, its sections' digests compared. The memory is yours. */
static struct mc_bytes unpack(struct mc_bytes message)
{
    struct mc_wire_record wire;
    struct mc_head head;
    uint8_t sum[MC_SHA256_BYTES];
    uint8_t *all;

    need(mc_wire_record_decode(message, &wire) == 0, "the message");
    need(mc_head_decode(wire.head, &head, NULL) == 0, "the head");
    all = malloc((size_t)head.record_bytes);
    need(all != NULL, "memory");
    memcpy(all, wire.head.ptr, wire.head.len);
    need(ZSTD_decompress(all + wire.head.len, wire.rest_bytes, wire.packed.ptr,
                         wire.packed.len) == wire.rest_bytes,
         "unpacking");
    for (unsigned s = 0; s < MC_SECTION_COUNT; s++) {
        const struct mc_section_info *info = &head.section[s];

        mc_sha256(sum, (struct mc_bytes){all + info->offset, (size_t)info->bytes});
        need(memcmp(sum, info->sha256, sizeof(sum)) == 0, "a digest");
    }
    return (struct mc_bytes){all, (size_t)head.record_bytes};
}

static void take(int folder, unsigned number, struct mc_bytes message)
{
    uint8_t sum[MC_SHA256_BYTES];
    struct mc_bytes record;

    switch (board->way) {
    case WRITE:
        mc_sha256(sum, message);
        write_durably(folder, board->round, message);
        break;
    case UNPACK:
        record = unpack(message);
        write_durably(folder, board->round, record);
        free((void *)(uintptr_t)record.ptr);
        break;
    default:
        break;
    }
    board->at_ns[number] = read_ns(CLOCK_MONOTONIC);
    board->cpu_ns[number] = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    (void)__atomic_add_fetch(&board->done, 1, __ATOMIC_SEQ_CST);
}

/* ---- RabbitMQ ---- */

static void need_answer(amqp_connection_state_t conn, const char *what)
{
    if (amqp_get_rpc_reply(conn).reply_type == AMQP_RESPONSE_NORMAL)
        return;
    (void)fprintf(stderr, "RabbitMQ: %s\n", what);
    exit(1);
}

static amqp_connection_state_t rabbit_open(const char *address)
{
    amqp_connection_state_t conn = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(conn);
    const char *colon = strrchr(address, ':');
    char host[64] = "";

    need(colon != NULL && (size_t)(colon - address) < sizeof(host), address);
    memcpy(host, address, (size_t)(colon - address));
    need(amqp_socket_open(socket, host, (int)strtol(colon + 1, NULL, 10)) == 0,
         "connect");
    need(amqp_login(conn, "/", 0, FRAME_BYTES, 0, AMQP_SASL_METHOD_PLAIN, "guest",
                    "guest")
                 .reply_type == AMQP_RESPONSE_NORMAL,
         "log in");
    (void)amqp_channel_open(conn, CHANNEL);
    need_answer(conn, "channel");
    (void)amqp_exchange_declare(conn, CHANNEL, amqp_cstring_bytes(EXCHANGE),
                                amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                                amqp_empty_table);
    need_answer(conn, "exchange");
    return conn;
}

static void rabbit_consume(const char *address, int folder, unsigned number)
{
    amqp_connection_state_t conn = rabbit_open(address);
    amqp_bytes_t queue;
    char name[32];

    (void)snprintf(name, sizeof(name), "bench.fanout.%u", number);
    queue = amqp_cstring_bytes(name);
    (void)amqp_queue_declare(conn, CHANNEL, queue, 0, 1, 0, 0, amqp_empty_table);
    need_answer(conn, "queue");
    (void)amqp_queue_bind(conn, CHANNEL, queue, amqp_cstring_bytes(EXCHANGE),
                          amqp_cstring_bytes("ring"), amqp_empty_table);
    need_answer(conn, "binding");
    (void)amqp_basic_qos(conn, CHANNEL, 0, PREFETCH, 0);
    need_answer(conn, "prefetch");
    (void)amqp_basic_consume(conn, CHANNEL, queue, amqp_empty_bytes, 0, 0, 0,
                             amqp_empty_table);
    need_answer(conn, "consume");
    (void)__atomic_add_fetch(&board->ready, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        amqp_envelope_t envelope;

        amqp_maybe_release_buffers(conn);
        need(amqp_consume_message(conn, &envelope, NULL, 0).reply_type ==
                 AMQP_RESPONSE_NORMAL,
             "a delivery");
        take(folder, number,
             (struct mc_bytes){envelope.message.body.bytes, envelope.message.body.len});
        need(amqp_basic_ack(conn, CHANNEL, envelope.delivery_tag, 0) == 0,
             "acknowledge");
        amqp_destroy_envelope(&envelope);
    }
}

/* Returns when the broker has confirmed it. */
static void rabbit_publish(void *ctx, struct mc_bytes message)
{
    amqp_connection_state_t conn = ctx;
    const amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                                .delivery_mode =
                                                    AMQP_DELIVERY_PERSISTENT};
    amqp_frame_t frame;

    need(amqp_basic_publish(
             conn, CHANNEL, amqp_cstring_bytes(EXCHANGE), amqp_cstring_bytes("ring"), 1,
             0, &properties,
             (amqp_bytes_t){message.len, (void *)(uintptr_t)message.ptr}) == 0,
         "publish");
    need(amqp_simple_wait_frame(conn, &frame) == 0 &&
             frame.frame_type == AMQP_FRAME_METHOD &&
             frame.payload.method.id == AMQP_BASIC_ACK_METHOD,
         "confirmation");
    amqp_maybe_release_buffers(conn);
}

static void *rabbit_publisher(const char *address)
{
    amqp_connection_state_t conn = rabbit_open(address);

    (void)amqp_confirm_select(conn, CHANNEL);
    need_answer(conn, "confirms");
    return conn;
}

static void rabbit_end(void *ctx, unsigned count)
{
    amqp_connection_state_t conn = ctx;
    char name[32];

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "bench.fanout.%u", i);
        (void)amqp_queue_delete(conn, CHANNEL, amqp_cstring_bytes(name), 0, 0);
    }
    (void)amqp_connection_close(conn, AMQP_REPLY_SUCCESS);
    (void)amqp_destroy_connection(conn);
}

/* ---- Redis ---- */

static redisContext *redis_open(const char *path)
{
    redisContext *redis = redisConnectUnix(path);

    need(redis != NULL && redis->err == 0, path);
    return redis;
}

static void redis_consume(const char *path, int folder, unsigned number)
{
    redisContext *redis = redis_open(path);
    redisReply *reply = redisCommand(redis, "SUBSCRIBE ring");

    need(reply != NULL && reply->type == REDIS_REPLY_ARRAY, "SUBSCRIBE");
    freeReplyObject(reply);
    (void)__atomic_add_fetch(&board->ready, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        void *got = NULL;

        need(redisGetReply(redis, &got) == REDIS_OK, "a message");
        reply = got;
        need(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3, "a message");
        take(folder, number,
             (struct mc_bytes){(const uint8_t *)reply->element[2]->str,
                               reply->element[2]->len});
        freeReplyObject(reply);
    }
}

static void redis_publish(void *ctx, struct mc_bytes message)
{
    redisReply *reply = redisCommand(ctx, "PUBLISH ring %b", message.ptr, message.len);

    need(reply != NULL && reply->type == REDIS_REPLY_INTEGER, "PUBLISH");
    freeReplyObject(reply);
}

static void *redis_publisher(const char *path)
{
    return redis_open(path);
}

static void redis_end(void *ctx, unsigned count)
{
    (void)count;
    redisFree(ctx);
}

struct engine {
    const char *name;
    unsigned ways;
    void (*consume)(const char *address, int folder, unsigned number);
    void *(*publisher)(const char *address);
    void (*publish)(void *ctx, struct mc_bytes message);
    void (*end)(void *ctx, unsigned count);
};

static const struct engine engines[] = {
    {"rabbit", WAY_COUNT, rabbit_consume, rabbit_publisher, rabbit_publish, rabbit_end},
    {"redis", 1, redis_consume, redis_publisher, redis_publish, redis_end},
};

/* ---- rounds ---- */

static int make_folder(const char *parent, unsigned number)
{
    char path[4096];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%u", parent, number);
    need(mkdir(path, 0750) == 0, path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(fd >= 0, path);
    return fd;
}

static uint64_t sum_cpu(unsigned count)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += board->cpu_ns[i];
    return sum;
}

/* One line of JSON. */
static void one_round(const struct engine *engine, void *ctx, unsigned count,
                      struct mc_bytes message)
{
    uint64_t cpu = sum_cpu(count), last = 0, start, confirm;

    board->done = 0;
    start = read_ns(CLOCK_MONOTONIC);
    engine->publish(ctx, message);
    confirm = read_ns(CLOCK_MONOTONIC) - start;
    while (__atomic_load_n(&board->done, __ATOMIC_SEQ_CST) < count) {
        need(read_ns(CLOCK_MONOTONIC) - start < PATIENCE_NS, "not all were done");
        (void)usleep(200);
    }
    for (unsigned i = 0; i < count; i++)
        last = board->at_ns[i] > last ? board->at_ns[i] : last;
    printf("{\"bytes\": %zu, \"last\": %.3f, \"confirm\": %.3f, \"cpu\": %.3f}\n",
           message.len, (double)(last - start) / 1e6, (double)confirm / 1e6,
           (double)(sum_cpu(count) - cpu) / 1e6);
}

static void run(const struct engine *engine, const char *address,
                struct mc_bytes message, unsigned count, const char *folder)
{
    pid_t child[CONSUMERS_MAX];
    char line[16];
    void *ctx;

    for (unsigned i = 0; i < count; i++) {
        child[i] = fork();
        need(child[i] >= 0, "fork");
        if (child[i] == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            engine->consume(address, make_folder(folder, i), i);
        }
    }
    ctx = engine->publisher(address);
    while (__atomic_load_n(&board->ready, __ATOMIC_SEQ_CST) < count) {
        need(waitpid(-1, NULL, WNOHANG) == 0, "a consumer ended");
        (void)usleep(1000);
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        board->way = BARE;
        while (board->way < engine->ways && strcmp(way_name[board->way], line) != 0)
            board->way++;
        need(board->way < engine->ways, line);
        board->round++;
        one_round(engine, ctx, count, message);
        (void)fflush(stdout);
    }
    for (unsigned i = 0; i < count; i++) {
        (void)kill(child[i], SIGKILL);
        (void)waitpid(child[i], NULL, 0);
    }
    engine->end(ctx, count);
}

static void load(const char *path, struct mc_buf *ret_message)
{
    struct mc_ring *ring = NULL;

    need(mc_mapping_ring(AT_FDCWD, path, NULL, &ring, NULL, NULL) == 0, path);
    need(mc_pack(ring, ret_message) == 0, "packing");
    mc_ring_unref(ring);
}

int main(int argc, char **argv)
{
    struct mc_buf message = {0};
    unsigned long count;

    if (argc != 6)
        return 2;
    count = strtoul(argv[4], NULL, 10);
    if (count < 1 || count > CONSUMERS_MAX)
        return 2;
    load(argv[3], &message);
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(board != MAP_FAILED, "memory");
    for (size_t i = 0; i < sizeof(engines) / sizeof(*engines); i++) {
        if (strcmp(engines[i].name, argv[1]) == 0) {
            run(&engines[i], argv[2], (struct mc_bytes){message.ptr, message.len},
                (unsigned)count, argv[5]);
            mc_buf_fini(&message);
            return 0;
        }
    }
    return 2;
}
