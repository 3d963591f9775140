/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One machine, fed by hand: each rule of docs/protocol.md that orders effects,
 * waits, retries or refuses is seen alone. What a step answered is compared as a
 * sentence, so that a right outcome for a wrong reason fails too.
 */
#include "machine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- counting allocations: the core is linked with these in between ---- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static unsigned allocations;

void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    allocations++;
    return __real_realloc(p, n);
}

/* ---- one node, up, and a voice to talk to it with ---- */

static struct kit *k;
static struct kit_sender peer;
static struct mc_buf b;

static int setup(void **state)
{
    (void)state;
    k = kit_new(1, MC_ANNOUNCE_DIGEST);
    kit_start(k, 0);
    kit_run(k, 20000);
    kit_trace_clear(k);
    peer = (struct kit_sender){.cluster = "far", .incarnation = 5};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_free(k);
    mc_buf_fini(&b);
    return 0;
}

static uint64_t wall_now(void)
{
    return 1700000000000000000ull + k->now_ms * 1000000;
}

static uint64_t give_record(const struct mc_ring *ring)
{
    peer.sequence++;
    mc_buf_clear(&b);
    kit_record(&b, &peer, ring);
    kit_trace_clear(k);
    return kit_give(k, true, &b);
}

static void give_announcement_as(const char *cluster, const struct mc_entry *entries,
                                 size_t count, bool established)
{
    struct kit_sender who = peer;

    peer.sequence++;
    who.sequence = peer.sequence;
    who.cluster = cluster;
    if (who.sent_ns == 0)
        who.sent_ns = wall_now();
    mc_buf_clear(&b);
    kit_announcement(&b, &who, entries, count, established);
    kit_trace_clear(k);
    kit_give(k, false, &b);
}

static void give_announcement(const struct mc_ring *ring)
{
    struct mc_entry e = {0};

    if (ring != NULL)
        e = kit_entry(ring);
    give_announcement_as("far", &e, ring != NULL, true);
}

static void give_want(const char *cluster, const struct mc_ring *ring, bool loser)
{
    struct kit_sender who = peer;
    struct mc_want_line line = {.name = mc_ring_head(ring)->name, .loser = loser};
    size_t start;
    size_t at;

    who.cluster = cluster;
    who.sequence = ++peer.sequence;
    memcpy(line.digest8, mc_ring_head(ring)->digest, 8);
    mc_buf_clear(&b);
    start = kit_open(&b, &who, MC_WIRE_WANT);
    at = mc_want_open(&b, false, 0);
    mc_want_put(&b, &line);
    mc_want_close(&b, at, 1);
    mc_envelope_seal(&b, start);
    kit_trace_clear(k);
    kit_give(k, false, &b);
}

static bool said(const char *what)
{
    return strstr(k->trace, what) != NULL;
}

