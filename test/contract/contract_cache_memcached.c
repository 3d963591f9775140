/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcached keeps the promises of the port: a real server of our own, over a unix
 * socket and over TCP, with its items at 1 MB as it comes. It is killed, stopped
 * and written into by a stranger (libmemcached without our code).
 *
 *     contract_cache_memcached unix|tcp
 */
#include "adapter/memcached/cache.h"
#include "adapter/memcached/link.h"
#include "adapter/memcached/manifest.h"
#include "contract/contract_cache.h"
#include "contract/scratch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <libmemcached/memcached.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_MS 600u /* 200 to connect, 200 for an answer, and a busy machine */

int __real_mc_link_add(struct mc_link *link, const char *key, struct mc_bytes value,
                       unsigned expire_s);
int __real_mc_link_cas(struct mc_link *link, const char *key, struct mc_bytes value,
                       uint64_t cas);
int __wrap_mc_link_add(struct mc_link *link, const char *key, struct mc_bytes value,
                       unsigned expire_s);
int __wrap_mc_link_cas(struct mc_link *link, const char *key, struct mc_bytes value,
                       uint64_t cas);

struct server_world {
    struct contract_cache_world world; /* first */
    bool tcp;
    char folder[SCRATCH_MAX];
    char socket[SCRATCH_MAX + 8];
    char port[8];
    pid_t pid;
    memcached_st *stranger;
};

static const uint8_t systems[2][MC_UID_BYTES] = {{0xab, 0xcd, 1}, {0xab, 0xce, 1}};

/* ---- the moment between a look and a move ---- */

static void (*between)(void *ctx);
static void *between_ctx;

static void meanwhile(const char *key)
{
    void (*now)(void *ctx) = between;

    if (now == NULL || strstr(key, ":ring:") == NULL)
        return;
    between = NULL;
    now(between_ctx);
}

int __wrap_mc_link_add(struct mc_link *link, const char *key, struct mc_bytes value,
                       unsigned expire_s)
{
    meanwhile(key);
    return __real_mc_link_add(link, key, value, expire_s);
}

int __wrap_mc_link_cas(struct mc_link *link, const char *key, struct mc_bytes value,
                       uint64_t cas)
{
    meanwhile(key);
    return __real_mc_link_cas(link, key, value, cas);
}

static void interrupt(struct contract_cache_world *world, void (*what)(void *ctx),
                      void *ctx)
{
    (void)world;
    between = what;
    between_ctx = ctx;
}

/* ---- the server ---- */

