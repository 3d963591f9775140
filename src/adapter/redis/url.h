/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/redis/url.h -- where a Redis is, as an operator writes it:
 *
 *     redis://[[user]:password@]host[:port][/db]
 *     unix:/path/of/redis.sock
 *
 * A password in it is never printed: mc_redis_url_show leaves it out.
 */
#ifndef MCOS_ADAPTER_REDIS_URL_H
#define MCOS_ADAPTER_REDIS_URL_H

#include "mcos/err.h"

#include <stdbool.h>

#define MC_REDIS_TEXT_MAX 256u

struct mc_redis_url {
    char path[MC_REDIS_TEXT_MAX]; /* of a unix socket, or "" */
    char host[MC_REDIS_TEXT_MAX];
    int port;
    int db;
    char user[MC_REDIS_TEXT_MAX];
    char password[MC_REDIS_TEXT_MAX];
};

/* Fails with CONFIG: diag says what is wrong, without the password. */
int mc_redis_url_parse(const char *text, struct mc_redis_url *ret_url,
                       struct mcos_diag *diag);

void mc_redis_url_show(const struct mc_redis_url *url, char dst[2 * MC_REDIS_TEXT_MAX]);

#endif /* MCOS_ADAPTER_REDIS_URL_H */
