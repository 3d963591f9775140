/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker with its real threads and the real loop. What is claimed is about the
 * order of calls and the thread that makes them; whether two builds share anything
 * that they should not is for the thread sanitizer to say, which this test is run
 * under as well: hence the builds on one old ring.
 */
#include "adapter/os/loop.h"
#include "adapter/os/worker.h"
#include "mcos/err.h"
#include "test/fake/client.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define JOBS   (MC_WORK_RUNNING_MAX + MC_WORK_WAITING_MAX)
#define OTHERS (JOBS - 1 - MC_WORK_YIELDING_MAX) /* beside as many as may yield */

#define TURNS_MAX 50000000u /* many times as long as the job takes */

struct scene {
    struct mc_loop_client client; /* first */
    struct mc_loop *loop;
    struct mc_work *work;
    unsigned turns;
    bool pressed;  /* the next turn is always due at once */
    unsigned left; /* the loop ends when so many jobs are done */
    atomic_uint gate;
    atomic_uint running;
    atomic_uint most;
    atomic_uint began;    /* of those that do not yield */
    atomic_uint yielding; /* of those that run */
    unsigned done_count;
    unsigned order[JOBS];
    unsigned dropped;
    pthread_t main;
};

struct task {
    struct scene *scene;
    unsigned number;
    bool ran;
};

static uint64_t turn(struct mc_loop_client *client)
{
    struct scene *s = (struct scene *)client;

    s->turns++;
    if (s->turns == 5)
        atomic_store(&s->gate, 1);
    if (s->left == 0)
        mc_loop_end(s->loop);
    if (s->pressed && s->turns >= TURNS_MAX)
        mc_loop_end(s->loop);
    return s->pressed ? 0 : 5;
}

static void stop(struct mc_loop_client *client)
{
    (void)client;
}

static void run(void *ctx)
{
    struct task *task = ctx;
    struct scene *s = task->scene;
    unsigned now = atomic_fetch_add(&s->running, 1) + 1;
    unsigned most = atomic_load(&s->most);

    assert_false(pthread_equal(pthread_self(), s->main));
    while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
        continue;
    while (atomic_load(&s->gate) == 0)
        (void)usleep(1000);
    (void)usleep(2000);
    task->ran = true;
    (void)atomic_fetch_sub(&s->running, 1);
}

static void done(void *ctx, bool wanted)
{
    struct task *task = ctx;
    struct scene *s = task->scene;

    assert_true(pthread_equal(pthread_self(), s->main));
    if (wanted) {
        assert_true(task->ran);
        s->order[s->done_count % JOBS] = task->number;
    } else {
        s->dropped++;
    }
    s->done_count++;
    if (s->left > 0)
        s->left--;
    free(task);
}

static int submit_job(struct scene *s, unsigned number, void (*run_it)(void *ctx),
                      bool yields)
{
    struct task *task = malloc(sizeof(*task));
    const struct mc_job job = {run_it, done, task, yields};
    int r;

    assert_non_null(task);
    *task = (struct task){s, number, false};
    r = s->work->submit(s->work, &job);
    if (r != 0)
        free(task);
    return r;
}

/* On another thread. */
static void run_other(void *ctx)
{
    struct task *task = ctx;

    (void)atomic_fetch_add(&task->scene->began, 1);
    run(ctx);
}

static int submit(struct scene *s, unsigned number)
{
    return submit_job(s, number, run_other, false);
}

static void open_scene(struct scene *s)
{
    *s = (struct scene){.client = {turn, stop}, .main = pthread_self()};
    assert_int_equal(mc_loop_new(&s->client, &s->loop), 0);
    assert_int_equal(mc_loop_work(s->loop, &s->work), 0);
}

static void the_loop_goes_on_while_a_job_runs(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s);
    s.left = 1;
    assert_int_equal(submit(&s, 0), 0);
    assert_int_equal(s.done_count, 0);
    mc_loop_run(s.loop); /* the job waits for the fifth turn */
    assert_true(s.turns >= 5);
    assert_int_equal(s.done_count, 1);
    mc_loop_free(s.loop);
}

/* Who asks the agent without a pause must not keep it from what else it does. */
static void a_loop_that_is_always_pressed_sees_that_a_job_is_done(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s);
    s.left = 1;
    s.pressed = true;
    assert_int_equal(submit(&s, 0), 0);
    mc_loop_run(s.loop);
    assert_true(s.turns < TURNS_MAX);
    assert_int_equal(s.done_count, 1);
    mc_loop_free(s.loop);
}

