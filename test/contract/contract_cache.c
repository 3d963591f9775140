/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every cache promises, said by looking only through its port: the exact
 * record or a miss with a reason, in a stated time. Cases are named after the
 * faults that a cache is known for: down, forgetful in whole or in part, stale,
 * mixed, hung, used by strangers, written by several at once.
 */
#include "contract/contract_cache.h"

#include "contract/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SMALL 4u  /* part power: one piece */
#define LARGE 20u /* 2 MiB: several */

static struct contract_cache_world *world;

static int start(void **state)
{
    (void)state;
    return world->fresh(world);
}

static int stop(void **state)
{
    (void)state;
    world->close(world);
    return 0;
}

/* ---- words ---- */

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

/*
 * A machine that is busy may let a cache that is well miss its time: AWAY is an
 * answer that any call may give, so it is asked again where the case is not about that.
 */
static bool asks_again(int err, unsigned *tries)
{
    const struct timespec pause = {.tv_nsec = 200000000};

    if (err != MCOS_E_AWAY || ++*tries > 50)
        return false;
    (void)nanosleep(&pause, NULL);
    return true;
}

static int get(struct mc_cache *cache, const struct mc_ring *wanted,
               struct mc_ring **ret_ring)
{
    unsigned tries = 0;
    int err;

    do {
        err = cache->ops->get(cache, &mc_ring_head(wanted)->name, ret_ring);
    } while (asks_again(err, &tries));
    return err;
}

/* Puts it in, however many calls that takes; what the last of them said. */
static enum mc_cache_put put(struct mc_cache *cache, const struct mc_ring *ring)
{
    enum mc_cache_put said = MC_CACHE_MORE;

    unsigned tries = 0;

    for (unsigned i = 0; i < 1000 && said == MC_CACHE_MORE; i++) {
        int err = cache->ops->put(cache, ring, &said);

        /* Busy after that: what held the lock is the call that missed its time. */
        if (asks_again(err, &tries) ||
            (err == 0 && said == MC_CACHE_BUSY && tries != 0 &&
             asks_again(MCOS_E_AWAY, &tries))) {
            said = MC_CACHE_MORE;
            continue;
        }
        if (err != 0)
            fail_msg("put: %s: %s", mcos_err_text(err), cache->ops->trouble(cache));
        assert_string_equal(cache->ops->trouble(cache), "");
    }
    return said;
}

static void holds(struct mc_cache *cache, const struct mc_ring *wanted)
{
    struct mc_bytes a = mc_blob_get(mc_ring_blob(wanted));
    struct mc_ring *ring = NULL;
    struct mc_bytes b;
    int err = get(cache, wanted, &ring);

    if (err != 0)
        fail_msg("get: %s: %s", mcos_err_text(err), cache->ops->trouble(cache));
    b = mc_blob_get(mc_ring_blob(ring));
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
    mc_ring_unref(ring);
}

/* A miss for this reason, said in a sentence. */
static void misses(struct mc_cache *cache, const struct mc_ring *wanted, int reason)
{
    struct mc_ring *ring = NULL;
    int err = reason == MCOS_E_AWAY
                  ? cache->ops->get(cache, &mc_ring_head(wanted)->name, &ring)
                  : get(cache, wanted, &ring);

    assert_null(ring);
    assert_int_equal(err, reason);
    assert_string_not_equal(cache->ops->trouble(cache), "");
}

/* After this harm get() misses for the reason; putting it in again heals it. */
static void heals(struct mc_ring *ring, enum contract_cache_harm harm,
                  const struct mc_ring *other, int reason)
{
    enum mc_cache_put said = MC_CACHE_HELD;

    (void)put(world->one, ring);
    holds(world->two, ring);
    world->harm(world, ring, harm, other);
    misses(world->two, ring, reason);
    /* One piece of several is compared at each visit: it may take some. */
    for (unsigned i = 0; i < 8 && said == MC_CACHE_HELD; i++)
        said = put(world->one, ring);
    assert_int_equal(said, MC_CACHE_FILLED);
    holds(world->two, ring);
}

/* ---- cases ---- */

