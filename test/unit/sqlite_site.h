/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_site.h -- a site on a SQLite bus, for the tests of that bus. */
#ifndef MCOS_TEST_SQLITE_SITE_H
#define MCOS_TEST_SQLITE_SITE_H

#include "adapter/sqlite/bus.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TALK_TTL_MS 30000

static uint64_t site_offset_ms; /* moves both clocks */

static inline uint64_t site_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t site_now_ms(struct mc_clock *clock)
{
    (void)clock;
    return site_ns(CLOCK_MONOTONIC) / 1000000u + site_offset_ms;
}

static inline uint64_t site_wall_ns(struct mc_clock *clock)
{
    (void)clock;
    return site_ns(CLOCK_REALTIME) + site_offset_ms * 1000000u;
}

static struct mc_clock site_clock = {.now_ms = site_now_ms, .wall_ns = site_wall_ns};

/* Site `number` is called "s<number>". */
static inline int site_open(const char *path, unsigned number, struct mc_bus **ret_bus,
                            struct mcos_diag *diag)
{
    struct mc_sqlite_bus_config config = {
        .path = path, .talk_ttl_ms = TALK_TTL_MS, .clock = &site_clock};

    snprintf(config.cluster.s, sizeof(config.cluster.s), "s%u", number);
    memset(config.uid, (int)number + 1, sizeof(config.uid));
    return mc_sqlite_bus_open(&config, ret_bus, diag);
}

static inline int site_send(struct mc_bus *bus, const char *key, unsigned number,
                            uint64_t sequence, size_t bytes)
{
    struct mc_letter_head head = {.sequence = sequence};
    uint8_t *body = malloc(bytes + 1);
    int err;

    if (body == NULL)
        abort();
    memset(body, (int)(sequence & 0xff), bytes);
    snprintf(head.key, sizeof(head.key), "%s", key);
    snprintf(head.from.s, sizeof(head.from.s), "s%u", number);
    memset(head.from_uid, (int)number + 1, sizeof(head.from_uid));
    err = bus->ops->publish(bus, &head, (struct mc_bytes){body, bytes}, sequence);
    free(body);
    return err;
}

/* False: nothing within `ms`. */
static inline bool site_next(struct mc_bus *bus, uint64_t ms, struct mc_bus_event *ret)
{
    uint64_t end = site_ns(CLOCK_MONOTONIC) / 1000000u + ms;

    for (;;) {
        struct pollfd p = {.fd = bus->ops->fd(bus), .events = POLLIN};
        uint64_t wait_ms = 0, now;

        if (bus->ops->next(bus, ret, &wait_ms) == 0)
            return true;
        now = site_ns(CLOCK_MONOTONIC) / 1000000u;
        if (now >= end)
            return false;
        wait_ms = wait_ms < end - now ? wait_ms : end - now;
        (void)poll(&p, 1, (int)wait_ms);
    }
}

/* Skips other events. */
static inline bool site_next_kind(struct mc_bus *bus, enum mc_bus_event_kind kind,
                                  uint64_t ms, struct mc_bus_event *ret)
{
    while (site_next(bus, ms, ret)) {
        if (ret->kind == kind)
            return true;
        if (ret->kind == MC_BUS_MESSAGE) {
            mc_blob_unref(ret->body);
            bus->ops->ack(bus, ret->delivery);
        }
    }
    return false;
}

static inline void site_clear(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *e;

    while (dir != NULL && (e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    if (dir != NULL)
        closedir(dir);
}

#endif /* MCOS_TEST_SQLITE_SITE_H */
