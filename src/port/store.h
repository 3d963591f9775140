/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port/store.h -- what the house needs from a cluster's registry.
 *
 * It keeps, for each ring name, the greatest record ever merged (tombstones
 * too), the losers of unresolved conflicts, and some older versions. merge() is
 * atomic among all agents of the cluster and durable when it returns 0.
 * A reader never sees a record that is torn or smaller than one seen before.
 *
 * Synchronous, one thread. The proof is test/contract/contract_store.c.
 */
#ifndef MCOS_PORT_STORE_H
#define MCOS_PORT_STORE_H

#include "ring/ring.h"
#include "sync/merge.h"

struct mc_store;

struct mc_store_ops {
    /*
     * Merges one record (ring borrowed). What the merge decided goes to
     * *ret_merge. On a conflict the loser is kept beside, at most MC_LOSERS_MAX
     * of them; a record that settles losers (they are its ancestors) removes them.
     * Fails with IO, FULL, LOCKED, NOMEM, CORRUPT classes: nothing changed then.
     */
    int (*merge)(struct mc_store *store, struct mc_ring *ring,
                 struct mc_merge *ret_merge);
    /*
     * Of several agents of a cluster that mint at once exactly one may: makes `ring`
     * the cluster's if `parent` (NULL: none) is what the cluster has; merge() it
     * then. Fails with STALE: there is something else by now, which was taken over.
     * A registry that is away decides nothing: 0. NULL: there is but one agent.
     */
    int (*claim)(struct mc_store *store, struct mc_ring *ring,
                 const struct mc_ring *parent);
    /* Would merge() find room for it? It is written aside and given up again: asked
     * before a claim, which nobody can take back. Fails as merge(). NULL: always. */
    int (*room)(struct mc_store *store, const struct mc_ring *ring);
    /* Names held, sorted; *ret_names is yours (free). Fails with NOMEM, IO. */
    int (*list)(struct mc_store *store, struct mc_name **ret_names, size_t *ret_count);
    /* The record held; yours. Fails with NOTFOUND, UPGRADE (see unread), IO, NOMEM. */
    int (*get)(struct mc_store *store, const struct mc_name *name,
               struct mc_ring **ret_ring);
    /* True if a look tells that get() would give this very record, which an earlier
     * get() gave: what lies there was not touched since. Costs little, and does not
     * read: what the medium lost it does not find out. May be left out (NULL). */
    bool (*keeps)(struct mc_store *store, const struct mc_ring *ring);
    /* Held, loser or older version by digest; yours. Fails with GONE, IO, NOMEM. */
    int (*get_digest)(struct mc_store *store, const struct mc_name *name,
                      const uint8_t digest8[8], struct mc_ring **ret_ring);
    /* Unresolved losers of a name: count (0..MC_LOSERS_MAX), each yours. */
    int (*losers)(struct mc_store *store, const struct mc_name *name,
                  struct mc_ring *ret_rings[MC_LOSERS_MAX], size_t *ret_count);
    /* The greatest record kept of that name that is of a format we cannot read: its
     * stamp. It stays as it is; get() gives the greatest that can be read, or fails
     * with UPGRADE. Right after get() of the same name it costs little. Fails with
     * NOTFOUND (none, or something greater is held), IO. May be left out (NULL). */
    int (*unread)(struct mc_store *store, const struct mc_name *name,
                  struct mc_stamp *ret_stamp);
    /* The `clusters` file: text that tells the clusters' states (docs/operate.md). */
    int (*save_clusters)(struct mc_store *store, struct mc_bytes text);
    /* What is in it; yours (mc_blob_unref). Fails with NOTFOUND, IO, NOMEM. */
    int (*load_clusters)(struct mc_store *store, struct mc_blob **ret_text);
    /* For resolvers: a cluster that holds all the same was heard at wall_ns. Told now
     * and then, best effort. May be left out (NULL). */
    void (*confirm)(struct mc_store *store, uint64_t wall_ns);
    /* Keeps a copy of bytes that were refused, for people to look at; bounded, best
     * effort. reason is a problem code. */
    void (*quarantine)(struct mc_store *store, struct mc_bytes bytes,
                       const char *reason);
    /* Why the last call that failed did, in a sentence; "" if none is known. Lent
     * until the next call. May be left out (NULL). */
    const char *(*trouble)(const struct mc_store *store);
    /* Of a store with a registry beside its files: why that is degraded, in a
     * sentence; "" while it is well. Lent until the next call. Left out (NULL) by a
     * store that has none. */
    const char *(*degraded)(const struct mc_store *store);
    void (*close)(struct mc_store *store);
};

struct mc_store {
    const struct mc_store_ops *ops;
};

#endif /* MCOS_PORT_STORE_H */
