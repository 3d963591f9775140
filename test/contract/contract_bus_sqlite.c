/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite bus keeps the contract of port/bus.h. Real files and real time,
 * with an offset that the world can move: queues live for hours.
 */
#include "contract_bus.h"

#include "adapter/sqlite/bus.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TALK_TTL_MS 30000

struct here {
    struct mc_clock clock;
    uint64_t offset_ms;
    char folder[64];
};

static uint64_t read_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ms(struct mc_clock *clock)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000u + ((struct here *)clock)->offset_ms;
}

static uint64_t wall_ns(struct mc_clock *clock)
{
    return read_ns(CLOCK_REALTIME) + ((struct here *)clock)->offset_ms * 1000000u;
}

static void reset(void *ctx)
{
    struct here *here = ctx;
    DIR *dir = opendir(here->folder);
    struct dirent *e;

    while ((e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
}

static int open_bus(void *ctx, const char *cluster, uint8_t uid,
                    struct mc_bus **ret_bus)
{
    struct here *here = ctx;
    struct mc_sqlite_bus_config config = {.talk_ttl_ms = TALK_TTL_MS,
                                          .clock = &here->clock};
    char path[96];

    snprintf(path, sizeof(path), "%s/bus.db", here->folder);
    config.path = path;
    snprintf(config.cluster.s, sizeof(config.cluster.s), "%s", cluster);
    memset(config.uid, uid, sizeof(config.uid));
    return mc_sqlite_bus_open(&config, ret_bus, NULL);
}

static void wait_bus(void *ctx, struct mc_bus *bus, uint64_t ms)
{
    struct pollfd p = {.fd = bus->ops->fd(bus), .events = POLLIN};

    (void)ctx;
    (void)poll(&p, 1, (int)ms);
}

static void advance(void *ctx, uint64_t ms)
{
    ((struct here *)ctx)->offset_ms += ms;
}

int main(void)
{
    struct here here = {.clock = {.now_ms = now_ms, .wall_ns = wall_ns},
                        .folder = "/tmp/mcos-bus-XXXXXX"};
    struct mc_contract_bus_world world = {.ctx = &here,
                                          .reset = reset,
                                          .open = open_bus,
                                          .wait = wait_bus,
                                          .advance = advance,
                                          .talk_ttl_ms = TALK_TTL_MS,
                                          .records_max = MC_SQLITE_RECORDS_MAX};
    int failed;

    if (mkdtemp(here.folder) == NULL)
        return 1;
    failed = mc_contract_bus("bus_sqlite", &world);
    reset(&here);
    (void)rmdir(here.folder);
    return failed;
}
