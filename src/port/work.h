/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port/work.h -- what the house needs from another thread: that something long is
 * done beside the loop.
 *
 * A job has a context of its own. run() is called on another thread, jobs beside one
 * another, and touches nothing of ours but that context; what is shared in it is read
 * only, or counted by references (blobs, rings). done() is called on the loop's thread,
 * once for each job that was taken, never from within submit(), and may submit the
 * next; it owns the context from then on. Jobs begin in the order they were given,
 * but for those that yield: they begin after all others that wait, one runs at a time,
 * and so they hold nobody else up.
 *
 * A job cannot be stopped. When the worker is closed, jobs that have not begun never
 * run, those that have are waited for, and done() is told that nobody wants the
 * result any more.
 */
#ifndef MCOS_PORT_WORK_H
#define MCOS_PORT_WORK_H

#include <stdbool.h>

#define MC_WORK_RUNNING_MAX  2u /* jobs at once */
#define MC_WORK_WAITING_MAX  8u /* jobs behind them */
#define MC_WORK_YIELDING_MAX 4u /* of these, such that yield */

struct mc_job {
    void (*run)(void *ctx);
    /* wanted: run() was called and its result counts; else there may be none. */
    void (*done)(void *ctx, bool wanted);
    void *ctx;
    bool yields;
};

struct mc_work {
    /* The job is copied, the context is the job's until done(). Fails with BUSY (too
     * many wait), NOMEM: then neither is called. */
    int (*submit)(struct mc_work *work, const struct mc_job *job);
};

#endif /* MCOS_PORT_WORK_H */
