/* SPDX-License-Identifier: Apache-2.0 */
/* test/fake/work.c -- see work.h. */
#include "work.h"

#include "mcos/err.h"

#include <assert.h>
#include <string.h>

static int submit(struct mc_work *work, const struct mc_job *job)
{
    struct fake_work *w = (struct fake_work *)work;

    if (w->count == FAKE_JOBS)
        return MCOS_E_BUSY;
    w->ran[w->count] = false;
    w->jobs[w->count++] = *job;
    return 0;
}

void fake_work_init(struct fake_work *w)
{
    *w = (struct fake_work){.work = {submit}};
}

void fake_work_run(struct fake_work *w, size_t i)
{
    assert(i < w->count);
    if (!w->ran[i])
        w->jobs[i].run(w->jobs[i].ctx);
    w->ran[i] = true;
}

static void take(struct fake_work *w, size_t i, bool wanted)
{
    struct mc_job job = w->jobs[i];

    w->count--;
    memmove(w->jobs + i, w->jobs + i + 1, (w->count - i) * sizeof(*w->jobs));
    memmove(w->ran + i, w->ran + i + 1, (w->count - i) * sizeof(*w->ran));
    job.done(job.ctx, wanted);
}

void fake_work_finish(struct fake_work *w, size_t i)
{
    fake_work_run(w, i);
    take(w, i, true);
}

void fake_work_step(struct fake_work *w)
{
    fake_work_finish(w, 0);
}

void fake_work_close(struct fake_work *w)
{
    while (w->count > 0)
        take(w, 0, false);
}
