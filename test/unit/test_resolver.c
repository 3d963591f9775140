/* SPDX-License-Identifier: Apache-2.0 */
/* What a chain takes, keeps and refuses, and what views answer. */
#include "resolver/chain.h"

#include "fake/source.h"
#include "ring_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLACES 3u

/* ---- memory that is counted, and that fails ---- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);

static unsigned allocations;
static unsigned fail_at; /* that one from now on; 0: none */

static bool fails(void)
{
    return ++allocations == fail_at;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, n);
}

/* ---- a chain of places that do as they are told ---- */

struct world {
    struct fake_source place[PLACES];
    struct mc_chain *chain;
    struct mc_followed *ring;
    struct mc_chain_now now;
};

static void begin(struct world *w, const struct mc_chain_config *config)
{
    static const struct mc_chain_config plain = {.system = {0}};
    static const char *const names[PLACES] = {"place:0", "place:1", "place:2"};
    struct mc_name name;

    assert_true(mc_name_set(&name, "photos"));
    w->now = (struct mc_chain_now){.ms = 1000, .wall_ns = 5000};
    assert_int_equal(mc_chain_new(config == NULL ? &plain : config, &w->chain), 0);
    for (unsigned i = 0; i < PLACES; i++) {
        fake_source_init(&w->place[i]);
        assert_int_equal(mc_chain_add(w->chain, &w->place[i].source, names[i]), 0);
    }
    assert_int_equal(mc_chain_follow(w->chain, &name, &w->ring), 0);
}

static void end(struct world *w)
{
    mc_chain_free(w->chain);
    for (unsigned i = 0; i < PLACES; i++) {
        assert_true(w->place[i].closed);
        mc_ring_unref(w->place[i].ring);
        mc_ring_unref(w->place[i].before);
    }
}

static void look(struct world *w)
{
    w->now.ms += 10000; /* nobody rests that long */
    w->now.wall_ns++;
    mc_chain_look_at_clusters(w->chain, &w->now);
    mc_chain_look(w->chain, w->ring, &w->now);
    mc_chain_sweep(w->chain);
}

static struct mc_ring *version(uint64_t v)
{
    return ring_sample(
        &(struct sample){.name = "photos", .version = v, .part_power = 4});
}

/* The place has that ring (taken over) from now on. */
static void has(struct world *w, unsigned place, struct mc_ring *take_ring)
{
    mc_ring_unref(w->place[place].ring);
    w->place[place].ring = take_ring;
}

static uint64_t version_now(struct world *w)
{
    struct mcos_view *view = mc_chain_hold(w->ring);
    uint64_t v;

    if (view == NULL)
        return 0;
    v = mcos_view_info(view)->version;
    mcos_view_release(view);
    return v;
}

/* ---- the chain ---- */

static void test_the_first_place_that_has_it_gives_it(void **state)
{
    struct world w;

    (void)state;
    begin(&w, NULL);
    look(&w);
    assert_int_equal(version_now(&w), 0);
    assert_int_equal(w.ring->stats.error, MCOS_E_NOTFOUND);
    assert_int_equal(w.ring->stats.missing, PLACES);

    has(&w, 2, version(3));
    look(&w);
    assert_int_equal(version_now(&w), 3);
    assert_int_equal(w.ring->stats.source, 2);

    has(&w, 1, version(4));
    look(&w);
    assert_int_equal(version_now(&w), 4);
    assert_int_equal(w.place[2].looks, 2); /* was not asked again */
    look(&w);
    assert_int_equal(w.place[1].known, 1);
    assert_int_equal(w.ring->stats.adopted, 2);
    assert_int_equal(w.ring->stats.views, 2);
    end(&w);
}

static void test_what_is_in_force_never_gets_older(void **state)
{
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, version(7));
    look(&w);
    has(&w, 0, version(6));
    look(&w);
    assert_int_equal(version_now(&w), 7);
    assert_int_equal(w.ring->stats.older, 1);
    assert_int_equal(w.ring->stats.error, MCOS_E_STALE);

    has(&w, 1, version(8)); /* the next one is asked, then */
    look(&w);
    assert_int_equal(version_now(&w), 8);
    assert_int_equal(w.ring->stats.source, 1);
    end(&w);
}