static void assert_trace(const char *fmt, ...)
{
    char want[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(want, sizeof(want), fmt, args);
    va_end(args);
    assert_string_equal(k->trace, want);
}

static uint64_t notes(enum mc_note_code code)
{
    return mc_machine_status(k->nodes[0].machine).notes[code];
}

/* ---- records ---- */

static void a_record_is_stored_adopted_and_acknowledged_last(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *v2 = kit_ring("photos", v1, NULL, 20, "", false);
    struct mc_ring *v3 = kit_ring("photos", v2, NULL, 30, "", true);
    uint64_t d;

    (void)state;
    d = give_record(v1);
    assert_trace("store %u / adopt photos v1 / note added / ack %u", d, d);
    d = give_record(v2);
    assert_trace("store %u / adopt photos v2 / note replaced / ack %u", d, d);
    d = give_record(v2); /* P61: the same again is not even unpacked */
    assert_trace("note same / ack %u", d);
    d = give_record(v1);
    assert_trace("note older / ack %u", d);
    d = give_record(v3); /* a tombstone is a record like any other */
    assert_trace("store %u / adopt photos v3 / note replaced / ack %u", d, d);
    d = give_record(v2);
    assert_trace("note older / ack %u", d);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void a_passing_failure_is_tried_after_1_5_and_25_seconds(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t from = k->now_ms;
    uint64_t d;

    (void)state;
    k->nodes[0].store_err = MCOS_E_FULL;
    d = give_record(v1);
    assert_trace("store %u / note store-failed", d);
    kit_trace_clear(k);
    kit_run(k, 999);
    assert_false(said("store"));
    kit_run(k, 1);
    assert_true(said("store"));
    kit_trace_clear(k);
    kit_run(k, 4999);
    assert_false(said("store"));
    kit_run(k, 1);
    assert_true(said("store"));
    kit_trace_clear(k);
    kit_run(k, 24999);
    assert_false(said("store"));
    kit_run(k, 1);
    assert_true(said("store "));
    assert_true(said("note store-failed / ack"));
    assert_int_equal(k->now_ms - from, 31000);
    mc_ring_unref(v1);
}

static void a_failure_that_passes_ends_in_adoption(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t d;

    (void)state;
    k->nodes[0].store_err = MCOS_E_IO;
    d = give_record(v1);
    k->nodes[0].store_err = 0;
    kit_trace_clear(k);
    kit_run(k, 1000);
    assert_trace("store %u / adopt photos v1 / note added / ack %u", d, d);
    mc_ring_unref(v1);
}

static void a_damaged_record_is_acknowledged_and_told(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t d;

    (void)state;
    k->nodes[0].store_err = MCOS_E_DIGEST;
    d = give_record(v1);
    assert_trace("store %u / note bad-record / ack %u", d, d);
    mc_ring_unref(v1);
}

static void what_is_not_ours_or_not_a_message_is_acknowledged_and_dropped(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t d;
    uint8_t *p;

    (void)state;
    mc_buf_clear(&b);
    peer.sequence++;
    kit_record(&b, &peer, v1);
    b.ptr[20] ^= 1; /* the system, behind the check's back */
    kit_trace_clear(k);
    d = kit_give(k, true, &b);
    assert_trace("note bad-message / ack %u", d);

    mc_buf_clear(&b);
    kit_open(&b, &peer, MC_WIRE_LEAVE);
    p = b.ptr;
    p[16] = 99; /* another system */
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    assert_true(said("note foreign"));

    mc_buf_clear(&b);
    kit_open(&b, &peer, MC_WIRE_LEAVE);
    b.ptr[4] = 9; /* protocol 9 that only 9 can read */
    b.ptr[5] = 9;
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    assert_true(said("note upgrade"));

    mc_buf_clear(&b);
    kit_open(&b, &peer, MC_WIRE_LEAVE);
    b.ptr[4] = 9; /* protocol 9 that 1 can read as well (P12) */
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    assert_trace("ack %u", d);

    mc_buf_clear(&b); /* nothing at all */
    kit_trace_clear(k);
    mc_buf_u8(&b, 0);
    d = kit_give(k, true, &b);
    assert_trace("note bad-message / ack %u", d);
    mc_ring_unref(v1);
}

static void a_ring_of_another_system_is_foreign(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t d;

    (void)state;
    k->nodes[0].config.system[0] = 50;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 100);
    mc_buf_clear(&b);
    peer.sequence++;
    kit_record(&b, &peer, v1);
    b.ptr[16] = 50; /* the envelope is of this system, the record is not */
    {
        struct mc_buf e = {0};
        struct mc_envelope env = {
            .protocol = 1, .kind = MC_WIRE_RECORD, .incarnation = 5, .sequence = 9};
        struct mc_bytes all = mc_blob_get(mc_ring_blob(v1));
        size_t head = mc_ring_head(v1)->head_bytes;
        struct mc_wire_record r = {{all.ptr, head}, all.len - head, {all.ptr, 1}};

        env.system[0] = 50;
        env.uid[0] = 3;
        mc_name_set(&env.cluster, "far");
        mc_envelope_encode(&e, &env);
        mc_wire_record_encode(&e, &r);
        kit_trace_clear(k);
        d = kit_give(k, true, &e);
        mc_buf_fini(&e);
    }
    assert_true(said("note foreign"));
    assert_false(said("store"));
    (void)d;
    mc_ring_unref(v1);
}

/* ---- conflicts ---- */

static void a_loser_is_kept_shown_and_settled(void **state)
{
    struct mc_ring *root = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *left = kit_ring("photos", root, NULL, 20, "left", false);
    struct mc_ring *right = kit_ring("photos", root, NULL, 30, "right", false);
    struct mc_ring *both = kit_ring("photos", right, left, 40, "", false);
    uint64_t d;

    (void)state;
    give_record(root);
    give_record(left);
    d = give_record(right);
    assert_trace("store %u / adopt photos v2 / note replaced / note conflict / ack %u",
                 d, d);
    d = give_record(left); /* known as a loser: not stored again */
    assert_trace("note same / ack %u", d);
    give_announcement(right); /* one that lacks the loser is behind */
    kit_trace_clear(k);
    kit_run(k, 1400);
    assert_true(said("announce talk"));
    d = give_record(both);
    assert_trace("store %u / adopt photos v3 / note replaced / note settled / ack %u",
                 d, d);
    mc_ring_unref(root);
    mc_ring_unref(left);
    mc_ring_unref(right);
    mc_ring_unref(both);
}

static void an_older_record_of_another_line_is_kept_too(void **state)
{
    struct mc_ring *root = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *left = kit_ring("photos", root, NULL, 20, "left", false);
    struct mc_ring *right = kit_ring("photos", root, NULL, 30, "right", false);
    struct mc_entry shown[2];
    uint64_t d;

    (void)state;
    give_record(root);
    give_record(right);
    shown[0] = kit_entry(right); /* a peer shows a loser: we ask for it (P34) */
    shown[1] = kit_entry(left);
    shown[1].loser = true;
    give_announcement_as("far", shown, 2, true);
    kit_trace_clear(k);
    kit_run(k, 3100);
    assert_true(said("want talk.far"));
    d = give_record(left);
    assert_trace("store %u / note conflict / ack %u", d, d);
    kit_trace_clear(k);
    give_announcement_as("far", shown, 2, true);
    kit_run(k, 8000);
    assert_false(said("want talk.far"));
    mc_ring_unref(root);
    mc_ring_unref(left);
    mc_ring_unref(right);
}

/* ---- minting ---- */

static void a_mint_is_stored_adopted_sent_and_done(void **state)
{
    (void)state;
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    assert_true(strncmp(k->trace,
                        "store 0 / adopt photos v1 / note minted / record ring photos "
                        "/ done 0",
                        70) == 0);
    assert_int_equal(mc_machine_status(k->nodes[0].machine).undistributed, 0);
}

static void a_mint_that_cannot_be_stored_changes_nothing(void **state)
{
    (void)state;
    k->nodes[0].store_err = MCOS_E_FULL;
    assert_int_equal(kit_mint(k, 0, "photos", ""), MCOS_E_FULL);
    assert_trace("store 0 / note store-failed / done %d", MCOS_E_FULL);
    assert_int_equal(mc_machine_member(k->nodes[0].machine, 0).holding_count, 0);
}

static void what_the_bus_did_not_take_goes_out_when_it_returns(void **state)
{
    (void)state;
    kit_bus(k, 0, false);
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    assert_int_equal(kit_mint(k, 0, "photos", "two"), 0);
    assert_int_equal(mc_machine_status(k->nodes[0].machine).undistributed, 1);
    assert_int_equal(k->nodes[0].bodies, 0);
    kit_bus(k, 0, true);
    assert_int_equal(k->nodes[0].bodies, 1); /* the newest only */
    assert_int_equal(mc_machine_status(k->nodes[0].machine).undistributed, 0);
}

static void a_body_that_was_never_confirmed_is_sent_again(void **state)
{
    struct mc_event sent = {.kind = MC_EV_SENT};

    (void)state;
    k->nodes[0].confirms = false;
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    assert_int_equal(mc_machine_status(k->nodes[0].machine).undistributed, 1);
    sent.u.sent.token = 999999; /* not ours */
    kit_step(k, 0, sent);
    kit_bus(k, 0, false);
    kit_bus(k, 0, true);
    assert_int_equal(k->nodes[0].bodies, 2);
}

static void who_listens_does_not_mint_yet(void **state)
{
    uint64_t retry = 0;
    const struct mc_machine *m;

    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    m = k->nodes[0].machine;
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, wall_now(), &retry),
                     MCOS_E_NOTREADY);
    assert_int_equal(retry, MC_LISTEN_MS);
    assert_int_equal(kit_mint(k, 0, "photos", ""), MCOS_E_NOTREADY);
    kit_run(k, MC_LISTEN_MS);
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, wall_now(), &retry), 0);
}

