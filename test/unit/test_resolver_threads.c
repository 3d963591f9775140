/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads look names up while rings are replaced as fast as can be: each answer
 * equals the table of the version that it names, none is missing, none goes back.
 * tools/test.sh runs this under ThreadSanitizer too.
 */
#include "resolver/chain.h"

#include "adapter/file/guard.h"
#include "contract/scratch.h"
#include "fake/source.h"
#include "ring_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS    4u
#define VERSIONS   400u
#define TURNS      20u /* views of each version */
#define PART_POWER 4u
#define PARTS      (1u << PART_POWER)

struct crowd {
    const struct mcos_view *(*hold)(void *ctx);
    void *ctx;
    atomic_bool stop;
    atomic_ullong looks;
    atomic_uint wrong; /* the first wrong thing seen: a line of this file */
    pthread_t threads[THREADS];
};

/* A test's assertion ends its thread; another thread must not, so it only notes. */
#define CHECK(crowd, what)                                                             \
    do {                                                                               \
        unsigned none = 0;                                                             \
        if (!(what))                                                                   \
            (void)atomic_compare_exchange_strong(&(crowd)->wrong, &none, __LINE__);    \
    } while (0)

static void check_view(struct crowd *c, const struct mcos_view *view, uint64_t *version)
{
    const struct mcos_key key = mcos_key("a", "c", "o");
    uint32_t ids[4];
    uint32_t named = UINT32_MAX;

    for (uint32_t i = 0; i <= PARTS; i++) {
        struct mcos_answer answer;
        struct mcos_device device;
        int err = i < PARTS ? mcos_view_partition(view, i, MCOS_ACTIVE_FIRST, &answer)
                            : mcos_view_lookup(view, &key, 0, &answer);
        unsigned met = 0;

        CHECK(c, err == 0);
        if (err != 0)
            return;
        CHECK(c, answer.version >= *version);
        CHECK(c, answer.version == mcos_view_info(view)->version);
        *version = answer.version;
        for (unsigned r = 0; r < SAMPLE_REPLICAS; r++) {
            for (unsigned k = 0; k < SAMPLE_REPLICAS; k++)
                met |= (unsigned)(answer.devices[k] ==
                                  ring_sample_at(answer.version, answer.partition, r))
                       << r;
            CHECK(c, mcos_view_device(view, answer.devices[r], &device) == 0);
            CHECK(c, device.name[0] == 'd' &&
                         device.name[1] == (char)('0' + answer.devices[r]));
            CHECK(c, answer.states[r] == device.state);
        }
        CHECK(c, met == (1u << SAMPLE_REPLICAS) - 1);
        named = answer.partition;
    }
    CHECK(c, mcos_view_handoffs(view, named, 4, ids) == 4);
    if (mcos_view_previous(view) != NULL)
        CHECK(c, mcos_view_info(mcos_view_previous(view))->version < *version);
}

static void *look_up(void *arg)
{
    struct crowd *c = arg;
    const struct mcos_view *kept = NULL;
    uint64_t version = 0;
    unsigned turn = 0;

    while (!atomic_load(&c->stop)) {
        const struct mcos_view *view = c->hold(c->ctx);

        CHECK(c, view != NULL);
        if (view == NULL)
            break;
        check_view(c, view, &version);
        atomic_fetch_add(&c->looks, 1);
        if (turn++ % 16 == 0) { /* some are held for longer, past others */
            mcos_view_release(kept);
            kept = view;
        } else {
            mcos_view_release(view);
        }
        if (kept != NULL)
            check_view(c, kept, &(uint64_t){0});
    }
    mcos_view_release(kept);
    return NULL;
}

static void start(struct crowd *c, const struct mcos_view *(*hold)(void *ctx),
                  void *ctx)
{
    *c = (struct crowd){.hold = hold, .ctx = ctx};
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&c->threads[i], NULL, look_up, c), 0);
}

static void stop(struct crowd *c)
{
    while (atomic_load(&c->looks) < THREADS && atomic_load(&c->wrong) == 0)
        (void)usleep(1000);
    atomic_store(&c->stop, true);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(c->threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c->wrong), 0);
}

static struct mc_ring *version(uint64_t v)
{
    return ring_sample(
        &(struct sample){.name = "photos", .version = v, .part_power = PART_POWER});
}

/* ---- the pointer alone, as fast as it goes ---- */

#define SWAPS 20000u
#define ALIVE 0x600dcafeu

struct thing {
    struct mc_swap_thing thing; /* first */
    uint32_t alive;
};

static void free_thing(struct mc_swap_thing *thing)
{
    ((struct thing *)thing)->alive = 0; /* who still looks sees it */
    free(thing);
}

static struct mc_swap_thing *new_thing(void)
{
    size_t bytes = (sizeof(struct thing) + MC_SWAP_LINE - 1) / MC_SWAP_LINE;
    struct thing *t = aligned_alloc(MC_SWAP_LINE, bytes * MC_SWAP_LINE);

    assert_non_null(t);
    mc_swap_thing_init(&t->thing);
    t->alive = ALIVE;
    return &t->thing;
}