static void test_it_stays_through_every_failure(void **state)
{
    static const struct {
        int err;
        size_t counter;
    } failures[] = {
        {MCOS_E_NOTFOUND, offsetof(struct mcos_ring_stats, missing)},
        {MCOS_E_UNREACHABLE, offsetof(struct mcos_ring_stats, away)},
        {MCOS_E_IO, offsetof(struct mcos_ring_stats, away)},
        {MCOS_E_FORMAT, offsetof(struct mcos_ring_stats, damaged)},
        {MCOS_E_DIGEST, offsetof(struct mcos_ring_stats, damaged)},
        {MCOS_E_TOOBIG, offsetof(struct mcos_ring_stats, damaged)},
        {MCOS_E_UPGRADE, offsetof(struct mcos_ring_stats, unread)},
    };
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, version(7));
    look(&w);
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        const uint64_t *counter =
            (const void *)((const char *)&w.ring->stats + failures[i].counter);
        uint64_t before = *counter;

        w.place[0].fails = failures[i].err;
        look(&w);
        assert_int_equal(version_now(&w), 7);
        assert_int_equal(*counter - before, failures[i].err == MCOS_E_NOTFOUND ? 3 : 1);
        assert_int_equal(w.ring->stats.error, failures[i].err);
        if (failures[i].err != MCOS_E_NOTFOUND)
            assert_string_equal(w.ring->stats.trouble, "place:0: as the test says");
    }
    w.place[0].fails = 0;
    look(&w);
    assert_int_equal(w.ring->stats.error, 0);
    assert_string_equal(w.ring->stats.trouble, "");
    assert_int_equal(w.ring->stats.views, 1);
    end(&w);
}

static void test_a_ring_of_another_system_is_refused(void **state)
{
    struct sample sample = {.name = "photos", .part_power = 4, .system = 2};
    struct mc_chain_config config = {.keep_previous = true};
    struct mcos_view *view;
    struct world w;

    (void)state;
    memset(config.system, 1, sizeof(config.system));
    begin(&w, &config);
    sample.version = 9;
    has(&w, 0, ring_sample(&sample));
    look(&w);
    assert_int_equal(version_now(&w), 0); /* from the first on */
    assert_int_equal(w.ring->stats.error, MCOS_E_CONFLICT);
    assert_int_equal(w.ring->stats.foreign, 1);
    sample.version = 6;
    w.place[0].before = ring_sample(&sample);
    sample.version = 7;
    sample.system = 1;
    has(&w, 0, ring_sample(&sample));
    look(&w);
    view = mc_chain_hold(w.ring);
    assert_null(mcos_view_previous(view));
    mcos_view_release(view);
    sample.version = 8;
    sample.system = 2;
    has(&w, 0, ring_sample(&sample));
    look(&w);
    assert_int_equal(version_now(&w), 7);
    assert_int_equal(w.ring->stats.foreign, 2);
    sample.system = 0; /* made offline: goes with any */
    has(&w, 0, ring_sample(&sample));
    look(&w);
    assert_int_equal(version_now(&w), 8);
    end(&w);
}

static void test_a_place_that_does_not_answer_is_left_alone_for_a_while(void **state)
{
    struct world w;
    unsigned looks = 0;

    (void)state;
    begin(&w, NULL);
    w.place[0].fails = MCOS_E_UNREACHABLE;
    has(&w, 1, version(1));
    for (unsigned ms = 0; ms < 60000; ms += 50) {
        w.now.ms += 50;
        mc_chain_look(w.chain, w.ring, &w.now);
    }
    looks = w.place[0].looks;
    assert_in_range(looks, 60000 / MC_CHAIN_PAUSE_MS_MAX, 20);
    assert_int_equal(w.place[1].looks, 1200);
    w.place[0].fails = 0;
    has(&w, 0, version(2));
    for (unsigned ms = 0; ms <= MC_CHAIN_PAUSE_MS_MAX; ms += 50) {
        w.now.ms += 50;
        mc_chain_look(w.chain, w.ring, &w.now);
    }
    assert_int_equal(version_now(&w), 2);
    end(&w);
}

