/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as bytes: what is written is read back, the layout is the one in
 * docs/protocol.md (another program may speak it), and no message that was cut
 * anywhere, or in which any one bit turned, is taken for a message.
 */
#include "sync/wire_talk.h"

#include "mcos/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mc_envelope sample(enum mc_wire_kind kind)
{
    struct mc_envelope e = {.protocol = 1,
                            .needs = 1,
                            .kind = kind,
                            .directed = true,
                            .incarnation = 0x0102030405060708ull,
                            .sequence = 9,
                            .sent_ns = 1700000000000000000ull};

    memset(e.system, 0x11, sizeof(e.system));
    memset(e.uid, 0x22, sizeof(e.uid));
    mc_name_set(&e.cluster, "eu-west");
    return e;
}

static struct mc_entry entry(const char *name, uint64_t version, bool loser)
{
    struct mc_entry e = {.version = version, .timestamp = 5, .loser = loser};

    mc_name_set(&e.name, name);
    e.digest8[0] = (uint8_t)version;
    return e;
}

/* An announcement with two entries and all texts, sealed. */
static void announcement(struct mc_buf *b, struct mc_announce *a)
{
    struct mc_envelope e = sample(MC_WIRE_ANNOUNCE);
    struct mc_entry one = entry("music", 3, false);
    struct mc_entry two = entry("photos", 7, true);
    size_t at;

    *a = (struct mc_announce){.interval_ms = 10000,
                              .uptime_ms = 77,
                              .full = true,
                              .whole = false,
                              .ring_count = 2};
    a->format = 3;
    strcpy(a->program, "0.3.1");
    strcpy(a->region, "eu");
    strcpy(a->zone, "1");
    strcpy(a->address, "http://127.0.0.1:8471");
    memset(a->digest, 0x33, sizeof(a->digest));
    for (unsigned i = 0; i < MC_BUCKETS; i++)
        a->buckets[i] = i;
    mc_envelope_encode(b, &e);
    at = mc_announce_open(b, a);
    mc_entry_encode(b, &one);
    mc_entry_encode(b, &two);
    mc_announce_close(b, at, a);
    mc_envelope_seal(b, 0);
}

static void an_envelope_has_the_layout_of_the_document(void **state)
{
    struct mc_envelope e = sample(MC_WIRE_LEAVE);
    struct mc_envelope back;
    struct mc_bytes body;
    struct mc_buf b = {0};

    (void)state;
    mc_envelope_encode(&b, &e);
    assert_memory_equal(b.ptr, "MCOM\x01\x01\x06\x01", 8);
    assert_int_equal(b.ptr[16], 0x11);
    assert_int_equal(b.ptr[32], 0x22);
    assert_true(mc_get_u64(b.ptr + 48) == e.incarnation);
    assert_true(mc_get_u64(b.ptr + 56) == 9);
    assert_int_equal(b.len, 80);
    assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &back, &body),
                     0);
    assert_memory_equal(&back, &e, sizeof(e));
    assert_int_equal(body.len, 0);
    mc_buf_fini(&b);
}

/* Of a later program: what it says of itself does not make it unheard. */
static void a_program_with_a_long_version_is_heard_all_the_same(void **state)
{
    static const char longer[] = "1.2.3+build.20310101.with.a.lot.to.say.of.itself";
    struct mc_announce a;
    struct mc_announce back;
    struct mc_envelope e;
    struct mc_bytes body;
    struct mc_buf b = {0};
    struct mc_buf other = {0};

    (void)state;
    announcement(&b, &a);
    assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &e, &body), 0);
    mc_buf_put(&other, body.ptr, body.len - 2 - strlen(a.program));
    mc_buf_str(&other, longer);
    assert_int_equal(mc_announce_decode((struct mc_bytes){other.ptr, other.len}, &back),
                     0);
    assert_int_equal(back.format, 3);
    assert_string_equal(back.program, "");
    other.len--; /* cut */
    assert_int_equal(mc_announce_decode((struct mc_bytes){other.ptr, other.len}, &back),
                     MCOS_E_FORMAT);
    mc_buf_fini(&other);
    mc_buf_fini(&b);
}