static void one_that_is_not_ahead_ends_the_listening(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t retry = 0;
    const struct mc_machine *m;

    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 10); /* our hello is back: what comes now is life */
    m = k->nodes[0].machine;
    give_announcement(v1); /* ahead */
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, wall_now(), &retry),
                     MCOS_E_NOTREADY);
    kit_run(k, MC_LISTEN_MS);
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, wall_now(), &retry),
                     MCOS_E_NOTREADY); /* still waiting for what it announced */
    assert_int_equal(retry, 1000);
    give_record(v1);
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, wall_now(), &retry), 0);

    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 10);
    give_announcement(v1); /* equal */
    assert_int_equal(
        mc_machine_may_mint(k->nodes[0].machine, k->now_ms, wall_now(), &retry), 0);
    mc_ring_unref(v1);
}

/* ---- asking ---- */

static void a_late_want_waits_three_seconds_an_early_one_does_not(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);

    (void)state;
    give_announcement(v1);
    kit_trace_clear(k);
    kit_run(k, MC_WANT_LATE_MS - 1);
    assert_false(said("want talk.far"));
    kit_run(k, 1);
    assert_true(said("note behind / want talk.far"));

    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 10);
    give_announcement(v1);
    kit_trace_clear(k);
    kit_run(k, MC_WANT_EARLY_MS);
    assert_true(said("want talk.far"));
    mc_ring_unref(v1);
}

