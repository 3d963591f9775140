/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `mcos` understands and what it says is decided by pure functions over
 * tables and documents; here they are asked directly. That a process ends with
 * the right exit status is test/live/test_cli.py.
 */
#include "app/args.h"
#include "app/lookup_lines.h"
#include "app/matrix.h"
#include "app/offline.h"
#include "app/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct mc_opt globals[] = {
    {"server", 0, "URL", ""}, {"quiet", 'q', NULL, ""}, {NULL, 0, NULL, NULL}};
static const struct mc_opt make_opts[] = {
    {"file", 'f', "SPEC", ""}, {"wait", 0, "WHOM", ""}, {NULL, 0, NULL, NULL}};
static const struct mc_command commands[] = {
    {"status", "", "", NULL, NULL, 0, 0, NULL},
    {"ring list", "", "", NULL, NULL, 0, 0, NULL},
    {"ring create", "NAME -f SPEC", "", NULL, make_opts, 1, 2, NULL},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL},
};

static struct mc_args args;
static struct mcos_diag diag;

/* Parses words up to a NULL. */
static int parse(const char *first, ...)
{
    char *argv[16] = {(char *)(uintptr_t) "mcos", (char *)(uintptr_t)first};
    int argc = first == NULL ? 1 : 2;
    va_list more;

    va_start(more, first);
    while (argc > 1 && argc < 16 && (argv[argc] = va_arg(more, char *)) != NULL)
        argc++;
    va_end(more);
    diag = (struct mcos_diag){.offset = -1};
    return mc_args_parse(commands, globals, argc, argv, &args, &diag);
}

static void options_stand_anywhere_after_their_words(void **state)
{
    (void)state;
    assert_int_equal(parse("--server", "unix:/x", "ring", "-q", "create", "photos",
                           "-f", "-", "--wait=all", NULL),
                     0);
    assert_string_equal(args.command->name, "ring create");
    assert_int_equal(args.param_count, 1);
    assert_string_equal(args.params[0], "photos");
    assert_string_equal(mc_args_get(&args, "server"), "unix:/x");
    assert_string_equal(mc_args_get(&args, "file"), "-");
    assert_string_equal(mc_args_get(&args, "wait"), "all");
    assert_string_equal(mc_args_get(&args, "quiet"), "");
    assert_int_equal(parse("ring", "create", "-fspec", "--", "--file", NULL), 0);
    assert_string_equal(args.params[0], "--file");
    assert_string_equal(mc_args_get(&args, "file"), "spec");
}

static void the_last_value_of_an_option_counts(void **state)
{
    (void)state;
    assert_int_equal(parse("status", "--server", "a", "--server", "b", NULL), 0);
    assert_string_equal(mc_args_get(&args, "server"), "b");
    assert_null(mc_args_get(&args, "quiet"));
}

static void an_option_belongs_to_its_command(void **state)
{
    (void)state;
    assert_int_equal(parse("status", "--wait", "all", NULL), MCOS_E_USAGE);
    assert_int_equal(parse("--wait", "all", "ring", "create", "x", NULL), MCOS_E_USAGE);
}

static void a_typo_gets_one_suggestion(void **state)
{
    (void)state;
    assert_int_equal(parse("statsu", NULL), MCOS_E_USAGE);
    assert_non_null(strstr(diag.text, "`mcos status`"));
    assert_int_equal(parse("rng", NULL), MCOS_E_USAGE);
    assert_non_null(strstr(diag.text, "`mcos ring`"));
    assert_int_equal(parse("ring", "crete", NULL), MCOS_E_USAGE);
    assert_non_null(strstr(diag.text, "`mcos ring create`"));
    assert_int_equal(parse("ring", "create", "x", "--fiel", "y", NULL), MCOS_E_USAGE);
    assert_non_null(strstr(diag.text, "--file?"));
    assert_int_equal(parse("entirely-else", NULL), MCOS_E_USAGE);
    assert_null(strstr(diag.text, "did you mean"));
}

static void what_is_missing_or_too_much_is_told(void **state)
{
    (void)state;
    assert_int_equal(parse("ring", "create", NULL), MCOS_E_USAGE);
    assert_int_equal(parse("ring", "create", "a", "b", NULL), 0);
    assert_int_equal(parse("ring", "create", "a", "b", "c", NULL), MCOS_E_USAGE);
    assert_int_equal(parse("ring", "create", "a", "--file", NULL), MCOS_E_USAGE);
    assert_int_equal(parse("status", "--quiet=yes", NULL), MCOS_E_USAGE);
    assert_int_equal(parse("ring", "create", "--help", NULL), 0);
    assert_true(args.help);
    assert_int_equal(parse("ring", NULL), 0);
    assert_null(args.command);
    assert_non_null(args.noun);
}

