/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch as bytes is an outside format (docs/protocol.md, P98 to P100): questions and
 * answers are written here byte by byte, and each refusal has its code and place.
 */
#include "service/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD(count, flags, bytes)                                                      \
    'M', 'C', 'Q', '1', (count), 0, 0, 0, (flags), 0, 0, 0, (bytes), 0, 0, 0

/* "a", "a/b", "a/b/c", and one of odd bytes. */
static const uint8_t good[] = {HEAD(4, 0, 13),
                               1,
                               0,
                               0,
                               0,
                               0,
                               0,
                               1,
                               0,
                               1,
                               0,
                               0,
                               0,
                               1,
                               0,
                               1,
                               0,
                               1,
                               0,
                               1,
                               0,
                               2,
                               0,
                               0,
                               0,
                               'a',
                               'a',
                               '/',
                               'b',
                               'a',
                               '/',
                               'b',
                               '/',
                               'c',
                               '/',
                               '/',
                               0,
                               0xff};

static struct mc_bytes all(const uint8_t *bytes, size_t len)
{
    return (struct mc_bytes){bytes, len};
}

static void same(struct mcos_bytes got, const char *want, size_t len)
{
    assert_int_equal(got.len, len);
    assert_memory_equal(got.ptr, want, len);
}

static void names_come_whole_however_many_at_once(void **state)
{
    static const struct {
        const char *name;
        size_t len;
    } want[] = {{"a", 1}, {"a/b", 3}, {"a/b/c", 5}, {"//\0\xff", 4}};

    (void)state;
    for (size_t most = 1; most <= 5; most++) {
        struct mc_wire_question q;
        struct mcos_key keys[5];
        size_t count = 0;
        size_t seen = 0;

        /* The last one is 4 bytes, '/' the account, "/" and two bytes the container. */
        assert_int_equal(mc_wire_open(all(good, sizeof(good)), &q, NULL), 0);
        assert_int_equal(q.count, 4);
        assert_int_equal(q.flags, 0);
        while (mc_wire_next(&q, most, keys, &count, NULL) == 0 && count > 0) {
            assert_in_range(count, 1, most);
            for (size_t i = 0; i < count; i++, seen++) {
                same(keys[i].account, want[seen].name, want[seen].len);
                assert_int_equal(keys[i].container.len + keys[i].object.len, 0);
            }
        }
        assert_int_equal(seen, 4);
        assert_int_equal(q.done, 4);
        assert_int_equal(mc_wire_next(&q, most, keys, &count, NULL), 0);
        assert_int_equal(count, 0);
    }
}

static void the_flag_is_read(void **state)
{
    static const uint8_t flagged[] = {HEAD(0, 1, 0)};
    struct mc_wire_question q;

    (void)state;
    assert_int_equal(mc_wire_open(all(flagged, sizeof(flagged)), &q, NULL), 0);
    assert_int_equal(q.flags, MCOS_ACTIVE_FIRST);
    assert_int_equal(q.count, 0);
}

/* The head with one byte changed. */
static void refuses(size_t at, uint8_t byte, int code, const char *field, long offset)
{
    struct mcos_diag diag = {.offset = -1};
    uint8_t bad[sizeof(good)];
    struct mc_wire_question q;

    memcpy(bad, good, sizeof(good));
    bad[at] = byte;
    assert_int_equal(mc_wire_open(all(bad, sizeof(bad)), &q, &diag), code);
    assert_string_equal(diag.field, field);
    assert_int_equal(diag.offset, offset);
}

static void a_head_that_is_wrong_is_refused_with_its_place(void **state)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_wire_question q;

    (void)state;
    refuses(0, 'm', MCOS_E_FORMAT, "mark", 0);
    refuses(3, '2', MCOS_E_UPGRADE, "mark", 3);
    refuses(6, 2, MCOS_E_TOOBIG, "count", 4);
    refuses(8, 2, MCOS_E_VALUE, "flags", 8);
    refuses(11, 1, MCOS_E_VALUE, "flags", 8);
    refuses(4, 3, MCOS_E_FORMAT, "bytes", 12);
    refuses(12, 14, MCOS_E_FORMAT, "bytes", 12);
    refuses(15, 0xff, MCOS_E_FORMAT, "bytes", 12);
    for (size_t len = 0; len < sizeof(good); len++) {
        assert_int_equal(mc_wire_open(all(good, len), &q, &diag), MCOS_E_FORMAT);
        assert_string_equal(diag.field, len < MC_WIRE_QUESTION_HEAD ? "mark" : "bytes");
    }
}

