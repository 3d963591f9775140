/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper decides when the cache is spoken to. A real agent over real files,
 * with a cache in memory and a clock that the test moves: so "after 1, 2, 4 s"
 * and "not more often than" are exact, and nothing is waited for.
 */
#include "adapter/file/store.h"
#include "contract/records.h"
#include "contract/scratch.h"
#include "fake/cache.h"
#include "node/agent.h"
#include "node/keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INTERVAL_MS 10000u
#define LOG_BYTES   65536u
#define SYSTEM      7u

static struct {
    char data[SCRATCH_MAX];
    struct mc_store *store;
    struct mc_agent *agent;
    struct fake_shelf shelf;
    struct mc_cache *cache;
    uint64_t now_ms;
    char log[LOG_BYTES];
} w;

/* ---- ports ---- */

static int bus_publish(struct mc_bus *bus, const struct mc_letter_head *head,
                       struct mc_bytes body, uint64_t token)
{
    (void)bus;
    (void)head;
    (void)body;
    (void)token;
    return 0;
}

static int bus_next(struct mc_bus *bus, struct mc_bus_event *ret_event,
                    uint64_t *ret_wait_ms)
{
    (void)bus;
    (void)ret_event;
    *ret_wait_ms = UINT64_MAX;
    return MCOS_E_EMPTY;
}

static void bus_ack(struct mc_bus *bus, uint64_t delivery)
{
    (void)bus;
    (void)delivery;
}

static uint64_t clock_now_ms(struct mc_clock *clock)
{
    (void)clock;
    return w.now_ms;
}

static uint64_t clock_wall_ns(struct mc_clock *clock)
{
    (void)clock;
    return 1700000000000000000ull + w.now_ms * 1000000ull;
}

static void log_line(struct mc_log *log, enum mc_log_level level, const char *text)
{
    size_t used = strlen(w.log);

    (void)log;
    (void)level;
    (void)snprintf(w.log + used, LOG_BYTES - used, "%s\n", text);
}

static const struct mc_bus_ops bus_ops = {
    .publish = bus_publish, .next = bus_next, .ack = bus_ack};
static struct mc_bus bus = {&bus_ops};
static struct mc_clock the_clock = {clock_now_ms, clock_wall_ns};
static struct mc_log the_log = {log_line};

/* ---- words ---- */

static size_t said(const char *event)
{
    size_t count = 0;

    for (const char *at = w.log; (at = strstr(at, event)) != NULL; at++)
        count++;
    return count;
}

static void start_agent(bool with_cache)
{
    struct mc_machine_config config = {.announce_interval_ms = INTERVAL_MS,
                                       .inactive_after_ms = 3 * INTERVAL_MS,
                                       .alone = true,
                                       .incarnation = 1,
                                       .seed = 1};
    struct mc_agent_ports ports = {.bus = &bus,
                                   .store = w.store,
                                   .clock = &the_clock,
                                   .log = &the_log,
                                   .cache = with_cache ? w.cache : NULL};

    config.cluster = record_name("c1");
    memset(config.system, SYSTEM, sizeof(config.system));
    memset(config.uid, 1, sizeof(config.uid));
    assert_int_equal(mc_agent_new(&config, &ports, &w.agent, NULL), 0);
}

static int setup(void **state)
{
    struct mc_file_store_config config = {
        .data = w.data, .keep_versions = 2, .verify = true};

    (void)state;
    memset(&w, 0, sizeof(w));
    w.now_ms = 1000000;
    w.cache = fake_cache_new(&w.shelf, SYSTEM);
    return w.cache == NULL || !scratch_make(w.data) ||
                   mc_file_store_open(&config, &w.store, NULL) != 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    mc_agent_free(w.agent);
    w.store->ops->close(w.store);
    w.cache->ops->close(w.cache);
    fake_shelf_empty(&w.shelf);
    scratch_remove(w.data);
    return 0;
}

/* Rings r00, r01, ... in the store, before the agent starts. */
static void keep_rings(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct mc_merge merge;
        struct mc_ring *ring;
        char name[16];

        (void)snprintf(name, sizeof(name), "r%02u", i);
        ring = record_mint(name, NULL, NULL, "", 2);
        assert_int_equal(w.store->ops->merge(w.store, ring, &merge), 0);
        mc_ring_unref(ring);
    }
}

