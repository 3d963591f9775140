/* SPDX-License-Identifier: Apache-2.0 */
/* app/config.c -- the table of options, and the four places they come from. */
#include "app/config.h"

#include "adapter/redis/url.h"
#include "adapter/amqp/url.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/mcosd/mcosd.conf"
#define SHOWN_MAX    (MC_CONFIG_PATH_MAX + 2 * MC_REDIS_TEXT_MAX)

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
    OPT_LOG_LEVEL,
    OPT_COUNT
};

struct row {
    const char *key;     /* in the file; the flag has - for _ */
    const char *value;   /* what the help calls it */
    const char *builtin; /* NULL: computed, see fill_defaults() */
    const char *help;
};

static const struct row rows[OPT_COUNT] = {
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
                  "127.0.0.1:PORT, [::1]:PORT or unix:PATH; may be given 4 times"},
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
    [OPT_LOG_LEVEL] = {"log_level", "LEVEL", "info", "error, warn, info or debug"},
};

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

static int refuse(struct loader *l, enum key opt, const char *why)
{
    const struct value *v = &l->values[opt];
    char text[MC_CONFIG_PATH_MAX] = "";

    if (v->count > 0) /* a bus's address may hold a password */
        mc_amqp_url_mask(v->text[0], text, sizeof(text));
    return mcos_diag_set(l->diag, MCOS_E_CONFIG, rows[opt].key, "%s: %s: \"%.80s\": %s",
                         v->from, rows[opt].key, text, why);
}

static int set(struct loader *l, enum key opt, const char *text, const char *from)
{
    struct value *v = &l->values[opt];

    if (strcmp(v->from, from) != 0)
        v->count = 0; /* a later place replaces an earlier one's list */
    (void)snprintf(v->from, sizeof(v->from), "%s", from);
    if (opt != OPT_HTTP)
        v->count = 0;
    if (v->count == MC_CONFIG_LISTEN_MAX)
        return refuse(l, opt, "given too often");
    if (strlen(text) >= MC_CONFIG_PATH_MAX)
        return refuse(l, opt, "too long");
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
        if (strcmp(opt->name, rows[i].key) == 0)
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
        cfg_opt_t one = CFG_STR(rows[i].key, NULL, CFGF_NODEFAULT);
        cfg_opt_t many = CFG_STR_LIST(rows[i].key, NULL, CFGF_NODEFAULT);

        opts[i] = i == OPT_HTTP ? many : one;
    }
    opts[OPT_COUNT] = (cfg_opt_t)CFG_END();
    cfg = cfg_init(opts, CFGF_NONE);
    if (cfg == NULL)
        return MCOS_E_NOMEM;
    confuse_loader = l;
    (void)cfg_set_error_function(cfg, on_confuse_error);
    for (unsigned i = 0; i < OPT_COUNT; i++)
        (void)cfg_set_validate_func(cfg, rows[i].key, note_line);
    rc = cfg_parse(cfg, l->file);
    if (rc == CFG_FILE_ERROR)
        err = mcos_diag_set(l->diag, MCOS_E_CONFIG, "config", "%s: %s", l->file,
                            strerror(errno));
    else if (rc != CFG_SUCCESS)
        err = MCOS_E_CONFIG;
    for (unsigned i = 0; err == 0 && i < OPT_COUNT; i++) {
        (void)snprintf(from, sizeof(from), "%s:%d", l->file, l->lines[i]);
        for (unsigned k = 0; err == 0 && k < cfg_size(cfg, rows[i].key); k++) {
            const char *text = cfg_getnstr(cfg, rows[i].key, k);

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

        for (size_t k = 0; rows[i].key[k] != '\0'; k++)
            name[6 + k] = (char)toupper((unsigned char)rows[i].key[k]);
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
        const char *builtin = rows[i].builtin;

        if (builtin == NULL) {
            computed_default((enum key)i, text);
            builtin = text;
        }
        flag_name(rows[i].key, name);
        (void)snprintf(left, sizeof(left), "--%s %s", name,
                       rows[i].value == NULL ? "" : rows[i].value);
        (void)printf("  %-32s %s", left, rows[i].help);
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
        flag_name(rows[i].key, names[i].name);
        opts[i] = (struct option){
            names[i].name, rows[i].value == NULL ? no_argument : required_argument,
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

/* ---- from text to values ---- */

static int to_name(struct loader *l, enum key opt, struct mc_name *ret)
{
    if (!mc_name_set(ret, l->values[opt].text[0]))
        return refuse(l, opt, "not a name: [a-z0-9][a-z0-9_-]{0,63}");
    return 0;
}

static int to_text(struct loader *l, enum key opt, char *dst, size_t cap)
{
    const char *text = l->values[opt].text[0];

    if (strlen(text) >= cap)
        return refuse(l, opt, "too long");
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            return refuse(l, opt, "holds a control character");
    }
    (void)snprintf(dst, cap, "%s", text);
    return 0;
}

static int to_ms(struct loader *l, enum key opt, uint32_t *ret)
{
    const char *text = l->values[opt].text[0];
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(seconds) || seconds < 0.05 ||
        seconds > 86400)
        return refuse(l, opt, "not a number of seconds from 0.05 to 86400");
    *ret = (uint32_t)(seconds * 1000 + 0.5);
    return 0;
}

static int to_count(struct loader *l, enum key opt, unsigned long most,
                    unsigned long *ret)
{
    const char *text = l->values[opt].text[0];
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || n > most)
        return refuse(l, opt, "not a whole number in range");
    *ret = n;
    return 0;
}

