/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/os/clock.c -- clocks, random numbers, standard error. */
#include "adapter/os/clock.h"

#include "mcos/err.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

static uint64_t now_ms(struct mc_clock *clock)
{
    struct timespec t;

    (void)clock;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static uint64_t wall_ns(struct mc_clock *clock)
{
    struct timespec t;

    (void)clock;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct mc_clock *mc_os_clock(void)
{
    static struct mc_clock clock = {now_ms, wall_ns};

    return &clock;
}

int mc_os_random(void *dst, size_t n)
{
    char *at = dst;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return MCOS_E_IO;
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

struct os_log {
    struct mc_log log; /* first */
    enum mc_log_level level;
    const char *cluster;
};

static void line(struct mc_log *log, enum mc_log_level level, const char *text)
{
    static const char *const word[] = {"error", "warn", "info", "debug"};
    const struct os_log *os = (const struct os_log *)log;
    struct timespec t;
    struct tm tm;
    char when[32];

    if (level > os->level)
        return;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    (void)gmtime_r(&t.tv_sec, &tm);
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)fprintf(stderr, "ts=%s.%06ldZ level=%s %s%s%s%s\n", when, t.tv_nsec / 1000,
                  word[level], os->cluster[0] == '\0' ? "" : "cluster=", os->cluster,
                  os->cluster[0] == '\0' ? "" : " ", text);
}

struct mc_log *mc_os_log(enum mc_log_level level, const char *cluster)
{
    static struct os_log os;

    os = (struct os_log){{line}, level, cluster};
    return &os.log;
}