/* Lets the agent run as its loop would, for so long. Returns the number of turns. */
static unsigned run_for(uint64_t ms)
{
    uint64_t end = w.now_ms + ms;
    unsigned turns = 0;

    while (w.now_ms < end) {
        uint64_t due = mc_agent_turn(w.agent);

        turns++;
        assert_true(turns < 100000);
        if (due <= w.now_ms)
            due = w.now_ms + 1;
        w.now_ms = due < end ? due : end;
    }
    return turns;
}

static unsigned on_shelf(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < FAKE_SHELF_MAX; i++)
        count += w.shelf.items[i].ring != NULL;
    return count;
}

static struct mc_ring *mint(const char *name, bool delete)
{
    struct mc_expect expect = {.kind = MC_EXPECT_ABSENT};
    const struct mc_ring *held = mc_agent_ring_find(w.agent, name);
    struct mc_ring *ring = NULL;
    struct mc_draft draft;
    bool distributed;
    uint64_t retry_ms;

    mc_draft_init(&draft);
    if (held != NULL) {
        const struct mc_head *head = mc_ring_head(held);

        expect = (struct mc_expect){
            .kind = MC_EXPECT_EXACT, .epoch = head->epoch, .version = head->version};
        memcpy(expect.digest4, head->digest, 4);
        if (!delete)
            assert_int_equal(mc_draft_from_ring(&draft, held), 0);
    }
    draft.head.name = record_name(name);
    if (delete) {
        draft.head.tombstone = true;
        draft.head.next_part_power = 0;
        draft.head.hash = (enum mc_hash_kind)0;
    }
    assert_int_equal(
        mc_agent_mint(w.agent, &draft, &expect, &ring, &distributed, &retry_ms, NULL),
        0);
    mc_draft_fini(&draft);
    return ring;
}

/* ---- cases ---- */

static void without_a_cache_there_is_none(void **state)
{
    (void)state;
    keep_rings(1);
    start_agent(false);
    (void)run_for(INTERVAL_MS);
    assert_string_equal(mc_agent_cache_state(w.agent), "none");
    assert_int_equal(w.shelf.puts, 0);
}

static void all_rings_are_put_in_at_the_start_one_a_turn(void **state)
{
    (void)state;
    keep_rings(20);
    start_agent(true);
    assert_int_equal(w.shelf.puts, 0); /* starting waits for no cache */
    (void)mc_agent_turn(w.agent);
    assert_int_equal(w.shelf.puts, 1);
    (void)run_for(1000);
    assert_int_equal(on_shelf(), 20);
    assert_string_equal(mc_agent_cache_state(w.agent), "up");
}

static void in_quiet_one_ring_is_looked_after_in_an_interval(void **state)
{
    unsigned before;

    (void)state;
    keep_rings(20);
    start_agent(true);
    (void)run_for(1000);
    before = w.shelf.puts;
    (void)run_for(20 * INTERVAL_MS);
    assert_in_range(w.shelf.puts - before, 19, 21);
    assert_int_equal(said("event=cache-refill"), 0);
}

static void with_no_rings_it_is_asked_whether_it_is_there(void **state)
{
    (void)state;
    start_agent(true);
    (void)run_for(3 * INTERVAL_MS);
    assert_in_range(w.shelf.pings, 2, 4);
    assert_string_equal(mc_agent_cache_state(w.agent), "up");
}

static void what_is_adopted_is_put_in_at_once_a_tombstone_too(void **state)
{
    struct mc_ring *ring;

    (void)state;
    keep_rings(3);
    start_agent(true);
    (void)run_for(1000);
    ring = mint("r01", false);
    (void)run_for(10);
    assert_true(record_same(ring, fake_shelf_find(&w.shelf, SYSTEM, "r01")->ring));
    mc_ring_unref(ring);
    ring = mint("r01", true);
    (void)run_for(10);
    assert_true(record_same(ring, fake_shelf_find(&w.shelf, SYSTEM, "r01")->ring));
    mc_ring_unref(ring);
}

