/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/resolver.c -- what a resolver costs beside its table.
 *
 *     bench-resolver FOLDER RING     an agent's data folder, a ring of it
 *
 * Verified open of the ring's file, warm: mapped, opened for look-ups, and with all
 * checks. A view held and let go; a look-up with and without. The same by one thread
 * and by two at once. CPU time, the best of several.
 */
#include "adapter/file/mapping.h"
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

struct turn {
    struct mcos_ring *ring;
    int way; /* 0: hold and let go; 1: and look up; 2: look up in one held for all */
    double ns;
};

static void *take_turn(void *arg)
{
    struct turn *t = arg;
    const struct mcos_view *held = mcos_ring_hold(t->ring);
    double began = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    struct mcos_answer answer;
    char name[] = "photos/2026/00000000.jpeg";

    for (unsigned i = 0; i < LOOKS; i++) {
        const struct mcos_view *view = t->way == 2 ? held : mcos_ring_hold(t->ring);

        name[12] = (char)('0' + i % 10);
        name[13] = (char)('0' + i / 10 % 10);
        name[14] = (char)('0' + i / 100 % 10);
        if (t->way != 0) {
            const struct mcos_key key = {{"AUTH_0123456789abcdef", 21},
                                         {"bucket-17", 9},
                                         {name, sizeof(name) - 1}};

            if (mcos_view_lookup(view, &key, 0, &answer) != 0)
                exit(1);
        }
        if (t->way != 2)
            mcos_view_release(view);
    }
    t->ns = (cpu_ns(CLOCK_THREAD_CPUTIME_ID) - began) / LOOKS;
    mcos_view_release(held);
    return NULL;
}

/* CPU nanoseconds of one, by `count` threads at once; the best turn of the slowest. */
static double best_ns(struct mcos_ring *ring, int way, unsigned count)
{
    double best = 1e18;

    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct turn turns[THREADS];
        pthread_t threads[THREADS];
        double worst = 0;

        for (unsigned i = 0; i < count; i++) {
            turns[i] = (struct turn){ring, way, 0};
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

int main(int argc, char **argv)
{
    static const char *const ways[] = {"hold and let go", "hold, look up, let go",
                                       "look up in a view that is held"};
    struct mcos_resolver *resolver;
    struct mcos_ring *ring;
    struct mcos_diag diag = {.offset = -1};
    char text[4096];

    if (argc != 3)
        return 2;
    (void)snprintf(text, sizeof(text), "%s/rings/%s.ring", argv[1], argv[2]);
    printf("verified open, warm: %.3f ms; with all checks %.3f ms\n",
           open_ms(text, MC_CHECK_LOOKUP), open_ms(text, MC_CHECK_XXH3));
    (void)snprintf(text, sizeof(text), "file:%s", argv[1]);
    if (mcos_resolver_open(text, NULL, &resolver, &diag) != 0 ||
        mcos_resolver_ring(resolver, argv[2], &ring, &diag) != 0 ||
        mcos_ring_wait(ring, 10000, &diag) != 0) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    for (int way = 0; way < 3; way++) {
        double one = best_ns(ring, way, 1);
        double two = best_ns(ring, way, THREADS);

        printf("%s: %.1f ns; two threads at once %.1f ns each: %.2f times the rate\n",
               ways[way], one, two, THREADS * one / two);
    }
    mcos_resolver_close(resolver);
    return 0;
}