static void names_are_bounded_at_the_limit(void **state)
{
    const size_t bytes = MC_WIRE_QUESTION_HEAD + 7 * (MC_WIRE_NAMES_MAX + 1);
    uint8_t *body = calloc(1, bytes);
    struct mc_wire_question q;

    (void)state;
    assert_non_null(body);
    memcpy(body, "MCQ1", 4);
    for (uint32_t n = MC_WIRE_NAMES_MAX; n <= MC_WIRE_NAMES_MAX + 1; n++) {
        const size_t len = MC_WIRE_QUESTION_HEAD + (size_t)n * 7;

        body[4] = (uint8_t)n;
        body[5] = (uint8_t)(n >> 8);
        body[6] = (uint8_t)(n >> 16);
        body[12] = (uint8_t)n;
        body[13] = (uint8_t)(n >> 8);
        body[14] = (uint8_t)(n >> 16);
        assert_int_equal(mc_wire_open(all(body, len), &q, NULL),
                         n <= MC_WIRE_NAMES_MAX ? 0 : MCOS_E_TOOBIG);
    }
    free(body);
}

static void a_name_that_is_wrong_is_refused_with_its_number(void **state)
{
    static const struct {
        uint8_t lengths[6];
        const char *text; /* after a good "a" */
        int code;
        const char *field;
        long offset;
    } wrong[] = {
        {{0, 0, 1, 0, 0, 0}, "/b", MCOS_E_VALUE, "/names/1", 22},
        {{1, 0, 0, 0, 1, 0}, "ao/", MCOS_E_VALUE, "/names/1", 22},
        {{1, 0, 1, 0, 0, 0}, "a.b", MCOS_E_VALUE, "/names/1", 22},
        {{1, 0, 1, 0, 1, 0}, "a/b.c", MCOS_E_VALUE, "/names/1", 22},
        {{4, 0, 0, 0, 0, 0}, "abc", MCOS_E_VALUE, "/names/1", 22},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "abc", MCOS_E_VALUE, "/names/1", 22},
        {{2, 0, 0, 0, 0, 0}, "abc", MCOS_E_FORMAT, "bytes", 12},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const size_t text = strlen(wrong[i].text);
        const uint8_t head[] = {HEAD(2, 0, (uint8_t)(1 + text)), 1, 0, 0, 0, 0, 0};
        struct mcos_diag diag = {.offset = -1};
        struct mc_wire_question q;
        struct mcos_key keys[2];
        uint8_t body[64];
        size_t count = 0;
        int err = 0;

        memcpy(body, head, sizeof(head));
        memcpy(body + sizeof(head), wrong[i].lengths, 6);
        body[sizeof(head) + 6] = 'a';
        memcpy(body + sizeof(head) + 7, wrong[i].text, text);
        assert_int_equal(mc_wire_open(all(body, sizeof(head) + 7 + text), &q, NULL), 0);
        do
            err = mc_wire_next(&q, 1, keys, &count, &diag);
        while (err == 0 && count > 0);
        assert_int_equal(err, wrong[i].code);
        assert_string_equal(diag.field, wrong[i].field);
        assert_int_equal(diag.offset, wrong[i].offset);
    }
}

static void an_answer_is_what_the_protocol_says(void **state)
{
    static const uint8_t want[] = {'M', 'C', 'A', '1', 2,   0,   0,   0,   3,
                                   0,   0,   0,   9,   0,   0,   0, /* n, s, epoch */
                                   7,   0,   0,   0,   0,   0,   1,   0, /* version */
                                   8,   7,   6,   5,   4,   3,   2,   1, /* checked */
                                   0,   0,   0,   0,   0,   0,   0,   0, /* confirmed */
                                   0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd,
                                   0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd,
                                   0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd, 0xd,
                                   0xd, 0xd, 0xd, 0xd, 0xd};
    struct mcos_view_info info = {
        .version = 0x0001000000000007, .epoch = 9, .stride = 3};
    struct mc_wire_columns columns = {0};
    struct mc_buf b = {0};

    (void)state;
    memset(info.digest, 0xd, sizeof(info.digest));
    assert_int_equal(mc_wire_answer(&info, 0x0102030405060708, 0, 2, &b, &columns), 0);
    assert_int_equal(sizeof(want), MC_WIRE_ANSWER_HEAD);
    assert_int_equal(b.len, MC_WIRE_ANSWER_HEAD + 4 * 2 * (1 + 3));
    assert_memory_equal(b.ptr, want, sizeof(want));
    assert_ptr_equal(columns.partitions, b.ptr + 72);
    assert_ptr_equal(columns.devices, b.ptr + 72 + 8);
    mc_buf_fini(&b);
    b.max = 100;
    assert_int_equal(mc_wire_answer(&info, 0, 0, 2, &b, &columns), MCOS_E_TOOBIG);
    mc_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_whole_however_many_at_once),
        cmocka_unit_test(the_flag_is_read),
        cmocka_unit_test(a_head_that_is_wrong_is_refused_with_its_place),
        cmocka_unit_test(names_are_bounded_at_the_limit),
        cmocka_unit_test(a_name_that_is_wrong_is_refused_with_its_number),
        cmocka_unit_test(an_answer_is_what_the_protocol_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
