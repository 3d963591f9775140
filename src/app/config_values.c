/* SPDX-License-Identifier: Apache-2.0 */
/* app/config_values.c -- options from text to values, and as people see them. */
#include "app/config_state.h"

#include "adapter/redis/url.h"
#include "adapter/amqp/url.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX (MC_CONFIG_PATH_MAX + 2 * MC_REDIS_TEXT_MAX)

/* ---- from text to values ---- */

static int to_name(struct mc_options *l, enum key opt, struct mc_name *ret)
{
    if (!mc_name_set(ret, l->values[opt].text[0]))
        return mc_options_refuse(l, opt, "not a name: [a-z0-9][a-z0-9_-]{0,63}");
    return 0;
}

static int to_text(struct mc_options *l, enum key opt, char *dst, size_t cap)
{
    const char *text = l->values[opt].text[0];

    if (strlen(text) >= cap)
        return mc_options_refuse(l, opt, "too long");
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            return mc_options_refuse(l, opt, "holds a control character");
    }
    (void)snprintf(dst, cap, "%s", text);
    return 0;
}

static int to_ms(struct mc_options *l, enum key opt, uint32_t *ret)
{
    const char *text = l->values[opt].text[0];
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(seconds) || seconds < 0.05 ||
        seconds > 86400)
        return mc_options_refuse(l, opt, "not a number of seconds from 0.05 to 86400");
    *ret = (uint32_t)(seconds * 1000 + 0.5);
    return 0;
}

static int to_count(struct mc_options *l, enum key opt, unsigned long most,
                    unsigned long *ret)
{
    const char *text = l->values[opt].text[0];
    char why[64];
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || n > most) {
        (void)snprintf(why, sizeof(why), "not a whole number from 0 to %lu", most);
        return mc_options_refuse(l, opt, why);
    }
    *ret = n;
    return 0;
}

static int to_choice(struct mc_options *l, enum key opt, const char *const *words,
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
    return mc_options_refuse(l, opt, why);
}

static int to_bus(struct mc_options *l, struct mc_config *c)
{
    const char *text = l->values[OPT_BUS].text[0];
    static const char scheme[] = "sqlite:";
    struct mcos_diag diag = {.text = ""};
    struct mc_amqp_url url;

    if (strncmp(text, "amqp", 4) == 0) {
        if (mc_amqp_url_parse(text, &url, &diag) != 0)
            return mc_options_refuse(l, OPT_BUS, diag.text);
        if (url.tls && l->values[OPT_BUS_CA].text[0][0] == '\0')
            return mc_options_refuse(l, OPT_BUS,
                                     "amqps:// needs bus_ca: whose brokers to trust");
        c->bus_kind = MC_BUS_KIND_AMQP;
        (void)snprintf(c->bus, sizeof(c->bus), "%s", text);
        return 0;
    }
    if (strncmp(text, scheme, sizeof(scheme) - 1) != 0 ||
        text[sizeof(scheme) - 1] == '\0')
        return mc_options_refuse(l, OPT_BUS,
                                 "a bus is sqlite:FILE or amqp://… or amqps://…");
    c->bus_kind = MC_BUS_KIND_SQLITE;
    (void)snprintf(c->bus, sizeof(c->bus), "%s", text + sizeof(scheme) - 1);
    return 0;
}

static int to_store(struct mc_options *l, struct mc_config *c)
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

static int to_cache(struct mc_options *l, struct mc_config *c)
{
    const char *text = l->values[OPT_CACHE].text[0];
    struct mcos_diag diag = {.offset = -1};

    c->has_cache = text[0] != '\0';
    if (c->has_cache && mc_memcached_address_parse(text, &c->cache, &diag) != 0)
        return mc_options_refuse(l, OPT_CACHE, diag.text);
    return 0;
}

/* The two files of a certificate go together. */
static int to_bus_files(struct mc_options *l, struct mc_config *c)
{
    int err = to_text(l, OPT_BUS_CA, c->bus_ca, sizeof(c->bus_ca));

    if (err == 0)
        err = to_text(l, OPT_BUS_CERT, c->bus_cert, sizeof(c->bus_cert));
    if (err == 0)
        err = to_text(l, OPT_BUS_KEY, c->bus_key, sizeof(c->bus_key));
    if (err == 0 && (c->bus_cert[0] == '\0') != (c->bus_key[0] == '\0'))
        err = mc_options_refuse(l, OPT_BUS_CERT,
                                "bus_cert and bus_key are given together");
    return err;
}

int mc_config_values(struct mc_options *l, struct mc_config *c)
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
        err = mc_options_refuse(l, OPT_DATA, "a folder is needed");
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
        err = to_text(l, OPT_EXPORT_SWIFT, c->export_swift, sizeof(c->export_swift));
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
    for (unsigned i = 0; i < c->http_count; i++) {
        if (strlen(l->values[OPT_HTTP].text[i]) >= sizeof(c->http[i]))
            return mc_options_refuse(l, OPT_HTTP, "too long");
        (void)snprintf(c->http[i], sizeof(c->http[i]), "%s",
                       l->values[OPT_HTTP].text[i]);
    }
    return 0;
}

/* A value for people: an address may hold a password, which is shown to nobody. */
void mc_config_show(unsigned opt, const char *text, char *dst, size_t cap)
{
    struct mc_redis_url url;
    char shown[SHOWN_MAX];

    if (opt == OPT_STORE && mc_redis_url_parse(text, &url, NULL) == 0) {
        mc_redis_url_show(&url, shown);
        (void)snprintf(dst, cap, "%s", shown);
    } else if (opt == OPT_BUS || opt == OPT_STORE) {
        mc_amqp_url_mask(text, dst, cap);
    } else {
        (void)snprintf(dst, cap, "%s", text);
    }
}
