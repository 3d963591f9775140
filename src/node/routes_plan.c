/* SPDX-License-Identifier: Apache-2.0 */
/* node/routes_plan.c -- a change that is looked at and not made. */
#include "node/change.h"
#include "node/json_out.h"
#include "node/json_plan.h"

int mc_change_explain(struct mc_change *change, const struct mc_built *built,
                      const char *token)
{
    struct mc_explain explain;
    json_t *o = json_object();
    int r = mc_explain_init(&explain, built);

    if (r != 0)
        goto out;
    mc_json_put_text(o, "ring", change->ring.s);
    if (change->old != NULL)
        mc_json_put_stamp(o, mc_ring_head(change->old));
    mc_json_put_text(o, "plan", token);
    r = mc_explain_strict(&explain, built);
    mc_json_plan(o, &explain, &change->report, &change->draft);
    mc_explain_fini(&explain);
    if (r != 0)
        goto out;
    mc_json_answer(&change->told, 200, o);
    o = NULL;
    r = change->told.body.err;
out:
    json_decref(o);
    return r;
}

void mc_post_plan(struct mc_call *call)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_change *change = NULL;
    int r = mc_change_new_dry(call, &change, &diag);

    if (r == 0)
        r = mc_change_type(call, "application/json", "text/json", &diag);
    if (r == 0)
        mc_change_take(call, change);
    mc_change_go(call, change, r, mc_change_build, &diag);
}
