/* SPDX-License-Identifier: Apache-2.0 */
/* sync/wire_talk.c -- bodies of the messages on the talk keys. */
#include "sync/wire_talk.h"

#include <assert.h>
#include <string.h>

enum { ENTRY_TOMBSTONE = 1, ENTRY_LOSER = 2 };
enum { ANNOUNCE_FULL = 1, ANNOUNCE_WHOLE = 2 };
enum { WANT_MEMBERS = 1 };
enum { WANT_LOSER = 1, WANT_HOLDS = 2 };
enum { PART_LAST = 1 };

static void take_raw(struct mc_reader *r, uint8_t *dst, size_t n)
{
    struct mc_bytes raw = mc_reader_take(r, n);

    if (raw.len != 0)
        memcpy(dst, raw.ptr, n);
}

/* ---- entries, buckets ---- */

void mc_entry_encode(struct mc_buf *b, const struct mc_entry *entry)
{
    mc_buf_u8(b, (uint8_t)((entry->tombstone ? ENTRY_TOMBSTONE : 0) |
                           (entry->loser ? ENTRY_LOSER : 0)));
    mc_buf_u16(b, entry->epoch);
    mc_buf_u64(b, entry->version);
    mc_buf_u64(b, entry->timestamp);
    mc_buf_put(b, entry->digest8, 8);
    mc_name_write(&entry->name, b);
}

bool mc_entry_decode(struct mc_reader *r, struct mc_entry *ret)
{
    struct mc_entry e = {0};
    unsigned flags;

    if (mc_reader_left(r) == 0)
        return false;
    flags = mc_reader_u8(r);
    e.tombstone = (flags & ENTRY_TOMBSTONE) != 0;
    e.loser = (flags & ENTRY_LOSER) != 0;
    e.epoch = mc_reader_u16(r);
    e.version = mc_reader_u64(r);
    e.timestamp = mc_reader_u64(r);
    take_raw(r, e.digest8, 8);
    mc_name_read(r, &e.name);
    if (e.version == 0 || e.version > MC_VERSION_MAX || e.timestamp == 0 ||
        e.timestamp > MC_TIMESTAMP_MAX)
        r->bad = true;
    if (r->bad)
        return false;
    *ret = e;
    return true;
}

int mc_entry_cmp(const struct mc_entry *a, const struct mc_entry *b)
{
    int c = strcmp(a->name.s, b->name.s);

    if (c == 0)
        c = (int)a->loser - (int)b->loser;
    if (c == 0 && a->epoch != b->epoch)
        c = a->epoch > b->epoch ? -1 : 1;
    if (c == 0 && a->version != b->version)
        c = a->version > b->version ? -1 : 1;
    if (c == 0 && a->timestamp != b->timestamp)
        c = a->timestamp > b->timestamp ? -1 : 1;
    return c != 0 ? c : memcmp(b->digest8, a->digest8, 8);
}

unsigned mc_bucket_of(const struct mc_name *name)
{
    struct mc_bytes text = {(const uint8_t *)name->s, strlen(name->s)};

    return (unsigned)(mc_xxh3_64(text) % MC_BUCKETS);
}

struct mc_sum mc_entry_sum(const struct mc_entry *entry)
{
    uint8_t raw[MC_ENTRY_BYTES];
    struct mc_buf b = {.ptr = raw, .cap = sizeof(raw), .max = sizeof(raw)};
    uint8_t hash[16];

    mc_entry_encode(&b, entry);
    assert(b.err == 0);
    mc_xxh3_128(hash, (struct mc_bytes){raw, b.len});
    return (struct mc_sum){{mc_get_u64(hash), mc_get_u64(hash + 8)}};
}

void mc_sums_digest(const struct mc_sum sums[MC_BUCKETS], uint8_t ret[16])
{
    uint8_t raw[MC_BUCKETS * 16];

    for (unsigned i = 0; i < MC_BUCKETS; i++) {
        mc_set_u64(raw + 16 * i, sums[i].lane[0]);
        mc_set_u64(raw + 16 * i + 8, sums[i].lane[1]);
    }
    mc_xxh3_128(ret, (struct mc_bytes){raw, sizeof(raw)});
}

