/* SPDX-License-Identifier: Apache-2.0 */
/* redis/api.c -- fetches the server's functions by name. */
#include "redis/api.h"

#include <string.h>

struct rm_api rm;

int rm_api_load(struct rm_ctx *ctx)
{
    int (*get_api)(const char *name, void *ret);

    /* The first word of a context is the function that finds the others. */
    memcpy(&get_api, (const void *)ctx, sizeof(get_api));
#define X(ret, name, args)                                                             \
    if (get_api("RedisModule_" #name, &rm.name) != RM_OK)                              \
        return RM_ERR;
    RM_API(X)
#undef X
    return RM_OK;
}
