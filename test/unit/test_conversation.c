/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One machine, fed by hand: when it announces, asks and answers, whom it holds for
 * alive, and when it may not mint (P20 to P56 of docs/protocol.md).
 */
#include "machine_voice.h"
#include "sync/timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- asking ---- */

static void a_late_want_waits_three_seconds_an_early_one_does_not(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);

    (void)state;
    voice_give_announcement(v1);
    kit_trace_clear(k);
    kit_run(k, MC_WANT_LATE_MS - 1);
    assert_false(voice_said("want talk.far"));
    kit_run(k, 1);
    assert_true(voice_said("note behind / want talk.far"));

    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 10);
    voice_give_announcement(v1);
    kit_trace_clear(k);
    kit_run(k, MC_WANT_EARLY_MS);
    assert_true(voice_said("want talk.far"));
    mc_ring_unref(v1);
}

static void the_next_want_goes_to_another_holder_and_patience_grows_late(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_entry e = kit_entry(v1);
    unsigned before;

    (void)state;
    voice_give_announcement(v1);
    voice_give_announcement_as("near", &e, 1, 600000);
    kit_run(k, MC_WANT_LATE_MS);
    kit_trace_clear(k);
    before = k->nodes[0].wants;
    kit_run(k, MC_WANT_RETRY_MS / 2 - 1);
    assert_int_equal(k->nodes[0].wants, before); /* one outstanding */
    kit_run(k, MC_WANT_RETRY_MS / 2 + 1);
    assert_true(voice_said("want talk.near"));
    voice_give_announcement(v1);
    kit_run(k, (MC_WANT_EVEN_TRIES - 1) * MC_WANT_RETRY_MS);
    assert_true(voice_said("want talk.far"));
    before = k->nodes[0].wants;
    kit_run(k, 2 * MC_WANT_RETRY_MS - 10);
    assert_true(k->nodes[0].wants <= before + 1); /* doubled by now */
    kit_run(k, 60000);
    assert_true(k->nodes[0].wants > before + 1); /* and never given up */
    mc_ring_unref(v1);
}

static void what_came_damaged_is_asked_for_again(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_entry entry = kit_entry(v1);

    (void)state;
    voice_give_announcement_as("near", &entry, 1, 100000);
    voice_give_announcement(v1);
    kit_run(k, 3000);
    k->nodes[0].store_err = MCOS_E_DIGEST;
    (void)voice_give_record(v1);
    assert_true(voice_said("note bad-record"));
    k->nodes[0].store_err = 0;
    kit_trace_clear(k);
    kit_run(k, MC_WANT_RETRY_MS);
    assert_true(voice_said("talk.far"));
    mc_ring_unref(v1);
}

static void what_nobody_active_holds_is_not_asked_for(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    size_t start;

    (void)state;
    voice_give_announcement(v1);
    mc_buf_clear(&b);
    peer.sequence++;
    start = kit_open(&b, &peer, MC_WIRE_LEAVE);
    mc_envelope_seal(&b, start);
    kit_give(k, false, &b);
    assert_true(voice_said("note cluster-left"));
    kit_trace_clear(k);
    kit_run(k, 20000);
    assert_false(voice_said("want talk.far"));
    mc_ring_unref(v1);
}

/* ---- answering ---- */

static void two_askers_get_their_own_three_get_one_for_all(void **state)
{
    (void)state;
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    voice_give_want("near", kit_held(k, 0, "photos"), false);
    assert_true(voice_said("record ring.near photos"));
    voice_give_want("near", kit_held(k, 0, "photos"),
                    false); /* the same one asks again */
    assert_true(voice_said("record ring.near photos"));
    voice_give_want("far", kit_held(k, 0, "photos"), false);
    assert_true(voice_said("record ring.far photos"));
    voice_give_want("mid", kit_held(k, 0, "photos"), false);
    assert_true(voice_said("record ring photos"));
    voice_give_want("late", kit_held(k, 0, "photos"), false);
    assert_false(voice_said("record"));
    kit_run(k, MC_QUIET_MS - 1);
    voice_give_want("late", kit_held(k, 0, "photos"), false);
    assert_false(voice_said("record"));
    kit_run(k, 1);
    voice_give_want("late", kit_held(k, 0, "photos"), false);
    assert_true(voice_said("record ring.late photos"));
}

