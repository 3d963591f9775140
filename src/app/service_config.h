/* SPDX-License-Identifier: Apache-2.0 */
/* app/service_config.h -- what mcos-resolver was told. */
#ifndef MCOS_APP_SERVICE_CONFIG_H
#define MCOS_APP_SERVICE_CONFIG_H

#include "app/config.h"
#include "mcos/resolver.h"

#define MC_SERVICE_RINGS_MAX       256u /* named with --ring */
#define MC_SERVICE_THREADS_MAX     64u
#define MC_SERVICE_CONNECTIONS_MAX 60000u

struct mc_service_config {
    char source[4096 + 1];
    char listen[2 * MC_CONFIG_LISTEN_MAX][MC_CONFIG_PATH_MAX]; /* as the server wants */
    unsigned listen_count;
    struct mc_name rings[MC_SERVICE_RINGS_MAX];
    unsigned ring_count;
    char system[MC_NAME_MAX + 1];
    char swift_conf[MC_CONFIG_PATH_MAX]; /* "" if none */
    uint32_t poll_ms;
    unsigned threads;
    unsigned connections_max; /* of all threads together */
};

/* Fails with CONFIG or USAGE; diag says which flag and why. */
int mc_service_config_load(int argc, char **argv, struct mc_service_config *ret_config,
                           enum mc_config_want *ret_want, struct mcos_diag *diag);

#endif /* MCOS_APP_SERVICE_CONFIG_H */
