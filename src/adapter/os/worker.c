/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/os/worker.c -- a few jobs at once, a few behind them, in order. */
#include "adapter/os/worker.h"

#include "adapter/os/loop_in.h"
#include "mcos/err.h"

#include <stdlib.h>

struct place {
    uv_work_t request; /* its data is the place */
    struct mc_worker *worker;
    struct mc_job job;
    bool taken;
};

struct mc_worker {
    struct mc_work work; /* first */
    struct mc_loop *loop;
    struct place places[MC_WORK_RUNNING_MAX];
    struct mc_job waiting[MC_WORK_WAITING_MAX]; /* the first is next */
    size_t waiting_count;                       /* those that yield come last */
    size_t yielding_count;                      /* of them */
    size_t running;
    bool yielding; /* one that yields is among those that run */
    bool dropped;
};

static void begin_next(struct mc_worker *w);

/* On a thread of libuv's. */
static void on_run(uv_work_t *request)
{
    const struct place *place = request->data;

    place->job.run(place->job.ctx);
}

static void on_done(uv_work_t *request, int status)
{
    struct place *place = request->data;
    struct mc_worker *w = place->worker;
    struct mc_job job = place->job;

    place->taken = false;
    w->running--;
    if (job.yields)
        w->yielding = false;
    begin_next(w);
    job.done(job.ctx, status == 0 && !w->dropped);
    if (!w->dropped)
        mc_loop_take_turn(w->loop);
}

static void begin(struct mc_worker *w, const struct mc_job *job)
{
    struct place *place = w->places;

    while (place->taken)
        place++;
    *place = (struct place){.worker = w, .job = *job, .taken = true};
    place->request.data = place;
    w->running++;
    w->yielding = w->yielding || job->yields;
    /* It fails only without a function to call. */
    (void)uv_queue_work(mc_loop_uv(w->loop), &place->request, on_run, on_done);
}

static void begin_next(struct mc_worker *w)
{
    struct mc_job job;

    if (w->waiting_count == 0 || (w->waiting[0].yields && w->yielding))
        return;
    job = w->waiting[0];
    w->waiting_count--;
    w->yielding_count -= job.yields;
    for (size_t i = 0; i < w->waiting_count; i++)
        w->waiting[i] = w->waiting[i + 1];
    begin(w, &job);
}

/* Behind those that wait; one that does not yield, before those that do. */
static void line_up(struct mc_worker *w, const struct mc_job *job)
{
    size_t at = w->waiting_count++;

    if (job->yields)
        w->yielding_count++;
    for (; !job->yields && at > 0 && w->waiting[at - 1].yields; at--)
        w->waiting[at] = w->waiting[at - 1];
    w->waiting[at] = *job;
}

static int submit(struct mc_work *work, const struct mc_job *job)
{
    struct mc_worker *w = (struct mc_worker *)work;

    if (w->dropped)
        return MCOS_E_BUSY;
    if (w->running < MC_WORK_RUNNING_MAX && !(job->yields && w->yielding)) {
        begin(w, job);
        return 0;
    }
    if (w->waiting_count == MC_WORK_WAITING_MAX ||
        (job->yields && w->yielding_count == MC_WORK_YIELDING_MAX))
        return MCOS_E_BUSY;
    line_up(w, job);
    return 0;
}

int mc_loop_work(struct mc_loop *loop, struct mc_work **ret_work)
{
    struct mc_worker *w = mc_loop_worker(loop);

    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL)
            return MCOS_E_NOMEM;
        w->work.submit = submit;
        w->loop = loop;
        mc_loop_set_worker(loop, w);
    }
    *ret_work = &w->work;
    return 0;
}

size_t mc_loop_working(const struct mc_loop *loop)
{
    const struct mc_worker *w = mc_loop_worker(loop);

    return w == NULL ? 0 : w->running;
}

void mc_worker_drop(struct mc_worker *w)
{
    if (w == NULL)
        return;
    w->dropped = true;
    while (w->waiting_count > 0) {
        struct mc_job job = w->waiting[--w->waiting_count];

        job.done(job.ctx, false);
    }
    /* One may still be in libuv's own queue. */
    for (size_t i = 0; i < MC_WORK_RUNNING_MAX; i++) {
        if (w->places[i].taken)
            (void)uv_cancel((uv_req_t *)&w->places[i].request);
    }
}

void mc_worker_free(struct mc_worker *w)
{
    free(w);
}
