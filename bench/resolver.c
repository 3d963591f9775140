/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/resolver.c -- what a resolver costs beside its table.
 *
 *     bench-resolver FOLDER RING             an agent's data folder, a ring of it
 *     bench-resolver FOLDER RING SECONDS     how late look-ups are, meanwhile
 *
 * Verified open of the ring's file, warm: mapped, opened for look-ups, and with all
 * checks. A view held and let go; a look-up with and without. The same by one thread
 * and by two at once. CPU time, the best of several. Beside it what this machine makes
 * of two threads that share nothing at all: sums in registers, hashes of that name in
 * each one's own cache, reads of each one's own memory as far apart as a table's rows.
 * Two processors may be two halves of one core, or other guests may have the rest of
 * them: no code does better than that.
 *
 * With SECONDS: each look-up is timed by the wall clock, hold and let go included; the
 * median, p99 and p99.9 in ns and how many versions answered.
 */
#include "adapter/file/mapping.h"
#include "base/hash.h"
#include "mcos/resolver.h"
#include "ring/ring.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define OPENS   200u
#define TURNS   7u
#define LOOKS   400000u
#define THREADS 2u
#define FIELD   (8u << 20) /* bytes: a table of 2^20 x 3 has 6 MiB */

static double cpu_ns(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double open_ms(const char *file, enum mc_ring_check check)
{
    double best = 1e18;

    for (unsigned i = 0; i < OPENS; i++) {
        double began = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
        struct mc_blob *blob = NULL;
        struct mc_ring *ring = NULL;
        struct stat st;
        double took;
        int fd;

        if (mc_mapping_share(AT_FDCWD, file, MC_RECORD_BYTES_MAX, &blob, &fd, &st,
                             NULL) != 0 ||
            mc_ring_open(blob, check, &ring, NULL) != 0)
            exit(1);
        took = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - began;
        best = took < best ? took : best;
        mc_ring_unref(ring);
        mc_blob_unref(blob);
        (void)close(fd);
    }
    return best / 1e6;
}

enum way {
    HOLD,
    HOLD_AND_LOOK,
    LOOK, /* in one that is held for all */
    SUMS,
    HASHES,
    READS,
    WAYS
};

struct turn {
    struct mcos_ring *ring;
    enum way way;
    double ns;
    uint64_t sum; /* so that nothing is left out */
};

static void change(char *name, unsigned i)
{
    name[12] = (char)('0' + i % 10);
    name[13] = (char)('0' + i / 10 % 10);
    name[14] = (char)('0' + i / 100 % 10);
}

static void look_up(struct turn *t, const struct mcos_view *held)
{
    struct mcos_answer answer;
    char name[] = "photos/2026/00000000.jpeg";

    for (unsigned i = 0; i < LOOKS; i++) {
        const struct mcos_view *view = t->way == LOOK ? held : mcos_ring_hold(t->ring);

        change(name, i);
        if (t->way != HOLD) {
            const struct mcos_key key = {{"AUTH_0123456789abcdef", 21},
                                         {"bucket-17", 9},
                                         {name, sizeof(name) - 1}};

            if (mcos_view_lookup(view, &key, 0, &answer) != 0)
                exit(1);
        }
        if (t->way != LOOK)
            mcos_view_release(view);
    }
}

/* As many at once as a core can. */
static void sum_up(struct turn *t)
{
    uint64_t a = 1, b = 2, c = 3, d = 4;

    for (unsigned i = 0; i < 16 * LOOKS; i++) {
        a += a << 1 ^ i;
        b += b << 2 ^ i;
        c += c << 3 ^ i;
        d += d << 4 ^ i;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    }
    t->sum = a ^ b ^ c ^ d;
}

static void hash(struct turn *t)
{
    char name[] = "photos/2026/00000000.jpeg of a bucket in an account";

    for (unsigned i = 0; i < LOOKS; i++) {
        change(name, i);
        t->sum +=
            mc_xxh3_64((struct mc_bytes){(const uint8_t *)name, sizeof(name) - 1});
    }
}

static void read_around(struct turn *t, const uint8_t *field)
{
    for (unsigned i = 0; i < LOOKS; i++)
        t->sum += field[(i * 0x9e3779b97f4a7c15u >> 20) % FIELD];
}

static void *take_turn(void *arg)
{
    struct turn *t = arg;
    const struct mcos_view *held = mcos_ring_hold(t->ring);
    uint8_t *field = t->way == READS ? malloc(FIELD) : NULL;
    double began;

    if (t->way == READS && field == NULL)
        exit(1);
    for (size_t i = 0; t->way == READS && i < FIELD; i++)
        field[i] = (uint8_t)i;
    began = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    if (t->way == SUMS)
        sum_up(t);
    else if (t->way == HASHES)
        hash(t);
    else if (t->way == READS)
        read_around(t, field);
    else
        look_up(t, held);
    t->ns = (cpu_ns(CLOCK_THREAD_CPUTIME_ID) - began) / LOOKS;
    free(field);
    mcos_view_release(held);
    return NULL;
}

/* CPU nanoseconds of one, by `count` threads at once; the best turn of the slowest. */
static double best_ns(struct mcos_ring *ring, enum way way, unsigned count)
{
    double best = 1e18;

    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct turn turns[THREADS];
        pthread_t threads[THREADS];
        double worst = 0;

        for (unsigned i = 0; i < count; i++) {
            turns[i] = (struct turn){.ring = ring, .way = way};
            if (pthread_create(&threads[i], NULL, take_turn, &turns[i]) != 0)
                exit(1);
        }
        for (unsigned i = 0; i < count; i++) {
            (void)pthread_join(threads[i], NULL);
            worst = turns[i].ns > worst ? turns[i].ns : worst;
        }
        best = worst < best ? worst : best;
    }
    return best;
}