static void away_is_asked_after_1_2_4_to_60_s_and_said_once(void **state)
{
    static const unsigned puts_after_s[][2] = {
        {0, 1}, {1, 2}, {3, 3}, {7, 4}, {15, 5}, {31, 6}, {63, 7}, {123, 8}, {183, 9}};
    uint64_t began = w.now_ms;

    (void)state;
    keep_rings(3);
    w.shelf.down = true;
    start_agent(true);
    for (size_t i = 0; i < sizeof(puts_after_s) / sizeof(puts_after_s[0]); i++) {
        (void)run_for(began + puts_after_s[i][0] * 1000u + 500u - w.now_ms);
        assert_int_equal(w.shelf.puts, puts_after_s[i][1]);
    }
    mc_ring_unref(mint("r00", false)); /* a change does not ask it more often */
    (void)run_for(100);
    assert_int_equal(w.shelf.puts, 9);
    assert_string_equal(mc_agent_cache_state(w.agent), "away");
    assert_int_equal(said("event=cache-away"), 1);
    w.shelf.down = false;
    (void)run_for(60000);
    assert_int_equal(on_shelf(), 3);
    assert_int_equal(said("event=cache-back"), 1);
    assert_string_equal(mc_agent_cache_state(w.agent), "up");
}

static void one_that_is_missing_brings_a_look_at_all(void **state)
{
    (void)state;
    keep_rings(20);
    start_agent(true);
    (void)run_for(1000);
    fake_shelf_empty(&w.shelf); /* a restart between two of our calls */
    (void)run_for(INTERVAL_MS + 1000);
    assert_int_equal(on_shelf(), 20);
    assert_int_equal(said("event=cache-refill"), 1);
}

/* A cache too small for all rings must not keep the agent busy. */
static void a_cache_that_goes_on_forgetting_is_not_filled_without_end(void **state)
{
    unsigned before;

    (void)state;
    keep_rings(20);
    start_agent(true);
    (void)run_for(1000);
    before = w.shelf.puts;
    for (unsigned i = 0; i < 100; i++) {
        fake_shelf_empty(&w.shelf);
        (void)run_for(INTERVAL_MS);
    }
    assert_in_range(w.shelf.puts - before, 100, 100 + 11 * 20);
    assert_in_range(said("event=cache-refill"), 9, 11);
}

static void a_ring_that_is_refused_is_said_once_and_keeps_none_from_the_others(void **s)
{
    (void)s;
    keep_rings(2);
    w.shelf.refuses = MCOS_E_TOOBIG;
    start_agent(true);
    (void)run_for(10 * INTERVAL_MS);
    assert_int_equal(said("event=cache-trouble"), 2); /* each once */
    assert_string_equal(mc_agent_cache_state(w.agent), "up");
    assert_in_range(w.shelf.puts, 10, 14);
    w.shelf.refuses = 0;
    (void)run_for(3 * INTERVAL_MS);
    assert_int_equal(on_shelf(), 2);
}

static void where_another_agent_fills_ours_looks_again_later(void **state)
{
    (void)state;
    keep_rings(1);
    w.shelf.filling = true;
    start_agent(true);
    (void)run_for(5000);
    assert_in_range(w.shelf.puts, 1, 2);
    w.shelf.filling = false; /* it died: the ring is still missing */
    (void)run_for(MC_KEEPER_BUSY_MS);
    assert_int_equal(on_shelf(), 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(without_a_cache_there_is_none),
        CASE(all_rings_are_put_in_at_the_start_one_a_turn),
        CASE(in_quiet_one_ring_is_looked_after_in_an_interval),
        CASE(with_no_rings_it_is_asked_whether_it_is_there),
        CASE(what_is_adopted_is_put_in_at_once_a_tombstone_too),
        CASE(away_is_asked_after_1_2_4_to_60_s_and_said_once),
        CASE(one_that_is_missing_brings_a_look_at_all),
        CASE(a_cache_that_goes_on_forgetting_is_not_filled_without_end),
        CASE(a_ring_that_is_refused_is_said_once_and_keeps_none_from_the_others),
        CASE(where_another_agent_fills_ours_looks_again_later),
    };
#undef CASE
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
