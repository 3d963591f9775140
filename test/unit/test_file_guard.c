/* SPDX-License-Identifier: Apache-2.0 */
/* A SIGBUS that is not of a guarded mapping is as if there were no guard. */
#include "adapter/file/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* How a process ends that guards something and then gets the signal sent. */
static int ends(void (*handler)(int))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        struct mc_blob *blob = NULL;
        long page[1] = {0};

        (void)signal(SIGBUS, handler);
        if (mc_blob_new((struct mc_bytes){NULL, 0}, &blob) != 0 ||
            mc_guard_add(page, sizeof(page), blob) != 0)
            _exit(1);
        (void)raise(SIGBUS);
        mc_blob_unref(blob);
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void on_signal(int signo)
{
    _exit(signo == SIGBUS ? 3 : 4);
}

static void test_a_signal_that_is_sent_goes_where_it_went_before(void **state)
{
    int status = ends(SIG_DFL);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    status = ends(SIG_IGN);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    status = ends(on_signal);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signal_that_is_sent_goes_where_it_went_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
