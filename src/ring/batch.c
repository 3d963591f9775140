/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/batch.c -- look-ups by the batch, a chunk of keys at a time.
 *
 * Nothing waits for what was begun a moment ago: a name is joined in one room a few
 * names before it is hashed, its row is asked for as soon as its partition is known,
 * and the rows of a chunk are read when the next chunk is hashed.
 */
#include "ring/batch.h"

#include "base/xxh3_inline.h"
#include "ring/handoff.h"
#include "ring/ring_in.h"

#include <string.h>

#define CHUNK_KEYS  64u
#define CHUNK_BYTES 8192u /* names of a chunk; a longer one is looked up alone */
#define FLATTEN     __attribute__((flatten)) /* of libxxhash's functions: no calls */
#define STEP        16u
#define LAG         8u /* names joined before the first of them is hashed */

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
    unsigned power;
    enum mc_md5_way way;
    const struct frame *frame; /* of MD5; NULL: the secret is too long for one */
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

/* Of a key that is not wrong. */
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
    return key->account.len + key->container.len + (key->container.len != 0) +
           key->object.len + (key->object.len != 0);
}

/* A key that is wrong, or too long for the room. */
static void ask_alone(struct batch *b, size_t i)
{
    int err;

    b->parts[i] = MC_PART_NONE;
    err = mc_lookup_part_fast(b->ring, b->secret, &b->keys[i], &b->parts[i]);
    b->failed += err != 0;
    if (b->errs != NULL)
        b->errs[i] = err;
}

static size_t ask_singly(struct batch *b, size_t first, size_t most)
{
    for (size_t i = first; i < first + most; i++)
        ask_alone(b, i);
    return most;
}

/*
 * Notes a partition, and asks memory for its row before anybody reads it: one of
 * three ids begins in one line of the cache and ends in another in one case of twelve.
 */
static inline void found(const struct batch *b, size_t i, uint32_t part)
{
    const uint8_t *row = b->ring->table + part * b->row_bytes;

    b->parts[i] = part;
    __builtin_prefetch(row);
    __builtin_prefetch(row + b->row_bytes - 1);
}

/* What MD5 is given before each name and after it, padding included. */
struct frame {
    size_t before; /* bytes of the prefix and a slash */
    size_t after;  /* of the suffix alone */
    uint8_t prefix[MC_SECRET_MAX + 1 + STEP];
    uint8_t suffix[MC_SECRET_MAX + MC_MD5_BLOCK + STEP];
};

/* Whether the secret fits. */
static bool frame_fill(struct frame *f, const struct mc_secret *secret)
{
    if (secret->prefix.len > MC_SECRET_MAX || secret->suffix.len > MC_SECRET_MAX)
        return false;
    f->before = secret->prefix.len + 1;
    f->after = secret->suffix.len;
    (void)put(f->prefix, secret->prefix);
    f->prefix[secret->prefix.len] = '/';
    memset(f->prefix + f->before, 0, STEP);
    (void)put(f->suffix, secret->suffix);
    memset(f->suffix + f->after, 0, MC_MD5_BLOCK + STEP);
    f->suffix[f->after] = 0x80;
    return true;
}

/* At least one step; what is past the end means nothing, and both sides have room. */
static inline void put_steps(uint8_t *to, const uint8_t *from, size_t bytes)
{
    size_t at = 0;

    do {
        memcpy(to + at, from + at, STEP);
        at += STEP;
    } while (at < bytes);
}

/* The message of a name, at `to`. */
static inline void put_message(uint8_t *to, const struct frame *f,
                               const struct mc_key *key, size_t bytes)
{
    uint8_t *end;

    put_steps(to, f->prefix, f->before);
    end = put_name(to + f->before, key);
    put_steps(end, f->suffix, f->after + MC_MD5_BLOCK);
    mc_set_u64(to + mc_md5_blocks(bytes) * MC_MD5_BLOCK - 8, (uint64_t)bytes * 8);
}

/* Keys from `first` on, as many as there is room for; returns how many. */
static size_t ask_md5(struct batch *b, size_t first, size_t most)
{
    const struct frame *f = b->frame;
    struct mc_md5_message message[CHUNK_KEYS];
    uint8_t digest[CHUNK_KEYS][MC_MD5_BYTES];
    uint8_t which[CHUNK_KEYS];
    uint8_t room[CHUNK_BYTES + MC_MD5_BLOCK + STEP];
    uint8_t *to = room;
    size_t joined = 0;
    size_t i;

    for (i = 0; i < most; i++) {
        const struct mc_key *key = &b->keys[first + i];
        const size_t bytes = f->before + name_bytes(key) + f->after;
        const size_t whole = (size_t)mc_md5_blocks(bytes) * MC_MD5_BLOCK;

        if (!mc_key_ok(key) || bytes > CHUNK_BYTES - MC_MD5_BLOCK) {
            ask_alone(b, first + i);
            continue;
        }
        if (whole > (size_t)(room + CHUNK_BYTES - to))
            break;
        which[joined] = (uint8_t)i;
        message[joined++] = (struct mc_md5_message){to, mc_md5_blocks(bytes)};
        put_message(to, f, key, bytes);
        to += whole;
    }
    mc_md5_lanes(b->way, digest, message, joined);
    for (size_t n = 0; n < joined; n++)
        found(b, first + which[n], mc_part_of_md5(digest[n], b->power));
    return i;
}

