/* SPDX-License-Identifier: Apache-2.0 */
/* ring/raise.c -- whether a change is a raise; what it leaves as it is, and for when.
 */
#include "ring/raise.h"

#include "ring/extra.h"

#include <stdlib.h>
#include <string.h>

int mc_raise_check(const struct mc_spec *spec, const struct mc_head *old,
                   struct mcos_diag *diag)
{
    unsigned power = old->part_power;
    unsigned next = spec->next_part_power;
    bool stays = spec->part_power == power;

    if (old->next_part_power == power + 1) {
        if ((stays && next != 0) ||
            (spec->part_power == power + 1 && next == power + 1))
            return 0;
        return mcos_diag_set(diag, MCOS_E_PARTPOWER, "/next_partition_power",
                             "the part power is being raised from %u to %u: "
                             "next_partition_power %u with "
                             "partition_power %u is the next step, and with "
                             "partition_power %u it waits; "
                             "next_partition_power %u calls it off",
                             power, power + 1, power + 1, power + 1, power, power);
    }
    if (next == 0 || (stays && next == old->next_part_power))
        return 0;
    if (old->next_part_power == power)
        return mcos_diag_set(diag, MCOS_E_PARTPOWER, "/next_partition_power",
                             "the raise to %u ends first: leave it out", power);
    if (stays && next == power + 1)
        return 0;
    return mcos_diag_set(diag, MCOS_E_PARTPOWER, "/next_partition_power",
                         "a raise begins with %u, and partition_power %u as it is",
                         power + 1, power);
}

/* What the spec asks for at the part power of the ring is what the ring has. */
static bool same_replicas(const struct mc_spec *spec, const struct mc_head *old)
{
    struct mc_spec before = *spec;

    before.part_power = old->part_power;
    return mc_spec_assignments(&before) == old->assignments;
}

static const char *host_of(const struct mc_device *d)
{
    return d->host[0] != '\0' ? d->host : d->name;
}

static bool same_share(const struct mc_device *a, const struct mc_device *b)
{
    return a->weight == b->weight && strcmp(a->region, b->region) == 0 &&
           strcmp(a->zone, b->zone) == 0 && strcmp(host_of(a), host_of(b)) == 0;
}

static bool same_devices(const struct mc_spec *spec, const struct mc_ring *old)
{
    uint32_t live = 0;

    for (uint32_t id = 0; id < mc_ring_head(old)->device_count; id++)
        live += !mc_ring_device(old, id)->removed;
    if (live != spec->device_count)
        return false;
    for (uint32_t i = 0; i < spec->device_count; i++) {
        uint32_t id = mc_ring_device_find(old, spec->devices[i].name);

        if (id == MC_DEVICE_NONE ||
            !same_share(&spec->devices[i], mc_ring_device(old, id)))
            return false;
    }
    return true;
}

static bool is_raise(const struct mc_spec *spec, const struct mc_ring *old)
{
    const struct mc_head *head = mc_ring_head(old);

    return spec->part_power > head->part_power && same_replicas(spec, head) &&
           spec->overload == mc_ring_builder(old)->overload &&
           spec->strict == mc_extra_strict(mc_ring_extra(old)) &&
           same_devices(spec, old);
}

bool mc_raise_holds(const struct mc_spec *spec, const struct mc_ring *old)
{
    return spec->next_part_power != 0 || is_raise(spec, old);
}

int mc_raise_hold(const struct mc_built *b, uint32_t *table, struct mcos_diag *diag)
{
    if (!same_replicas(b->in->spec, mc_ring_head(b->old)))
        return mcos_diag_set(
            diag, MCOS_E_VALUE, "/replicas",
            "nothing moves while there is a next_partition_power: keep "
            "the replicas as they are");
    for (uint32_t id = 0; id < b->draft->device_count; id++) {
        if (b->had[id] != 0 && b->index_of[id] == MC_DEVICE_NONE)
            return mcos_diag_set(diag, MCOS_E_DEVICE, "/devices",
                                 "nothing moves while there is a next_partition_power: "
                                 "keep the device \"%.200s\"",
                                 mc_ring_device(b->old, id)->name);
    }
    memcpy(table, b->before,
           (size_t)b->plan.part_count * b->plan.stride * sizeof(*b->before));
    return 0;
}

/* The moves to the quotas of a plan, made on a copy. */
static int count_moves(const struct mc_built *b, const struct mc_plan *plan,
                       uint64_t *ret_moves)
{
    const struct mc_plan_old old = {.table = b->before, .stride = b->before_stride};
    uint32_t *table = malloc((size_t)plan->part_count * plan->stride * sizeof(*table));
    struct mc_plan_moves moves = {0};
    int r = MCOS_E_NOMEM;

    if (table != NULL)
        r = mc_plan_rebalance(plan, &old, b->in->seed, table, &moves);
    free(table);
    *ret_moves = moves.moved;
    return r;
}

int mc_raise_settle(struct mc_built *b, const struct mc_plan_input *in,
                    uint64_t *ret_waiting)
{
    struct mc_plan_input held = *in;
    struct mc_plan_input whole = *in;
    struct mc_plan plan;
    int r;

    whole.assignments = mc_spec_assignments(b->in->spec);
    r = mc_plan_init(&b->due, &whole);
    if (r < 0)
        return r;
    b->due.progress = b->plan.progress;
    r = count_moves(b, &b->due, ret_waiting);
    if (r < 0)
        return r;
    held.as_held = true;
    r = mc_plan_init(&plan, &held);
    if (r < 0)
        return r;
    plan.progress = b->plan.progress;
    mc_plan_fini(&b->plan);
    b->plan = plan;
    return 0;
}
