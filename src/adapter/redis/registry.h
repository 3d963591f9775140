/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/redis/registry.h -- what the module is asked, in words of rings.
 *
 * A ring lies at "mcos:ring:<name>". Every function fails as the link does.
 */
#ifndef MCOS_ADAPTER_REDIS_REGISTRY_H
#define MCOS_ADAPTER_REDIS_REGISTRY_H

#include "adapter/redis/link.h"
#include "ring/ring.h"
#include "sync/merge.h"

#define MC_REDIS_PREFIX  "mcos:ring:"
#define MC_REDIS_CHANNEL "mcos:ring" /* changes are told there */
#define MC_REDIS_KEY_MAX (sizeof(MC_REDIS_PREFIX) + MC_NAME_MAX)

/* Is the module there? METHOD if not; diag says how to load it. */
int mc_redis_registry_check(struct mc_redis_link *link, struct mcos_diag *diag);

/*
 * Merges. A large record is sent only if its stamp says that it is wanted.
 * repair: what stands there and is no ring gives way.
 */
int mc_redis_registry_push(struct mc_redis_link *link, const struct mc_ring *ring,
                           bool repair, struct mc_merge *ret_merge,
                           struct mcos_diag *diag);

/*
 * Makes the record the one held if `parent` (NULL: none) is. Fails with STALE:
 * something else is.
 */
int mc_redis_registry_claim(struct mc_redis_link *link, const struct mc_ring *ring,
                            const struct mc_stamp *parent, struct mcos_diag *diag);

/* The record, checked; yours. FORMAT or TYPE also if it is damaged or misnamed. */
int mc_redis_registry_pull(struct mc_redis_link *link, const struct mc_name *name,
                           struct mc_ring **ret_ring, struct mcos_diag *diag);

/* The records of <key>:losers that are good; each yours. */
int mc_redis_registry_losers(struct mc_redis_link *link, const struct mc_name *name,
                             struct mc_ring *ret_rings[MC_LOSERS_MAX],
                             size_t *ret_count, struct mcos_diag *diag);

/* Asks for the stamps of many names at once: ret_errs[i] is 0 and ret_stamps[i]
 * set, or why not. Fails only if the link did. */
int mc_redis_registry_stamps(struct mc_redis_link *link, const struct mc_name *names,
                             size_t count, struct mc_stamp *ret_stamps, int *ret_errs,
                             struct mcos_diag *diag);

/* A page of the names held, from *cursor on (0: from the start), which it moves; 0
 * again after the last. *ret_names is yours (free). */
int mc_redis_registry_list(struct mc_redis_link *link, uint64_t *cursor,
                           struct mc_name **ret_names, size_t *ret_count,
                           struct mcos_diag *diag);

/* The first bytes of whatever is at the key, for the quarantine; yours or NULL. */
struct mc_blob *mc_redis_registry_peek(struct mc_redis_link *link,
                                       const struct mc_name *name);

/* True if an error is about one key, not about the server or the way to it. */
bool mc_redis_err_is_local(int err);

#endif /* MCOS_ADAPTER_REDIS_REGISTRY_H */
