/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address of a Redis is typed by people, who leave things out, and may hold a
 * password, which nobody may be shown.
 */
#include "adapter/redis/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mc_redis_url parse(const char *text)
{
    struct mc_redis_url url;
    struct mcos_diag diag = {.offset = -1};

    assert_int_equal(mc_redis_url_parse(text, &url, &diag), 0);
    return url;
}

static void what_is_left_out_has_its_usual_value(void **state)
{
    struct mc_redis_url url = parse("redis://h");

    (void)state;
    assert_string_equal(url.host, "h");
    assert_int_equal(url.port, 6379);
    assert_int_equal(url.db, 0);
    assert_string_equal(url.password, "");
    url = parse("redis://h/");
    assert_int_equal(url.db, 0);
    url = parse("redis://[::1]:1/12");
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 1);
    assert_int_equal(url.db, 12);
    url = parse("redis://127.0.0.1:65535");
    assert_int_equal(url.port, 65535);
    url = parse("unix:/run/redis/redis.sock");
    assert_string_equal(url.path, "/run/redis/redis.sock");
}

static void a_password_is_read_and_never_shown(void **state)
{
    struct mc_redis_url url = parse("redis://me:se@c:ret@h:7/1");
    struct mcos_diag diag = {.offset = -1};
    char shown[2 * MC_REDIS_TEXT_MAX];

    (void)state;
    assert_string_equal(url.user, "me");
    assert_string_equal(url.password, "se@c:ret");
    mc_redis_url_show(&url, shown);
    assert_string_equal(shown, "redis://h:7/1");
    url = parse("redis://:pw@h");
    assert_string_equal(url.user, "");
    assert_string_equal(url.password, "pw");
    assert_int_equal(mc_redis_url_parse("redis://:secret@h:99999", &url, &diag),
                     MCOS_E_CONFIG);
    assert_null(strstr(diag.text, "secret"));
}

static void what_is_no_address_is_refused_and_touches_nothing(void **state)
{
    static const char *const bad[] = {"",
                                      "redis:",
                                      "redis://",
                                      "redis://:1",
                                      "redis://h:",
                                      "redis://h:0",
                                      "redis://h:65536",
                                      "redis://h:1x",
                                      "redis://h/x",
                                      "redis://h/-1",
                                      "redis://h/1000001",
                                      "redis://[::1",
                                      "redis://[::1]x",
                                      "redis://u@h",
                                      "unix:",
                                      "unix:x",
                                      "http://h",
                                      "rediss://h"};
    char text[600];
    struct mc_redis_url url = {.port = 1};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(mc_redis_url_parse(bad[i], &url, NULL), MCOS_E_CONFIG);
    memset(text, 'x', sizeof(text));
    memcpy(text, "redis://", 8);
    text[8 + MC_REDIS_TEXT_MAX] = '\0';
    assert_int_equal(mc_redis_url_parse(text, &url, NULL), MCOS_E_CONFIG);
    assert_int_equal(url.port, 1);
    text[8 + MC_REDIS_TEXT_MAX - 1] = '\0';
    assert_int_equal(mc_redis_url_parse(text, &url, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_has_its_usual_value),
        cmocka_unit_test(a_password_is_read_and_never_shown),
        cmocka_unit_test(what_is_no_address_is_refused_and_touches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
