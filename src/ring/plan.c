/* SPDX-License-Identifier: Apache-2.0 */
/* ring/plan.c -- the frame of a plan; its numbers come from ring/quota.c. */
#include "ring/plan.h"

#include <assert.h>
#include <stdlib.h>

int mc_plan_init(struct mc_plan *plan, const struct mc_plan_input *in)
{
    uint32_t parts = 1u << in->part_power;
    int r;

    assert(in->assignments > 0);
    *plan = (struct mc_plan){.part_count = parts, .assignments = in->assignments};
    plan->stride = (unsigned)((in->assignments + parts - 1) / parts);
    plan->long_rows = (uint32_t)(in->assignments - (plan->stride - 1ull) * parts);
    r = mc_tree_init(&plan->tree, in->devices, in->device_count);
    if (r < 0)
        goto out;
    r = MCOS_E_NOMEM;
    plan->ideal = calloc(in->device_count, sizeof(*plan->ideal));
    plan->quota = calloc(in->device_count, sizeof(*plan->quota));
    plan->node_quota = calloc(plan->tree.node_count, sizeof(*plan->node_quota));
    plan->node_most = calloc(plan->tree.node_count, sizeof(*plan->node_most));
    if (plan->ideal == NULL || plan->quota == NULL || plan->node_quota == NULL ||
        plan->node_most == NULL)
        goto out;
    r = mc_quota_fill(plan, in);
out:
    if (r < 0)
        mc_plan_fini(plan);
    return r;
}

void mc_plan_fini(struct mc_plan *plan)
{
    mc_tree_fini(&plan->tree);
    free(plan->ideal);
    free(plan->quota);
    free(plan->node_quota);
    free(plan->node_most);
    *plan = (struct mc_plan){0};
}

unsigned mc_plan_row(const struct mc_plan *plan, uint32_t part)
{
    return plan->stride - (part >= plan->long_rows);
}
