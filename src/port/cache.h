/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port/cache.h -- what the house needs from a cache that all resolvers of a
 * cluster share.
 *
 * One puts a ring in, another gets it out by its name, and gets either exactly
 * the record that was put (its digest was computed anew over what came) or a
 * miss with a reason. Never anything else: not an older record over a newer one,
 * not parts of two records, not what a stranger left under our keys.
 *
 * A cache may forget anything at any moment, wholly or in part, and be away for
 * any time. So nothing waits for it, nothing is lost with it, and who puts a ring
 * in puts it in again now and then: that is cheap while it is still there.
 *
 * Several agents put at the same time; the greatest stamp stays (mc_stamp_cmp).
 * A tombstone is put like any other record: "deleted" is an answer too.
 *
 * Synchronous, one thread; every call comes back within a stated time. The proof
 * of an implementation is test/contract/contract_cache.c.
 */
#ifndef MCOS_PORT_CACHE_H
#define MCOS_PORT_CACHE_H

#include "ring/ring.h"

/* What a put that did not fail has found or done. */
enum mc_cache_put {
    MC_CACHE_HELD,   /* it was there already */
    MC_CACHE_FILLED, /* it was not, or not whole; now it is */
    MC_CACHE_NEWER,  /* a record with a greater stamp is there: left alone */
    MC_CACHE_MORE,   /* a part is done: call again with the same ring */
    MC_CACHE_BUSY,   /* another one is filling it in just now: look again in a while */
};

struct mc_cache;

struct mc_cache_ops {
    /*
     * Sees to it that the cache holds this record (borrowed). A large one takes
     * several calls (MORE), so that none takes long.
     * Fails with AWAY (no answer in time), FULL, TOOBIG (a part is more than the
     * cache takes), NOMEM. Whatever was there before may be gone then, but is
     * never mistaken for something else.
     */
    int (*put)(struct mc_cache *cache, const struct mc_ring *ring,
               enum mc_cache_put *ret_put);
    /*
     * The record in force as far as the cache knows; yours (mc_ring_unref).
     * Every failure is a miss: NOTFOUND (nothing there, or a part is gone),
     * FORMAT (bytes that are not ours), UPGRADE (put by a later version), DIGEST
     * (the parts do not make up the record), AWAY, TOOBIG, NOMEM.
     */
    int (*get)(struct mc_cache *cache, const struct mc_name *name,
               struct mc_ring **ret_ring);
    /* Does it answer at all? Fails with AWAY. */
    int (*ping)(struct mc_cache *cache);
    /* Why the last call failed, in a sentence; "" if it did not. Lent until the
     * next call. */
    const char *(*trouble)(const struct mc_cache *cache);
    void (*close)(struct mc_cache *cache); /* what was put stays */
};

/* First member of every implementation. */
struct mc_cache {
    const struct mc_cache_ops *ops;
};

#endif /* MCOS_PORT_CACHE_H */
