/* SPDX-License-Identifier: Apache-2.0 */
/* app/config.h -- what mcosd was told (app/options.h). */
#ifndef MCOS_APP_CONFIG_H
#define MCOS_APP_CONFIG_H

#include "adapter/memcached/address.h"
#include "app/options.h"
#include "mcos/err.h"
#include "port/log.h"
#include "sync/machine.h"

#define MC_CONFIG_PATH_MAX   1024u
#define MC_CONFIG_LISTEN_MAX 4u

enum mc_bus_kind { MC_BUS_KIND_SQLITE, MC_BUS_KIND_AMQP };

struct mc_config {
    struct mc_name cluster;
    struct mc_name system;
    char region[MC_NAME_MAX + 1];
    char zone[MC_NAME_MAX + 1];
    char data[MC_CONFIG_PATH_MAX];
    enum mc_bus_kind bus_kind;
    char bus[MC_CONFIG_PATH_MAX]; /* the file, or the whole amqp:// address: a secret */
    char bus_ca[MC_CONFIG_PATH_MAX]; /* "" if none, and so on */
    char bus_cert[MC_CONFIG_PATH_MAX];
    char bus_key[MC_CONFIG_PATH_MAX];
    char store[MC_CONFIG_PATH_MAX]; /* of a Redis, or "" for files alone */
    bool has_cache;
    struct mc_memcached_address cache;
    char http[MC_CONFIG_LISTEN_MAX][MC_CONFIG_PATH_MAX];
    unsigned http_count;
    uint32_t announce_interval_ms;
    uint32_t inactive_after_ms;
    enum mc_announce_mode announce;
    uint32_t announce_budget;
    bool alone;
    unsigned keep_versions;
    char swift_conf[MC_CONFIG_PATH_MAX]; /* "" if none */
    char export_swift[MC_CONFIG_PATH_MAX];
    enum mc_log_level log_level;
};

/* Fails with CONFIG or USAGE; diag says which key, in which file and line, and why. */
int mc_config_load(int argc, char **argv, struct mc_config *ret_config,
                   enum mc_config_want *ret_want, struct mcos_diag *diag);

#endif /* MCOS_APP_CONFIG_H */
