/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/memcached/put.c -- pieces first, the manifest last.
 *
 * So whatever a manifest names was there a moment before, and a writer that dies
 * half-way has changed nothing that a reader looks at.
 */
#include "adapter/memcached/state.h"

#include <string.h>

#define PUT_MS       100u /* then the rest is left to another call */
#define FILL_LOCK_S  5u   /* a filler that died holds nobody up for longer */
#define GRACE_S      60u  /* for who still reads the pieces of the record before */
#define MANIFEST_TRY 8u

/* What stands where our manifest is to be. */
enum there { THERE_NOTHING, THERE_FOREIGN, THERE_OLDER, THERE_SAME, THERE_NEWER };

static int look(struct mc_memcached *c, const struct mc_manifest *ours,
                enum there *ret_there, struct mc_manifest *ret_old, uint64_t *ret_cas)
{
    int err = mc_memcached_look(c, ours->name.s, ret_old, ret_cas);
    int order;

    if (err == MCOS_E_NOTFOUND) {
        *ret_there = THERE_NOTHING;
        return 0;
    }
    if (err == MCOS_E_FORMAT || err == MCOS_E_DIGEST) {
        *ret_there = THERE_FOREIGN;
        return *ret_cas != 0 ? 0 : MCOS_E_TOOBIG; /* see mc_link_get */
    }
    if (err != 0 && err != MCOS_E_UPGRADE)
        return err;
    order = mc_stamp_cmp(&ret_old->stamp, &ours->stamp);
    *ret_there = order > 0 ? THERE_NEWER : order < 0 ? THERE_OLDER : THERE_SAME;
    if (err == MCOS_E_UPGRADE)
        ret_old->piece_count = 0; /* how it is cut we do not know */
    return 0;
}

/* ---- pieces ---- */

static struct mc_bytes piece_of(const struct mc_ring *ring, const struct mc_manifest *m,
                                uint32_t i)
{
    const uint8_t *start = mc_blob_get(mc_ring_blob(ring)).ptr;

    return (struct mc_bytes){start + (size_t)i * m->piece_bytes,
                             mc_manifest_piece(m, i)};
}

/* Is it there, as far as can be told without fetching it? One piece of each visit
 * is fetched and compared, another one each time. */
static int piece_there(struct mc_memcached *c, const char *key, struct mc_bytes wanted,
                       bool compare, bool *ret_there)
{
    uint64_t cas;
    int err;

    if (compare) {
        mc_buf_clear(&c->piece);
        c->piece.max = wanted.len;
        err = mc_link_get(c->link, key, &c->piece, &cas);
        if (err == 0)
            *ret_there = c->piece.len == wanted.len &&
                         memcmp(c->piece.ptr, wanted.ptr, wanted.len) == 0;
        else if (err == MCOS_E_NOTFOUND || err == MCOS_E_TOOBIG)
            *ret_there = false;
        else
            return err;
        if (!*ret_there)
            return 0;
    }
    err = mc_link_touch(c->link, key, 0);
    *ret_there = err == 0;
    return err == MCOS_E_NOTFOUND ? 0 : err;
}

/* One filler at a time is enough: the others would send the same bytes. */
static int lock(struct mc_memcached *c, const struct mc_manifest *m, bool *ret_busy)
{
    static const uint8_t mark[1] = {'1'};
    char key[MC_CACHE_KEY_BYTES];
    int err;

    *ret_busy = false;
    if (c->fill.locked)
        return 0;
    mc_cache_fill_key(key, c->system, m->stamp.digest);
    err = mc_link_add(c->link, key, (struct mc_bytes){mark, 1}, FILL_LOCK_S);
    *ret_busy = err == MCOS_E_EXISTS;
    c->fill.locked = err == 0;
    return err == MCOS_E_EXISTS ? 0 : err;
}

static void end_fill(struct mc_memcached *c)
{
    char key[MC_CACHE_KEY_BYTES];

    if (c->fill.locked) {
        mc_cache_fill_key(key, c->system, c->fill.digest);
        (void)mc_link_delete(c->link, key); /* if not, it expires */
    }
    c->fill = (struct mc_fill){0};
}