static void what_was_put_comes_out_exactly(void **state)
{
    struct mc_ring *small = record_mint("s", NULL, NULL, "", SMALL);
    struct mc_ring *large = record_mint("l", NULL, NULL, "", LARGE);

    (void)state;
    misses(world->one, small, MCOS_E_NOTFOUND);
    assert_int_equal(put(world->one, small), MC_CACHE_FILLED);
    assert_int_equal(put(world->one, large), MC_CACHE_FILLED);
    holds(world->two, small);
    holds(world->two, large);
    assert_int_equal(put(world->one, small), MC_CACHE_HELD);
    assert_int_equal(put(world->two, large), MC_CACHE_HELD);
    mc_ring_unref(small);
    mc_ring_unref(large);
}

static void a_record_as_large_as_many_pieces_comes_out_exactly(void **state)
{
    struct mc_ring *huge = record_mint("h", NULL, NULL, "", 24);

    (void)state;
    assert_int_equal(put(world->one, huge), MC_CACHE_FILLED);
    holds(world->two, huge);
    mc_ring_unref(huge);
}

static void an_update_replaces_and_older_is_never_over_newer(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", SMALL);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", SMALL);

    (void)state;
    (void)put(world->one, v1);
    assert_int_equal(put(world->two, v2), MC_CACHE_FILLED);
    holds(world->one, v2);
    assert_int_equal(put(world->one, v1), MC_CACHE_NEWER);
    holds(world->one, v2);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

