/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/ears.h -- a second connection that only listens: changes of rings,
 * and what the other agents of the cluster say. */
#ifndef MCOS_ADAPTER_REDIS_EARS_H
#define MCOS_ADAPTER_REDIS_EARS_H

#include "adapter/redis/link.h"
#include "port/roster.h"

#define MC_REDIS_INBOX_MAX 256u /* said by others, not fetched yet; more is dropped */

struct redis_store;

struct mc_redis_ears {
    struct mc_redis_link *link; /* NULL: deaf */
    int poll;                   /* an epoll of it that outlives connections, or -1 */
    struct mc_roster_event inbox[MC_REDIS_INBOX_MAX];
    size_t first;
    size_t count;
};

int mc_redis_ears_init(struct mc_redis_ears *ears);
void mc_redis_ears_fini(struct mc_redis_ears *ears);

/* Subscribes. Fails as the link does. */
int mc_redis_ears_open(struct redis_store *s, struct mcos_diag *diag);
void mc_redis_ears_close(struct mc_redis_ears *ears);
/* Takes in what was said: a ring that changed is compared at once, the rest goes into
 * the inbox. Fails if the store's own link has. */
int mc_redis_ears_turn(struct redis_store *s, struct mcos_diag *diag);
/* EMPTY: nothing. */
int mc_redis_ears_next(struct mc_redis_ears *ears, struct mc_roster_event *ret_event);

#endif /* MCOS_ADAPTER_REDIS_EARS_H */
