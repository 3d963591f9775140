/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server is tested over real sockets with hand-written bytes, because what must
 * be survived is what no HTTP client would send. One thread plays both sides: it
 * writes, lets the server run, and reads what came back.
 */
#include "adapter/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BODY_MAX 100u
#define BIG_MAX  (MC_HTTP_BODIES_MAX / 8) /* for /big */

/* ---- a handler that tells what it saw ---- */

struct echo {
    struct mc_handler handler;
    unsigned calls;
    char seen[1024];
};

static size_t echo_body_max(struct mc_handler *handler, const char *method,
                            const char *path)
{
    (void)handler;
    if (strcmp(path, "/big") == 0)
        return BIG_MAX;
    return strcmp(method, "PUT") == 0 ? BODY_MAX : 0;
}

static void echo_handle(struct mc_handler *handler, const struct mc_request *q,
                        struct mc_response *a)
{
    struct echo *echo = (struct echo *)handler;
    int len = snprintf(echo->seen, sizeof(echo->seen), "%s %s", q->method, q->path);

    for (size_t i = 0; i < q->query_count; i++)
        len += snprintf(echo->seen + len, sizeof(echo->seen) - (size_t)len, " %s=%s",
                        q->query[i].name, q->query[i].value);
    (void)snprintf(echo->seen + len, sizeof(echo->seen) - (size_t)len,
                   " author=%s match=%s none=%s body=%zu", q->author,
                   q->if_match == NULL ? "-" : q->if_match,
                   q->if_none_match == NULL ? "-" : q->if_none_match, q->body.len);
    echo->calls++;
    a->status = 200;
    a->content_type = "text/plain";
    (void)snprintf(a->etag, sizeof(a->etag), "\"7-91d0aa02\"");
    (void)snprintf(a->answered_by, sizeof(a->answered_by), "eu-west");
    mc_buf_put(&a->body, echo->seen, strlen(echo->seen));
    if (strcmp(q->path, "/large") == 0)
        mc_buf_zero(&a->body, 8u << 20);
}

/* ---- a world of one server ---- */

struct world {
    struct echo echo;
    struct mc_http_server *server;
    char folder[64];
    char unix_address[96];
    char answer[65536];
    size_t answer_len;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    const char *listen[3];
    struct mc_http_config config = {.listen = listen, .listen_count = 3};
    struct mcos_diag diag = {0};

    assert_non_null(w);
    w->echo.handler.body_max = echo_body_max;
    w->echo.handler.handle = echo_handle;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/mcos-http-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->unix_address, sizeof(w->unix_address), "unix:%s/sock", w->folder);
    listen[0] = "127.0.0.1:0";
    listen[1] = w->unix_address;
    listen[2] = "[::1]:0";
    if (mc_http_server_open(&config, &w->echo.handler, &w->server, &diag) != 0) {
        config.listen_count = 2; /* a machine without IPv6 */
        assert_int_equal(
            mc_http_server_open(&config, &w->echo.handler, &w->server, &diag), 0);
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    mc_http_server_close(w->server);
    assert_int_equal(rmdir(w->folder), 0); /* the socket was removed */
    free(w);
    return 0;
}

static int dial_unix(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static int dial_tcp(const char *address)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void serve_a_while(struct world *w, int ms)
{
    struct pollfd fds[MC_HTTP_LISTEN_MAX];
    int raw[MC_HTTP_LISTEN_MAX];
    size_t count = mc_http_server_fds(w->server, raw, MC_HTTP_LISTEN_MAX);
    uint64_t wait = mc_http_server_timeout_ms(w->server);

    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = raw[i], .events = POLLIN};
    (void)poll(fds, count, wait < (uint64_t)ms ? (int)wait : ms);
    mc_http_server_run(w->server);
}

/* Until the other side closes, or nothing more comes. What was read is in answer. */
static bool drain(struct world *w, int fd)
{
    unsigned quiet = 0;

    while (quiet < 20) {
        uint64_t soon = mc_http_server_timeout_ms(w->server);
        ssize_t n =
            read(fd, w->answer + w->answer_len, sizeof(w->answer) - 1 - w->answer_len);

        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return true;
        if (n > 0) {
            w->answer_len += (size_t)n;
            quiet = 0;
        } else if (soon != 0) {
            quiet++;
        }
        w->answer[w->answer_len] = '\0';
        serve_a_while(w, 2);
    }
    return false;
}

static void send_all(struct world *w, int fd, const char *bytes, size_t len)
{
    for (unsigned tries = 0; len > 0 && tries < 100000; tries++) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno != EAGAIN) {
            return; /* it was cut, as it may be */
        }
        serve_a_while(w, 0);
    }
}