static void the_next_want_goes_to_another_holder_after_two_seconds(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_entry e = kit_entry(v1);
    unsigned before;

    (void)state;
    give_announcement(v1);
    give_announcement_as("near", &e, 1, true);
    kit_run(k, MC_WANT_LATE_MS);
    kit_trace_clear(k);
    before = k->nodes[0].wants;
    kit_run(k, MC_WANT_RETRY_MS - 1);
    assert_int_equal(k->nodes[0].wants, before); /* one outstanding */
    kit_run(k, 1);
    assert_true(said("want talk.near"));
    kit_trace_clear(k);
    kit_run(k, 2 * MC_WANT_RETRY_MS - 1);
    assert_int_equal(k->nodes[0].wants, before + 1); /* twice the patience */
    kit_run(k, 1);
    assert_true(said("want talk.far"));
    mc_ring_unref(v1);
}

static void what_nobody_active_holds_is_not_asked_for(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    size_t start;

    (void)state;
    give_announcement(v1);
    mc_buf_clear(&b);
    peer.sequence++;
    start = kit_open(&b, &peer, MC_WIRE_LEAVE);
    mc_envelope_seal(&b, start);
    kit_give(k, false, &b);
    assert_true(said("note cluster-left"));
    kit_trace_clear(k);
    kit_run(k, 20000);
    assert_false(said("want talk.far"));
    mc_ring_unref(v1);
}

/* ---- answering ---- */