/* ---- announce ---- */

size_t mc_announce_open(struct mc_buf *b, const struct mc_announce *a)
{
    size_t at;

    mc_buf_u8(
        b, (uint8_t)((a->full ? ANNOUNCE_FULL : 0) | (a->whole ? ANNOUNCE_WHOLE : 0)));
    mc_buf_u32(b, a->interval_ms);
    mc_buf_u32(b, a->uptime_ms);
    mc_buf_u32(b, a->ring_count);
    mc_buf_put(b, a->digest, sizeof(a->digest));
    mc_buf_str(b, a->region);
    mc_buf_str(b, a->zone);
    mc_buf_str(b, a->address);
    at = b->len;
    mc_buf_u32(b, 0);
    return at;
}

void mc_announce_close(struct mc_buf *b, size_t at, const struct mc_announce *a)
{
    if (b->err == 0)
        mc_set_u32(b->ptr + at, (uint32_t)(b->len - at - 4));
    for (unsigned i = 0; !a->whole && i < MC_BUCKETS; i++)
        mc_buf_u64(b, a->buckets[i]);
    mc_buf_u8(b, (uint8_t)(a->format == 0 ? MC_FORMAT_FIRST : a->format));
    mc_buf_str(b, a->program);
}

/* A text of a later version may be longer than we show: then nothing is shown. */
static void take_program(struct mc_reader *r, char program[MC_PROGRAM_BYTES])
{
    struct mc_bytes text = mc_reader_take(r, mc_reader_u16(r));

    if (r->bad || text.len >= MC_PROGRAM_BYTES ||
        memchr(text.ptr, '\0', text.len) != NULL)
        return;
    memcpy(program, text.ptr, text.len);
}

int mc_announce_decode(struct mc_bytes body, struct mc_announce *ret)
{
    struct mc_reader r = mc_reader_init(body);
    struct mc_announce a = {0};
    unsigned flags = mc_reader_u8(&r);

    a.full = (flags & ANNOUNCE_FULL) != 0;
    a.whole = (flags & ANNOUNCE_WHOLE) != 0;
    a.interval_ms = mc_reader_u32(&r);
    a.uptime_ms = mc_reader_u32(&r);
    a.ring_count = mc_reader_u32(&r);
    take_raw(&r, a.digest, sizeof(a.digest));
    mc_reader_str(&r, a.region, sizeof(a.region));
    mc_reader_str(&r, a.zone, sizeof(a.zone));
    mc_reader_str(&r, a.address, sizeof(a.address));
    a.entries = mc_reader_take(&r, mc_reader_u32(&r));
    for (unsigned i = 0; !a.whole && i < MC_BUCKETS; i++)
        a.buckets[i] = mc_reader_u64(&r);
    a.format = MC_FORMAT_FIRST;
    if (mc_reader_left(&r) > 0) {
        a.format = mc_reader_u8(&r);
        take_program(&r, a.program);
    }
    if (a.format == 0)
        a.format = MC_FORMAT_FIRST;
    if (r.bad || a.interval_ms == 0)
        return MCOS_E_FORMAT;
    *ret = a;
    return 0;
}

/* ---- want ---- */

size_t mc_want_open(struct mc_buf *b, bool members, uint64_t buckets)
{
    size_t at;

    mc_buf_u8(b, members ? WANT_MEMBERS : 0);
    mc_buf_u64(b, buckets);
    at = b->len;
    mc_buf_u16(b, 0);
    return at;
}

void mc_want_put(struct mc_buf *b, const struct mc_want_line *line)
{
    mc_buf_u8(b, (uint8_t)((line->loser ? WANT_LOSER : 0) |
                           (line->names_held ? WANT_HOLDS : 0)));
    mc_buf_put(b, line->digest8, 8);
    mc_name_write(&line->name, b);
}

void mc_want_put_held(struct mc_buf *b, const uint8_t held8[8])
{
    mc_buf_put(b, held8, 8);
}

void mc_want_close(struct mc_buf *b, size_t at, unsigned count)
{
    if (b->err == 0)
        mc_set_u16(b->ptr + at, (uint16_t)count);
}

