/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/memcached/address.c -- addresses as people write them. */
#include "adapter/memcached/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static int refuse(struct mcos_diag *diag, const char *why)
{
    return mcos_diag_set(diag, MCOS_E_CONFIG, "cache", "%s", why);
}

static bool port_ok(const char *text, uint16_t *ret)
{
    unsigned long n;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    n = strtoul(text, &end, 10);
    if (*end != '\0' || n == 0 || n > UINT16_MAX)
        return false;
    *ret = (uint16_t)n;
    return true;
}

static bool host_ok(const char *host, bool digits)
{
    struct in6_addr six;

    if (digits)
        return inet_pton(AF_INET6, host, &six) == 1;
    for (const char *c = host; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-' && *c != '_')
            return false;
    }
    return host[0] != '\0' && host[0] != '-';
}

static int parse_host(const char *text, struct mc_memcached_address *a,
                      struct mcos_diag *diag)
{
    bool bracket = text[0] == '[';
    const char *end = bracket ? strchr(text, ']') : text + strcspn(text, ":");
    const char *host = bracket ? text + 1 : text;
    size_t n;

    if (end == NULL)
        return refuse(diag, "a [ without its ]");
    n = (size_t)(end - host);
    if (n > MC_MEMCACHED_HOST_MAX)
        return refuse(diag, "the host's name is too long");
    memcpy(a->host, host, n);
    a->host[n] = '\0';
    if (!host_ok(a->host, bracket))
        return refuse(diag, "not a host: a name, 127.0.0.1 or [::1]");
    end += bracket;
    if (*end == '\0')
        return 0;
    if (*end != ':' || !port_ok(end + 1, &a->port))
        return refuse(diag, "not a port: 1 to 65535");
    return 0;
}

int mc_memcached_address_parse(const char *text, struct mc_memcached_address *ret,
                               struct mcos_diag *diag)
{
    static const char tcp[] = "memcached://";
    static const char local[] = "memcached:unix:";
    struct mc_memcached_address a = {.port = MC_MEMCACHED_PORT};
    int err = 0;

    if (strncmp(text, tcp, sizeof(tcp) - 1) == 0) {
        err = parse_host(text + sizeof(tcp) - 1, &a, diag);
    } else if (strncmp(text, local, sizeof(local) - 1) == 0) {
        const char *path = text + sizeof(local) - 1;

        if (path[0] != '/' || strlen(path) > MC_MEMCACHED_UNIX_MAX)
            return refuse(diag, "a socket is a full path of at most 107 characters");
        (void)snprintf(a.path, sizeof(a.path), "%s", path);
    } else {
        return refuse(diag, "a cache is memcached://HOST:PORT or memcached:unix:/PATH");
    }
    if (err == 0)
        *ret = a;
    return err;
}

void mc_memcached_address_format(const struct mc_memcached_address *address, char *dst,
                                 size_t cap)
{
    bool six = strchr(address->host, ':') != NULL;

    if (address->path[0] != '\0')
        (void)snprintf(dst, cap, "%s", address->path);
    else
        (void)snprintf(dst, cap, "%s%s%s:%u", six ? "[" : "", address->host,
                       six ? "]" : "", address->port);
}

/* ---- names ---- */

/* Who is the last of the two, the thread and who asked, frees it. */
enum { SEEKING, FOUND, NOT_FOUND, LEFT_ALONE };

struct mc_memcached_seek {
    atomic_int state;
    char host[MC_MEMCACHED_HOST_MAX + 1];
    char digits[MC_MEMCACHED_DIGIT_MAX]; /* the thread's until it is FOUND */
};

static atomic_uint seeking; /* threads that do */
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

/* In the child of a fork there are none of them. */
static void forget_threads(void)
{
    atomic_store(&seeking, 0);
}

static void prepare(void)
{
    (void)pthread_atfork(NULL, NULL, forget_threads);
}

static bool is_digits(const char *host)
{
    uint8_t any[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1;
}

static void *look_up(void *arg)
{
    struct mc_memcached_seek *s = arg;
    struct addrinfo *found = NULL;
    int before = SEEKING;
    int rc = getaddrinfo(s->host, NULL, NULL, &found);

    if (rc == 0)
        rc = getnameinfo(found->ai_addr, found->ai_addrlen, s->digits,
                         sizeof(s->digits), NULL, 0, NI_NUMERICHOST);
    if (found != NULL)
        freeaddrinfo(found);
    if (!atomic_compare_exchange_strong(&s->state, &before,
                                        rc == 0 ? FOUND : NOT_FOUND))
        free(s);
    (void)atomic_fetch_sub(&seeking, 1u);
    return NULL;
}

/* A thread that takes no signals and that nobody waits for. */
static bool start_thread(struct mc_memcached_seek *s)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int rc;

    if (pthread_attr_init(&attr) != 0)
        return false;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, &attr, look_up, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return rc == 0;
}

static void begin(struct mc_memcached_seek **seek, const char *host)
{
    struct mc_memcached_seek *s = NULL;
    bool room;

    (void)pthread_once(&prepared, prepare);
    room = atomic_fetch_add(&seeking, 1u) < MC_MEMCACHED_SEEKS_MAX;
    if (room)
        s = calloc(1, sizeof(*s));
    if (s != NULL) {
        (void)snprintf(s->host, sizeof(s->host), "%s", host);
        atomic_init(&s->state, SEEKING);
    }
    if (s != NULL && start_thread(s)) {
        *seek = s;
        return;
    }
    free(s);
    (void)atomic_fetch_sub(&seeking, 1u);
}

int mc_memcached_find(struct mc_memcached_seek **seek, const char *host,
                      char ret_digits[MC_MEMCACHED_DIGIT_MAX])
{
    struct mc_memcached_seek *s = *seek;
    int state;

    if (is_digits(host) || strcmp(host, "localhost") == 0) {
        (void)snprintf(ret_digits, MC_MEMCACHED_DIGIT_MAX, "%.45s",
                       is_digits(host) ? host : "127.0.0.1");
        return 0;
    }
    if (s == NULL) {
        begin(seek, host);
        return MCOS_E_AWAY;
    }
    state = atomic_load(&s->state);
    if (state == SEEKING)
        return MCOS_E_AWAY;
    if (state == FOUND)
        (void)snprintf(ret_digits, MC_MEMCACHED_DIGIT_MAX, "%s", s->digits);
    free(s);
    *seek = NULL; /* the next time it is looked up anew: it may have moved */
    return state == FOUND ? 0 : MCOS_E_AWAY;
}

void mc_memcached_seek_free(struct mc_memcached_seek *seek)
{
    int before = SEEKING;

    if (seek != NULL &&
        !atomic_compare_exchange_strong(&seek->state, &before, LEFT_ALONE))
        free(seek);
}
