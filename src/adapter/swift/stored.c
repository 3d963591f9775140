/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/stored.c -- RFC 1952 around stored blocks of RFC 1951. */
#define ZLIB_CONST /* zlib promises not to write to its input */

#include "adapter/swift/stored.h"

#include <zlib.h>

#define HEAD_BYTES  10u
#define TAIL_BYTES  8u
#define BLOCK_HEAD  5u
#define BLOCK_MAX   65535u
#define FINAL_BLOCK 1u
#define OS_UNKNOWN  255u

size_t mc_stored_bound(size_t n, unsigned flushes)
{
    return HEAD_BYTES + n + BLOCK_HEAD * (n / BLOCK_MAX + 2 * (size_t)flushes + 2) +
           TAIL_BYTES;
}

void mc_stored_begin(struct mc_stored *s, struct mc_buf *out)
{
    const uint8_t head[HEAD_BYTES] = {0x1f, 0x8b, Z_DEFLATED, 0, 0,
                                      0,    0,    0,          0, OS_UNKNOWN};

    *s = (struct mc_stored){.out = out};
    mc_buf_put(out, head, sizeof(head));
}

static void put_head(struct mc_buf *out, uint8_t final)
{
    const uint8_t empty[BLOCK_HEAD] = {final, 0, 0, 0xff, 0xff};

    mc_buf_put(out, empty, sizeof(empty));
}

static void close_block(struct mc_stored *s)
{
    if (s->block_bytes != 0 && s->out->err == 0) {
        uint8_t *head = s->out->ptr + s->block;

        mc_set_u16(head + 1, (uint16_t)s->block_bytes);
        mc_set_u16(head + 3, (uint16_t)~s->block_bytes);
    }
    s->block_bytes = 0;
}

void mc_stored_put(struct mc_stored *s, const void *src, size_t n)
{
    const uint8_t *p = src;

    s->crc = (uint32_t)crc32_z(s->crc, p, n);
    s->total += n;
    s->flushed = s->flushed && n == 0;
    while (n != 0) {
        size_t now = BLOCK_MAX - s->block_bytes;

        if (now > n)
            now = n;
        if (s->block_bytes == 0) {
            s->block = s->out->len;
            put_head(s->out, 0);
        }
        mc_buf_put(s->out, p, now);
        s->block_bytes += now;
        p += now;
        n -= now;
        if (s->block_bytes == BLOCK_MAX)
            close_block(s);
    }
}

void mc_stored_flush(struct mc_stored *s)
{
    if (s->flushed)
        return;
    close_block(s);
    put_head(s->out, 0);
    s->flushed = true;
}

void mc_stored_end(struct mc_stored *s)
{
    close_block(s);
    put_head(s->out, FINAL_BLOCK);
    mc_buf_u32(s->out, s->crc);
    mc_buf_u32(s->out, (uint32_t)s->total);
}
