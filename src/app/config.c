/* SPDX-License-Identifier: Apache-2.0 */
/* app/config.c -- the table of options, and the four places they come from. */
#include "app/config.h"

#include "app/config_state.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/mcosd/mcosd.conf"

const struct row mc_config_rows[OPT_COUNT] = {
    [OPT_CLUSTER] = {"cluster", "NAME", NULL, "name of this cluster; never change it"},
    [OPT_SYSTEM] = {"system", "NAME", "mcos", "clusters of one system share rings"},
    [OPT_REGION] = {"region", "TEXT", "", "where the cluster is"},
    [OPT_ZONE] = {"zone", "TEXT", "", "where in the region"},
    [OPT_DATA] = {"data", "DIR", NULL, "folder for rings and state"},
    [OPT_BUS] = {"bus", "URL", NULL,
                 "the message queue that all clusters share: sqlite:FILE, or RabbitMQ: "
                 "amqp://USER:PASSWORD@HOST:PORT,HOST:PORT/VHOST, amqps://…"},
    [OPT_BUS_CA] = {"bus_ca", "FILE", "", "amqps: whose brokers to trust (PEM)"},
    [OPT_BUS_CERT] = {"bus_cert", "FILE", "", "amqps: our certificate (PEM)"},
    [OPT_BUS_KEY] = {"bus_key", "FILE", "", "amqps: its key (PEM)"},
    [OPT_STORE] = {"store", "file|URL", "file",
                   "beside the files: redis://HOST:PORT/DB or unix:PATH of a Redis"},
    [OPT_CACHE] = {"cache", "ADDR", "",
                   "memcached://HOST:PORT or memcached:unix:PATH; none if not given"},
    [OPT_HTTP] = {"http", "ADDR", "127.0.0.1:8471",
                  "127.0.0.1:PORT, [::1]:PORT or unix:/PATH; may be given 4 times"},
    [OPT_ANNOUNCE_INTERVAL] = {"announce_interval", "SECONDS", "10", "delta_t"},
    [OPT_INACTIVE_AFTER] = {"inactive_after", "SECONDS", "30",
                            "a cluster not heard for so long is INACTIVE"},
    [OPT_ANNOUNCE] = {"announce", "MODE", "auto", "auto, full or digest"},
    [OPT_ANNOUNCE_BUDGET] = {"announce_budget", "BYTES", "262144",
                             "auto is full up to so many bytes/s of all clusters"},
    [OPT_ALONE] = {"alone", NULL, "no", "make rings without listening to others first"},
    [OPT_KEEP_VERSIONS] = {"keep_versions", "N", "10", "older versions kept of a ring"},
    [OPT_SWIFT_CONF] = {"swift_conf", "FILE", "",
                        "Swift's hash prefix and suffix, for rings that need them"},
    [OPT_EXPORT_SWIFT] = {"export_swift", "DIR", "",
                          "keep every ring that Swift can use there, as NAME.ring.gz"},
    [OPT_LOG_LEVEL] = {"log_level", "LEVEL", "info", "error, warn, info or debug"},
};

