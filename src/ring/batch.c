/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/batch.c -- look-ups by the batch, a chunk of keys at a time.
 *
 * Three passes over a chunk, so that nothing waits for what was begun a moment ago:
 * join the names into one room, hash them and ask for their rows, read the rows.
 */
#include "ring/batch.h"

#include "ring/handoff.h"
#include "ring/ring_in.h"

#include <string.h>

#define CHUNK_KEYS  64u
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
    enum mc_md5_way way;
};

/* Keys first .. first + count - 1, and those of them whose names are in the room. */
struct chunk {
    size_t first;
    size_t count;
    size_t names;
    size_t used; /* bytes of the room */
    uint8_t which[CHUNK_KEYS];
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

static void answer(struct batch *b, size_t i, int err, uint32_t part)
{
    b->parts[i] = err == 0 ? part : MC_PART_NONE;
    b->failed += err != 0;
    if (b->errs != NULL)
        b->errs[i] = err;
}

static void ask_alone(struct batch *b, size_t i)
{
    uint32_t part = MC_PART_NONE;
    int err = mc_lookup_part_fast(b->ring, b->secret, &b->keys[i], &part);

    answer(b, i, err, part);
}

/* Joins the names of the next keys, as many as there is room for. */
static void join(struct batch *b, struct chunk *c)
{
    const struct mc_secret *secret = b->secret;
    const bool md5 = b->ring->head.hash == MC_HASH_SWIFT_MD5;
    const size_t more = md5 ? secret->prefix.len + secret->suffix.len + 1 : 0;
    size_t most = b->count - c->first < CHUNK_KEYS ? b->count - c->first : CHUNK_KEYS;
    size_t i;

    c->names = 0;
    c->used = 0;
    for (i = 0; i < most; i++) {
        const struct mc_key *key = &b->keys[c->first + i];
        const size_t bytes = name_bytes(key) + more;
        uint8_t *const start = c->room + c->used;
        uint8_t *to = start;
        size_t room;

        if (bytes > CHUNK_BYTES - MC_MD5_BLOCK ||
            (key->object.len != 0 && key->container.len == 0)) {
            ask_alone(b, c->first + i);
            continue;
        }
        room = md5 ? (size_t)mc_md5_blocks(bytes) * MC_MD5_BLOCK : bytes;
        if (room > CHUNK_BYTES - c->used)
            break;
        c->name[c->names] = (struct mc_bytes){start, bytes};
        c->which[c->names++] = (uint8_t)i;
        c->used += room;
        if (md5) {
            to = put(to, secret->prefix);
            *to++ = '/';
            to = put_name(to, key);
            (void)put(to, secret->suffix);
            mc_md5_pad(start, bytes);
        } else {
            (void)put_name(to, key);
        }
    }
    c->count = i;
}

static void found(struct batch *b, size_t i, uint32_t part)
{
    const struct mc_head *head = &b->ring->head;

    __builtin_prefetch(b->ring->table + (size_t)part * head->stride * head->id_bytes);
    answer(b, i, 0, part);
}

static void hash_md5(struct batch *b, const struct chunk *c)
{
    struct mc_md5_message message[CHUNK_KEYS];
    uint8_t digest[CHUNK_KEYS][MC_MD5_BYTES];

    for (size_t i = 0; i < c->names; i++)
        message[i] =
            (struct mc_md5_message){c->name[i].ptr, mc_md5_blocks(c->name[i].len)};
    mc_md5_lanes(b->way, digest, message, c->names);
    for (size_t i = 0; i < c->names; i++)
        found(b, c->first + c->which[i],
              mc_part_of_md5(digest[i], b->ring->head.part_power));
}

static void hash_xxh3(struct batch *b, const struct chunk *c)
{
    const unsigned power = b->ring->head.part_power;

    for (size_t i = 0; i < c->names; i++) {
        uint64_t hash = mc_xxh3_64(c->name[i]);

        found(b, c->first + c->which[i],
              power == 0 ? 0 : (uint32_t)(hash >> (64 - power)));
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

    for (size_t i = c->first; i < c->first + c->count; i++) {
        const uint8_t *row = b->ring->table + (size_t)b->parts[i] * stride * id_bytes;
        uint32_t *ids = b->ids + i * stride;

        if (b->parts[i] == MC_PART_NONE)
            memset(ids, 0xff, stride * sizeof(*ids));
        else if (stride == 3 && id_bytes == 2)
            read_row(ids, row, 3, 2); /* what most rings have, without loops */
        else
            read_row(ids, row, stride, id_bytes);
    }
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
                      .way = way};
    struct chunk c;

    if (ring->head.tombstone) {
        for (size_t i = 0; i < count; i++)
            answer(&b, i, MCOS_E_DELETED, MC_PART_NONE);
        return count;
    }
    for (c.first = 0; c.first < count; c.first += c.count) {
        join(&b, &c);
        if (ring->head.hash == MC_HASH_SWIFT_MD5)
            hash_md5(&b, &c);
        else
            hash_xxh3(&b, &c);
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