static void test_views_that_nobody_let_go_are_freed_at_the_end(void **state)
{
    struct mc_ring *first = mc_ring_ref(version(1));
    struct mc_ring *second = mc_ring_ref(version(2));
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, first);
    look(&w);
    assert_non_null(mc_chain_hold(w.ring));
    has(&w, 0, second);
    look(&w);
    assert_non_null(mc_chain_hold(w.ring));
    assert_int_equal(w.ring->stats.unclaimed, 1);
    end(&w);
    assert_true(mc_ring_alone(first) && mc_ring_alone(second));
    mc_ring_unref(first);
    mc_ring_unref(second);
}

static uint64_t clock_ms;

static uint64_t read_clock(void)
{
    return clock_ms;
}

/* It is asked once for a round of rings, however long it lets us wait. */
static void test_a_place_that_takes_its_time_rests_afterwards(void **state)
{
    const struct mc_chain_config config = {.now_ms = read_clock};
    struct world w;

    (void)state;
    begin(&w, &config);
    clock_ms = w.now.ms;
    w.place[0].fails = MCOS_E_UNREACHABLE;
    w.place[0].clock = &clock_ms;
    w.place[0].takes_ms = 2000;
    has(&w, 1, version(1));
    for (unsigned i = 0; i < 10; i++) {
        w.now.ms = ++clock_ms;
        mc_chain_look(w.chain, w.ring, &w.now);
    }
    assert_int_equal(w.place[0].looks, 1);
    assert_int_equal(w.place[1].looks, 10);
    end(&w);
}

static void test_a_time_that_is_not_yet_does_not_stay(void **state)
{
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, version(1));
    w.place[0].confirmed = 3000;
    look(&w);
    w.place[0].confirmed = 2000; /* of another place, say */
    look(&w);
    assert_int_equal(w.ring->stats.confirmed_at, 3000);
    w.place[0].confirmed = 900000;
    look(&w);
    w.place[0].confirmed = 0; /* nobody tells */
    look(&w);
    assert_int_equal(w.ring->stats.confirmed_at, 900000);
    w.place[0].confirmed = 4000;
    look(&w);
    assert_int_equal(w.ring->stats.confirmed_at, 4000);
    assert_int_equal(atomic_load(&w.ring->times.confirmed), 4000);
    end(&w);
}

static bool stopped(void *ctx)
{
    return ((const struct fake_source *)ctx)->looks > 0;
}

static void test_who_stops_waits_for_one_place_only(void **state)
{
    struct mc_chain_config config = {.stopped = stopped};
    struct world w;

    (void)state;
    config.ctx = &w.place[0];
    begin(&w, &config);
    has(&w, 1, version(1));
    look(&w);
    assert_int_equal(w.place[0].looks, 1);
    assert_int_equal(w.place[1].looks, 0);
    assert_int_equal(version_now(&w), 0);
    end(&w);
}

static void test_one_ring_that_cannot_be_read_holds_up_no_other(void **state)
{
    struct mc_followed *other;
    struct mc_name name;
    struct world w;

    (void)state;
    begin(&w, NULL);
    assert_true(mc_name_set(&name, "zebras"));
    assert_int_equal(mc_chain_follow(w.chain, &name, &other), 0);
    w.place[0].fails = MCOS_E_IO;
    mc_chain_look(w.chain, w.ring, &w.now);
    assert_int_equal(w.ring->stats.away, 1);
    w.place[0].fails = 0;
    has(&w, 0, version(1));
    mc_chain_look(w.chain, other, &w.now); /* at the same moment */
    assert_int_equal(w.place[0].looks, 2);
    assert_int_equal(other->stats.adopted, 1);
    end(&w);
}