static int put_pieces(struct mc_memcached *c, const struct mc_ring *ring,
                      const struct mc_manifest *m, uint64_t until,
                      enum mc_cache_put *ret_put)
{
    for (; c->fill.next < m->piece_count; c->fill.next++) {
        uint32_t i = c->fill.next;
        struct mc_bytes piece = piece_of(ring, m, i);
        char key[MC_CACHE_KEY_BYTES];
        bool had_lock = c->fill.locked;
        bool there = false;
        bool busy = false;
        int err;

        if (i > 0 && mc_memcached_now_ms() >= until) {
            *ret_put = MC_CACHE_MORE;
            return 0;
        }
        mc_cache_piece_key(key, c->system, m->stamp.digest, i);
        err = piece_there(c, key, piece, i == c->probe % m->piece_count, &there);
        if (err == 0 && !there)
            err = lock(c, m, &busy);
        if (err == 0 && busy) {
            *ret_put = MC_CACHE_BUSY;
            return 0;
        }
        /* Between our look and our lock another one may have filled all of it in. */
        if (err == 0 && !there && !had_lock)
            err = piece_there(c, key, piece, true, &there);
        if (err == 0 && !there)
            err = mc_link_set(c->link, key, piece);
        if (err != 0)
            return mc_memcached_pass(c, err);
        c->fill.wrote = c->fill.wrote || !there;
    }
    *ret_put = c->fill.wrote ? MC_CACHE_FILLED : MC_CACHE_HELD;
    return 0;
}

/* ---- manifest ---- */

/* The pieces of the record before go, but not under who reads them now. */
static void retire(struct mc_memcached *c, const struct mc_manifest *old,
                   uint64_t until)
{
    for (uint32_t i = 0; i < old->piece_count && mc_memcached_now_ms() < until; i++) {
        char key[MC_CACHE_KEY_BYTES];

        mc_cache_piece_key(key, c->system, old->stamp.digest, i);
        if (mc_link_touch(c->link, key, GRACE_S) == MCOS_E_AWAY)
            return;
    }
}

/* EXISTS, STALE or NOTFOUND: somebody moved it meanwhile. */
static int move(struct mc_memcached *c, const struct mc_manifest *ours,
                enum there there, uint64_t cas)
{
    char key[MC_CACHE_KEY_BYTES];
    struct mc_bytes value;
    int err;

    mc_cache_ring_key(key, c->system, ours->name.s);
    mc_buf_clear(&c->piece);
    c->piece.max = MC_MANIFEST_BYTES_MAX;
    mc_manifest_encode(&c->piece, ours);
    if (c->piece.err != 0)
        return c->piece.err;
    value = (struct mc_bytes){c->piece.ptr, c->piece.len};
    if (there == THERE_NOTHING)
        err = mc_link_add(c->link, key, value, 0);
    else
        err = mc_link_cas(c->link, key, value, cas);
    return err;
}

static int put_manifest(struct mc_memcached *c, const struct mc_manifest *ours,
                        enum mc_cache_put *put)
{
    for (unsigned i = 0; i < MANIFEST_TRY; i++) {
        struct mc_manifest old = {0};
        enum there there;
        uint64_t cas = 0;
        int err = look(c, ours, &there, &old, &cas);

        if (err != 0)
            return err;
        if (there == THERE_NEWER)
            *put = MC_CACHE_NEWER;
        if (there == THERE_NEWER || there == THERE_SAME)
            return 0;
        err = move(c, ours, there, cas);
        if (err == 0) {
            *put = MC_CACHE_FILLED;
            if (there == THERE_OLDER)
                retire(c, &old, mc_memcached_now_ms() + PUT_MS);
            return 0;
        }
        if (err != MCOS_E_EXISTS && err != MCOS_E_STALE && err != MCOS_E_NOTFOUND)
            return mc_memcached_pass(c, err);
    }
    *put = MC_CACHE_BUSY;
    return 0;
}

int mc_memcached_put(struct mc_cache *cache, const struct mc_ring *ring,
                     enum mc_cache_put *ret_put)
{
    struct mc_memcached *c = (struct mc_memcached *)cache;
    struct mc_manifest ours = mc_manifest_of(ring, c->system);
    uint64_t until = mc_memcached_now_ms() + PUT_MS;
    enum mc_cache_put put = MC_CACHE_HELD;
    struct mc_manifest old = {0};
    enum there there;
    uint64_t cas = 0;
    int err;

    c->trouble[0] = '\0';
    if (!c->fill.under_way ||
        memcmp(c->fill.digest, ours.stamp.digest, MC_DIGEST_BYTES) != 0) {
        end_fill(c);
        c->fill.under_way = true;
        memcpy(c->fill.digest, ours.stamp.digest, MC_DIGEST_BYTES);
        c->probe++;
    }
    err = look(c, &ours, &there, &old, &cas);
    if (err == 0 && there == THERE_NEWER)
        put = MC_CACHE_NEWER;
    else if (err == 0)
        err = put_pieces(c, ring, &ours, until, &put);
    if (err == 0 && there != THERE_SAME &&
        (put == MC_CACHE_HELD || put == MC_CACHE_FILLED))
        err = put_manifest(c, &ours, &put);
    if (err != 0)
        c->fill = (struct mc_fill){0}; /* from the start the next time */
    else if (put != MC_CACHE_MORE)
        end_fill(c);
    if (err != 0)
        return err;
    c->trouble[0] = '\0';
    *ret_put = put;
    return 0;
}
