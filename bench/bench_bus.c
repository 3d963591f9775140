/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From publish to the last of N processes: the embedded bus, as agents use it.
 *
 *     bench_bus [rounds]        one line per size and N, milliseconds
 *
 * Each consumer is a process that waits on fd(), reads the body and touches its
 * last byte, acknowledges, and notes the time in shared memory.
 */
#include "adapter/sqlite/bus.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONSUMERS_MAX 64
#define PAUSE_NS      150000000 /* lets acknowledgements settle, as rings come rarely */

struct board {
    volatile uint64_t ready;
    volatile uint64_t sequence[CONSUMERS_MAX];
    volatile uint64_t at_ns[CONSUMERS_MAX];
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

static struct mc_clock real_clock = {.now_ms = now_ms, .wall_ns = wall_ns};

static struct mc_bus *open_site(const char *path, unsigned number)
{
    struct mc_sqlite_bus_config config = {
        .path = path, .talk_ttl_ms = 30000, .clock = &real_clock};
    struct mc_bus *bus = NULL;

    snprintf(config.cluster.s, sizeof(config.cluster.s), "s%u", number);
    memset(config.uid, (int)number + 1, sizeof(config.uid));
    if (mc_sqlite_bus_open(&config, &bus, NULL) != 0)
        exit(1);
    return bus;
}

static void next(struct mc_bus *bus, struct mc_bus_event *ev)
{
    uint64_t wait_ms = 0;

    while (bus->ops->next(bus, ev, &wait_ms) != 0) {
        struct pollfd p = {.fd = bus->ops->fd(bus), .events = POLLIN};

        (void)poll(&p, 1, (int)wait_ms);
    }
}

static void consume(const char *path, unsigned number, struct board *board)
{
    struct mc_bus *bus = open_site(path, number);
    struct mc_bus_event ev;

    for (;;) {
        next(bus, &ev);
        if (ev.kind == MC_BUS_UP)
            __atomic_add_fetch(&board->ready, 1, __ATOMIC_SEQ_CST);
        if (ev.kind != MC_BUS_MESSAGE)
            continue;
        if (mc_blob_get(ev.body).ptr[mc_blob_get(ev.body).len - 1] == 7) {
            board->at_ns[number] = read_ns(CLOCK_MONOTONIC);
            __atomic_store_n(&board->sequence[number], ev.head.sequence,
                             __ATOMIC_SEQ_CST);
        }
        mc_blob_unref(ev.body);
        bus->ops->ack(bus, ev.delivery);
    }
}

/* Nanoseconds until the last one had it; *ret_confirm_ns until it was confirmed. */
static uint64_t one_round(struct mc_bus *bus, struct board *board, unsigned count,
                          struct mc_bytes body, uint64_t sequence,
                          uint64_t *ret_confirm_ns)
{
    struct mc_letter_head head = {.key = "ring", .from = {"s63"}, .sequence = sequence};
    uint64_t start = read_ns(CLOCK_MONOTONIC), last = 0;
    struct mc_bus_event ev;

    memset(head.from_uid, 64, sizeof(head.from_uid));
    if (bus->ops->publish(bus, &head, body, sequence) != 0)
        exit(1);
    do {
        next(bus, &ev);
        if (ev.kind == MC_BUS_MESSAGE)
            bus->ops->ack(bus, ev.delivery);
    } while (ev.kind != MC_BUS_CONFIRM);
    if (ev.err != 0)
        exit(1);
    *ret_confirm_ns = read_ns(CLOCK_MONOTONIC) - start;
    for (unsigned i = 0; i < count; i++) {
        while (__atomic_load_n(&board->sequence[i], __ATOMIC_SEQ_CST) < sequence)
            usleep(100);
        last = board->at_ns[i] > last ? board->at_ns[i] : last;
    }
    return last - start;
}

static int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void run(size_t bytes, unsigned count, unsigned rounds)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct board *board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char folder[] = "/tmp/mcos-bench-XXXXXX", path[64], name[96];
    uint64_t *all = calloc(rounds, sizeof(*all)), *sure = calloc(rounds, sizeof(*sure));
    uint8_t *body = malloc(bytes);
    pid_t child[CONSUMERS_MAX];
    struct mc_bus_event ev;
    struct mc_bus *bus;

    if (board == MAP_FAILED || all == NULL || sure == NULL || body == NULL ||
        mkdtemp(folder) == NULL)
        exit(1);
    memset(body, 7, bytes);
    snprintf(path, sizeof(path), "%s/bus.db", folder);
    for (unsigned i = 0; i < count; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            consume(path, i, board);
        }
    }
    bus = open_site(path, CONSUMERS_MAX - 1);
    next(bus, &ev); /* UP */
    while (__atomic_load_n(&board->ready, __ATOMIC_SEQ_CST) < count)
        usleep(1000);
    for (unsigned n = 0; n < rounds; n++) {
        all[n] = one_round(bus, board, count, (struct mc_bytes){body, bytes}, n + 1,
                           &sure[n]);
        nanosleep(&pause, NULL);
    }
    qsort(all, rounds, sizeof(*all), cmp_u64);
    qsort(sure, rounds, sizeof(*sure), cmp_u64);
    printf("%8zu bytes  N=%-2u  last %8.2f (best %.2f, worst %.2f)  confirm %8.2f\n",
           bytes, count, (double)all[rounds / 2] / 1e6, (double)all[0] / 1e6,
           (double)all[rounds - 1] / 1e6, (double)sure[rounds / 2] / 1e6);
    for (unsigned i = 0; i < count; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    bus->ops->close(bus);
    for (int i = 0; i < 5; i++) {
        static const char *const parts[] = {"", "-wal", "-shm", ".bell", ".lock"};

        snprintf(name, sizeof(name), "%s%s", path, parts[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
    munmap(board, sizeof(*board));
    free(all);
    free(sure);
    free(body);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1000, 400000, 6000000};
    static const unsigned counts[] = {5, 20};
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;

    if (rounds == 0)
        return 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t s = 0; s < 3; s++)
        for (size_t c = 0; c < 2; c++)
            run(sizes[s], counts[c], rounds);
    return 0;
}