static void test_what_was_written_into_is_replaced_by_anything_good(void **state)
{
    struct mcos_answer answer;
    struct mcos_view *view;
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, version(7));
    look(&w);
    mc_blob_spoil(mc_ring_blob(w.place[0].ring));
    view = mc_chain_hold(w.ring);
    assert_int_equal(mcos_view_partition(view, 0, 0, &answer), MCOS_E_DIGEST);
    mcos_view_release(view);

    has(&w, 0, version(7)); /* the same record from another file */
    look(&w);
    view = mc_chain_hold(w.ring);
    assert_int_equal(mcos_view_partition(view, 0, 0, &answer), 0);
    mcos_view_release(view);
    assert_int_equal(w.ring->stats.adopted, 2);

    mc_blob_spoil(mc_ring_blob(w.place[0].ring));
    w.place[0].fails = MCOS_E_DIGEST;
    look(&w);
    look(&w);
    assert_int_equal(w.ring->stats.spoilt, 1); /* told once */
    w.place[0].before = version(6);
    look(&w);
    assert_int_equal(version_now(&w), 6);
    w.place[0].fails = 0;
    has(&w, 0, version(7));
    look(&w);
    assert_int_equal(version_now(&w), 7);
    end(&w);
}

static void test_a_damaged_first_look_takes_the_one_before(void **state)
{
    struct world w;

    (void)state;
    begin(&w, NULL);
    w.place[1].before = version(6);
    look(&w);
    assert_int_equal(version_now(&w), 0); /* not there is no damage */
    w.place[0].fails = MCOS_E_FORMAT;
    look(&w);
    assert_int_equal(version_now(&w), 6);
    assert_int_equal(w.ring->stats.error, MCOS_E_FORMAT);
    end(&w);
}

static void test_memory_that_fails_changes_nothing(void **state)
{
    const struct mc_chain_config config = {.keep_previous = true};

    (void)state;
    for (unsigned n = 1; n < 100; n++) {
        struct world w;
        unsigned used;

        begin(&w, &config);
        has(&w, 0, version(7));
        look(&w);
        has(&w, 0, version(8));
        w.place[0].cluster_count = 1;
        w.place[0].clusters[0] =
            (struct mc_cluster){.name = {"c1"}, .state = MC_CLUSTER_ACTIVE};
        allocations = 0;
        fail_at = n;
        look(&w);
        used = allocations;
        fail_at = 0;
        assert_true(version_now(&w) == 7 || version_now(&w) == 8);
        look(&w);
        look(&w);
        assert_int_equal(version_now(&w), 8);
        assert_int_equal(w.ring->stats.adopted, 2);
        end(&w);
        if (used < n)
            return;
    }
    fail();
}

/* ---- views ---- */

static void check_version(const struct mcos_view *view, uint64_t v, unsigned part_power)
{
    for (uint32_t p = 0; p < 1u << part_power; p++) {
        struct mcos_answer answer;

        assert_int_equal(mcos_view_partition(view, p, 0, &answer), 0);
        assert_int_equal(answer.version, v);
        assert_int_equal(answer.device_count, SAMPLE_REPLICAS);
        for (unsigned r = 0; r < SAMPLE_REPLICAS; r++)
            assert_int_equal(answer.devices[r], ring_sample_at(v, p, r));
    }
}

static void test_a_view_does_not_change_while_it_is_held(void **state)
{
    struct mcos_view *first;
    struct mcos_view *second;
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, version(1));
    look(&w);
    first = mc_chain_hold(w.ring);
    for (uint64_t v = 2; v <= 5; v++) {
        has(&w, 0, version(v));
        look(&w);
    }
    second = mc_chain_hold(w.ring);
    assert_int_equal(w.ring->stats.unclaimed, 1); /* 2 to 4 are gone */
    check_version(first, 1, 4);
    check_version(second, 5, 4);
    mcos_view_release(first);
    look(&w);
    assert_int_equal(w.ring->stats.unclaimed, 0);
    mcos_view_release(second);
    mcos_view_release(NULL);
    end(&w);
}