static void *hold_things(void *arg)
{
    struct crowd *c = arg;

    while (!atomic_load_explicit(&c->stop, memory_order_relaxed)) {
        struct mc_swap_thing *thing = mc_swap_hold(c->ctx);

        CHECK(c, ((struct thing *)thing)->alive == ALIVE);
        mc_swap_let_go(thing);
    }
    return NULL;
}

static void test_nothing_is_freed_that_is_held(void **state)
{
    struct mc_swap swap;
    struct crowd c = {.ctx = &swap};
    size_t most = 0;

    (void)state;
    mc_swap_init(&swap);
    mc_swap_set(&swap, new_thing());
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&c.threads[i], NULL, hold_things, &c), 0);
    for (unsigned i = 0; i < SWAPS || most == 0; i++) { /* somebody held one */
        size_t held;

        mc_swap_set(&swap, new_thing());
        held = mc_swap_sweep(&swap, free_thing);
        most = held > most ? held : most;
    }
    atomic_store(&c.stop, true);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(c.threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.wrong), 0);
    mc_swap_set(&swap, NULL);
    assert_int_equal(mc_swap_sweep(&swap, free_thing), 0);
    assert_null(mc_swap_hold(&swap));
}

/* ---- a chain that the test itself follows ---- */

static const struct mcos_view *hold_of_chain(void *ctx)
{
    return mc_chain_hold(ctx);
}

static void test_threads_hold_what_is_replaced(void **state)
{
    static struct mc_ring *rings[VERSIONS];
    const struct mc_chain_config config = {.keep_previous = true};
    struct mc_chain_now now = {.ms = 1000, .wall_ns = 1};
    struct mc_followed *ring = NULL;
    struct mc_chain *chain = NULL;
    struct fake_source fake;
    struct mc_name name;
    struct crowd crowd;

    (void)state;
    for (unsigned v = 0; v < VERSIONS; v++)
        rings[v] = version(v + 1);
    fake_source_init(&fake);
    fake.clusters[0] = (struct mc_cluster){.name = {"c1"}};
    fake.cluster_count = 1;
    assert_true(mc_name_set(&name, "photos"));
    assert_int_equal(mc_chain_new(&config, &chain), 0);
    assert_int_equal(mc_chain_add(chain, &fake.source, "fake:"), 0);
    assert_int_equal(mc_chain_follow(chain, &name, &ring), 0);
    fake.ring = rings[0];
    mc_chain_look(chain, ring, &now);
    start(&crowd, hold_of_chain, ring);
    for (unsigned v = 1; v < VERSIONS; v++) {
        fake.ring = rings[v];
        mc_ring_unref(rings[v - 1]); /* the chain alone keeps it from now on */
        mc_chain_look(chain, ring, &now);
        for (unsigned i = 0; i < TURNS; i++) {
            fake.clusters[0].state = (uint8_t)(1 + (v + i) % 3);
            mc_chain_look_at_clusters(chain, &now);
            mc_chain_sweep(chain);
        }
        now.wall_ns++;
    }
    stop(&crowd);
    assert_int_equal(ring->stats.adopted, VERSIONS);
    mc_chain_sweep(chain);
    assert_int_equal(ring->stats.unclaimed, 0);
    mc_chain_free(chain);
    mc_ring_unref(rings[VERSIONS - 1]);
}

/* ---- the library, with files that are renamed ---- */

static const struct mcos_view *hold_of_ring(void *ctx)
{
    return mcos_ring_hold(ctx);
}

/* As the agent does it: written aside, renamed. */
static void put(const char *folder, uint64_t v)
{
    struct mc_ring *ring = version(v);
    struct mc_bytes bytes = mc_blob_get(mc_ring_blob(ring));
    char aside[SCRATCH_MAX + 32];
    char file[SCRATCH_MAX + 32];
    int fd;

    (void)snprintf(aside, sizeof(aside), "%s/rings/.tmp.photos", folder);
    (void)snprintf(file, sizeof(file), "%s/rings/photos.ring", folder);
    fd = open(aside, O_WRONLY | O_CREAT | O_EXCL, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(aside, file), 0);
    mc_ring_unref(ring);
}

struct asked {
    struct mcos_resolver *resolver;
    struct mcos_ring *ring;
    struct crowd *crowd;
};

/* Follows rings and reads figures while the others look up. */
static void *ask(void *arg)
{
    struct asked *a = arg;

    while (!atomic_load(&a->crowd->stop)) {
        struct mcos_ring_stats stats;
        struct mcos_ring *ring = NULL;

        CHECK(a->crowd, mcos_resolver_ring(a->resolver, "photos", &ring, NULL) == 0 &&
                            ring == a->ring);
        CHECK(a->crowd, mcos_resolver_ring(a->resolver, "others", &ring, NULL) == 0);
        CHECK(a->crowd, mcos_ring_wait(ring, 1, NULL) == MCOS_E_NOTFOUND);
        mcos_ring_stats(a->ring, &stats);
        CHECK(a->crowd, stats.adopted >= 1 && stats.damaged == 0 && stats.spoilt == 0);
    }
    return NULL;
}

