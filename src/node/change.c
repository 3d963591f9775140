/* SPDX-License-Identifier: Apache-2.0 */
/* node/change.c -- a change, from its precondition to its answer. */
#include "node/change.h"

#include "node/converge.h"
#include "node/etag.h"
#include "node/figures.h"
#include "node/json_out.h"
#include "node/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_retry(struct mc_response *response, uint64_t retry_ms)
{
    response->retry_after_s = (unsigned)((retry_ms + 999u) / 1000u);
}

/* ---- begin ---- */

static int begin(struct mc_call *call, const struct mc_expect *expect,
                 struct mc_change **ret_change)
{
    const struct mc_ring *held;
    struct mc_change *change = calloc(1, sizeof(*change));

    if (change == NULL)
        return MCOS_E_NOMEM;
    mc_draft_init(&change->draft);
    change->routes = call->routes;
    change->later = call->request->later;
    change->ring = call->ring;
    change->expect = *expect;
    change->diag.offset = -1;
    change->began_ms = mc_agent_now_ms(call->agent);
    (void)snprintf(change->author, sizeof(change->author), "%s", call->request->author);
    if (call->request->blob != NULL)
        change->body = mc_blob_ref(call->request->blob);
    held = mc_agent_ring_find(call->agent, call->ring.s);
    if (held != NULL && !mc_ring_head(held)->tombstone)
        /* A reference is a count, not a change of the ring. */
        change->old = mc_ring_ref((struct mc_ring *)(uintptr_t)held);
    change->replaces = change->old != NULL;
    *ret_change = change;
    return 0;
}

int mc_change_new_dry(struct mc_call *call, struct mc_change **ret_change,
                      struct mcos_diag *diag)
{
    const struct mc_request *request = call->request;
    struct mc_expect expect = {0};
    int r = mc_agent_may_know(call->agent, call->ring.s, diag);

    if (r == 0 && (request->if_match != NULL || request->if_none_match != NULL)) {
        r = mc_etag_expect(request->if_match, request->if_none_match, &expect, diag);
        if (r == 0)
            r = mc_agent_expects(call->agent, &call->ring, &expect, diag);
    }
    if (r == 0)
        r = begin(call, &expect, ret_change);
    if (r == 0)
        (*ret_change)->dry = true;
    return r;
}

/* True if this very change was made before: then that is what is told. */
static bool replay(struct mc_call *call, struct mc_change *change, bool deep)
{
    struct mc_machine_status st = mc_machine_status(mc_agent_machine(call->agent));
    struct mc_ring *old = NULL;

    if (mc_operation_find(call->agent, call->ring.s, &change->operation, deep,
                          &change->made, &old, &change->replaces) != 0)
        return false;
    mc_ring_unref(change->old);
    change->old = old;
    change->report = (struct mc_build_report){0}; /* of another build, if of any */
    change->distributed = st.bus_up && !st.mute;
    return true;
}

bool mc_change_is_replayed(const struct mc_change *change)
{
    return change->made != NULL;
}

int mc_change_new(struct mc_call *call, struct mc_change **ret_change,
                  struct mcos_diag *diag)
{
    struct mc_operation operation;
    struct mc_change *change = NULL;
    struct mc_expect expect;
    uint64_t retry_ms = 0;
    int expected;
    int r = mc_etag_expect(call->request->if_match, call->request->if_none_match,
                           &expect, diag);

    if (r == 0)
        r = mc_operation_of(call->request, &operation, diag);
    if (r == 0)
        r = begin(call, &expect, &change);
    if (r != 0)
        return r;
    change->operation = operation;
    expected = mc_agent_expects(call->agent, &call->ring, &expect, diag);
    if (!replay(call, change, expected != 0)) {
        r = expected;
        if (r == 0)
            r = mc_agent_may_mint(call->agent, &retry_ms, diag);
        set_retry(call->response, retry_ms);
    }
    if (r == 0)
        *ret_change = change;
    else
        mc_change_free(change);
    return r;
}

void mc_change_free(struct mc_change *change)
{
    if (change == NULL)
        return;
    mc_draft_fini(&change->draft);
    mc_spec_doc_free(change->doc);
    mc_buf_fini(&change->extra);
    mc_buf_fini(&change->secret_buf);
    mc_buf_fini(&change->told.body);
    mc_blob_unref(change->body);
    mc_ring_unref(change->old);
    mc_ring_unref(change->made);
    free(change);
}

/* ---- the answer ---- */