static void test_the_version_before_is_kept_if_asked(void **state)
{
    const struct mc_chain_config config = {.keep_previous = true};
    struct mcos_view *view;
    struct world w;

    (void)state;
    begin(&w, &config);
    has(&w, 0, version(4));
    w.place[0].before = version(3);
    for (uint64_t v = 4; v <= 6; v++) {
        has(&w, 0, version(v));
        look(&w);
        look(&w);
        view = mc_chain_hold(w.ring);
        check_version(view, v, 4);
        assert_non_null(mcos_view_previous(view));
        check_version(mcos_view_previous(view), v - 1, 4);
        assert_null(mcos_view_previous(mcos_view_previous(view)));
        mcos_view_release(view);
    }
    end(&w);

    begin(&w, NULL);
    has(&w, 0, version(4));
    w.place[0].before = version(3);
    look(&w);
    view = mc_chain_hold(w.ring);
    assert_null(mcos_view_previous(view));
    mcos_view_release(view);
    end(&w);
}

static void test_answers_say_how_clusters_are(void **state)
{
    /* c1 is there, c2 left, c3 is silent; of c0 nobody knows. */
    static const struct mc_cluster clusters[] = {
        {.name = {"c1"}, .state = MC_CLUSTER_ACTIVE},
        {.name = {"c2"}, .state = MC_CLUSTER_LEFT},
        {.name = {"c3"}, .state = MC_CLUSTER_SILENT},
    };
    static const uint8_t states[] = {MCOS_STATE_UNKNOWN, MCOS_STATE_ACTIVE,
                                     MCOS_STATE_LEFT, MCOS_STATE_SILENT};
    struct mcos_answer plain;
    struct mcos_answer first;
    struct mcos_device device;
    struct mcos_view *view;
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, version(2));
    memcpy(w.place[1].clusters, clusters, sizeof(clusters));
    w.place[1].cluster_count = 3;
    w.place[0].confirmed = 4321;
    look(&w);
    view = mc_chain_hold(w.ring);
    for (uint32_t p = 0; p < 16; p++) {
        unsigned n = 0;

        assert_int_equal(mcos_view_partition(view, p, 0, &plain), 0);
        assert_int_equal(mcos_view_partition(view, p, MCOS_ACTIVE_FIRST, &first), 0);
        assert_int_equal(first.device_count, plain.device_count);
        for (unsigned i = 0; i < plain.device_count; i++) {
            assert_int_equal(plain.states[i], states[plain.devices[i] % 4]);
            assert_int_equal(first.states[i], states[first.devices[i] % 4]);
        }
        for (unsigned i = 0; i < plain.device_count; i++) {
            if (plain.states[i] == MCOS_STATE_ACTIVE)
                assert_int_equal(first.devices[n++], plain.devices[i]);
        }
        for (unsigned i = 0; i < plain.device_count; i++) {
            if (plain.states[i] != MCOS_STATE_ACTIVE)
                assert_int_equal(first.devices[n++], plain.devices[i]);
        }
        assert_int_equal(plain.checked_at, w.now.wall_ns);
        assert_int_equal(plain.confirmed_at, 4321);
    }
    assert_int_equal(mcos_view_device(view, 5, &device), 0);
    assert_string_equal(device.name, "d5");
    assert_string_equal(device.cluster, "c1");
    assert_int_equal(device.state, MCOS_STATE_ACTIVE);
    assert_int_equal(device.port, 6205);
    assert_int_equal(mcos_view_device(view, SAMPLE_DEVICES, &device), MCOS_E_NOTFOUND);
    mcos_view_release(view);

    look(&w); /* nothing new: no new view */
    assert_int_equal(w.ring->stats.views, 1);
    w.place[1].clusters[0].state = MC_CLUSTER_SILENT;
    look(&w);
    assert_int_equal(w.ring->stats.views, 2);
    view = mc_chain_hold(w.ring);
    assert_int_equal(mcos_view_device(view, 5, &device), 0);
    assert_int_equal(device.state, MCOS_STATE_SILENT);
    mcos_view_release(view);
    end(&w);
}

