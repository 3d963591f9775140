/* SPDX-License-Identifier: Apache-2.0 */
/* base/bytes.c -- buffers and readers. */
#include "base/bytes.h"

#include "mcos/err.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256u

void mc_buf_fini(struct mc_buf *b)
{
    free(b->ptr);
    *b = (struct mc_buf){.max = b->max};
}

void mc_buf_clear(struct mc_buf *b)
{
    b->len = 0;
    b->err = 0;
}

uint8_t *mc_buf_reserve(struct mc_buf *b, size_t n)
{
    uint8_t *at;

    if (b->err != 0)
        return NULL;
    if (n > SIZE_MAX / 2 - b->len || (b->max != 0 && n > b->max - b->len)) {
        b->err = MCOS_E_TOOBIG;
        return NULL;
    }
    if (b->ptr == NULL || n > b->cap - b->len) {
        size_t cap = b->cap == 0 ? FIRST_CAP : b->cap;
        uint8_t *grown;

        while (cap - b->len < n)
            cap *= 2;
        grown = realloc(b->ptr, cap);
        if (grown == NULL) {
            b->err = MCOS_E_NOMEM;
            return NULL;
        }
        b->ptr = grown;
        b->cap = cap;
    }
    at = b->ptr + b->len;
    b->len += n;
    return at;
}

void mc_buf_put(struct mc_buf *b, const void *src, size_t n)
{
    uint8_t *at = n == 0 ? NULL : mc_buf_reserve(b, n);

    if (at != NULL)
        memcpy(at, src, n);
}

void mc_buf_u8(struct mc_buf *b, uint8_t v)
{
    mc_buf_put(b, &v, 1);
}

void mc_buf_u16(struct mc_buf *b, uint16_t v)
{
    uint8_t *at = mc_buf_reserve(b, 2);

    if (at != NULL)
        mc_set_u16(at, v);
}

void mc_buf_u32(struct mc_buf *b, uint32_t v)
{
    uint8_t *at = mc_buf_reserve(b, 4);

    if (at != NULL)
        mc_set_u32(at, v);
}

void mc_buf_u64(struct mc_buf *b, uint64_t v)
{
    uint8_t *at = mc_buf_reserve(b, 8);

    if (at != NULL)
        mc_set_u64(at, v);
}

void mc_buf_str(struct mc_buf *b, const char *s)
{
    size_t n = strlen(s);

    if (n > UINT16_MAX) {
        if (b->err == 0)
            b->err = MCOS_E_TOOBIG;
        return;
    }
    mc_buf_u16(b, (uint16_t)n);
    mc_buf_put(b, s, n);
}

void mc_buf_zero(struct mc_buf *b, size_t n)
{
    uint8_t *at = n == 0 ? NULL : mc_buf_reserve(b, n);

    if (at != NULL)
        memset(at, 0, n);
}

struct mc_reader mc_reader_init(struct mc_bytes bytes)
{
    return (struct mc_reader){.ptr = bytes.ptr, .len = bytes.len};
}

struct mc_bytes mc_reader_take(struct mc_reader *r, size_t n)
{
    struct mc_bytes out = {NULL, 0};

    if (r->bad || n > r->len - r->pos) {
        r->bad = true;
        return out;
    }
    out = (struct mc_bytes){r->ptr + r->pos, n};
    r->pos += n;
    return out;
}

uint8_t mc_reader_u8(struct mc_reader *r)
{
    struct mc_bytes b = mc_reader_take(r, 1);

    return b.len == 0 ? 0 : b.ptr[0];
}

uint16_t mc_reader_u16(struct mc_reader *r)
{
    struct mc_bytes b = mc_reader_take(r, 2);

    return b.len == 0 ? 0 : mc_get_u16(b.ptr);
}

uint32_t mc_reader_u32(struct mc_reader *r)
{
    struct mc_bytes b = mc_reader_take(r, 4);

    return b.len == 0 ? 0 : mc_get_u32(b.ptr);
}

uint64_t mc_reader_u64(struct mc_reader *r)
{
    struct mc_bytes b = mc_reader_take(r, 8);

    return b.len == 0 ? 0 : mc_get_u64(b.ptr);
}

void mc_reader_str(struct mc_reader *r, char *dst, size_t cap)
{
    size_t n = mc_reader_u16(r);
    struct mc_bytes b = mc_reader_take(r, n);

    dst[0] = '\0';
    if (r->bad || n == 0)
        return;
    if (n >= cap || memchr(b.ptr, 0, n) != NULL) {
        r->bad = true;
        return;
    }
    memcpy(dst, b.ptr, n);
    dst[n] = '\0';
}

size_t mc_reader_left(const struct mc_reader *r)
{
    return r->bad ? 0 : r->len - r->pos;
}

void mc_hex(char *dst, const uint8_t *src, size_t n)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        dst[2 * i] = digit[src[i] >> 4];
        dst[2 * i + 1] = digit[src[i] & 15];
    }
    dst[2 * n] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool mc_unhex(uint8_t *dst, const char *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int hi = nibble(src[2 * i]);
        int lo = hi < 0 ? -1 : nibble(src[2 * i + 1]);

        if (lo < 0)
            return false;
        dst[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}
