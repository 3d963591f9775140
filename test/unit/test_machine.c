/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One machine, fed by hand: what becomes of a record that comes or is minted, and
 * what a step may cost (P60 to P81 of docs/protocol.md). What a step answered is
 * compared as a sentence, so that a right outcome for a wrong reason fails too.
 */
#include "machine_voice.h"

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

/* ---- records ---- */

static void a_record_is_stored_adopted_and_acknowledged_last(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *v2 = kit_ring("photos", v1, NULL, 20, "", false);
    struct mc_ring *v3 = kit_ring("photos", v2, NULL, 30, "", true);
    unsigned d;

    (void)state;
    d = voice_give_record(v1);
    voice_expect("store %u / adopt photos v1 / note added / ack %u", d, d);
    d = voice_give_record(v2);
    voice_expect("store %u / adopt photos v2 / note replaced / ack %u", d, d);
    d = voice_give_record(v2); /* P61: the same again is not even unpacked */
    voice_expect("note same / ack %u", d);
    d = voice_give_record(v1);
    voice_expect("note older / ack %u", d);
    d = voice_give_record(v3); /* a tombstone is a record like any other */
    voice_expect("store %u / adopt photos v3 / note replaced / ack %u", d, d);
    d = voice_give_record(v2);
    voice_expect("note older / ack %u", d);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void a_passing_failure_is_tried_after_1_5_and_25_seconds(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    uint64_t from = k->now_ms;
    unsigned d;

    (void)state;
    k->nodes[0].store_err = MCOS_E_FULL;
    d = voice_give_record(v1);
    voice_expect("store %u / note store-failed", d);
    kit_trace_clear(k);
    kit_run(k, 999);
    assert_false(voice_said("store"));
    kit_run(k, 1);
    assert_true(voice_said("store"));
    kit_trace_clear(k);
    kit_run(k, 4999);
    assert_false(voice_said("store"));
    kit_run(k, 1);
    assert_true(voice_said("store"));
    kit_trace_clear(k);
    kit_run(k, 24999);
    assert_false(voice_said("store"));
    kit_run(k, 1);
    assert_true(voice_said("store "));
    assert_true(voice_said("note store-failed / ack"));
    assert_int_equal(k->now_ms - from, 31000);
    mc_ring_unref(v1);
}

static void a_failure_that_passes_ends_in_adoption(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    unsigned d;

    (void)state;
    k->nodes[0].store_err = MCOS_E_IO;
    d = voice_give_record(v1);
    k->nodes[0].store_err = 0;
    kit_trace_clear(k);
    kit_run(k, 1000);
    voice_expect("store %u / adopt photos v1 / note added / ack %u", d, d);
    mc_ring_unref(v1);
}

static void a_damaged_record_is_acknowledged_and_told(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    unsigned d;

    (void)state;
    k->nodes[0].store_err = MCOS_E_DIGEST;
    d = voice_give_record(v1);
    voice_expect("store %u / note bad-record / ack %u", d, d);
    mc_ring_unref(v1);
}

static void what_is_not_ours_or_not_a_message_is_acknowledged_and_dropped(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    unsigned d;
    uint8_t *p;

    (void)state;
    mc_buf_clear(&b);
    peer.sequence++;
    kit_record(&b, &peer, v1);
    b.ptr[20] ^= 1; /* the system, behind the check's back */
    kit_trace_clear(k);
    d = kit_give(k, true, &b);
    voice_expect("note bad-message / ack %u", d);

    mc_buf_clear(&b);
    kit_open(&b, &peer, MC_WIRE_LEAVE);
    p = b.ptr;
    p[16] = 99; /* another system */
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    assert_true(voice_said("note foreign"));

    mc_buf_clear(&b);
    kit_open(&b, &peer, MC_WIRE_LEAVE);
    b.ptr[4] = 9; /* protocol 9 that only 9 can read */
    b.ptr[5] = 9;
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    assert_true(voice_said("note upgrade"));

    mc_buf_clear(&b);
    kit_open(&b, &peer, MC_WIRE_LEAVE);
    b.ptr[4] = 9; /* protocol 9 that 1 can read as well (P12) */
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    voice_expect("ack %u", d);

    mc_buf_clear(&b); /* nothing at all */
    kit_trace_clear(k);
    mc_buf_u8(&b, 0);
    d = kit_give(k, true, &b);
    voice_expect("note bad-message / ack %u", d);
    mc_ring_unref(v1);
}

static void a_ring_of_another_system_is_foreign(void **state)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_envelope e = {
        .protocol = 1, .kind = MC_WIRE_RECORD, .incarnation = 5, .sequence = 9};

    (void)state;
    k->nodes[0].config.system[0] = KIT_SYSTEM + 1;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    e.system[0] = KIT_SYSTEM + 1; /* the envelope is of our system, the record not */
    e.uid[0] = 3;
    mc_name_set(&e.cluster, "far");
    mc_buf_clear(&b);
    mc_envelope_encode(&b, &e);
    kit_put_ring(&b, v1);
    kit_trace_clear(k);
    kit_give(k, true, &b);
    assert_true(voice_said("note foreign"));
    assert_false(voice_said("store"));
    mc_ring_unref(v1);
}

/* ---- conflicts ---- */