void mc_change_tell(struct mc_call *call, const struct mc_change *change)
{
    const struct mc_build_report *report = &change->report;
    struct mc_response *response = call->response;
    json_t *o = json_object();

    if (report->assignments != 0)
        mc_figures_put(call->routes, change->made, report);
    if (!mc_ring_head(change->made)->tombstone)
        mc_etag_format(mc_ring_head(change->made), response->etag);
    if (!change->replaces)
        (void)snprintf(response->location, sizeof(response->location), "/v1/rings/%s",
                       call->ring.s);
    mc_json_put_text(o, "ring", call->ring.s);
    mc_json_put_stamp(o, mc_ring_head(change->made));
    mc_json_put_bool(o, "durable", true);
    mc_json_put_bool(o, "distributed", change->distributed);
    mc_json_put_int(o, "moved", report->moved);
    mc_json_put_int(o, "moved_lower_bound", report->moved_lower_bound);
    mc_json_put_int(o, "held_back", report->held_back);
    mc_json_put_int(o, "held_back_lower_bound", report->held_back_lower_bound);
    mc_json_put_int(o, "assignments", report->assignments);
    mc_json_put_real(o, "balance", report->balance);
    mc_json_put_real(o, "max_deviation", report->max_deviation);
    mc_json_put_real(o, "dispersion", report->dispersion);
    mc_json_put_int(o, "violations", report->violations);
    mc_json_put_real(o, "build_seconds", (double)change->build_ms / 1000.0);
    (void)json_object_set_new(
        o, "convergence",
        mc_json_convergence(call->agent, change->made, &call->routes->harms));
    mc_json_answer(response, change->replaces ? 200 : 201, o);
}

static void set_head(struct mc_change *change)
{
    change->draft.head.name = change->ring;
    (void)snprintf(change->draft.head.author, sizeof(change->draft.head.author), "%s",
                   change->author);
}

int mc_change_mint(struct mc_call *call, struct mc_change *change,
                   struct mcos_diag *diag)
{
    uint64_t retry_ms = 0;
    int r;

    set_head(change);
    if (change->operation.named)
        memcpy(change->draft.head.operation, change->operation.id,
               sizeof(change->draft.head.operation));
    r = mc_agent_mint(call->agent, &change->draft, &change->expect, &change->made,
                      &change->distributed, &retry_ms, diag);
    /* The same request may have been first, while this one was being built. */
    if (r != 0 && replay(call, change, true))
        r = 0;
    set_retry(call->response, r == 0 ? 0 : retry_ms);
    return r;
}

/* ---- by way of the worker ---- */

/* As it was made on the worker. */
static void tell_plan(struct mc_call *call, struct mc_change *change)
{
    struct mc_response *response = call->response;

    response->status = change->told.status;
    response->content_type = change->told.content_type;
    response->body = change->told.body;
    change->told.body = (struct mc_buf){0};
    if (change->old != NULL)
        mc_etag_format(mc_ring_head(change->old), response->etag);
}

/* Sends what was said to whoever asked, and ends the change. */
static void finish(struct mc_change *take_change, struct mc_call *call, int r)
{
    struct mc_later *later = take_change->later;

    if (r != 0)
        mc_call_fail(call, r, &take_change->diag);
    else if (take_change->dry)
        tell_plan(call, take_change);
    else
        mc_change_tell(call, take_change);
    mc_change_free(take_change);
    later->answer(later, call->response);
}

/* The figures of a table that was not built here, its moves against what it replaces.
 */
static void measure(void *ctx)
{
    struct mc_change *change = ctx;
    const struct mc_ring *old = change->old;

    if (old != NULL &&
        mc_ring_head(old)->part_power > mc_ring_head(change->made)->part_power)
        old = NULL;
    if (mc_build_measure(change->made, old, &change->report) != 0)
        change->report = (struct mc_build_report){0};
}

static void on_measured(void *ctx, bool wanted)
{
    struct mc_change *change = ctx;
    struct mc_response response = {0};
    struct mc_call call;

    (void)wanted; /* it is minted: say so */
    mc_call_init(&call, change->routes, &change->ring, &response);
    finish(change, &call, 0);
}

static void on_made(void *ctx, bool wanted)
{
    struct mc_change *change = ctx;
    const struct mc_job job = {measure, on_measured, change, false};
    struct mc_work *work = change->routes->config.work;
    struct mc_response response = {0};
    struct mc_call call;
    int r = change->err;

    mc_call_init(&call, change->routes, &change->ring, &response);
    change->build_ms = mc_agent_now_ms(call.agent) - change->began_ms;
    if (!wanted)
        r = mcos_diag_set(&change->diag, MCOS_E_BUSY, "", "the agent stops");
    if (r == 0 && change->dry)
        set_head(change);
    if (r == 0 && change->made == NULL)
        r = change->dry ? mc_agent_check_fits(call.agent, &change->draft, &change->diag)
                        : mc_change_mint(&call, change, &change->diag);
    if (r == 0 && change->report.assignments == 0) {
        if (work->submit(work, &job) == 0)
            return;
        measure(change);
    }
    finish(change, &call, r);
}

static void run_job(void *ctx)
{
    struct mc_change *change = ctx;

    change->run(change);
}

int mc_change_submit(struct mc_change *change, void (*run)(struct mc_change *change),
                     struct mcos_diag *diag)
{
    const struct mc_job job = {run_job, on_made, change, change->dry};
    struct mc_work *work = change->routes->config.work;
    int r;

    change->run = run;
    r = work->submit(work, &job);
    if (r != 0 && change->dry)
        return mcos_diag_set(diag, r, "", "too many plans or changes wait already");
    if (r != 0)
        return mcos_diag_set(diag, r, "",
                             "%u changes are being built and %u wait already",
                             MC_WORK_RUNNING_MAX, MC_WORK_WAITING_MAX);
    change->later->keep(change->later);
    return 0;
}
