/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/reply.h -- what the commands have in common: words, stamps, errors.
 *
 * An error begins with a word for programs: ARG, NORING, WRONGTYPE, CORRUPT,
 * UPGRADE, DELETED, SECRET, NOMEM.
 */
#ifndef MCOS_MODULE_REDIS_REPLY_H
#define MCOS_MODULE_REDIS_REPLY_H

#include "redis/api.h"
#include "sync/stamp.h"

struct mc_bytes mc_arg(const struct rm_string *arg); /* lent while arg lives */
bool mc_arg_is(const struct rm_string *arg, const char *word); /* in any case */
/* A decimal number of lo to hi. */
bool mc_arg_number(const struct rm_string *arg, long long lo, long long hi,
                   long long *ret);

/* Each replies once and returns what the command returns. */
int mc_reply_error(struct rm_ctx *ctx, const char *word, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Why the value of a key cannot be used: err as mc_held_find fails. */
int mc_reply_held(struct rm_ctx *ctx, int err, const struct mcos_diag *diag);
void mc_reply_text(struct rm_ctx *ctx, const char *text);
void mc_reply_stamp(struct rm_ctx *ctx, const struct mc_stamp *stamp);
void mc_reply_stamp_of(struct rm_ctx *ctx, const struct mc_head *head);

#endif /* MCOS_MODULE_REDIS_REPLY_H */
