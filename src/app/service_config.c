/* SPDX-License-Identifier: Apache-2.0 */
/* app/service_config.c -- flags of mcos-resolver. */
#include "app/service_config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_DEFAULT_MAX 8u
#define CONNECTIONS_DEFAULT 1024u
#define LISTEN_DEFAULT      "127.0.0.1:8472"

enum flag {
    FLAG_SOURCE = 1,
    FLAG_LISTEN,
    FLAG_UNIX,
    FLAG_RING,
    FLAG_SYSTEM,
    FLAG_SWIFT_CONF,
    FLAG_POLL_MS,
    FLAG_THREADS,
    FLAG_CONNECTIONS,
    FLAG_CHECK,
    FLAG_HELP,
    FLAG_VERSION,
};

static const struct option flags[] = {
    {"source", required_argument, NULL, FLAG_SOURCE},
    {"listen", required_argument, NULL, FLAG_LISTEN},
    {"unix", required_argument, NULL, FLAG_UNIX},
    {"ring", required_argument, NULL, FLAG_RING},
    {"system", required_argument, NULL, FLAG_SYSTEM},
    {"swift-conf", required_argument, NULL, FLAG_SWIFT_CONF},
    {"poll-ms", required_argument, NULL, FLAG_POLL_MS},
    {"threads", required_argument, NULL, FLAG_THREADS},
    {"max-connections", required_argument, NULL, FLAG_CONNECTIONS},
    {"check-config", no_argument, NULL, FLAG_CHECK},
    {"help", no_argument, NULL, FLAG_HELP},
    {"version", no_argument, NULL, FLAG_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "mcos-resolver -- looks names up for those who do not link libmcos\n\n"
    "usage: mcos-resolver --source CHAIN [flags]\n\n"
    "  --source CHAIN         where rings are, the best place first, divided by "
    "commas:\n"
    "                         file:FOLDER, memcached://HOST:PORT, "
    "memcached:unix:PATH,\n"
    "                         http://HOST:PORT, unix:PATH\n"
    "  --listen ADDR          127.0.0.1:PORT or [::1]:PORT; may be given 4 times\n"
    "                         [" LISTEN_DEFAULT " if there is no --unix either]\n"
    "  --unix PATH            a unix socket; may be given 4 times\n"
    "  --ring NAME            follow this ring from the start; may be given 256 "
    "times.\n"
    "                         Others are followed when they are first asked for\n"
    "  --system NAME          whose rings, in a memcached [mcos]\n"
    "  --swift-conf FILE      Swift's hash prefix and suffix, for rings that need "
    "them\n"
    "  --poll-ms N            between two looks at a place [1000]\n"
    "  --threads N            1 to 64 [one for each processor, 8 at most]\n"
    "  --max-connections N    open at once [1024]\n"
    "  --check-config         check the flags and end\n"
    "  --version              print the version and end\n";

static int read_number(const char *flag, const char *text, unsigned long least,
                       unsigned long most, unsigned long *ret, struct mcos_diag *diag)
{
    char *end = NULL;
    unsigned long n = 0;

    if (text[0] >= '0' && text[0] <= '9')
        n = strtoul(text, &end, 10);
    if (end == NULL || *end != '\0' || n < least || n > most)
        return mcos_diag_set(diag, MCOS_E_CONFIG, flag, "--%s: %.40s: wants %lu to %lu",
                             flag, text, least, most);
    *ret = n;
    return 0;
}

static int put_text(const char *flag, const char *text, char *dst, size_t cap,
                    struct mcos_diag *diag)
{
    if (strlen(text) >= cap)
        return mcos_diag_set(diag, MCOS_E_CONFIG, flag, "--%s: too long", flag);
    (void)snprintf(dst, cap, "%s", text);
    return 0;
}

static int add_listen(struct mc_service_config *c, const char *flag, const char *prefix,
                      const char *text, struct mcos_diag *diag)
{
    if (c->listen_count == 2 * MC_CONFIG_LISTEN_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, flag, "--%s: given too often", flag);
    if (strlen(prefix) + strlen(text) >= MC_CONFIG_PATH_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, flag, "--%s: too long", flag);
    (void)snprintf(c->listen[c->listen_count++], MC_CONFIG_PATH_MAX, "%s%s", prefix,
                   text);
    return 0;
}

static int add_ring(struct mc_service_config *c, const char *text,
                    struct mcos_diag *diag)
{
    if (c->ring_count == MC_SERVICE_RINGS_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "ring", "--ring: given too often");
    if (!mc_name_set(&c->rings[c->ring_count], text))
        return mcos_diag_set(diag, MCOS_E_CONFIG, "ring",
                             "--ring: not a name: \"%.64s\"", text);
    c->ring_count++;
    return 0;
}

static int take(struct mc_service_config *c, enum flag flag, const char *text,
                struct mcos_diag *diag)
{
    unsigned long n = 0;
    int err = 0;

    switch (flag) {
    case FLAG_SOURCE:
        return put_text("source", text, c->source, sizeof(c->source), diag);
    case FLAG_LISTEN:
        return add_listen(c, "listen", "", text, diag);
    case FLAG_UNIX:
        return add_listen(c, "unix", "unix:", text, diag);
    case FLAG_RING:
        return add_ring(c, text, diag);
    case FLAG_SYSTEM:
        return put_text("system", text, c->system, sizeof(c->system), diag);
    case FLAG_SWIFT_CONF:
        return put_text("swift-conf", text, c->swift_conf, sizeof(c->swift_conf), diag);
    case FLAG_POLL_MS:
        err = read_number("poll-ms", text, 10, 3600000, &n, diag);
        c->poll_ms = (uint32_t)n;
        return err;
    case FLAG_THREADS:
        err = read_number("threads", text, 1, MC_SERVICE_THREADS_MAX, &n, diag);
        c->threads = (unsigned)n;
        return err;
    case FLAG_CONNECTIONS:
        err = read_number("max-connections", text, 1, MC_SERVICE_CONNECTIONS_MAX, &n,
                          diag);
        c->connections_max = (unsigned)n;
        return err;
    case FLAG_CHECK:
    case FLAG_HELP:
    case FLAG_VERSION:
        break;
    }
    return 0;
}

static unsigned default_threads(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1                           ? 1
           : n > (long)THREADS_DEFAULT_MAX ? THREADS_DEFAULT_MAX
                                           : (unsigned)n;
}

static int read_flags(int argc, char **argv, struct mc_service_config *c,
                      enum mc_config_want *ret_want, struct mcos_diag *diag)
{
    int err = 0;
    int flag;

    optind = 1;
    opterr = 0;
    while (err == 0 && (flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        if (flag == '?')
            return mcos_diag_set(diag, MCOS_E_USAGE, argv[optind - 1],
                                 "unknown flag or missing value: %.100s (mcos-resolver "
                                 "--help lists them)",
                                 argv[optind - 1]);
        if (flag == FLAG_HELP || flag == FLAG_VERSION) {
            (void)printf("%s",
                         flag == FLAG_HELP ? help : "mcos-resolver " MCOS_VERSION "\n");
            *ret_want = MC_CONFIG_HELP;
            return 0;
        }
        if (flag == FLAG_CHECK)
            *ret_want = MC_CONFIG_CHECK;
        err = take(c, (enum flag)flag, optarg, diag);
    }
    if (err == 0 && optind < argc)
        return mcos_diag_set(diag, MCOS_E_USAGE, argv[optind],
                             "mcos-resolver takes flags only, not \"%.100s\"",
                             argv[optind]);
    return err;
}

int mc_service_config_load(int argc, char **argv, struct mc_service_config *ret_config,
                           enum mc_config_want *ret_want, struct mcos_diag *diag)
{
    struct mc_service_config *c = calloc(1, sizeof(*c));
    enum mc_config_want want = MC_CONFIG_RUN;
    int err = c == NULL ? MCOS_E_NOMEM : 0;

    if (err != 0)
        return err;
    (void)snprintf(c->system, sizeof(c->system), "mcos");
    c->threads = default_threads();
    c->connections_max = CONNECTIONS_DEFAULT;
    err = read_flags(argc, argv, c, &want, diag);
    if (err == 0 && want != MC_CONFIG_HELP && c->source[0] == '\0')
        err = mcos_diag_set(diag, MCOS_E_CONFIG, "source",
                            "--source is needed: where the rings are");
    if (err == 0 && c->listen_count == 0)
        err = add_listen(c, "listen", "", LISTEN_DEFAULT, diag);
    if (err == 0 && c->connections_max < c->threads)
        c->threads = c->connections_max;
    if (err == 0) {
        *ret_config = *c;
        *ret_want = want;
    }
    free(c);
    return err;
}