static void at_most_four_bodies_are_on_their_way(void **state)
{
    char name[8];

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        assert_int_equal(kit_mint(k, 0, name, ""), 0);
    }
    k->nodes[0].bodies = 0;
    k->nodes[0].confirms = false;
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        voice_give_want("far", kit_held(k, 0, name), false);
    }
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX);
    kit_run(k, 60000);
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX);
    kit_bus(k, 0, false); /* what was asked for is asked for again, if need be */
    k->nodes[0].confirms = true;
    kit_bus(k, 0, true);
    voice_give_want("far", kit_held(k, 0, "r0"), false);
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX); /* our hello is not back */
    kit_run(k, 10);
    voice_give_want("far", kit_held(k, 0, "r0"), false);
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX + 1);
}

static void who_asks_for_an_older_one_gets_the_one_held(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *other = kit_ring("music", NULL, NULL, 10, "", false);

    (void)state;
    voice_give_record(v1);
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    voice_give_want("far", v1, false);
    assert_true(voice_said("record ring.far photos"));
    voice_give_want("far", v1, true); /* not among our losers: settled, or never here */
    assert_false(voice_said("record"));
    voice_give_want("far", other, false);
    assert_true(voice_said("note not-held"));
    mc_ring_unref(v1);
    mc_ring_unref(other);
}

/* ---- members ---- */

static void a_cluster_falls_silent_after_three_of_its_intervals(void **state)
{
    (void)state;
    voice_give_announcement(NULL);
    assert_true(voice_said("note cluster-new / far"));
    kit_trace_clear(k);
    kit_run(k, 29999);
    assert_int_equal(voice_state_of("far"), MC_MEMBER_ACTIVE);
    kit_run(k, 1);
    assert_int_equal(voice_state_of("far"), MC_MEMBER_SILENT);
    assert_true(voice_said("note cluster-silent / far"));
    voice_give_announcement(NULL);
    assert_true(voice_said("note cluster-active / far"));
}

static void give_members_wanted(const char *cluster)
{
    struct kit_sender who = peer;
    size_t start;
    size_t at;

    who.cluster = cluster;
    who.sequence = ++peer.sequence;
    mc_buf_clear(&b);
    start = kit_open(&b, &who, MC_WIRE_WANT);
    at = mc_want_open(&b, true, 0);
    mc_want_close(&b, at, 0);
    mc_envelope_seal(&b, start);
    kit_trace_clear(k);
    kit_give(k, false, &b);
}

/* names: one letter each, a digit behind it, as "a1a2". */
static void give_members(const char *cluster, const char *names)
{
    const unsigned count = (unsigned)strlen(names) / 2;
    struct kit_sender who = peer;
    size_t start;
    size_t at;

    who.cluster = cluster;
    who.sequence = ++peer.sequence;
    mc_buf_clear(&b);
    start = kit_open(&b, &who, MC_WIRE_MEMBERS);
    at = mc_members_open(&b, count);
    for (unsigned i = 0; i < count; i++) {
        struct mc_member_line line = {.uid = {1}, .state = MC_TOLD_SILENT};
        const char name[3] = {names[2 * i], names[2 * i + 1]};

        mc_name_set(&line.name, name);
        mc_members_put(&b, &line);
    }
    mc_members_close(&b, at, true, count);
    mc_envelope_seal(&b, start);
    kit_give(k, false, &b);
}