static int set(struct loader *l, enum key opt, const char *text, const char *from)
{
    struct value *v = &l->values[opt];

    if (strcmp(v->from, from) != 0)
        v->count = 0; /* a later place replaces an earlier one's list */
    (void)snprintf(v->from, sizeof(v->from), "%s", from);
    if (opt != OPT_HTTP)
        v->count = 0;
    if (v->count == MC_CONFIG_LISTEN_MAX)
        return mc_config_refuse(l, opt, "given too often");
    if (strlen(text) >= MC_CONFIG_PATH_MAX)
        return mc_config_refuse(l, opt, "too long");
    (void)snprintf(v->text[v->count++], MC_CONFIG_PATH_MAX, "%s", text);
    return 0;
}

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
static int fill_defaults(struct loader *l)
{
    char folder[MC_CONFIG_PATH_MAX / 2];
    char text[MC_CONFIG_PATH_MAX];
    char name[MC_NAME_MAX + 1];
    int err = 0;

    state_folder(folder, sizeof(folder));
    host_name(name, sizeof(name));
    if (l->values[OPT_CLUSTER].count == 0)
        err = set(l, OPT_CLUSTER, name, "the host's name");
    if (err == 0 && l->values[OPT_DATA].count == 0) {
        (void)snprintf(text, sizeof(text), "%s/%.64s", folder,
                       l->values[OPT_CLUSTER].text[0]);
        err = set(l, OPT_DATA, text, "built-in");
    }
    if (err == 0 && l->values[OPT_BUS].count == 0) {
        (void)snprintf(text, sizeof(text), "sqlite:%s/bus.db", folder);
        err = set(l, OPT_BUS, text, "built-in");
    }
    return err;
}

/* ---- file ---- */

static struct loader *confuse_loader; /* libconfuse's error callback has no context */

static void on_confuse_error(cfg_t *cfg, const char *fmt, va_list args)
{
    char text[200];

    (void)vsnprintf(text, sizeof(text), fmt, args);
    (void)mcos_diag_set(confuse_loader->diag, MCOS_E_CONFIG, "config", "%s:%d: %s",
                        cfg->filename == NULL ? confuse_loader->file : cfg->filename,
                        cfg->line, text);
    if (confuse_loader->diag != NULL)
        confuse_loader->diag->line = cfg->line;
}

/* Called after each value: libconfuse keeps no line of its own beside one. */
static int note_line(cfg_t *cfg, cfg_opt_t *opt)
{
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        if (strcmp(opt->name, mc_config_rows[i].key) == 0)
            confuse_loader->lines[i] = cfg->line;
    }
    return 0;
}

static int read_file(struct loader *l, bool must_exist)
{
    cfg_opt_t opts[OPT_COUNT + 1];
    struct stat st;
    char from[MC_CONFIG_PATH_MAX + 64];
    cfg_t *cfg;
    int err = 0;
    int rc;

    if (stat(l->file, &st) != 0) {
        if (!must_exist)
            return 0;
        return mcos_diag_set(l->diag, MCOS_E_CONFIG, "config", "%s: %s", l->file,
                             strerror(errno));
    }
    if (!S_ISREG(st.st_mode))
        return mcos_diag_set(l->diag, MCOS_E_CONFIG, "config", "%s: not a file",
                             l->file);
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        cfg_opt_t one = CFG_STR(mc_config_rows[i].key, NULL, CFGF_NODEFAULT);
        cfg_opt_t many = CFG_STR_LIST(mc_config_rows[i].key, NULL, CFGF_NODEFAULT);

        opts[i] = i == OPT_HTTP ? many : one;
    }
    opts[OPT_COUNT] = (cfg_opt_t)CFG_END();
    cfg = cfg_init(opts, CFGF_NONE);
    if (cfg == NULL)
        return MCOS_E_NOMEM;
    confuse_loader = l;
    (void)cfg_set_error_function(cfg, on_confuse_error);
    for (unsigned i = 0; i < OPT_COUNT; i++)
        (void)cfg_set_validate_func(cfg, mc_config_rows[i].key, note_line);
    rc = cfg_parse(cfg, l->file);
    if (rc == CFG_FILE_ERROR)
        err = mcos_diag_set(l->diag, MCOS_E_CONFIG, "config", "%s: %s", l->file,
                            strerror(errno));
    else if (rc != CFG_SUCCESS)
        err = MCOS_E_CONFIG;
    for (unsigned i = 0; err == 0 && i < OPT_COUNT; i++) {
        (void)snprintf(from, sizeof(from), "%s:%d", l->file, l->lines[i]);
        for (unsigned k = 0; err == 0 && k < cfg_size(cfg, mc_config_rows[i].key);
             k++) {
            const char *text = cfg_getnstr(cfg, mc_config_rows[i].key, k);

            if (text != NULL)
                err = set(l, (enum key)i, text, from);
        }
    }
    (void)cfg_free(cfg);
    return err;
}