static void test_names_are_looked_up(void **state)
{
    const struct mcos_key good = mcos_key("a", "c", "o");
    const struct mcos_key bad[] = {mcos_key("", NULL, NULL), mcos_key(NULL, "c", NULL),
                                   mcos_key("a", NULL, "o")};
    const struct mcos_key keys[] = {good, bad[0], mcos_key("a", "c", NULL), bad[2]};
    const struct mc_key inside = {{(const uint8_t *)"a", 1},
                                  {(const uint8_t *)"c", 1},
                                  {(const uint8_t *)"o", 1}};
    uint32_t partitions[4];
    uint32_t devices[4 * SAMPLE_REPLICAS];
    struct mcos_answer answer;
    struct mcos_view *view;
    struct world w;
    uint32_t part;

    (void)state;
    begin(&w, NULL);
    has(&w, 0, version(2));
    look(&w);
    view = mc_chain_hold(w.ring);
    assert_int_equal(mc_lookup_part(w.place[0].ring, NULL, &inside, &part), 0);
    assert_int_equal(mcos_view_lookup(view, &good, 0, &answer), 0);
    assert_int_equal(answer.partition, part);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(mcos_view_lookup(view, &bad[i], 0, &answer), MCOS_E_VALUE);
    assert_int_equal(mcos_view_partition(view, 16, 0, &answer), MCOS_E_VALUE);

    assert_int_equal(mcos_view_lookup_many(view, keys, 4, partitions, devices), 0);
    for (size_t i = 0; i < 4; i++) {
        int err = mcos_view_lookup(view, &keys[i], 0, &answer);

        assert_int_equal(partitions[i], err == 0 ? answer.partition : MCOS_NONE);
        for (unsigned r = 0; r < SAMPLE_REPLICAS; r++)
            assert_int_equal(devices[i * SAMPLE_REPLICAS + r],
                             err == 0 ? answer.devices[r] : MCOS_NONE);
    }
    assert_int_equal(mcos_view_lookup_many(view, NULL, 0, NULL, NULL), 0);
    mcos_view_release(view);
    end(&w);
}

static void test_a_deleted_ring_says_so(void **state)
{
    const struct mcos_key key = mcos_key("a", NULL, NULL);
    struct mcos_answer answer;
    struct mcos_view *view;
    uint32_t id;
    struct world w;

    (void)state;
    begin(&w, NULL);
    has(&w, 0,
        ring_sample(
            &(struct sample){.name = "photos", .version = 9, .tombstone = true}));
    look(&w);
    view = mc_chain_hold(w.ring);
    assert_int_equal(mcos_view_info(view)->deleted, 1);
    assert_int_equal(mcos_view_info(view)->version, 9);
    assert_int_equal(mcos_view_lookup(view, &key, 0, &answer), MCOS_E_DELETED);
    assert_int_equal(mcos_view_partition(view, 0, 0, &answer), MCOS_E_DELETED);
    assert_int_equal(mcos_view_handoffs(view, 0, 1, &id), MCOS_E_DELETED);
    assert_int_equal(mcos_view_lookup_many(view, &key, 1, &id, NULL), MCOS_E_DELETED);
    mcos_view_release(view);
    end(&w);
}

static void test_a_secret_that_is_missing_is_an_error(void **state)
{
    const struct mc_secret right = {{(const uint8_t *)"pre", 3},
                                    {(const uint8_t *)"suf", 3}};
    const struct mc_secret wrong = {{(const uint8_t *)"pre", 3},
                                    {(const uint8_t *)"off", 3}};
    const struct mc_secret *given[] = {&right, &wrong, NULL};
    const struct mcos_key key = mcos_key("a", "c", "o");
    const struct mc_key inside = {{(const uint8_t *)"a", 1},
                                  {(const uint8_t *)"c", 1},
                                  {(const uint8_t *)"o", 1}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct mc_chain_config config = {.secret = given[i]};
        struct mcos_answer answer;
        struct mcos_view *view;
        uint32_t part;
        struct world w;

        begin(&w, &config);
        has(&w, 0,
            ring_sample(&(struct sample){.name = "photos",
                                         .version = 1,
                                         .part_power = 4,
                                         .hash = MC_HASH_SWIFT_MD5,
                                         .secret = right}));
        look(&w);
        view = mc_chain_hold(w.ring);
        assert_int_equal(mcos_view_lookup(view, &key, 0, &answer),
                         i == 0 ? 0 : MCOS_E_SECRET);
        if (i == 0) {
            assert_int_equal(mc_lookup_part(w.place[0].ring, &right, &inside, &part),
                             0);
            assert_int_equal(answer.partition, part);
        }
        assert_int_equal(mcos_view_partition(view, 0, 0, &answer), 0);
        mcos_view_release(view);
        end(&w);
    }
}

