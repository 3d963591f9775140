/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/os/loop.c -- libuv's loop, as much of it as an agent needs. */
#include "adapter/os/loop.h"

#include "adapter/os/loop_in.h"
#include "mcos/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

struct mc_loop {
    uv_loop_t uv;
    uv_timer_t timer;
    uv_idle_t at_once; /* a turn that is due now */
    uv_signal_t signals[2];
    uv_poll_t polls[MC_LOOP_FDS_MAX];
    unsigned poll_count;
    struct mc_loop_client *client;
    struct mc_worker *worker;
    bool stopping;
    bool ended; /* no more turns */
};

static void on_timer(uv_timer_t *timer);
static void on_at_once(uv_idle_t *idle);

void mc_loop_take_turn(struct mc_loop *loop)
{
    uint64_t wait_ms;

    if (loop->ended)
        return;
    wait_ms = loop->client->turn(loop->client);
    if (wait_ms == 0) {
        /* No timer: libuv calls one that is due as often as it is set, and would never
         * come to look at descriptors, signals and what the worker did. */
        (void)uv_timer_stop(&loop->timer);
        (void)uv_idle_start(&loop->at_once, on_at_once);
        return;
    }
    (void)uv_idle_stop(&loop->at_once);
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->timer, on_timer, wait_ms, 0);
}

static void on_at_once(uv_idle_t *idle)
{
    mc_loop_take_turn(idle->data);
}

static void on_timer(uv_timer_t *timer)
{
    mc_loop_take_turn(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* whoever owns the descriptor finds out by itself */
    (void)events;
    mc_loop_take_turn(poll->data);
}

static void on_signal(uv_signal_t *handle, int signo)
{
    struct mc_loop *loop = handle->data;

    (void)signo;
    if (loop->stopping) {
        mc_loop_end(loop);
        return;
    }
    loop->stopping = true;
    loop->client->stop(loop->client);
    mc_loop_take_turn(loop);
}

int mc_loop_new(struct mc_loop_client *client, struct mc_loop **ret_loop)
{
    static const int signo[2] = {SIGTERM, SIGINT};
    struct mc_loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return MCOS_E_NOMEM;
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return MCOS_E_IO;
    }
    loop->client = client;
    (void)uv_timer_init(&loop->uv, &loop->timer);
    loop->timer.data = loop;
    (void)uv_idle_init(&loop->uv, &loop->at_once);
    loop->at_once.data = loop;
    for (unsigned i = 0; i < 2; i++) {
        (void)uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        if (uv_signal_start(&loop->signals[i], on_signal, signo[i]) != 0) {
            mc_loop_free(loop);
            return MCOS_E_IO;
        }
    }
    *ret_loop = loop;
    return 0;
}

int mc_loop_watch(struct mc_loop *loop, int fd)
{
    uv_poll_t *poll = &loop->polls[loop->poll_count];

    if (loop->poll_count == MC_LOOP_FDS_MAX)
        return MCOS_E_BUSY;
    if (uv_poll_init(&loop->uv, poll, fd) != 0)
        return MCOS_E_IO;
    loop->poll_count++;
    poll->data = loop;
    return uv_poll_start(poll, UV_READABLE, on_readable) == 0 ? 0 : MCOS_E_IO;
}

void mc_loop_run(struct mc_loop *loop)
{
    mc_loop_take_turn(loop);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void mc_loop_end(struct mc_loop *loop)
{
    loop->ended = true;
    uv_stop(&loop->uv);
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void mc_loop_free(struct mc_loop *loop)
{
    if (loop == NULL)
        return;
    loop->ended = true;
    mc_worker_drop(loop->worker);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    mc_worker_free(loop->worker);
    free(loop);
}

/* ---- for the worker ---- */

uv_loop_t *mc_loop_uv(struct mc_loop *loop)
{
    return &loop->uv;
}

struct mc_worker *mc_loop_worker(const struct mc_loop *loop)
{
    return loop->worker;
}

void mc_loop_set_worker(struct mc_loop *loop, struct mc_worker *worker)
{
    loop->worker = worker;
}