static void test_threads_look_up_while_files_are_renamed(void **state)
{
    struct mcos_resolver_options options = MCOS_RESOLVER_OPTIONS;
    char folder[SCRATCH_MAX];
    char path[SCRATCH_MAX + 32];
    struct mcos_ring_stats stats;
    struct mcos_resolver *resolver = NULL;
    struct mcos_ring *ring = NULL;
    struct crowd crowd;
    struct asked asked;
    pthread_t asker;

    (void)state;
    assert_true(scratch_make(folder));
    (void)snprintf(path, sizeof(path), "%s/rings", folder);
    assert_int_equal(mkdir(path, 0750), 0);
    put(folder, 1);
    options.flags = MCOS_KEEP_PREVIOUS;
    options.poll_ms = 10;
    (void)snprintf(path, sizeof(path), "file:%s", folder);
    assert_int_equal(mcos_resolver_open(path, &options, &resolver, NULL), 0);
    assert_int_equal(mcos_resolver_ring(resolver, "photos", &ring, NULL), 0);
    start(&crowd, hold_of_ring, ring);
    asked = (struct asked){resolver, ring, &crowd};
    assert_int_equal(pthread_create(&asker, NULL, ask, &asked), 0);
    for (uint64_t v = 2; v <= VERSIONS; v++)
        put(folder, v);
    do {
        const struct mcos_view *view = mcos_ring_hold(ring);
        bool last = mcos_view_info(view)->version == VERSIONS;

        mcos_view_release(view);
        if (last)
            break;
        (void)usleep(1000);
    } while (atomic_load(&crowd.wrong) == 0);
    stop(&crowd);
    assert_int_equal(pthread_join(asker, NULL), 0);
    do { /* nobody holds any: all but the last are given back */
        (void)usleep(1000);
        mcos_ring_stats(ring, &stats);
    } while (stats.unclaimed != 0);
    assert_int_equal(stats.error, 0);
    mcos_resolver_close(resolver);
    scratch_remove(folder);
}

static void test_no_text_is_refused_as_an_empty_one(void **state)
{
    struct mcos_diag diag = {.offset = -1};
    struct mcos_resolver *resolver = NULL;
    struct mcos_ring *ring = NULL;

    (void)state;
    assert_int_equal(mcos_resolver_open(NULL, NULL, &resolver, &diag), MCOS_E_CONFIG);
    assert_string_equal(diag.field, "chain");
    assert_int_equal(mcos_resolver_open("file:/nowhere", NULL, &resolver, NULL), 0);
    assert_int_equal(mcos_resolver_ring(resolver, NULL, &ring, &diag), MCOS_E_NAME);
    mcos_resolver_close(resolver);
}

/* ---- opened by many, and in the child of a fork ---- */

static void *open_and_close(void *arg)
{
    struct crowd *c = arg;

    for (unsigned i = 0; i < 20; i++) {
        struct mcos_resolver *resolver = NULL;

        CHECK(c, mcos_resolver_open("unix:/no/such,memcached:unix:/no/such", NULL,
                                    &resolver, NULL) == 0);
        mcos_resolver_close(resolver);
    }
    return NULL;
}

static void test_threads_open_resolvers_at_once(void **state)
{
    struct crowd crowd = {.hold = NULL};

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&crowd.threads[i], NULL, open_and_close, &crowd), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(crowd.threads[i], NULL), 0);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
}

struct guards {
    struct mc_blob *blob;
    atomic_bool stop;
};

static void *guard(void *arg)
{
    struct guards *g = arg;
    long page[1];

    while (!atomic_load(&g->stop)) {
        (void)mc_guard_add(page, sizeof(page), g->blob);
        mc_guard_remove(page);
    }
    return NULL;
}

/* A resolver that a child opens maps files as its parent did at that very moment. */
static void test_a_fork_leaves_no_lock_taken(void **state)
{
    struct guards g = {.blob = NULL};
    unsigned hung = 0;
    pthread_t thread;
    long page[1];

    (void)state;
    assert_int_equal(mc_blob_new((struct mc_bytes){NULL, 0}, &g.blob), 0);
    assert_int_equal(pthread_create(&thread, NULL, guard, &g), 0);
    for (unsigned i = 0; i < 50 && hung == 0; i++) {
        int status = -1;
        pid_t child = fork();

        if (child == 0) {
            (void)alarm(20);
            (void)mc_guard_add(page, sizeof(page), g.blob);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        hung += status != 0;
    }
    atomic_store(&g.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    mc_blob_unref(g.blob);
    assert_int_equal(hung, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_freed_that_is_held),
        cmocka_unit_test(test_threads_hold_what_is_replaced),
        cmocka_unit_test(test_threads_look_up_while_files_are_renamed),
        cmocka_unit_test(test_no_text_is_refused_as_an_empty_one),
        cmocka_unit_test(test_threads_open_resolvers_at_once),
        cmocka_unit_test(test_a_fork_leaves_no_lock_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
