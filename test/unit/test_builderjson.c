/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Python printed of Swift's builder: each value goes to its place, and what is not
 * the ring's own builder, or no such object, is refused with its place.
 */
#include "adapter/swift/builderjson.h"

#include "ring/extra.h"
#include "ringload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEPT "{\"devs\":{},\"ring\":{\"version\":7}}"
#define GOOD                                                                           \
    "{\"part_power\": 2, \"replicas\": 2.5, \"version\": 7, \"min_part_hours\": 24, "  \
    "\"overload\": 0.1, \"last_part_moves_epoch\": 1700000000, "                       \
    "\"last_part_moves\": \"0001feff\"}"

struct world {
    struct mc_draft draft;
    struct mc_buf extra;
    struct mcos_diag diag;
    int err;
};

static void begin(struct world *w, const char *kept)
{
    *w = (struct world){.diag = {.offset = -1}};
    mc_draft_init(&w->draft);
    w->draft.head.part_power = 2;
    w->draft.head.assignments = 10;
    if (kept != NULL)
        mc_extra_put(&w->extra, MC_EXTRA_SWIFT, 0,
                     (struct mc_bytes){(const uint8_t *)kept, strlen(kept)});
    w->draft.extra = (struct mc_bytes){w->extra.ptr, w->extra.len};
}

static void read_text(struct world *w, const char *text)
{
    w->err = mc_builderjson_read((struct mc_bytes){(const uint8_t *)text, strlen(text)},
                                 &w->draft, &w->diag);
}

static void end(struct world *w)
{
    mc_draft_fini(&w->draft);
    mc_buf_fini(&w->extra);
}

static void each_value_goes_to_its_place(void **state)
{
    struct world w;

    (void)state;
    begin(&w, KEPT);
    read_text(&w, GOOD);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.builder.min_move_seconds, 86400);
    assert_int_equal(w.draft.builder.overload, 100000);
    assert_int_equal(w.draft.last_move[0], 1700000000);
    assert_int_equal(w.draft.last_move[1], 1700000000 - 3600);
    assert_int_equal(w.draft.last_move[2], 1700000000 - 254 * 3600);
    assert_int_equal(w.draft.last_move[3], 0); /* 255 hours or more: it may move */
    end(&w);
}

static void what_need_not_be_there_need_not(void **state)
{
    static const char *const texts[] = {
        "{\"min_part_hours\": 0, \"overload\": 0}",
        "{\"min_part_hours\": 0, \"overload\": 0, \"version\": null, "
        "\"last_part_moves\": \"\"}",
        "{\"min_part_hours\": 0, \"overload\": 0, \"last_part_moves\": null, "
        "\"last_part_moves_epoch\": null}",
    };
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        begin(&w, i == 0 ? NULL : KEPT);
        read_text(&w, texts[i]);
        assert_int_equal(w.err, 0);
        assert_int_equal(w.draft.builder.min_move_seconds, 0);
        assert_null(w.draft.last_move);
        end(&w);
    }
    begin(&w, NULL); /* nothing of the file to compare the version with */
    read_text(&w, GOOD);
    assert_int_equal(w.err, 0);
    end(&w);
    begin(&w, KEPT); /* epoch 0: pretended to be long ago */
    read_text(&w, "{\"min_part_hours\": 1, \"overload\": 0, \"last_part_moves\": "
                  "\"00010203\"}");
    assert_int_equal(w.err, 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(w.draft.last_move[i], 0);
    end(&w);
}

struct bad {
    const char *text;
    int err;
    const char *field;
};

#define TWO "\"min_part_hours\": 1, \"overload\": 0"

static void everything_else_is_refused_with_its_place(void **state)
{
    static const struct bad table[] = {
        {"", MCOS_E_JSON, ""},
        {"[]", MCOS_E_JSON, ""},
        {"{}", MCOS_E_FIELD, ""},
        {"{\"min_part_hours\": 1}", MCOS_E_FIELD, ""},
        {"{\"overload\": 1}", MCOS_E_FIELD, ""},
        {"{" TWO ", \"more\": 1}", MCOS_E_FIELD, "/more"},
        {"{" TWO ", " TWO "}", MCOS_E_JSON, "/min_part_hours"},
        {"{\"min_part_hours\": -1, \"overload\": 0}", MCOS_E_VALUE, "/min_part_hours"},
        {"{\"min_part_hours\": 1.5, \"overload\": 0}", MCOS_E_VALUE, "/min_part_hours"},
        {"{\"min_part_hours\": 1193047, \"overload\": 0}", MCOS_E_VALUE,
         "/min_part_hours"},
        {"{\"min_part_hours\": 1, \"overload\": -0.1}", MCOS_E_VALUE, "/overload"},
        {"{\"min_part_hours\": 1, \"overload\": 1001}", MCOS_E_VALUE, "/overload"},
        {"{\"min_part_hours\": 1, \"overload\": \"0\"}", MCOS_E_JSON, "/overload"},
        {"{" TWO ", \"part_power\": 3}", MCOS_E_VALUE, "/part_power"},
        {"{" TWO ", \"replicas\": 3}", MCOS_E_VALUE, "/replicas"},
        {"{" TWO ", \"replicas\": 2.24}", MCOS_E_VALUE, "/replicas"},
        {"{" TWO ", \"replicas\": \"x\"}", MCOS_E_JSON, "/replicas"},
        {"{" TWO ", \"version\": 8}", MCOS_E_VALUE, "/version"},
        {"{" TWO ", \"version\": 7.0}", MCOS_E_JSON, "/version"},
        {"{" TWO ", \"last_part_moves\": 1}", MCOS_E_JSON, "/last_part_moves"},
        {"{" TWO ", \"last_part_moves\": \"000102\"}", MCOS_E_VALUE,
         "/last_part_moves"},
        {"{" TWO ", \"last_part_moves\": \"0001020g\"}", MCOS_E_VALUE,
         "/last_part_moves"},
        {"{" TWO ", \"last_part_moves_epoch\": 2147483648}", MCOS_E_VALUE,
         "/last_part_moves_epoch"},
        {"{" TWO ", \"a\": [[[[1]]]]}", MCOS_E_JSON, "/a/0/0/0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct world w;

        begin(&w, KEPT);
        read_text(&w, table[i].text);
        if (w.err != table[i].err || strcmp(w.diag.field, table[i].field) != 0)
            print_message("%s: %d %s\n", table[i].text, w.err, w.diag.field);
        assert_int_equal(w.err, table[i].err);
        assert_string_equal(w.diag.field, table[i].field);
        end(&w);
    }
}

/* ---- both in one body ---- */

static struct mc_buf ring_file(void)
{
    const char *source = getenv("MCOS_SOURCE");
    struct mc_buf gz = {0};
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/test/data/swift/g1/object.ring.gz",
                   source == NULL ? "." : source);
    assert_int_equal(ringload_file(path, &gz), 0);
    return gz;
}

