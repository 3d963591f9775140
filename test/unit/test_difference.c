/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking for a record by the name of the one that is held, and what becomes of a
 * difference that cannot be applied (P47 to P49): one machine, and a voice.
 */
#include "machine_voice.h"

#include "mcos/err.h"
#include "ring/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mc_ring *v1;
static struct mc_ring *v2;
static struct mc_ring *v3;

static int setup(void **state)
{
    v1 = kit_ring("photos", NULL, NULL, 10, "one", false);
    v2 = kit_ring("photos", v1, NULL, 20, "two", false);
    v3 = kit_ring("photos", v2, NULL, 30, "three", false);
    return voice_setup(state);
}

static int teardown(void **state)
{
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
    return voice_teardown(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const uint8_t *digest(const struct mc_ring *ring)
{
    return mc_ring_head(ring)->digest;
}

/* A letter that makes `ring` out of `parent`; a damaged one says more than it should.
 */
static unsigned give_difference(const struct mc_ring *parent,
                                const struct mc_ring *ring, bool damaged)
{
    struct mc_bytes head = {mc_blob_get(mc_ring_blob(ring)).ptr,
                            mc_ring_head(ring)->head_bytes};
    size_t start;

    peer.sequence++;
    mc_buf_clear(&b);
    start = kit_open(&b, &peer, MC_WIRE_DIFFERENCE);
    mc_wire_difference_open(&b, head, digest(parent));
    assert_int_equal(mc_delta_make(parent, ring, &b), 0);
    mc_buf_zero(&b, damaged ? 64 : 0);
    mc_envelope_seal(&b, start);
    kit_trace_clear(k);
    return kit_give(k, true, &b);
}

/* Shown by "far", and asked for when the time has come. */
static const struct mc_want_line *ask_for(const struct mc_ring *ring)
{
    voice_give_announcement(ring);
    kit_run(k, MC_WANT_LATE_MS);
    return &k->nodes[0].asked;
}

static void who_holds_one_names_it(void **state)
{
    const struct mc_want_line *asked;

    (void)state;
    voice_give_record(v1);
    asked = ask_for(v2);
    assert_memory_equal(asked->digest8, digest(v2), 8);
    assert_true(asked->names_held);
    assert_memory_equal(asked->held8, digest(v1), 8);
}

static void who_holds_none_or_a_deleted_one_names_nothing(void **state)
{
    struct mc_ring *dead = kit_ring("photos", v1, NULL, 15, "", true);
    struct mc_ring *again = kit_ring("photos", dead, NULL, 16, "", false);

    (void)state;
    assert_false(ask_for(v1)->names_held);
    voice_give_record(dead);
    assert_memory_equal(ask_for(again)->digest8, digest(again), 8);
    assert_false(k->nodes[0].asked.names_held);
    mc_ring_unref(dead);
    mc_ring_unref(again);
}

static void a_loser_is_asked_for_whole(void **state)
{
    struct mc_ring *lost = kit_ring("photos", v1, NULL, 5, "lost", false);

    (void)state;
    voice_give_record(v3);
    assert_memory_equal(ask_for(lost)->digest8, digest(lost), 8);
    assert_true(k->nodes[0].asked.loser);
    assert_false(k->nodes[0].asked.names_held);
    mc_ring_unref(lost);
}

static void a_difference_is_stored_like_any_record(void **state)
{
    unsigned d;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v2);
    d = give_difference(v1, v2, false);
    voice_expect("store %u / adopt photos v2 / note replaced / ack %u", d, d);
    assert_memory_equal(digest(kit_held(k, 0, "photos")), digest(v2), 32);
    d = give_difference(v1, v2, false); /* again */
    voice_expect("note same / ack %u", d);
}

static void expect_dropped(unsigned d)
{
    voice_expect("note difference-unasked / ack %u", d);
    assert_int_equal(mc_ring_head(kit_held(k, 0, "photos"))->version, 1);
}

static void nobody_gives_one_unasked(void **state)
{
    struct mc_ring *other = kit_ring("photos", v1, NULL, 25, "other", false);
    struct mc_ring *unheard = kit_ring("films", NULL, NULL, 25, "unheard", false);
    unsigned d;

    (void)state;
    d = give_difference(v1, unheard, false);
    voice_expect("note difference-unasked / ack %u", d);
    voice_give_record(v1);
    expect_dropped(give_difference(v1, v2, false)); /* nothing was asked for */
    voice_give_announcement(v3);
    expect_dropped(give_difference(v1, v3, false)); /* it will be */
    kit_run(k, MC_WANT_LATE_MS);
    expect_dropped(give_difference(v2, v3, false));    /* named was v1 */
    expect_dropped(give_difference(v1, v2, false));    /* less than asked for */
    expect_dropped(give_difference(v1, other, false)); /* and so is this */
    assert_int_equal(voice_notes(MC_NOTE_UNASKED), 6);
    d = give_difference(v1, v3, false);
    voice_expect("store %u / adopt photos v3 / note replaced / ack %u", d, d);
    mc_ring_unref(other);
    mc_ring_unref(unheard);
}

/* Who has it no more gives what came after it (P43). */
static void what_came_after_it_was_asked_for_too(void **state)
{
    unsigned d;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v2);
    d = give_difference(v1, v3, false);
    voice_expect("store %u / adopt photos v3 / note replaced / ack %u", d, d);
}