static void two_askers_get_their_own_three_get_one_for_all(void **state)
{
    (void)state;
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    give_want("near", kit_held(k, 0, "photos"), false);
    assert_true(said("record ring.near photos"));
    give_want("near", kit_held(k, 0, "photos"), false); /* the same one asks again */
    assert_true(said("record ring.near photos"));
    give_want("far", kit_held(k, 0, "photos"), false);
    assert_true(said("record ring.far photos"));
    give_want("mid", kit_held(k, 0, "photos"), false);
    assert_true(said("record ring photos"));
    give_want("late", kit_held(k, 0, "photos"), false);
    assert_false(said("record"));
    kit_run(k, MC_QUIET_MS - 1);
    give_want("late", kit_held(k, 0, "photos"), false);
    assert_false(said("record"));
    kit_run(k, 1);
    give_want("late", kit_held(k, 0, "photos"), false);
    assert_true(said("record ring.late photos"));
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
        give_want("far", kit_held(k, 0, name), false);
    }
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX);
    kit_run(k, 60000);
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX);
    kit_bus(k, 0, false); /* what was asked for is asked for again, if need be */
    k->nodes[0].confirms = true;
    kit_bus(k, 0, true);
    give_want("far", kit_held(k, 0, "r0"), false);
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX); /* our hello is not back */
    kit_run(k, 10);
    give_want("far", kit_held(k, 0, "r0"), false);
    assert_int_equal(k->nodes[0].bodies, MC_SENDING_MAX + 1);
}

static void who_asks_for_an_older_one_gets_the_one_held(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *other = kit_ring("music", NULL, NULL, 10, "", false);

    (void)state;
    give_record(v1);
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    give_want("far", v1, false);
    assert_true(said("record ring.far photos"));
    give_want("far", v1, true); /* not among our losers: settled, or never here */
    assert_false(said("record"));
    give_want("far", other, false);
    assert_true(said("note not-held"));
    mc_ring_unref(v1);
    mc_ring_unref(other);
}

/* ---- members ---- */

static enum mc_member_state state_of(const char *cluster)
{
    const struct mc_machine *m = k->nodes[0].machine;

    for (size_t i = 0; i < mc_machine_member_count(m); i++) {
        if (strcmp(mc_machine_member(m, i).name.s, cluster) == 0)
            return mc_machine_member(m, i).state;
    }
    fail_msg("%s is not a member", cluster);
    return MC_MEMBER_LEFT;
}

static void a_cluster_falls_silent_after_three_of_its_intervals(void **state)
{
    (void)state;
    give_announcement(NULL);
    assert_true(said("note cluster-new / far"));
    kit_trace_clear(k);
    kit_run(k, 29999);
    assert_int_equal(state_of("far"), MC_MEMBER_ACTIVE);
    kit_run(k, 1);
    assert_int_equal(state_of("far"), MC_MEMBER_SILENT);
    assert_true(said("note cluster-silent / far"));
    give_announcement(NULL);
    assert_true(said("note cluster-active / far"));
}

static void what_is_older_than_our_hello_is_not_life(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t d;

    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    give_announcement(v1); /* our hello is still under way */
    assert_int_equal(state_of("far"), MC_MEMBER_SILENT);
    kit_trace_clear(k);
    d = give_record(v1); /* but records are merged */
    assert_trace("store %u / adopt photos v1 / note added / ack %u", d, d);
    kit_run(k, 10);
    give_announcement(v1);
    assert_int_equal(state_of("far"), MC_MEMBER_ACTIVE);
    mc_ring_unref(v1);
}

static void an_overtaken_announcement_is_ignored(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *v2 = kit_ring("photos", v1, NULL, 20, "", false);

    (void)state;
    peer.sequence = 50;
    give_announcement(v2);
    peer.sequence = 40;
    give_announcement(v1);
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
    assert_true(said("note mute"));
    k->cut[0][0] = false;
    kit_run(k, 12100);
    assert_false(mc_machine_status(k->nodes[0].machine).mute);
    assert_true(said("note heard"));
}

static void the_newcomer_of_two_with_one_name_gives_way(void **state)
{
    uint64_t retry;

    (void)state;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 100);
    give_announcement_as("c00", NULL, 0, true); /* it was here before us */
    assert_true(said("note identity"));
    assert_true(mc_machine_status(k->nodes[0].machine).identity_lost);
    assert_int_equal(
        mc_machine_may_mint(k->nodes[0].machine, k->now_ms, wall_now(), &retry),
        MCOS_E_IDENTITY);
    kit_trace_clear(k);
    kit_run(k, 29000);
    assert_false(said("announce"));
    kit_run(k, 2000); /* the other is gone: the name is ours */
    assert_true(said("announce"));
    assert_false(mc_machine_status(k->nodes[0].machine).identity_lost);
}

