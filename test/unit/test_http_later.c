/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are given later, over real sockets: the handler keeps every request
 * for `/later`, and the test gives the answer when it likes, or when the client or
 * the server is gone. What must not happen would be seen by the address sanitizer.
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

#define KEPT_MAX 8u
#define LATER    "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
#define NOW      "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"

struct world {
    struct mc_handler handler; /* first */
    struct mc_later *kept[KEPT_MAX];
    struct mc_blob *bodies[KEPT_MAX];
    unsigned kept_count;
    struct mc_http_server *server;
    char folder[64];
    char address[96];
    char answer[4096];
};

static size_t body_max(struct mc_handler *handler, const char *method, const char *path)
{
    (void)handler;
    (void)method;
    (void)path;
    return 100;
}

static void handle(struct mc_handler *handler, const struct mc_request *q,
                   struct mc_response *a)
{
    struct world *w = (struct world *)handler;

    if (strcmp(q->path, "/later") == 0) {
        assert_true(w->kept_count < KEPT_MAX);
        if (q->blob != NULL)
            w->bodies[w->kept_count] = mc_blob_ref(q->blob);
        w->kept[w->kept_count++] = q->later;
        q->later->keep(q->later);
        return;
    }
    a->status = 200;
    a->content_type = "text/plain";
    mc_buf_put(&a->body, "now", 3);
}

/* The i-th kept request is answered with what it sent. */
static void give(struct world *w, unsigned i)
{
    struct mc_response a = {.status = 201, .content_type = "text/plain"};

    mc_buf_put(&a.body, "later", 5);
    if (w->bodies[i] != NULL) {
        a.blob = w->bodies[i];
        w->bodies[i] = NULL;
    }
    w->kept[i]->answer(w->kept[i], &a);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    const char *listen[1];
    struct mc_http_config config = {.listen = listen, .listen_count = 1};
    struct mcos_diag diag = {0};

    assert_non_null(w);
    w->handler = (struct mc_handler){body_max, handle};
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/mcos-later-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->address, sizeof(w->address), "unix:%s/sock", w->folder);
    listen[0] = w->address;
    assert_int_equal(mc_http_server_open(&config, &w->handler, &w->server, &diag), 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    mc_http_server_close(w->server);
    assert_int_equal(rmdir(w->folder), 0);
    free(w);
    return 0;
}

static void serve(struct world *w)
{
    struct pollfd fd = {.events = POLLIN};

    for (unsigned i = 0; i < 10; i++) {
        (void)mc_http_server_fds(w->server, &fd.fd, 1);
        (void)poll(&fd, 1, 2);
        mc_http_server_run(w->server);
    }
}

static int dial(struct world *w, const char *text)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", w->address + 5);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    serve(w);
    return fd;
}

/* What came; "" if nothing did, NULL if the other side closed. */
static const char *read_some(struct world *w, int fd)
{
    ssize_t n;

    serve(w);
    n = read(fd, w->answer, sizeof(w->answer) - 1);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        return NULL;
    w->answer[n < 0 ? 0 : n] = '\0';
    return w->answer;
}

static void want_answer(struct world *w, int fd, const char *status, const char *body)
{
    const char *text = read_some(w, fd);

    assert_non_null(text);
    if (strstr(text, status) == NULL || strstr(text, body) == NULL)
        fail_msg("not %s %s: %s", status, body, text);
}

static void others_are_answered_while_one_waits(void **state)
{
    struct world *w = *state;
    int slow = dial(w, LATER);
    int quick = dial(w, NOW);

    want_answer(w, quick, "200", "now");
    assert_string_equal(read_some(w, slow), "");
    assert_int_equal(mc_http_server_busy(w->server), 1);
    give(w, 0);
    want_answer(w, slow, "201", "later");
    assert_int_equal(mc_http_server_busy(w->server), 0);
    assert_int_equal(send(slow, NOW, strlen(NOW), MSG_NOSIGNAL), strlen(NOW));
    want_answer(w, slow, "200", "now"); /* and the connection goes on */
    (void)close(slow);
    (void)close(quick);
}

static void answers_come_in_any_order_and_want_a_run_at_once(void **state)
{
    struct world *w = *state;
    int a = dial(w, LATER);
    int b = dial(w, LATER LATER); /* the second is looked at after the first */

    assert_int_equal(w->kept_count, 2);
    assert_int_not_equal(mc_http_server_timeout_ms(w->server), 0);
    give(w, 1);
    assert_int_equal(mc_http_server_timeout_ms(w->server), 0);
    want_answer(w, b, "201", "later");
    assert_int_equal(w->kept_count, 3);
    assert_string_equal(read_some(w, a), "");
    give(w, 0);
    want_answer(w, a, "201", "later");
    give(w, 2);
    want_answer(w, b, "201", "later");
    (void)close(a);
    (void)close(b);
}

