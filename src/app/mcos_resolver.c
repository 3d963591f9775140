/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/mcos_resolver.c -- the look-up service for those who do not link libmcos.
 *
 * The first thread waits for signals; each of the others has a desk, an HTTP server
 * beside the first one's, and a loop of its own. They share the book of rings, which
 * libmcos keeps fresh, and no lock on the way of a look-up.
 */
#include "adapter/http/listen.h"
#include "adapter/http/server.h"
#include "adapter/os/clock.h"
#include "app/service_config.h"
#include "service/desk.h"
#include "service/wire.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOP_MS 3000 /* for what has begun when a signal comes */
#define BODIES_MAX                                                                     \
    (64u << 20)                /* bytes of batches and their answers, of all threads   \
                                */
#define BODIES_MIN (20u << 20) /* of a thread: one of the largest, and its answer */
#define FDS_SPARE  64u

struct post {
    pthread_t thread;
    bool running;
    int wake_fd;
    struct mc_desk *desk;
    struct mc_http_server *http;
    const atomic_bool *stopping;
};

struct service {
    struct mc_service_config config;
    struct mc_hall hall;
    struct mc_log *log;
    struct post posts[MC_SERVICE_THREADS_MAX];
    unsigned post_count;
    atomic_bool stopping;
};

static void wake(void *ctx)
{
    const struct post *post = ctx;
    const uint64_t one = 1;

    (void)!write(post->wake_fd, &one, sizeof(one));
}

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int wait_ms(const struct post *post, int64_t until)
{
    uint64_t ms = mc_http_server_timeout_ms(post->http);

    if (until != 0) {
        int64_t left = until - now_ms();

        if (left < 0)
            left = 0;
        if ((uint64_t)left < ms)
            ms = (uint64_t)left;
    }
    return ms > INT32_MAX ? -1 : (int)ms;
}

/* A thread's life: requests, until a signal came and what had begun is answered. */
static void *serve(void *arg)
{
    struct post *post = arg;
    struct pollfd fds[MC_HTTP_LISTEN_MAX + 1];
    int http_fds[MC_HTTP_LISTEN_MAX];
    size_t count = mc_http_server_fds(post->http, http_fds, MC_HTTP_LISTEN_MAX);
    int64_t until = 0;

    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = http_fds[i], .events = POLLIN};
    fds[count] = (struct pollfd){.fd = post->wake_fd, .events = POLLIN};
    for (;;) {
        uint64_t woken;

        (void)poll(fds, count + 1, wait_ms(post, until));
        if ((fds[count].revents & POLLIN) != 0) {
            (void)!read(post->wake_fd, &woken, sizeof(woken));
            mc_desk_turn(post->desk);
        }
        if (until == 0 && atomic_load_explicit(post->stopping, memory_order_relaxed)) {
            until = now_ms() + STOP_MS;
            mc_http_server_stop(post->http);
        }
        mc_http_server_run(post->http);
        if (until != 0 && (mc_http_server_busy(post->http) == 0 || now_ms() >= until))
            return NULL;
    }
}

/* ---- start ---- */

static int open_book(struct service *s, struct mcos_diag *diag)
{
    struct mcos_resolver_options options = MCOS_RESOLVER_OPTIONS;
    struct mcos_diag why = {.offset = -1};
    int err;

    options.system = s->config.system;
    options.poll_ms = s->config.poll_ms;
    options.flags = s->config.keep_previous ? MCOS_KEEP_PREVIOUS : 0;
    if (s->config.swift_conf[0] != '\0')
        options.swift_conf = s->config.swift_conf;
    err = mc_book_open(s->config.source, &options, &s->hall.book, &why);
    if (err != 0 && options.swift_conf != NULL &&
        strcmp(why.field, options.swift_conf) == 0)
        return mcos_diag_set(diag, err, "swift_conf", "--swift-conf: %.100s: %.100s",
                             options.swift_conf, why.text);
    if (err != 0)
        return mcos_diag_set(diag, err, why.field, "%s", why.text);
    for (unsigned i = 0; i < s->config.ring_count && err == 0; i++)
        err = mc_book_follow(s->hall.book, s->config.rings[i].s, diag);
    return err;
}

static int open_post(struct service *s, const char *const *listen,
                     struct mcos_diag *diag)
{
    const unsigned threads = s->config.threads;
    struct post *post = &s->posts[s->post_count];
    struct mc_http_config http = {
        .listen = listen,
        .listen_count = s->config.listen_count,
        .connections_max = s->config.connections_max / threads,
        .bodies_max =
            BODIES_MAX / threads < BODIES_MIN ? BODIES_MIN : BODIES_MAX / threads,
        .any_bytes = true,
        .beside = s->post_count == 0 ? NULL : s->posts[0].http};
    int err;

    post->stopping = &s->stopping;
    post->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (post->wake_fd < 0)
        return mcos_diag_set(diag, MCOS_E_BUSY, "", "no descriptor to be had");
    s->post_count++;
    err = mc_desk_new(&s->hall, wake, post, &post->desk);
    if (err == 0)
        err =
            mc_http_server_open(&http, mc_desk_handler(post->desk), &post->http, diag);
    return err;
}

