/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever peers send, the quarantine stays within its bounds, keeps the newest,
 * and no text of theirs becomes a path.
 */
#include "adapter/file/quarantine.h"
#include "contract/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char data[SCRATCH_MAX];

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

struct tally {
    size_t files;
    uint64_t bytes;
    char first[300]; /* by name, so the oldest */
    char last[300];
};

static struct tally look(void)
{
    char path[SCRATCH_MAX + 320];
    struct tally t = {.first = "~"};
    const struct dirent *entry;
    struct stat st;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/quarantine", data);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/quarantine/%s", data, entry->d_name);
        assert_int_equal(stat(path, &st), 0);
        t.files++;
        t.bytes += (uint64_t)st.st_size;
        if (strcmp(entry->d_name, t.first) < 0)
            (void)snprintf(t.first, sizeof(t.first), "%s", entry->d_name);
        if (strcmp(entry->d_name, t.last) > 0)
            (void)snprintf(t.last, sizeof(t.last), "%s", entry->d_name);
    }
    assert_int_equal(closedir(dir), 0);
    return t;
}

static int put(const char *text, const char *reason)
{
    return mc_file_quarantine(
        data, (struct mc_bytes){(const uint8_t *)text, strlen(text)}, reason, NULL);
}

static void so_many_files_are_kept_and_the_oldest_leaves_first(void **state)
{
    char text[16];

    (void)state;
    for (unsigned i = 1; i <= MC_QUARANTINE_FILES + 5; i++) {
        (void)snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(put(text, "bad-digest"), 0);
        assert_int_equal(look().files,
                         i < MC_QUARANTINE_FILES ? i : MC_QUARANTINE_FILES);
    }
    assert_int_equal(atoi(look().first), 6);
    assert_int_equal(atoi(look().last), MC_QUARANTINE_FILES + 5);
}

static void the_same_bytes_are_kept_once(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(put("same", "bad-format"), 0);
    assert_int_equal(look().files, 1);
    assert_int_equal(put("", "bad-format"), 0);
    assert_int_equal(look().files, 2);
}

static void a_reason_is_never_a_path(void **state)
{
    (void)state;
    assert_int_equal(put("a", "../../etc/passwd"), 0);
    assert_int_equal(put("b", ""), 0);
    assert_int_equal(
        put("c", "a-reason-longer-than-anybody-would-like-to-read-in-a-file-name"), 0);
    assert_int_equal(look().files, 3);
    assert_non_null(strstr(look().first, "-------etc-passwd.bad"));
}

static void all_together_stay_below_the_bound(void **state)
{
    size_t size = (MC_QUARANTINE_BYTES / 4) + 1;
    uint8_t *bytes = calloc(2, MC_QUARANTINE_BYTES);

    (void)state;
    assert_non_null(bytes);
    for (uint8_t i = 0; i < 6; i++) {
        bytes[0] = i;
        assert_int_equal(
            mc_file_quarantine(data, (struct mc_bytes){bytes, size}, "big", NULL), 0);
        assert_true(look().bytes <= MC_QUARANTINE_BYTES);
    }
    assert_int_equal(look().files, 3);
    bytes[0] = 77;
    assert_int_equal(
        mc_file_quarantine(data, (struct mc_bytes){bytes, 2 * MC_QUARANTINE_BYTES},
                           "huge", NULL),
        0);
    assert_int_equal(look().files, 1);
    assert_true(look().bytes == MC_QUARANTINE_BYTES); /* cut */
    free(bytes);
}

static void without_its_data_folder_it_fails_and_makes_none(void **state)
{
    (void)state;
    scratch_remove(data);
    assert_int_equal(put("a", "b"), MCOS_E_IO);
    assert_int_equal(access(data, F_OK), -1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(so_many_files_are_kept_and_the_oldest_leaves_first),
        CASE(the_same_bytes_are_kept_once),
        CASE(a_reason_is_never_a_path),
        CASE(all_together_stay_below_the_bound),
        CASE(without_its_data_folder_it_fails_and_makes_none),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
