/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/http/listen.c -- addresses, and the unix socket that a dead agent left. */
#include "adapter/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG   128
#define UNIX_MODE 0660
#define PREFIX    "unix:"

static int fail(struct mcos_diag *diag, const char *text, const char *what)
{
    int code = errno == EADDRINUSE ? MCOS_E_LOCKED : MCOS_E_IO;

    return mcos_diag_set(diag, code, "http", "%.100s: %s: %s", text, what,
                         strerror(errno));
}

/* ":8471" or nothing; false if it is neither. */
static bool read_port(const char *p, bool needed, uint16_t *ret)
{
    unsigned long port = 0;
    size_t digits = 0;

    *ret = 0;
    if (*p == '\0')
        return !needed;
    if (*p++ != ':')
        return false;
    for (; *p >= '0' && *p <= '9'; p++, digits++) {
        port = port * 10 + (unsigned long)(*p - '0');
        if (port > UINT16_MAX)
            return false;
    }
    *ret = (uint16_t)port;
    return *p == '\0' && digits > 0;
}

/* Is `host[:port]` a loopback address or name? At most one of v4, v6 is filled. */
static bool read_loopback(const char *text, bool port_needed, struct sockaddr_in *v4,
                          struct sockaddr_in6 *v6)
{
    char host[64];
    const char *end;
    uint16_t port;

    *v4 = (struct sockaddr_in){0};
    *v6 = (struct sockaddr_in6){0};
    end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
    if (text[0] == '[') {
        if (end == NULL)
            return false;
        text++;
    } else if (end == NULL) {
        end = text + strlen(text);
    }
    if ((size_t)(end - text) >= sizeof(host))
        return false;
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = '\0';
    if (!read_port(*end == ']' ? end + 1 : end, port_needed, &port))
        return false;
    if (*end == ']') {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 &&
               IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    if (strcasecmp(host, "localhost") == 0) {
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return true;
    }
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1 &&
           ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

bool mc_listen_host_ok(const char *host)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    return read_loopback(host, false, &v4, &v6);
}

static int not_loopback(const char *text, struct mcos_diag *diag)
{
    return mcos_diag_set(diag, MCOS_E_CONFIG, "http",
                         "%.100s: wants a loopback address and port, like "
                         "127.0.0.1:8471 or [::1]:8471, or unix:/path",
                         text);
}

static int check_path(const char *text, struct mcos_diag *diag)
{
    const char *path = text + strlen(PREFIX);
    const size_t cap = sizeof(((struct sockaddr_un *)NULL)->sun_path);

    if (path[0] == '/' && strlen(path) < cap)
        return 0;
    return mcos_diag_set(diag, MCOS_E_CONFIG, "http",
                         "%.100s: wants unix: and an absolute path below %zu bytes",
                         text, cap);
}

static int open_tcp(const char *text, struct mc_listen *l, struct mcos_diag *diag)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    char host[INET6_ADDRSTRLEN] = "";
    const int on = 1;
    socklen_t len;
    bool six;

    if (!read_loopback(text, true, &v4, &v6))
        return not_loopback(text, diag);
    six = v6.sin6_family == AF_INET6;
    l->fd =
        socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return fail(diag, text, "socket");
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (six)
        (void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    len = six ? sizeof(v6) : sizeof(v4);
    if (bind(l->fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, len) != 0)
        return fail(diag, text, "bind");
    if (listen(l->fd, BACKLOG) != 0)
        return fail(diag, text, "listen");
    if (getsockname(l->fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                    &len) != 0)
        return fail(diag, text, "getsockname");
    if (six)
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
    else
        (void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
    (void)snprintf(l->address, sizeof(l->address), six ? "[%s]:%u" : "%s:%u", host,
                   ntohs(six ? v6.sin6_port : v4.sin_port));
    return 0;
}

/* Nobody listens at the path afterwards, or it is an error. */
static int clear_path(const struct sockaddr_un *at, const char *text,
                      struct mcos_diag *diag)
{
    struct stat st;
    int fd;
    int r;

    if (lstat(at->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : fail(diag, text, "stat");
    if (!S_ISSOCK(st.st_mode))
        return mcos_diag_set(diag, MCOS_E_CONFIG, "http",
                             "%.100s: something else is there, not a socket", text);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(diag, text, "socket");
    r = connect(fd, (const struct sockaddr *)at, sizeof(*at));
    if (r != 0 && errno == ECONNREFUSED) {
        r = unlink(at->sun_path) == 0 || errno == ENOENT
                ? 0
                : fail(diag, text, "the stale socket cannot be removed");
    } else {
        /* Connected, its backlog is full, or we may not ask: somebody is there. */
        r = mcos_diag_set(diag, MCOS_E_LOCKED, "http", "%.100s: somebody listens there",
                          text);
    }
    (void)close(fd);
    return r;
}

static int open_unix(const char *text, struct mc_listen *l, struct mcos_diag *diag)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *path = text + strlen(PREFIX);
    struct stat st;
    int r = check_path(text, diag);

    if (r != 0)
        return r;
    memcpy(at.sun_path, path, strlen(path) + 1);
    r = clear_path(&at, text, diag);
    if (r != 0)
        return r;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return fail(diag, text, "socket");
    /* Before bind, so that the file is never wider open than meant. */
    if (fchmod(l->fd, UNIX_MODE) != 0)
        return fail(diag, text, "fchmod");
    if (bind(l->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        return fail(diag, text, "bind");
    if (chmod(path, UNIX_MODE) != 0 || lstat(path, &st) != 0)
        return fail(diag, text, "chmod");
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    l->changed = st.st_ctim;
    l->local = true;
    (void)snprintf(l->address, sizeof(l->address), "%s", text);
    if (listen(l->fd, BACKLOG) != 0)
        return fail(diag, text, "listen");
    return 0;
}

int mc_listen_check_text(const char *text, struct mcos_diag *diag)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (strncmp(text, PREFIX, strlen(PREFIX)) == 0)
        return check_path(text, diag);
    return read_loopback(text, true, &v4, &v6) ? 0 : not_loopback(text, diag);
}

int mc_listen_open(const char *text, struct mc_listen *ret_listen,
                   struct mcos_diag *diag)
{
    struct mc_listen l = {.fd = -1};
    int r;

    if (strncmp(text, PREFIX, strlen(PREFIX)) == 0)
        r = open_unix(text, &l, diag);
    else
        r = open_tcp(text, &l, diag);
    if (r != 0) {
        mc_listen_remove(&l);
        if (l.fd >= 0)
            (void)close(l.fd);
        return r;
    }
    *ret_listen = l;
    return 0;
}

void mc_listen_remove(struct mc_listen *listen)
{
    const char *path = listen->address + strlen(PREFIX);
    struct stat st;

    if (!listen->local)
        return;
    listen->local = false;
    if (lstat(path, &st) == 0 && st.st_dev == listen->dev && st.st_ino == listen->ino &&
        st.st_ctim.tv_sec == listen->changed.tv_sec &&
        st.st_ctim.tv_nsec == listen->changed.tv_nsec)
        (void)unlink(path);
}
