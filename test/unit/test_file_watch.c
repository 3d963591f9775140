/* SPDX-License-Identifier: Apache-2.0 */
/* What is heard of a data folder, wherever its path leads by now. */
#include "adapter/file/watch.h"

#include "contract/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES (SCRATCH_MAX + 64)

static char folder[SCRATCH_MAX];

static const char *path(const char *name)
{
    static char text[4][PATH_BYTES];
    static unsigned next;
    char *at = text[next++ % 4];

    (void)snprintf(at, PATH_BYTES, "%s/%s", folder, name);
    return at;
}

static void write_file(const char *name)
{
    int fd = open(path(name), O_WRONLY | O_CREAT, 0640);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static int begin(void **state)
{
    (void)state;
    if (!scratch_make(folder) || mkdir(path("a"), 0750) != 0 ||
        mkdir(path("a/rings"), 0750) != 0 || mkdir(path("b"), 0750) != 0 ||
        mkdir(path("b/rings"), 0750) != 0)
        return -1;
    return symlink("a", path("data"));
}

static int end(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void open_watch(struct mc_watch *watch)
{
    mc_watch_init(watch);
    mc_watch_again(watch, path("data"));
    assert_true(watch->fd >= 0 && !watch->deaf);
    assert_false(mc_watch_heard(watch));
}

static void test_what_resolvers_read_is_heard(void **state)
{
    static const char *const read[] = {"a/rings/photos.ring", "a/rings/photos.prev",
                                       "a/clusters", "a/confirmed"};
    static const char *const others[] = {"a/log", "a/bus.db-wal",
                                         "a/rings/.tmp.photos.ring", "a/rings/notes"};
    struct mc_watch watch;

    (void)state;
    open_watch(&watch);
    for (unsigned i = 0; i < 4; i++) {
        write_file(others[i]);
        assert_false(mc_watch_heard(&watch));
        write_file(read[i]);
        assert_true(mc_watch_heard(&watch));
    }
    assert_int_equal(
        rename(path("a/rings/.tmp.photos.ring"), path("a/rings/photos.ring")), 0);
    assert_true(mc_watch_heard(&watch));
    mc_watch_fini(&watch);
}

/* The folder's own name stays where it is: nothing is told of it. */
static void test_a_path_that_leads_elsewhere_is_followed(void **state)
{
    struct mc_watch watch;

    (void)state;
    open_watch(&watch);
    assert_int_equal(unlink(path("data")), 0);
    assert_int_equal(symlink("b", path("data")), 0);
    mc_watch_again(&watch, path("data"));
    (void)mc_watch_heard(&watch);
    write_file("b/rings/photos.ring");
    assert_true(mc_watch_heard(&watch));
    write_file("a/rings/photos.ring");
    assert_false(mc_watch_heard(&watch));
    mc_watch_fini(&watch);
}

static void test_a_folder_made_anew_is_heard(void **state)
{
    struct mc_watch watch;

    (void)state;
    open_watch(&watch);
    assert_int_equal(rmdir(path("a/rings")), 0);
    assert_int_equal(rmdir(path("a")), 0);
    assert_true(mc_watch_heard(&watch));
    mc_watch_again(&watch, path("data"));
    assert_true(watch.deaf);
    assert_int_equal(mkdir(path("a"), 0750), 0);
    mc_watch_again(&watch, path("data"));
    (void)mc_watch_heard(&watch);
    assert_int_equal(mkdir(path("a/rings"), 0750), 0);
    assert_true(mc_watch_heard(&watch));
    mc_watch_again(&watch, path("data"));
    assert_false(watch.deaf);
    write_file("a/rings/photos.ring");
    assert_true(mc_watch_heard(&watch));
    mc_watch_fini(&watch);
}

static void test_it_hears_as_soon_as_the_system_lets_it(void **state)
{
    struct rlimit before;
    struct rlimit none;
    struct mc_watch watch;
    int fd = dup(0);

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)fd, .rlim_max = before.rlim_max};
    assert_int_equal(close(fd), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    mc_watch_init(&watch);
    mc_watch_again(&watch, path("data"));
    assert_int_equal(watch.fd, -1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    mc_watch_again(&watch, path("data"));
    write_file("a/rings/photos.ring");
    assert_true(mc_watch_heard(&watch));
    mc_watch_fini(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_resolvers_read_is_heard, begin, end),
        cmocka_unit_test_setup_teardown(test_a_path_that_leads_elsewhere_is_followed,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_a_folder_made_anew_is_heard, begin, end),
        cmocka_unit_test_setup_teardown(test_it_hears_as_soon_as_the_system_lets_it,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
