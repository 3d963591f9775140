/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/ears.c -- what is said on the channels. */
#include "adapter/redis/ears.h"

#include "adapter/redis/compare.h"
#include "adapter/redis/state.h"

#include <hiredis/hiredis.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define HEARD_PER_TURN 64u
#define CHANNELS       3u

int mc_redis_ears_init(struct mc_redis_ears *ears)
{
    *ears = (struct mc_redis_ears){.poll = epoll_create1(EPOLL_CLOEXEC)};
    return ears->poll < 0 ? MCOS_E_IO : 0;
}

void mc_redis_ears_fini(struct mc_redis_ears *ears)
{
    struct mc_roster_event event;

    mc_redis_ears_close(ears);
    while (mc_redis_ears_next(ears, &event) == 0)
        mc_blob_unref(event.letter);
    if (ears->poll >= 0)
        (void)close(ears->poll);
    ears->poll = -1;
}

void mc_redis_ears_close(struct mc_redis_ears *ears)
{
    mc_redis_link_close(ears->link); /* and so out of the epoll */
    ears->link = NULL;
}

static struct mc_bytes word(const char *text)
{
    return (struct mc_bytes){(const uint8_t *)text, strlen(text)};
}

int mc_redis_ears_open(struct redis_store *s, struct mcos_diag *diag)
{
    const struct mc_bytes channels[CHANNELS] = {
        word(MC_REDIS_CHANNEL), word(s->roster.agents), word(s->roster.talk)};
    struct epoll_event event = {.events = EPOLLIN};
    struct mc_redis_ears *ears = &s->ears;
    int err = mc_redis_link_open(&s->url, s->config.deadline_ms, &ears->link, diag);

    if (err == 0)
        err = mc_redis_link_listen(ears->link, channels, CHANNELS, diag);
    if (err == 0 &&
        epoll_ctl(ears->poll, EPOLL_CTL_ADD, mc_redis_link_fd(ears->link), &event) != 0)
        err = mcos_diag_set(diag, MCOS_E_IO, "store", "cannot wait for Redis");
    if (err != 0)
        mc_redis_ears_close(ears);
    return err;
}

static void keep(struct mc_redis_ears *ears, struct mc_roster_event event)
{
    if (ears->count == MC_REDIS_INBOX_MAX) {
        mc_blob_unref(event.letter); /* lost, as a letter may be */
        return;
    }
    ears->inbox[(ears->first + ears->count++) % MC_REDIS_INBOX_MAX] = event;
}

int mc_redis_ears_next(struct mc_redis_ears *ears, struct mc_roster_event *ret_event)
{
    if (ears->count == 0)
        return MCOS_E_EMPTY;
    *ret_event = ears->inbox[ears->first];
    ears->first = (ears->first + 1) % MC_REDIS_INBOX_MAX;
    ears->count--;
    return 0;
}

/* The ring in "mcos:ring:photos v7.91d0aa02"; false: it is about something else. */
static bool ring_of(struct mc_bytes text, struct mc_name *ret_name)
{
    size_t prefix = strlen(MC_REDIS_PREFIX);
    char name[MC_NAME_MAX + 1] = "";
    size_t n = 0;

    if (text.len < prefix || memcmp(text.ptr, MC_REDIS_PREFIX, prefix) != 0)
        return false;
    while (prefix + n < text.len && text.ptr[prefix + n] != ' ')
        n++;
    if (n > MC_NAME_MAX || memchr(text.ptr + prefix, '\0', n) != NULL)
        return false;
    memcpy(name, text.ptr + prefix, n);
    return mc_name_set(ret_name, name);
}

static bool is(const struct redisReply *reply, const char *text)
{
    return reply->type == REDIS_REPLY_STRING && (size_t)reply->len == strlen(text) &&
           memcmp(reply->str, text, strlen(text)) == 0;
}

static int take(struct redis_store *s, const struct redisReply *reply,
                struct mcos_diag *diag)
{
    struct mc_roster_event event = {.kind = MC_ROSTER_CHANGED};
    const struct redisReply *channel;
    struct mc_bytes text;
    struct mc_name name;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        !is(reply->element[0], "message") ||
        reply->element[2]->type != REDIS_REPLY_STRING)
        return 0;
    channel = reply->element[1];
    text = (struct mc_bytes){(const uint8_t *)reply->element[2]->str,
                             (size_t)reply->element[2]->len};
    if (is(channel, MC_REDIS_CHANNEL)) {
        if (ring_of(text, &name))
            return mc_redis_compare_one(s, &name, diag);
    } else if (is(channel, s->roster.agents)) {
        keep(&s->ears, event);
    } else if (is(channel, s->roster.talk) && text.len <= MC_TALK_BYTES_MAX &&
               mc_blob_new(text, &event.letter) == 0) {
        event.kind = MC_ROSTER_LETTER;
        keep(&s->ears, event);
    }
    return 0;
}

int mc_redis_ears_turn(struct redis_store *s, struct mcos_diag *diag)
{
    int err = 0;

    for (unsigned i = 0; i < HEARD_PER_TURN && err == 0 && s->ears.link != NULL; i++) {
        struct redisReply *reply = NULL;
        int heard = mc_redis_link_hear(s->ears.link, &reply);

        if (heard == MCOS_E_EMPTY)
            break;
        if (heard != 0) {
            mc_redis_ears_close(&s->ears); /* opened again at the next comparison */
            break;
        }
        err = take(s, reply, diag);
        mc_redis_reply_free(reply);
    }
    return err;
}
