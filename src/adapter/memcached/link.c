/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/memcached/link.c -- libmemcached, held on a short leash. */
#include "adapter/memcached/link.h"

#include <libmemcached/memcached.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of one allocation of the library: the largest item we read, and room to grow. */
#define ALLOC_MAX ((size_t)4 << 20)

struct mc_link {
    struct mc_memcached_address address;
    struct mc_memcached_seek *seek;
    memcached_st *mc;                    /* NULL: not connected */
    bool proven;                         /* something was answered on this connection */
    char digits[MC_MEMCACHED_DIGIT_MAX]; /* of a host, while they are good; or "" */
    char trouble[256];
};

/* One command, and what it is about. */
struct command {
    memcached_return_t (*run)(memcached_st *mc, struct command *command);
    const char *key;
    struct mc_bytes value;
    unsigned expire_s;
    uint64_t cas;
    struct mc_buf *into;
    uint64_t ret_cas;
    bool too_big;
};

/* ---- memory ---- */

static void *give(const memcached_st *mc, const size_t n, void *ctx)
{
    (void)mc;
    (void)ctx;
    return n > ALLOC_MAX ? NULL : malloc(n);
}

static void take_back(const memcached_st *mc, void *p, void *ctx)
{
    (void)mc;
    (void)ctx;
    free(p);
}

static void *give_more(const memcached_st *mc, void *p, const size_t n, void *ctx)
{
    (void)mc;
    (void)ctx;
    return n > ALLOC_MAX ? NULL : realloc(p, n);
}

static void *give_zero(const memcached_st *mc, size_t count, const size_t n, void *ctx)
{
    (void)mc;
    (void)ctx;
    return n != 0 && count > ALLOC_MAX / n ? NULL : calloc(count, n);
}

/* ---- connection ---- */

static void cut(struct mc_link *link)
{
    if (link->mc != NULL)
        memcached_free(link->mc);
    link->mc = NULL;
    if (!link->proven)
        link->digits[0] = '\0'; /* nobody there: the name may have moved */
    link->proven = false;
}

static int prepare(struct mc_link *link)
{
    static const struct {
        memcached_behavior_t what;
        uint64_t value;
    } settings[] = {
        /* Over text the library asserts that a server's words fit the question. */
        {MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 1},
        {MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1},
        {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1}, /* or 40 ms for a large set */
        {MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, MC_LINK_WAIT_MS},
        {MEMCACHED_BEHAVIOR_POLL_TIMEOUT, MC_LINK_WAIT_MS},
        {MEMCACHED_BEHAVIOR_SND_TIMEOUT, MC_LINK_WAIT_MS * 1000u},
        {MEMCACHED_BEHAVIOR_RCV_TIMEOUT, MC_LINK_WAIT_MS * 1000u},
    };
    memcached_return_t rc;

    if (link->address.path[0] == '\0' && link->digits[0] == '\0' &&
        mc_memcached_find(&link->seek, link->address.host, link->digits) != 0) {
        link->digits[0] = '\0';
        (void)snprintf(link->trouble, sizeof(link->trouble),
                       "the address of %.150s is not known (yet)", link->address.host);
        return MCOS_E_AWAY;
    }
    link->mc = memcached_create(NULL);
    if (link->mc == NULL)
        return MCOS_E_NOMEM;
    rc = memcached_set_memory_allocators(link->mc, give, take_back, give_more,
                                         give_zero, NULL);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (rc == MEMCACHED_SUCCESS)
            rc = memcached_behavior_set(link->mc, settings[i].what, settings[i].value);
    }
    if (rc == MEMCACHED_SUCCESS)
        rc = link->address.path[0] != '\0'
                 ? memcached_server_add_unix_socket(link->mc, link->address.path)
                 : memcached_server_add(link->mc, link->digits, link->address.port);
    if (rc == MEMCACHED_SUCCESS)
        return 0;
    cut(link);
    return MCOS_E_NOMEM;
}

int mc_link_new(const struct mc_memcached_address *address, struct mc_link **ret_link)
{
    struct mc_link *link = calloc(1, sizeof(*link));

    if (link == NULL)
        return MCOS_E_NOMEM;
    link->address = *address;
    *ret_link = link;
    return 0;
}

void mc_link_free(struct mc_link *link)
{
    if (link == NULL)
        return;
    cut(link);
    mc_memcached_seek_free(link->seek);
    free(link);
}

/* ---- commands ---- */

static int meaning(memcached_return_t rc, const struct command *command)
{
    if (command->too_big)
        return MCOS_E_TOOBIG;
    switch (rc) {
    case MEMCACHED_SUCCESS:
        return 0;
    case MEMCACHED_NOTFOUND:
        return MCOS_E_NOTFOUND;
    case MEMCACHED_NOTSTORED:
        return MCOS_E_EXISTS;
    case MEMCACHED_DATA_EXISTS:
        return command->cas != 0 ? MCOS_E_STALE : MCOS_E_EXISTS;
    case MEMCACHED_E2BIG:
        return MCOS_E_TOOBIG;
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return MCOS_E_FULL;
    case MEMCACHED_MEMORY_ALLOCATION_FAILURE:
        /* Of the server when we store; when we read, an item beyond ALLOC_MAX. */
        return command->into != NULL ? MCOS_E_TOOBIG : MCOS_E_FULL;
    default:
        return MCOS_E_AWAY;
    }
}