/* Returns the status of the answer, 0 if none came; `closed` may be NULL. */
static int ask_bytes(struct world *w, bool local, const char *bytes, size_t len,
                     bool *closed)
{
    int fd = local ? dial_unix(w->unix_address + 5)
                   : dial_tcp(mc_http_server_address(w->server, 0));
    bool end;
    int status = 0;

    w->answer_len = 0;
    w->answer[0] = '\0';
    send_all(w, fd, bytes, len);
    end = drain(w, fd);
    if (closed != NULL)
        *closed = end;
    (void)close(fd);
    (void)drain(w, -1);
    if (sscanf(w->answer, "HTTP/1.1 %d", &status) != 1)
        return 0;
    return status;
}

static int ask(struct world *w, bool local, const char *text)
{
    return ask_bytes(w, local, text, strlen(text), NULL);
}

#define HOST "Host: localhost\r\n"

/* ---- cases ---- */

static void a_request_arrives_decoded_and_is_answered(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, false,
                         "GET /a%20b/%C3%A9?x=1%2B2&y=a+b&z HTTP/1.1\r\n" HOST
                         "If-Match: \"1-ab\"\r\nIf-None-Match: *\r\n\r\n"),
                     200);
    assert_string_equal(w->echo.seen, "GET /a b/\xc3\xa9 x=1+2 y=a b z= author= "
                                      "match=\"1-ab\" none=* body=0");
    assert_non_null(strstr(w->answer, "ETag: \"7-91d0aa02\"\r\n"));
    assert_non_null(strstr(w->answer, "Mcos-Answered-By: eu-west\r\n"));
    assert_non_null(strstr(w->answer, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(w->answer, "body=0"));
}

static void head_is_get_without_a_body(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, false, "HEAD /x HTTP/1.1\r\n" HOST "\r\n"), 200);
    assert_memory_equal(w->echo.seen, "GET /x", 6);
    assert_null(strstr(w->answer, "body=0"));
    assert_null(strstr(w->answer, "Content-Length: 0"));
}

static void over_the_unix_socket_one_is_known_by_uid(void **state)
{
    struct world *w = *state;
    char want[64];
    struct stat st;

    assert_int_equal(ask(w, true, "GET / HTTP/1.1\r\nHost: any.name\r\n\r\n"), 200);
    (void)snprintf(want, sizeof(want), "author=uid:%u ", getuid());
    assert_non_null(strstr(w->echo.seen, want));
    assert_int_equal(stat(w->unix_address + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
}

static void a_foreign_host_name_is_refused(void **state)
{
    struct world *w = *state;
    const char *const bad[] = {"evil.example",   "127.0.0.1.evil.example",
                               "localhost.evil", "10.0.0.1",
                               "[::2]:80",       "localhost:",
                               "localhost:x",    "[::1",
                               "128.0.0.1"};
    const char *const good[] = {"localhost",      "LOCALHOST:8471", "127.0.0.1",
                                "127.1.2.3:8471", "[::1]",          "[::1]:8471"};
    char text[256];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
                       bad[i]);
        if (ask(w, false, text) != 400)
            fail_msg("%s is taken", bad[i]);
    }
    assert_int_equal(w->echo.calls, 0);
    assert_non_null(strstr(w->answer, "application/problem+json"));
    assert_non_null(strstr(w->answer, "\"code\": \"usage\""));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
                       good[i]);
        if (ask(w, false, text) != 200)
            fail_msg("%s is refused", good[i]);
    }
    assert_int_equal(ask(w, false, "GET / HTTP/1.0\r\n\r\n"), 400);
}

