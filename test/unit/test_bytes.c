/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every decoder stands on the reader and every encoder on the buffer, so their
 * edges are tested at the edge and one past it.
 */
#include "base/bytes.h"
#include "base/name.h"
#include "mcos/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_is_written_is_read_back(void **state)
{
    struct mc_buf b = {0};
    struct mc_reader r;
    char text[4];

    (void)state;
    mc_buf_u8(&b, 0xab);
    mc_buf_u16(&b, 0xabcd);
    mc_buf_u32(&b, 0xabcdef01u);
    mc_buf_u64(&b, 0xabcdef0123456789ull);
    mc_buf_str(&b, "abc");
    assert_int_equal(b.err, 0);
    assert_int_equal(b.len, 1 + 2 + 4 + 8 + 2 + 3);
    assert_int_equal(b.ptr[1], 0xcd); /* little-endian */
    r = mc_reader_init((struct mc_bytes){b.ptr, b.len});
    assert_int_equal(mc_reader_u8(&r), 0xab);
    assert_int_equal(mc_reader_u16(&r), 0xabcd);
    assert_int_equal(mc_reader_u32(&r), 0xabcdef01u);
    assert_true(mc_reader_u64(&r) == 0xabcdef0123456789ull);
    mc_reader_str(&r, text, sizeof(text));
    assert_string_equal(text, "abc");
    assert_false(r.bad);
    assert_int_equal(mc_reader_left(&r), 0);
    mc_buf_fini(&b);
}

static void a_reader_never_passes_its_end(void **state)
{
    const uint8_t raw[3] = {1, 2, 3};
    struct mc_reader r = mc_reader_init((struct mc_bytes){raw, sizeof(raw)});

    (void)state;
    assert_int_equal(mc_reader_u16(&r), 0x0201);
    assert_int_equal(mc_reader_u16(&r), 0);
    assert_true(r.bad);
    assert_int_equal(mc_reader_u8(&r), 0); /* stays bad, though a byte is left */
    assert_int_equal(mc_reader_left(&r), 0);
}

static void a_text_that_does_not_fit_or_holds_nul_is_bad(void **state)
{
    const uint8_t abc[] = {3, 0, 'a', 'b', 'c'};
    const uint8_t nul[] = {2, 0, 'a', 0};
    char small[3];
    char room[8];
    struct mc_reader r = mc_reader_init((struct mc_bytes){abc, sizeof(abc)});

    (void)state;
    mc_reader_str(&r, small, sizeof(small));
    assert_true(r.bad);
    assert_string_equal(small, "");
    r = mc_reader_init((struct mc_bytes){nul, sizeof(nul)});
    mc_reader_str(&r, room, sizeof(room));
    assert_true(r.bad);
}

static void a_buffer_stops_at_its_bound(void **state)
{
    struct mc_buf b = {.max = 4};

    (void)state;
    mc_buf_u32(&b, 1);
    assert_int_equal(b.err, 0);
    mc_buf_u8(&b, 1);
    assert_int_equal(b.err, MCOS_E_TOOBIG);
    assert_int_equal(b.len, 4);
    mc_buf_clear(&b);
    mc_buf_u8(&b, 1);
    assert_int_equal(b.err, 0);
    mc_buf_fini(&b);
    assert_non_null(mc_buf_reserve(&b, 0)); /* nothing, yet not a failure */
    mc_buf_fini(&b);
}

static void hex_goes_both_ways(void **state)
{
    const uint8_t raw[3] = {0x00, 0x9f, 0xff};
    uint8_t back[3];
    char text[7];

    (void)state;
    mc_hex(text, raw, sizeof(raw));
    assert_string_equal(text, "009fff");
    assert_true(mc_unhex(back, text, sizeof(back)));
    assert_memory_equal(raw, back, sizeof(raw));
    assert_false(mc_unhex(back, "00gg00", 3));
    assert_false(mc_unhex(back, "00", 3));
}

struct entry {
    struct mc_name name;
    unsigned value;
};

/* In any order of coming; each is found again, the list is sorted. */
static void a_list_of_names_has_each_once(void **state)
{
    struct mc_name_list list = {0};
    const struct entry *all;

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct mc_name name = {{0}};
        struct entry *e;

        (void)snprintf(name.s, sizeof(name.s), "n%u", i * 37 % 100);
        e = mc_name_entry(&list, sizeof(*e), &name);
        assert_non_null(e);
        assert_string_equal(e->name.s, name.s);
        assert_int_equal(e->value, i < 100 ? 0 : i * 37 % 100 + 1);
        e->value = i * 37 % 100 + 1;
    }
    assert_int_equal(list.count, 100);
    all = list.entries;
    for (size_t i = 1; i < list.count; i++)
        assert_true(strcmp(all[i - 1].name.s, all[i].name.s) < 0);
    free(list.entries);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_reader_never_passes_its_end),
        cmocka_unit_test(a_text_that_does_not_fit_or_holds_nul_is_bad),
        cmocka_unit_test(a_buffer_stops_at_its_bound),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(a_list_of_names_has_each_once),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