static void a_loser_is_kept_shown_and_settled(void **state)
{
    struct mc_ring *root = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *left = kit_ring("photos", root, NULL, 20, "left", false);
    struct mc_ring *right = kit_ring("photos", root, NULL, 30, "right", false);
    struct mc_ring *both = kit_ring("photos", right, left, 40, "", false);
    unsigned d;

    (void)state;
    voice_give_record(root);
    voice_give_record(left);
    d = voice_give_record(right);
    voice_expect("store %u / adopt photos v2 / note replaced / note conflict / ack %u",
                 d, d);
    d = voice_give_record(left); /* known as a loser: not stored again */
    voice_expect("note same / ack %u", d);
    voice_give_announcement(right); /* one that lacks the loser is behind */
    kit_trace_clear(k);
    kit_run(k, 1400);
    assert_true(voice_said("announce talk"));
    d = voice_give_record(both);
    voice_expect("store %u / adopt photos v3 / note replaced / note settled / ack %u",
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
    unsigned d;

    (void)state;
    voice_give_record(root);
    voice_give_record(right);
    shown[0] = kit_entry(right); /* a peer shows a loser: we ask for it (P34) */
    shown[1] = kit_entry(left);
    shown[1].loser = true;
    voice_give_announcement_as("far", shown, 2, 600000);
    kit_trace_clear(k);
    kit_run(k, 3100);
    assert_true(voice_said("want talk.far"));
    d = voice_give_record(left);
    voice_expect("store %u / note conflict / ack %u", d, d);
    kit_trace_clear(k);
    voice_give_announcement_as("far", shown, 2, 600000);
    kit_run(k, 8000);
    assert_false(voice_said("want talk.far"));
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
    voice_expect("store 0 / note store-failed / done %d", MCOS_E_FULL);
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
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, voice_wall_now(), &retry),
                     MCOS_E_NOTREADY);
    assert_int_equal(retry, MC_LISTEN_MS);
    assert_int_equal(kit_mint(k, 0, "photos", ""), MCOS_E_NOTREADY);
    kit_run(k, MC_LISTEN_MS);
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, voice_wall_now(), &retry), 0);
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
    voice_give_announcement(v1); /* ahead */
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, voice_wall_now(), &retry),
                     MCOS_E_NOTREADY);
    kit_run(k, MC_LISTEN_MS);
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, voice_wall_now(), &retry),
                     MCOS_E_NOTREADY); /* still waiting for what it announced */
    assert_int_equal(retry, 1000);
    voice_give_record(v1);
    assert_int_equal(mc_machine_may_mint(m, k->now_ms, voice_wall_now(), &retry), 0);

    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 10);
    voice_give_announcement(v1); /* equal */
    assert_int_equal(
        mc_machine_may_mint(k->nodes[0].machine, k->now_ms, voice_wall_now(), &retry),
        0);
    mc_ring_unref(v1);
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
    voice_give_announcement(v);
    voice_give_record(v);
    voice_give_want("far", v, false);
    for (unsigned i = 0; i < 20; i++) {
        struct mc_ring *next = kit_ring("photos", v, NULL, 10, "", false);
        struct mc_event stored = {.kind = MC_EV_STORED};
        struct mc_entry e = kit_entry(next);
        struct mc_event wake = {.kind = MC_EV_WAKE};
        unsigned before;

        peer.sequence++;
        mc_buf_clear(&b);
        kit_announcement(&b, &peer, &e, 1, 60000);
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
    assert_int_equal(voice_notes(MC_NOTE_REPLACED), 20);
    mc_buf_fini(&r);
    mc_ring_unref(v);
}

static void more_clusters_than_the_table_holds_are_refused_in_words(void **state)
{
    char name[16];

    (void)state;
    for (unsigned i = 0; i < MC_MEMBERS_MAX + 5; i++) {
        snprintf(name, sizeof(name), "x%05u", i);
        voice_give_announcement_as(name, NULL, 0, 600000);
    }
    assert_int_equal(mc_machine_member_count(k->nodes[0].machine), MC_MEMBERS_MAX);
    assert_int_equal(voice_notes(MC_NOTE_FULL_TABLE), 6);
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
    voice_expect("leave talk / note stopped");
    voice_give_record(v1);
    assert_string_equal(k->trace, "");
    mc_ring_unref(v1);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        VOICE_CASE(a_record_is_stored_adopted_and_acknowledged_last),
        VOICE_CASE(a_passing_failure_is_tried_after_1_5_and_25_seconds),
        VOICE_CASE(a_failure_that_passes_ends_in_adoption),
        VOICE_CASE(a_damaged_record_is_acknowledged_and_told),
        VOICE_CASE(what_is_not_ours_or_not_a_message_is_acknowledged_and_dropped),
        VOICE_CASE(a_ring_of_another_system_is_foreign),
        VOICE_CASE(a_loser_is_kept_shown_and_settled),
        VOICE_CASE(an_older_record_of_another_line_is_kept_too),
        VOICE_CASE(a_mint_is_stored_adopted_sent_and_done),
        VOICE_CASE(a_mint_that_cannot_be_stored_changes_nothing),
        VOICE_CASE(what_the_bus_did_not_take_goes_out_when_it_returns),
        VOICE_CASE(a_body_that_was_never_confirmed_is_sent_again),
        VOICE_CASE(who_listens_does_not_mint_yet),
        VOICE_CASE(one_that_is_not_ahead_ends_the_listening),
        VOICE_CASE(a_step_allocates_nothing_once_all_are_known),
        VOICE_CASE(more_clusters_than_the_table_holds_are_refused_in_words),
        VOICE_CASE(after_a_stop_nothing_is_said),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
