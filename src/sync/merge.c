/* SPDX-License-Identifier: Apache-2.0 */
/* sync/merge.c -- add, update or drop, and whether somebody lost (P4, P5). */
#include "sync/merge.h"

struct mc_merge mc_merge(const struct mc_ring *held, const struct mc_ring *came)
{
    struct mc_merge out = {MC_MERGE_ADDED, MC_RELATION_LINE};
    struct mc_stamp mine;
    struct mc_stamp theirs;
    enum mc_descent descent;
    int c;

    if (held == NULL)
        return out;
    mine = mc_stamp_of(mc_ring_head(held));
    theirs = mc_stamp_of(mc_ring_head(came));
    c = mc_stamp_cmp(&theirs, &mine);
    if (c == 0) {
        out.verdict = MC_MERGE_SAME;
        return out;
    }
    out.verdict = c > 0 ? MC_MERGE_REPLACED : MC_MERGE_OLDER;
    descent = c > 0 ? mc_ring_descends(came, mc_ring_head(held))
                    : mc_ring_descends(held, mc_ring_head(came));
    if (descent == MC_DESCENT_NO)
        out.relation = MC_RELATION_CONFLICT;
    else if (descent == MC_DESCENT_UNKNOWN)
        out.relation = MC_RELATION_UNKNOWN;
    return out;
}
