/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every store promises, said by looking only through its port: so that the
 * simulator's fake and the adapters that ship can stand in for one another.
 */
#include "contract/contract_store.h"

#include "contract/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct contract_store_world *world;

static int start(void **state)
{
    (void)state;
    return world->fresh(world);
}

static int stop(void **state)
{
    (void)state;
    world->close(world);
    world->store = NULL;
    return 0;
}

static struct mc_merge merge(struct mc_ring *ring)
{
    struct mc_merge out;

    assert_int_equal(world->store->ops->merge(world->store, ring, &out), 0);
    return out;
}

static void expect(struct mc_ring *ring, enum mc_verdict verdict,
                   enum mc_relation relation)
{
    struct mc_merge out = merge(ring);

    assert_int_equal(out.verdict, verdict);
    assert_int_equal(out.relation, relation);
}

static void holds(const char *name, const struct mc_ring *wanted)
{
    struct mc_name n = record_name(name);
    struct mc_ring *ring = NULL;

    assert_int_equal(world->store->ops->get(world->store, &n, &ring), 0);
    assert_true(record_same(ring, wanted));
    mc_ring_unref(ring);
}

static int get_digest(const struct mc_ring *wanted)
{
    const struct mc_head *head = mc_ring_head(wanted);
    struct mc_ring *ring = NULL;
    int err =
        world->store->ops->get_digest(world->store, &head->name, head->digest, &ring);

    if (err == 0)
        assert_true(record_same(ring, wanted));
    else
        assert_null(ring);
    mc_ring_unref(ring);
    return err;
}

static size_t loser_count(const char *name)
{
    struct mc_ring *rings[MC_LOSERS_MAX];
    struct mc_name n = record_name(name);
    size_t count = SIZE_MAX;

    assert_int_equal(world->store->ops->losers(world->store, &n, rings, &count), 0);
    assert_true(count <= MC_LOSERS_MAX);
    for (size_t i = 0; i < count; i++)
        mc_ring_unref(rings[i]);
    return count;
}

static bool is_loser(const struct mc_ring *wanted)
{
    struct mc_ring *rings[MC_LOSERS_MAX];
    size_t count = 0;
    bool found = false;

    assert_int_equal(world->store->ops->losers(
                         world->store, &mc_ring_head(wanted)->name, rings, &count),
                     0);
    for (size_t i = 0; i < count; i++) {
        found = found || record_same(rings[i], wanted);
        mc_ring_unref(rings[i]);
    }
    return found;
}

static void reopen(void)
{
    assert_int_equal(world->reopen(world), 0);
}

/* Two records of one place: *greater wins. */
static void mint_two(const struct mc_ring *held, struct mc_ring **greater,
                     struct mc_ring **smaller)
{
    struct mc_ring *a = record_mint("r", held, NULL, "a", 2);
    struct mc_ring *b = record_mint("r", held, NULL, "b", 2);
    struct mc_stamp sa = mc_stamp_of(mc_ring_head(a));
    struct mc_stamp sb = mc_stamp_of(mc_ring_head(b));
    bool a_wins = mc_stamp_cmp(&sa, &sb) > 0;

    *greater = a_wins ? a : b;
    *smaller = a_wins ? b : a;
}

static void a_record_is_added_then_replaced_then_the_same_then_older(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", 2);

    (void)state;
    expect(v1, MC_MERGE_ADDED, MC_RELATION_LINE);
    holds("r", v1);
    expect(v1, MC_MERGE_SAME, MC_RELATION_LINE);
    expect(v2, MC_MERGE_REPLACED, MC_RELATION_LINE);
    holds("r", v2);
    expect(v1, MC_MERGE_OLDER, MC_RELATION_LINE);
    holds("r", v2);
    assert_int_equal(loser_count("r"), 0);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void the_bytes_that_come_out_are_those_that_went_in(void **state)
{
    struct mc_name n = record_name("r");
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "some text", 10);
    struct mc_ring *got = NULL;
    struct mc_bytes a = mc_blob_get(mc_ring_blob(v1));
    struct mc_bytes b;

    (void)state;
    (void)merge(v1);
    assert_int_equal(world->store->ops->get(world->store, &n, &got), 0);
    b = mc_blob_get(mc_ring_blob(got));
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
    mc_ring_unref(got);
    mc_ring_unref(v1);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct mc_name n = record_name("nothing");
    struct mc_ring *v1 = record_mint("nothing", NULL, NULL, "", 2);
    struct mc_ring *ring = NULL;
    struct mc_name *names = NULL;
    size_t count = 1;

    (void)state;
    assert_int_equal(world->store->ops->get(world->store, &n, &ring), MCOS_E_NOTFOUND);
    assert_null(ring);
    assert_int_equal(get_digest(v1), MCOS_E_GONE);
    assert_int_equal(loser_count("nothing"), 0);
    assert_int_equal(world->store->ops->list(world->store, &names, &count), 0);
    assert_int_equal(count, 0);
    free(names);
    mc_ring_unref(v1);
}

