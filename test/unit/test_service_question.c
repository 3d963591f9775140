/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked in a query or in JSON, at its limits and one past them; each refusal
 * names the parameter or the name that is wrong. */
#include "service/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void same(struct mcos_bytes got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    if (got.len > 0)
        assert_memory_equal(got.ptr, want, got.len);
}

/* ---- a query ---- */

static struct mc_request query(const struct mc_param *params)
{
    struct mc_request r = {.method = "GET"};

    for (; params[r.query_count].name != NULL; r.query_count++)
        r.query[r.query_count] = params[r.query_count];
    return r;
}

static void a_query_is_read(void **state)
{
    static const struct mc_param params[] = {{"object", "o\0\xff", 3},
                                             {"account", "a", 1},
                                             {"container", "c", 1},
                                             {"handoffs", "1000", 4},
                                             {"active_first", "", 0},
                                             {"previous", "true", 4},
                                             {0}};
    struct mc_request r = query(params);
    struct mc_question q;

    (void)state;
    assert_int_equal(mc_question_read(&r, &q, NULL), 0);
    same(q.key.account, "a");
    same(q.key.container, "c");
    assert_int_equal(q.key.object.len, 3);
    assert_memory_equal(q.key.object.ptr, "o\0\xff", 3);
    assert_int_equal(q.handoffs, MCOS_HANDOFFS_MAX);
    assert_int_equal(q.flags, MCOS_ACTIVE_FIRST);
    assert_true(q.previous);
}

static void what_is_not_given_is_not_there(void **state)
{
    static const struct mc_param params[] = {{"account", "a", 1},
                                             {"active_first", "false", 5},
                                             {"previous", "false", 5},
                                             {"container", "", 0},
                                             {0}};
    struct mc_request r = query(params);
    struct mc_question q;

    (void)state;
    assert_int_equal(mc_question_read(&r, &q, NULL), 0);
    assert_int_equal(q.key.container.len + q.key.object.len + q.handoffs + q.flags, 0);
    assert_false(q.previous);
}

static void a_query_that_is_wrong_is_refused_by_name(void **state)
{
    static const struct {
        struct mc_param params[4];
        int code;
        const char *field;
    } wrong[] = {
        {{{0}}, MCOS_E_FIELD, "account"},
        {{{"account", "", 0}}, MCOS_E_FIELD, "account"},
        {{{"account", "a", 1}, {"object", "o", 1}}, MCOS_E_FIELD, "container"},
        {{{"account", "a", 1}, {"account", "a", 1}}, MCOS_E_FIELD, "account"},
        {{{"account", "a", 1}, {"Account", "a", 1}}, MCOS_E_FIELD, "Account"},
        {{{"account", "a", 1}, {"", "", 0}}, MCOS_E_FIELD, ""},
        {{{"account", "a", 1}, {"handoffs", "1001", 4}}, MCOS_E_VALUE, "handoffs"},
        {{{"account", "a", 1}, {"handoffs", "", 0}}, MCOS_E_VALUE, "handoffs"},
        {{{"account", "a", 1}, {"handoffs", "-1", 2}}, MCOS_E_VALUE, "handoffs"},
        {{{"account", "a", 1}, {"handoffs", "1x", 2}}, MCOS_E_VALUE, "handoffs"},
        {{{"account", "a", 1}, {"handoffs", "99999999999999999999", 20}},
         MCOS_E_VALUE,
         "handoffs"},
        {{{"account", "a", 1}, {"active_first", "yes", 3}},
         MCOS_E_VALUE,
         "active_first"},
        {{{"account", "a", 1}, {"previous", "TRUE", 4}}, MCOS_E_VALUE, "previous"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct mc_request r = query(wrong[i].params);
        struct mcos_diag diag = {0};
        struct mc_question q;

        assert_int_equal(mc_question_read(&r, &q, &diag), wrong[i].code);
        assert_string_equal(diag.field, wrong[i].field);
        assert_string_not_equal(diag.text, "");
    }
}

/* ---- JSON ---- */

static int parse(const char *text, struct mc_questions *q, struct mcos_diag *diag)
{
    return mc_questions_parse((struct mc_bytes){(const uint8_t *)text, strlen(text)}, q,
                              diag);
}

static void a_batch_is_read(void **state)
{
    struct mc_questions q = {0};

    (void)state;
    assert_int_equal(parse("{\"previous\": true, \"active_first\": true, \"names\": "
                           "[[\"a\"], [\"a\", \"c\"], [\"\\u00e9\\n\", \"c\", \"/\"], "
                           "[\"a\", \"\", \"\"]]}",
                           &q, NULL),
                     0);
    assert_int_equal(q.count, 4);
    assert_int_equal(q.flags, MCOS_ACTIVE_FIRST);
    assert_true(q.previous);
    same(q.keys[0].account, "a");
    assert_int_equal(q.keys[0].container.len + q.keys[0].object.len, 0);
    same(q.keys[1].container, "c");
    same(q.keys[2].account, "\xc3\xa9\n");
    same(q.keys[2].object, "/");
    same(q.keys[3].container, "");
    mc_questions_fini(&q);
    assert_int_equal(parse("{\"names\": [[\"a\\u0000b\"]]}", &q, NULL), 0);
    assert_int_equal(q.keys[0].account.len, 3); /* and its NUL */
    assert_int_equal(q.flags, 0);
    assert_false(q.previous);
    mc_questions_fini(&q);
    assert_int_equal(parse("{\"names\": []}", &q, NULL), 0);
    assert_int_equal(q.count, 0);
    mc_questions_fini(&q);
}

static void a_batch_that_is_wrong_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *field;
    } wrong[] = {
        {"", MCOS_E_JSON, NULL},
        {"{", MCOS_E_JSON, NULL},
        {"[]", MCOS_E_JSON, ""},
        {"{}", MCOS_E_FIELD, "names"},
        {"{\"names\": {}}", MCOS_E_FIELD, "names"},
        {"{\"names\": [], \"active_first\": 1}", MCOS_E_FIELD, "active_first"},
        {"{\"names\": [], \"previous\": null}", MCOS_E_FIELD, "previous"},
        {"{\"names\": [], \"more\": 1}", MCOS_E_FIELD, "more"},
        {"{\"names\": [], \"names\": []}", MCOS_E_JSON, NULL},
        {"{\"names\": [[\"a\"], []]}", MCOS_E_VALUE, "/names/1"},
        {"{\"names\": [\"a\"]}", MCOS_E_VALUE, "/names/0"},
        {"{\"names\": [[\"a\", \"b\", \"c\", \"d\"]]}", MCOS_E_VALUE, "/names/0"},
        {"{\"names\": [[\"a\", null]]}", MCOS_E_VALUE, "/names/0"},
        {"{\"names\": [[\"\"]]}", MCOS_E_FIELD, "/names/0"},
        {"{\"names\": [[\"a\", \"\", \"o\"]]}", MCOS_E_FIELD, "/names/0"},
        {"{\"names\": [[[\"a\"]]]}", MCOS_E_JSON, NULL},
        {"{\"names\": [[\"\xff\"]]}", MCOS_E_JSON, NULL},
        {"{\"names\": []} x", MCOS_E_JSON, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct mcos_diag diag = {.offset = -1};
        struct mc_questions q = {0};

        assert_int_equal(parse(wrong[i].text, &q, &diag), wrong[i].code);
        if (wrong[i].field != NULL)
            assert_string_equal(diag.field, wrong[i].field);
        assert_string_not_equal(diag.text, "");
        assert_null(q.keys);
    }
}

