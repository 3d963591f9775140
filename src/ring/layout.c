/* SPDX-License-Identifier: Apache-2.0 */
/* ring/layout.c -- texts and ancestors, as encoder and decoder share them. */
#include "ring/layout.h"

#include <string.h>

#define TEXT(name, max)                                                                \
    {                                                                                  \
#name, offsetof(struct mc_device, name), max                                   \
    }

const struct mc_device_text mc_device_texts[MC_DEVICE_TEXTS] = {
    TEXT(weight_text, MC_TEXT_MAX),
    TEXT(name, MC_TEXT_MAX),
    TEXT(cluster, MC_TEXT_MAX),
    TEXT(region, MC_TEXT_MAX),
    TEXT(zone, MC_TEXT_MAX),
    TEXT(host, MC_TEXT_MAX),
    TEXT(replication_host, MC_TEXT_MAX),
    TEXT(device, MC_TEXT_MAX),
    TEXT(meta, MC_META_MAX),
};

/* Bytes of the sequence that starts at p, or 0 if it is not well formed. */
static size_t utf8_step(const uint8_t *p, size_t left)
{
    uint8_t lo = 0x80;
    uint8_t hi = 0xbf;
    size_t n;

    if (p[0] < 0x80)
        return p[0] == 0 ? 0 : 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        n = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        n = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (n > left)
        return 0;
    if (p[0] == 0xe0)
        lo = 0xa0;
    else if (p[0] == 0xed)
        hi = 0x9f;
    else if (p[0] == 0xf0)
        lo = 0x90;
    else if (p[0] == 0xf4)
        hi = 0x8f;
    if (p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

bool mc_utf8_ok(struct mc_bytes in)
{
    for (size_t at = 0; at < in.len;) {
        size_t n = utf8_step(in.ptr + at, in.len - at);

        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

int mc_ancestor_cmp(const struct mc_ancestor *a, const struct mc_ancestor *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->version != b->version)
        return a->version < b->version ? -1 : 1;
    return memcmp(a->digest8, b->digest8, sizeof(a->digest8));
}

struct mc_ancestor mc_ancestor_of(const struct mc_head *head)
{
    struct mc_ancestor a = {.version = head->version, .epoch = head->epoch};

    memcpy(a.digest8, head->digest, sizeof(a.digest8));
    return a;
}

int mc_read_text(struct mc_reader *r, size_t max, const char *field,
                 const char **ret_text, struct mcos_diag *diag)
{
    size_t n = mc_reader_u16(r);
    struct mc_bytes b = mc_reader_take(r, n + 1);

    if (r->bad)
        return mcos_diag_set(diag, MCOS_E_FORMAT, field, "cut short");
    if (n > max)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, field, "%zu bytes, at most %zu", n,
                             max);
    if (b.ptr[n] != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, field, "no zero after the text");
    if (!mc_utf8_ok((struct mc_bytes){b.ptr, n}))
        return mcos_diag_set(diag, MCOS_E_VALUE, field, "not UTF-8, or holds NUL");
    *ret_text = (const char *)b.ptr;
    return 0;
}

void mc_put_text(struct mc_buf *b, const char *s)
{
    mc_buf_str(b, s);
    mc_buf_u8(b, 0);
}
