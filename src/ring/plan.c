/* SPDX-License-Identifier: Apache-2.0 */
/* ring/plan.c -- the frame of a plan; its numbers come from ring/quota.c. */
#include "ring/plan.h"

#include "ring/floor.h"

#include <assert.h>
#include <stdlib.h>

#define SCATTER_ROWS 64u
#define SCATTER      2654435761u /* odd: comes to every block; by the golden section */

int mc_plan_init(struct mc_plan *plan, const struct mc_plan_input *in)
{
    uint32_t parts = 1u << in->part_power;
    int r;

    assert(in->assignments > 0);
    *plan = (struct mc_plan){
        .part_count = parts, .assignments = in->assignments, .strict = in->strict};
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
    if (in->overload != 0) {
        plan->by_weight = calloc(in->device_count, sizeof(*plan->by_weight));
        plan->node_bound = calloc(plan->tree.node_count, sizeof(*plan->node_bound));
        plan->leaf_bound = calloc(in->device_count, sizeof(*plan->leaf_bound));
        if (plan->by_weight == NULL || plan->node_bound == NULL ||
            plan->leaf_bound == NULL)
            goto out;
    }
    r = mc_quota_fill(plan, in);
    if (r == 0)
        r = mc_floor_fill(plan);
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
    free(plan->node_takes);
    free(plan->node_lets);
    free(plan->takers);
    free(plan->by_weight);
    free(plan->node_bound);
    free(plan->leaf_bound);
    *plan = (struct mc_plan){0};
}

int mc_plan_tell(const struct mc_plan *plan, uint64_t done, uint64_t of)
{
    const struct mc_progress *progress = plan->progress;

    if (progress == NULL || progress->tell(progress->ctx, (unsigned)(done * 1000 / of)))
        return 0;
    return MCOS_E_EMPTY;
}

uint32_t mc_plan_scattered(const struct mc_plan *plan, uint32_t i)
{
    uint32_t blocks = plan->part_count / SCATTER_ROWS;

    if (blocks == 0)
        return i;
    return (i / SCATTER_ROWS * SCATTER & (blocks - 1)) * SCATTER_ROWS +
           i % SCATTER_ROWS;
}
