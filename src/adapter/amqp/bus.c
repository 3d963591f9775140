/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/bus.c -- the port's five verbs over the desk; lines for people. */
#include "adapter/amqp/bus.h"

#include "adapter/amqp/side.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_MS (MC_AMQP_DRAIN_MS + 1000) /* then calls that hang are ended */
#define COUNT_MS 60000u                    /* between lines about one kind of letter */

/* What the log knows already. */
struct said {
    char trouble[MC_AMQP_TEXT_MAX];
    bool blocked;
    bool spare;
    uint64_t unheard, unheard_ms;
    uint64_t dropped, dropped_ms;
};

struct bus {
    struct mc_bus base;
    struct mc_amqp_setup setup;
    struct mc_amqp_desk desk;
    struct mc_amqp_side sides[2];
    struct mc_log *log;
    struct said said;
};

static int bus_publish(struct mc_bus *base, const struct mc_letter_head *head,
                       struct mc_bytes body, uint64_t token);
static int bus_next(struct mc_bus *base, struct mc_bus_event *ret_event,
                    uint64_t *ret_wait_ms);
static void bus_ack(struct mc_bus *base, uint64_t delivery);
static size_t bus_record_max(struct mc_bus *base);
static void bus_yield(struct mc_bus *base);
static int bus_fd(struct mc_bus *base);
static void bus_close(struct mc_bus *base);
static int fill_setup(struct mc_amqp_setup *setup,
                      const struct mc_amqp_bus_config *config, struct mcos_diag *diag);
static void say_news(struct bus *b, bool up);

static const struct mc_bus_ops ops = {.publish = bus_publish,
                                      .next = bus_next,
                                      .ack = bus_ack,
                                      .record_max = bus_record_max,
                                      .yield = bus_yield,
                                      .fd = bus_fd,
                                      .close = bus_close};

int mc_amqp_bus_open(const struct mc_amqp_bus_config *config, struct mc_bus **ret_bus,
                     struct mcos_diag *diag)
{
    struct bus *b = calloc(1, sizeof(*b));
    int err;

    if (b == NULL)
        return MCOS_E_NOMEM;
    err = fill_setup(&b->setup, config, diag);
    if (err != 0) {
        free(b);
        return err;
    }
    b->base.ops = &ops;
    b->log = config->log;
    err = mc_amqp_desk_init(&b->desk, config->clock, config->talk_ttl_ms);
    b->desk.body_max = b->setup.url.body_max;
    for (int i = 0; i < 2; i++)
        b->sides[i] = (struct mc_amqp_side){.name = (enum mc_amqp_side_name)i,
                                            .setup = &b->setup,
                                            .desk = &b->desk,
                                            .serve = i == MC_AMQP_PUBLISHER
                                                         ? mc_amqp_publisher_serve
                                                         : mc_amqp_consumer_serve};
    for (uint64_t i = 0; i < 2 && err == 0; i++)
        err = mc_amqp_side_start(&b->sides[i], config->seed + i);
    if (err != 0) {
        bus_close(&b->base);
        return err;
    }
    *ret_bus = &b->base;
    return 0;
}

static int copy(char dst[MC_AMQP_PATH_MAX], const char *src, struct mcos_diag *diag)
{
    if (strlen(src) >= MC_AMQP_PATH_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "bus", "a path is too long");
    (void)snprintf(dst, MC_AMQP_PATH_MAX, "%s", src);
    if (src[0] != '\0' && access(src, R_OK) != 0)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "bus", "%.200s cannot be read", src);
    return 0;
}

static int fill_setup(struct mc_amqp_setup *setup,
                      const struct mc_amqp_bus_config *config, struct mcos_diag *diag)
{
    int err = mc_amqp_url_parse(config->url, &setup->url, diag);

    if (err == 0)
        err = copy(setup->ca, config->ca, diag);
    if (err == 0)
        err = copy(setup->cert, config->cert, diag);
    if (err == 0)
        err = copy(setup->key, config->key, diag);
    if (err != 0)
        return err;
    if (setup->url.tls && setup->ca[0] == '\0')
        return mcos_diag_set(diag, MCOS_E_CONFIG, "bus_ca",
                             "amqps:// needs bus_ca: whose brokers are to be trusted");
    if (setup->url.external && setup->cert[0] == '\0')
        return mcos_diag_set(diag, MCOS_E_CONFIG, "bus_cert",
                             "auth=external needs bus_cert and bus_key: who we are");
    if ((setup->cert[0] == '\0') != (setup->key[0] == '\0'))
        return mcos_diag_set(diag, MCOS_E_CONFIG, "bus_cert",
                             "bus_cert and bus_key are given together");
    if (!mc_name_ok(config->cluster.s) || config->talk_ttl_ms == 0)
        return MCOS_E_VALUE;
    setup->cluster = config->cluster;
    memcpy(setup->uid, config->uid, MC_UID_BYTES);
    setup->talk_ttl_ms = config->talk_ttl_ms;
    setup->shared = config->shared;
    setup->url.heartbeat_s = config->shared ? MC_AMQP_SHARED_HEARTBEAT_S : 0;
    mc_amqp_queues_name(&setup->queues, &config->cluster, config->uid);
    return 0;
}

