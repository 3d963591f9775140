/* SPDX-License-Identifier: Apache-2.0 */
/* sync/wire.c -- envelope (P10 to P12), record (P13) and difference (P20a) as bytes. */
#include "sync/wire.h"

#include "base/version.h"
#include "mcos/err.h"

#include <string.h>

#define MAGIC        0x4d4f434du /* "MCOM" */
#define KIND_AT      6u
#define CHECK_AT     8u /* u64; covers everything before and after itself */
#define CHECKED_FROM 16u
#define DIRECTED     1u

/* XXH3-64 of what follows the check, with the eight bytes before it folded in. */
static uint64_t check_of(const uint8_t *p, size_t len)
{
    return mc_xxh3_64((struct mc_bytes){p + CHECKED_FROM, len - CHECKED_FROM}) ^
           mc_get_u64(p);
}

void mc_envelope_encode(struct mc_buf *b, const struct mc_envelope *envelope)
{
    size_t start = b->len;

    mc_buf_u32(b, MAGIC);
    mc_buf_u8(b, (uint8_t)envelope->protocol);
    mc_buf_u8(b, envelope->needs == 0 ? 1 : (uint8_t)envelope->needs);
    mc_buf_u8(b, (uint8_t)envelope->kind);
    mc_buf_u8(b, envelope->directed ? DIRECTED : 0);
    mc_buf_u64(b, 0);
    mc_buf_put(b, envelope->system, MC_UID_BYTES);
    mc_buf_put(b, envelope->uid, MC_UID_BYTES);
    mc_buf_u64(b, envelope->incarnation);
    mc_buf_u64(b, envelope->sequence);
    mc_buf_u64(b, envelope->sent_ns);
    mc_name_write(&envelope->cluster, b);
    mc_envelope_seal(b, start);
}

void mc_envelope_seal(struct mc_buf *b, size_t start)
{
    if (b->err == 0)
        mc_set_u64(b->ptr + start + CHECK_AT, check_of(b->ptr + start, b->len - start));
}

void mc_envelope_turn(struct mc_buf *b, size_t start, enum mc_wire_kind kind)
{
    if (b->err == 0)
        b->ptr[start + KIND_AT] = (uint8_t)kind;
    mc_envelope_seal(b, start);
}

static bool is_kind(unsigned kind)
{
    if (mc_protocol_max >= 2 && kind == MC_WIRE_NEXT)
        return true;
    return kind >= MC_WIRE_RECORD && kind <= MC_WIRE_DIFFERENCE;
}

int mc_envelope_decode(struct mc_bytes bytes, struct mc_envelope *ret,
                       struct mc_bytes *ret_body)
{
    struct mc_reader r = mc_reader_init(bytes);
    struct mc_envelope e = {0};
    unsigned flags;
    unsigned kind;
    uint64_t check;

    if (mc_reader_u32(&r) != MAGIC)
        return MCOS_E_FORMAT;
    e.protocol = mc_reader_u8(&r);
    e.needs = mc_reader_u8(&r);
    kind = mc_reader_u8(&r);
    flags = mc_reader_u8(&r);
    check = mc_reader_u64(&r);
    e.directed = (flags & DIRECTED) != 0;
    for (unsigned i = 0; i < 2; i++) {
        struct mc_bytes id = mc_reader_take(&r, MC_UID_BYTES);

        if (id.len != 0)
            memcpy(i == 0 ? e.system : e.uid, id.ptr, MC_UID_BYTES);
    }
    e.incarnation = mc_reader_u64(&r);
    e.sequence = mc_reader_u64(&r);
    e.sent_ns = mc_reader_u64(&r);
    mc_name_read(&r, &e.cluster);
    if (r.bad || e.protocol == 0 || e.needs == 0 || e.needs > e.protocol)
        return MCOS_E_FORMAT;
    if (check != check_of(bytes.ptr, kind == MC_WIRE_RECORD ? r.pos : bytes.len))
        return MCOS_E_FORMAT;
    e.kind = (enum mc_wire_kind)kind;
    if (e.needs > mc_protocol_max || (!is_kind(kind) && e.protocol > mc_protocol_max)) {
        *ret = e;
        return MCOS_E_UPGRADE;
    }
    if (!is_kind(kind) || e.sequence == 0)
        return MCOS_E_FORMAT;
    *ret_body = (struct mc_bytes){bytes.ptr + r.pos, bytes.len - r.pos};
    *ret = e;
    return 0;
}

void mc_wire_record_encode(struct mc_buf *b, const struct mc_wire_record *record)
{
    mc_buf_u32(b, (uint32_t)record->head.len);
    mc_buf_put(b, record->head.ptr, record->head.len);
    mc_buf_u64(b, record->rest_bytes);
    mc_buf_u64(b, mc_xxh3_64(record->head));
    mc_buf_put(b, record->packed.ptr, record->packed.len);
}

int mc_wire_record_decode(struct mc_bytes body, struct mc_wire_record *ret)
{
    struct mc_reader r = mc_reader_init(body);
    struct mc_wire_record out;
    uint32_t head_bytes = mc_reader_u32(&r);
    uint64_t check;

    if (head_bytes > MC_HEAD_BYTES_MAX || body.len > MC_PACKED_BYTES_MAX)
        return MCOS_E_TOOBIG;
    out.head = mc_reader_take(&r, head_bytes);
    out.rest_bytes = mc_reader_u64(&r);
    check = mc_reader_u64(&r);
    if (r.bad || head_bytes == 0)
        return MCOS_E_FORMAT;
    if (out.rest_bytes > MC_RECORD_BYTES_MAX)
        return MCOS_E_TOOBIG;
    /* A head with a flipped bit may be the head of another record: one that
     * nobody made, greater than the true one, and it would win everywhere. */
    if (check != mc_xxh3_64(out.head))
        return MCOS_E_DIGEST;
    out.packed = mc_reader_take(&r, mc_reader_left(&r));
    *ret = out;
    return 0;
}

void mc_wire_difference_open(struct mc_buf *b, struct mc_bytes head,
                             const uint8_t parent8[8])
{
    mc_buf_u32(b, (uint32_t)head.len);
    mc_buf_put(b, head.ptr, head.len);
    mc_buf_put(b, parent8, 8);
}

int mc_wire_difference_decode(struct mc_bytes body, struct mc_wire_difference *ret)
{
    struct mc_reader r = mc_reader_init(body);
    struct mc_wire_difference out;
    uint32_t head_bytes = mc_reader_u32(&r);
    struct mc_bytes parent;

    if (head_bytes > MC_HEAD_BYTES_MAX || body.len > MC_PACKED_BYTES_MAX)
        return MCOS_E_TOOBIG;
    out.head = mc_reader_take(&r, head_bytes);
    parent = mc_reader_take(&r, sizeof(out.parent8));
    if (r.bad || head_bytes == 0)
        return MCOS_E_FORMAT;
    memcpy(out.parent8, parent.ptr, sizeof(out.parent8));
    out.delta = mc_reader_take(&r, mc_reader_left(&r));
    *ret = out;
    return 0;
}