static void a_late_answer_to_an_earlier_question_will_do(void **state)
{
    unsigned d;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v2);
    (void)ask_for(v3);
    assert_memory_equal(k->nodes[0].asked.digest8, digest(v3), 8);
    d = give_difference(v1, v2, false);
    voice_expect("store %u / adopt photos v2 / note replaced / ack %u", d, d);
}

static void a_question_brings_one_of_them(void **state)
{
    unsigned d;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v3);
    d = give_difference(v1, v3, true);
    assert_true(voice_said("difference-refused"));
    d = give_difference(v1, v3, false); /* asked for whole meanwhile */
    expect_dropped(d);
}

static void one_that_comes_too_late_is_dropped(void **state)
{
    struct mc_entry e = kit_entry(v2);
    unsigned before;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v2);
    voice_give_announcement_as("far", &e, 0, 60000); /* nobody has it any more */
    kit_run(k, 2 * MC_WANT_RETRY_MS);
    before = k->nodes[0].wants;
    kit_run(k, MC_DIFFERENCE_MS - 3 * MC_WANT_RETRY_MS);
    assert_int_equal(k->nodes[0].wants, before);
    (void)give_difference(v1, v3, true);
    assert_true(voice_said("store"));
    kit_run(k, 100);
    voice_give_announcement(v3);
    kit_run(k, MC_WANT_LATE_MS);
    assert_true(k->nodes[0].asked.names_held);
    voice_give_announcement_as("far", &e, 0, 60000);
    kit_run(k, MC_DIFFERENCE_MS);
    expect_dropped(give_difference(v1, v3, false));
}

static void one_of_no_use_is_asked_for_whole_and_at_once(void **state)
{
    unsigned before;
    unsigned d;

    (void)state;
    voice_give_record(v1);
    assert_true(ask_for(v3)->names_held);
    before = k->nodes[0].wants;
    d = give_difference(v1, v3, true);
    voice_expect("store %u / note difference-refused / ack %u / want talk.far", d, d);
    assert_int_equal(k->nodes[0].wants, before + 1);
    assert_memory_equal(k->nodes[0].asked.digest8, digest(v3), 8);
    assert_false(k->nodes[0].asked.names_held);
    assert_int_equal(voice_notes(MC_NOTE_BAD_RECORD), 0);
}

static void a_parent_that_is_gone_is_no_damage(void **state)
{
    unsigned d;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v3);
    k->nodes[0].store_err = MCOS_E_GONE;
    d = give_difference(v1, v3, false);
    k->nodes[0].store_err = 0;
    voice_expect("store %u / note difference-refused / ack %u / want talk.far", d, d);
    assert_false(k->nodes[0].asked.names_held);
}

/* Of a later form: whole, the record may well be one that we read. */
static void one_of_a_later_form_is_asked_for_whole(void **state)
{
    unsigned d;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v3);
    k->nodes[0].store_err = MCOS_E_UPGRADE;
    d = give_difference(v1, v3, false);
    k->nodes[0].store_err = 0;
    voice_expect("store %u / note difference-refused / ack %u / want talk.far", d, d);
    assert_false(k->nodes[0].asked.names_held);
    assert_int_equal(voice_notes(MC_NOTE_UNREAD), 0);
}