static int decode(const void *body, size_t n, struct world *w)
{
    begin(w, NULL);
    w->err = mc_builderjson_decode((struct mc_bytes){body, n}, NULL, &w->draft,
                                   &w->extra, &w->diag);
    return w->err;
}

static void ring_and_builder_travel_together(void **state)
{
    static const char builder[] = "{\"part_power\": 8, \"replicas\": 3.0, \"version\": "
                                  "17, \"min_part_hours\": 2, \"overload\": 0}";
    struct mc_buf gz = ring_file();
    struct mc_buf body = {0};
    struct world w;

    (void)state;
    assert_int_equal(decode(gz.ptr, gz.len, &w), 0); /* a ring alone */
    assert_int_equal(w.draft.builder.min_move_seconds, 3600);
    end(&w);
    /* Each length of the last group of base 64: a byte more is no ring any more, but
     * it is told so by the reader of rings. */
    for (size_t cut = 0; cut < 3; cut++) {
        mc_buf_clear(&body);
        mc_builderjson_join(
            &body, (struct mc_bytes){gz.ptr, gz.len - cut},
            (struct mc_bytes){(const uint8_t *)builder, sizeof(builder) - 1});
        assert_int_equal(body.err, 0);
        assert_int_equal(decode(body.ptr, body.len, &w), cut == 0 ? 0 : MCOS_E_FORMAT);
        if (cut == 0) {
            assert_int_equal(w.draft.builder.min_move_seconds, 7200);
            assert_int_equal(w.draft.device_count, 12);
        } else {
            assert_non_null(strstr(w.diag.text, "cut short"));
        }
        end(&w);
    }
    mc_buf_fini(&gz);
    mc_buf_fini(&body);
}

static void a_body_that_is_not_both_is_refused(void **state)
{
    static const struct bad table[] = {
        {"{", MCOS_E_JSON, ""},
        {"{}", MCOS_E_FIELD, ""},
        {"{\"ring\": \"H4sI\"}", MCOS_E_FIELD, ""},
        {"{\"ring\": 1, \"builder\": {}}", MCOS_E_JSON, "/ring"},
        {"{\"ring\": \"\", \"builder\": {}}", MCOS_E_VALUE, "/ring"},
        {"{\"ring\": \"abc\", \"builder\": {}}", MCOS_E_VALUE, "/ring"},
        {"{\"ring\": \"ab c\", \"builder\": {}}", MCOS_E_VALUE, "/ring"},
        {"{\"ring\": \"====\", \"builder\": {}}", MCOS_E_VALUE, "/ring"},
        {"{\"ring\": \"a===\", \"builder\": {}}", MCOS_E_VALUE, "/ring"},
        {"{\"ring\": \"a=b=\", \"builder\": {}}", MCOS_E_VALUE, "/ring"},
        {"{\"ring\": \"abcd\", \"builder\": {}, \"x\": 1}", MCOS_E_FIELD, "/x"},
        {"{\"ring\": \"abcd\", \"builder\": {}}", MCOS_E_FORMAT, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct world w;

        (void)decode(table[i].text, strlen(table[i].text), &w);
        if (w.err != table[i].err || strcmp(w.diag.field, table[i].field) != 0)
            print_message("%s: %d %s\n", table[i].text, w.err, w.diag.field);
        assert_int_equal(w.err, table[i].err);
        assert_string_equal(w.diag.field, table[i].field);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(each_value_goes_to_its_place),
        cmocka_unit_test(what_need_not_be_there_need_not),
        cmocka_unit_test(everything_else_is_refused_with_its_place),
        cmocka_unit_test(ring_and_builder_travel_together),
        cmocka_unit_test(a_body_that_is_not_both_is_refused),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
