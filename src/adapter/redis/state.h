/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/state.h -- what the files of the Redis store share. */
#ifndef MCOS_ADAPTER_REDIS_STATE_H
#define MCOS_ADAPTER_REDIS_STATE_H

#include "adapter/redis/ears.h"
#include "adapter/redis/registry.h"
#include "adapter/redis/roster.h"
#include "adapter/redis/store.h"

/* What the inner store holds of a name, so that comparing need not open files. */
struct mc_redis_known {
    struct mc_name name;
    struct mc_stamp stamp;
    struct mc_stamp unread; /* of what lies there and is of a later format */
    bool refused;           /* said once that the registry will not take it */
};

struct redis_store {
    struct mc_store port; /* first: a struct mc_store is one of these */
    struct mc_redis_store_config config;
    struct mc_redis_url url;
    char shown[2 * MC_REDIS_TEXT_MAX]; /* the address without its password */
    struct mc_redis_link *link;        /* NULL: degraded */
    uint64_t retry_at;
    uint64_t pause_ms;
    uint64_t compare_at;
    uint64_t cursor; /* of the walk over the registry's names */
    int (*found)(void *ctx, const struct mc_name *name, struct mc_ring *ring);
    void *found_ctx;
    bool one_system;
    uint8_t system[MC_UID_BYTES];
    struct mc_name foreign;       /* the ring last said to be of another system */
    struct mc_redis_known *known; /* sorted by name */
    size_t known_count;
    struct mc_redis_store_status status;
    struct mc_redis_roster roster; /* of shared ones, as are the ears */
    struct mc_redis_ears ears;
};

/* Closes the link, says why once, and sets the time of the next try. */
void mc_redis_give_up(struct redis_store *s, int err, const struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_REDIS_STATE_H */
