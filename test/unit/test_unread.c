/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine among clusters of a later version: records that it cannot read, what
 * it asks for, what it mints in which format, what it makes of messages to come.
 */
#include "machine_voice.h"

#include "ring/front.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LATER 9u /* a format that nobody knows */

/* The bytes of a ring, as if they were of a later format; yours. */
static struct mc_bytes later_bytes(const struct mc_ring *ring)
{
    struct mc_bytes all = mc_blob_get(mc_ring_blob(ring));
    uint8_t *copy = malloc(all.len);

    assert_non_null(copy);
    memcpy(copy, all.ptr, all.len);
    mc_set_u16(copy + 8, LATER);
    return (struct mc_bytes){copy, all.len};
}

static struct mc_entry later_entry(const struct mc_ring *ring)
{
    struct mc_bytes bytes = later_bytes(ring);
    struct mc_entry e = kit_entry(ring);
    struct mc_front front;

    assert_int_equal(mc_front_decode(bytes, &front), 0);
    memcpy(e.digest8, front.digest, 8);
    free((void *)(uintptr_t)bytes.ptr);
    return e;
}

static unsigned give_later(const struct mc_ring *ring)
{
    struct mc_bytes bytes = later_bytes(ring);
    size_t head = mc_ring_head(ring)->head_bytes;
    struct mc_wire_record r = {.head = {bytes.ptr, head},
                               .rest_bytes = bytes.len - head,
                               .packed = {bytes.ptr + head, bytes.len - head}};
    unsigned d;

    peer.sequence++;
    mc_buf_clear(&b);
    (void)kit_open(&b, &peer, MC_WIRE_RECORD);
    mc_wire_record_encode(&b, &r);
    kit_trace_clear(k);
    d = kit_give(k, true, &b);
    free((void *)(uintptr_t)bytes.ptr);
    return d;
}

static bool is_unread(const char *ring, uint64_t version)
{
    struct mc_stamp stamp;

    return mc_machine_find_unread(k->nodes[0].machine, ring, &stamp) &&
           stamp.version == version;
}

static void show(const struct mc_entry *entry)
{
    voice_give_announcement_as("far", entry, 1, 60000);
}

/* v1 and v2 of photos; v1 is held. */
static void two(struct mc_ring **v1, struct mc_ring **v2)
{
    *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    *v2 = kit_ring("photos", *v1, NULL, 20, "", false);
    (void)voice_give_record(*v1);
    assert_int_equal(mc_ring_head(kit_held(k, 0, "photos"))->version, 1);
}

