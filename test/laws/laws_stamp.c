/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of stamps is what lets clusters agree without asking a third, so it
 * is not tested by example: its laws are checked on every triple of a small
 * world. Three values per field suffice, for a triple holds no more; they sit a
 * third of the range apart, where a compare by subtraction would run in a circle.
 * Digests differ in their first byte, in their eighth and in their last.
 */
#include "sync/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define WORLD 108u /* 3 epochs, 3 versions, 3 timestamps, 4 digests */

static struct mc_stamp world[WORLD];

static void build(void)
{
    const uint64_t v[3] = {1, UINT64_MAX / 3, UINT64_MAX / 3 * 2};
    const uint16_t e[3] = {0, 21845, 43690};

    for (unsigned i = 0; i < WORLD; i++) {
        world[i] = (struct mc_stamp){
            .epoch = e[i % 3], .version = v[i / 3 % 3], .timestamp = v[i / 9 % 3]};
        switch (i / 27) {
        case 1:
            world[i].digest[0] = 0xff;
            break;
        case 2:
            world[i].digest[7] = 0x80;
            break;
        case 3:
            world[i].digest[31] = 1;
            break;
        default:
            break;
        }
    }
}

/* Field by field on purpose: mc_stamp_cmp() must not be its own judge. */
static bool same(const struct mc_stamp *a, const struct mc_stamp *b)
{
    return a->epoch == b->epoch && a->version == b->version &&
           a->timestamp == b->timestamp && memcmp(a->digest, b->digest, 32) == 0;
}

static int sign(int c)
{
    return (c > 0) - (c < 0);
}

/* The rule in words, digit by digit: epoch, version, timestamp, digest. */
static int reference(const struct mc_stamp *a, const struct mc_stamp *b)
{
    uint64_t x[3] = {a->epoch, a->version, a->timestamp};
    uint64_t y[3] = {b->epoch, b->version, b->timestamp};

    for (unsigned i = 0; i < 3; i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    for (unsigned i = 0; i < 32; i++) {
        if (a->digest[i] != b->digest[i])
            return a->digest[i] < b->digest[i] ? -1 : 1;
    }
    return 0;
}

static void any_two_are_ordered_and_only_equal_ones_are_equal(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORLD * WORLD; i++) {
        const struct mc_stamp *a = &world[i % WORLD];
        const struct mc_stamp *b = &world[i / WORLD];

        assert_int_equal(sign(mc_stamp_cmp(a, b)), reference(a, b));
        assert_int_equal(sign(mc_stamp_cmp(a, b)), -sign(mc_stamp_cmp(b, a)));
        assert_true((mc_stamp_cmp(a, b) == 0) == same(a, b));
    }
}

static void the_order_has_no_circle(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORLD * WORLD * WORLD; i++) {
        const struct mc_stamp *a = &world[i % WORLD];
        const struct mc_stamp *b = &world[i / WORLD % WORLD];
        const struct mc_stamp *c = &world[i / WORLD / WORLD];

        if (mc_stamp_cmp(a, b) <= 0 && mc_stamp_cmp(b, c) <= 0)
            assert_true(mc_stamp_cmp(a, c) <= 0);
    }
}

static void any_order_of_meetings_ends_the_same(void **state)
{
    (void)state;
#define MAX(x, y) (mc_stamp_cmp((x), (y)) >= 0 ? (x) : (y))
    for (unsigned i = 0; i < WORLD * WORLD * WORLD; i++) {
        const struct mc_stamp *a = &world[i % WORLD];
        const struct mc_stamp *b = &world[i / WORLD % WORLD];
        const struct mc_stamp *c = &world[i / WORLD / WORLD];
        const struct mc_stamp *ab = MAX(a, b);
        const struct mc_stamp *bc = MAX(b, c);

        assert_true(same(ab, MAX(b, a)));
        assert_true(same(MAX(ab, c), MAX(a, bc)));
    }
}

static void what_the_literal_rule_accepts_is_greater(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORLD * WORLD; i++) {
        const struct mc_stamp *a = &world[i % WORLD];
        const struct mc_stamp *b = &world[i / WORLD];
        bool literal = a->epoch == b->epoch && a->version > b->version &&
                       a->timestamp > b->timestamp;

        assert_true(mc_stamp_dominates(a, b) == literal);
        if (literal)
            assert_true(mc_stamp_cmp(a, b) > 0);
    }
}

static void eight_bytes_of_digest_never_contradict_thirty_two(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORLD * WORLD; i++) {
        const struct mc_stamp *a = &world[i % WORLD];
        const struct mc_stamp *b = &world[i / WORLD];
        int c8 = sign(mc_stamp_cmp8(a, b));

        assert_true(c8 == 0 || c8 == sign(mc_stamp_cmp(a, b)));
        if (c8 == 0)
            assert_memory_equal(a->digest, b->digest, 8);
    }
}

static void a_stamp_is_shown_as_people_say_it(void **state)
{
    struct mc_stamp s = {.version = 7, .digest = {0x91, 0xd0, 0xaa, 0x02}};
    char text[MC_STAMP_TEXT_MAX];

    (void)state;
    mc_stamp_format(&s, text);
    assert_string_equal(text, "v7.91d0aa02");
    s.epoch = 1;
    mc_stamp_format(&s, text);
    assert_string_equal(text, "e1.v7.91d0aa02");
    s.epoch = UINT16_MAX;
    s.version = UINT64_MAX;
    mc_stamp_format(&s, text);
    assert_string_equal(text, "e65535.v18446744073709551615.91d0aa02");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(any_two_are_ordered_and_only_equal_ones_are_equal),
        cmocka_unit_test(the_order_has_no_circle),
        cmocka_unit_test(any_order_of_meetings_ends_the_same),
        cmocka_unit_test(what_the_literal_rule_accepts_is_greater),
        cmocka_unit_test(eight_bytes_of_digest_never_contradict_thirty_two),
        cmocka_unit_test(a_stamp_is_shown_as_people_say_it),
    };

    build();
    return cmocka_run_group_tests(cases, NULL, NULL);
}
