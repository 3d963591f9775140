/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/link.c -- hiredis with a deadline for each call, not each read. */
#include "adapter/redis/link.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BYTES_PER_MS 16384u

struct mc_redis_link {
    redisContext *context;
    unsigned deadline_ms;
    size_t unsent; /* bytes of commands not sent yet */
};

static uint64_t now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static struct timeval interval(uint64_t us)
{
    return (struct timeval){.tv_sec = (time_t)(us / 1000000),
                            .tv_usec = (suseconds_t)(us % 1000000)};
}

static int away(const struct mc_redis_link *link, struct mcos_diag *diag)
{
    const char *why = link->context == NULL ? "" : link->context->errstr;

    return mcos_diag_set(diag, MCOS_E_AWAY, "store", "Redis does not answer%s%.160s",
                         why[0] == '\0' ? "" : ": ", why);
}

/* What is left of the deadline becomes the timeout of the next read or write. */
static bool arm(struct mc_redis_link *link, uint64_t until)
{
    uint64_t now = now_us();

    return now < until &&
           redisSetTimeout(link->context, interval(until - now)) == REDIS_OK;
}

static int code_of(const char *text)
{
    static const struct {
        const char *word;
        int err;
    } codes[] = {{"LOADING", MCOS_E_BUSY},     {"BUSY", MCOS_E_BUSY},
                 {"MASTERDOWN", MCOS_E_BUSY},  {"READONLY", MCOS_E_IO},
                 {"MISCONF", MCOS_E_IO},       {"NOREPLICAS", MCOS_E_IO},
                 {"OOM", MCOS_E_FULL},         {"NOAUTH", MCOS_E_CONFIG},
                 {"WRONGPASS", MCOS_E_CONFIG}, {"NOPERM", MCOS_E_CONFIG},
                 {"NORING", MCOS_E_NOTFOUND},  {"CORRUPT", MCOS_E_FORMAT},
                 {"WRONGTYPE", MCOS_E_TYPE},   {"UPGRADE", MCOS_E_UPGRADE},
                 {"ARG", MCOS_E_VALUE},        {"NOMEM", MCOS_E_NOMEM},
                 {"STALE", MCOS_E_STALE},      {"ERR unknown", MCOS_E_METHOD}};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        size_t len = strlen(codes[i].word);

        if (strncmp(text, codes[i].word, len) == 0 && text[len] == ' ')
            return codes[i].err;
    }
    return MCOS_E_IO;
}

int mc_redis_link_send(struct mc_redis_link *link, const struct mc_bytes *args,
                       size_t arg_count, struct mcos_diag *diag)
{
    const char *ptrs[MC_REDIS_ARGS_MAX];
    size_t lens[MC_REDIS_ARGS_MAX];

    if (arg_count > MC_REDIS_ARGS_MAX)
        return mcos_diag_set(diag, MCOS_E_VALUE, "store", "too many words");
    for (size_t i = 0; i < arg_count; i++) {
        ptrs[i] = (const char *)args[i].ptr;
        lens[i] = args[i].len;
        link->unsent += args[i].len;
    }
    if (redisAppendCommandArgv(link->context, (int)arg_count, ptrs, lens) != REDIS_OK)
        return away(link, diag);
    return 0;
}

int mc_redis_link_receive(struct mc_redis_link *link, size_t answer_bytes,
                          struct redisReply **ret_reply, struct mcos_diag *diag)
{
    uint64_t ms = link->deadline_ms + (link->unsent + answer_bytes) / BYTES_PER_MS;
    uint64_t until = now_us() + ms * 1000;
    void *got = NULL;
    redisReply *reply;
    int done = 0;
    int err;

    while (!done) {
        if (!arm(link, until) || redisBufferWrite(link->context, &done) != REDIS_OK)
            return away(link, diag);
    }
    link->unsent = 0;
    if (redisGetReplyFromReader(link->context, &got) != REDIS_OK)
        return away(link, diag);
    while (got == NULL) {
        if (!arm(link, until) || redisBufferRead(link->context) != REDIS_OK ||
            redisGetReplyFromReader(link->context, &got) != REDIS_OK)
            return away(link, diag);
    }
    reply = got;
    if (reply->type != REDIS_REPLY_ERROR) {
        *ret_reply = reply;
        return 0;
    }
    err =
        mcos_diag_set(diag, code_of(reply->str), "store", "Redis: %.200s", reply->str);
    freeReplyObject(reply);
    return err;
}

