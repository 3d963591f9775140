/* SPDX-License-Identifier: Apache-2.0 */
/* service/wire.c -- batches from bytes and to bytes. */
#include "service/wire.h"

#include <stdio.h>
#include <string.h>

#define QUESTION_MARK "MCQ1"
#define ANSWER_MARK   "MCA1"
#define MARK_BYTES    4u
#define LENGTHS_BYTES 6u /* of one name */

static int fail_at(struct mcos_diag *diag, int code, const char *field, size_t offset,
                   const char *text)
{
    (void)mcos_diag_set(diag, code, field, "byte %zu: %s", offset, text);
    if (diag != NULL)
        diag->offset = (long long)offset;
    return code;
}

int mc_wire_open(struct mc_bytes body, struct mc_wire_question *ret,
                 struct mcos_diag *diag)
{
    struct mc_reader r = mc_reader_init(body);
    struct mc_bytes mark = mc_reader_take(&r, MARK_BYTES);
    uint32_t count = mc_reader_u32(&r);
    uint32_t flags = mc_reader_u32(&r);
    uint32_t names = mc_reader_u32(&r);

    if (r.bad || memcmp(mark.ptr, QUESTION_MARK, MARK_BYTES - 1) != 0)
        return fail_at(diag, MCOS_E_FORMAT, "mark", 0,
                       "a batch begins with " QUESTION_MARK
                       " and has 16 bytes at least");
    if (mark.ptr[MARK_BYTES - 1] != QUESTION_MARK[MARK_BYTES - 1])
        return fail_at(diag, MCOS_E_UPGRADE, "mark", 3, "only version 1 is known here");
    if (count > MC_WIRE_NAMES_MAX)
        return fail_at(diag, MCOS_E_TOOBIG, "count", 4, "more than 65536 names");
    if ((flags & ~MC_WIRE_ACTIVE_FIRST) != 0)
        return fail_at(diag, MCOS_E_VALUE, "flags", 8, "an unknown flag");
    if (mc_reader_left(&r) != (uint64_t)count * LENGTHS_BYTES + names)
        return fail_at(diag, MCOS_E_FORMAT, "bytes", 12,
                       "lengths and names do not fill what is there");
    *ret = (struct mc_wire_question){
        .count = count,
        .flags = (flags & MC_WIRE_ACTIVE_FIRST) != 0 ? MCOS_ACTIVE_FIRST : 0,
        .lengths = mc_reader_take(&r, (size_t)count * LENGTHS_BYTES),
        .names = mc_reader_take(&r, names)};
    return 0;
}

/* What is wrong with the next name, whose lengths these are; NULL: nothing. */
static const char *check_name(const struct mc_wire_question *q, size_t account,
                              size_t container, size_t object, size_t bytes)
{
    const uint8_t *name = q->names.ptr;

    if (account == 0)
        return "no account";
    if (object != 0 && container == 0)
        return "an object needs a container";
    if (bytes > q->names.len)
        return "the names end before it does";
    if ((container != 0 && name[account] != '/') ||
        (object != 0 && name[account + 1 + container] != '/'))
        return "a / is missing between its parts";
    return NULL;
}

static int fail_name(const struct mc_wire_question *q, struct mcos_diag *diag,
                     const char *text)
{
    const size_t offset = MC_WIRE_QUESTION_HEAD + (size_t)q->done * LENGTHS_BYTES;
    char field[32];

    (void)snprintf(field, sizeof(field), "/names/%u", q->done);
    return fail_at(diag, MCOS_E_VALUE, field, offset, text);
}

int mc_wire_next(struct mc_wire_question *q, size_t most, struct mcos_key *keys,
                 size_t *ret_count, struct mcos_diag *diag)
{
    const size_t left = q->count - q->done;
    const size_t count = most < left ? most : left;
    const uint8_t *lengths = q->lengths.ptr + (size_t)q->done * LENGTHS_BYTES;

    if (left == 0 && q->names.len > 0)
        return fail_at(diag, MCOS_E_FORMAT, "bytes", 12, "bytes after the last name");
    for (size_t n = 0; n < count; n++, lengths += LENGTHS_BYTES) {
        const size_t account = mc_get_u16(lengths);
        const size_t container = mc_get_u16(lengths + 2);
        const size_t object = mc_get_u16(lengths + 4);
        const size_t bytes =
            account + (container != 0) + container + (object != 0) + object;
        const char *wrong = check_name(q, account, container, object, bytes);

        if (wrong != NULL)
            return fail_name(q, diag, wrong);
        keys[n] = (struct mcos_key){.account = {q->names.ptr, bytes}};
        q->names.ptr += bytes;
        q->names.len -= bytes;
        q->done++;
    }
    *ret_count = count;
    return 0;
}

int mc_wire_answer(const struct mcos_view_info *info, int64_t checked_at,
                   int64_t confirmed_at, uint32_t count, struct mc_buf *b,
                   struct mc_wire_columns *ret_columns)
{
    uint8_t *columns;

    mc_buf_put(b, ANSWER_MARK, MARK_BYTES);
    mc_buf_u32(b, count);
    mc_buf_u32(b, info->stride);
    mc_buf_u32(b, info->epoch);
    mc_buf_u64(b, info->version);
    mc_buf_u64(b, (uint64_t)checked_at);
    mc_buf_u64(b, (uint64_t)confirmed_at);
    mc_buf_put(b, info->digest, MCOS_DIGEST_BYTES);
    columns = mc_buf_reserve(b, (size_t)count * 4 * (1 + info->stride));
    if (columns == NULL)
        return b->err;
    ret_columns->partitions = columns;
    ret_columns->devices = columns + (size_t)count * 4;
    return 0;
}
