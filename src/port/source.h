/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port/source.h -- what a resolver needs from a place where rings are kept: an
 * agent's folder, a memcached, an agent.
 *
 * A place is asked again and again for the same few names. What it gives is a whole
 * record, checked as far as the place can be trusted, or a failure with a reason;
 * never parts of two, never something of another name. It may be away for any
 * time, hold anything at all under a ring's name, and come back.
 *
 * Synchronous, one thread; every call comes back within a time that the
 * implementation states, whatever is at the other end.
 */
#ifndef MCOS_PORT_SOURCE_H
#define MCOS_PORT_SOURCE_H

#include "ring/ring.h"
#include "sync/stamp.h"

/* How a cluster is, as the place knows it. */
enum mc_cluster_state {
    MC_CLUSTER_UNKNOWN,
    MC_CLUSTER_ACTIVE,
    MC_CLUSTER_SILENT,
    MC_CLUSTER_LEFT,
};

struct mc_cluster {
    struct mc_name name; /* first: they are sorted by it (mc_name_place) */
    uint8_t state;
};

struct mc_source;

struct mc_source_ops {
    /*
     * The record in force of that name as this place has it; yours (mc_ring_unref).
     * `known` is what the asker has (NULL: nothing): if the place has the same,
     * *ret_ring is NULL and not much was done; what is before it need not be given
     * either, again and again: then it fails with STALE. Fails with NOTFOUND (the place
     * answers, and does not have it), UNREACHABLE (it does not answer, or not in time:
     * nobody asks it for anything for a while), IO (it answers, and cannot read this
     * one), UPGRADE (of a later format), NOMEM; with anything else if what is there is
     * no good record of that name.
     */
    int (*look)(struct mc_source *source, const struct mc_name *name,
                const struct mc_stamp *known, struct mc_ring **ret_ring);
    /* The record before that one, if the place keeps it; yours. Fails as look does.
     * May be left out (NULL). */
    int (*previous)(struct mc_source *source, const struct mc_name *name,
                    struct mc_ring **ret_ring);
    /*
     * The clusters' states, sorted by name; yours (free). Fails with NOTFOUND,
     * UNREACHABLE, FORMAT, NOMEM. May be left out (NULL): it does not know them.
     */
    int (*clusters)(struct mc_source *source, struct mc_cluster **ret_clusters,
                    size_t *ret_count);
    /* When the agent behind it last heard a cluster that holds all the same: ns since
     * 1970, 0: it does not say. May be left out (NULL). */
    int64_t (*confirmed)(struct mc_source *source);
    /* Becomes readable when something may have changed; -1: it cannot tell. May be
     * left out (NULL). */
    int (*fd)(const struct mc_source *source);
    /* After fd became readable. True: look again. */
    bool (*changed)(struct mc_source *source);
    /* Why the last call failed, in a sentence; "" if it did not. Lent until the next.
     */
    const char *(*trouble)(const struct mc_source *source);
    void (*close)(struct mc_source *source);
};

/* First member of every implementation. */
struct mc_source {
    const struct mc_source_ops *ops;
};

#endif /* MCOS_PORT_SOURCE_H */
