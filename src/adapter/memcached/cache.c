/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/memcached/cache.c -- keys, and a cache's life. */
#include "adapter/memcached/cache.h"

#include "adapter/memcached/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SYSTEM_DIGITS 4u /* bytes of the system's id that a key names */

/* ---- keys ---- */

void mc_cache_ring_key(char dst[MC_CACHE_KEY_BYTES], const uint8_t system[MC_UID_BYTES],
                       const char *name)
{
    char sys[2 * SYSTEM_DIGITS + 1];

    mc_hex(sys, system, SYSTEM_DIGITS);
    (void)snprintf(dst, MC_CACHE_KEY_BYTES, "mcos:%s:ring:%s", sys, name);
}

void mc_cache_piece_key(char dst[MC_CACHE_KEY_BYTES],
                        const uint8_t system[MC_UID_BYTES],
                        const uint8_t digest[MC_DIGEST_BYTES], uint32_t piece)
{
    char sys[2 * SYSTEM_DIGITS + 1];
    char hex[2 * MC_DIGEST_BYTES + 1];

    mc_hex(sys, system, SYSTEM_DIGITS);
    mc_hex(hex, digest, MC_DIGEST_BYTES);
    (void)snprintf(dst, MC_CACHE_KEY_BYTES, "mcos:%s:piece:%s:%u", sys, hex, piece);
}

void mc_cache_fill_key(char dst[MC_CACHE_KEY_BYTES], const uint8_t system[MC_UID_BYTES],
                       const uint8_t digest[MC_DIGEST_BYTES])
{
    char sys[2 * SYSTEM_DIGITS + 1];
    char hex[2 * MC_DIGEST_BYTES + 1];

    mc_hex(sys, system, SYSTEM_DIGITS);
    mc_hex(hex, digest, MC_DIGEST_BYTES);
    (void)snprintf(dst, MC_CACHE_KEY_BYTES, "mcos:%s:fill:%s", sys, hex);
}

/* ---- what put and get share ---- */

int mc_memcached_say(struct mc_memcached *c, int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(c->trouble, sizeof(c->trouble), fmt, args);
    va_end(args);
    return err;
}

int mc_memcached_pass(struct mc_memcached *c, int err)
{
    return mc_memcached_say(c, err, "%s", mc_link_trouble(c->link));
}

uint64_t mc_memcached_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

int mc_memcached_look(struct mc_memcached *c, const char *name, struct mc_manifest *ret,
                      uint64_t *ret_cas)
{
    char key[MC_CACHE_KEY_BYTES];
    int err;

    mc_cache_ring_key(key, c->system, name);
    mc_buf_clear(&c->manifest);
    c->manifest.max = MC_MANIFEST_BYTES_MAX;
    err = mc_link_get(c->link, key, &c->manifest, ret_cas);
    if (err == MCOS_E_NOTFOUND)
        return mc_memcached_say(c, err, "no manifest of %s", name);
    if (err == MCOS_E_TOOBIG)
        return mc_memcached_say(c, MCOS_E_FORMAT, "%s holds what is not a manifest",
                                key);
    if (err != 0)
        return mc_memcached_pass(c, err);
    err = mc_manifest_decode((struct mc_bytes){c->manifest.ptr, c->manifest.len}, ret);
    if (err == MCOS_E_UPGRADE && memcmp(ret->system, c->system, MC_UID_BYTES) == 0)
        return mc_memcached_say(c, err, "%s was written by a later version", key);
    if (err == 0 && (memcmp(ret->system, c->system, MC_UID_BYTES) != 0 ||
                     strcmp(ret->name.s, name) != 0))
        err = MCOS_E_FORMAT;
    if (err != 0)
        return mc_memcached_say(c, err == MCOS_E_DIGEST ? err : MCOS_E_FORMAT,
                                "%s holds what is not its manifest", key);
    return 0;
}

/* ---- life ---- */

static int ping(struct mc_cache *cache)
{
    struct mc_memcached *c = (struct mc_memcached *)cache;
    char key[MC_CACHE_KEY_BYTES];
    uint64_t cas;
    int err;

    c->trouble[0] = '\0';
    mc_cache_ring_key(key, c->system, "");
    mc_buf_clear(&c->piece);
    c->piece.max = MC_PIECE_BYTES;
    err = mc_link_get(c->link, key, &c->piece, &cas);
    return err == MCOS_E_AWAY ? mc_memcached_pass(c, err) : 0;
}

static const char *trouble(const struct mc_cache *cache)
{
    return ((const struct mc_memcached *)cache)->trouble;
}

static void close_it(struct mc_cache *cache)
{
    struct mc_memcached *c = (struct mc_memcached *)cache;

    mc_link_free(c->link);
    mc_buf_fini(&c->manifest);
    mc_buf_fini(&c->piece);
    free(c);
}

static const struct mc_cache_ops ops = {.put = mc_memcached_put,
                                        .get = mc_memcached_get,
                                        .ping = ping,
                                        .trouble = trouble,
                                        .close = close_it};

int mc_memcached_open(const struct mc_memcached_config *config,
                      struct mc_cache **ret_cache)
{
    struct mc_memcached *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return MCOS_E_NOMEM;
    c->cache.ops = &ops;
    memcpy(c->system, config->system, MC_UID_BYTES);
    if (mc_link_new(&config->address, &c->link) != 0) {
        free(c);
        return MCOS_E_NOMEM;
    }
    *ret_cache = &c->cache;
    return 0;
}
