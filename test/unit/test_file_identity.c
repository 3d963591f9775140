/* SPDX-License-Identifier: Apache-2.0 */
/* A folder belongs to one cluster for ever, and says so in words. */
#include "adapter/file/identity.h"
#include "contract/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char data[SCRATCH_MAX];
static struct mcos_diag diag;

static int setup(void **state)
{
    (void)state;
    return scratch_make(data) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(data);
    return 0;
}

static int parse(const char *text, struct mc_identity *ret)
{
    return mc_identity_parse((struct mc_bytes){(const uint8_t *)text, strlen(text)},
                             ret, &diag);
}

#define HEX "00112233445566778899aabbccddeeff"

static void a_uid_is_made_once_and_stays(void **state)
{
    uint8_t first[MC_UID_BYTES];
    uint8_t again[MC_UID_BYTES];
    uint8_t other[MC_UID_BYTES];
    bool fresh = false;

    (void)state;
    assert_int_equal(mc_identity_open(data, "eu-west", first, &fresh, &diag), 0);
    assert_true(fresh);
    assert_int_equal(mc_identity_open(data, "eu-west", again, &fresh, &diag), 0);
    assert_false(fresh);
    assert_memory_equal(first, again, MC_UID_BYTES);
    scratch_remove(data);
    assert_int_equal(mc_identity_open(data, "eu-west", other, &fresh, &diag), 0);
    assert_true(fresh); /* also where there was no folder */
    assert_memory_not_equal(first, other, MC_UID_BYTES);
}

static void the_folder_of_another_cluster_is_refused_with_both_names(void **state)
{
    uint8_t uid[MC_UID_BYTES] = {1};
    uint8_t before[MC_UID_BYTES] = {1};
    uint8_t made[MC_UID_BYTES];
    bool fresh;

    (void)state;
    assert_int_equal(mc_identity_open(data, "eu-west", made, &fresh, &diag), 0);
    assert_int_equal(mc_identity_open(data, "us-east", uid, &fresh, &diag),
                     MCOS_E_IDENTITY);
    assert_non_null(strstr(diag.text, "eu-west"));
    assert_non_null(strstr(diag.text, "us-east"));
    assert_memory_equal(uid, before, MC_UID_BYTES); /* untouched on failure */
    assert_int_equal(mc_identity_open(data, "../x", uid, &fresh, &diag), MCOS_E_NAME);
}

static void a_damaged_file_is_refused_and_left_alone(void **state)
{
    char path[SCRATCH_MAX + 16];
    char left[8] = "";
    uint8_t uid[MC_UID_BYTES];
    bool fresh;
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/%s", data, MC_IDENTITY_FILE);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "junk", 4), 4);
    assert_int_equal(mc_identity_open(data, "eu-west", uid, &fresh, &diag),
                     MCOS_E_FORMAT);
    assert_non_null(strstr(diag.text, "damaged"));
    assert_int_equal(diag.line, 1);
    assert_int_equal(pread(fd, left, sizeof(left), 0), 4);
    assert_int_equal(close(fd), 0);
}

static void what_is_formatted_is_parsed_back_and_nothing_else_is(void **state)
{
    static const char *const bad[] = {
        "",
        "mcos-cluster 1\n",
        "mcos-cluster 2\nname a\nuid " HEX "\n",
        "mcos-cluster 1\nname A\nuid " HEX "\n",
        "mcos-cluster 1\nname a\nuid " HEX,
        "mcos-cluster 1\nname a\nuid " HEX "\nmore\n",
        "mcos-cluster 1\nname a\nuid " HEX "0\n",
        "mcos-cluster 1\nname a\nuid 0g112233445566778899aabbccddeeff\n",
        "mcos-cluster 1\nuid " HEX "\nname a\n",
        "mcos-cluster 1\nname a \nuid " HEX "\n",
    };
    struct mc_identity in = {.name = {"a-name"}, .uid = {1, 2, 254, 255}};
    struct mc_identity out;
    char text[MC_IDENTITY_BYTES_MAX];
    char nul[] = "mcos-cluster 1\nname a\nuid " HEX "\n";

    (void)state;
    mc_identity_format(&in, text);
    assert_int_equal(parse(text, &out), 0);
    assert_string_equal(out.name.s, in.name.s);
    assert_memory_equal(out.uid, in.uid, MC_UID_BYTES);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(bad[i], &out), MCOS_E_FORMAT);
    /* with a NUL after the end, and inside */
    assert_int_equal(
        mc_identity_parse((struct mc_bytes){(const uint8_t *)nul, sizeof(nul)}, &out,
                          NULL),
        MCOS_E_FORMAT);
    nul[21] = '\0';
    assert_int_equal(
        mc_identity_parse((struct mc_bytes){(const uint8_t *)nul, sizeof(nul) - 1},
                          &out, NULL),
        MCOS_E_FORMAT);
}

static void the_longest_name_fits(void **state)
{
    struct mc_identity in = {.name = {""}};
    struct mc_identity out;
    char text[MC_IDENTITY_BYTES_MAX];

    (void)state;
    memset(in.name.s, 'a', MC_NAME_MAX);
    mc_identity_format(&in, text);
    assert_int_equal(parse(text, &out), 0);
    assert_string_equal(out.name.s, in.name.s);
}

static void a_missing_file_is_written_again_and_another_one_is_left_alone(void **state)
{
    struct mc_identity mine = {.name = {"eu-west"}, .uid = {7, 8, 9}};
    struct mc_identity other = {.name = {"eu-west"}, .uid = {1}};
    uint8_t uid[MC_UID_BYTES];
    bool made = false;
    bool fresh = true;

    (void)state;
    assert_int_equal(mc_identity_keep(data, &mine, &made, &diag), 0);
    assert_true(made);
    assert_int_equal(mc_identity_keep(data, &other, &made, &diag), 0);
    assert_false(made);
    assert_int_equal(mc_identity_open(data, "eu-west", uid, &fresh, &diag), 0);
    assert_false(fresh);
    assert_memory_equal(uid, mine.uid, MC_UID_BYTES);
    scratch_remove(data);
    assert_int_equal(mc_identity_keep(data, &mine, &made, &diag), MCOS_E_IO);
    assert_int_equal(access(data, F_OK), -1); /* the folder is not ours to make */
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_uid_is_made_once_and_stays),
        CASE(the_folder_of_another_cluster_is_refused_with_both_names),
        CASE(a_damaged_file_is_refused_and_left_alone),
        CASE(what_is_formatted_is_parsed_back_and_nothing_else_is),
        CASE(the_longest_name_fits),
        CASE(a_missing_file_is_written_again_and_another_one_is_left_alone),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
