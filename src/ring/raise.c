/* SPDX-License-Identifier: Apache-2.0 */
/* ring/raise.c -- one step at a time, and nothing moves meanwhile. */
#include "ring/raise.h"

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

bool mc_raise_holds(const struct mc_built *b)
{
    return b->old != NULL && b->in->spec->next_part_power != 0;
}

int mc_raise_hold(const struct mc_built *b, uint32_t *table, uint64_t *ret_held_back,
                  struct mcos_diag *diag)
{
    const struct mc_spec *spec = b->in->spec;
    const struct mc_head *old = mc_ring_head(b->old);
    struct mc_spec before = *spec;

    before.part_power = old->part_power;
    if (mc_spec_assignments(&before) != old->assignments)
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
    for (uint32_t i = 0; i < spec->device_count; i++) {
        uint32_t had = b->had[b->id_of[i]];
        uint32_t quota = b->plan.quota[b->plan.tree.leaf_of[i]];

        *ret_held_back += had > quota ? had - quota : 0;
    }
    memcpy(table, b->before,
           (size_t)b->plan.part_count * b->plan.stride * sizeof(*b->before));
    return 0;
}