static void bad_requests_are_refused_before_the_handler(void **state)
{
    struct world *w = *state;
    const char *const bad[] = {
        "GET /a%00b HTTP/1.1\r\n" HOST "\r\n",
        "GET /a%zz HTTP/1.1\r\n" HOST "\r\n",
        "GET /a% HTTP/1.1\r\n" HOST "\r\n",
        "GET /a%4 HTTP/1.1\r\n" HOST "\r\n",
        "GET /%ff HTTP/1.1\r\n" HOST "\r\n",
        "GET /%c0%80 HTTP/1.1\r\n" HOST "\r\n",
        "GET /%ed%a0%80 HTTP/1.1\r\n" HOST "\r\n",
        "GET /?x=%e2%82 HTTP/1.1\r\n" HOST "\r\n",
        "GET /?%00=1 HTTP/1.1\r\n" HOST "\r\n",
        "GET http://localhost/ HTTP/1.1\r\n" HOST "\r\n",
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
        "GET /?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST HOST "\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "PUT / HTTP/1.1\r\n" HOST
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\nx",
        "PUT / HTTP/1.1\r\n" HOST "If-Match: \"1\"\r\nIf-Match: \"2\"\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1x\r\n\r\n",
        "PUT / HTTP/1.1\r\n" HOST
        "Transfer-Encoding : chunked\r\nContent-Length: 1\r\n\r\nx",
        "GET / HTTP/1.1\r\n" HOST "X: a\rContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n",
        "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n",
        "GET /a%2Fb HTTP/1.1\r\n" HOST "\r\n",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ask(w, false, bad[i]) != 400)
            fail_msg("not refused: %s: %s", bad[i], w->answer);
    }
    assert_int_equal(w->echo.calls, 0);
    assert_int_equal(ask(w, false, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
}

static void what_is_not_http_ends_the_connection(void **state)
{
    struct world *w = *state;
    char noise[4096];

    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)(i * 167 + i / 7);
    (void)ask_bytes(w, false, noise, sizeof(noise), NULL);
    (void)ask(w, false, "\r\n\r\n\r\n");
    (void)ask(w, false, "GET\r\n\r\n");
    assert_int_equal(w->echo.calls, 0);
    assert_int_equal(ask(w, false, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
}

static void a_body_at_its_bound_is_taken_and_one_past_it_is_not(void **state)
{
    struct world *w = *state;
    char body[BODY_MAX + 2] = "";
    char text[512];
    bool closed;

    memset(body, 'x', BODY_MAX + 1);
    (void)snprintf(text, sizeof(text),
                   "PUT / HTTP/1.1\r\n" HOST "Content-Length: %u\r\n\r\n%.*s", BODY_MAX,
                   (int)BODY_MAX, body);
    assert_int_equal(ask_bytes(w, false, text, strlen(text), &closed), 200);
    assert_false(closed);
    assert_non_null(strstr(w->echo.seen, "body=100"));
    (void)snprintf(text, sizeof(text),
                   "PUT / HTTP/1.1\r\n" HOST "Content-Length: %u\r\n\r\n%s",
                   BODY_MAX + 1, body);
    assert_int_equal(ask_bytes(w, false, text, strlen(text), &closed), 413);
    assert_true(closed);
    (void)snprintf(text, sizeof(text),
                   "PUT / HTTP/1.1\r\n" HOST
                   "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
                   BODY_MAX + 1, body);
    assert_int_equal(ask_bytes(w, false, text, strlen(text), &closed), 413);
    assert_true(closed);
    assert_int_equal(
        ask(w, false, "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"), 413);
    assert_int_equal(w->echo.calls, 1);
}

static void a_stated_length_far_past_the_bound_is_refused_at_once(void **state)
{
    struct world *w = *state;
    bool closed;
    const char *text =
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: 999999999999\r\n\r\nxxxx";

    assert_int_equal(ask_bytes(w, false, text, strlen(text), &closed), 413);
    assert_true(closed);
    text = "PUT / HTTP/1.1\r\n" HOST "Content-Length: 999999999999\r\n"
           "Expect: 100-continue\r\n\r\n";
    assert_int_equal(ask_bytes(w, false, text, strlen(text), &closed), 413);
    assert_true(closed);
    assert_int_equal(w->echo.calls, 0);
}

static void a_body_without_end_is_cut(void **state)
{
    struct world *w = *state;
    const char *head = "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    const size_t len = 4u << 20;
    char *text = malloc(len);
    size_t pos = strlen(head);
    bool closed;

    assert_non_null(text);
    memcpy(text, head, pos);
    while (pos + 22 < len) {
        memcpy(text + pos, "10\r\n0123456789abcdef\r\n", 22);
        pos += 22;
    }
    assert_int_equal(ask_bytes(w, false, text, pos, &closed), 413);
    assert_true(closed);
    assert_non_null(strstr(w->answer, "\"code\": \"too-large\""));
    assert_int_equal(w->echo.calls, 0);
    assert_int_equal(mc_http_server_busy(w->server), 0);
    free(text);
}

static void headers_without_end_are_cut(void **state)
{
    struct world *w = *state;
    const size_t len = 256u << 10;
    char *text = malloc(len);
    bool closed;

    assert_non_null(text);
    memset(text, 'a', len);
    memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
    (void)ask_bytes(w, false, text, len, &closed);
    assert_true(closed);
    memset(text, 'a', len);
    memcpy(text, "GET /", 5);
    (void)ask_bytes(w, false, text, len, &closed);
    assert_true(closed);
    memset(text, 'a', 9000);
    memcpy(text, "GET /", 5);
    memcpy(text + 9000, " HTTP/1.1\r\n" HOST "\r\n", 11 + 17 + 2);
    assert_int_equal(ask_bytes(w, false, text, 9000 + 30, &closed), 413);
    assert_int_equal(w->echo.calls, 0);
    free(text);
}

static void a_client_that_goes_away_leaves_nothing(void **state)
{
    struct world *w = *state;
    const char *const parts[] = {"", "GET", "GET / HTTP/1.1\r\nHos",
                                 "PUT / HTTP/1.1\r\n" HOST
                                 "Content-Length: 9\r\n\r\nabc",
                                 "GET /large HTTP/1.1\r\n" HOST "\r\n"};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int fd = dial_tcp(mc_http_server_address(w->server, 0));

        send_all(w, fd, parts[i], strlen(parts[i]));
        for (unsigned k = 0; k < 5; k++)
            serve_a_while(w, 2);
        (void)close(fd);
        for (unsigned k = 0; k < 20; k++)
            serve_a_while(w, 2);
    }
    assert_int_equal(mc_http_server_busy(w->server), 0);
}

static void a_stop_accepts_nothing_and_finishes_what_began(void **state)
{
    struct world *w = *state;
    const char *ask_large = "GET /large HTTP/1.1\r\n" HOST "\r\n";
    int fd = dial_tcp(mc_http_server_address(w->server, 0));
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    size_t total = 0;
    unsigned quiet = 0;

    send_all(w, fd, ask_large, strlen(ask_large));
    for (unsigned i = 0; i < 10; i++)
        serve_a_while(w, 2);
    assert_int_equal(mc_http_server_busy(w->server), 1);
    mc_http_server_stop(w->server);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", w->unix_address + 5);
    assert_int_equal(connect(other, (struct sockaddr *)&at, sizeof(at)), -1);
    (void)close(other);
    while (quiet < 50) {
        ssize_t n = read(fd, w->answer, sizeof(w->answer));

        quiet = n > 0 ? 0 : quiet + 1;
        total += n > 0 ? (size_t)n : 0;
        serve_a_while(w, 1);
    }
    assert_true(total > 8u << 20);
    assert_int_equal(mc_http_server_busy(w->server), 0);
    (void)close(fd);
}

static void a_request_that_drips_is_cut(void **state)
{
    struct world *w = *state;
    const struct timespec pause = {.tv_nsec = 50000000};
    unsigned sent = 0;
    int fd = dial_tcp(mc_http_server_address(w->server, 0));
    int kept = dial_tcp(mc_http_server_address(w->server, 0));

    send_all(w, kept, "GET /1 HTTP/1.1\r\n" HOST "\r\n", 36);
    send_all(w, fd, "GET /", 5);
    (void)drain(w, kept);
    for (; sent < 400; sent++) {
        char byte;
        ssize_t n;

        (void)send(fd, "a", 1, MSG_NOSIGNAL);
        (void)nanosleep(&pause, NULL);
        serve_a_while(w, 0);
        while ((n = read(fd, &byte, 1)) > 0)
            continue;
        if (n == 0 || errno != EAGAIN)
            break;
    }
    assert_in_range(sent, MC_HTTP_HEAD_S * 20 / 2, MC_HTTP_HEAD_S * 20);
    assert_int_equal(w->echo.calls, 1);
    (void)close(fd);
    /* One that is kept may be silent for longer. */
    w->answer_len = 0;
    send_all(w, kept, "GET /2 HTTP/1.1\r\n" HOST "\r\n", 36);
    (void)drain(w, kept);
    assert_memory_equal(w->answer, "HTTP/1.1 200", 12);
    assert_int_equal(w->echo.calls, 2);
    (void)close(kept);
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

#define CROWD (MC_HTTP_CONNECTIONS_MAX + 44u)

static void a_crowd_that_drips_keeps_nobody_out(void **state)
{
    struct world *w = *state;
    const char *const whole = "GET / HTTP/1.1\r\n" HOST "\r\n";
    int fds[CROWD];
    unsigned open = 0;
    uint64_t start;
    int good = dial_unix(w->unix_address + 5);
    char byte;

    /* One that has asked and reads nothing yet is not in anybody's way. */
    send_all(w, good, "GET /large HTTP/1.1\r\n" HOST "\r\n", 40);
    for (unsigned i = 0; i < CROWD; i++) {
        fds[i] = dial_unix(w->unix_address + 5);
        (void)send(fds[i], "GET / HT", 8, MSG_NOSIGNAL);
        serve_a_while(w, 0);
    }
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < CROWD; i++)
            (void)send(fds[i], "T", 1, MSG_NOSIGNAL);
        for (unsigned local = 0; local < 2; local++) {
            int fd = local ? dial_unix(w->unix_address + 5)
                           : dial_tcp(mc_http_server_address(w->server, 0));
            ssize_t n = -1;

            start = now_ms();
            (void)send(fd, whole, strlen(whole), MSG_NOSIGNAL);
            while (n < 0 && now_ms() - start < 2000) {
                serve_a_while(w, 1);
                n = read(fd, w->answer, 12);
            }
            assert_int_equal(n, 12);
            assert_memory_equal(w->answer, "HTTP/1.1 200", 12);
            assert_true(now_ms() - start < 100);
            (void)close(fd);
        }
    }
    assert_int_equal(read(good, &byte, 1), 1);
    (void)close(good);
    for (unsigned i = 0; i < CROWD; i++) {
        open += read(fds[i], &byte, 1) < 0 && errno == EAGAIN;
        (void)close(fds[i]);
    }
    assert_in_range(open, MC_HTTP_CONNECTIONS_MAX / 2, MC_HTTP_CONNECTIONS_MAX);
}

