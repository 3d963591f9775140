/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another reading of swift.conf than Swift's puts every name in another
 * partition, silently. Each expected value here was given by Python's
 * ConfigParser over the same bytes read as Latin-1.
 */
#include "adapter/swift/swiftconf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define P "swift_hash_path_prefix"
#define S "swift_hash_path_suffix"

struct reading {
    const char *text;
    const char *prefix; /* NULL: refused */
    const char *suffix;
};

static const struct reading readings[] = {
    {"[swift-hash]\n" P " = a\n" S " = b\n", "a", "b"},
    {"[swift-hash]\n" S "=b", "", "b"},
    {"[swift-hash]\r\n" P ": a = c \r\n", "a = c", ""},
    {"[swift-hash]\r" P "= a\r", "a", ""},
    {"# x\n; y\n\n[other]\nx = 1\n[swift-hash]\n" P "=a # b\n", "a # b", ""},
    {"[swift-hash]\nSWIFT_HASH_path_prefix=a\n", "a", ""},
    {"[swift-hash]\n" P "=\n" S "=b\n", "", "b"},
    {"[swift-hash]\n" P "=a\n b\n\n  c\n", "a\nb\n\nc", ""},
    {"[swift-hash]\n" P "=a\n# x\n b\n", "a\nb", ""},
    {"[swift-hash]\n" P "=\n  a\n", "\na", ""},
    {"[swift-hash]\n  " P "=a\n  " S "=b\n", "a", "b"},
    {"[swift-hash]\nx=1\n  " P "=a\n" S "=b\n", "", "b"},
    {"[swift-hash]\n" P "=a%%b\n", "a%b", ""},
    {"[swift-hash]\n" P "=\xe9\xa0\xff\n", "\xe9\xa0\xff", ""},
    {"[swift-hash]\n" P "=\xa0\xe9\x85\n", "\xe9", ""},
    {"[swift-hash] x\n" P "=a\n", "a", ""},
    {"[DEFAULT]\n" P "=d\n" S "=e\n[swift-hash]\n" S "=b\n", "d", "b"},
    {"[other]\n" P "=x\n[swift-hash]\n" P "=a\n", "a", ""},
    {"", NULL, NULL},
    {"[swift-hash]\n", NULL, NULL},
    {"[swift-hash]\n" P "=\n", NULL, NULL},
    {"[Swift-Hash]\n" P "=a\n", NULL, NULL},
    {"[DEFAULT]\n" P "=d\n", NULL, NULL},
    {P "=a\n[swift-hash]\n", NULL, NULL},
    {"\xef\xbb\xbf[swift-hash]\n" P "=a\n", NULL, NULL},
    {"[swift-hash]\n" P "=a\n" P "=b\n", NULL, NULL},
    {"[swift-hash]\n" P "=a\n[swift-hash]\n", NULL, NULL},
    {"[swift-hash]\nnothing\n" P "=a\n", NULL, NULL},
    {"[swift-hash]\n=x\n" P "=a\n", NULL, NULL},
    {"[swift-hash]\n" P "=a%\n", NULL, NULL},
    {"[swift-hash]\n" P "=a%b\n", NULL, NULL},
};

static void assert_bytes(struct mc_bytes got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    if (got.len != 0)
        assert_memory_equal(got.ptr, want, got.len);
}

static void it_reads_what_swift_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        const struct reading *r = &readings[i];
        struct mc_bytes text = {(const uint8_t *)r->text, strlen(r->text)};
        struct mc_swiftconf *conf = NULL;
        struct mcos_diag diag = {.text = ""};
        int err = mc_swiftconf_parse(text, &conf, &diag);

        if ((err == 0) != (r->prefix != NULL))
            print_message("%zu: %s: %d %s\n", i, r->text, err, diag.text);
        assert_int_equal(err, r->prefix == NULL ? MCOS_E_CONFIG : 0);
        if (err != 0) {
            assert_null(conf);
            assert_true(diag.text[0] != '\0');
            continue;
        }
        assert_bytes(mc_swiftconf_secret(conf).prefix, r->prefix);
        assert_bytes(mc_swiftconf_secret(conf).suffix, r->suffix);
        mc_swiftconf_free(conf);
    }
}

static void interpolation_is_refused_and_the_value_not_shown(void **state)
{
    static const char text[] = "[swift-hash]\nx = 1\n" P " = geheim%(x)s\n";
    struct mc_swiftconf *conf = NULL;
    struct mcos_diag diag;

    (void)state;
    assert_int_equal(
        mc_swiftconf_parse((struct mc_bytes){(const uint8_t *)text, sizeof(text) - 1},
                           &conf, &diag),
        MCOS_E_CONFIG);
    assert_string_equal(diag.field, P);
    assert_null(strstr(diag.text, "geheim"));
}

static void a_bad_line_is_named_by_number_and_not_shown(void **state)
{
    static const char text[] = "[swift-hash]\n\n" P " geheim\n";
    struct mc_swiftconf *conf = NULL;
    struct mcos_diag diag;

    (void)state;
    assert_int_equal(
        mc_swiftconf_parse((struct mc_bytes){(const uint8_t *)text, sizeof(text) - 1},
                           &conf, &diag),
        MCOS_E_CONFIG);
    assert_int_equal(diag.line, 3);
    assert_null(strstr(diag.text, "geheim"));
}

static void size_is_bounded(void **state)
{
    const size_t n = MC_SWIFTCONF_BYTES_MAX + 1u;
    struct mc_swiftconf *conf = NULL;
    uint8_t *text = malloc(n);

    (void)state;
    assert_non_null(text);
    memset(text, '\n', n);
    memcpy(text, "[swift-hash]\n" P "=a", strlen("[swift-hash]\n" P "=a"));
    assert_int_equal(mc_swiftconf_parse((struct mc_bytes){text, n}, &conf, NULL),
                     MCOS_E_TOOBIG);
    assert_int_equal(mc_swiftconf_parse((struct mc_bytes){text, n - 1}, &conf, NULL),
                     0);
    assert_bytes(mc_swiftconf_secret(conf).prefix, "a");
    mc_swiftconf_free(conf);
    free(text);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct mc_swiftconf *conf = NULL;
    struct mcos_diag diag;

    (void)state;
    assert_int_equal(mc_swiftconf_open("/nonexistent/swift.conf", &conf, &diag),
                     MCOS_E_NOTFOUND);
    assert_string_equal(diag.field, "/nonexistent/swift.conf");
    assert_int_not_equal(mc_swiftconf_open("/", &conf, &diag), 0);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(it_reads_what_swift_reads),
        cmocka_unit_test(interpolation_is_refused_and_the_value_not_shown),
        cmocka_unit_test(a_bad_line_is_named_by_number_and_not_shown),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
