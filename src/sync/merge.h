/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/merge.h -- what becomes of a record that arrives: the seed's "add,
 * update or drop", made a function of the two records alone.
 *
 * No clock, no local limit, no memory decides it, or clusters would disagree
 * for ever. Every store calls this and nothing else.
 */
#ifndef MCOS_SYNC_MERGE_H
#define MCOS_SYNC_MERGE_H

#include "ring/ring.h"
#include "sync/stamp.h"

enum mc_verdict {
    MC_MERGE_ADDED,    /* no record was held */
    MC_MERGE_REPLACED, /* the one that came is greater */
    MC_MERGE_SAME,
    MC_MERGE_OLDER, /* the one held is greater: drop */
};

/* Did somebody's acknowledged work lose? */
enum mc_relation {
    MC_RELATION_LINE,     /* one descends from the other, or is the other */
    MC_RELATION_CONFLICT, /* neither descends from the other: keep the loser */
    MC_RELATION_UNKNOWN,  /* beyond the horizon of ancestors: a note, no more */
};

struct mc_merge {
    enum mc_verdict verdict;
    enum mc_relation relation;
};

/*
 * What the stamp of a record tells, before its body is there: the verdict is
 * that of mc_merge; so is the relation of what is added, same or older. Whether
 * a greater record descends from the one held only its body says: UNKNOWN.
 */
struct mc_merge mc_merge_ask(const struct mc_ring *held, const struct mc_stamp *came);

/* held may be NULL. Pure; cannot fail. */
struct mc_merge mc_merge(const struct mc_ring *held, const struct mc_ring *came);

#endif /* MCOS_SYNC_MERGE_H */