/* ---- environment ---- */

static int read_environment(struct loader *l)
{
    int err = 0;

    for (unsigned i = 0; err == 0 && i < OPT_COUNT; i++) {
        char name[64] = "MCOSD_";
        const char *text;

        for (size_t k = 0; mc_config_rows[i].key[k] != '\0'; k++)
            name[6 + k] = (char)toupper((unsigned char)mc_config_rows[i].key[k]);
        text = getenv(name);
        if (text != NULL && text[0] != '\0')
            err = set(l, (enum key)i, text, name);
    }
    return err;
}

/* ---- flags ---- */

enum { FLAG_CONFIG = 1000, FLAG_CHECK, FLAG_PRINT, FLAG_HELP, FLAG_VERSION };

static void flag_name(const char *key, char dst[32])
{
    size_t n = 0;

    for (; key[n] != '\0' && n < 31; n++)
        dst[n] = key[n] == '_' ? '-' : key[n];
    dst[n] = '\0';
}

/* What fill_defaults() would put there. */
static void computed_default(enum key opt, char dst[MC_CONFIG_PATH_MAX])
{
    char folder[MC_CONFIG_PATH_MAX / 2];
    char name[MC_NAME_MAX + 1];

    state_folder(folder, sizeof(folder));
    host_name(name, sizeof(name));
    dst[0] = '\0';
    if (opt == OPT_CLUSTER)
        (void)snprintf(dst, MC_CONFIG_PATH_MAX, "the host's name, %s", name);
    else if (opt == OPT_DATA)
        (void)snprintf(dst, MC_CONFIG_PATH_MAX, "%s/CLUSTER", folder);
    else if (opt == OPT_BUS)
        (void)snprintf(dst, MC_CONFIG_PATH_MAX, "sqlite:%s/bus.db", folder);
}

static void print_help(void)
{
    (void)printf("mcosd -- the agent of one cluster: holds its rings, tells and asks "
                 "the others\n\n"
                 "usage: mcosd [flags]\n\n");
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        char name[32];
        char left[64];
        char text[MC_CONFIG_PATH_MAX];
        const char *builtin = mc_config_rows[i].builtin;

        if (builtin == NULL) {
            computed_default((enum key)i, text);
            builtin = text;
        }
        flag_name(mc_config_rows[i].key, name);
        (void)snprintf(left, sizeof(left), "--%s %s", name,
                       mc_config_rows[i].value == NULL ? "" : mc_config_rows[i].value);
        (void)printf("  %-32s %s", left, mc_config_rows[i].help);
        if (builtin[0] != '\0')
            (void)printf(" [%s]", builtin);
        (void)printf("\n");
    }
    (void)printf("  %-32s %s\n  %-32s %s\n  %-32s %s\n  %-32s %s\n\n", "--config FILE",
                 "read this file [" DEFAULT_FILE " if it is there]", "--check-config",
                 "check the configuration and end", "--print-config",
                 "show each value and where it comes from, and end", "--version",
                 "print the version and end");
    (void)printf(
        "The file has the same names with _ for -, as: announce_interval = 10\n"
        "The environment too, as: MCOSD_ANNOUNCE_INTERVAL=10. Flags win over it, it "
        "wins\n"
        "over the file. Several clusters on one machine share the bus; each needs its "
        "own\n"
        "--cluster, --data and --http.\n");
}