static void it_is_asked_for_once_and_never_again(void **state)
{
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_entry e;
    unsigned d;
    unsigned wants;

    (void)state;
    two(&v1, &v2);
    e = later_entry(v2);
    show(&e);
    kit_run(k, 3100);
    assert_true(voice_said("want talk.far"));
    d = give_later(v2);
    voice_expect("note unread / ack %u", d);
    assert_true(is_unread("photos", 2));
    wants = k->nodes[0].wants;
    for (unsigned i = 0; i < 30; i++) {
        show(&e);
        kit_run(k, 10000);
    }
    assert_int_equal(k->nodes[0].wants, wants);
    d = give_later(v2); /* full mode brings it again and again */
    voice_expect("ack %u", d);
    assert_int_equal(voice_notes(MC_NOTE_UNREAD), 1);
    assert_int_equal(mc_ring_head(kit_held(k, 0, "photos"))->version, 1);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void one_that_came_first_need_not_be_asked_for(void **state)
{
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_entry e;
    unsigned d;

    (void)state;
    two(&v1, &v2);
    e = later_entry(v2);
    d = give_later(v2); /* nobody has announced it yet */
    voice_expect("ack %u", d);
    assert_false(is_unread("photos", 2));
    show(&e);
    assert_true(voice_said("note unread"));
    assert_true(is_unread("photos", 2));
    kit_trace_clear(k);
    kit_run(k, 9000);
    assert_false(voice_said("want talk.far"));
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void a_ring_is_not_changed_on_top_of_it(void **state)
{
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *v3;
    struct mc_entry e;

    (void)state;
    two(&v1, &v2);
    v3 = kit_ring("photos", v2, NULL, 30, "", false);
    e = later_entry(v2);
    (void)give_later(v2);
    show(&e);
    assert_int_equal(kit_mint(k, 0, "photos", ""), MCOS_E_OLD);
    assert_int_equal(kit_mint(k, 0, "mail", ""), 0); /* others go on */
    (void)voice_give_record(v3); /* what is greater, and can be read, ends it */
    assert_false(is_unread("photos", 2));
    assert_int_equal(kit_mint(k, 0, "photos", ""), 0);
    assert_int_equal(mc_ring_head(kit_held(k, 0, "photos"))->version, 4);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void a_lesser_one_that_can_be_read_is_still_wanted(void **state)
{
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *v3;
    struct mc_entry e;

    (void)state;
    two(&v1, &v2);
    v3 = kit_ring("photos", v2, NULL, 30, "", false);
    e = later_entry(v3);
    (void)give_later(v3);
    show(&e);
    e = kit_entry(v2);
    voice_give_announcement_as("near", &e, 1, 60000);
    kit_run(k, 3100);
    assert_true(voice_said("want talk.near"));
    (void)voice_give_record(v2);
    assert_int_equal(mc_ring_head(kit_held(k, 0, "photos"))->version, 2);
    assert_true(is_unread("photos", 3));
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void what_the_store_keeps_is_told_and_not_announced(void **state)
{
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_stamp stamp;
    struct mc_name name;

    (void)state;
    two(&v1, &v2);
    stamp = mc_stamp_of(mc_ring_head(v2));
    assert_int_equal(
        mc_machine_unread(k->nodes[0].machine, &mc_ring_head(v2)->name, &stamp), 0);
    mc_name_set(&name, "mail");
    assert_int_equal(mc_machine_unread(k->nodes[0].machine, &name, &stamp), 0);
    kit_trace_clear(k);
    kit_run(k, 15000); /* with the next step */
    assert_true(voice_said("note unread"));
    kit_run(k, 60000);
    assert_int_equal(voice_notes(MC_NOTE_UNREAD), 2);
    assert_int_equal(mc_machine_member(k->nodes[0].machine, 0).holding_count, 1);
    assert_int_equal(kit_mint(k, 0, "mail", ""), MCOS_E_OLD);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

/* As `cluster` would, who reads that format; 0: one who does not say. */
static void announce_reads(const char *cluster, unsigned format, size_t cut)
{
    struct mc_announce a = {.interval_ms = 10000,
                            .whole = true,
                            .uptime_ms = 60000,
                            .format = format,
                            .program = "7.1"};
    struct mc_sum sums[MC_BUCKETS] = {0};
    struct kit_sender who = peer;
    size_t start;
    size_t at;

    who.cluster = cluster;
    who.sequence = ++peer.sequence;
    who.sent_ns = voice_wall_now();
    mc_sums_digest(sums, a.digest);
    mc_buf_clear(&b);
    start = kit_open(&b, &who, MC_WIRE_ANNOUNCE);
    at = mc_announce_open(&b, &a);
    mc_announce_close(&b, at, &a);
    b.len -= cut;
    if (cut == 0)
        mc_buf_u64(&b, 77); /* what comes after that: left alone */
    mc_envelope_seal(&b, start);
    kit_trace_clear(k);
    kit_give(k, false, &b);
}

static struct mc_member member(const char *cluster)
{
    const struct mc_machine *m = k->nodes[0].machine;

    for (size_t i = 0; i < mc_machine_member_count(m); i++) {
        if (strcmp(mc_machine_member(m, i).name.s, cluster) == 0)
            return mc_machine_member(m, i);
    }
    fail();
    return (struct mc_member){.format = 0};
}

static void an_announcement_says_what_its_sender_reads(void **state)
{
    (void)state;
    announce_reads("far", 3, 0);
    assert_int_equal(member("far").format, 3);
    assert_string_equal(member("far").program, "7.1");
    announce_reads("old", 0, 1 + 2 + 3); /* before there was such a field */
    assert_int_equal(member("old").format, MC_FORMAT_FIRST);
    assert_string_equal(member("old").program, "");
    announce_reads("half", 3, 3); /* in the middle of it */
    assert_true(voice_said("note bad-message"));
    announce_reads("half", 3, 0);
    assert_int_equal(member("half").format, 3);
}

static void restart_with_format(unsigned format)
{
    k->nodes[0].config.format = (uint8_t)format;
    kit_kill(k, 0, false);
    kit_start(k, 0);
    kit_run(k, 20000);
}

/* Linked with the core of the next version, which writes two formats. */
static void the_format_is_what_all_active_ones_read(void **state)
{
    struct mc_machine *m;

    (void)state;
    assert_int_equal(mc_format_max, 2);
    restart_with_format(2);
    m = k->nodes[0].machine;
    assert_int_equal(mc_machine_mint_format(m), 2);
    announce_reads("far", 2, 0);
    assert_int_equal(mc_machine_mint_format(m), 2);
    announce_reads("old", 1, 0);
    assert_int_equal(mc_machine_mint_format(m), 1);
    kit_run(k, 40000); /* both are silent now */
    assert_int_equal(mc_machine_mint_format(m), 2);
    announce_reads("far", 9, 0);
    assert_int_equal(mc_machine_mint_format(m), 2); /* not more than we can */
    kit_bus(k, 0, false);
    assert_int_equal(mc_machine_mint_format(m), 1); /* we hear nobody */
    kit_bus(k, 0, true);
    kit_run(k, 1000);
    /* "old" and "far" were there before: until it is clear that they are not. */
    assert_int_equal(mc_machine_mint_format(m), 1);
    announce_reads("far", 2, 0);
    announce_reads("old", 2, 0);
    assert_int_equal(mc_machine_mint_format(m), 2);
    restart_with_format(1);
    announce_reads("far", 2, 0);
    assert_int_equal(mc_machine_mint_format(k->nodes[0].machine), 1);
}

/* A ring in format 2, which only this build can make. */
static struct mc_ring *in_format_2(void)
{
    struct mc_ring *v1 = kit_ring("photos", NULL, NULL, 10, "", false);
    struct mc_ring *ring = NULL;
    struct mc_blob *blob = NULL;
    struct mc_draft d;

    mc_draft_init(&d);
    assert_int_equal(mc_draft_from_ring(&d, v1), 0);
    d.head = *mc_ring_head(v1);
    d.head.format = 2;
    assert_int_equal(mc_draft_encode(&d, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL), 0);
    assert_int_equal(mc_ring_head(ring)->format, 2);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    mc_ring_unref(v1);
    return ring;
}

/* Whether that cluster's announcement, of nothing, is answered before the regular one.
 */
static bool is_answered(const char *cluster, unsigned format)
{
    unsigned before;

    announce_reads(cluster, format, 0); /* new: we introduce ourselves */
    kit_run(k, 3000);
    before = k->nodes[0].announces;
    announce_reads(cluster, format, 0);
    kit_run(k, 1500);
    return k->nodes[0].announces > before;
}

static void who_lacks_what_it_cannot_read_is_not_behind(void **state)
{
    struct mc_ring *ring = in_format_2();

    (void)state;
    k->nodes[0].config.announce_interval_ms = 60000;
    restart_with_format(2);
    kit_run(k, 60000);
    (void)voice_give_record(ring);
    assert_int_equal(mc_ring_head(kit_held(k, 0, "photos"))->format, 2);
    kit_run(k, 3000);
    assert_false(is_answered("old", 1));
    assert_true(is_answered("new", 2));
    mc_ring_unref(ring);
}

/* This machine is of today, though the build is not. */
static void format_2_is_too_new_for_who_reads_1(void **state)
{
    struct mc_ring *ring = in_format_2();
    struct mc_entry e = kit_entry(ring);
    unsigned d;

    (void)state;
    restart_with_format(1);
    show(&e);
    kit_run(k, 3100);
    d = voice_give_record(ring);
    voice_expect("note unread / ack %u", d);
    assert_null(kit_held(k, 0, "photos"));
    mc_ring_unref(ring);
}

static void a_kind_of_message_to_come_is_dropped_in_words(void **state)
{
    unsigned d;

    (void)state;
    mc_buf_clear(&b);
    kit_open(&b, &peer, (enum mc_wire_kind)200);
    b.ptr[4] = 9; /* protocol 9, and it does not say that only 9 can read it */
    mc_envelope_seal(&b, 0);
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    voice_expect("note upgrade / far / ack %u", d);
    mc_buf_clear(&b);
    kit_open(&b, &peer, (enum mc_wire_kind)200); /* of our own protocol: nonsense */
    kit_trace_clear(k);
    d = kit_give(k, false, &b);
    voice_expect("note bad-message / ack %u", d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOICE_CASE(it_is_asked_for_once_and_never_again),
        VOICE_CASE(one_that_came_first_need_not_be_asked_for),
        VOICE_CASE(a_ring_is_not_changed_on_top_of_it),
        VOICE_CASE(a_lesser_one_that_can_be_read_is_still_wanted),
        VOICE_CASE(what_the_store_keeps_is_told_and_not_announced),
        VOICE_CASE(an_announcement_says_what_its_sender_reads),
        VOICE_CASE(the_format_is_what_all_active_ones_read),
        VOICE_CASE(who_lacks_what_it_cannot_read_is_not_behind),
        VOICE_CASE(format_2_is_too_new_for_who_reads_1),
        VOICE_CASE(a_kind_of_message_to_come_is_dropped_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
