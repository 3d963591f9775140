/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/fake/work.h -- a worker without threads: the test says when a job is run and
 * when its result comes back, so that every order can be tried.
 */
#ifndef MCOS_TEST_FAKE_WORK_H
#define MCOS_TEST_FAKE_WORK_H

#include "port/work.h"

#include <stddef.h>

#define FAKE_JOBS (MC_WORK_RUNNING_MAX + MC_WORK_WAITING_MAX)

struct fake_work {
    struct mc_work work; /* first */
    struct mc_job jobs[FAKE_JOBS];
    bool ran[FAKE_JOBS];
    size_t count;
};

void fake_work_init(struct fake_work *w);
/* Runs the i-th job; its result waits. */
void fake_work_run(struct fake_work *w, size_t i);
/* Runs the i-th job unless that was done, and brings its result. */
void fake_work_finish(struct fake_work *w, size_t i);
/* The same for the first. */
void fake_work_step(struct fake_work *w);
/* As at the end of an agent: nobody wants what is left. */
void fake_work_close(struct fake_work *w);

#endif /* MCOS_TEST_FAKE_WORK_H */