static int start(struct service *s, struct mcos_diag *diag)
{
    const char *listen[2 * MC_SERVICE_LISTEN_MAX];
    char text[512];
    int err = open_book(s, diag);

    for (unsigned i = 0; i < s->config.listen_count; i++)
        listen[i] = s->config.listen[i];
    for (unsigned i = 0; i < s->config.threads && err == 0; i++)
        err = open_post(s, listen, diag);
    for (unsigned i = 0; i < s->config.threads && err == 0; i++) {
        struct post *post = &s->posts[i];

        post->running = pthread_create(&post->thread, NULL, serve, post) == 0;
        if (!post->running)
            err = mcos_diag_set(diag, MCOS_E_BUSY, "", "no thread to be had");
    }
    for (unsigned i = 0; i < s->config.listen_count && err == 0; i++) {
        (void)snprintf(text, sizeof(text), "event=serving address=%.128s source=%.256s",
                       mc_http_server_address(s->posts[0].http, i), s->config.source);
        s->log->line(s->log, MC_LOG_INFO, text);
    }
    return err;
}

/* ---- stop ---- */

static void finish(struct service *s)
{
    atomic_store(&s->stopping, true);
    for (unsigned i = 0; i < s->post_count; i++) {
        if (s->posts[i].running) {
            wake(&s->posts[i]);
            (void)pthread_join(s->posts[i].thread, NULL);
        }
    }
    mc_book_close(s->hall.book);
    /* The first one's sockets were the others' too. */
    for (unsigned i = s->post_count; i-- > 0;) {
        struct post *post = &s->posts[i];

        if (post->desk != NULL)
            mc_desk_turn(post->desk);
        mc_http_server_close(post->http);
        mc_desk_free(post->desk);
        (void)close(post->wake_fd);
    }
}

/* As many descriptors as there may be connections, if the system lets us. */
static int raise_limits(const struct service *s, struct mcos_diag *diag)
{
    const rlim_t want = s->config.connections_max + FDS_SPARE +
                        (rlim_t)s->config.threads * (MC_HTTP_LISTEN_MAX * 3 + 64);
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max >= want)
        return 0;
    return mcos_diag_set(diag, MCOS_E_CONFIG, "max-connections",
                         "--max-connections %u needs %llu descriptors, and %llu are "
                         "allowed (ulimit -Hn)",
                         s->config.connections_max, (unsigned long long)want,
                         (unsigned long long)files.rlim_max);
}

static int complain(int err, const struct mcos_diag *diag)
{
    (void)fprintf(stderr, "mcos-resolver: %s%s%s\n",
                  diag->text[0] == '\0' ? "" : diag->text,
                  diag->text[0] == '\0' ? "" : ": ", mcos_err_text(err));
    return mcos_err_exit(err);
}

/* --check-config: what the start would refuse of the flags alone. */
static int check(struct service *s, struct mcos_diag *diag)
{
    int err = open_book(s, diag);

    for (unsigned i = 0; err == 0 && i < s->config.listen_count; i++)
        err = mc_listen_check_text(s->config.listen[i], diag);
    if (err == 0)
        err = raise_limits(s, diag);
    mc_book_close(s->hall.book);
    if (err == 0)
        (void)printf("mcos-resolver: the configuration is good\n");
    return err;
}

int main(int argc, char **argv)
{
    static struct service s;
    struct mcos_diag diag = {.offset = -1};
    enum mc_config_want want = MC_CONFIG_RUN;
    sigset_t signals;
    int signo;
    int err = mc_service_config_load(argc, argv, &s.config, &want, &diag);

    if (err == 0 && (want == MC_CONFIG_HELP || want == MC_CONFIG_PRINT))
        return 0;
    if (err == 0 && want == MC_CONFIG_CHECK) {
        err = check(&s, &diag);
        return err == 0 ? 0 : complain(err, &diag);
    }
    if (err != 0)
        return complain(err, &diag);
    (void)signal(SIGPIPE, SIG_IGN);
    /* The memory of a batch is that of the one before: not given back and asked for. */
    (void)mallopt(M_MMAP_THRESHOLD, (int)MC_WIRE_QUESTION_MAX);
    (void)mallopt(M_TRIM_THRESHOLD, (int)BODIES_MIN);
    (void)umask(0027);
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    s.hall.system = s.config.system;
    s.hall.keeps_previous = s.config.keep_previous;
    s.hall.started = (int64_t)mc_os_clock()->wall_ns(mc_os_clock());
    s.log = mc_os_log(MC_LOG_INFO, "");
    err = raise_limits(&s, &diag);
    if (err == 0)
        err = start(&s, &diag);
    if (err == 0)
        (void)sigwait(&signals, &signo);
    finish(&s);
    return err == 0 ? 0 : complain(err, &diag);
}