static void names_are_listed_in_order(void **state)
{
    static const char *const in[] = {"b", "a-1", "a", "a_1", "a1", "z"};
    static const char *const out[] = {"a", "a-1", "a1", "a_1", "b", "z"};
    struct mc_name *names = NULL;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct mc_ring *ring = record_mint(in[i], NULL, NULL, "", 2);

        (void)merge(ring);
        mc_ring_unref(ring);
    }
    assert_int_equal(world->store->ops->list(world->store, &names, &count), 0);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(names[i].s, out[i]);
    free(names);
}

static void all_survives_a_restart(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *greater;
    struct mc_ring *smaller;
    struct mc_ring *other = record_mint("s", NULL, NULL, "", 2);

    (void)state;
    mint_two(v1, &greater, &smaller);
    (void)merge(v1);
    (void)merge(greater);
    (void)merge(smaller);
    (void)merge(other);
    reopen();
    holds("r", greater);
    holds("s", other);
    assert_true(is_loser(smaller));
    assert_int_equal(loser_count("r"), 1);
    expect(greater, MC_MERGE_SAME, MC_RELATION_LINE);
    mc_ring_unref(v1);
    mc_ring_unref(greater);
    mc_ring_unref(smaller);
    mc_ring_unref(other);
}

static void the_loser_of_a_conflict_is_kept_whichever_came_first(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct mc_ring *greater;
        struct mc_ring *smaller;

        mint_two(NULL, &greater, &smaller);
        (void)merge(first == 0 ? greater : smaller);
        if (first == 0)
            expect(smaller, MC_MERGE_OLDER, MC_RELATION_CONFLICT);
        else
            expect(greater, MC_MERGE_REPLACED, MC_RELATION_CONFLICT);
        holds("r", greater);
        assert_true(is_loser(smaller));
        assert_int_equal(get_digest(smaller), 0);
        expect(smaller, MC_MERGE_OLDER, MC_RELATION_CONFLICT); /* once more: no twin */
        assert_int_equal(loser_count("r"), 1);
        mc_ring_unref(greater);
        mc_ring_unref(smaller);
        world->close(world);
        assert_int_equal(world->fresh(world), 0);
    }
}

static void a_record_that_descends_from_losers_settles_them(void **state)
{
    struct mc_ring *greater;
    struct mc_ring *smaller;
    struct mc_ring *line;
    struct mc_ring *both;

    (void)state;
    mint_two(NULL, &greater, &smaller);
    (void)merge(greater);
    (void)merge(smaller);
    line = record_mint("r", greater, NULL, "", 2);
    expect(line, MC_MERGE_REPLACED, MC_RELATION_LINE);
    assert_int_equal(loser_count("r"), 1); /* line knows nothing of it */
    both = record_mint("r", line, smaller, "", 2);
    expect(both, MC_MERGE_REPLACED, MC_RELATION_LINE);
    assert_int_equal(loser_count("r"), 0);
    expect(smaller, MC_MERGE_OLDER, MC_RELATION_LINE);
    assert_int_equal(loser_count("r"), 0);
    reopen();
    assert_int_equal(loser_count("r"), 0);
    mc_ring_unref(greater);
    mc_ring_unref(smaller);
    mc_ring_unref(line);
    mc_ring_unref(both);
}

