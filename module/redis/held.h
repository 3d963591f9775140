/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/held.h -- the ring that a key holds, opened once and used in place.
 *
 * The value stays an ordinary string; what is remembered beside it is only what
 * decoding found (devices, ancestors), under the key's name. It is used again
 * while the value lies at the same place, with the same length and the same
 * head, and no event has told of a change. Should a value be changed behind all
 * that, every answer still stays within its bytes: ids are checked against the
 * devices, and texts end at the latest where the server ends each string.
 */
#ifndef MCOS_MODULE_REDIS_HELD_H
#define MCOS_MODULE_REDIS_HELD_H

#include "redis/api.h"
#include "ring/ring.h"
#include "sync/stamp.h"

/*
 * *ret_ring is lent until the next call here or change of the key. Fails with
 * NOTFOUND, TYPE (not a string), UPGRADE, NOMEM, and as mc_ring_open does when
 * the value is no good.
 */
int mc_held_find(struct rm_ctx *ctx, struct rm_string *key, struct mc_ring **ret_ring,
                 struct mcos_diag *diag);

/* The stamp only, nothing remembered: for lists. Of a later format too, by its front.
 * Fails the same way otherwise. */
int mc_held_stamp(struct rm_ctx *ctx, struct rm_string *key,
                  struct mc_stamp *ret_stamp);

/* The front of a value of a later format. Fails the same way, or as mc_front_decode.
 */
int mc_held_front(struct rm_ctx *ctx, struct rm_string *key,
                  struct mc_front *ret_front);

/* True if the table is to the byte what was checked when the ring was opened. */
bool mc_held_intact(const struct mc_ring *ring);

/* Asks to be told of changes. RM_ERR if the server refuses. */
int mc_held_watch(struct rm_ctx *ctx);

#endif /* MCOS_MODULE_REDIS_HELD_H */