static void numbers_and_times_stop_at_their_edges(void **state)
{
    unsigned long long n = 7;

    (void)state;
    assert_int_equal(mc_args_number("1000", "handoffs", 0, 1000, &n, &diag), 0);
    assert_int_equal(n, 1000);
    assert_int_equal(mc_args_number("1001", "handoffs", 0, 1000, &n, &diag),
                     MCOS_E_USAGE);
    assert_int_equal(mc_args_number("-1", "handoffs", 0, 1000, &n, &diag),
                     MCOS_E_USAGE);
    assert_int_equal(mc_args_number("1x", "handoffs", 0, 1000, &n, &diag),
                     MCOS_E_USAGE);
    assert_int_equal(
        mc_args_number("99999999999999999999", "n", 0, UINT64_MAX, &n, &diag),
        MCOS_E_USAGE);
    assert_int_equal(n, 1000);
    assert_int_equal(mc_args_duration("1.5s", "timeout", &n, &diag), 0);
    assert_int_equal(n, 1500);
    assert_int_equal(mc_args_duration("2m", "timeout", &n, &diag), 0);
    assert_int_equal(n, 120000);
    assert_int_equal(mc_args_duration("250ms", "timeout", &n, &diag), 0);
    assert_int_equal(n, 250);
    assert_int_equal(mc_args_duration("86400", "timeout", &n, &diag), 0);
    assert_int_equal(mc_args_duration("86401", "timeout", &n, &diag), MCOS_E_USAGE);
    assert_int_equal(mc_args_duration("0", "timeout", &n, &diag), MCOS_E_USAGE);
    assert_int_equal(mc_args_duration("nan", "timeout", &n, &diag), MCOS_E_USAGE);
    assert_int_equal(mc_args_duration("", "timeout", &n, &diag), MCOS_E_USAGE);
}

static void colour_follows_its_four_rules(void **state)
{
    struct mc_surroundings terminal = {NULL, "xterm", true};
    struct mc_surroundings pipe = {NULL, "xterm", false};
    struct mc_surroundings dumb = {NULL, "dumb", true};
    struct mc_surroundings no_color = {"1", "xterm", true};
    struct mc_surroundings empty = {"", "xterm", true};

    (void)state;
    assert_true(mc_out_color(MC_COLOR_AUTO, &terminal));
    assert_false(mc_out_color(MC_COLOR_AUTO, &pipe));
    assert_false(mc_out_color(MC_COLOR_AUTO, &dumb));
    assert_false(mc_out_color(MC_COLOR_AUTO, &no_color));
    assert_true(
        mc_out_color(MC_COLOR_AUTO, &empty)); /* set, but empty: not asked for */
    assert_true(mc_out_color(MC_COLOR_ALWAYS, &no_color));
    assert_false(mc_out_color(MC_COLOR_NEVER, &terminal));
}

static void waiting_names_exactly_those_waited_for(void **state)
{
    json_t *conv =
        json_pack("{s:[{s:s,s:s,s:b},{s:s,s:s,s:b},{s:s,s:s,s:b}]}", "clusters",
                  "cluster", "a", "state", "ACTIVE", "has", 1, "cluster", "b", "state",
                  "ACTIVE", "has", 0, "cluster", "c", "state", "INACTIVE", "has", 0);
    json_t *names = json_array();

    (void)state;
    assert_int_equal(mc_wait_missing(conv, MC_WAIT_NONE, names), 0);
    assert_int_equal(mc_wait_missing(conv, MC_WAIT_ACTIVE, names), 1);
    assert_string_equal(json_string_value(json_array_get(names, 0)), "b");
    assert_int_equal(mc_wait_missing(conv, MC_WAIT_ALL, NULL), 2);
    json_decref(names);
    json_decref(conv);
}

static void names_are_cut_to_their_room_and_counted(void **state)
{
    json_t *names = json_array();
    char text[48];

    (void)state;
    mc_wait_names(names, text, sizeof(text));
    assert_string_equal(text, "");
    (void)json_array_append_new(names, json_string("a"));
    (void)json_array_append_new(names, json_string("b"));
    mc_wait_names(names, text, sizeof(text));
    assert_string_equal(text, "a, b");
    for (int i = 0; i < 20; i++)
        (void)json_array_append_new(names, json_string("eleven-long"));
    mc_wait_names(names, text, sizeof(text));
    assert_string_equal(text, "a, b, eleven-long and 19 more");
    json_decref(names);
    names = json_array();
    for (int i = 0; i < 2; i++)
        (void)json_array_append_new(
            names, json_string("a-name-longer-than-any-line-that-it-could-stand-in"));
    mc_wait_names(names, text, sizeof(text));
    assert_string_equal(text, "2 clusters");
    json_decref(names);
}

/* Ours is v7.aa; what the ring is now, and who is among the losers. */
static enum mc_fate fate(int epoch, int version, const char *stamp, const char *loser)
{
    json_t *change =
        json_pack("{s:s,s:i,s:i}", "stamp", "v7.aa", "epoch", 0, "version", 7);
    json_t *ring = json_pack("{s:s,s:i,s:i,s:[{s:s}]}", "stamp", stamp, "epoch", epoch,
                             "version", version, "losers", "stamp", loser);
    enum mc_fate is = mc_fate_of(change, ring);