static void test_look_ups_allocate_nothing(void **state)
{
    static uint32_t ids[MCOS_HANDOFFS_MAX];
    static uint8_t name[5000];
    const struct mcos_key keys[] = {{{name, 40}, {name, 40}, {name, sizeof(name)}},
                                    {{name, 7}, {NULL, 0}, {NULL, 0}}};
    const struct mc_secret secret = {{(const uint8_t *)"pre", 3}, {NULL, 0}};
    const struct mc_chain_config config = {.secret = &secret};

    (void)state;
    for (int hash = MC_HASH_XXH3; hash <= MC_HASH_SWIFT_MD5; hash++) {
        uint32_t partitions[2];
        uint32_t devices[2 * SAMPLE_REPLICAS];
        struct mcos_answer answer;
        struct mcos_device device;
        struct mcos_view *view;
        struct world w;

        begin(&w, &config);
        has(&w, 0,
            ring_sample(&(struct sample){.name = "photos",
                                         .version = 1,
                                         .part_power = 4,
                                         .hash = (enum mc_hash_kind)hash,
                                         .secret = secret}));
        look(&w);
        allocations = 0;
        view = mc_chain_hold(w.ring);
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(
                mcos_view_lookup(view, &keys[i], MCOS_ACTIVE_FIRST, &answer), 0);
        assert_int_equal(mcos_view_lookup_many(view, keys, 2, partitions, devices), 0);
        assert_int_equal(mcos_view_handoffs(view, 0, MCOS_HANDOFFS_MAX, ids),
                         SAMPLE_DEVICES - SAMPLE_REPLICAS);
        assert_int_equal(mcos_view_device(view, 0, &device), 0);
        mcos_view_release(view);
        assert_int_equal(allocations, 0);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_place_that_has_it_gives_it),
        cmocka_unit_test(test_what_is_in_force_never_gets_older),
        cmocka_unit_test(test_it_stays_through_every_failure),
        cmocka_unit_test(test_a_ring_of_another_system_is_refused),
        cmocka_unit_test(test_a_place_that_does_not_answer_is_left_alone_for_a_while),
        cmocka_unit_test(test_views_that_nobody_let_go_are_freed_at_the_end),
        cmocka_unit_test(test_a_place_that_takes_its_time_rests_afterwards),
        cmocka_unit_test(test_a_time_that_is_not_yet_does_not_stay),
        cmocka_unit_test(test_who_stops_waits_for_one_place_only),
        cmocka_unit_test(test_one_ring_that_cannot_be_read_holds_up_no_other),
        cmocka_unit_test(test_what_was_written_into_is_replaced_by_anything_good),
        cmocka_unit_test(test_a_damaged_first_look_takes_the_one_before),
        cmocka_unit_test(test_memory_that_fails_changes_nothing),
        cmocka_unit_test(test_a_view_does_not_change_while_it_is_held),
        cmocka_unit_test(test_the_version_before_is_kept_if_asked),
        cmocka_unit_test(test_answers_say_how_clusters_are),
        cmocka_unit_test(test_names_are_looked_up),
        cmocka_unit_test(test_a_deleted_ring_says_so),
        cmocka_unit_test(test_a_secret_that_is_missing_is_an_error),
        cmocka_unit_test(test_look_ups_allocate_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
