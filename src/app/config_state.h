/* SPDX-License-Identifier: Apache-2.0 */
/* app/config_state.h -- options while they are read; for app/config*.c only. */
#ifndef MCOS_APP_CONFIG_STATE_H
#define MCOS_APP_CONFIG_STATE_H

#include "app/config.h"
#include "app/options.h"

enum key {
    OPT_CLUSTER,
    OPT_SYSTEM,
    OPT_REGION,
    OPT_ZONE,
    OPT_DATA,
    OPT_BUS,
    OPT_STORE,
    OPT_CACHE,
    OPT_BUS_CA,
    OPT_BUS_CERT,
    OPT_BUS_KEY,
    OPT_HTTP,
    OPT_ANNOUNCE_INTERVAL,
    OPT_INACTIVE_AFTER,
    OPT_ANNOUNCE,
    OPT_ANNOUNCE_BUDGET,
    OPT_ALONE,
    OPT_KEEP_VERSIONS,
    OPT_SWIFT_CONF,
    OPT_EXPORT_SWIFT,
    OPT_LOG_LEVEL,
    OPT_COUNT
};

/* config_values.c: every text becomes its value, checked. */
int mc_config_values(struct mc_options *l, struct mc_config *c);
/* config_values.c: a value for people; an address may hold a password. */
void mc_config_show(unsigned opt, const char *text, char *dst, size_t cap);

#endif /* MCOS_APP_CONFIG_STATE_H */