    json_decref(change);
    json_decref(ring);
    return is;
}

static void a_change_is_done_only_if_it_or_its_heir_is_in_force(void **state)
{
    (void)state;
    assert_int_equal(fate(0, 7, "v7.aa", "v7.00"), MC_FATE_IN_FORCE);
    assert_int_equal(fate(0, 7, "v7.bb", "v7.aa"), MC_FATE_LOST);
    assert_int_equal(fate(0, 9, "v9.bb", "v7.aa"), MC_FATE_LOST);
    assert_int_equal(fate(0, 8, "v8.bb", "v7.00"), MC_FATE_REPLACED);
    assert_int_equal(fate(1, 2, "e1.v2.bb", "v7.00"), MC_FATE_REPLACED);
    assert_int_equal(fate(0, 7, "v7.bb", "v7.00"), MC_FATE_ELSEWHERE);
    assert_int_equal(fate(0, 6, "v6.bb", "v7.00"), MC_FATE_ELSEWHERE);
}

static void a_cell_says_version_and_relation_in_a_word_or_glyph(void **state)
{
    const struct mc_out ascii = {.utf8 = false};
    enum mc_style style;
    char text[64];
    json_t *cell = json_pack("{s:s,s:s,s:s,s:f}", "state", "ACTIVE", "relation",
                             "behind", "stamp", "v6.3f9c21ab", "divergence", 0.1667);

    (void)state;
    mc_matrix_cell(&ascii, cell, text, &style);
    assert_string_equal(text, "v6 ^ 16.7%");
    assert_int_equal(style, MC_STYLE_WARN);
    (void)json_object_set_new(cell, "relation", json_string("conflict"));
    mc_matrix_cell(&ascii, cell, text, &style);
    assert_string_equal(text, "v6.3f9c21ab x");
    assert_int_equal(style, MC_STYLE_BAD);
    (void)json_object_set_new(cell, "relation", json_string("equal"));
    (void)json_object_set_new(cell, "state", json_string("INACTIVE"));
    mc_matrix_cell(&ascii, cell, text, &style);
    assert_string_equal(text, "v6 + ?"); /* only what it last said */
    mc_matrix_cell(&ascii, NULL, text, &style);
    assert_string_equal(text, "?");
    json_decref(cell);
}

static int split(const char *line, struct mc_key *key)
{
    return mc_lookup_line((struct mc_bytes){(const uint8_t *)line, strlen(line)}, key,
                          NULL);
}

static void a_line_is_split_at_tabs_and_absent_parts_are_absent(void **state)
{
    struct mc_key key = {0};

    (void)state;
    assert_int_equal(split("a\tc\to\\N", &key), 0);
    assert_int_equal(key.object.len, 3);
    assert_int_equal(split("a", &key), 0);
    assert_null(key.container.ptr);
    assert_int_equal(split("a\t\\N\t\\N", &key), 0);
    assert_null(key.container.ptr);
    assert_null(key.object.ptr);
    assert_int_equal(split("a\t\t", &key), 0);
    assert_int_equal(split("a\t\to", &key), MCOS_E_VALUE);
    assert_int_equal(split("\tc", &key), MCOS_E_VALUE);
    assert_int_equal(split("", &key), MCOS_E_VALUE);
    assert_int_equal(split("a\tc\to\tx", &key), MCOS_E_VALUE);
}

static void a_file_gives_its_ring_a_name(void **state)
{
    struct mc_name name;

    (void)state;
    mc_offline_name("/tmp/Object.ring.gz", &name);
    assert_string_equal(name.s, "object");
    mc_offline_name("a b.ring", &name);
    assert_string_equal(name.s, "a-b");
    mc_offline_name("/tmp/.ring", &name);
    assert_string_equal(name.s, "ring");
    mc_offline_name("__x-1_y", &name);
    assert_string_equal(name.s, "x-1_y");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(options_stand_anywhere_after_their_words),
        cmocka_unit_test(the_last_value_of_an_option_counts),
        cmocka_unit_test(an_option_belongs_to_its_command),
        cmocka_unit_test(a_typo_gets_one_suggestion),
        cmocka_unit_test(what_is_missing_or_too_much_is_told),
        cmocka_unit_test(numbers_and_times_stop_at_their_edges),
        cmocka_unit_test(colour_follows_its_four_rules),
        cmocka_unit_test(waiting_names_exactly_those_waited_for),
        cmocka_unit_test(names_are_cut_to_their_room_and_counted),
        cmocka_unit_test(a_change_is_done_only_if_it_or_its_heir_is_in_force),
        cmocka_unit_test(a_cell_says_version_and_relation_in_a_word_or_glyph),
        cmocka_unit_test(a_line_is_split_at_tabs_and_absent_parts_are_absent),
        cmocka_unit_test(a_file_gives_its_ring_a_name),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
