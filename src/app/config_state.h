/* SPDX-License-Identifier: Apache-2.0 */
/* app/config_state.h -- options while they are read; for app/config*.c only. */
#ifndef MCOS_APP_CONFIG_STATE_H
#define MCOS_APP_CONFIG_STATE_H

#include "app/config.h"

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

struct row {
    const char *key;     /* in the file; the flag has - for _ */
    const char *value;   /* what the help calls it */
    const char *builtin; /* NULL: computed, see fill_defaults() */
    const char *help;
};

extern const struct row mc_config_rows[OPT_COUNT];

/* One value as text, and where it came from. */
struct value {
    char text[MC_CONFIG_LISTEN_MAX][MC_CONFIG_PATH_MAX];
    unsigned count;
    char from[MC_CONFIG_PATH_MAX + 64];
};

struct loader {
    struct value values[OPT_COUNT];
    char file[MC_CONFIG_PATH_MAX];
    int lines[OPT_COUNT]; /* of the file, where a key stands */
    enum mc_config_want want;
    struct mcos_diag *diag;
};

/* Fills diag: which option, from where, why. Passwords are masked. Returns CONFIG. */
int mc_config_refuse(struct loader *l, enum key opt, const char *why);
/* config_values.c: every text becomes its value, checked. */
int mc_config_values(struct loader *l, struct mc_config *c);
/* config_values.c: each value and where it comes from, on standard output. */
void mc_config_print(const struct loader *l);

#endif /* MCOS_APP_CONFIG_STATE_H */