static int to_choice(struct loader *l, enum key opt, const char *const *words,
                     unsigned *ret)
{
    char why[128] = "one of";

    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], l->values[opt].text[0]) == 0) {
            *ret = i;
            return 0;
        }
        (void)snprintf(why + strlen(why), sizeof(why) - strlen(why), " %s", words[i]);
    }
    return refuse(l, opt, why);
}

static int to_bus(struct loader *l, struct mc_config *c)
{
    const char *text = l->values[OPT_BUS].text[0];
    static const char scheme[] = "sqlite:";
    struct mcos_diag diag = {.text = ""};
    struct mc_amqp_url url;

    if (strncmp(text, "amqp", 4) == 0) {
        if (mc_amqp_url_parse(text, &url, &diag) != 0)
            return refuse(l, OPT_BUS, diag.text);
        if (url.tls && l->values[OPT_BUS_CA].text[0][0] == '\0')
            return refuse(l, OPT_BUS, "amqps:// needs bus_ca: whose brokers to trust");
        c->bus_kind = MC_BUS_KIND_AMQP;
        (void)snprintf(c->bus, sizeof(c->bus), "%s", text);
        return 0;
    }
    if (strncmp(text, scheme, sizeof(scheme) - 1) != 0 ||
        text[sizeof(scheme) - 1] == '\0')
        return refuse(l, OPT_BUS, "a bus is sqlite:FILE or amqp://… or amqps://…");
    c->bus_kind = MC_BUS_KIND_SQLITE;
    (void)snprintf(c->bus, sizeof(c->bus), "%s", text + sizeof(scheme) - 1);
    return 0;
}

static int to_store(struct loader *l, struct mc_config *c)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_redis_url url;
    const char *text = l->values[OPT_STORE].text[0];

    c->store[0] = '\0';
    if (strcmp(text, "file") == 0)
        return 0;
    if (mc_redis_url_parse(text, &url, &diag) != 0)
        return mcos_diag_set(l->diag, MCOS_E_CONFIG, "store", "%s: store: %s",
                             l->values[OPT_STORE].from, diag.text);
    (void)snprintf(c->store, sizeof(c->store), "%s", text);
    return 0;
}

static int to_cache(struct loader *l, struct mc_config *c)
{
    const char *text = l->values[OPT_CACHE].text[0];
    struct mcos_diag diag = {.offset = -1};

    c->has_cache = text[0] != '\0';
    if (c->has_cache && mc_memcached_address_parse(text, &c->cache, &diag) != 0)
        return refuse(l, OPT_CACHE, diag.text);
    return 0;
}

/* The two files of a certificate go together. */
static int to_bus_files(struct loader *l, struct mc_config *c)
{
    int err = to_text(l, OPT_BUS_CA, c->bus_ca, sizeof(c->bus_ca));

    if (err == 0)
        err = to_text(l, OPT_BUS_CERT, c->bus_cert, sizeof(c->bus_cert));
    if (err == 0)
        err = to_text(l, OPT_BUS_KEY, c->bus_key, sizeof(c->bus_key));
    if (err == 0 && (c->bus_cert[0] == '\0') != (c->bus_key[0] == '\0'))
        err = refuse(l, OPT_BUS_CERT, "bus_cert and bus_key are given together");
    return err;
}

