/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stamp as text decides whether a record is asked for, so it must say exactly
 * one stamp, and nothing but what is written may be read.
 */
#include "sync/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool reads(const char *text, struct mc_stamp *ret)
{
    return mc_stamp_read((struct mc_bytes){(const uint8_t *)text, strlen(text)}, ret);
}

static void what_is_written_is_read_back_at_the_limits(void **state)
{
    const uint64_t versions[] = {1, 10, MC_VERSION_MAX};
    const uint64_t timestamps[] = {1, 1000, MC_TIMESTAMP_MAX};
    const uint16_t epochs[] = {0, 1, MC_EPOCH_MAX};

    (void)state;
    for (unsigned i = 0; i < 27; i++) {
        struct mc_stamp a = {.epoch = epochs[i % 3],
                             .version = versions[i / 3 % 3],
                             .timestamp = timestamps[i / 9]};
        struct mc_stamp b;
        char text[MC_STAMP_FULL_MAX];

        memset(a.digest, (int)(i * 9), sizeof(a.digest));
        mc_stamp_write(&a, text);
        assert_true(reads(text, &b));
        assert_int_equal(mc_stamp_cmp(&a, &b), 0);
    }
}

static void anything_else_is_refused(void **state)
{
    static const char *const fronts[] = {"",
                                         "e0.v1.t1",
                                         "v1.t1.",
                                         "e.v1.t1.",
                                         "e00.v1.t1.",
                                         "e0.v01.t1.",
                                         "e65536.v1.t1.",
                                         "e0.v9007199254740992.t1.",
                                         "e0.v1.t4611686018427387904.",
                                         "e0.v1.t99999999999999999999.",
                                         "e-1.v1.t1.",
                                         "e0.v1.t1. ",
                                         "E0.v1.t1.",
                                         " e0.v1.t1."};
    struct mc_stamp stamp;
    char text[256];
    char digits[65];

    (void)state;
    memset(digits, 'a', 64);
    digits[64] = '\0';
    for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", fronts[i], digits);
        assert_false(reads(text, &stamp));
    }
    (void)snprintf(text, sizeof(text), "e0.v1.t1.%s", digits);
    assert_true(reads(text, &stamp));
    (void)snprintf(text, sizeof(text), "e0.v1.t1.%sa", digits);
    assert_false(reads(text, &stamp));
    (void)snprintf(text, sizeof(text), "e0.v1.t1.%s", digits + 1);
    assert_false(reads(text, &stamp));
    digits[63] = 'A';
    (void)snprintf(text, sizeof(text), "e0.v1.t1.%s", digits);
    assert_false(reads(text, &stamp));
    digits[63] = 'g';
    (void)snprintf(text, sizeof(text), "e0.v1.t1.%s", digits);
    assert_false(reads(text, &stamp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_at_the_limits),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