static void a_body_outlives_its_client(void **state)
{
    struct world *w = *state;
    int fd = dial(w, "PUT /later HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");

    (void)close(fd);
    serve(w);
    assert_non_null(w->bodies[0]);
    assert_int_equal(mc_blob_get(w->bodies[0]).len, 4);
    assert_memory_equal(mc_blob_get(w->bodies[0]).ptr, "body", 4);
    give(w, 0);
    serve(w);
    assert_int_equal(mc_http_server_busy(w->server), 0);

    fd = dial(w, "PUT /later HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nmore");
    give(w, 1);
    want_answer(w, fd, "201", "more"); /* by reference */
    (void)close(fd);
}

static void it_is_seen_that_a_client_has_gone(void **state)
{
    struct world *w = *state;
    int fd = dial(w, LATER);
    int other = dial(w, LATER);

    (void)close(fd);
    for (unsigned i = 0; i < 1000 && !atomic_load(&w->kept[0]->gone); i++)
        serve(w);
    assert_true(atomic_load(&w->kept[0]->gone));
    assert_false(atomic_load(&w->kept[1]->gone));
    assert_true(mc_http_server_timeout_ms(w->server) <= 1000); /* it is looked again */
    give(w, 0);
    give(w, 1);
    want_answer(w, other, "201", "later");
    (void)close(other);
}

static void a_stop_waits_for_an_answer(void **state)
{
    struct world *w = *state;
    int fd = dial(w, LATER);

    mc_http_server_stop(w->server);
    serve(w);
    assert_int_equal(mc_http_server_busy(w->server), 1);
    give(w, 0);
    want_answer(w, fd, "201", "Connection: close");
    assert_int_equal(mc_http_server_busy(w->server), 0);
    (void)close(fd);
}

static void a_server_that_closed_takes_answers_and_drops_them(void **state)
{
    struct world *w = *state;
    int fds[3] = {
        dial(w, LATER), dial(w, LATER),
        dial(w, "PUT /later HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")};

    give(w, 1); /* this one was not told yet */
    mc_http_server_close(w->server);
    w->server = NULL;
    for (unsigned i = 0; i < 3; i++) {
        ssize_t n = read(fds[i], w->answer, sizeof(w->answer));

        assert_true(n == 0 || (n < 0 && errno != EAGAIN));
        (void)close(fds[i]);
    }
    give(w, 2);
    give(w, 0);
}

/* The server anew, with other limits. */
static void reopen(struct world *w, struct mc_http_config config)
{
    const char *listen[1] = {w->address};
    struct mcos_diag diag = {0};

    mc_http_server_close(w->server);
    w->server = NULL;
    config.listen = listen;
    config.listen_count = 1;
    assert_int_equal(mc_http_server_open(&config, &w->handler, &w->server, &diag), 0);
}

static void when_all_wait_for_an_answer_one_more_is_told(void **state)
{
    struct world *w = *state;
    int fds[2];
    int more;

    reopen(w, (struct mc_http_config){.connections_max = 2});
    fds[0] = dial(w, LATER);
    fds[1] = dial(w, LATER);
    more = dial(w, NOW);
    want_answer(w, more, "HTTP/1.1 503 ", "\"code\": \"busy\"");
    assert_non_null(strstr(w->answer, "Retry-After: "));
    assert_null(read_some(w, more)); /* closed */
    (void)close(more);
    give(w, 0);
    want_answer(w, fds[0], "201", "later");
    more = dial(w, NOW); /* has the place of the one that was answered */
    want_answer(w, more, "200", "now");
    give(w, 1);
    want_answer(w, fds[1], "201", "later");
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(more);
}

static void one_that_is_kept_and_drips_is_cut(void **state)
{
    struct world *w = *state;
    unsigned tries = 0;
    int fd;

    reopen(w, (struct mc_http_config){.kept_s = 1});
    fd = dial(w, NOW);
    want_answer(w, fd, "200", "now");
    while (read_some(w, fd) != NULL && ++tries < 3000) /* a minute at least */
        (void)send(fd, "\r\n", 2, MSG_NOSIGNAL);
    assert_in_range(tries, 2, 2999);
    (void)close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(others_are_answered_while_one_waits),
        CASE(answers_come_in_any_order_and_want_a_run_at_once),
        CASE(a_body_outlives_its_client),
        CASE(it_is_seen_that_a_client_has_gone),
        CASE(a_stop_waits_for_an_answer),
        CASE(a_server_that_closed_takes_answers_and_drops_them),
        CASE(when_all_wait_for_an_answer_one_more_is_told),
        CASE(one_that_is_kept_and_drips_is_cut),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