#define SLOT_NS 10u /* of the histogram of how late look-ups are */
#define SLOTS   100000u

static double wall_ns(void)
{
    return cpu_ns(CLOCK_MONOTONIC);
}

static void print_part(const uint32_t *slots, uint64_t count, const char *name,
                       double part)
{
    uint64_t below = 0;
    uint32_t i = 0;

    while (i < SLOTS - 1 && (double)(below += slots[i]) < part * (double)count)
        i++;
    printf("%s %u ns  ", name, (i + 1) * SLOT_NS);
}

/* Looks names up until the time is over, one by one, while others change the ring. */
static void look_for(struct mcos_ring *ring, double seconds)
{
    uint32_t *slots = calloc(SLOTS, sizeof(*slots));
    double end = wall_ns() + seconds * 1e9;
    double now = wall_ns();
    uint64_t version = 0;
    unsigned versions = 0;
    uint64_t count = 0;
    char name[] = "photos/2026/00000000.jpeg";

    if (slots == NULL)
        exit(1);
    while (now < end) {
        const struct mcos_view *view = mcos_ring_hold(ring);
        const struct mcos_key key = {
            {"AUTH_0123456789abcdef", 21}, {"bucket-17", 9}, {name, sizeof(name) - 1}};
        struct mcos_answer answer;
        double then = now;
        double late;

        for (unsigned digit = 0; digit < 6; digit++)
            name[12 + digit] = (char)('0' + (count >> 3 * digit) % 8);
        if (mcos_view_lookup(view, &key, 0, &answer) != 0)
            exit(1);
        mcos_view_release(view);
        versions += answer.version != version;
        version = answer.version;
        count++;
        now = wall_ns();
        late = (now - then) / SLOT_NS;
        slots[late < SLOTS - 1 ? (uint32_t)late : SLOTS - 1]++;
    }
    print_part(slots, count, "median", 0.5);
    print_part(slots, count, "p99", 0.99);
    print_part(slots, count, "p99.9", 0.999);
    printf("versions %u  look-ups %llu\n", versions, (unsigned long long)count);
    free(slots);
}

int main(int argc, char **argv)
{
    static const char *const ways[] = {"hold and let go",
                                       "hold, look up, let go",
                                       "look up in a view that is held",
                                       "the machine: 64 sums",
                                       "the machine: a hash",
                                       "the machine: a read in 8 MiB of its own"};
    struct mcos_resolver *resolver;
    struct mcos_ring *ring;
    struct mcos_diag diag = {.offset = -1};
    char text[4096];

    if (argc != 3 && argc != 4)
        return 2;
    (void)snprintf(text, sizeof(text), "%s/rings/%s.ring", argv[1], argv[2]);
    if (argc == 3)
        printf("verified open, warm: %.3f ms; with all checks %.3f ms\n",
               open_ms(text, MC_CHECK_LOOKUP), open_ms(text, MC_CHECK_XXH3));
    (void)snprintf(text, sizeof(text), "file:%s", argv[1]);
    if (mcos_resolver_open(text, NULL, &resolver, &diag) != 0 ||
        mcos_resolver_ring(resolver, argv[2], &ring, &diag) != 0 ||
        mcos_ring_wait(ring, 10000, &diag) != 0) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    if (argc == 4)
        look_for(ring, strtod(argv[3], NULL));
    for (enum way way = 0; way < WAYS && argc == 3; way++) {
        double one = best_ns(ring, way, 1);
        double two = best_ns(ring, way, THREADS);

        printf("%s: %.1f ns; two threads at once %.1f ns each: %.2f times the rate\n",
               ways[way], one, two, THREADS * one / two);
    }
    mcos_resolver_close(resolver);
    return 0;
}
