/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/bytes.h -- a view of bytes, a growing buffer, a bounded reader.
 *
 * Integers are written little-endian, field by field, at fixed width: a struct
 * is never copied out. A reader never passes its end; the first read that would
 * marks it `bad`, and from then on it yields zeros, so a decoder checks once.
 */
#ifndef MCOS_BASE_BYTES_H
#define MCOS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed: whoever made it says how long it lives. */
struct mc_bytes {
    const uint8_t *ptr;
    size_t len;
};

/* Made with {0}; grows up to `max` (0: no bound). `err` sticks: 0, NOMEM, TOOBIG. */
struct mc_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    size_t max;
    int err;
};

void mc_buf_fini(struct mc_buf *b);
void mc_buf_clear(struct mc_buf *b); /* keeps the memory, clears err */
uint8_t *mc_buf_reserve(struct mc_buf *b,
                        size_t n); /* n more bytes, or NULL; len grows */
void mc_buf_put(struct mc_buf *b, const void *src, size_t n);
void mc_buf_u8(struct mc_buf *b, uint8_t v);
void mc_buf_u16(struct mc_buf *b, uint16_t v);
void mc_buf_u32(struct mc_buf *b, uint32_t v);
void mc_buf_u64(struct mc_buf *b, uint64_t v);
void mc_buf_str(struct mc_buf *b, const char *s); /* u16 length, then the bytes */
void mc_buf_zero(struct mc_buf *b, size_t n);

struct mc_reader {
    const uint8_t *ptr;
    size_t len;
    size_t pos;
    bool bad;
};

struct mc_reader mc_reader_init(struct mc_bytes bytes);
struct mc_bytes mc_reader_take(struct mc_reader *r, size_t n); /* lent by the input */
uint8_t mc_reader_u8(struct mc_reader *r);
uint16_t mc_reader_u16(struct mc_reader *r);
uint32_t mc_reader_u32(struct mc_reader *r);
uint64_t mc_reader_u64(struct mc_reader *r);
/* u16 length and bytes into dst as a C string; bad if longer than cap - 1 or NUL
 * inside. */
void mc_reader_str(struct mc_reader *r, char *dst, size_t cap);
size_t mc_reader_left(const struct mc_reader *r);

/* Fixed-width access to bytes at any alignment; one load or store where a machine can.
 */
static inline uint16_t mc_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t mc_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static inline uint64_t mc_get_u64(const uint8_t *p)
{
    return (uint64_t)mc_get_u32(p) | (uint64_t)mc_get_u32(p + 4) << 32;
}

static inline void mc_set_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void mc_set_u32(uint8_t *p, uint32_t v)
{
    mc_set_u16(p, (uint16_t)v);
    mc_set_u16(p + 2, (uint16_t)(v >> 16));
}

static inline void mc_set_u64(uint8_t *p, uint64_t v)
{
    mc_set_u32(p, (uint32_t)v);
    mc_set_u32(p + 4, (uint32_t)(v >> 32));
}

/* Lower-case hex, NUL at the end: dst holds 2 n + 1. */
void mc_hex(char *dst, const uint8_t *src, size_t n);
/* Exactly n bytes from 2 n hex digits; false if a digit is wrong. */
bool mc_unhex(uint8_t *dst, const char *src, size_t n);

#endif /* MCOS_BASE_BYTES_H */