int mc_want_decode(struct mc_bytes body, struct mc_want_head *ret,
                   struct mc_reader *ret_lines)
{
    struct mc_reader r = mc_reader_init(body);
    unsigned flags = mc_reader_u8(&r);
    uint64_t buckets = mc_reader_u64(&r);
    unsigned count = mc_reader_u16(&r);

    if (r.bad)
        return MCOS_E_FORMAT;
    *ret = (struct mc_want_head){(flags & WANT_MEMBERS) != 0, buckets, count};
    *ret_lines = r;
    return 0;
}

bool mc_want_next(struct mc_reader *r, struct mc_want_line *ret)
{
    struct mc_want_line line = {0};
    unsigned flags = mc_reader_u8(r);

    line.loser = (flags & WANT_LOSER) != 0;
    line.names_held = (flags & WANT_HOLDS) != 0;
    take_raw(r, line.digest8, 8);
    mc_name_read(r, &line.name);
    if (r->bad)
        return false;
    *ret = line;
    return true;
}

struct mc_reader mc_want_held(struct mc_reader lines, unsigned count)
{
    struct mc_want_line line;

    while (count-- > 0 && mc_want_next(&lines, &line)) {
    }
    return lines;
}

/* ---- list ---- */

size_t mc_list_open(struct mc_buf *b, unsigned bucket, const char *after)
{
    size_t at = b->len;

    mc_buf_u8(b, 0);
    mc_buf_u8(b, (uint8_t)bucket);
    mc_buf_str(b, after);
    return at;
}

void mc_list_close(struct mc_buf *b, size_t at, bool last)
{
    if (b->err == 0)
        b->ptr[at] = last ? PART_LAST : 0;
}

int mc_list_decode(struct mc_bytes body, struct mc_list_head *ret,
                   struct mc_reader *ret_lines)
{
    struct mc_reader r = mc_reader_init(body);
    struct mc_list_head h = {0};

    h.last = (mc_reader_u8(&r) & PART_LAST) != 0;
    h.bucket = mc_reader_u8(&r);
    mc_reader_str(&r, h.after, sizeof(h.after));
    if (r.bad || h.bucket >= MC_BUCKETS)
        return MCOS_E_FORMAT;
    *ret = h;
    *ret_lines = r;
    return 0;
}

/* ---- members ---- */

size_t mc_members_open(struct mc_buf *b, uint32_t known)
{
    size_t at = b->len;

    mc_buf_u8(b, 0);
    mc_buf_u16(b, 0);
    mc_buf_u32(b, known);
    return at;
}

void mc_members_put(struct mc_buf *b, const struct mc_member_line *line)
{
    mc_name_write(&line->name, b);
    mc_buf_put(b, line->uid, MC_UID_BYTES);
    mc_buf_u8(b, line->state);
    mc_buf_str(b, line->region);
    mc_buf_str(b, line->zone);
    mc_buf_str(b, line->address);
}

void mc_members_close(struct mc_buf *b, size_t at, bool last, unsigned count)
{
    if (b->err != 0)
        return;
    b->ptr[at] = last ? PART_LAST : 0;
    mc_set_u16(b->ptr + at + 1, (uint16_t)count);
}

int mc_members_decode(struct mc_bytes body, struct mc_members_head *ret,
                      struct mc_reader *ret_lines)
{
    struct mc_reader r = mc_reader_init(body);
    struct mc_members_head h = {0};

    h.last = (mc_reader_u8(&r) & PART_LAST) != 0;
    h.count = mc_reader_u16(&r);
    h.known = mc_reader_u32(&r);
    if (r.bad)
        return MCOS_E_FORMAT;
    *ret = h;
    *ret_lines = r;
    return 0;
}

bool mc_members_next(struct mc_reader *r, struct mc_member_line *ret)
{
    struct mc_member_line line = {0};

    mc_name_read(r, &line.name);
    take_raw(r, line.uid, MC_UID_BYTES);
    line.state = mc_reader_u8(r);
    mc_reader_str(r, line.region, sizeof(line.region));
    mc_reader_str(r, line.zone, sizeof(line.zone));
    mc_reader_str(r, line.address, sizeof(line.address));
    if (r->bad || line.state > MC_TOLD_LEFT)
        return false;
    *ret = line;
    return true;
}
