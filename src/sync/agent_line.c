/* SPDX-License-Identifier: Apache-2.0 */
/* sync/agent_line.c -- an agent's line in the roster. */
#include "sync/agent_line.h"

#include "mcos/err.h"

#include <string.h>

#define MAGIC       "MCOA"
#define CHECK_AT    6u
#define CHECK_BYTES 8u

enum { LINE_ACTIVE = 1, LINE_COUNTS = 2 };

size_t mc_agent_line_open(struct mc_buf *b, const struct mc_agent_line *line)
{
    size_t at = b->len;

    mc_buf_put(b, MAGIC, 4);
    mc_buf_u8(b, 1);
    mc_buf_u8(b, (uint8_t)((line->active ? LINE_ACTIVE : 0) |
                           (line->counts ? LINE_COUNTS : 0)));
    mc_buf_u64(b, 0);
    mc_buf_u8(b, line->format);
    mc_buf_str(b, line->host);
    mc_buf_str(b, line->address);
    mc_buf_u32(b, (uint32_t)line->unread.len);
    mc_buf_put(b, line->unread.ptr, line->unread.len);
    return at;
}

static uint64_t check_of(const uint8_t *line, size_t len)
{
    return mc_xxh3_64(
        (struct mc_bytes){line + CHECK_AT + CHECK_BYTES, len - CHECK_AT - CHECK_BYTES});
}

void mc_agent_line_close(struct mc_buf *b, size_t at)
{
    if (b->err == 0)
        mc_set_u64(b->ptr + at + CHECK_AT, check_of(b->ptr + at, b->len - at));
}

static bool check_entries(struct mc_bytes entries, size_t *ret_count)
{
    struct mc_reader r = mc_reader_init(entries);
    struct mc_entry before = {0};
    struct mc_entry e;
    size_t count = 0;

    while (mc_entry_decode(&r, &e)) {
        if (e.loser || count == MC_RINGS_MAX ||
            (count > 0 && strcmp(before.name.s, e.name.s) >= 0))
            return false;
        before = e;
        count++;
    }
    *ret_count = count;
    return !r.bad;
}

int mc_agent_line_decode(struct mc_bytes bytes, struct mc_agent_line *ret)
{
    struct mc_reader r = mc_reader_init(bytes);
    struct mc_agent_line line = {0};
    struct mc_bytes magic = mc_reader_take(&r, 4);
    unsigned version = mc_reader_u8(&r);
    unsigned flags = mc_reader_u8(&r);
    uint64_t check = mc_reader_u64(&r);
    size_t unread_count;

    if (r.bad || memcmp(magic.ptr, MAGIC, 4) != 0 || bytes.len > MC_AGENT_LINE_MAX)
        return MCOS_E_FORMAT;
    if (version != 1)
        return MCOS_E_UPGRADE;
    if (check != check_of(bytes.ptr, bytes.len))
        return MCOS_E_FORMAT;
    line.active = (flags & LINE_ACTIVE) != 0;
    line.counts = (flags & LINE_COUNTS) != 0;
    line.format = mc_reader_u8(&r);
    mc_reader_str(&r, line.host, sizeof(line.host));
    mc_reader_str(&r, line.address, sizeof(line.address));
    line.unread = mc_reader_take(&r, mc_reader_u32(&r));
    if (r.bad || !check_entries(line.unread, &unread_count))
        return MCOS_E_FORMAT;
    line.entries = (struct mc_bytes){bytes.ptr + r.pos, mc_reader_left(&r)};
    if (!check_entries(line.entries, &line.entry_count))
        return MCOS_E_FORMAT;
    *ret = line;
    return 0;
}
