/* SPDX-License-Identifier: Apache-2.0 */
/* app/service_config.c -- mcos-resolver's table of options, and their values. */
#include "app/service_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_DEFAULT_MAX 8u
#define LISTEN_DEFAULT      "127.0.0.1:8472"

enum option {
    OPT_SOURCE,
    OPT_LISTEN,
    OPT_UNIX,
    OPT_RING,
    OPT_SYSTEM,
    OPT_SWIFT_CONF,
    OPT_KEEP_PREVIOUS,
    OPT_POLL_MS,
    OPT_THREADS,
    OPT_MAX_CONNECTIONS,
    OPT_COUNT
};

static const struct mc_option rows[OPT_COUNT] = {
    [OPT_SOURCE] = {"source", "CHAIN", "",
                    "where rings are, the best place first, divided by commas: "
                    "file:FOLDER, memcached://HOST:PORT, memcached:unix:PATH, "
                    "http://HOST:PORT, unix:PATH; needed",
                    0},
    [OPT_LISTEN] = {"listen", "ADDR", NULL,
                    "127.0.0.1:PORT or [::1]:PORT; may be given 4 times",
                    MC_SERVICE_LISTEN_MAX},
    [OPT_UNIX] = {"unix", "PATH", NULL, "a unix socket; may be given 4 times",
                  MC_SERVICE_LISTEN_MAX},
    [OPT_RING] = {"ring", "NAME", NULL,
                  "follow this ring from the start; may be given 256 times. Others are "
                  "followed when they are first asked for",
                  MC_VALUES_MAX},
    [OPT_SYSTEM] = {"system", "NAME", "mcos", "whose rings; others' are refused", 0},
    [OPT_SWIFT_CONF] = {"swift_conf", "FILE", "",
                        "Swift's hash prefix and suffix, for rings that need them", 0},
    [OPT_KEEP_PREVIOUS] = {"keep_previous", NULL, "no",
                           "keep the version before, too, for who asks for it", 0},
    [OPT_POLL_MS] = {"poll_ms", "N", "1000", "between two looks at a place", 0},
    [OPT_THREADS] = {"threads", "N", NULL, "1 to 64", 0},
    [OPT_MAX_CONNECTIONS] = {"max_connections", "N", "1024", "open at once", 0},
};

static unsigned default_threads(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1                           ? 1
           : n > (long)THREADS_DEFAULT_MAX ? THREADS_DEFAULT_MAX
                                           : (unsigned)n;
}

static void compute(unsigned option, char *dst, size_t cap)
{
    if (option == OPT_THREADS)
        (void)snprintf(dst, cap, "one for each processor, %u at most: %u",
                       THREADS_DEFAULT_MAX, default_threads());
    else if (option == OPT_LISTEN)
        (void)snprintf(dst, cap, LISTEN_DEFAULT " if there is no --unix either");
}

static const struct mc_option_table table = {
    .program = "mcos-resolver",
    .about = "looks names up for those who do not link libmcos",
    .after = "The file has the same names with _ for -, as: max_connections = 1024\n"
             "and lists as: ring = {\"photos\", \"videos\"}. The environment too, as:\n"
             "MCOS_RESOLVER_THREADS=2. Flags win over it, it wins over the file.\n",
    .variables = "MCOS_RESOLVER_",
    .file = "/etc/mcosd/resolver.conf",
    .rows = rows,
    .count = OPT_COUNT,
    .compute = compute,
};

/* ---- from text to values ---- */

static int to_number(struct mc_options *o, enum option opt, unsigned long least,
                     unsigned long most, unsigned long *ret)
{
    const char *text = o->values[opt].text[0];
    unsigned long n = 0;
    char *end = NULL;
    char why[64];

    if (text[0] >= '0' && text[0] <= '9')
        n = strtoul(text, &end, 10);
    if (end == NULL || *end != '\0' || n < least || n > most) {
        (void)snprintf(why, sizeof(why), "wants %lu to %lu", least, most);
        return mc_options_refuse(o, opt, why);
    }
    *ret = n;
    return 0;
}

