/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C at any moment of writing a file leaves the old one or the new one whole, and
 * nothing beside it. The signal comes from within the system calls of the write, to a
 * process of its own that does with it what a signal does by default: it ends.
 */
#include "app/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

ssize_t __real_write(int fd, const void *bytes, size_t n);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);

static unsigned calls;
static unsigned strike_at; /* the call that the signal comes before; 0: none */
static int strike_with;

static void strike(void)
{
    if (++calls == strike_at)
        (void)raise(strike_with);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    strike();
    return __real_write(fd, bytes, n > 1000 ? 1000 : n); /* in pieces */
}

int __wrap_fsync(int fd)
{
    strike();
    return __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    strike();
    return __real_rename(from, to);
}

static size_t length_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void a_signal_waits_until_the_file_is_whole(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    static uint8_t bytes[2500];
    char folder[] = "/tmp/mcos-file-XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/new.ring", folder);
    for (unsigned at = 1; at <= 6; at++) { /* three writes, fsync, rename, fsync */
        const int number = signals[at % 3];
        int status = 0;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            struct mc_bytes all = {bytes, sizeof(bytes)};

            (void)signal(number, SIG_DFL);
            calls = 0;
            strike_at = at;
            strike_with = number;
            (void)mc_file_write(path, all, NULL);
            _exit(0); /* not reached: the signal comes when the file is whole */
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == number);
        assert_int_equal(length_of(path), sizeof(bytes));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0); /* nothing else is in it */
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_waits_until_the_file_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