static void the_established_of_two_with_one_name_stays(void **state)
{
    (void)state;
    kit_run(k, 60000);
    peer.incarnation = 999999;
    give_announcement_as("c00", NULL, 0, false);
    assert_true(said("note identity"));
    assert_false(mc_machine_status(k->nodes[0].machine).identity_lost);
    give_announcement_as("c00", NULL, 0, true); /* both: the lesser incarnation goes */
    assert_true(mc_machine_status(k->nodes[0].machine).identity_lost);
}

static void a_clock_far_from_three_others_may_not_mint(void **state)
{
    uint64_t retry;
    static const char *const names[3] = {"n1", "n2", "n3"};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(
            mc_machine_may_mint(k->nodes[0].machine, k->now_ms, wall_now(), &retry), 0);
        peer.sent_ns = wall_now() + 301ull * 1000000000;
        give_announcement_as(names[i], NULL, 0, true);
    }
    assert_int_equal(
        mc_machine_may_mint(k->nodes[0].machine, k->now_ms, wall_now(), &retry),
        MCOS_E_CLOCK);
    assert_true(mc_machine_status(k->nodes[0].machine).clock_off);
    kit_run(k, 13000);
    assert_int_equal(notes(MC_NOTE_CLOCK_OFF), 1);
    assert_int_equal(mc_machine_may_mint(k->nodes[0].machine, k->now_ms,
                                         wall_now() + 10ull * 1000000000, &retry),
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
    give_announcement(NULL);
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
    give_announcement_as("n1", &e, 1, true);
    give_announcement_as("n2", &e, 1, true);
    give_announcement_as("far", NULL, 0, true);
    kit_run(k, 9000);
    k->nodes[0].announces = 0;
    kit_run(k, 2000);
    k->nodes[0].announces = 0;
    give_announcement_as("far", NULL, 0, true); /* behind */
    give_announcement_as("n1", &e, 1, true);
    give_announcement_as("n2", &e, 1, true);
    kit_run(k, 1010);
    assert_int_equal(k->nodes[0].announces, 0);
    give_announcement_as("far", NULL, 0, true);
    give_announcement_as("n1", &e, 1, true); /* one is not enough */
    kit_run(k, 1010);
    assert_int_equal(k->nodes[0].announces, 1);
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

/* ---- bounds ---- */

static void a_step_allocates_nothing_once_all_are_known(void **state)
{
    struct mc_ring *v = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_event record = {.kind = MC_EV_MESSAGE};
    struct mc_event talk = {.kind = MC_EV_MESSAGE};
    struct mc_machine *m = k->nodes[0].machine;
    struct mc_buf r = {0};

    (void)state;
    give_announcement(v);
    give_record(v);
    give_want("far", v, false);
    for (unsigned i = 0; i < 20; i++) {
        struct mc_ring *next = kit_ring("photos", v, NULL, 10, "", false);
        struct mc_event stored = {.kind = MC_EV_STORED};
        struct mc_entry e = kit_entry(next);
        struct mc_event wake = {.kind = MC_EV_WAKE};
        unsigned before;

        peer.sequence++;
        mc_buf_clear(&b);
        kit_announcement(&b, &peer, &e, 1, true);
        mc_buf_clear(&r);
        kit_record(&r, &peer, next);
        k->now_ms += 4000;
        record.now_ms = talk.now_ms = wake.now_ms = stored.now_ms = k->now_ms;
        talk.u.message.delivery = 100000 + i;
        talk.u.message.bytes = (struct mc_bytes){b.ptr, b.len};
        record.u.message.delivery = 200000 + i;
        record.u.message.records = true;
        record.u.message.bytes = (struct mc_bytes){r.ptr, r.len};
        stored.u.stored.delivery = 200000 + i;
        stored.u.stored.merge.verdict = MC_MERGE_REPLACED;
        stored.u.stored.held = next;
        stored.u.stored.ring = mc_ring_head(next)->name;
        before = allocations;
        (void)mc_machine_step(m, &talk);
        wake.now_ms += 3000;
        (void)mc_machine_step(m, &wake);
        record.now_ms = stored.now_ms = wake.now_ms;
        (void)mc_machine_step(m, &record);
        (void)mc_machine_step(m, &stored);
        assert_int_equal(allocations - before, 0);
        k->now_ms = stored.now_ms;
        mc_ring_unref(v);
        v = next;
    }
    assert_int_equal(notes(MC_NOTE_REPLACED), 20);
    mc_buf_fini(&r);
    mc_ring_unref(v);
}

static void more_clusters_than_the_table_holds_are_refused_in_words(void **state)
{
    char name[16];

    (void)state;
    for (unsigned i = 0; i < MC_MEMBERS_MAX + 5; i++) {
        snprintf(name, sizeof(name), "x%05u", i);
        give_announcement_as(name, NULL, 0, true);
    }
    assert_int_equal(mc_machine_member_count(k->nodes[0].machine), MC_MEMBERS_MAX);
    assert_int_equal(notes(MC_NOTE_FULL_TABLE), 6);
    k->trace[0] = '\0';
    kit_run(k, 40000); /* thousands fall silent at once: nobody is left out */
    for (size_t i = 1; i < MC_MEMBERS_MAX; i++)
        assert_int_equal(mc_machine_member(k->nodes[0].machine, i).state,
                         MC_MEMBER_SILENT);
}

static void after_a_stop_nothing_is_said(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);

    (void)state;
    kit_step(k, 0, (struct mc_event){.kind = MC_EV_STOP});
    assert_trace("leave talk / note stopped");
    give_record(v1);
    assert_trace("");
    mc_ring_unref(v1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_record_is_stored_adopted_and_acknowledged_last),
        CASE(a_passing_failure_is_tried_after_1_5_and_25_seconds),
        CASE(a_failure_that_passes_ends_in_adoption),
        CASE(a_damaged_record_is_acknowledged_and_told),
        CASE(what_is_not_ours_or_not_a_message_is_acknowledged_and_dropped),
        CASE(a_ring_of_another_system_is_foreign),
        CASE(a_loser_is_kept_shown_and_settled),
        CASE(an_older_record_of_another_line_is_kept_too),
        CASE(a_mint_is_stored_adopted_sent_and_done),
        CASE(a_mint_that_cannot_be_stored_changes_nothing),
        CASE(what_the_bus_did_not_take_goes_out_when_it_returns),
        CASE(a_body_that_was_never_confirmed_is_sent_again),
        CASE(who_listens_does_not_mint_yet),
        CASE(one_that_is_not_ahead_ends_the_listening),
        CASE(a_late_want_waits_three_seconds_an_early_one_does_not),
        CASE(the_next_want_goes_to_another_holder_after_two_seconds),
        CASE(what_nobody_active_holds_is_not_asked_for),
        CASE(two_askers_get_their_own_three_get_one_for_all),
        CASE(at_most_four_bodies_are_on_their_way),
        CASE(who_asks_for_an_older_one_gets_the_one_held),
        CASE(a_cluster_falls_silent_after_three_of_its_intervals),
        CASE(what_is_older_than_our_hello_is_not_life),
        CASE(an_overtaken_announcement_is_ignored),
        CASE(who_misses_its_own_echo_is_mute),
        CASE(the_newcomer_of_two_with_one_name_gives_way),
        CASE(the_established_of_two_with_one_name_stays),
        CASE(a_clock_far_from_three_others_may_not_mint),
        CASE(a_start_announces_at_0_300_900_2100),
        CASE(one_equal_ends_the_start),
        CASE(two_equal_ones_answer_for_us),
        CASE(a_quiet_interval_costs_one_announcement),
        CASE(a_step_allocates_nothing_once_all_are_known),
        CASE(more_clusters_than_the_table_holds_are_refused_in_words),
        CASE(after_a_stop_nothing_is_said),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
