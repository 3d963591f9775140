/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look over JSON stands between a bomb and the parser's memory, so its bounds
 * are tested at the limit and one past it, and what must not count (brackets in a
 * text) is tried. Places are what people read, so they are compared as text.
 */
#include "base/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int scan(const char *text, unsigned depth, size_t values, struct mcos_diag *diag)
{
    return mc_json_scan((struct mc_bytes){(const uint8_t *)text, strlen(text)}, depth,
                        values, diag);
}

static void depth_is_bounded_at_the_limit(void **state)
{
    char text[2 * MC_JSON_DEPTH_MAX + 3];
    struct mcos_diag diag = {0};

    (void)state;
    for (size_t depth = 1; depth <= MC_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        for (unsigned most = 1; most <= MC_JSON_DEPTH_MAX; most++)
            assert_int_equal(scan(text, most, SIZE_MAX, &diag),
                             depth <= most ? 0 : MCOS_E_JSON);
    }
}

static void values_are_counted_before_they_are_built(void **state)
{
    struct mcos_diag diag = {0};

    (void)state;
    assert_int_equal(scan("[{},[],3]", 2, 5, NULL), 0);
    assert_int_equal(scan("[{},[],3]", 2, 4, &diag), MCOS_E_TOOBIG);
    assert_int_equal(scan("{\"a\": 1, \"b\": {\"c\": 2}}", 2, 3, NULL), 0);
    assert_int_equal(scan("{\"a\": 1, \"b\": {\"c\": 2}}", 2, 2, &diag), MCOS_E_TOOBIG);
    assert_string_equal(diag.field, "/b");
}

static void what_is_in_a_text_counts_for_nothing(void **state)
{
    (void)state;
    assert_int_equal(scan("[\"[[[,,,\", \"\\\"[[[,,,\", \"\\\\\"]", 1, 3, NULL), 0);
    assert_int_equal(scan("\"[[[", 1, 1, NULL), 0);
    assert_int_equal(scan("\"\\", 1, 1, NULL), 0);
}

static void a_place_is_told_as_a_pointer_and_a_line(void **state)
{
    static const char text[] = "{\"a\": [1,\n {\"b/~\": [0, 1, @]}]}";
    struct mcos_diag diag = {.text = "kept"};

    (void)state;
    mc_json_where((struct mc_bytes){(const uint8_t *)text, sizeof(text) - 1},
                  (size_t)(strchr(text, '@') - text), &diag);
    assert_string_equal(diag.field, "/a/1/b~1~0/2");
    assert_int_equal(diag.line, 2);
    assert_int_equal(diag.offset, strchr(text, '@') - text);
    assert_string_equal(diag.text, "kept");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(depth_is_bounded_at_the_limit),
        cmocka_unit_test(values_are_counted_before_they_are_built),
        cmocka_unit_test(what_is_in_a_text_counts_for_nothing),
        cmocka_unit_test(a_place_is_told_as_a_pointer_and_a_line),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
