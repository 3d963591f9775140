/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/redis/roster.h -- the agents of a cluster, kept in its Redis beside the
 * rings: plain keys, <of> being "<system>:<cluster>".
 *
 *     mcos:cluster:<system>       "<name> <uid>": whose database this is
 *     mcos:agents:<of>            set of agents; the channel of this name tells of
 *                                 changes
 *     mcos:agent:<of>:<agent>     its line; expires
 *     mcos:talk:<of>              channel: letters passed on
 */
#ifndef MCOS_ADAPTER_REDIS_ROSTER_H
#define MCOS_ADAPTER_REDIS_ROSTER_H

#include "base/name.h"
#include "mcos/err.h"
#include "port/roster.h"

#define MC_REDIS_ROSTER_KEY_MAX 160u
#define MC_REDIS_OWNER_MAX      128u

struct redis_store;

struct mc_redis_roster {
    struct mc_roster port; /* first */
    struct redis_store *store;
    char owner[MC_REDIS_ROSTER_KEY_MAX]; /* keys and channels */
    char agents[MC_REDIS_ROSTER_KEY_MAX];
    char agent[MC_REDIS_ROSTER_KEY_MAX]; /* and the agent's number */
    char talk[MC_REDIS_ROSTER_KEY_MAX];
    struct mc_name cluster; /* "": nobody has claimed yet */
    uint8_t uid[MC_UID_BYTES];
};

void mc_redis_roster_init(struct redis_store *s);
void mc_redis_roster_name(struct redis_store *s, const struct mc_name *cluster);

/*
 * Whose database is it? Nobody's: ours from now on, under this uid. Fails with
 * IDENTITY (another cluster's; diag names it), FORMAT, and as the link does.
 */
int mc_redis_roster_claim(struct redis_store *s, const struct mc_name *cluster,
                          const uint8_t uid[MC_UID_BYTES],
                          uint8_t ret_uid[MC_UID_BYTES], struct mcos_diag *diag);
/* Puts our uid there in spite of what is there. */
int mc_redis_roster_insist(struct redis_store *s, struct mcos_diag *diag);

/* "<name> <32 hex digits>" and nothing else. */
bool mc_redis_owner_parse(struct mc_bytes text, struct mc_name *ret_name,
                          uint8_t ret_uid[MC_UID_BYTES]);

#endif /* MCOS_ADAPTER_REDIS_ROSTER_H */
