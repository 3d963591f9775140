/* SPDX-License-Identifier: Apache-2.0 */
/* app/config.c -- mcosd's table of options. */
#include "app/config.h"

#include "app/config_state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mc_option rows[OPT_COUNT] = {
    [OPT_CLUSTER] = {"cluster", "NAME", NULL, "name of this cluster; never change it",
                     0},
    [OPT_SYSTEM] = {"system", "NAME", "mcos", "clusters of one system share rings", 0},
    [OPT_REGION] = {"region", "TEXT", "", "where the cluster is", 0},
    [OPT_ZONE] = {"zone", "TEXT", "", "where in the region", 0},
    [OPT_DATA] = {"data", "DIR", NULL, "folder for rings and state", 0},
    [OPT_BUS] = {"bus", "URL", NULL,
                 "the message queue that all clusters share: sqlite:FILE, or RabbitMQ: "
                 "amqp://USER:PASSWORD@HOST:PORT,HOST:PORT/VHOST, amqps://…",
                 0},
    [OPT_BUS_CA] = {"bus_ca", "FILE", "", "amqps: whose brokers to trust (PEM)", 0},
    [OPT_BUS_CERT] = {"bus_cert", "FILE", "", "amqps: our certificate (PEM)", 0},
    [OPT_BUS_KEY] = {"bus_key", "FILE", "", "amqps: its key (PEM)", 0},
    [OPT_STORE] = {"store", "file|URL", "file",
                   "beside the files: redis://HOST:PORT/DB or unix:PATH of a Redis", 0},
    [OPT_CACHE] = {"cache", "ADDR", "",
                   "memcached://HOST:PORT or memcached:unix:PATH; none if not given",
                   0},
    [OPT_HTTP] = {"http", "ADDR", "127.0.0.1:8471",
                  "127.0.0.1:PORT, [::1]:PORT or unix:/PATH; may be given 4 times",
                  MC_CONFIG_LISTEN_MAX},
    [OPT_ANNOUNCE_INTERVAL] = {"announce_interval", "SECONDS", "10", "delta_t", 0},
    [OPT_INACTIVE_AFTER] = {"inactive_after", "SECONDS", "30",
                            "a cluster not heard for so long is INACTIVE", 0},
    [OPT_ANNOUNCE] = {"announce", "MODE", "auto", "auto, full or digest", 0},
    [OPT_ANNOUNCE_BUDGET] = {"announce_budget", "BYTES", "262144",
                             "auto is full up to so many bytes/s of all clusters", 0},
    [OPT_ALONE] = {"alone", NULL, "no", "make rings without listening to others first",
                   0},
    [OPT_KEEP_VERSIONS] = {"keep_versions", "N", "10", "older versions kept of a ring",
                           0},
    [OPT_SWIFT_CONF] = {"swift_conf", "FILE", "",
                        "Swift's hash prefix and suffix, for rings that need them", 0},
    [OPT_EXPORT_SWIFT] = {"export_swift", "DIR", "",
                          "keep every ring that Swift can use there, as NAME.ring.gz",
                          0},
    [OPT_LOG_LEVEL] = {"log_level", "LEVEL", "info", "error, warn, info or debug", 0},
};

/* ---- built-in ---- */

static void host_name(char *dst, size_t cap)
{
    char raw[MC_NAME_MAX + 1] = "";
    size_t n = 0;

    (void)gethostname(raw, sizeof(raw) - 1);
    for (const char *c = raw; *c != '\0' && *c != '.' && n + 1 < cap; c++) {
        char low = (char)tolower((unsigned char)*c);

        if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') ||
            (n > 0 && low == '-'))
            dst[n++] = low;
    }
    dst[n] = '\0';
    if (n == 0)
        (void)snprintf(dst, cap, "cluster");
}

static void state_folder(char *dst, size_t cap)
{
    const char *home = getenv("HOME");
    const char *state = getenv("XDG_STATE_HOME");

    if (geteuid() == 0)
        (void)snprintf(dst, cap, "/var/lib/mcosd");
    else if (state != NULL && state[0] == '/')
        (void)snprintf(dst, cap, "%s/mcosd", state);
    else
        (void)snprintf(dst, cap, "%s/.local/state/mcosd", home == NULL ? "" : home);
}

/* What depends on other values: data and bus on the cluster's name and on who runs it.
 */
static int fill_defaults(struct mc_options *l)
{
    char folder[MC_CONFIG_PATH_MAX / 2];
    char text[MC_CONFIG_PATH_MAX];
    char name[MC_NAME_MAX + 1];
    int err = 0;

    state_folder(folder, sizeof(folder));
    host_name(name, sizeof(name));
    if (l->values[OPT_CLUSTER].count == 0)
        err = mc_options_set(l, OPT_CLUSTER, name, "the host's name");
    if (err == 0 && l->values[OPT_DATA].count == 0) {
        (void)snprintf(text, sizeof(text), "%s/%.64s", folder,
                       l->values[OPT_CLUSTER].text[0]);
        err = mc_options_set(l, OPT_DATA, text, "built-in");
    }
    if (err == 0 && l->values[OPT_BUS].count == 0) {
        (void)snprintf(text, sizeof(text), "sqlite:%s/bus.db", folder);
        err = mc_options_set(l, OPT_BUS, text, "built-in");
    }
    return err;
}

/* What fill_defaults() would put there. */
static void compute(unsigned opt, char *dst, size_t cap)
{
    char folder[MC_CONFIG_PATH_MAX / 2];
    char name[MC_NAME_MAX + 1];

    state_folder(folder, sizeof(folder));
    host_name(name, sizeof(name));
    if (opt == OPT_CLUSTER)
        (void)snprintf(dst, cap, "the host's name, %s", name);
    else if (opt == OPT_DATA)
        (void)snprintf(dst, cap, "%s/CLUSTER", folder);
    else if (opt == OPT_BUS)
        (void)snprintf(dst, cap, "sqlite:%s/bus.db", folder);
}

static const struct mc_option_table table = {
    .program = "mcosd",
    .about = "the agent of one cluster: holds its rings, tells and asks the others",
    .after =
        "The file has the same names with _ for -, as: announce_interval = 10\n"
        "The environment too, as: MCOSD_ANNOUNCE_INTERVAL=10. Flags win over it, it "
        "wins\n"
        "over the file. Several clusters on one machine share the bus; each needs "
        "its own\n"
        "--cluster, --data and --http.\n",
    .variables = "MCOSD_",
    .file = "/etc/mcosd/mcosd.conf",
    .rows = rows,
    .count = OPT_COUNT,
    .compute = compute,
    .show = mc_config_show,
};

int mc_config_load(int argc, char **argv, struct mc_config *ret_config,
                   enum mc_config_want *ret_want, struct mcos_diag *diag)
{
    struct mc_options *l = calloc(1, sizeof(*l));
    struct mc_config *config = calloc(1, sizeof(*config));
    int err = l == NULL || config == NULL ? MCOS_E_NOMEM : 0;

    if (err != 0)
        goto out;
    l->table = &table;
    l->diag = diag;
    err = mc_options_load(l, argc, argv);
    if (err == 0 && l->want != MC_CONFIG_HELP) {
        err = fill_defaults(l);
        if (err == 0)
            err = mc_config_values(l, config);
        if (err == 0 && l->want == MC_CONFIG_PRINT)
            mc_options_print(l);
    }
    if (err == 0) {
        *ret_config = *config;
        *ret_want = l->want;
    }
    mc_options_fini(l);
out:
    free(config);
    free(l);
    return err;
}