static int to_bool(struct mc_options *o, enum option opt, bool *ret)
{
    const char *text = o->values[opt].text[0];

    *ret = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    if (!*ret && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
        return mc_options_refuse(o, opt, "wants yes or no");
    return 0;
}

static int to_text(struct mc_options *o, enum option opt, char *dst, size_t cap)
{
    const char *text = o->values[opt].text[0];

    if (strlen(text) >= cap)
        return mc_options_refuse(o, opt, "too long");
    (void)snprintf(dst, cap, "%s", text);
    return 0;
}

static int to_addresses(struct mc_options *o, enum option opt, const char *prefix,
                        struct mc_service_config *c)
{
    for (unsigned i = 0; i < o->values[opt].count; i++) {
        const char *text = o->values[opt].text[i];

        if (strlen(prefix) + strlen(text) >= MC_SERVICE_ADDRESS_MAX)
            return mc_options_refuse(o, opt, "too long");
        (void)snprintf(c->listen[c->listen_count++], MC_SERVICE_ADDRESS_MAX, "%s%s",
                       prefix, text);
    }
    return 0;
}

static int to_rings(struct mc_options *o, struct mc_service_config *c)
{
    for (; c->ring_count < o->values[OPT_RING].count; c->ring_count++) {
        if (!mc_name_set(&c->rings[c->ring_count],
                         o->values[OPT_RING].text[c->ring_count]))
            return mc_options_refuse(o, OPT_RING,
                                     "not a name: [a-z0-9][a-z0-9_-]{0,63}");
    }
    return 0;
}

static int fill_defaults(struct mc_options *o)
{
    char text[16];
    int err = 0;

    (void)snprintf(text, sizeof(text), "%u", default_threads());
    if (o->values[OPT_THREADS].count == 0)
        err = mc_options_set(o, OPT_THREADS, text, "the processors");
    if (err == 0 && o->values[OPT_LISTEN].count + o->values[OPT_UNIX].count == 0)
        err = mc_options_set(o, OPT_LISTEN, LISTEN_DEFAULT, "built-in");
    return err;
}

static int to_values(struct mc_options *o, struct mc_service_config *c)
{
    unsigned long poll = 0;
    unsigned long threads = 0;
    unsigned long connections = 0;
    int err = 0;

    if (o->values[OPT_SOURCE].text[0][0] == '\0')
        return mcos_diag_set(o->diag, MCOS_E_CONFIG, "source",
                             "--source is needed: where the rings are");
    err = to_text(o, OPT_SOURCE, c->source, sizeof(c->source));
    if (err == 0)
        err = to_addresses(o, OPT_LISTEN, "", c);
    if (err == 0)
        err = to_addresses(o, OPT_UNIX, "unix:", c);
    if (err == 0)
        err = to_rings(o, c);
    if (err == 0)
        err = to_text(o, OPT_SYSTEM, c->system, sizeof(c->system));
    if (err == 0)
        err = to_text(o, OPT_SWIFT_CONF, c->swift_conf, sizeof(c->swift_conf));
    if (err == 0)
        err = to_bool(o, OPT_KEEP_PREVIOUS, &c->keep_previous);
    if (err == 0)
        err = to_number(o, OPT_POLL_MS, 10, 3600000, &poll);
    if (err == 0)
        err = to_number(o, OPT_THREADS, 1, MC_SERVICE_THREADS_MAX, &threads);
    if (err == 0)
        err = to_number(o, OPT_MAX_CONNECTIONS, 1, MC_SERVICE_CONNECTIONS_MAX,
                        &connections);
    if (err != 0)
        return err;
    c->poll_ms = (uint32_t)poll;
    c->connections_max = (unsigned)connections;
    c->threads = (unsigned)(threads < connections ? threads : connections);
    return 0;
}

int mc_service_config_load(int argc, char **argv, struct mc_service_config *ret_config,
                           enum mc_config_want *ret_want, struct mcos_diag *diag)
{
    struct mc_options *o = calloc(1, sizeof(*o));
    struct mc_service_config *c = calloc(1, sizeof(*c));
    int err = o == NULL || c == NULL ? MCOS_E_NOMEM : 0;

    if (err != 0)
        goto out;
    o->table = &table;
    o->diag = diag;
    err = mc_options_load(o, argc, argv);
    if (err == 0 && o->want != MC_CONFIG_HELP) {
        err = fill_defaults(o);
        if (err == 0)
            err = to_values(o, c);
        if (err == 0 && o->want == MC_CONFIG_PRINT)
            mc_options_print(o);
    }
    if (err == 0) {
        *ret_config = *c;
        *ret_want = o->want;
    }
    mc_options_fini(o);
out:
    free(c);
    free(o);
    return err;
}
