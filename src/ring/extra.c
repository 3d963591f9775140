/* SPDX-License-Identifier: Apache-2.0 */
/* ring/extra.c -- walks the verbatim fields of a record. */
#include "ring/extra.h"

struct field {
    uint16_t tag;
    uint16_t flags;
    struct mc_bytes value;
};

static bool next_field(struct mc_reader *r, struct field *ret)
{
    if (mc_reader_left(r) == 0)
        return false;
    ret->tag = mc_reader_u16(r);
    ret->flags = mc_reader_u16(r);
    ret->value = mc_reader_take(r, mc_reader_u32(r));
    return !r->bad;
}

void mc_extra_put(struct mc_buf *b, uint16_t tag, uint16_t flags, struct mc_bytes value)
{
    if (value.len > UINT32_MAX) {
        b->err = b->err != 0 ? b->err : MCOS_E_TOOBIG;
        return;
    }
    mc_buf_u16(b, tag);
    mc_buf_u16(b, flags);
    mc_buf_u32(b, (uint32_t)value.len);
    mc_buf_put(b, value.ptr, value.len);
}

bool mc_extra_find(struct mc_bytes extra, uint16_t tag, struct mc_bytes *ret_value)
{
    struct mc_reader r = mc_reader_init(extra);
    struct field f;

    while (next_field(&r, &f)) {
        if (f.tag == tag) {
            *ret_value = f.value;
            return true;
        }
    }
    return false;
}

void mc_extra_copy_without(struct mc_buf *b, struct mc_bytes extra, uint16_t tag)
{
    struct mc_reader r = mc_reader_init(extra);
    struct field f;

    while (next_field(&r, &f)) {
        if (f.tag != tag)
            mc_extra_put(b, f.tag, f.flags, f.value);
    }
}

bool mc_extra_strict(struct mc_bytes extra)
{
    struct mc_bytes rule;

    return mc_extra_find(extra, MC_EXTRA_RULE, &rule) && rule.len == 1 &&
           rule.ptr[0] == MC_RULE_STRICT;
}

int mc_extra_check(struct mc_bytes extra, struct mcos_diag *diag)
{
    struct mc_reader r = mc_reader_init(extra);
    struct field f;

    while (next_field(&r, &f)) {
        if (f.tag == 0)
            return mcos_diag_set(diag, MCOS_E_FORMAT, "extra", "tag 0 does not exist");
        if ((f.flags & ~MC_EXTRA_MUST) != 0)
            return mcos_diag_set(diag, MCOS_E_UPGRADE, "extra",
                                 "tag %u has unknown flags 0x%x", f.tag, f.flags);
        if ((f.flags & MC_EXTRA_MUST) != 0 && f.tag > MC_EXTRA_RULE)
            return mcos_diag_set(diag, MCOS_E_UPGRADE, "extra",
                                 "tag %u must be understood and is not known", f.tag);
    }
    if (r.bad)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "extra", "cut short");
    return 0;
}
