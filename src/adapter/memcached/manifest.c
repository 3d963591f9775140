/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/memcached/manifest.c -- manifests as bytes. */
#include "adapter/memcached/manifest.h"

#include "ring/front.h"

#include <string.h>

#define FORMAT_NOW     1u
#define FLAG_TOMBSTONE 1u
#define SIZE_AT        12u /* of the field that holds the whole length */

static const uint8_t magic[8] = {0x89, 'M', 'C', 'M', 'A', 'N', 'I', '\n'};

static uint32_t pieces_of(uint64_t record_bytes, uint32_t piece_bytes)
{
    return (uint32_t)((record_bytes + piece_bytes - 1) / piece_bytes);
}

struct mc_manifest mc_manifest_of(const struct mc_ring *ring,
                                  const uint8_t system[MC_UID_BYTES])
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_manifest m = {.stamp = mc_stamp_of(head),
                            .tombstone = head->tombstone,
                            .name = head->name,
                            .record_bytes = head->record_bytes,
                            .piece_bytes = MC_PIECE_BYTES};

    memcpy(m.system, system, MC_UID_BYTES);
    m.piece_count = pieces_of(m.record_bytes, m.piece_bytes);
    m.head = (struct mc_bytes){mc_blob_get(mc_ring_blob(ring)).ptr, head->head_bytes};
    return m;
}

size_t mc_manifest_piece(const struct mc_manifest *manifest, uint32_t i)
{
    uint64_t at = (uint64_t)i * manifest->piece_bytes;
    uint64_t left = manifest->record_bytes - at;

    return left < manifest->piece_bytes ? (size_t)left : manifest->piece_bytes;
}

void mc_manifest_encode(struct mc_buf *b, const struct mc_manifest *manifest)
{
    size_t start = b->len;

    mc_buf_put(b, magic, sizeof(magic));
    mc_buf_u16(b, FORMAT_NOW);
    mc_buf_u16(b, manifest->tombstone ? FLAG_TOMBSTONE : 0);
    mc_buf_u32(b, 0); /* the length, when it is known */
    mc_buf_put(b, manifest->system, MC_UID_BYTES);
    mc_buf_put(b, manifest->stamp.digest, MC_DIGEST_BYTES);
    mc_buf_u64(b, manifest->stamp.version);
    mc_buf_u64(b, manifest->stamp.timestamp);
    mc_buf_u16(b, manifest->stamp.epoch);
    mc_buf_u16(b, 0);
    mc_buf_u32(b, (uint32_t)manifest->head.len);
    mc_buf_u64(b, manifest->record_bytes);
    mc_buf_u32(b, manifest->piece_bytes);
    mc_buf_u32(b, manifest->piece_count);
    mc_buf_str(b, manifest->name.s);
    mc_buf_u8(b, 0);
    mc_buf_put(b, manifest->head.ptr, manifest->head.len);
    if (b->err == 0)
        mc_set_u32(b->ptr + start + SIZE_AT, (uint32_t)(b->len - start));
}

/* The fields that every format has in the same places. */
static int read_front(struct mc_reader *r, struct mc_manifest *m, unsigned *ret_flags,
                      uint32_t *ret_bytes)
{
    struct mc_bytes mark = mc_reader_take(r, sizeof(magic));
    struct mc_bytes field;
    unsigned format = mc_reader_u16(r);

    *ret_flags = mc_reader_u16(r);
    *ret_bytes = mc_reader_u32(r);
    field = mc_reader_take(r, MC_UID_BYTES);
    if (!r->bad)
        memcpy(m->system, field.ptr, MC_UID_BYTES);
    field = mc_reader_take(r, MC_DIGEST_BYTES);
    if (!r->bad)
        memcpy(m->stamp.digest, field.ptr, MC_DIGEST_BYTES);
    m->stamp.version = mc_reader_u64(r);
    m->stamp.timestamp = mc_reader_u64(r);
    m->stamp.epoch = mc_reader_u16(r);
    if (r->bad || memcmp(mark.ptr, magic, sizeof(magic)) != 0 || format == 0)
        return MCOS_E_FORMAT;
    if (m->stamp.version == 0 || m->stamp.version > MC_VERSION_MAX ||
        m->stamp.timestamp == 0 || m->stamp.timestamp > MC_TIMESTAMP_MAX)
        return MCOS_E_FORMAT;
    return format > FORMAT_NOW ? MCOS_E_UPGRADE : 0;
}

/* Everything is said twice, here and in the head: it must be the same. */
static int agree_with_head(const struct mc_manifest *m)
{
    struct mc_head head;
    struct mc_front front;
    struct mc_stamp stamp;
    int err = mc_head_decode(m->head, &head, NULL);

    /* A record of a later format: its stamp is good, and so it is not replaced. */
    if (err == MCOS_E_UPGRADE && mc_front_decode(m->head, &front) == 0 &&
        front.head_bytes == m->head.len && front.version == m->stamp.version &&
        front.timestamp == m->stamp.timestamp && front.epoch == m->stamp.epoch &&
        memcmp(front.digest, m->stamp.digest, MC_DIGEST_BYTES) == 0)
        return MCOS_E_UPGRADE;
    if (err != 0)
        return MCOS_E_FORMAT;
    if (memcmp(head.digest, m->stamp.digest, MC_DIGEST_BYTES) != 0)
        return MCOS_E_DIGEST;
    stamp = mc_stamp_of(&head);
    if (mc_stamp_cmp(&stamp, &m->stamp) != 0 || head.tombstone != m->tombstone ||
        strcmp(head.name.s, m->name.s) != 0 || head.record_bytes != m->record_bytes ||
        head.head_bytes != m->head.len)
        return MCOS_E_FORMAT;
    return 0;
}

int mc_manifest_decode(struct mc_bytes bytes, struct mc_manifest *ret_manifest)
{
    struct mc_reader r = mc_reader_init(bytes);
    struct mc_manifest m = {0};
    char name[MC_NAME_MAX + 1];
    unsigned flags = 0;
    unsigned reserved;
    uint32_t whole = 0;
    uint32_t head_bytes;
    int err = read_front(&r, &m, &flags, &whole);

    if (err == MCOS_E_UPGRADE)
        *ret_manifest = m;
    if (err != 0)
        return err;
    reserved = mc_reader_u16(&r);
    head_bytes = mc_reader_u32(&r);
    m.record_bytes = mc_reader_u64(&r);
    m.piece_bytes = mc_reader_u32(&r);
    m.piece_count = mc_reader_u32(&r);
    mc_reader_str(&r, name, sizeof(name));
    reserved |= mc_reader_u8(&r);
    m.head = mc_reader_take(&r, head_bytes);
    m.tombstone = flags == FLAG_TOMBSTONE;
    if (r.bad || mc_reader_left(&r) != 0 || whole != bytes.len || reserved != 0 ||
        (flags & ~FLAG_TOMBSTONE) != 0 || !mc_name_set(&m.name, name))
        return MCOS_E_FORMAT;
    if (m.piece_bytes < MC_PIECE_BYTES_MIN || m.piece_bytes > MC_PIECE_BYTES_MAX ||
        m.record_bytes > MC_RECORD_BYTES_MAX ||
        m.piece_count != pieces_of(m.record_bytes, m.piece_bytes))
        return MCOS_E_FORMAT;
    err = agree_with_head(&m);
    if (err == 0 || err == MCOS_E_UPGRADE)
        *ret_manifest = m;
    return err;
}
