/* SPDX-License-Identifier: Apache-2.0 */
/* sync/merge.c -- add, update or drop, and whether somebody lost (P4, P5). */
#include "sync/merge.h"

#include <string.h>

static enum mc_relation relation_of(enum mc_descent descent)
{
    if (descent == MC_DESCENT_NO)
        return MC_RELATION_CONFLICT;
    return descent == MC_DESCENT_UNKNOWN ? MC_RELATION_UNKNOWN : MC_RELATION_LINE;
}

struct mc_merge mc_merge_ask(const struct mc_ring *held, const struct mc_stamp *came)
{
    struct mc_merge out = {MC_MERGE_ADDED, MC_RELATION_LINE};
    struct mc_head head = {.epoch = came->epoch, .version = came->version};
    struct mc_stamp mine;
    int c;

    if (held == NULL)
        return out;
    mine = mc_stamp_of(mc_ring_head(held));
    c = mc_stamp_cmp(came, &mine);
    if (c == 0) {
        out.verdict = MC_MERGE_SAME;
    } else if (c > 0) {
        out.verdict = MC_MERGE_REPLACED;
        out.relation = MC_RELATION_UNKNOWN;
    } else {
        memcpy(head.digest, came->digest, sizeof(head.digest));
        out.verdict = MC_MERGE_OLDER;
        out.relation = relation_of(mc_ring_descends(held, &head));
    }
    return out;
}

struct mc_merge mc_merge(const struct mc_ring *held, const struct mc_ring *came)
{
    struct mc_stamp theirs = mc_stamp_of(mc_ring_head(came));
    struct mc_merge out = mc_merge_ask(held, &theirs);

    if (out.verdict == MC_MERGE_REPLACED)
        out.relation = relation_of(mc_ring_descends(came, mc_ring_head(held)));
    return out;
}
