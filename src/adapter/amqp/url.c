/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/url.c -- reading amqp:// addresses. */
#include "adapter/amqp/url.h"

#include "base/limits.h"

#include <stdio.h>
#include <string.h>

#define PORT     5672u
#define PORT_TLS 5671u

static int refuse(struct mcos_diag *diag, const char *why)
{
    return mcos_diag_set(diag, MCOS_E_CONFIG, "bus", "not an AMQP address: %s", why);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX. False: too long, a bad escape, or a character that ends strings. */
static bool decode(const char *src, size_t len, char dst[MC_AMQP_WORD_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)src[i];

        if (c == '%') {
            int high = len - i > 2 ? hex_digit(src[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(src[i + 2]) : -1;

            if (low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c < ' ' || n == MC_AMQP_WORD_MAX)
            return false;
        dst[n++] = (char)c;
    }
    dst[n] = '\0';
    return true;
}

static bool parse_port(const char *text, size_t len, uint16_t *ret)
{
    unsigned port = 0;

    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port == 0 || port > 65535)
        return false;
    *ret = (uint16_t)port;
    return true;
}

/* host, host:port, [v6] or [v6]:port. */
static bool parse_host(const char *text, size_t len, bool tls, struct mc_amqp_host *ret)
{
    const char *end = text + len;
    const char *name = text;
    const char *stop = memchr(text, ':', len);

    ret->port = tls ? PORT_TLS : PORT;
    if (len > 0 && *text == '[') {
        name = text + 1;
        stop = memchr(text, ']', len);
        if (stop == NULL)
            return false;
        text = stop + 1;
    } else {
        text = stop == NULL ? end : stop;
        stop = text;
    }
    if (stop == name || (size_t)(stop - name) > MC_AMQP_WORD_MAX)
        return false;
    for (const char *c = name; c < stop; c++) {
        if (*c <= ' ' || strchr("/@?#%[]", *c) != NULL)
            return false;
    }
    memcpy(ret->name, name, (size_t)(stop - name));
    ret->name[stop - name] = '\0';
    if (text == end)
        return true;
    return *text == ':' && parse_port(text + 1, (size_t)(end - text) - 1, &ret->port);
}

static int parse_hosts(const char *text, size_t len, struct mc_amqp_url *url,
                       struct mcos_diag *diag)
{
    const char *end = text + len;

    for (;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma == NULL ? end : comma;

        if (url->host_count == MC_AMQP_HOSTS_MAX)
            return refuse(diag, "more than 8 hosts");
        if (!parse_host(text, (size_t)(stop - text), url->tls,
                        &url->hosts[url->host_count]))
            return refuse(diag, "a host is NAME, NAME:PORT or [ADDRESS]:PORT");
        url->host_count++;
        if (comma == NULL)
            return 0;
        text = comma + 1;
    }
}

/* After amqp:// or amqps://; NULL if it is neither. */
static const char *after_scheme(const char *text)
{
    if (strncmp(text, "amqp://", 7) == 0)
        return text + 7;
    return strncmp(text, "amqps://", 8) == 0 ? text + 8 : NULL;
}

/* 1 at least: 12, 12KiB, 12MiB. */
static bool parse_bytes(const char *text, size_t len, size_t *ret)
{
    size_t bytes = 0, unit = 1;

    if (len > 3 && strncmp(text + len - 3, "KiB", 3) == 0)
        unit = 1024;
    else if (len > 3 && strncmp(text + len - 3, "MiB", 3) == 0)
        unit = 1024 * (size_t)1024;
    len -= unit == 1 ? 0 : 3;
    if (len == 0 || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        bytes = bytes * 10 + (size_t)(text[i] - '0');
    }
    *ret = bytes * unit;
    return bytes != 0;
}

static bool is_option(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncmp(text, name, len) == 0;
}

/* What follows the ?. */
static int parse_options(const char *text, struct mc_amqp_url *url,
                         struct mcos_diag *diag)
{
    for (;;) {
        size_t len = strcspn(text, "&");
        size_t name = strcspn(text, "=&");
        const char *value = text + name + 1;

        if (name == len)
            return refuse(diag, "after ? stand NAME=VALUE, joined by &");
        if (is_option(text, name, "max_message_size")) {
            if (!parse_bytes(value, len - name - 1, &url->body_max))
                return refuse(diag,
                              "max_message_size is a number of bytes, KiB or MiB");
            if (url->body_max < MC_TALK_BYTES_MAX)
                return refuse(diag, "max_message_size is 64KiB at least: announcements "
                                    "have up to so many");
        } else if (is_option(text, name, "auth")) {
            url->external = is_option(value, len - name - 1, "external");
            if (!url->external)
                return refuse(diag, "auth is external, or left out");
        } else {
            return refuse(diag, "the options after ? are max_message_size and auth");
        }
        if (text[len] == '\0')
            return 0;
        text += len + 1;
    }
}

int mc_amqp_url_parse(const char *text, struct mc_amqp_url *ret_url,
                      struct mcos_diag *diag)
{
    struct mc_amqp_url url = {
        .user = "guest", .password = "guest", .vhost = "/", .body_max = SIZE_MAX};
    const char *rest = after_scheme(text);
    const char *slash, *at, *colon;
    size_t len;
    int err;

    if (rest == NULL)
        return refuse(diag, "it begins with amqp:// or amqps://");
    url.tls = text[4] == 's';
    at = strrchr(rest, '@'); /* a password may hold what a person forgot to escape */
    if (at != NULL) {
        colon = memchr(rest, ':', (size_t)(at - rest));
        if (memchr(rest, '/', (size_t)(at - rest)) != NULL ||
            memchr(rest, '?', (size_t)(at - rest)) != NULL)
            return refuse(diag, "before the last @ stand user and password: in these / "
                                "and ? are written %2F and %3F; an @ after the host is "
                                "written %40");
        if (!decode(rest, (size_t)((colon == NULL ? at : colon) - rest), url.user) ||
            (colon != NULL &&
             !decode(colon + 1, (size_t)(at - colon) - 1, url.password)))
            return refuse(diag, "user or password: too long, or a bad %XX");
        rest = at + 1;
    }
    len = strcspn(rest, "?");
    slash = memchr(rest, '/', len);
    if (slash != NULL && slash + 1 < rest + len &&
        !decode(slash + 1, (size_t)(rest + len - slash) - 1, url.vhost))
        return refuse(diag, "vhost: too long, or a bad %XX");
    err = parse_hosts(rest, slash == NULL ? len : (size_t)(slash - rest), &url, diag);
    if (err == 0 && rest[len] == '?')
        err = parse_options(rest + len + 1, &url, diag);
    if (err == 0 && url.external && (!url.tls || at != NULL))
        err = refuse(diag, "auth=external goes with amqps:// and without a user");
    if (err == 0)
        *ret_url = url;
    return err;
}

void mc_amqp_url_mask(const char *text, char *dst, size_t cap)
{
    const char *rest = strstr(text, "://");
    const char *at = strrchr(text, '@');
    const char *colon;

    rest = rest == NULL ? text : rest + 3;
    colon = at == NULL || at < rest ? NULL : memchr(rest, ':', (size_t)(at - rest));
    if (colon == NULL)
        (void)snprintf(dst, cap, "%s", text);
    else
        (void)snprintf(dst, cap, "%.*s:***%s", (int)(colon - text), text, at);
}