int mc_redis_link_call(struct mc_redis_link *link, const struct mc_bytes *args,
                       size_t arg_count, size_t answer_bytes,
                       struct redisReply **ret_reply, struct mcos_diag *diag)
{
    int err = mc_redis_link_send(link, args, arg_count, diag);

    return err != 0 ? err : mc_redis_link_receive(link, answer_bytes, ret_reply, diag);
}

static struct mc_bytes word(const char *text)
{
    return (struct mc_bytes){(const uint8_t *)text, strlen(text)};
}

static int login(struct mc_redis_link *link, const struct mc_redis_url *url,
                 struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    struct mc_bytes args[3];
    char db[16];
    size_t n = 0;
    int err = 0;

    if (url->password[0] != '\0') {
        args[n++] = word("AUTH");
        if (url->user[0] != '\0')
            args[n++] = word(url->user);
        args[n++] = word(url->password);
        err = mc_redis_link_call(link, args, n, 0, &reply, diag);
        mc_redis_reply_free(reply);
        reply = NULL;
    }
    if (err == 0 && url->db != 0) {
        (void)snprintf(db, sizeof(db), "%d", url->db);
        args[0] = word("SELECT");
        args[1] = word(db);
        err = mc_redis_link_call(link, args, 2, 0, &reply, diag);
        mc_redis_reply_free(reply);
    }
    return err;
}

int mc_redis_link_open(const struct mc_redis_url *url, unsigned deadline_ms,
                       struct mc_redis_link **ret_link, struct mcos_diag *diag)
{
    struct timeval timeout = interval((uint64_t)deadline_ms * 1000);
    struct mc_redis_link *link = calloc(1, sizeof(*link));
    int on = 1;
    int err = 0;

    if (link == NULL)
        return MCOS_E_NOMEM;
    link->deadline_ms = deadline_ms;
    if (url->path[0] != '\0')
        link->context = redisConnectUnixWithTimeout(url->path, timeout);
    else
        link->context = redisConnectWithTimeout(url->host, url->port, timeout);
    if (link->context == NULL)
        err = MCOS_E_NOMEM;
    else if (link->context->err != 0)
        err = away(link, diag);
    if (err == 0 && url->path[0] == '\0')
        (void)setsockopt(link->context->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (err == 0)
        err = login(link, url, diag);
    if (err != 0)
        mc_redis_link_close(link);
    else
        *ret_link = link;
    return err;
}

int mc_redis_link_listen(struct mc_redis_link *link, const struct mc_bytes *channels,
                         size_t count, struct mcos_diag *diag)
{
    struct mc_bytes args[MC_REDIS_ARGS_MAX] = {word("SUBSCRIBE")};
    int flags = fcntl(link->context->fd, F_GETFL);
    int err;

    for (size_t i = 0; i < count; i++)
        args[i + 1] = channels[i];
    err = mc_redis_link_send(link, args, count + 1, diag);
    for (size_t i = 0; err == 0 && i < count; i++) { /* an answer for each */
        struct redisReply *reply = NULL;

        err = mc_redis_link_receive(link, 0, &reply, diag);
        mc_redis_reply_free(reply);
    }
    if (err == 0 &&
        (flags < 0 || fcntl(link->context->fd, F_SETFL, flags | O_NONBLOCK) != 0))
        err = away(link, diag);
    if (err == 0)
        link->context->flags &= ~REDIS_BLOCK;
    return err;
}

int mc_redis_link_hear(struct mc_redis_link *link, struct redisReply **ret_reply)
{
    void *got = NULL;

    if (redisGetReplyFromReader(link->context, &got) != REDIS_OK)
        return MCOS_E_AWAY;
    if (got == NULL && (redisBufferRead(link->context) != REDIS_OK ||
                        redisGetReplyFromReader(link->context, &got) != REDIS_OK))
        return MCOS_E_AWAY;
    *ret_reply = got;
    return got == NULL ? MCOS_E_EMPTY : 0;
}

int mc_redis_link_fd(const struct mc_redis_link *link)
{
    return link->context->fd;
}

void mc_redis_link_close(struct mc_redis_link *link)
{
    if (link == NULL)
        return;
    if (link->context != NULL)
        redisFree(link->context);
    free(link);
}

void mc_redis_reply_free(struct redisReply *reply)
{
    if (reply != NULL)
        freeReplyObject(reply);
}