static memcached_st *connect_to(const struct server_world *w)
{
    memcached_st *mc = memcached_create(NULL);

    assert(mc != NULL);
    (void)memcached_behavior_set(mc, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
    if (w->tcp)
        (void)memcached_server_add(mc, "127.0.0.1",
                                   (in_port_t)strtoul(w->port, NULL, 10));
    else
        (void)memcached_server_add_unix_socket(mc, w->socket);
    return mc;
}

static bool answers(const struct server_world *w)
{
    memcached_st *mc = connect_to(w);
    bool yes = memcached_version(mc) == MEMCACHED_SUCCESS;

    memcached_free(mc);
    return yes;
}

static bool start_server(struct server_world *w)
{
    w->pid = fork();
    if (w->pid == 0) {
        if (w->tcp)
            (void)execlp("memcached", "memcached", "-u", "root", "-l", "127.0.0.1",
                         "-p", w->port, "-U", "0", "-m", "256", (char *)NULL);
        else
            (void)execlp("memcached", "memcached", "-u", "root", "-s", w->socket, "-m",
                         "256", (char *)NULL);
        _exit(127);
    }
    for (unsigned i = 0; i < 500; i++) {
        if (answers(w))
            return true;
        (void)usleep(10000);
    }
    return false;
}

static void stop_server(struct server_world *w)
{
    if (w->pid > 0) {
        (void)kill(w->pid, SIGKILL);
        (void)waitpid(w->pid, NULL, 0);
    }
    w->pid = 0;
    (void)unlink(w->socket);
}

/* A port that nobody listens on now. */
static void choose_port(struct server_world *w)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    assert(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    (void)snprintf(w->port, sizeof(w->port), "%u", ntohs(a.sin_port));
    (void)close(fd);
}

/* ---- the world ---- */

static struct mc_cache *open_cache(const struct server_world *w, unsigned system)
{
    struct mc_memcached_config config;
    struct mc_cache *cache = NULL;
    char text[SCRATCH_MAX + 64];
    int err;

    if (w->tcp)
        (void)snprintf(text, sizeof(text), "memcached://127.0.0.1:%s", w->port);
    else
        (void)snprintf(text, sizeof(text), "memcached:unix:%s", w->socket);
    err = mc_memcached_address_parse(text, &config.address, NULL);
    assert(err == 0);
    memcpy(config.system, systems[system], MC_UID_BYTES);
    err = mc_memcached_open(&config, &cache);
    assert(err == 0);
    return cache;
}

static int fresh(struct contract_cache_world *world)
{
    struct server_world *w = (struct server_world *)world;

    between = NULL;
    if (!start_server(w))
        return -1;
    w->stranger = connect_to(w);
    world->one = open_cache(w, 0);
    world->two = open_cache(w, 0);
    world->other = open_cache(w, 1);
    return 0;
}

static void close_it(struct contract_cache_world *world)
{
    struct server_world *w = (struct server_world *)world;

    memcached_free(w->stranger);
    world->one->ops->close(world->one);
    world->two->ops->close(world->two);
    world->other->ops->close(world->other);
    stop_server(w);
}

static void down(struct contract_cache_world *world, bool on)
{
    struct server_world *w = (struct server_world *)world;

    if (on)
        stop_server(w);
    else if (!start_server(w))
        abort();
}

static void hang(struct contract_cache_world *world, bool on)
{
    pid_t pid = ((struct server_world *)world)->pid;
    int status;

    (void)kill(pid, on ? SIGSTOP : SIGCONT);
    if (on) /* it may go on for a moment after the signal was sent */
        (void)waitpid(pid, &status, WUNTRACED);
}

/* ---- the stranger ---- */

static void store(struct server_world *w, const char *key, const void *bytes, size_t n)
{
    memcached_return_t rc =
        memcached_set(w->stranger, key, strlen(key), bytes, n, 0, 0);

    assert(rc == MEMCACHED_SUCCESS);
}

static void drop(struct server_world *w, const char *key)
{
    memcached_return_t rc = memcached_delete(w->stranger, key, strlen(key), 0);

    assert(rc == MEMCACHED_SUCCESS);
}

static char *load(struct server_world *w, const char *key, size_t *ret_bytes)
{
    memcached_return_t rc;
    uint32_t flags;
    char *value = memcached_get(w->stranger, key, strlen(key), ret_bytes, &flags, &rc);

    assert(value != NULL);
    return value;
}

/* The bytes under `from` go to `key`, longer by more (or shorter), and with one
 * bit of the byte `at` changed (-1: none). */
static void copy(struct server_world *w, const char *from, const char *key, long more,
                 long at, unsigned mask)
{
    size_t n;
    char *value = load(w, from, &n);
    char *bytes = calloc(1, n + (more > 0 ? (size_t)more : 0));

    assert(bytes != NULL);
    memcpy(bytes, value, n);
    if (at >= 0)
        bytes[at] = (char)(bytes[at] ^ (char)mask);
    store(w, key, bytes, (size_t)((long)n + more));
    free(bytes);
    free(value);
}

static void harm(struct contract_cache_world *world, const struct mc_ring *ring,
                 enum contract_cache_harm what, const struct mc_ring *other)
{
    struct server_world *w = (struct server_world *)world;
    struct mc_manifest m = mc_manifest_of(ring, systems[0]);
    uint32_t last = m.piece_count - 1;
    char ring_key[MC_CACHE_KEY_BYTES];
    char piece[MC_CACHE_KEY_BYTES];
    char from[MC_CACHE_KEY_BYTES];
    static char big[100000];
    struct mc_buf b = {0};

    mc_cache_ring_key(ring_key, systems[0], m.name.s);
    mc_cache_piece_key(piece, systems[0], m.stamp.digest, last);
    switch (what) {
    case HARM_MANIFEST_GONE:
        drop(w, ring_key);
        break;
    case HARM_MANIFEST_FOREIGN:
        store(w, ring_key, "hello", 5);
        break;
    case HARM_MANIFEST_LARGE:
        store(w, ring_key, big, sizeof(big));
        break;
    case HARM_MANIFEST_OTHER:
        m = mc_manifest_of(other, systems[0]);
        mc_manifest_encode(&b, &m);
        store(w, ring_key, b.ptr, b.len);
        mc_buf_fini(&b);
        break;
    case HARM_MANIFEST_BIT:
        copy(w, ring_key, ring_key, 0, 40, 1);
        break;
    case HARM_MANIFEST_LATER:
        copy(w, ring_key, ring_key, 7, 8, 3); /* format 2, and more behind it */
        break;
    case HARM_PIECE_GONE:
        drop(w, piece);
        break;
    case HARM_PIECE_FOREIGN:
        store(w, piece, "hello", 5);
        break;
    case HARM_PIECE_SHORT:
        copy(w, piece, piece, -1, -1, 0);
        break;
    case HARM_PIECE_LONG:
        copy(w, piece, piece, 1, -1, 0);
        break;
    case HARM_PIECE_BIT:
        copy(w, piece, piece, 0, 100, 1);
        break;
    case HARM_PIECE_MIXED:
        m = mc_manifest_of(other, systems[0]);
        mc_cache_piece_key(piece, systems[0], mc_ring_head(ring)->digest, 0);
        mc_cache_piece_key(from, systems[0], m.stamp.digest, 0);
        copy(w, from, piece, 0, -1, 0);
        break;
    }
}

int main(int argc, char **argv)
{
    struct server_world w = {.world = {.name = "memcached",
                                       .fresh = fresh,
                                       .close = close_it,
                                       .harm = harm,
                                       .down = down,
                                       .hang = hang,
                                       .interrupt = interrupt,
                                       .call_ms = CALL_MS}};
    int failed;

    w.tcp = argc > 1 && strcmp(argv[1], "tcp") == 0;
    if (!scratch_make(w.folder))
        return 1;
    (void)snprintf(w.socket, sizeof(w.socket), "%s/s", w.folder);
    choose_port(&w);
    (void)signal(SIGPIPE, SIG_IGN);
    failed = contract_cache_run(&w.world);
    scratch_remove(w.folder);
    return failed;
}
