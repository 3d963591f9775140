/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that is written by hand is read by a library: what went in comes out. */
#include "service/text.h"

#include "mcos/err.h"
#include "mcos/resolver.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void want(struct mc_buf *b, const char *text)
{
    mc_buf_u8(b, 0);
    assert_int_equal(b->err, 0);
    assert_string_equal((const char *)b->ptr, text);
    mc_buf_fini(b);
    *b = (struct mc_buf){0};
}

static void each_text_comes_back_as_it_was(void **state)
{
    char text[2 * 0x7f + 16] = "";
    size_t len = 0;
    struct mc_buf b = {0};
    json_t *read;

    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        text[len++] = (char)c;
        text[len++] = 'x';
    }
    strcpy(text + len, "\xc3\xa9\xf0\x9f\x98\x80");
    mc_text_string(&b, text);
    read = json_loadb((const char *)b.ptr, b.len, JSON_DECODE_ANY, NULL);
    assert_non_null(read);
    assert_string_equal(json_string_value(read), text);
    json_decref(read);
    mc_buf_fini(&b);
    b = (struct mc_buf){0};
    mc_text_string(&b, "");
    want(&b, "\"\"");
    mc_text_foreign(&b, "a\xff\xc3\xa9\"");
    want(&b, "\"a???\\\"\"");
}

static void commas_are_where_they_are_due(void **state)
{
    struct mc_buf b = {0};

    (void)state;
    mc_text_raw(&b, "{");
    mc_text_key(&b, "a");
    mc_text_number(&b, 0);
    mc_text_key(&b, "b");
    mc_text_raw(&b, "[");
    mc_text_item(&b);
    mc_text_bool(&b, true);
    mc_text_item(&b);
    mc_text_bool(&b, false);
    mc_text_item(&b);
    mc_text_raw(&b, "{}");
    mc_text_raw(&b, "]}");
    want(&b, "{\"a\": 0, \"b\": [true, false, {}]}");
}

static void numbers_and_digests(void **state)
{
    uint8_t digest[MCOS_DIGEST_BYTES];
    struct mc_buf b = {0};

    (void)state;
    mc_text_number(&b, UINT64_MAX);
    want(&b, "18446744073709551615");
    mc_text_number(&b, 1234567890);
    want(&b, "1234567890");
    memset(digest, 0xa5, sizeof(digest));
    mc_text_hex(&b, digest, 2);
    want(&b, "\"a5a5\"");
    mc_text_hex(&b, digest, sizeof(digest));
    assert_int_equal(b.len, 2 + 2 * MCOS_DIGEST_BYTES);
    mc_buf_fini(&b);
}

static void times_are_those_of_the_world(void **state)
{
    struct mc_buf b = {0};

    (void)state;
    mc_text_time(&b, 0);
    want(&b, "null");
    mc_text_time(&b, -1);
    want(&b, "null");
    mc_text_time(&b, 1);
    want(&b, "\"1970-01-01T00:00:00.000Z\"");
    mc_text_time(&b, 1767348000001999999);
    want(&b, "\"2026-01-02T10:00:00.001Z\"");
    mc_text_time(&b, INT64_MAX);
    want(&b, "\"2262-04-11T23:47:16.854Z\"");
}

static void what_does_not_fit_is_no_half_text(void **state)
{
    struct mc_buf b = {.max = 4};

    (void)state;
    mc_text_string(&b, "longer than that");
    assert_int_equal(b.err, MCOS_E_TOOBIG);
    mc_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_comes_back_as_it_was),
        cmocka_unit_test(commas_are_where_they_are_due),
        cmocka_unit_test(numbers_and_digests),
        cmocka_unit_test(times_are_those_of_the_world),
        cmocka_unit_test(what_does_not_fit_is_no_half_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
