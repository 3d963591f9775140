/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/batch.c -- look-ups by the batch, a chunk of keys at a time.
 *
 * Three passes over a chunk, so that nothing waits for what was begun a moment ago:
 * join the names into one room, hash them and ask for their rows, read the rows.
 */
#include "ring/batch.h"

#include "base/xxh3_inline.h"
#include "ring/handoff.h"
#include "ring/ring_in.h"

#include <string.h>

#define CHUNK_KEYS  64u   /* bits of `todo` */
#define CHUNK_BYTES 8192u /* names of a chunk; a longer one is looked up alone */

struct batch {
    const struct mc_ring *ring;
    const struct mc_secret *secret;
    const struct mc_key *keys;
    size_t count;
    uint32_t *parts;
    uint32_t *ids; /* or NULL */
    int *errs;     /* or NULL */
    size_t failed;
    size_t row_bytes;
    enum mc_md5_way way;
};

/* Keys first .. first + count - 1. */
struct chunk {
    size_t first;
    size_t count;
    uint64_t todo; /* a bit for each key whose name is to be hashed */
    uint32_t part[CHUNK_KEYS];
    struct mc_bytes name[CHUNK_KEYS];
    uint8_t room[CHUNK_BYTES + MC_MD5_BLOCK];
};

/* memcpy without a call, for runs that are short as a rule. Returns the end. */
static inline uint8_t *put(uint8_t *to, struct mc_bytes in)
{
    const uint8_t *from = in.ptr;
    size_t n = in.len;

    if (n >= 16) {
        for (size_t at = 0; at + 16 < n; at += 16)
            memcpy(to + at, from + at, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else if (n > 0) {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
    return to + n;
}

static inline uint8_t *put_name(uint8_t *to, const struct mc_key *key)
{
    to = put(to, key->account);
    if (key->container.len == 0)
        return to;
    *to++ = '/';
    to = put(to, key->container);
    if (key->object.len == 0)
        return to;
    *to++ = '/';
    return put(to, key->object);
}

static inline size_t name_bytes(const struct mc_key *key)
{
    return key->account.len + (key->container.len == 0 ? 0 : key->container.len + 1) +
           (key->object.len == 0 ? 0 : key->object.len + 1);
}

/* A key that is wrong, or too long for the room. */
static void ask_alone(struct batch *b, struct chunk *c, size_t i)
{
    const size_t at = c->first + i;
    int err;

    c->part[i] = MC_PART_NONE;
    err = mc_lookup_part_fast(b->ring, b->secret, &b->keys[at], &c->part[i]);
    b->failed += err != 0;
    if (b->errs != NULL)
        b->errs[at] = err;
}

/* Notes a partition, and asks memory for its row before anybody reads it. */
static inline void found(const struct batch *b, struct chunk *c, size_t i,
                         uint32_t part)
{
    c->part[i] = part;
    __builtin_prefetch(b->ring->table + part * b->row_bytes);
}

/* Joins the names of as many keys as there is room for; returns how many. */
static size_t join_md5(struct batch *b, struct chunk *c, size_t most)
{
    const struct mc_key *keys = b->keys + c->first;
    const struct mc_bytes prefix = b->secret->prefix;
    const struct mc_bytes suffix = b->secret->suffix;
    uint8_t *to = c->room;

    for (size_t i = 0; i < most; i++) {
        const size_t bytes = prefix.len + 1 + name_bytes(&keys[i]) + suffix.len;
        const size_t left = (size_t)(c->room + CHUNK_BYTES - to);
        uint8_t *start = to;

        if (!mc_key_ok(&keys[i]) || bytes > CHUNK_BYTES - MC_MD5_BLOCK) {
            ask_alone(b, c, i);
            continue;
        }
        if (mc_md5_blocks(bytes) * MC_MD5_BLOCK > left)
            return i;
        c->name[i] = (struct mc_bytes){start, bytes};
        c->todo |= 1ull << i;
        to = put(to, prefix);
        *to++ = '/';
        to = put_name(to, &keys[i]);
        (void)put(to, suffix);
        mc_md5_pad(start, bytes);
        to = start + mc_md5_blocks(bytes) * MC_MD5_BLOCK;
    }
    return most;
}

static void hash_md5(const struct batch *b, struct chunk *c)
{
    const unsigned power = b->ring->head.part_power;
    struct mc_md5_message message[CHUNK_KEYS];
    uint8_t digest[CHUNK_KEYS][MC_MD5_BYTES];
    size_t n = 0;

    for (uint64_t left = c->todo; left != 0; left &= left - 1) {
        const struct mc_bytes *name = &c->name[__builtin_ctzll(left)];

        message[n++] = (struct mc_md5_message){name->ptr, mc_md5_blocks(name->len)};
    }
    mc_md5_lanes(b->way, digest, message, n);
    n = 0;
    for (uint64_t left = c->todo; left != 0; left &= left - 1)
        found(b, c, (size_t)__builtin_ctzll(left), mc_part_of_md5(digest[n++], power));
}

static inline uint32_t part_of(struct mc_bytes name, unsigned power)
{
    return (uint32_t)(mc_xxh3_64_inline(name) >> 1 >> (63 - power));
}

/* As join_md5; a name of one piece is hashed at once and where it lies. */
static size_t join_xxh3(struct batch *b, struct chunk *c, size_t most)
{
    const struct mc_key *keys = b->keys + c->first;
    const unsigned power = b->ring->head.part_power;
    uint8_t *to = c->room;

    for (size_t i = 0; i < most; i++) {
        size_t bytes;

        if (keys[i].container.len == 0 && keys[i].object.len == 0 &&
            keys[i].account.len != 0) {
            found(b, c, i, part_of(keys[i].account, power));
            continue;
        }
        bytes = name_bytes(&keys[i]);
        if (!mc_key_ok(&keys[i]) || bytes > CHUNK_BYTES) {
            ask_alone(b, c, i);
            continue;
        }
        if (bytes > (size_t)(c->room + CHUNK_BYTES - to))
            return i;
        c->name[i] = (struct mc_bytes){to, bytes};
        c->todo |= 1ull << i;
        to = put_name(to, &keys[i]);
    }
    return most;
}

static void hash_xxh3(const struct batch *b, struct chunk *c)
{
    const unsigned power = b->ring->head.part_power;

    for (uint64_t left = c->todo; left != 0; left &= left - 1) {
        const size_t i = (size_t)__builtin_ctzll(left);

        found(b, c, i, part_of(c->name[i], power));
    }
}

/* What a partition lacks of replicas is last in its row (ring/check.c). */
static inline void read_row(uint32_t *ids, const uint8_t *row, unsigned stride,
                            unsigned id_bytes)
{
    for (unsigned r = 0; r < stride; r++) {
        if (id_bytes == 4) {
            ids[r] = mc_get_u32(row + 4 * (size_t)r);
            continue;
        }
        ids[r] = mc_get_u16(row + 2 * (size_t)r);
        ids[r] = ids[r] == UINT16_MAX ? MC_DEVICE_NONE : ids[r];
    }
}

static void read_rows(const struct batch *b, const struct chunk *c)
{
    const unsigned stride = b->ring->head.stride;
    const unsigned id_bytes = b->ring->head.id_bytes;
    uint32_t *ids = b->ids + c->first * stride;

    for (size_t i = 0; i < c->count; i++, ids += stride) {
        const uint8_t *row = b->ring->table + c->part[i] * b->row_bytes;

        if (c->part[i] == MC_PART_NONE)
            memset(ids, 0xff, stride * sizeof(*ids));
        else if (stride == 3 && id_bytes == 2)
            read_row(ids, row, 3, 2); /* what most rings have, without loops */
        else
            read_row(ids, row, stride, id_bytes);
    }
}

/* A tombstone has rows of no ids. */
static size_t refuse(const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        b->parts[i] = MC_PART_NONE;
        if (b->errs != NULL)
            b->errs[i] = MCOS_E_DELETED;
    }
    return b->count;
}

size_t mc_batch_lookup_by(enum mc_md5_way way, const struct mc_ring *ring,
                          const struct mc_secret *secret, const struct mc_key *keys,
                          size_t count, uint32_t *parts, uint32_t *ids, int *errs)
{
    struct batch b = {.ring = ring,
                      .secret = secret,
                      .keys = keys,
                      .count = count,
                      .parts = parts,
                      .ids = ids,
                      .errs = errs,
                      .row_bytes = (size_t)ring->head.stride * ring->head.id_bytes,
                      .way = way};
    struct chunk c;

    if (ring->head.tombstone)
        return refuse(&b);
    for (c.first = 0; c.first < count; c.first += c.count) {
        const size_t left = count - c.first;
        const size_t most = left < CHUNK_KEYS ? left : CHUNK_KEYS;

        c.todo = 0;
        if (errs != NULL)
            memset(errs + c.first, 0, most * sizeof(*errs));
        if (ring->head.hash == MC_HASH_SWIFT_MD5) {
            c.count = join_md5(&b, &c, most);
            hash_md5(&b, &c);
        } else {
            c.count = join_xxh3(&b, &c, most);
            hash_xxh3(&b, &c);
        }
        memcpy(parts + c.first, c.part, c.count * sizeof(*parts));
        if (ids != NULL)
            read_rows(&b, &c);
    }
    return b.failed;
}

size_t mc_batch_lookup(const struct mc_ring *ring, const struct mc_secret *secret,
                       const struct mc_key *keys, size_t count, uint32_t *parts,
                       uint32_t *ids, int *errs)
{
    return mc_batch_lookup_by(MC_MD5_BEST, ring, secret, keys, count, parts, ids, errs);
}