/* P52: c00 stands behind a1, a2 and a3, of which one is silent, and before z1. */
static void who_is_there_is_answered_in_line(void **state)
{
    static const char *const names[] = {"a1", "a3", "f1", "z1"};

    (void)state;
    voice_give_announcement_as("a2", NULL, 0, 600000);
    kit_run(k, 40000);
    assert_int_equal(voice_state_of("a2"), MC_MEMBER_SILENT);
    for (size_t i = 0; i < 4; i++)
        voice_give_announcement_as(names[i], NULL, 0, 600000);
    kit_run(k, MC_EARLY_MS);
    for (int i = 0; i < 10; i++) {
        give_members_wanted("f1");
        kit_run(k, 2 * MC_MEMBERS_LINE_MS - 1);
        assert_false(voice_said("members talk"));
        kit_run(k, MC_MEMBERS_WINDOW_MS + 10);
        assert_true(voice_said("members talk"));
        kit_run(k, MC_MEMBERS_QUIET_MS);
        for (size_t n = 0; n < 4; n++)
            voice_give_announcement_as(names[n], NULL, 0, 600000);
    }
    /* a1 does, and tells of all. */
    give_members_wanted("f1");
    give_members("a1", "a1a2a3f1z1");
    kit_run(k, 10000);
    assert_false(voice_said("members talk"));
    for (size_t n = 0; n < 4; n++)
        voice_give_announcement_as(names[n], NULL, 0, 600000);
    /* It leaves out the one that is silent. */
    give_members_wanted("f1");
    give_members("a1", "a1a3f1z1");
    kit_run(k, 10000);
    assert_true(voice_said("members talk"));
    for (size_t n = 0; n < 4; n++)
        voice_give_announcement_as(names[n], NULL, 0, 600000);
    /* It leaves out those who told of themselves just now: they need nobody's word. */
    voice_give_announcement_as("z2", NULL, 0, 1000);
    voice_give_announcement_as("z3", NULL, 0, 1000);
    give_members_wanted("f1");
    give_members("a1", "a1a2a3f1z1");
    kit_run(k, 5000);
    assert_false(voice_said("members talk"));
    /* As many, but not the same ones. */
    give_members_wanted("f1");
    give_members("z3", "a1a3f1z1z2z3");
    kit_run(k, 4000);
    assert_true(voice_said("members talk"));
}

static void what_is_older_than_our_hello_is_not_life(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    unsigned d;

    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    voice_give_announcement(v1); /* our hello is still under way */
    assert_int_equal(voice_state_of("far"), MC_MEMBER_SILENT);
    kit_trace_clear(k);
    d = voice_give_record(v1); /* but records are merged */
    voice_expect("store %u / adopt photos v1 / note added / ack %u", d, d);
    kit_run(k, 10);
    voice_give_announcement(v1);
    assert_int_equal(voice_state_of("far"), MC_MEMBER_ACTIVE);
    mc_ring_unref(v1);
}

static void an_overtaken_announcement_is_ignored(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *v2 = kit_ring("photos", v1, NULL, 20, "", false);

    (void)state;
    peer.sequence = 50;
    voice_give_announcement(v2);
    peer.sequence = 40;
    voice_give_announcement(v1);
    assert_int_equal(
        mc_machine_member(k->nodes[0].machine, 1).holdings[0].stamp.version, 2);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void who_misses_its_own_echo_is_mute(void **state)
{
    (void)state;
    k->cut[0][0] = true;
    kit_trace_clear(k);
    kit_run(k, 36000);
    assert_true(mc_machine_status(k->nodes[0].machine).mute);
    assert_true(voice_said("note mute"));
    k->cut[0][0] = false;
    kit_run(k, 12100);
    assert_false(mc_machine_status(k->nodes[0].machine).mute);
    assert_true(voice_said("note heard"));
}

static void the_newcomer_of_two_with_one_name_gives_way(void **state)
{
    uint64_t retry;

    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 100);
    voice_give_announcement_as("c00", NULL, 0, 600000); /* it was here before us */
    assert_true(voice_said("note identity"));
    assert_true(mc_machine_status(k->nodes[0].machine).identity_lost);
    assert_int_equal(
        mc_machine_may_mint(k->nodes[0].machine, k->now_ms, voice_wall_now(), &retry),
        MCOS_E_IDENTITY);
    kit_trace_clear(k);
    kit_run(k, 29000);
    assert_false(voice_said("announce"));
    kit_run(k, 2000); /* the other is gone: the name is ours */
    assert_true(voice_said("announce"));
    assert_false(mc_machine_status(k->nodes[0].machine).identity_lost);
}