static int read_flags(struct loader *l, int argc, char **argv, bool only_file)
{
    struct option_names {
        char name[32];
    } names[OPT_COUNT];
    struct option opts[OPT_COUNT + 6];
    int err = 0;
    int c;

    for (unsigned i = 0; i < OPT_COUNT; i++) {
        flag_name(mc_config_rows[i].key, names[i].name);
        opts[i] = (struct option){names[i].name,
                                  mc_config_rows[i].value == NULL ? no_argument
                                                                  : required_argument,
                                  NULL, (int)i + 1};
    }
    opts[OPT_COUNT] = (struct option){"config", required_argument, NULL, FLAG_CONFIG};
    opts[OPT_COUNT + 1] =
        (struct option){"check-config", no_argument, NULL, FLAG_CHECK};
    opts[OPT_COUNT + 2] =
        (struct option){"print-config", no_argument, NULL, FLAG_PRINT};
    opts[OPT_COUNT + 3] = (struct option){"help", no_argument, NULL, FLAG_HELP};
    opts[OPT_COUNT + 4] = (struct option){"version", no_argument, NULL, FLAG_VERSION};
    opts[OPT_COUNT + 5] = (struct option){NULL, 0, NULL, 0};
    optind = 1;
    opterr = 0;
    while (err == 0 && (c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
        if (c == FLAG_CONFIG) {
            if (strlen(optarg) >= sizeof(l->file))
                return mcos_diag_set(l->diag, MCOS_E_USAGE, "--config",
                                     "the path is too long");
            (void)snprintf(l->file, sizeof(l->file), "%s", optarg);
        } else if (c == FLAG_CHECK) {
            l->want = MC_CONFIG_CHECK;
        } else if (c == FLAG_PRINT) {
            l->want = MC_CONFIG_PRINT;
        } else if (c == FLAG_HELP || c == FLAG_VERSION) {
            if (c == FLAG_HELP)
                print_help();
            else
                (void)printf("mcosd %s\n", MCOS_VERSION);
            l->want = MC_CONFIG_HELP;
            return 0;
        } else if (c == '?') {
            return mcos_diag_set(
                l->diag, MCOS_E_USAGE, argv[optind - 1],
                "unknown flag or missing value: %s (mcosd --help lists them)",
                argv[optind - 1]);
        } else if (!only_file) {
            err = set(l, (enum key)(c - 1), optarg == NULL ? "yes" : optarg, "flag");
        }
    }
    if (err == 0 && optind < argc)
        return mcos_diag_set(l->diag, MCOS_E_USAGE, argv[optind],
                             "mcosd takes flags only, not \"%s\"", argv[optind]);
    return err;
}

int mc_config_load(int argc, char **argv, struct mc_config *ret_config,
                   enum mc_config_want *ret_want, struct mcos_diag *diag)
{
    struct loader *l = calloc(1, sizeof(*l));
    struct mc_config *config = calloc(1, sizeof(*config));
    int err = l == NULL || config == NULL ? MCOS_E_NOMEM : 0;

    if (err != 0)
        goto out;
    l->diag = diag;
    for (unsigned i = 0; err == 0 && i < OPT_COUNT; i++) {
        if (mc_config_rows[i].builtin != NULL)
            err = set(l, (enum key)i, mc_config_rows[i].builtin, "built-in");
    }
    if (err == 0)
        err = read_flags(l, argc, argv, true); /* for --config and --help alone */
    if (err != 0 || l->want == MC_CONFIG_HELP)
        goto done;
    if (l->file[0] != '\0') {
        err = read_file(l, true);
    } else {
        (void)snprintf(l->file, sizeof(l->file), "%s", DEFAULT_FILE);
        err = read_file(l, false);
    }
    if (err == 0)
        err = read_environment(l);
    if (err == 0)
        err = read_flags(l, argc, argv, false);
    if (err == 0)
        err = fill_defaults(l);
    if (err == 0)
        err = mc_config_values(l, config);
    if (err == 0 && l->want == MC_CONFIG_PRINT)
        mc_config_print(l);
done:
    if (err == 0) {
        *ret_config = *config;
        *ret_want = l->want;
    }
out:
    free(config);
    free(l);
    return err;
}
