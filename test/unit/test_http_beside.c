/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two servers beside each other, as two threads have them: both take what comes to the
 * one socket, and each has bounds of its own. One thread plays all sides.
 */
#include "adapter/http/server.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define PLACES    4u
#define LARGE     (1u << 20) /* an answer */
#define BYTES_MAX (LARGE + LARGE / 2)

struct world {
    struct mc_handler handler; /* first */
    struct mc_http_server *servers[2];
    char folder[64];
    char address[96];
    char answer[4096];
    char value[64];
    size_t value_len;
};

static size_t body_max(struct mc_handler *handler, const char *method, const char *path)
{
    (void)handler;
    (void)method;
    (void)path;
    return 0;
}

static void handle(struct mc_handler *handler, const struct mc_request *q,
                   struct mc_response *a)
{
    struct world *w = (struct world *)handler;

    if (q->query_count == 1) {
        w->value_len = q->query[0].len;
        assert_in_range(w->value_len, 0, sizeof(w->value));
        memcpy(w->value, q->query[0].value, w->value_len);
    }
    a->status = 200;
    a->content_type = "text/plain";
    mc_buf_zero(&a->body, strcmp(q->path, "/large") == 0 ? LARGE : 3);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    const char *listen[1];
    struct mc_http_config config = {.listen = listen,
                                    .listen_count = 1,
                                    .connections_max = PLACES,
                                    .bodies_max = BYTES_MAX,
                                    .any_bytes = true};

    assert_non_null(w);
    w->handler = (struct mc_handler){body_max, handle};
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/mcos-beside-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->address, sizeof(w->address), "unix:%s/sock", w->folder);
    listen[0] = w->address;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            mc_http_server_open(&config, &w->handler, &w->servers[i], NULL), 0);
        config.beside = w->servers[0];
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    mc_http_server_close(w->servers[1]);
    mc_http_server_close(w->servers[0]);
    assert_int_equal(rmdir(w->folder), 0); /* the socket's file is gone */
    free(w);
    return 0;
}

static void serve(struct world *w, unsigned i, int ms)
{
    struct pollfd fd = {.events = POLLIN};

    (void)mc_http_server_fds(w->servers[i], &fd.fd, 1);
    (void)poll(&fd, 1, ms);
    mc_http_server_run(w->servers[i]);
}

static int dial(const struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(at.sun_path, w->address + 5, strlen(w->address + 5) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void say(int fd, const char *target)
{
    char text[256];
    int len =
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);

    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

/* The status that comes when server i runs; 0: none, -1: the connection ended. */
static int hear(struct world *w, unsigned i, int fd)
{
    for (unsigned tries = 0; tries < 100; tries++) {
        ssize_t n;

        serve(w, i, 1);
        n = read(fd, w->answer, sizeof(w->answer) - 1);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return -1;
        if (n > 12) {
            w->answer[n] = '\0';
            return atoi(w->answer + 9);
        }
    }
    return 0;
}

static void each_takes_what_comes_to_the_one_socket(void **state)
{
    struct world *w = *state;

    assert_string_equal(mc_http_server_address(w->servers[1], 0), w->address);
    for (unsigned i = 0; i < 4; i++) {
        int fd = dial(w);

        say(fd, "/");
        assert_int_equal(hear(w, i % 2, fd), 200);
        (void)close(fd);
    }
}

static void the_first_goes_on_after_the_others_end(void **state)
{
    struct world *w = *state;
    int fd;

    mc_http_server_stop(w->servers[1]);
    mc_http_server_close(w->servers[1]);
    w->servers[1] = NULL;
    fd = dial(w);
    say(fd, "/");
    assert_int_equal(hear(w, 0, fd), 200);
    (void)close(fd);
}

static void values_are_any_bytes_if_that_was_asked_for(void **state)
{
    struct world *w = *state;
    int fd = dial(w);

    say(fd, "/?v=a%00%ff%2fb");
    assert_int_equal(hear(w, 1, fd), 200);
    assert_int_equal(w->value_len, 5);
    assert_memory_equal(w->value, "a\0\xff/b", 5);
    say(fd, "/%ff");
    assert_int_equal(hear(w, 1, fd), 400);
    (void)close(fd);
}

static void the_last_places_go_to_who_comes_last(void **state)
{
    struct world *w = *state;
    int fds[3 * PLACES];
    unsigned open = 0;
    char byte;

    for (unsigned i = 0; i < 3 * PLACES; i++) {
        fds[i] = dial(w);
        serve(w, 0, 1);
    }
    for (unsigned i = 0; i < 20; i++)
        serve(w, 0, 1);
    for (unsigned i = 0; i < 3 * PLACES; i++) {
        open += read(fds[i], &byte, 1) < 0 && errno == EAGAIN;
        assert_true(i < 2 * PLACES || read(fds[i], &byte, 1) < 0);
        (void)close(fds[i]);
    }
    assert_int_equal(open, PLACES);
}

static void large_answers_that_nobody_reads_have_one_bound(void **state)
{
    struct world *w = *state;
    int slow = dial(w);
    int fd = dial(w);

    say(slow, "/large"); /* alone it may be sent, however large */
    for (unsigned i = 0; i < 20; i++)
        serve(w, 0, 1);
    say(fd, "/large");
    assert_int_equal(hear(w, 0, fd), 503);
    (void)close(fd);
    fd = dial(w);
    say(fd, "/");
    assert_int_equal(hear(w, 0, fd), 200);
    (void)close(slow);
    for (unsigned i = 0; i < 20; i++)
        serve(w, 0, 1);
    say(fd, "/large");
    assert_int_equal(hear(w, 0, fd), 200);
    (void)close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(each_takes_what_comes_to_the_one_socket),
        CASE(the_first_goes_on_after_the_others_end),
        CASE(values_are_any_bytes_if_that_was_asked_for),
        CASE(the_last_places_go_to_who_comes_last),
        CASE(large_answers_that_nobody_reads_have_one_bound),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