static void the_older_of_two_with_one_name_stays(void **state)
{
    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 60000);
    peer.incarnation = 999999; /* greater than ours: it counts for nothing yet */
    voice_give_announcement_as("c00", NULL, 0, 60000 - MC_SAME_START_MS - 1);
    assert_true(voice_said("note identity"));
    assert_false(mc_machine_status(k->nodes[0].machine).identity_lost);
    voice_give_announcement_as("c00", NULL, 0, 60000 - MC_SAME_START_MS);
    assert_true(mc_machine_status(k->nodes[0].machine).identity_lost);
}

/* P54: and nobody else can say it for us. */
static void who_stays_is_heard_by_the_other(void **state)
{
    static const char *const equals[] = {"n1", "n2"};

    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 60000);
    for (unsigned i = 0; i < 2; i++)
        voice_give_announcement_as(equals[i], NULL, 0, 600000);
    kit_run(k, 2000);
    k->nodes[0].announces = 0;
    while (k->nodes[0].announces == 0)
        kit_run(k, 10);
    kit_run(k, MC_ANNOUNCE_GAP_MS);
    k->nodes[0].announces = 0;
    voice_give_announcement_as("c00", NULL, 0, 1000);
    for (unsigned i = 0; i < 2; i++)
        voice_give_announcement_as(equals[i], NULL, 0, 600000);
    kit_run(k, MC_BEHIND_WINDOW_MS);
    assert_int_equal(k->nodes[0].announces, 1);
}

static void of_two_as_old_the_greater_incarnation_stays(void **state)
{
    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 60000);
    peer.incarnation = 0; /* lesser than ours */
    voice_give_announcement_as("c00", NULL, 0, 60000 + MC_SAME_START_MS);
    assert_true(voice_said("note identity"));
    assert_false(mc_machine_status(k->nodes[0].machine).identity_lost);
    voice_give_announcement_as("c00", NULL, 0, 60000 + MC_SAME_START_MS + 1);
    assert_true(mc_machine_status(k->nodes[0].machine).identity_lost);
}

static void a_clock_far_from_three_others_may_not_mint(void **state)
{
    uint64_t retry;
    static const char *const names[3] = {"n1", "n2", "n3"};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(mc_machine_may_mint(k->nodes[0].machine, k->now_ms,
                                             voice_wall_now(), &retry),
                         0);
        peer.sent_ns = voice_wall_now() + 301ull * 1000000000;
        voice_give_announcement_as(names[i], NULL, 0, 600000);
    }
    assert_int_equal(
        mc_machine_may_mint(k->nodes[0].machine, k->now_ms, voice_wall_now(), &retry),
        MCOS_E_CLOCK);
    assert_true(mc_machine_status(k->nodes[0].machine).clock_off);
    kit_run(k, 13000);
    assert_int_equal(voice_notes(MC_NOTE_CLOCK_OFF), 1);
    assert_int_equal(mc_machine_may_mint(k->nodes[0].machine, k->now_ms,
                                         voice_wall_now() + 10ull * 1000000000, &retry),
                     0);
}

/* ---- announcing ---- */

static void a_start_announces_at_0_300_900_2100(void **state)
{
    static const unsigned at[] = {0, 300, 900, 2100, 4500};
    uint64_t from;

    (void)state;
    kit_kill(k, 0, false);
    k->nodes[0].announces = 0;
    from = k->now_ms;
    kit_start(k, 0);
    for (unsigned i = 0; i < 5; i++) {
        if (i > 0) {
            kit_run(k, from + at[i] - 1 - k->now_ms);
            assert_int_equal(k->nodes[0].announces, i);
            kit_run(k, 1);
        }
        assert_int_equal(k->nodes[0].announces, i + 1);
    }
}

static void one_equal_ends_the_start(void **state)
{
    (void)state;
    kit_kill(k, 0, false);
    k->nodes[0].announces = 0;
    kit_start(k, 0);
    kit_run(k, 10);
    voice_give_announcement(NULL);
    kit_run(k, 900); /* one more, a second after the first: "far" does not know us */
    assert_int_equal(k->nodes[0].announces, 1);
    kit_run(k, 6000);
    assert_int_equal(k->nodes[0].announces, 2);
}