static void a_loser_leaves_when_the_record_held_can_no_longer_tell(void **state)
{
    struct mc_ring *line;
    struct mc_ring *greater;
    struct mc_ring *smaller;

    (void)state;
    mint_two(NULL, &greater, &smaller);
    (void)merge(greater);
    (void)merge(smaller);
    line = mc_ring_ref(greater);
    for (unsigned i = 1; i <= MC_ANCESTORS_MAX + 76; i++) {
        struct mc_ring *next = record_mint("r", line, NULL, "", 2);

        mc_ring_unref(line);
        line = next;
        if (i % 100 != 0)
            continue;
        expect(line, MC_MERGE_REPLACED, MC_RELATION_LINE);
        assert_int_equal(loser_count("r"), i < MC_ANCESTORS_MAX ? 1 : 0);
    }
    assert_int_equal(mc_ring_descends(line, mc_ring_head(smaller)), MC_DESCENT_UNKNOWN);
    expect(smaller, MC_MERGE_OLDER, MC_RELATION_UNKNOWN);
    assert_int_equal(loser_count("r"), 0);
    reopen();
    assert_int_equal(loser_count("r"), 0);
    mc_ring_unref(greater);
    mc_ring_unref(smaller);
    mc_ring_unref(line);
}

static void at_most_so_many_losers_are_kept(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", 2);
    char note[16];

    (void)state;
    (void)merge(v2);
    for (unsigned i = 0; i <= MC_LOSERS_MAX; i++) {
        struct mc_ring *loser;

        (void)snprintf(note, sizeof(note), "%u", i);
        loser = record_mint("r", NULL, NULL, note, 2);
        expect(loser, MC_MERGE_OLDER, MC_RELATION_CONFLICT);
        assert_int_equal(loser_count("r"), i < MC_LOSERS_MAX ? i + 1 : MC_LOSERS_MAX);
        mc_ring_unref(loser);
    }
    holds("r", v2);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void older_versions_are_found_by_digest_until_they_are_gone(void **state)
{
    unsigned count = world->keeps + 3;
    struct mc_ring **line = calloc(count, sizeof(*line));

    (void)state;
    assert_non_null(line);
    for (unsigned i = 0; i < count; i++) {
        line[i] = record_mint("r", i == 0 ? NULL : line[i - 1], NULL, "", 2);
        (void)merge(line[i]);
    }
    for (unsigned i = count - 1 - world->keeps; i < count; i++)
        assert_int_equal(get_digest(line[i]), 0);
    reopen();
    for (unsigned i = count - 1 - world->keeps; i < count; i++)
        assert_int_equal(get_digest(line[i]), 0);
    assert_int_equal(get_digest(line[0]), MCOS_E_GONE);
    holds("r", line[count - 1]);
    for (unsigned i = 0; i < count; i++)
        mc_ring_unref(line[i]);
    free(line);
}

static void a_tombstone_is_held_like_any_record(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *v2 = record_tombstone(v1);
    struct mc_ring *v3 = record_mint("r", v2, NULL, "", 2);
    struct mc_name *names = NULL;
    size_t count = 0;

    (void)state;
    (void)merge(v1);
    expect(v2, MC_MERGE_REPLACED, MC_RELATION_LINE);
    reopen();
    holds("r", v2);
    assert_int_equal(world->store->ops->list(world->store, &names, &count), 0);
    assert_int_equal(count, 1);
    free(names);
    expect(v1, MC_MERGE_OLDER, MC_RELATION_LINE); /* the dead do not come back */
    holds("r", v2);
    expect(v3, MC_MERGE_REPLACED, MC_RELATION_LINE);
    holds("r", v3);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void a_ring_that_was_read_outlives_its_replacement_and_the_store(void **state)
{
    struct mc_name n = record_name("r");
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 12);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", 2);
    struct mc_ring *old = NULL;

    (void)state;
    (void)merge(v1);
    assert_int_equal(world->store->ops->get(world->store, &n, &old), 0);
    (void)merge(v2);
    world->close(world);
    for (uint32_t p = 0; p < mc_ring_part_count(old); p++)
        assert_int_equal(mc_ring_at(old, p, 0), p % 2);
    mc_ring_unref(old);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    assert_int_equal(world->fresh(world), 0);
}

static void the_clusters_file_comes_back_as_it_was_saved(void **state)
{
    const char *const texts[] = {"one\n", "", "three\n"};
    struct mc_blob *blob = NULL;

    (void)state;
    assert_int_equal(world->store->ops->load_clusters(world->store, &blob),
                     MCOS_E_NOTFOUND);
    for (size_t i = 0; i < 3; i++) {
        struct mc_bytes text = {(const uint8_t *)texts[i], strlen(texts[i])};

        assert_int_equal(world->store->ops->save_clusters(world->store, text), 0);
        if (i == 2)
            reopen();
        assert_int_equal(world->store->ops->load_clusters(world->store, &blob), 0);
        assert_int_equal(mc_blob_get(blob).len, text.len);
        if (text.len != 0)
            assert_memory_equal(mc_blob_get(blob).ptr, text.ptr, text.len);
        mc_blob_unref(blob);
        blob = NULL;
    }
}

static void a_merge_that_fails_changes_nothing_and_the_next_one_works(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", 2);
    struct mc_ring *loser = record_mint("r", NULL, NULL, "other", 2);
    struct mc_ring *fresh = record_mint("s", NULL, NULL, "", 2);
    struct mc_ring *failing[] = {v2, loser, fresh};
    struct mc_name *names = NULL;
    struct mc_merge out = {MC_MERGE_OLDER, MC_RELATION_UNKNOWN};
    size_t count = 0;

    (void)state;
    if (world->break_writes == NULL)
        skip();
    (void)merge(v1);
    world->break_writes(world, true);
    for (size_t i = 0; i < 3; i++) {
        int err = world->store->ops->merge(world->store, failing[i], &out);

        assert_true(err == MCOS_E_IO || err == MCOS_E_FULL || err == MCOS_E_LOCKED);
        assert_int_equal(out.relation, MC_RELATION_UNKNOWN);
    }
    world->break_writes(world, false);
    holds("r", v1);
    assert_int_equal(loser_count("r"), 0);
    assert_int_equal(get_digest(v2), MCOS_E_GONE);
    assert_int_equal(world->store->ops->list(world->store, &names, &count), 0);
    assert_int_equal(count, 1);
    free(names);
    expect(v2, MC_MERGE_REPLACED, MC_RELATION_LINE);
    holds("r", v2);
    for (size_t i = 0; i < 3; i++)
        mc_ring_unref(failing[i]);
    mc_ring_unref(v1);
}

static bool keeps(const struct mc_ring *ring)
{
    return world->store->ops->keeps(world->store, ring);
}

/* It may take a while until a look tells. */
static void read_until_kept(const char *name, const struct mc_ring *wanted)
{
    const struct timespec a_while = {.tv_nsec = 10 * 1000 * 1000};

    for (unsigned i = 0; i < 100; i++) {
        holds(name, wanted);
        if (keeps(wanted))
            return;
        (void)nanosleep(&a_while, NULL);
    }
    fail();
}

static void only_what_was_read_and_not_touched_since_is_kept(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *greater;
    struct mc_ring *smaller;

    (void)state;
    mint_two(v1, &greater, &smaller);
    assert_int_equal(world->store->ops->keeps != NULL, world->looks);
    if (!world->looks)
        skip();
    assert_false(keeps(v1));
    (void)merge(v1);
    read_until_kept("r", v1);
    assert_false(keeps(greater));
    (void)merge(greater);
    assert_false(keeps(v1));
    read_until_kept("r", greater);
    assert_false(keeps(v1));
    (void)merge(smaller); /* beside it */
    assert_false(keeps(smaller));
    read_until_kept("r", greater);
    if (world->wipe != NULL) {
        world->wipe(world);
        assert_false(keeps(greater));
    }
    world->close(world);
    assert_int_equal(world->fresh(world), 0);
    assert_false(keeps(greater));
    mc_ring_unref(v1);
    mc_ring_unref(greater);
    mc_ring_unref(smaller);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)

int contract_store_run(struct contract_store_world *of)
{
    const struct CMUnitTest cases[] = {
        CASE(a_record_is_added_then_replaced_then_the_same_then_older),
        CASE(the_bytes_that_come_out_are_those_that_went_in),
        CASE(what_is_not_there_is_not_found),
        CASE(names_are_listed_in_order),
        CASE(all_survives_a_restart),
        CASE(the_loser_of_a_conflict_is_kept_whichever_came_first),
        CASE(a_record_that_descends_from_losers_settles_them),
        CASE(a_loser_leaves_when_the_record_held_can_no_longer_tell),
        CASE(at_most_so_many_losers_are_kept),
        CASE(older_versions_are_found_by_digest_until_they_are_gone),
        CASE(a_tombstone_is_held_like_any_record),
        CASE(a_ring_that_was_read_outlives_its_replacement_and_the_store),
        CASE(the_clusters_file_comes_back_as_it_was_saved),
        CASE(a_merge_that_fails_changes_nothing_and_the_next_one_works),
        CASE(only_what_was_read_and_not_touched_since_is_kept),
    };

    world = of;
    return cmocka_run_group_tests_name(of->name, cases, NULL, NULL);
}
