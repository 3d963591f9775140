/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an agent may be reached is a matter of safety, so each kind of address that
 * must be refused is tried; and a socket file is only taken over from the dead.
 */
#include "adapter/http/listen.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* Opened and closed again as a server would. */
static int try_open(const char *text)
{
    struct mc_listen l = {.fd = -1};
    struct mcos_diag diag = {0};
    int r = mc_listen_open(text, &l, &diag);

    if (r != 0) {
        assert_string_equal(diag.field, "http");
        assert_int_equal(l.fd, -1);
        return r;
    }
    mc_listen_remove(&l);
    (void)close(l.fd);
    return 0;
}

static void only_loopback_and_unix_are_listened_on(void **state)
{
    const char *const bad[] = {"0.0.0.0:8471",
                               "[::]:8471",
                               "192.168.0.1:8471",
                               "example:80",
                               "127.0.0.1",
                               "127.0.0.1:65536",
                               "",
                               "unix:",
                               "unix:relative",
                               ":8471",
                               "127.0.0.1:80x",
                               "[::1]",
                               "127.0.0.1:",
                               "[::1:8471",
                               "[::ffff:7f00:1]:0"};
    char path[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (try_open(bad[i]) != MCOS_E_CONFIG)
            fail_msg("%s is taken", bad[i]);
    }
    (void)snprintf(path, sizeof(path), "unix:/%0200d", 0);
    assert_int_equal(try_open(path), MCOS_E_CONFIG);
    assert_int_equal(try_open("localhost:0"), 0);
    assert_int_equal(try_open("127.9.9.9:0"), 0);
}

static void port_0_becomes_a_real_one_that_nobody_else_gets(void **state)
{
    struct mc_listen l = {.fd = -1};

    (void)state;
    assert_int_equal(mc_listen_open("127.0.0.1:0", &l, NULL), 0);
    assert_memory_equal(l.address, "127.0.0.1:", 10);
    assert_true(strtoul(l.address + 10, NULL, 10) > 0);
    assert_int_equal(try_open(l.address), MCOS_E_LOCKED);
    (void)close(l.fd);
    assert_int_equal(try_open(l.address), 0);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct mc_listen l = {.fd = -1};
    char folder[] = "/tmp/mcos-listen-XXXXXX";
    char text[64];
    struct stat st;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(text, sizeof(text), "unix:%s/sock", folder);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/sock", folder);

    assert_int_equal(mc_listen_open(text, &l, NULL), 0);
    assert_string_equal(l.address, text);
    assert_int_equal(stat(at.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(try_open(text), MCOS_E_LOCKED);
    assert_int_equal(access(at.sun_path, F_OK), 0);
    (void)close(l.fd); /* as after kill -9: the file stays, nobody listens */
    assert_int_equal(try_open(text), 0);
    assert_int_equal(access(at.sun_path, F_OK), -1);

    fd = open(at.sun_path, O_CREAT | O_WRONLY, 0600);
    (void)close(fd);
    assert_int_equal(try_open(text), MCOS_E_CONFIG);
    mc_listen_remove(&l); /* what is there now is not its own */
    assert_int_equal(unlink(at.sun_path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_host_header_names_this_machine_or_not(void **state)
{
    (void)state;
    assert_true(mc_listen_host_ok("localhost"));
    assert_true(mc_listen_host_ok("[::1]:1"));
    assert_false(mc_listen_host_ok(""));
    assert_false(mc_listen_host_ok("localhost.example"));
    assert_false(mc_listen_host_ok("0.0.0.0"));
    assert_false(mc_listen_host_ok("[127.0.0.1]"));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(only_loopback_and_unix_are_listened_on),
        cmocka_unit_test(port_0_becomes_a_real_one_that_nobody_else_gets),
        cmocka_unit_test(a_stale_socket_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(a_host_header_names_this_machine_or_not),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
