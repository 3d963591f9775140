/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/redis/store.h -- the cluster's registry in its Redis (module/redis),
 * over another store that is the truth: the agent's own files.
 *
 * A merge goes into the inner store first, then into Redis. Whatever happens to
 * Redis, work goes on from the files: then the store is *degraded*, says so once
 * (event=registry-degraded), tries again with growing pauses, and when Redis is
 * back it compares everything: the greater record repairs the other, an empty or
 * rolled back registry is filled, a value that is no ring gives way. While all is
 * well the comparison goes on, a bit with each turn.
 *
 * No call waits longer for Redis than its deadline (link.h).
 */
#ifndef MCOS_ADAPTER_REDIS_STORE_H
#define MCOS_ADAPTER_REDIS_STORE_H

#include "port/clock.h"
#include "port/log.h"
#include "port/roster.h"
#include "port/store.h"

#define MC_REDIS_DEADLINE_MS  500u
#define MC_REDIS_COMPARE_MS   1000u
#define MC_REDIS_RETRY_MS     1000u /* the first pause; doubled up to the last */
#define MC_REDIS_RETRY_MS_MAX 30000u

struct mc_redis_store_config {
    const char *url;        /* url.h; borrowed by open */
    struct mc_store *inner; /* taken by open if it succeeds */
    struct mc_clock *clock; /* borrowed for the store's life */
    struct mc_log *log;     /* the same; NULL: silent */
    const uint8_t *system;  /* MC_UID_BYTES, copied: records of others are left alone;
                               NULL: any */
    bool shared;            /* other agents of the cluster use it too; needs system */
    unsigned deadline_ms;   /* 0: MC_REDIS_DEADLINE_MS */
    unsigned compare_ms;    /* 0: MC_REDIS_COMPARE_MS */
    unsigned retry_ms;      /* 0: MC_REDIS_RETRY_MS */
};

/*
 * Connects and compares once; a Redis that is away is no failure. On success
 * *ret_store is yours (ops->close closes the inner one too). Fails with CONFIG
 * (the address), NOMEM.
 */
int mc_redis_store_open(const struct mc_redis_store_config *config,
                        struct mc_store **ret_store, struct mcos_diag *diag);

/*
 * Who is told of a record in the registry that is greater than the file's, so
 * that it goes through the agent; it merges it into this store in the end. Until
 * one is set, the record goes straight into the inner store. `ring` is borrowed;
 * an error (the agent is not ready) means: tell me again.
 *
 * `ring` is NULL if the record is of a later format: ops->unread tells its stamp. That
 * is said once of each, and at once of those found before.
 */
void mc_redis_store_on_found(struct mc_store *store,
                             int (*found)(void *ctx, const struct mc_name *name,
                                          struct mc_ring *ring),
                             void *ctx);

/*
 * Of a shared one: the uid of the cluster whose database it is; ours (`uid`) if it
 * was nobody's. To be called once, before the first turn. Fails with AWAY (diag says
 * why), IDENTITY (another cluster's), FORMAT, and as Redis answers.
 */
int mc_redis_store_claim(struct mc_store *store, const struct mc_name *cluster,
                         const uint8_t uid[MC_UID_BYTES], uint8_t ret_uid[MC_UID_BYTES],
                         struct mcos_diag *diag);
/* The same without asking: Redis is away, and the folder knows the uid. */
void mc_redis_store_assume(struct mc_store *store, const struct mc_name *cluster,
                           const uint8_t uid[MC_UID_BYTES]);
/* Of a shared one; lent for the store's life. */
struct mc_roster *mc_redis_store_roster(struct mc_store *store);
int mc_redis_store_fd(const struct mc_store *store); /* readable: take a turn */

/* Compares a bit, or tries to connect, if it is time; in how many ms to call again. */
uint64_t mc_redis_store_turn(struct mc_store *store);

struct mc_redis_store_status {
    bool up;
    char why[256];        /* it is not up, for a person */
    uint64_t to_registry; /* records that repaired the registry, since the start */
    uint64_t to_file;     /* records found there that were greater */
    uint64_t degraded;    /* times it went down */
    bool identity_lost;   /* of a shared one: the cluster has another uid there */
};
struct mc_redis_store_status mc_redis_store_status(const struct mc_store *store);

#endif /* MCOS_ADAPTER_REDIS_STORE_H */
