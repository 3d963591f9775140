/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/losers.h -- records that lost a conflict which nobody settled yet: the
 * hash "<key>:losers", digest (hex) -> record, at most MC_LOSERS_MAX.
 *
 * Which ones are kept is decided as the file store does it (docs/operate.md):
 * none is an ancestor of another or of the record held, the greatest stay.
 */
#ifndef MCOS_MODULE_REDIS_LOSERS_H
#define MCOS_MODULE_REDIS_LOSERS_H

#include "redis/api.h"
#include "ring/ring.h"

struct mc_losers {
    struct rm_string *key; /* the companion's name */
    struct rm_reply *all;  /* its fields and values, or NULL */
    struct loser *list;
    size_t count;
};

/*
 * Reads the companion of a key. mc_losers_fini in any case. Fails with TYPE (it
 * is no hash), NOMEM.
 */
int mc_losers_init(struct mc_losers *losers, struct rm_ctx *ctx,
                   const struct rm_string *key);
void mc_losers_fini(struct mc_losers *losers, struct rm_ctx *ctx);

/*
 * Keeps `loser` (NULL: none new), then drops what `held` settles, what is
 * damaged, and those beyond MC_LOSERS_MAX. Carried out and sent to replicas at
 * once; true if anything changed. Fails with NOMEM: nothing changed.
 */
int mc_losers_apply(struct mc_losers *losers, struct rm_ctx *ctx,
                    const struct mc_ring *held, const struct mc_ring *loser,
                    bool *ret_changed);

#endif /* MCOS_MODULE_REDIS_LOSERS_H */