static void bodies_that_arrive_at_once_have_one_bound(void **state)
{
    struct world *w = *state;
    const unsigned each = BIG_MAX;
    const unsigned count = MC_HTTP_BODIES_MAX / each;
    const size_t piece = each - 1;
    char *bytes = calloc(1, piece);
    char head[128];
    int *fds = calloc(count, sizeof(*fds));
    unsigned status = 0;

    assert_non_null(bytes);
    assert_non_null(fds);
    (void)snprintf(head, sizeof(head),
                   "PUT /big HTTP/1.1\r\n" HOST "Content-Length: %u\r\n\r\n", each);
    for (unsigned i = 0; i < count; i++) {
        fds[i] = dial_unix(w->unix_address + 5);
        send_all(w, fds[i], head, strlen(head));
        send_all(w, fds[i], bytes, piece); /* all but the last byte */
    }
    for (unsigned i = 0; i < 20; i++)
        serve_a_while(w, 1);
    assert_int_equal(ask(w, true, head), 503);
    assert_non_null(strstr(w->answer, "\"code\": \"busy\""));
    assert_non_null(strstr(w->answer, "Retry-After: "));
    assert_int_equal(ask(w, true, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
    for (unsigned i = 0; i < count; i++) {
        send_all(w, fds[i], "x", 1);
        w->answer_len = 0;
        (void)drain(w, fds[i]);
        assert_int_equal(sscanf(w->answer, "HTTP/1.1 %u", &status), 1);
        assert_int_equal(status, 200);
        (void)close(fds[i]);
    }
    (void)drain(w, -1);
    /* Their room is free again. */
    fds[0] = dial_unix(w->unix_address + 5);
    send_all(w, fds[0], head, strlen(head));
    w->answer_len = 0;
    (void)drain(w, fds[0]);
    assert_int_equal(w->answer_len, 0);
    (void)close(fds[0]);
    free(fds);
    free(bytes);
}

static void two_requests_share_a_connection(void **state)
{
    struct world *w = *state;

    assert_int_equal(
        ask(w, false, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n"),
        200);
    assert_int_equal(w->echo.calls, 2);
    assert_memory_equal(w->echo.seen, "GET /2", 6);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_request_arrives_decoded_and_is_answered),
        CASE(head_is_get_without_a_body),
        CASE(over_the_unix_socket_one_is_known_by_uid),
        CASE(a_foreign_host_name_is_refused),
        CASE(bad_requests_are_refused_before_the_handler),
        CASE(what_is_not_http_ends_the_connection),
        CASE(a_body_at_its_bound_is_taken_and_one_past_it_is_not),
        CASE(a_stated_length_far_past_the_bound_is_refused_at_once),
        CASE(a_body_without_end_is_cut),
        CASE(headers_without_end_are_cut),
        CASE(a_client_that_goes_away_leaves_nothing),
        CASE(a_stop_accepts_nothing_and_finishes_what_began),
        CASE(a_request_that_drips_is_cut),
        CASE(a_crowd_that_drips_keeps_nobody_out),
        CASE(bodies_that_arrive_at_once_have_one_bound),
        CASE(two_requests_share_a_connection),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