static void tell(struct mc_link *link, int err, memcached_return_t rc)
{
    char where[MC_MEMCACHED_UNIX_MAX + MC_MEMCACHED_HOST_MAX + 16];
    const char *why = memcached_strerror(link->mc, rc);

    mc_memcached_address_format(&link->address, where, sizeof(where));
    if (err == MCOS_E_AWAY)
        (void)snprintf(link->trouble, sizeof(link->trouble),
                       "memcached at %.100s does not answer: %.120s", where,
                       why == NULL ? "" : why);
    else
        (void)snprintf(link->trouble, sizeof(link->trouble), "memcached at %.100s: %s",
                       where, mcos_err_text(err));
    for (char *c = link->trouble; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == '"')
            *c = ' '; /* it goes into a line between quotes */
    }
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static int run(struct mc_link *link, struct command *command)
{
    bool again = true;

    link->trouble[0] = '\0';
    for (;;) {
        size_t start = command->into == NULL ? 0 : command->into->len;
        uint64_t began = now_ms();
        bool old = link->proven;
        int err = link->mc == NULL ? prepare(link) : 0;
        memcached_return_t rc;

        if (err != 0)
            return err;
        rc = command->run(link->mc, command);
        err = meaning(rc, command);
        if (err == MCOS_E_TOOBIG && command->into != NULL && !command->too_big) {
            tell(link, err, rc);
            link->proven = true;
            cut(link); /* what we would not take still lies on the line */
            return err;
        }
        if (err != MCOS_E_AWAY) {
            if (err != 0)
                tell(link, err, rc);
            link->proven = true;
            return err;
        }
        tell(link, err, rc);
        cut(link);
        if (command->into != NULL)
            command->into->len = start;
        if (!again || !old || now_ms() - began >= MC_LINK_WAIT_MS / 2)
            return err;
        again = false;
    }
}

static memcached_return_t do_get(memcached_st *mc, struct command *command)
{
    const char *keys[1] = {command->key};
    size_t lengths[1] = {strlen(command->key)};
    memcached_return_t rc = memcached_mget(mc, keys, lengths, 1);
    memcached_return_t end;
    memcached_result_st *result;
    bool found = false;

    if (rc != MEMCACHED_SUCCESS)
        return rc;
    while ((result = memcached_fetch_result(mc, NULL, &rc)) != NULL) {
        size_t n = memcached_result_length(result);
        struct mc_buf *b = command->into;

        command->ret_cas = memcached_result_cas(result);
        if (!found && (b->max == 0 || n <= b->max - b->len))
            mc_buf_put(b, memcached_result_value(result), n);
        else
            command->too_big = true;
        found = true;
        memcached_result_free(result);
    }
    end = rc;
    if (end != MEMCACHED_END && end != MEMCACHED_NOTFOUND && end != MEMCACHED_SUCCESS)
        return end;
    return found ? MEMCACHED_SUCCESS : MEMCACHED_NOTFOUND;
}

int mc_link_get(struct mc_link *link, const char *key, struct mc_buf *b,
                uint64_t *ret_cas)
{
    struct command command = {.run = do_get, .key = key, .into = b};
    int err = run(link, &command);

    *ret_cas = command.ret_cas;
    return err == 0 ? b->err : err;
}

static memcached_return_t do_set(memcached_st *mc, struct command *command)
{
    return memcached_set(mc, command->key, strlen(command->key),
                         (const char *)command->value.ptr, command->value.len, 0, 0);
}

int mc_link_set(struct mc_link *link, const char *key, struct mc_bytes value)
{
    struct command command = {.run = do_set, .key = key, .value = value};

    return run(link, &command);
}

static memcached_return_t do_add(memcached_st *mc, struct command *command)
{
    return memcached_add(mc, command->key, strlen(command->key),
                         (const char *)command->value.ptr, command->value.len,
                         (time_t)command->expire_s, 0);
}

int mc_link_add(struct mc_link *link, const char *key, struct mc_bytes value,
                unsigned expire_s)
{
    struct command command = {
        .run = do_add, .key = key, .value = value, .expire_s = expire_s};

    return run(link, &command);
}

static memcached_return_t do_cas(memcached_st *mc, struct command *command)
{
    return memcached_cas(mc, command->key, strlen(command->key),
                         (const char *)command->value.ptr, command->value.len, 0, 0,
                         command->cas);
}

int mc_link_cas(struct mc_link *link, const char *key, struct mc_bytes value,
                uint64_t cas)
{
    struct command command = {.run = do_cas, .key = key, .value = value, .cas = cas};

    return run(link, &command);
}

static memcached_return_t do_touch(memcached_st *mc, struct command *command)
{
    return memcached_touch(mc, command->key, strlen(command->key),
                           (time_t)command->expire_s);
}

int mc_link_touch(struct mc_link *link, const char *key, unsigned expire_s)
{
    struct command command = {.run = do_touch, .key = key, .expire_s = expire_s};

    return run(link, &command);
}

static memcached_return_t do_delete(memcached_st *mc, struct command *command)
{
    return memcached_delete(mc, command->key, strlen(command->key), 0);
}

int mc_link_delete(struct mc_link *link, const char *key)
{
    struct command command = {.run = do_delete, .key = key};

    return run(link, &command);
}

const char *mc_link_trouble(const struct mc_link *link)
{
    return link->trouble;
}
