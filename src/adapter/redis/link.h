/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/redis/link.h -- one connection to a Redis that may be away, slow or
 * hostile: every call ends by its deadline, and after a failure of the
 * connection it is closed and stays so until opened again.
 *
 * What the server answers with becomes a code: LOADING and BUSY BUSY; READONLY
 * and MISCONF IO; OOM FULL; a missing login or right CONFIG; a command that it
 * does not know METHOD; of the module NORING NOTFOUND, CORRUPT FORMAT, WRONGTYPE
 * TYPE, UPGRADE UPGRADE, ARG VALUE, NOMEM NOMEM, STALE STALE; anything else IO.
 */
#ifndef MCOS_ADAPTER_REDIS_LINK_H
#define MCOS_ADAPTER_REDIS_LINK_H

#include "adapter/redis/url.h"
#include "base/bytes.h"

struct redisReply;
struct mc_redis_link;

#define MC_REDIS_ARGS_MAX 8u

/*
 * Connects, logs in, selects the database. deadline_ms holds for each call; one
 * that carries bytes gets a millisecond more for each 16 KB of them. On success
 * *ret_link is yours. Fails with AWAY, CONFIG, BUSY, NOMEM.
 */
int mc_redis_link_open(const struct mc_redis_url *url, unsigned deadline_ms,
                       struct mc_redis_link **ret_link, struct mcos_diag *diag);
void mc_redis_link_close(struct mc_redis_link *link); /* NULL is fine */

/*
 * Sends a command and waits for its answer. On success *ret_reply is yours
 * (mc_redis_reply_free) and not an error. answer_bytes: what may come back. Fails
 * with AWAY (no answer: the link is of no more use), or as the server answered.
 */
int mc_redis_link_call(struct mc_redis_link *link, const struct mc_bytes *args,
                       size_t arg_count, size_t answer_bytes,
                       struct redisReply **ret_reply, struct mcos_diag *diag);

/* The same in two halves, to have many under way: as many receives as sends, in
 * order. What is sent leaves with the first receive. */
int mc_redis_link_send(struct mc_redis_link *link, const struct mc_bytes *args,
                       size_t arg_count, struct mcos_diag *diag);
int mc_redis_link_receive(struct mc_redis_link *link, size_t answer_bytes,
                          struct redisReply **ret_reply, struct mcos_diag *diag);

/*
 * Subscribes to the channels; from then on the link is only listened to. hear():
 * the next thing said, yours, or EMPTY: none now (wait for fd to become readable).
 * Both fail with AWAY.
 */
int mc_redis_link_listen(struct mc_redis_link *link, const struct mc_bytes *channels,
                         size_t count, struct mcos_diag *diag);
int mc_redis_link_hear(struct mc_redis_link *link, struct redisReply **ret_reply);
int mc_redis_link_fd(const struct mc_redis_link *link);

void mc_redis_reply_free(struct redisReply *reply); /* NULL is fine */

#endif /* MCOS_ADAPTER_REDIS_LINK_H */