/* count times a name, in JSON; yours. */
static char *many(size_t count, size_t *ret_len)
{
    static const char head[] = "{\"names\": [";
    char *text = malloc(sizeof(head) + 24 * count + 3);
    size_t at = sizeof(head) - 1;

    assert_non_null(text);
    memcpy(text, head, sizeof(head));
    for (size_t i = 0; i < count; i++)
        at += (size_t)sprintf(text + at, "%s[\"a\", \"b\", \"%05zu\"]",
                              i == 0 ? "" : ",", i);
    at += (size_t)sprintf(text + at, "]}");
    *ret_len = at;
    return text;
}

static void a_batch_is_bounded_at_its_limits(void **state)
{
    struct mcos_diag diag = {0};
    struct mc_questions q = {0};
    size_t len;
    char *text = many(MC_QUESTION_NAMES_MAX, &len);

    (void)state;
    assert_int_equal(
        mc_questions_parse((struct mc_bytes){(uint8_t *)text, len}, &q, &diag), 0);
    assert_int_equal(q.count, MC_QUESTION_NAMES_MAX);
    same(q.keys[9999].object, "09999");
    mc_questions_fini(&q);
    free(text);
    text = many(MC_QUESTION_NAMES_MAX + 1, &len);
    assert_int_equal(
        mc_questions_parse((struct mc_bytes){(uint8_t *)text, len}, &q, &diag),
        MCOS_E_TOOBIG);
    free(text);

    text = malloc(MC_QUESTION_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', MC_QUESTION_BYTES_MAX + 1);
    memcpy(text, "{\"names\": []}", 13);
    assert_int_equal(
        mc_questions_parse((struct mc_bytes){(uint8_t *)text, MC_QUESTION_BYTES_MAX},
                           &q, &diag),
        0);
    mc_questions_fini(&q);
    assert_int_equal(
        mc_questions_parse(
            (struct mc_bytes){(uint8_t *)text, MC_QUESTION_BYTES_MAX + 1}, &q, &diag),
        MCOS_E_TOOBIG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_read),
        cmocka_unit_test(what_is_not_given_is_not_there),
        cmocka_unit_test(a_query_that_is_wrong_is_refused_by_name),
        cmocka_unit_test(a_batch_is_read),
        cmocka_unit_test(a_batch_that_is_wrong_is_refused_with_its_place),
        cmocka_unit_test(a_batch_is_bounded_at_its_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