static void who_keeps_sending_what_is_of_no_use_is_not_asked_in_a_loop(void **state)
{
    unsigned before;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v3);
    (void)give_difference(v1, v3, true);
    before = k->nodes[0].wants;
    for (unsigned i = 0; i < 20; i++) {
        (void)give_difference(v1, v3, true);
        assert_false(voice_said("store"));
        kit_run(k, 10);
    }
    assert_int_equal(k->nodes[0].wants, before);
    assert_int_equal(voice_notes(MC_NOTE_UNASKED), 20);
    assert_int_equal(voice_notes(MC_NOTE_DIFFERENCE), 1);
    kit_run(k, MC_WANT_RETRY_MS); /* when the whole has not come either (P32) */
    assert_int_equal(k->nodes[0].wants, before + 1);
    assert_false(k->nodes[0].asked.names_held);
}

static void the_next_record_is_asked_for_by_name_again(void **state)
{
    (void)state;
    voice_give_record(v1);
    (void)ask_for(v2);
    (void)give_difference(v1, v2, true);
    kit_run(k, 1);
    assert_false(k->nodes[0].asked.names_held);
    assert_true(ask_for(v3)->names_held);
    assert_memory_equal(k->nodes[0].asked.digest8, digest(v3), 8);
}

static void a_passing_failure_tries_the_same_difference_again(void **state)
{
    unsigned before;
    unsigned d;

    (void)state;
    voice_give_record(v1);
    (void)ask_for(v2);
    before = k->nodes[0].wants;
    k->nodes[0].store_err = MCOS_E_FULL;
    d = give_difference(v1, v2, false);
    voice_expect("store %u / note store-failed", d);
    k->nodes[0].store_err = 0;
    kit_trace_clear(k);
    kit_run(k, MC_STORE_RETRY_MS_0);
    assert_true(voice_said("adopt photos v2"));
    assert_int_equal(k->nodes[0].wants, before);
}

static void only_who_names_one_may_get_a_difference(void **state)
{
    struct mc_want_line line = {.names_held = true};

    (void)state;
    voice_give_record(v3);
    voice_give_want("near", v3, false);
    assert_true(voice_said("record ring.near photos / note wanted"));
    memcpy(line.held8, digest(v1), 8);
    voice_give_want_of("far", v3, &line);
    assert_true(voice_said("record ring.far photos or from held / note wanted"));
    /* The third one within a second: for all, and so whole. */
    voice_give_want_of("mid", v3, &line);
    assert_true(voice_said("record ring photos / note wanted"));
}

static void a_name_that_was_cut_off_names_nothing(void **state)
{
    struct mc_want_line line = {.names_held = true};

    (void)state;
    voice_give_record(v3);
    voice_give_want_of("far", v3, &line);
    assert_true(voice_said("or from held"));
    mc_buf_clear(&b);
    voice_put_want("near", v3, &line);
    b.len -= 1;
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    kit_give(k, false, &b);
    assert_true(voice_said("record ring.near photos / note wanted"));
}

static void a_damaged_letter_is_no_message(void **state)
{
    (void)state;
    (void)give_difference(v1, v2, false);
    for (size_t at = 0; at < b.len; at++) {
        struct mc_envelope e;
        struct mc_bytes body;

        b.ptr[at] ^= 1;
        assert_int_not_equal(
            mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &e, &body), 0);
        b.ptr[at] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_holds_one_names_it),
        CASE(who_holds_none_or_a_deleted_one_names_nothing),
        CASE(a_loser_is_asked_for_whole),
        CASE(a_difference_is_stored_like_any_record),
        CASE(nobody_gives_one_unasked),
        CASE(what_came_after_it_was_asked_for_too),
        CASE(a_late_answer_to_an_earlier_question_will_do),
        CASE(a_question_brings_one_of_them),
        CASE(one_that_comes_too_late_is_dropped),
        CASE(one_of_no_use_is_asked_for_whole_and_at_once),
        CASE(a_parent_that_is_gone_is_no_damage),
        CASE(one_of_a_later_form_is_asked_for_whole),
        CASE(who_keeps_sending_what_is_of_no_use_is_not_asked_in_a_loop),
        CASE(the_next_record_is_asked_for_by_name_again),
        CASE(a_passing_failure_tries_the_same_difference_again),
        CASE(only_who_names_one_may_get_a_difference),
        CASE(a_name_that_was_cut_off_names_nothing),
        CASE(a_damaged_letter_is_no_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