static void an_announcement_comes_back_as_it_went(void **state)
{
    struct mc_announce a;
    struct mc_announce back;
    struct mc_envelope e;
    struct mc_bytes body;
    struct mc_entry got;
    struct mc_reader r;
    struct mc_buf b = {0};

    (void)state;
    announcement(&b, &a);
    assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &e, &body), 0);
    assert_int_equal(mc_announce_decode(body, &back), 0);
    assert_string_equal(back.region, "eu");
    assert_string_equal(back.zone, "1");
    assert_string_equal(back.address, "http://127.0.0.1:8471");
    assert_true(back.full && back.uptime_ms == 77 && !back.whole);
    assert_int_equal(back.interval_ms, 10000);
    assert_int_equal(back.ring_count, 2);
    assert_true(back.buckets[63] == 63);
    assert_int_equal(back.format, 3);
    assert_string_equal(back.program, "0.3.1");
    r = mc_reader_init(back.entries);
    assert_true(mc_entry_decode(&r, &got));
    assert_string_equal(got.name.s, "music");
    assert_true(mc_entry_decode(&r, &got));
    assert_string_equal(got.name.s, "photos");
    assert_true(got.loser && got.version == 7 && got.timestamp == 5);
    assert_false(mc_entry_decode(&r, &got));
    assert_false(r.bad);
    mc_buf_fini(&b);
}

static void no_cut_and_no_turned_bit_goes_unseen(void **state)
{
    struct mc_announce a;
    struct mc_envelope e;
    struct mc_bytes body;
    struct mc_buf b = {0};

    (void)state;
    announcement(&b, &a);
    for (size_t n = 0; n < b.len; n++) {
        uint8_t *cut = malloc(n + 1); /* its own memory: reading on is seen */

        memcpy(cut, b.ptr, n);
        assert_int_not_equal(mc_envelope_decode((struct mc_bytes){cut, n}, &e, &body),
                             0);
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &e, &body),
                         MCOS_E_FORMAT);
        b.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &e, &body), 0);
    mc_buf_fini(&b);
}

static void a_newer_protocol_is_read_if_it_says_so(void **state)
{
    struct mc_envelope e = sample(MC_WIRE_LEAVE);
    struct mc_envelope back = {0};
    struct mc_bytes body;
    struct mc_buf b = {0};

    (void)state;
    e.protocol = 2;
    mc_envelope_encode(&b, &e);
    assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &back, &body),
                     0);
    assert_int_equal(back.protocol, 2);
    mc_buf_clear(&b);
    e.needs = 2;
    mc_envelope_encode(&b, &e);
    memset(&back, 0, sizeof(back));
    assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &back, &body),
                     MCOS_E_UPGRADE);
    assert_string_equal(back.cluster.s, "eu-west"); /* who is to be upgraded to */
    mc_buf_clear(&b);
    e.needs = 3; /* needs more than it is */
    mc_envelope_encode(&b, &e);
    assert_int_equal(mc_envelope_decode((struct mc_bytes){b.ptr, b.len}, &back, &body),
                     MCOS_E_FORMAT);
    mc_buf_fini(&b);
}

/* What names the record held lies behind the lines, where a reader that does not know
 * of it finds the lines as they always were (P12). */
static void who_knows_no_differences_reads_the_lines_as_before(void **state)
{
    static const char *const names[3] = {"a", "photos", "z"};
    static const uint8_t held[2][8] = {{1, 1, 1, 1, 1, 1, 1, 1},
                                       {2, 2, 2, 2, 2, 2, 2, 2}};
    struct mc_buf plain = {0};
    struct mc_buf b = {0};
    struct mc_want_head wh;
    struct mc_reader lines;
    struct mc_reader behind;
    struct mc_want_line line;
    size_t at = mc_want_open(&b, false, 0);
    size_t plain_at = mc_want_open(&plain, false, 0);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        line = (struct mc_want_line){.digest8 = {9, (uint8_t)i}};
        mc_name_set(&line.name, names[i]);
        mc_want_put(&plain, &line);
        line.names_held = i != 1;
        mc_want_put(&b, &line);
    }
    mc_want_put_held(&b, held[0]);
    mc_want_put_held(&b, held[1]);
    mc_want_close(&b, at, 3);
    mc_want_close(&plain, plain_at, 3);
    assert_int_equal(b.len, plain.len + 16);
    for (size_t i = 0; i < plain.len; i++)
        assert_true((b.ptr[i] & ~2) == (plain.ptr[i] & ~2)); /* but for the flag */

    assert_int_equal(mc_want_decode((struct mc_bytes){b.ptr, b.len}, &wh, &lines), 0);
    behind = mc_want_held(lines, wh.count);
    assert_int_equal(mc_reader_left(&behind), 16);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(mc_want_next(&lines, &line));
        assert_string_equal(line.name.s, names[i]);
        assert_true(line.names_held == (i != 1));
    }
    assert_memory_equal(mc_reader_take(&behind, 8).ptr, held[0], 8);
    assert_memory_equal(mc_reader_take(&behind, 8).ptr, held[1], 8);
    mc_buf_fini(&plain);
    mc_buf_fini(&b);
}

