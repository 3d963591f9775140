/* SPDX-License-Identifier: Apache-2.0 */
/* redis/commands.h -- the commands, one function each (docs/operate.md, "Redis"). */
#ifndef MCOS_MODULE_REDIS_COMMANDS_H
#define MCOS_MODULE_REDIS_COMMANDS_H

#include "redis/api.h"

/* Where a change is told: "<key> <version>.<digest>". */
#define MC_RING_CHANNEL "mcos:ring"

#define MC_MLOOKUP_MAX  1000  /* names of one RING.MLOOKUP */
#define MC_HANDOFFS_MAX 1024  /* handoffs of one name */
#define MC_ANSWERS_MAX  16384 /* handoffs of one command */
#define MC_LIST_MAX     10000 /* COUNT of one RING.LIST */

int mc_cmd_merge(struct rm_ctx *ctx, struct rm_string **argv, int argc);
int mc_cmd_get(struct rm_ctx *ctx, struct rm_string **argv, int argc);
int mc_cmd_stamp(struct rm_ctx *ctx, struct rm_string **argv, int argc);
int mc_cmd_info(struct rm_ctx *ctx, struct rm_string **argv, int argc);
int mc_cmd_list(struct rm_ctx *ctx, struct rm_string **argv, int argc);
int mc_cmd_lookup(struct rm_ctx *ctx, struct rm_string **argv, int argc);
int mc_cmd_mlookup(struct rm_ctx *ctx, struct rm_string **argv, int argc);
int mc_cmd_part(struct rm_ctx *ctx, struct rm_string **argv, int argc);

#endif /* MCOS_MODULE_REDIS_COMMANDS_H */
