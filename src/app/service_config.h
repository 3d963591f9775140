/* SPDX-License-Identifier: Apache-2.0 */
/* app/service_config.h -- what mcos-resolver was told (app/options.h). */
#ifndef MCOS_APP_SERVICE_CONFIG_H
#define MCOS_APP_SERVICE_CONFIG_H

#include "app/options.h"
#include "base/name.h"
#include "mcos/resolver.h"

#define MC_SERVICE_LISTEN_MAX      4u /* of TCP, and as many of unix sockets */
#define MC_SERVICE_ADDRESS_MAX     128u
#define MC_SERVICE_PATH_MAX        1024u
#define MC_SERVICE_THREADS_MAX     64u
#define MC_SERVICE_CONNECTIONS_MAX 60000u

struct mc_service_config {
    char source[MC_VALUE_TEXT_MAX];
    char listen[2 * MC_SERVICE_LISTEN_MAX][MC_SERVICE_ADDRESS_MAX]; /* server.h's */
    unsigned listen_count;
    struct mc_name rings[MC_VALUES_MAX];
    unsigned ring_count;
    char system[MC_NAME_MAX + 1];
    char swift_conf[MC_SERVICE_PATH_MAX]; /* "" if none */
    bool keep_previous;
    uint32_t poll_ms;
    unsigned threads;
    unsigned connections_max; /* of all threads together */
};

/* Fails with CONFIG, USAGE or NOMEM; diag says which option, from where, and why. */
int mc_service_config_load(int argc, char **argv, struct mc_service_config *ret_config,
                           enum mc_config_want *ret_want, struct mcos_diag *diag);

#endif /* MCOS_APP_SERVICE_CONFIG_H */