/* Versions alike: the digest decides, at both writers the same way. */
static void of_two_records_of_one_version_the_greater_stays(void **state)
{
    struct mc_ring *a = record_mint("r", NULL, NULL, "a", SMALL);
    struct mc_ring *b = record_mint("r", NULL, NULL, "b", SMALL);
    bool a_less =
        memcmp(mc_ring_head(a)->digest, mc_ring_head(b)->digest, MC_DIGEST_BYTES) < 0;
    struct mc_ring *less = a_less ? a : b;
    struct mc_ring *greater = a_less ? b : a;

    (void)state;
    (void)put(world->one, less);
    assert_int_equal(put(world->two, greater), MC_CACHE_FILLED);
    assert_int_equal(put(world->one, less), MC_CACHE_NEWER);
    holds(world->one, greater);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

struct race {
    const struct mc_ring *ring;
    unsigned count;
};

static void other_puts(void *ctx)
{
    struct race *race = ctx;

    race->count++;
    (void)put(world->two, race->ring);
}

/* Two writers: the newer one comes between the older one's look and its move. */
static void a_newer_record_put_meanwhile_is_not_overwritten(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", SMALL);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", SMALL);
    struct mc_ring *v3 = record_mint("r", v2, NULL, "", SMALL);
    struct race race = {v3, 0};

    (void)state;
    if (world->interrupt == NULL)
        skip();
    world->interrupt(world, other_puts, &race); /* over nothing */
    assert_int_equal(put(world->one, v2), MC_CACHE_NEWER);
    assert_int_equal(race.count, 1);
    holds(world->one, v3);
    world->harm(world, v3, HARM_MANIFEST_GONE, NULL);
    (void)put(world->one, v1);
    world->interrupt(world, other_puts, &race); /* over an older one */
    assert_int_equal(put(world->one, v2), MC_CACHE_NEWER);
    assert_int_equal(race.count, 2);
    holds(world->one, v3);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void a_tombstone_is_held_like_any_record(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", SMALL);
    struct mc_ring *gone = record_tombstone(v1);
    struct mc_ring *out = NULL;
    struct mc_name name = record_name("r");

    (void)state;
    (void)put(world->one, v1);
    assert_int_equal(put(world->one, gone), MC_CACHE_FILLED);
    holds(world->two, gone);
    assert_int_equal(world->two->ops->get(world->two, &name, &out), 0);
    assert_true(mc_ring_head(out)->tombstone);
    mc_ring_unref(out);
    assert_int_equal(put(world->one, v1), MC_CACHE_NEWER);
    mc_ring_unref(v1);
    mc_ring_unref(gone);
}

static void rings_do_not_touch_one_another(void **state)
{
    struct mc_ring *a = record_mint("a", NULL, NULL, "", SMALL);
    struct mc_ring *b = record_mint("a-", NULL, NULL, "", SMALL);

    (void)state;
    (void)put(world->one, a);
    misses(world->one, b, MCOS_E_NOTFOUND);
    (void)put(world->one, b);
    world->harm(world, a, HARM_PIECE_GONE, NULL);
    holds(world->one, b);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

static void two_systems_in_one_cache_never_mix(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", SMALL);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", SMALL);

    (void)state;
    (void)put(world->one, v2);
    misses(world->other, v1, MCOS_E_NOTFOUND);
    assert_int_equal(put(world->other, v1), MC_CACHE_FILLED);
    holds(world->other, v1);
    holds(world->one, v2);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void evicts_the_manifest(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", SMALL);

    (void)state;
    heals(ring, HARM_MANIFEST_GONE, NULL, MCOS_E_NOTFOUND);
    mc_ring_unref(ring);
}

static void evicts_one_piece(void **state)
{
    struct mc_ring *small = record_mint("s", NULL, NULL, "", SMALL);
    struct mc_ring *large = record_mint("l", NULL, NULL, "", LARGE);

    (void)state;
    heals(small, HARM_PIECE_GONE, NULL, MCOS_E_NOTFOUND);
    heals(large, HARM_PIECE_GONE, NULL, MCOS_E_NOTFOUND);
    mc_ring_unref(small);
    mc_ring_unref(large);
}

static void stale_or_mixed_pieces_are_a_miss(void **state)
{
    struct mc_ring *v1 = record_mint("l", NULL, NULL, "1", LARGE);
    struct mc_ring *v2 = record_mint("l", v1, NULL, "2", LARGE);

    (void)state;
    (void)put(world->one, v1);
    heals(v2, HARM_PIECE_MIXED, v1, MCOS_E_DIGEST);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void damaged_pieces_are_a_miss(void **state)
{
    static const enum contract_cache_harm harms[] = {
        HARM_PIECE_FOREIGN, HARM_PIECE_SHORT, HARM_PIECE_LONG, HARM_PIECE_BIT};
    struct mc_ring *small = record_mint("s", NULL, NULL, "", SMALL);
    struct mc_ring *large = record_mint("l", NULL, NULL, "", LARGE);

    (void)state;
    for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
        heals(small, harms[i], NULL, MCOS_E_DIGEST);
        heals(large, harms[i], NULL, MCOS_E_DIGEST);
    }
    mc_ring_unref(small);
    mc_ring_unref(large);
}

static void foreign_bytes_under_the_manifests_key_are_a_miss(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", SMALL);
    struct mc_ring *other = record_mint("o", NULL, NULL, "", SMALL);

    (void)state;
    heals(ring, HARM_MANIFEST_FOREIGN, NULL, MCOS_E_FORMAT);
    heals(ring, HARM_MANIFEST_LARGE, NULL, MCOS_E_FORMAT);
    heals(ring, HARM_MANIFEST_OTHER, other, MCOS_E_FORMAT);
    heals(ring, HARM_MANIFEST_BIT, NULL, MCOS_E_DIGEST);
    mc_ring_unref(ring);
    mc_ring_unref(other);
}

static void what_a_later_version_wrote_is_left_alone(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", SMALL);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", SMALL);
    struct mc_ring *v3 = record_mint("r", v2, NULL, "", SMALL);

    (void)state;
    (void)put(world->one, v2);
    world->harm(world, v2, HARM_MANIFEST_LATER, NULL);
    misses(world->one, v2, MCOS_E_UPGRADE);
    assert_int_equal(put(world->one, v1), MC_CACHE_NEWER);
    assert_int_equal(put(world->one, v2), MC_CACHE_HELD);
    misses(world->one, v2, MCOS_E_UPGRADE);
    assert_int_equal(put(world->one, v3), MC_CACHE_FILLED);
    holds(world->one, v3);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void down_is_a_miss_and_a_restart_is_filled_again(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", SMALL);
    enum mc_cache_put said;

    (void)state;
    (void)put(world->one, ring);
    world->down(world, true);
    misses(world->one, ring, MCOS_E_AWAY);
    assert_int_equal(world->one->ops->put(world->one, ring, &said), MCOS_E_AWAY);
    assert_int_equal(world->one->ops->ping(world->one), MCOS_E_AWAY);
    assert_string_not_equal(world->one->ops->trouble(world->one), "");
    world->down(world, false);
    assert_int_equal(world->one->ops->ping(world->one), 0);
    misses(world->one, ring, MCOS_E_NOTFOUND);
    assert_int_equal(put(world->one, ring), MC_CACHE_FILLED);
    holds(world->two, ring); /* its connection is from before: no miss for that */
    mc_ring_unref(ring);
}

static void a_hung_cache_holds_nobody_up(void **state)
{
    struct mc_ring *ring = record_mint("l", NULL, NULL, "", LARGE);
    struct mc_ring *next = record_mint("l", ring, NULL, "", LARGE);
    enum mc_cache_put said;
    uint64_t began;

    (void)state;
    (void)put(world->one, ring);
    world->hang(world, true);
    began = now_ms();
    misses(world->one, ring, MCOS_E_AWAY);
    assert_in_range(now_ms() - began, 0, world->call_ms);
    for (unsigned i = 0; i < 2; i++) { /* on the old connection, and on a new one */
        began = now_ms();
        assert_int_equal(world->one->ops->put(world->one, next, &said), MCOS_E_AWAY);
        assert_in_range(now_ms() - began, 0, world->call_ms);
    }
    began = now_ms();
    assert_int_equal(world->one->ops->ping(world->one), MCOS_E_AWAY);
    assert_in_range(now_ms() - began, 0, world->call_ms);
    world->hang(world, false);
    holds(world->one, ring);
    assert_int_equal(put(world->one, next), MC_CACHE_FILLED);
    holds(world->two, next);
    mc_ring_unref(ring);
    mc_ring_unref(next);
}

/* A large record takes several calls; one may be about another ring meanwhile. */
static void half_a_record_is_a_miss_and_not_the_end(void **state)
{
    struct mc_ring *huge = record_mint("h", NULL, NULL, "", 24);
    struct mc_ring *small = record_mint("s", NULL, NULL, "", SMALL);
    enum mc_cache_put said;

    (void)state;
    assert_int_equal(world->one->ops->put(world->one, huge, &said), 0);
    if (said == MC_CACHE_MORE)
        misses(world->two, huge, MCOS_E_NOTFOUND);
    assert_int_equal(put(world->one, small), MC_CACHE_FILLED);
    (void)put(world->one, huge);
    holds(world->two, huge);
    holds(world->two, small);
    mc_ring_unref(huge);
    mc_ring_unref(small);
}

int contract_cache_run(struct contract_cache_world *the_world)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(what_was_put_comes_out_exactly),
        CASE(a_record_as_large_as_many_pieces_comes_out_exactly),
        CASE(an_update_replaces_and_older_is_never_over_newer),
        CASE(of_two_records_of_one_version_the_greater_stays),
        CASE(a_newer_record_put_meanwhile_is_not_overwritten),
        CASE(a_tombstone_is_held_like_any_record),
        CASE(rings_do_not_touch_one_another),
        CASE(two_systems_in_one_cache_never_mix),
        CASE(evicts_the_manifest),
        CASE(evicts_one_piece),
        CASE(stale_or_mixed_pieces_are_a_miss),
        CASE(damaged_pieces_are_a_miss),
        CASE(foreign_bytes_under_the_manifests_key_are_a_miss),
        CASE(what_a_later_version_wrote_is_left_alone),
        CASE(down_is_a_miss_and_a_restart_is_filled_again),
        CASE(a_hung_cache_holds_nobody_up),
        CASE(half_a_record_is_a_miss_and_not_the_end),
    };
#undef CASE
    world = the_world;
    return cmocka_run_group_tests_name(world->name, tests, NULL, NULL);
}
