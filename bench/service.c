/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/service.c -- a client that loads an HTTP server over kept connections, and an
 * echo server that moves as many bytes; driven by bench_service.py.
 *
 *     bench-service ask ADDR REQUEST CONNECTIONS SECONDS
 *     bench-service move ADDR QUESTION ANSWER CONNECTIONS SECONDS
 *     bench-service echo ADDR QUESTION ANSWER THREADS
 *
 * ADDR is unix:PATH or a port of 127.0.0.1; REQUEST a file with the bytes to send.
 * `ask` sends it on each connection, one at a time, and reads each answer to its end;
 * `move` does so with QUESTION bytes and an answer of ANSWER bytes, against `echo`.
 * Both print: requests, seconds, bytes of the last answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define ROOM            (8u << 20)

static void __attribute__((noreturn)) die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static socklen_t address(const char *text, struct sockaddr_storage *at)
{
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un *un = (struct sockaddr_un *)at;

        un->sun_family = AF_UNIX;
        (void)snprintf(un->sun_path, sizeof(un->sun_path), "%s", text + 5);
        return sizeof(*un);
    }
    struct sockaddr_in *in = (struct sockaddr_in *)at;

    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)strtoul(text, NULL, 10));
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof(*in);
}

static void no_delay(int fd)
{
    const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* ---- the client ---- */

struct line {
    int fd;
    size_t sent;
    size_t got;
    size_t want; /* bytes of the answer; 0: its head has not come */
    char head[4096];
};

struct load {
    const char *request;
    size_t request_bytes;
    size_t answer_bytes; /* 0: the answer is HTTP */
    unsigned long done;
    size_t last;
    char *room;
};

/* Sends what is left; the socket tells later when there is room again. */
static void push(const struct load *l, struct line *c)
{
    while (c->sent < l->request_bytes) {
        ssize_t n =
            send(c->fd, l->request + c->sent, l->request_bytes - c->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            die("send");
        c->sent += (size_t)n;
    }
}

static void read_head(struct line *c, const char *bytes, size_t n)
{
    const char *end;
    const char *length;
    size_t room = sizeof(c->head) - 1 - c->got;

    memcpy(c->head + c->got, bytes, n < room ? n : room);
    c->head[c->got + (n < room ? n : room)] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (end == NULL)
        return;
    length = strcasestr(c->head, "\r\nContent-Length: ");
    if (length == NULL || strncmp(c->head, "HTTP/1.1 200 ", 13) != 0) {
        (void)fprintf(stderr, "%.500s\n", c->head);
        exit(1);
    }
    c->want = (size_t)(end + 4 - c->head) + strtoul(length + 18, NULL, 10);
}

/* Reads; the next request goes out when an answer is whole. */
static void pull(struct load *l, struct line *c)
{
    for (;;) {
        ssize_t n = recv(c->fd, l->room, ROOM, 0);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            die("recv");
        if (c->want == 0)
            read_head(c, l->room, (size_t)n);
        c->got += (size_t)n;
        if (c->want == 0 || c->got < c->want)
            continue;
        l->done++;
        l->last = c->got;
        c->got = 0;
        c->sent = 0;
        c->want = l->answer_bytes;
        push(l, c);
        return;
    }
}

static void run(const char *where, struct load *l, unsigned count, double seconds)
{
    static struct line lines[CONNECTIONS_MAX];
    struct sockaddr_storage at = {0};
    struct epoll_event events[CONNECTIONS_MAX];
    socklen_t len = address(where, &at);
    int epoll = epoll_create1(0);
    double start;
    double end;

    l->room = malloc(ROOM);
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.ptr = &lines[i]};

        lines[i].fd = socket(at.ss_family, SOCK_STREAM, 0);
        if (connect(lines[i].fd, (struct sockaddr *)&at, len) != 0)
            die("connect");
        no_delay(lines[i].fd);
        lines[i].want = l->answer_bytes;
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, lines[i].fd, &e) != 0)
            die("epoll_ctl");
    }
    for (unsigned i = 0; i < count; i++) {
        if (fcntl(lines[i].fd, F_SETFL, O_NONBLOCK) != 0)
            die("fcntl");
        push(l, &lines[i]);
    }
    start = now();
    end = start + seconds;
    while (now() < end) {
        int n = epoll_wait(epoll, events, CONNECTIONS_MAX, 1000);

        for (int i = 0; i < n; i++) {
            struct line *c = events[i].data.ptr;

            if ((events[i].events & EPOLLOUT) != 0)
                push(l, c);
            if ((events[i].events & EPOLLIN) != 0)
                pull(l, c);
        }
    }
    (void)printf("%lu %.6f %zu\n", l->done, now() - start, l->last);
}

/* ---- the echo server ---- */

static size_t question_bytes;
static size_t answer_bytes;
static int listener;

static void *echo(void *arg)
{
    char *room =
        calloc(1, question_bytes > answer_bytes ? question_bytes : answer_bytes);
    int fd;

    (void)arg;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        no_delay(fd);
        for (;;) {
            size_t at = 0;

            while (at < question_bytes) {
                ssize_t n = recv(fd, room + at, question_bytes - at, 0);

                if (n <= 0)
                    break;
                at += (size_t)n;
            }
            if (at < question_bytes)
                break;
            for (at = 0; at < answer_bytes;) {
                ssize_t n = send(fd, room + at, answer_bytes - at, MSG_NOSIGNAL);

                if (n <= 0)
                    break;
                at += (size_t)n;
            }
        }
        (void)close(fd);
    }
    return NULL;
}

static void serve_echo(const char *where, unsigned threads)
{
    struct sockaddr_storage at = {0};
    socklen_t len = address(where, &at);
    const int on = 1;

    listener = socket(at.ss_family, SOCK_STREAM, 0);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 64) != 0)
        die("listen");
    (void)printf("ready\n");
    (void)fflush(stdout);
    for (unsigned i = 0; i < threads; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, echo, NULL) != 0)
            die("pthread_create");
    }
    (void)pause();
}

int main(int argc, char **argv)
{
    struct load l = {0};

    if (argc == 6 && strcmp(argv[1], "ask") == 0) {
        FILE *f = fopen(argv[3], "rb");
        char *request = malloc(ROOM);

        if (f == NULL)
            die(argv[3]);
        l.request_bytes = fread(request, 1, ROOM, f);
        (void)fclose(f);
        l.request = request;
        run(argv[2], &l, (unsigned)strtoul(argv[4], NULL, 10), strtod(argv[5], NULL));
        return 0;
    }
    if (argc == 7 && strcmp(argv[1], "move") == 0) {
        l.request_bytes = strtoul(argv[3], NULL, 10);
        l.answer_bytes = strtoul(argv[4], NULL, 10);
        l.request = calloc(1, l.request_bytes);
        run(argv[2], &l, (unsigned)strtoul(argv[5], NULL, 10), strtod(argv[6], NULL));
        return 0;
    }
    if (argc == 6 && strcmp(argv[1], "echo") == 0) {
        question_bytes = strtoul(argv[3], NULL, 10);
        answer_bytes = strtoul(argv[4], NULL, 10);
        serve_echo(argv[2], (unsigned)strtoul(argv[5], NULL, 10));
        return 0;
    }
    (void)fprintf(stderr, "usage: bench-service ask|move|echo ...\n");
    return 2;
}