static void two_equal_ones_answer_for_us(void **state)
{
    struct mc_entry e;

    (void)state;
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    kit_run(k, 5000);
    e = kit_entry(kit_held(k, 0, "photos"));
    voice_give_announcement_as("n1", &e, 1, 600000);
    voice_give_announcement_as("n2", &e, 1, 600000);
    voice_give_announcement_as("far", NULL, 0, 600000);
    kit_run(k, 9000);
    k->nodes[0].announces = 0;
    kit_run(k, 2000);
    k->nodes[0].announces = 0;
    voice_give_announcement_as("far", NULL, 0, 600000); /* behind */
    voice_give_announcement_as("n1", &e, 1, 600000);
    voice_give_announcement_as("n2", &e, 1, 600000);
    kit_run(k, 1010);
    assert_int_equal(k->nodes[0].announces, 0);
    voice_give_announcement_as("far", NULL, 0, 600000);
    voice_give_announcement_as("n1", &e, 1, 600000); /* one is not enough */
    kit_run(k, 1010);
    assert_int_equal(k->nodes[0].announces, 1);
}

/* So many others hold what we hold, and nothing is to be said for a while. */
static void quiet_world(unsigned clusters)
{
    struct mc_entry e = kit_entry(kit_held(k, 0, "photos"));
    char name[8];

    for (unsigned i = 0; i < clusters; i++) {
        (void)snprintf(name, sizeof(name), "n%u", i);
        voice_give_announcement_as(name, &e, 1, 600000);
    }
    kit_run(k, 2000); /* what that brought forward is said, */
    k->nodes[0].announces = 0;
    while (k->nodes[0].announces == 0)
        kit_run(k, 10); /* and the regular one too */
    kit_run(k, MC_ANNOUNCE_GAP_MS);
    k->nodes[0].announces = 0;
}

static void changes_are_told_after(uint64_t body_ms)
{
    const unsigned clusters = 40;

    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    for (unsigned round = 0; round < 20; round++) {
        quiet_world(clusters);
        assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
        kit_run(k, body_ms + clusters * MC_RECEIPT_AFTER_MS - 10);
        assert_int_equal(k->nodes[0].announces, 0);
        kit_run(k,
                MC_RECEIPT_WINDOW_MS +
                    (clusters + 2) * (MC_RECEIPT_PER_CLUSTER_MS - MC_RECEIPT_AFTER_MS) +
                    20 + body_ms / 10);
        assert_int_equal(k->nodes[0].announces, 1);
    }
}

/* P26: each of them tells it to each. */
static void a_newcomer_is_told_by_many_over_a_longer_time(void **state)
{
    const unsigned clusters = 80;
    const unsigned window = clusters * clusters / MC_RECEIPT_PAIRS_PER_MS;
    const unsigned linear = MC_RECEIPT_WINDOW_MS + clusters * MC_RECEIPT_PER_CLUSTER_MS;
    unsigned early = 0;
    char name[8];

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < clusters - round; i++) {
            (void)snprintf(name, sizeof(name), "n%u", i);
            voice_give_announcement_as(name, NULL, 0, 600000);
        }
        kit_run(k,
                window + MC_ANNOUNCE_GAP_MS); /* what that brought forward is said, */
        k->nodes[0].announces = 0;
        while (k->nodes[0].announces == 0)
            kit_run(k, 10); /* and the regular one too */
        kit_run(k, MC_ANNOUNCE_GAP_MS);
        k->nodes[0].announces = 0;
        (void)snprintf(name, sizeof(name), "new%u", round);
        voice_give_announcement_as(name, NULL, 0, 0);
        kit_run(k, linear);
        early += k->nodes[0].announces;
        kit_run(k, window - linear + 200);
        assert_int_equal(k->nodes[0].announces, 1);
    }
    assert_in_range(early, 3, 13); /* a third of 20 */
}