static void two_run_at_once_eight_wait_and_one_more_is_busy(void **state)
{
    struct scene s;
    unsigned finished = 0;

    (void)state;
    open_scene(&s);
    s.left = JOBS;
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(submit(&s, i), 0);
    assert_int_equal(submit(&s, JOBS), MCOS_E_BUSY);
    assert_int_equal(mc_loop_working(s.loop), MC_WORK_RUNNING_MAX);
    mc_loop_run(s.loop);
    assert_int_equal(s.done_count, JOBS);
    assert_int_equal(atomic_load(&s.most), MC_WORK_RUNNING_MAX);
    /* Each once. In which order is the scheduler's: two run beside one another. */
    for (unsigned i = 0; i < JOBS; i++)
        finished |= 1u << s.order[i];
    assert_int_equal(finished, (1u << JOBS) - 1);
    assert_int_equal(mc_loop_working(s.loop), 0);
    assert_int_equal(submit(&s, 0), 0); /* there is room again */
    mc_loop_free(s.loop);
    assert_int_equal(s.dropped, 1);
}

static void at_the_end_what_runs_is_awaited_and_what_waits_never_runs(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(submit(&s, i), 0);
    while (atomic_load(&s.running) < MC_WORK_RUNNING_MAX)
        (void)usleep(1000);
    atomic_store(&s.gate, 1);
    mc_loop_free(s.loop);
    assert_int_equal(s.done_count, JOBS);
    assert_int_equal(s.dropped, JOBS);
    assert_int_equal(atomic_load(&s.running), 0);
    assert_int_equal(atomic_load(&s.most), MC_WORK_RUNNING_MAX);
}

/* On another thread. */
static void run_yielding(void *ctx)
{
    struct task *task = ctx;
    struct scene *s = task->scene;

    assert_int_equal(atomic_fetch_add(&s->yielding, 1), 0);
    /* The first one begins before there are others. */
    for (unsigned i = 0; task->number > 0 && atomic_load(&s->began) < OTHERS; i++) {
        assert_true(i < 20000);
        (void)usleep(1000);
    }
    run(ctx);
    (void)atomic_fetch_sub(&s->yielding, 1);
}

static int submit_yielding(struct scene *s, unsigned number)
{
    return submit_job(s, number, run_yielding, true);
}

static void what_yields_waits_for_all_others_and_leaves_them_a_place(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s);
    for (unsigned i = 0; i < 1 + MC_WORK_YIELDING_MAX; i++)
        assert_int_equal(submit_yielding(&s, i), 0);
    assert_int_equal(mc_loop_working(s.loop), 1); /* the other place stays free */
    assert_int_equal(submit_yielding(&s, 0), MCOS_E_BUSY);
    for (unsigned i = 0; i < OTHERS; i++)
        assert_int_equal(submit(&s, i), 0);
    assert_int_equal(submit(&s, JOBS), MCOS_E_BUSY);
    s.left = JOBS;
    mc_loop_run(s.loop);
    assert_int_equal(s.done_count, JOBS);
    mc_loop_free(s.loop);
}

/* ---- builds ---- */

struct office {
    struct mc_loop_client client; /* first */
    struct mc_loop *loop;
    struct world *world;
    struct asked asked[JOBS];
};

static uint64_t look_on(struct mc_loop_client *client)
{
    struct office *o = (struct office *)client;
    bool all = true;

    /* The ring that they all build on is read meanwhile. */
    assert_int_equal(get(o->world, "/v1/rings/photos"), 200);
    for (unsigned i = 0; i < JOBS; i++)
        all = all && o->asked[i].answered;
    if (all)
        mc_loop_end(o->loop);
    return 1;
}

static void builds_beside_one_another_share_the_old_ring(void **state)
{
    struct world *w = *state;
    struct office o = {.client = {look_on, stop}, .world = w};
    struct mc_routes_config config = {.system = "mcos"};
    struct mc_request q[JOBS];
    unsigned won = 0;
    char etag[96];

    assert_int_equal(create(w, "/v1/rings/photos", THREE), 201);
    (void)snprintf(etag, sizeof(etag), "%s", w->etag);
    mc_routes_free(w->handler);
    assert_int_equal(mc_loop_new(&o.client, &o.loop), 0);
    assert_int_equal(mc_loop_work(o.loop, &config.work), 0);
    assert_int_equal(mc_routes_new(&w->agent, &config, &w->handler), 0);
    for (unsigned i = 0; i < JOBS; i++) {
        q[i] = (struct mc_request){.method = "PUT", .if_match = etag};
        begin(w, &o.asked[i], &q[i], "/v1/rings/photos", i % 2 == 0 ? FOUR : THREE);
        assert_true(o.asked[i].kept);
    }
    mc_loop_run(o.loop);
    for (unsigned i = 0; i < JOBS; i++)
        won += look(w, &o.asked[i]) == 200;
    assert_int_equal(won, 1);
    assert_int_equal(w->agent.record_count, 2);
    mc_loop_free(o.loop);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_loop_goes_on_while_a_job_runs),
        cmocka_unit_test(a_loop_that_is_always_pressed_sees_that_a_job_is_done),
        cmocka_unit_test(two_run_at_once_eight_wait_and_one_more_is_busy),
        cmocka_unit_test(what_yields_waits_for_all_others_and_leaves_them_a_place),
        cmocka_unit_test(at_the_end_what_runs_is_awaited_and_what_waits_never_runs),
        cmocka_unit_test_setup_teardown(builds_beside_one_another_share_the_old_ring,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
