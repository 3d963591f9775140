/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/url.c -- reads redis:// and unix: addresses. */
#include "adapter/redis/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 6379
#define DB_MAX       1000000u

static int refuse(struct mcos_diag *diag, const char *why)
{
    return mcos_diag_set(diag, MCOS_E_CONFIG, "store",
                         "%s: redis://[[user]:password@]host[:port][/db] or unix:PATH",
                         why);
}

static bool copy(char dst[MC_REDIS_TEXT_MAX], const char *from, size_t len)
{
    if (len >= MC_REDIS_TEXT_MAX)
        return false;
    memcpy(dst, from, len);
    dst[len] = '\0';
    return true;
}

static bool read_number(const char *text, size_t len, unsigned long most, int *ret)
{
    unsigned long n = 0;

    if (len == 0 || len > 7)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (unsigned long)(text[i] - '0');
    }
    if (n > most)
        return false;
    *ret = (int)n;
    return true;
}

/* [user]:password or user alone is not allowed: a name without a secret helps nobody.
 */
static bool read_login(struct mc_redis_url *url, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    size_t user = colon == NULL ? 0 : (size_t)(colon - text);

    return colon != NULL && copy(url->user, text, user) &&
           copy(url->password, colon + 1, len - user - 1);
}

/* host, [v6], either with :port. */
static bool read_host(struct mc_redis_url *url, const char *text, size_t len)
{
    const char *end = text + len;
    const char *rest = text;

    if (len > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', len);

        if (close == NULL || !copy(url->host, text + 1, (size_t)(close - text) - 1))
            return false;
        rest = close + 1;
    } else {
        rest = memchr(text, ':', len);
        if (rest == NULL)
            rest = end;
        if (!copy(url->host, text, (size_t)(rest - text)))
            return false;
    }
    if (url->host[0] == '\0')
        return false;
    if (rest == end)
        return true;
    return *rest == ':' &&
           read_number(rest + 1, (size_t)(end - rest) - 1, 65535, &url->port) &&
           url->port > 0;
}

int mc_redis_url_parse(const char *text, struct mc_redis_url *ret_url,
                       struct mcos_diag *diag)
{
    static const char scheme[] = "redis://";
    struct mc_redis_url url = {.port = DEFAULT_PORT};
    const char *at;
    const char *slash;
    size_t len;

    if (strncmp(text, "unix:", 5) == 0) {
        if (text[5] != '/' || !copy(url.path, text + 5, strlen(text + 5)))
            return refuse(diag, "the path of the socket must begin with /");
        *ret_url = url;
        return 0;
    }
    if (strncmp(text, scheme, sizeof(scheme) - 1) != 0)
        return refuse(diag, "not an address of Redis");
    text += sizeof(scheme) - 1;
    at = strrchr(text, '@'); /* a password may hold one */
    if (at != NULL) {
        if (!read_login(&url, text, (size_t)(at - text)))
            return refuse(diag, "the login is not user:password");
        text = at + 1;
    }
    slash = strchr(text, '/');
    len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (!read_host(&url, text, len))
        return refuse(diag, "no host, or a bad port");
    if (slash != NULL && slash[1] != '\0' &&
        !read_number(slash + 1, strlen(slash + 1), DB_MAX, &url.db))
        return refuse(diag, "the database is not a number");
    *ret_url = url;
    return 0;
}

void mc_redis_url_show(const struct mc_redis_url *url, char dst[2 * MC_REDIS_TEXT_MAX])
{
    if (url->path[0] != '\0')
        (void)snprintf(dst, 2 * MC_REDIS_TEXT_MAX, "unix:%s", url->path);
    else
        (void)snprintf(dst, 2 * MC_REDIS_TEXT_MAX, "redis://%s:%d/%d", url->host,
                       url->port, url->db);
}
