/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RabbitMQ bus keeps the contract of port/bus.h, against a real broker at
 * MCOS_AMQP_URL (test/live/test_amqp.py starts one). Its clock cannot be moved:
 * time passes for real, and no more of it than a talk letter lives.
 */
#include "contract_bus.h"

#include "adapter/amqp/bus.h"
#include "adapter/amqp/link.h"
#include "adapter/amqp/pace.h"
#include "adapter/amqp/queues.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TALK_TTL_MS 1500
#define QUIET_MS    150
#define LATE_MS     2000
#define SITES_MAX   16u

struct here {
    struct mc_clock clock;
    const char *url;
    struct mc_amqp_queues sites[SITES_MAX]; /* whose queues are to be forgotten */
    size_t site_count;
};

static uint64_t read_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ms(struct mc_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC) / 1000000u;
}

static uint64_t wall_ns(struct mc_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME);
}

static void opened(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
}

static void reset(void *ctx)
{
    struct here *here = ctx;
    const struct mc_amqp_tls tls = {.ca = "", .cert = "", .key = ""};
    struct mc_amqp_link link;
    struct mc_amqp_url url;

    if (mc_amqp_url_parse(here->url, &url, NULL) != 0 ||
        mc_amqp_link_open(&link, &url, &tls, &url.hosts[0], "contract", MC_AMQP_RPC_MS,
                          opened, NULL) != 0) {
        fprintf(stderr, "no broker\n");
        exit(1);
    }
    (void)amqp_channel_open(link.conn, 1);
    for (size_t i = 0; i < here->site_count; i++)
        for (int q = 0; q < 2; q++)
            (void)amqp_queue_delete(link.conn, 1,
                                    amqp_cstring_bytes(here->sites[i].name[q]), 0, 0);
    here->site_count = 0;
    mc_amqp_link_close(&link);
}

static int open_bus(void *ctx, const char *cluster, uint8_t uid,
                    struct mc_bus **ret_bus)
{
    struct here *here = ctx;
    struct mc_amqp_bus_config config = {.url = here->url,
                                        .ca = "",
                                        .cert = "",
                                        .key = "",
                                        .talk_ttl_ms = TALK_TTL_MS,
                                        .seed = uid,
                                        .clock = &here->clock};

    snprintf(config.cluster.s, sizeof(config.cluster.s), "%s", cluster);
    memset(config.uid, uid, sizeof(config.uid));
    if (here->site_count == SITES_MAX)
        return MCOS_E_BUSY;
    mc_amqp_queues_name(&here->sites[here->site_count++], &config.cluster, config.uid);
    return mc_amqp_bus_open(&config, ret_bus, NULL);
}

static void wait_bus(void *ctx, struct mc_bus *bus, uint64_t ms)
{
    struct pollfd p = {.fd = bus->ops->fd(bus), .events = POLLIN};
    uint64_t until = now_ms(&((struct here *)ctx)->clock) + ms;

    (void)poll(&p, 1, (int)ms);
    /* The suite counts its patience in waits: each takes its time. */
    while (p.revents == 0 && now_ms(NULL) < until)
        (void)usleep(200);
}

static void advance(void *ctx, uint64_t ms)
{
    (void)ctx;
    if (ms > TALK_TTL_MS + 1)
        ms = TALK_TTL_MS + 1;
    /* A letter ages from its arrival, which a busy machine may hold up for a while. */
    (void)usleep((useconds_t)(ms + LATE_MS) * 1000);
}

int main(void)
{
    struct here here = {.clock = {.now_ms = now_ms, .wall_ns = wall_ns},
                        .url = getenv("MCOS_AMQP_URL")};
    struct mc_contract_bus_world world = {.ctx = &here,
                                          .reset = reset,
                                          .open = open_bus,
                                          .wait = wait_bus,
                                          .advance = advance,
                                          .talk_ttl_ms = TALK_TTL_MS,
                                          .quiet_ms = QUIET_MS,
                                          .records_max = MC_AMQP_RECORDS_MAX};
    int failed;

    if (here.url == NULL) {
        fprintf(stderr, "MCOS_AMQP_URL: which broker?\n");
        return 2;
    }
    failed = mc_contract_bus("bus_amqp", &world);
    reset(&here);
    return failed;
}