static inline uint32_t part_of(struct mc_bytes name, unsigned power)
{
    return (uint32_t)(mc_xxh3_64_inline(name) >> 1 >> (63 - power));
}

/*
 * As ask_md5; a name of one piece is hashed at once and where it lies. The others wait
 * until what was written of them has reached memory: only then can more bytes be read
 * at once than were written at once.
 */
FLATTEN static size_t ask_xxh3(struct batch *b, size_t first, size_t most)
{
    struct mc_bytes name[CHUNK_KEYS];
    uint8_t which[CHUNK_KEYS];
    uint8_t room[CHUNK_BYTES];
    uint8_t *to = room;
    size_t joined = 0;
    size_t hashed = 0;
    size_t i;

    for (i = 0; i < most; i++) {
        const struct mc_key *key = &b->keys[first + i];
        size_t bytes;

        if (key->container.len == 0 && key->object.len == 0 && key->account.len != 0) {
            found(b, first + i, part_of(key->account, b->power));
            continue;
        }
        bytes = name_bytes(key);
        if (bytes > (size_t)(room + CHUNK_BYTES - to) && bytes <= CHUNK_BYTES)
            break;
        if (bytes > CHUNK_BYTES || !mc_key_ok(key)) {
            ask_alone(b, first + i);
            continue;
        }
        which[joined] = (uint8_t)i;
        name[joined++] = (struct mc_bytes){to, bytes};
        to = put_name(to, key);
        if (joined - hashed == LAG) {
            found(b, first + which[hashed], part_of(name[hashed], b->power));
            hashed++;
        }
    }
    for (; hashed < joined; hashed++)
        found(b, first + which[hashed], part_of(name[hashed], b->power));
    return i;
}

/* What a partition lacks of replicas is one, the last in its row (ring/check.c). */
static inline void read_row(uint32_t *ids, const uint8_t *row, unsigned stride,
                            unsigned id_bytes)
{
    const unsigned last = stride - 1;

    for (unsigned r = 0; r < stride; r++)
        ids[r] = id_bytes == 4 ? mc_get_u32(row + 4 * (size_t)r)
                               : mc_get_u16(row + 2 * (size_t)r);
    if (id_bytes == 2 && ids[last] == UINT16_MAX)
        ids[last] = MC_DEVICE_NONE;
}

/* Of keys first .. end - 1. */
static void read_rows(const struct batch *b, size_t first, size_t end)
{
    const unsigned stride = b->ring->head.stride;
    const unsigned id_bytes = b->ring->head.id_bytes;
    const uint8_t *table = b->ring->table;
    uint32_t *ids = b->ids + first * stride;

    for (size_t i = first; i < end; i++, ids += stride) {
        const uint8_t *row = table + b->parts[i] * b->row_bytes;

        if (b->parts[i] == MC_PART_NONE)
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
                      .power = ring->head.part_power,
                      .way = way};
    struct frame frame;
    size_t unread = 0; /* the first key whose row is not read yet */
    size_t first = 0;

    if (ring->head.tombstone)
        return refuse(&b);
    if (ring->head.hash == MC_HASH_SWIFT_MD5 && frame_fill(&frame, secret))
        b.frame = &frame;
    while (first < count) {
        const size_t left = count - first;
        const size_t most = left < CHUNK_KEYS ? left : CHUNK_KEYS;
        size_t asked;

        if (errs != NULL)
            memset(errs + first, 0, most * sizeof(*errs));
        if (ring->head.hash == MC_HASH_XXH3)
            asked = ask_xxh3(&b, first, most);
        else if (b.frame != NULL)
            asked = ask_md5(&b, first, most);
        else
            asked = ask_singly(&b, first, most);
        if (ids != NULL)
            read_rows(&b, unread, first);
        unread = first;
        first += asked;
    }
    if (ids != NULL)
        read_rows(&b, unread, count);
    return b.failed;
}

size_t mc_batch_lookup(const struct mc_ring *ring, const struct mc_secret *secret,
                       const struct mc_key *keys, size_t count, uint32_t *parts,
                       uint32_t *ids, int *errs)
{
    return mc_batch_lookup_by(MC_MD5_BEST, ring, secret, keys, count, parts, ids, errs);
}