static int bus_publish(struct mc_bus *base, const struct mc_letter_head *head,
                       struct mc_bytes body, uint64_t token)
{
    return mc_amqp_desk_put(&((struct bus *)base)->desk, head, body, token);
}

static int bus_next(struct mc_bus *base, struct mc_bus_event *ret_event,
                    uint64_t *ret_wait_ms)
{
    struct bus *b = (struct bus *)base;
    struct mc_bus_event event = {0};
    int err = mc_amqp_desk_next(&b->desk, &event, ret_wait_ms);

    if (b->log != NULL && (err != 0 || event.kind <= MC_BUS_DOWN))
        say_news(b, err == 0 && event.kind == MC_BUS_UP);
    if (err == 0)
        *ret_event = event;
    return err;
}

static void bus_ack(struct mc_bus *base, uint64_t delivery)
{
    mc_amqp_desk_ack(&((struct bus *)base)->desk, delivery);
}

static size_t bus_record_max(struct mc_bus *base)
{
    return mc_amqp_desk_body_max(&((struct bus *)base)->desk);
}

static void bus_yield(struct mc_bus *base)
{
    mc_amqp_desk_yield(&((struct bus *)base)->desk);
}

static int bus_fd(struct mc_bus *base)
{
    return ((struct bus *)base)->desk.agent_fd;
}

/* ---- close ---- */

/* Until both sides have ended, or CLOSE_MS. The lock is held. */
static void wait_for_sides(struct mc_amqp_desk *desk)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CLOSE_MS / 1000;
    while (rc == 0 && (desk->running[0] || desk->running[1]))
        rc = pthread_cond_timedwait(&desk->ended, &desk->lock, &until);
}

static void bus_close(struct mc_bus *base)
{
    struct bus *b = (struct bus *)base;
    struct mc_amqp_desk *desk = &b->desk;
    bool ran[2];

    (void)pthread_mutex_lock(&desk->lock);
    desk->stopping = true;
    desk->stop_ms = desk->clock->now_ms(desk->clock) + MC_AMQP_DRAIN_MS;
    for (int i = 0; i < 2; i++) {
        ran[i] = b->sides[i].thread != 0;
        mc_amqp_ring(desk->side_fd[i]);
    }
    wait_for_sides(desk);
    for (int i = 0; i < 2; i++)
        if (desk->running[i] && desk->socket[i] >= 0)
            (void)shutdown(desk->socket[i], SHUT_RDWR);
    (void)pthread_mutex_unlock(&desk->lock);
    for (int i = 0; i < 2; i++)
        if (ran[i])
            (void)pthread_join(b->sides[i].thread, NULL);
    mc_amqp_desk_fini(desk);
    free(b);
}

/* ---- lines for people: on change, not per attempt ---- */

static void say(struct bus *b, enum mc_log_level level, const char *text)
{
    b->log->line(b->log, level, text);
}

static void say_count(struct bus *b, uint64_t count, uint64_t *said, uint64_t *said_ms,
                      const char *event, const char *advice)
{
    uint64_t now = b->desk.clock->now_ms(b->desk.clock);
    char text[256];

    if (count == *said || (*said != 0 && now - *said_ms < COUNT_MS))
        return;
    (void)snprintf(text, sizeof(text), "event=%s count=%" PRIu64 " do=\"%s\"", event,
                   count, advice);
    *said = count;
    *said_ms = now;
    say(b, MC_LOG_WARN, text);
}

static void say_news(struct bus *b, bool up)
{
    struct mc_amqp_news news;
    char text[MC_AMQP_TEXT_MAX + 128];

    mc_amqp_desk_news(&b->desk, &news);
    if (up) {
        b->said.trouble[0] = '\0';
    } else if (news.away && strcmp(news.trouble, b->said.trouble) != 0) {
        (void)snprintf(b->said.trouble, sizeof(b->said.trouble), "%s", news.trouble);
        (void)snprintf(
            text, sizeof(text), "event=bus-trouble msg=\"%s\" do=\"%s\"", news.trouble,
            news.err == MCOS_E_CONFIG
                ? "see the address, the permissions, and what was declared otherwise"
                : "see that the broker is up and reachable");
        say(b, news.err == MCOS_E_CONFIG ? MC_LOG_ERROR : MC_LOG_WARN, text);
    }
    if (news.blocked != b->said.blocked) {
        b->said.blocked = news.blocked;
        if (news.blocked)
            say(b, MC_LOG_WARN,
                "event=bus-blocked msg=\"the broker has no room and takes no letters\" "
                "do=\"see its memory and disk alarms\"");
        else
            say(b, MC_LOG_INFO, "event=bus-unblocked");
    }
    if (news.spare != b->said.spare) {
        b->said.spare = news.spare;
        if (news.spare)
            say(b, MC_LOG_WARN,
                "event=bus-spare msg=\"the node that our queue lies on is down; a "
                "spare queue takes its place\" do=\"see that node, or remove it from "
                "its cluster\"");
        else
            say(b, MC_LOG_INFO, "event=bus-home msg=\"our own queue is in use again\"");
    }
    say_count(b, news.unheard, &b->said.unheard, &b->said.unheard_ms, "no-listener",
              "a letter had no queue to go to: see that clusters' queues exist");
    say_count(
        b, news.dropped, &b->said.dropped, &b->said.dropped_ms, "bad-delivery",
        "something in our queue was no letter: see who publishes to the exchange");
}