static int to_config(struct loader *l, struct mc_config *c)
{
    static const char *const modes[] = {"auto", "full", "digest", NULL};
    static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
    static const char *const yesno[] = {"no", "yes", "false", "true", NULL};
    unsigned mode = 0;
    unsigned level = 0;
    unsigned alone = 0;
    unsigned long budget = 0;
    unsigned long keep = 0;
    int err = to_name(l, OPT_CLUSTER, &c->cluster);

    if (err == 0)
        err = to_name(l, OPT_SYSTEM, &c->system);
    if (err == 0)
        err = to_text(l, OPT_REGION, c->region, sizeof(c->region));
    if (err == 0)
        err = to_text(l, OPT_ZONE, c->zone, sizeof(c->zone));
    if (err == 0)
        err = to_text(l, OPT_DATA, c->data, sizeof(c->data));
    if (err == 0 && c->data[0] == '\0')
        err = refuse(l, OPT_DATA, "a folder is needed");
    if (err == 0)
        err = to_bus(l, c);
    if (err == 0)
        err = to_store(l, c);
    if (err == 0)
        err = to_cache(l, c);
    if (err == 0)
        err = to_bus_files(l, c);
    if (err == 0)
        err = to_ms(l, OPT_ANNOUNCE_INTERVAL, &c->announce_interval_ms);
    if (err == 0)
        err = to_ms(l, OPT_INACTIVE_AFTER, &c->inactive_after_ms);
    if (err == 0)
        err = to_choice(l, OPT_ANNOUNCE, modes, &mode);
    if (err == 0)
        err = to_count(l, OPT_ANNOUNCE_BUDGET, UINT32_MAX, &budget);
    if (err == 0)
        err = to_choice(l, OPT_ALONE, yesno, &alone);
    if (err == 0)
        err = to_count(l, OPT_KEEP_VERSIONS, 1000, &keep);
    if (err == 0)
        err = to_text(l, OPT_SWIFT_CONF, c->swift_conf, sizeof(c->swift_conf));
    if (err == 0)
        err = to_choice(l, OPT_LOG_LEVEL, levels, &level);
    if (err != 0)
        return err;
    c->announce = (enum mc_announce_mode)mode;
    c->log_level = (enum mc_log_level)level;
    c->announce_budget = (uint32_t)budget;
    c->keep_versions = (unsigned)keep;
    c->alone = alone % 2 == 1;
    c->http_count = l->values[OPT_HTTP].count;
    for (unsigned i = 0; i < c->http_count; i++)
        (void)snprintf(c->http[i], sizeof(c->http[i]), "%s",
                       l->values[OPT_HTTP].text[i]);
    return 0;
}

/* A value for people: an address may hold a password, which is shown to nobody. */
static void show(enum key opt, const char *text, char dst[SHOWN_MAX])
{
    struct mc_redis_url url;

    if (opt == OPT_BUS)
        mc_amqp_url_mask(text, dst, SHOWN_MAX);
    else if (opt == OPT_STORE && mc_redis_url_parse(text, &url, NULL) == 0)
        mc_redis_url_show(&url, dst);
    else
        (void)snprintf(dst, SHOWN_MAX, "%s", text);
}

static void print_config(const struct loader *l)
{
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct value *v = &l->values[i];

        (void)printf("%s = ", rows[i].key);
        for (unsigned k = 0; k < v->count; k++) {
            char text[SHOWN_MAX];

            show((enum key)i, v->text[k], text);
            (void)printf("%s%s\"%s\"", k > 0 ? ", " : "",
                         i == OPT_HTTP && k == 0 ? "{" : "", text);
        }
        (void)printf("%s    # %s\n", i == OPT_HTTP ? "}" : "", v->from);
    }
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
        if (rows[i].builtin != NULL)
            err = set(l, (enum key)i, rows[i].builtin, "built-in");
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
        err = to_config(l, config);
    if (err == 0 && l->want == MC_CONFIG_PRINT)
        print_config(l);
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