/* P25: who is behind does not wait for what newcomers are told. */
static void who_is_behind_is_told_before_newcomers_are(void **state)
{
    const unsigned clusters = 80;

    (void)state;
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    for (unsigned round = 0; round < 10; round++) {
        char name[8];

        quiet_world(clusters);
        (void)snprintf(name, sizeof(name), "new%u", round);
        voice_give_announcement_as(name, NULL, 0, 600000); /* new, and behind */
        kit_run(k, MC_BEHIND_WINDOW_MAX_MS);
        assert_int_equal(k->nodes[0].announces, 1);
    }
}

/* P26: the record itself is on its way to all of them. */
static void a_change_is_not_told_at_once(void **state)
{
    (void)state;
    changes_are_told_after(0);
}

/* 512 KB to each of forty is on its way for longer. */
static void a_large_change_is_told_later(void **state)
{
    (void)state;
    k->body_bytes = 2 * MC_RECEIPT_BODY_BYTES;
    changes_are_told_after(80);
}

static void a_huge_change_is_told_a_second_later(void **state)
{
    (void)state;
    k->body_bytes = 100u << 20;
    changes_are_told_after(MC_RECEIPT_BODY_MAX_MS);
}

/* Nobody else is sent what came to us alone. */
static void a_huge_answer_is_told_as_soon_as_a_small_one(void **state)
{
    const unsigned clusters = 40;
    struct mc_ring *v2;

    (void)state;
    k->body_bytes = 100u << 20;
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    quiet_world(clusters);
    v2 =
        kit_ring("photos", kit_held(k, 0, "photos"), NULL, voice_wall_now(), "", false);
    peer.directed = true;
    (void)voice_give_record(v2);
    kit_run(k, MC_RECEIPT_WINDOW_MS + (clusters + 2) * MC_RECEIPT_PER_CLUSTER_MS + 20);
    assert_int_equal(k->nodes[0].announces, 1);
    mc_ring_unref(v2);
}

static void a_quiet_interval_costs_one_announcement(void **state)
{
    unsigned steps;

    (void)state;
    k->nodes[0].announces = 0;
    steps = k->steps;
    kit_run(k, 100000);
    assert_in_range(k->nodes[0].announces, 8, 13);
    assert_true(k->steps - steps < 60); /* wake, echo, sent: no step for nothing */
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        VOICE_CASE(a_late_want_waits_three_seconds_an_early_one_does_not),
        VOICE_CASE(the_next_want_goes_to_another_holder_and_patience_grows_late),
        VOICE_CASE(what_came_damaged_is_asked_for_again),
        VOICE_CASE(what_nobody_active_holds_is_not_asked_for),
        VOICE_CASE(two_askers_get_their_own_three_get_one_for_all),
        VOICE_CASE(at_most_four_bodies_are_on_their_way),
        VOICE_CASE(who_asks_for_an_older_one_gets_the_one_held),
        VOICE_CASE(a_cluster_falls_silent_after_three_of_its_intervals),
        VOICE_CASE(who_is_there_is_answered_in_line),
        VOICE_CASE(what_is_older_than_our_hello_is_not_life),
        VOICE_CASE(an_overtaken_announcement_is_ignored),
        VOICE_CASE(who_misses_its_own_echo_is_mute),
        VOICE_CASE(the_newcomer_of_two_with_one_name_gives_way),
        VOICE_CASE(the_older_of_two_with_one_name_stays),
        VOICE_CASE(who_stays_is_heard_by_the_other),
        VOICE_CASE(of_two_as_old_the_greater_incarnation_stays),
        VOICE_CASE(a_clock_far_from_three_others_may_not_mint),
        VOICE_CASE(a_start_announces_at_0_300_900_2100),
        VOICE_CASE(one_equal_ends_the_start),
        VOICE_CASE(two_equal_ones_answer_for_us),
        VOICE_CASE(who_is_behind_is_told_before_newcomers_are),
        VOICE_CASE(a_change_is_not_told_at_once),
        VOICE_CASE(a_newcomer_is_told_by_many_over_a_longer_time),
        VOICE_CASE(a_large_change_is_told_later),
        VOICE_CASE(a_huge_change_is_told_a_second_later),
        VOICE_CASE(a_huge_answer_is_told_as_soon_as_a_small_one),
        VOICE_CASE(a_quiet_interval_costs_one_announcement),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
