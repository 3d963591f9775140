/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers are tested by their exact millionths, for two machines must read one
 * weight alike. The texts of doubles are what Python writes (Swift's ring files
 * hold such), and each is read back by libc to be the same double.
 */
#include "base/decimal.h"

#include "base/limits.h"
#include "base/rng.h"
#include "mcos/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void decimals_are_read_exactly(void **state)
{
    const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"-0.0", 0},
        {"0e999999999999", 0},
        {"1", 1000000},
        {"007", 7000000},
        {"0.1", 100000},
        {"0.000001", 1},
        {"1e-6", 1},
        {"0.0000005000000000000000000000000000000001", 1},
        {"0.0000015", 2}, /* an exact half: to the even one */
        {"0.0000025", 2},
        {"0.00000250000000000000000000001", 3},
        {"0.0000024999999999999999999999999", 2},
        {"123.4567891", 123456789},
        {"0.9999995", 1000000},
        {"1E+3", 1000000000},
        {"12345e-4", 1234500},
        {"1000000000", MC_WEIGHT_MAX},
        {"0.000000000000000000001e30", MC_WEIGHT_MAX},
    };
    const char *const bad[] = {"",   "-",  ".5", "5.",  "1e", "1e+",  "0x10", "nan",
                               "+1", " 1", "1 ", "1,5", "e1", "1.e2", "--1",  "1e1.0"};
    const char *const out[] = {"-1",
                               "0.0000005",
                               "0.0000004",
                               "1e-99999999999",
                               "1e999999",
                               "1e9999999999999999999",
                               "1000000000.000001"};
    uint64_t v;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        v = 77;
        if (mc_decimal_parse(good[i].text, MC_WEIGHT_MAX, &v) != 0 ||
            v != good[i].value)
            fail_msg("%s is %llu", good[i].text, (unsigned long long)v);
    }
    v = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (mc_decimal_parse(bad[i], MC_WEIGHT_MAX, &v) != MCOS_E_FORMAT)
            fail_msg("%s is taken", bad[i]);
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
        if (mc_decimal_parse(out[i], MC_WEIGHT_MAX, &v) != MCOS_E_VALUE)
            fail_msg("%s is taken", out[i]);
    assert_true(v == 77);
}

static void decimals_are_written_short(void **state)
{
    char text[MC_DECIMAL_TEXT_MAX];

    (void)state;
    mc_decimal_format(3250000, text);
    assert_string_equal(text, "3.25");
    mc_decimal_format(MC_WEIGHT_MAX, text);
    assert_string_equal(text, "1000000000");
    mc_decimal_format(1, text);
    assert_string_equal(text, "0.000001");
}

static void a_double_is_written_as_python_does(void **state)
{
    static const struct {
        double value;
        const char *text;
    } table[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {-9.95, "-9.95"},
        {1.0 / 3.0, "0.3333333333333333"},
        {2.0 / 3.0, "0.6666666666666666"},
        {100.0, "100.0"},
        {333.25, "333.25"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {1e-6, "1e-06"},
        {0.0078125, "0.0078125"},
        {0.007812499999999999, "0.007812499999999999"},
        {1048575.9999999999, "1048575.9999999999"},
        {1e9, "1000000000.0"},
        {999999999.9999999, "999999999.9999999"},
        {123456789012345.6, "123456789012345.6"},
    };
    char text[MC_DECIMAL_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        mc_decimal_of_double(table[i].value, text);
        assert_string_equal(text, table[i].text);
    }
}

/* The definition itself, with libc to read: fewer digits are another double. */
static void a_double_reads_back_from_no_more_digits_than_it_needs(void **state)
{
    struct mc_rng rng = mc_rng_init(7);

    (void)state;
    for (int i = 0; i < 200000; i++) {
        double value = (double)(mc_rng_next(&rng) >> 11) * 0x1p-53;
        char text[MC_DECIMAL_TEXT_MAX];
        char want[MC_DECIMAL_TEXT_MAX];

        for (uint64_t n = mc_rng_below(&rng, 50); n > 0; n--)
            value *= 2;
        if (i % 4 == 0) /* one step below a power of two, or a few above it */
            value = 0x1p-19 * (double)(1ull << i / 4 % 60) *
                    (1 + (double)(i / 4 % 5 - 1) * 0x1p-53);
        if (value < 0.000001 || value >= 1e15)
            continue;
        mc_decimal_of_double(value, text);
        assert_true(strtod(text, NULL) == value);
        for (int digits = 15; digits <= 17; digits++) {
            (void)snprintf(want, sizeof(want), "%.*g", digits, value);
            if (strtod(want, NULL) == value)
                break;
        }
        if (strpbrk(want, ".e") == NULL)
            (void)snprintf(want + strlen(want), 3, ".0");
        assert_string_equal(text, want);
    }
}

/* Their neighbours are not equally far, and reads_back() counts as if they were. */
static void every_power_of_two_reads_back(void **state)
{
    char text[MC_DECIMAL_TEXT_MAX];
    double value = 0x1p-200;

    (void)state;
    for (int i = -200; i <= 200; i++, value *= 2) {
        mc_decimal_of_double(value, text);
        assert_true(strtod(text, NULL) == value);
    }
}

static void what_is_beyond_the_shortest_still_reads_back(void **state)
{
    static const double table[] = {1e-7, 1e-30, 1e-300,    5e-324, 1e15,   1.5e16, 1e17,
                                   1e22, 1e300, 0x1p-1022, 0x1p80, -1e-99, 0x1p-44};
    char text[MC_DECIMAL_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        mc_decimal_of_double(table[i], text);
        assert_true(strtod(text, NULL) == table[i]);
        assert_non_null(strpbrk(text, ".e"));
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(decimals_are_read_exactly),
        cmocka_unit_test(decimals_are_written_short),
        cmocka_unit_test(a_double_is_written_as_python_does),
        cmocka_unit_test(a_double_reads_back_from_no_more_digits_than_it_needs),
        cmocka_unit_test(every_power_of_two_reads_back),
        cmocka_unit_test(what_is_beyond_the_shortest_still_reads_back),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