static void a_difference_comes_back(void **state)
{
    static const uint8_t parent8[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct mc_envelope e = {.protocol = 1, .kind = MC_WIRE_RECORD, .sequence = 4};
    struct mc_wire_difference d;
    struct mc_bytes body;
    struct mc_buf b = {0};

    (void)state;
    mc_name_set(&e.cluster, "eu");
    mc_buf_u8(&b, 0xee); /* it need not be at the buffer's beginning */
    mc_envelope_encode(&b, &e);
    mc_wire_difference_open(&b, (struct mc_bytes){(const uint8_t *)"head", 4}, parent8);
    mc_buf_put(&b, "delta", 5);
    mc_envelope_turn(&b, 1, MC_WIRE_DIFFERENCE);
    assert_int_equal(
        mc_envelope_decode((struct mc_bytes){b.ptr + 1, b.len - 1}, &e, &body), 0);
    assert_int_equal(e.kind, MC_WIRE_DIFFERENCE);
    assert_int_equal(mc_wire_difference_decode(body, &d), 0);
    assert_int_equal(d.head.len, 4);
    assert_memory_equal(d.head.ptr, "head", 4);
    assert_memory_equal(d.parent8, parent8, 8);
    assert_int_equal(d.delta.len, 5);
    assert_memory_equal(d.delta.ptr, "delta", 5);
    for (size_t n = 0; n < 4 + 4 + 8; n++)
        assert_int_equal(mc_wire_difference_decode((struct mc_bytes){body.ptr, n}, &d),
                         MCOS_E_FORMAT);
    mc_buf_clear(&b);
    mc_buf_u32(&b, MC_HEAD_BYTES_MAX + 1);
    mc_buf_zero(&b, MC_HEAD_BYTES_MAX + 20);
    assert_int_equal(mc_wire_difference_decode((struct mc_bytes){b.ptr, b.len}, &d),
                     MCOS_E_TOOBIG);
    mc_buf_fini(&b);
}

static void wants_lists_and_members_come_back(void **state)
{
    struct mc_want_line want = {.loser = true, .digest8 = {1, 2, 3}};
    struct mc_member_line member = {.state = MC_TOLD_LEFT, .region = "eu"};
    struct mc_want_head wh;
    struct mc_list_head lh;
    struct mc_members_head mh;
    struct mc_reader r;
    struct mc_buf b = {0};
    size_t at;

    (void)state;
    mc_name_set(&want.name, "photos");
    at = mc_want_open(&b, true, 5);
    mc_want_put(&b, &want);
    mc_want_close(&b, at, 1);
    assert_int_equal(mc_want_decode((struct mc_bytes){b.ptr, b.len}, &wh, &r), 0);
    assert_true(wh.members && wh.buckets == 5 && wh.count == 1);
    memset(&want, 0, sizeof(want));
    assert_true(mc_want_next(&r, &want));
    assert_true(want.loser && want.digest8[2] == 3);
    assert_false(mc_want_next(&r, &want)); /* no second one */

    mc_buf_clear(&b);
    at = mc_list_open(&b, 63, "photos");
    mc_list_close(&b, at, true);
    assert_int_equal(mc_list_decode((struct mc_bytes){b.ptr, b.len}, &lh, &r), 0);
    assert_true(lh.last && lh.bucket == 63);
    assert_string_equal(lh.after, "photos");
    b.ptr[1] = 64; /* one bucket too far */
    assert_int_equal(mc_list_decode((struct mc_bytes){b.ptr, b.len}, &lh, &r),
                     MCOS_E_FORMAT);

    mc_buf_clear(&b);
    mc_name_set(&member.name, "eu-west");
    at = mc_members_open(&b, 12);
    mc_members_put(&b, &member);
    mc_members_close(&b, at, true, 1);
    assert_int_equal(mc_members_decode((struct mc_bytes){b.ptr, b.len}, &mh, &r), 0);
    assert_true(mh.last && mh.known == 12 && mh.count == 1);
    memset(&member, 0, sizeof(member));
    assert_true(mc_members_next(&r, &member));
    assert_string_equal(member.name.s, "eu-west");
    assert_string_equal(member.region, "eu");
    assert_int_equal(member.state, MC_TOLD_LEFT);
    mc_buf_fini(&b);
}

static void an_entry_outside_the_limits_is_bad(void **state)
{
    const struct {
        uint64_t version;
        uint64_t timestamp;
        bool good;
    } row[] = {
        {1, 1, true},
        {0, 1, false},
        {1, 0, false},
        {MC_VERSION_MAX, MC_TIMESTAMP_MAX, true},
        {MC_VERSION_MAX + 1, 1, false},
        {1, MC_TIMESTAMP_MAX + 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct mc_entry e = entry("photos", row[i].version, false);
        struct mc_entry got;
        struct mc_buf b = {0};
        struct mc_reader r;

        e.timestamp = row[i].timestamp;
        mc_entry_encode(&b, &e);
        assert_true(b.len <= MC_ENTRY_BYTES);
        r = mc_reader_init((struct mc_bytes){b.ptr, b.len});
        assert_true(mc_entry_decode(&r, &got) == row[i].good);
        assert_true(r.bad == !row[i].good);
        mc_buf_fini(&b);
    }
}

static void sums_do_not_depend_on_the_order_of_changes(void **state)
{
    struct mc_entry a = entry("music", 3, false);
    struct mc_entry b = entry("photos", 7, false);
    struct mc_sum x = mc_entry_sum(&a);
    struct mc_sum y = mc_entry_sum(&b);
    struct mc_sum sums[MC_BUCKETS] = {0};
    uint8_t empty[16];
    uint8_t full[16];

    (void)state;
    mc_sums_digest(sums, empty);
    sums[mc_bucket_of(&a.name)].lane[0] += x.lane[0];
    sums[mc_bucket_of(&b.name)].lane[0] += y.lane[0];
    mc_sums_digest(sums, full);
    assert_memory_not_equal(empty, full, 16);
    sums[mc_bucket_of(&a.name)].lane[0] -= x.lane[0];
    sums[mc_bucket_of(&b.name)].lane[0] -= y.lane[0];
    mc_sums_digest(sums, full);
    assert_memory_equal(empty, full, 16);
    b.loser = true; /* each field counts */
    assert_true(mc_entry_sum(&b).lane[0] != y.lane[0]);
}

static void a_record_message_states_its_sizes_and_is_held_to_them(void **state)
{
    struct mc_wire_record rec = {.head = {(const uint8_t *)"HEAD", 4},
                                 .rest_bytes = 99,
                                 .packed = {(const uint8_t *)"zz", 2}};
    struct mc_wire_record back;
    struct mc_buf b = {0};

    (void)state;
    mc_wire_record_encode(&b, &rec);
    assert_int_equal(mc_wire_record_decode((struct mc_bytes){b.ptr, b.len}, &back), 0);
    assert_int_equal(back.head.len, 4);
    assert_int_equal(back.packed.len, 2);
    assert_true(back.rest_bytes == 99);
    for (size_t n = 0; n < 16; n++)
        assert_int_equal(mc_wire_record_decode((struct mc_bytes){b.ptr, n}, &back),
                         MCOS_E_FORMAT);
    mc_set_u64(b.ptr + 8, MC_RECORD_BYTES_MAX);
    assert_int_equal(mc_wire_record_decode((struct mc_bytes){b.ptr, b.len}, &back), 0);
    mc_set_u64(b.ptr + 8, MC_RECORD_BYTES_MAX + 1ull);
    assert_int_equal(mc_wire_record_decode((struct mc_bytes){b.ptr, b.len}, &back),
                     MCOS_E_TOOBIG);
    mc_set_u32(b.ptr, MC_HEAD_BYTES_MAX + 1);
    assert_int_equal(mc_wire_record_decode((struct mc_bytes){b.ptr, b.len}, &back),
                     MCOS_E_TOOBIG);
    mc_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_envelope_has_the_layout_of_the_document),
        cmocka_unit_test(a_program_with_a_long_version_is_heard_all_the_same),
        cmocka_unit_test(an_announcement_comes_back_as_it_went),
        cmocka_unit_test(no_cut_and_no_turned_bit_goes_unseen),
        cmocka_unit_test(a_newer_protocol_is_read_if_it_says_so),
        cmocka_unit_test(who_knows_no_differences_reads_the_lines_as_before),
        cmocka_unit_test(a_difference_comes_back),
        cmocka_unit_test(wants_lists_and_members_come_back),
        cmocka_unit_test(an_entry_outside_the_limits_is_bad),
        cmocka_unit_test(sums_do_not_depend_on_the_order_of_changes),
        cmocka_unit_test(a_record_message_states_its_sizes_and_is_held_to_them),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
