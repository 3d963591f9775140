/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringgz.c -- the stream of a ring file: head, JSON, rows.
 *
 * Read front to back in bounded steps: what the head and the JSON say bounds
 * what is inflated next, so a bomb stops at the first byte too many.
 */
#define ZLIB_CONST /* zlib promises not to write to its input */

#include "adapter/swift/ringgz.h"

#include "adapter/swift/ringjson.h"
#include "ring/extra.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEAD_BYTES    10u
#define MAGIC         "R1NG"
#define VERSION       1u
#define CHUNK_IDS     32768u
#define DEFLATE_RATIO 1032u /* no byte of deflate makes more than this */
#define GZIP_ONLY     (16 + MAX_WBITS)

struct source {
    bool gz;
    bool ended; /* of the gzip member */
    z_stream z;
    struct mc_bytes plain;
    size_t pos; /* uncompressed bytes given so far */
    struct mcos_diag *diag;
};

static int fail(const struct source *s, int code, const char *field, const char *text)
{
    int err = mcos_diag_set(s->diag, code, field, "%s", text);

    if (s->diag != NULL)
        s->diag->offset = (long long)s->pos;
    return err;
}

/* As many as there are, up to n bytes, into dst. */
static int source_read(struct source *s, uint8_t *dst, size_t n, size_t *ret_n)
{
    if (!s->gz) {
        size_t left = s->plain.len - s->pos;
        size_t got = n < left ? n : left;

        if (got != 0)
            memcpy(dst, s->plain.ptr + s->pos, got);
        s->pos += got;
        *ret_n = got;
        return 0;
    }
    s->z.next_out = dst;
    s->z.avail_out = (uInt)n;
    while (s->z.avail_out != 0 && !s->ended) {
        int rc = inflate(&s->z, Z_NO_FLUSH);

        if (rc == Z_STREAM_END)
            s->ended = true;
        else if (rc == Z_MEM_ERROR)
            return MCOS_E_NOMEM;
        else if (rc == Z_BUF_ERROR ||
                 (rc == Z_OK && s->z.avail_in == 0 && s->z.avail_out != 0))
            return fail(s, MCOS_E_FORMAT, "", "the gzip stream is cut short");
        else if (rc != Z_OK)
            return fail(s, MCOS_E_FORMAT, "",
                        s->pos == 0 && s->z.total_out == 0
                            ? "not a gzip file"
                            : "the gzip stream is damaged");
    }
    *ret_n = n - s->z.avail_out;
    s->pos += *ret_n;
    return 0;
}

static int source_exact(struct source *s, uint8_t *dst, size_t n)
{
    size_t got = 0;
    int err = source_read(s, dst, n, &got);

    if (err == 0 && got != n)
        err = fail(s, MCOS_E_FORMAT, "", "the file is cut short");
    return err;
}

/* Could the rest of the file hold n more bytes? Asked before memory is taken. */
static bool source_may_hold(const struct source *s, uint64_t n)
{
    if (!s->gz)
        return n <= s->plain.len - s->pos;
    return n <= ((uint64_t)s->z.avail_in + 1024) * DEFLATE_RATIO;
}

static int source_end(struct source *s)
{
    uint8_t one;
    size_t got = 0;
    int err = source_read(s, &one, 1, &got);

    if (err != 0)
        return err;
    if (got != 0)
        return fail(s, MCOS_E_FORMAT, "", "more data than the replicas take");
    if (s->gz && s->z.avail_in != 0)
        return fail(s, MCOS_E_FORMAT, "", "bytes after the end of the gzip stream");
    return 0;
}

static int read_head(struct source *s, size_t *ret_json_bytes)
{
    uint8_t head[HEAD_BYTES];
    size_t got = 0;
    uint32_t version;
    uint32_t bytes;
    int err = source_read(s, head, sizeof(head), &got);

    if (err != 0)
        return err;
    if (got < 6 || memcmp(head, MAGIC, 4) != 0)
        return fail(s, MCOS_E_FORMAT, "",
                    "not a Swift ring of version 1: it does not begin with R1NG");
    version = (uint32_t)head[4] << 8 | head[5];
    if (version != VERSION)
        return mcos_diag_set(s->diag, MCOS_E_UPGRADE, "",
                             "Swift ring format %u, only 1 is read "
                             "(swift-ring-builder write_ring --format-version=1)",
                             version);
    if (got != sizeof(head))
        return fail(s, MCOS_E_FORMAT, "", "the file is cut short");
    bytes = (uint32_t)head[6] << 24 | (uint32_t)head[7] << 16 | (uint32_t)head[8] << 8 |
            head[9];
    if (bytes > MC_RINGGZ_JSON_MAX)
        return mcos_diag_set(s->diag, MCOS_E_TOOBIG, "", "JSON of %u bytes, at most %u",
                             bytes, MC_RINGGZ_JSON_MAX);
    if (!source_may_hold(s, bytes))
        return fail(s, MCOS_E_FORMAT, "", "the file is cut short");
    *ret_json_bytes = bytes;
    return 0;
}

static int read_json(struct source *s, struct mc_draft *draft, struct mc_buf *extra,
                     struct mc_ringjson *ret)
{
    struct mc_buf kept = {.max = MC_EXTRA_MAX - 64};
    uint8_t *text = NULL;
    size_t bytes = 0;
    int err = read_head(s, &bytes);

    if (err != 0)
        return err;
    text = malloc(bytes + 1);
    err = text == NULL ? MCOS_E_NOMEM : source_exact(s, text, bytes);
    if (err == 0)
        err = mc_ringjson_read((struct mc_bytes){text, bytes}, HEAD_BYTES, draft, &kept,
                               ret, s->diag);
    if (err == 0 && kept.len != 0) {
        mc_extra_put(extra, MC_EXTRA_SWIFT, 0, (struct mc_bytes){kept.ptr, kept.len});
        err = extra->err;
        draft->extra = (struct mc_bytes){extra->ptr, extra->len};
    }
    mc_buf_fini(&kept);
    free(text);
    return err;
}

/* Puts one id in its place, if it may stand there. */
static int place(const struct source *s, struct mc_draft *draft, unsigned stride,
                 unsigned row, uint32_t part, uint32_t id)
{
    uint32_t *of_part = draft->table + (size_t)part * stride;
    char text[96];

    if (id >= draft->device_count || draft->devices[id].removed) {
        snprintf(text, sizeof(text), "partition %u is on device %u, which is not there",
                 part, id);
        return fail(s, MCOS_E_DEVICE, "/devs", text);
    }
    for (unsigned i = 0; i < row; i++) {
        if (of_part[i] == id) {
            snprintf(text, sizeof(text), "partition %u is on device %u twice", part,
                     id);
            return fail(s, MCOS_E_DEVICE, "/devs", text);
        }
    }
    of_part[row] = id;
    return 0;
}

/* One row; *ret_ids is how many ids it had. */
static int read_row(struct source *s, const struct mc_ringjson *shape, unsigned row,
                    struct mc_draft *draft, uint8_t *chunk, uint32_t *ret_ids)
{
    const uint32_t parts = 1u << shape->part_power;
    uint32_t part = 0;

    while (part < parts) {
        uint32_t want = parts - part < CHUNK_IDS ? parts - part : CHUNK_IDS;
        size_t got = 0;
        int err = source_read(s, chunk, (size_t)want * 2, &got);

        if (err != 0)
            return err;
        if (got % 2 != 0)
            return fail(s, MCOS_E_FORMAT, "", "half an id at the end of a row");
        for (size_t i = 0; i < got / 2; i++) {
            const uint8_t *p = chunk + 2 * i;
            uint32_t id =
                shape->big_endian ? (uint32_t)p[0] << 8 | p[1] : mc_get_u16(p);

            err = place(s, draft, shape->rows, row, part + (uint32_t)i, id);
            if (err != 0)
                return err;
        }
        part += (uint32_t)(got / 2);
        if (got / 2 != want)
            break;
    }
    *ret_ids = part;
    return 0;
}

/* A last row without a single id takes no place in the table. */
static void drop_last_column(uint32_t *table, uint32_t parts, unsigned rows)
{
    for (uint32_t part = 0; part < parts; part++)
        memmove(table + (size_t)part * (rows - 1), table + (size_t)part * rows,
                (rows - 1) * sizeof(*table));
}

/* No partition is twice on one device, so more whole rows cannot be right. */
static bool too_few_devices(const struct mc_draft *draft, unsigned whole_rows)
{
    unsigned live = 0;

    for (uint32_t id = 0; id < draft->device_count && live < whole_rows; id++)
        live += !draft->devices[id].removed;
    return live < whole_rows;
}

static int read_rows(struct source *s, const struct mc_ringjson *shape,
                     struct mc_draft *draft)
{
    const uint32_t parts = 1u << shape->part_power;
    const uint64_t least = (uint64_t)(shape->rows - 1) * parts;
    uint8_t *chunk = NULL;
    uint32_t last = 0;
    int err = 0;

    if (too_few_devices(draft, shape->rows - 1))
        return fail(s, MCOS_E_DEVICE, "/replica_count", "more replicas than devices");
    if (!source_may_hold(s, least * 2))
        return fail(s, MCOS_E_FORMAT, "/replica_count",
                    "the file is too short for its partitions and replicas");
    if (least * 2 > MC_RECORD_BYTES_MAX)
        return fail(s, MCOS_E_TOOBIG, "/replica_count", "too many assignments");
    draft->table = malloc((size_t)shape->rows * parts * sizeof(*draft->table));
    chunk = malloc(CHUNK_IDS * 2);
    if (draft->table == NULL || chunk == NULL) {
        err = MCOS_E_NOMEM;
        goto out;
    }
    for (unsigned row = 0; row < shape->rows; row++) {
        err = read_row(s, shape, row, draft, chunk, &last);
        if (err == 0 && last != parts && row + 1 != shape->rows)
            err = fail(s, MCOS_E_FORMAT, "/replica_count",
                       "a short row that is not the last");
        if (err != 0)
            goto out;
    }
    for (uint32_t part = last; part < parts; part++)
        draft->table[(size_t)part * shape->rows + shape->rows - 1] = MC_DEVICE_NONE;
    if (last == 0)
        drop_last_column(draft->table, parts, shape->rows);
    draft->head.assignments = least + last;
    if (draft->head.assignments == 0)
        err = fail(s, MCOS_E_FORMAT, "/replica_count", "no partition has a device");
    else
        err = source_end(s);
out:
    free(chunk);
    return err;
}

static int decode(struct source *s, const struct mc_secret *secret,
                  struct mc_draft *draft, struct mc_buf *extra)
{
    struct mc_ringjson shape;
    int err = read_json(s, draft, extra, &shape);

    if (err == 0)
        err = read_rows(s, &shape, draft);
    if (err != 0)
        return err;
    draft->head.part_power = (uint8_t)shape.part_power;
    draft->head.next_part_power = (uint8_t)shape.next_part_power;
    draft->head.hash = MC_HASH_SWIFT_MD5;
    draft->head.secret_embedded = false;
    memset(draft->head.hash_check, 0, sizeof(draft->head.hash_check));
    if (secret != NULL)
        mc_secret_check(secret, draft->head.hash_check);
    draft->builder.overload = 0;
    draft->builder.min_move_seconds = MC_RINGGZ_MIN_MOVE_S;
    draft->builder.algorithm = 0;
    return 0;
}

int mc_ringgz_decode(struct mc_bytes gz, const struct mc_secret *secret,
                     struct mc_draft *draft, struct mc_buf *extra,
                     struct mcos_diag *diag)
{
    struct source s = {.gz = true, .diag = diag};
    int err;

    if (gz.len > MC_IMPORT_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "", "%zu bytes, at most %u", gz.len,
                             MC_IMPORT_BYTES_MAX);
    if (inflateInit2(&s.z, GZIP_ONLY) != Z_OK)
        return MCOS_E_NOMEM;
    s.z.next_in = (z_const Bytef *)gz.ptr;
    s.z.avail_in = (uInt)gz.len;
    err = decode(&s, secret, draft, extra);
    (void)inflateEnd(&s.z);
    return err;
}

int mc_ringgz_decode_plain(struct mc_bytes plain, const struct mc_secret *secret,
                           struct mc_draft *draft, struct mc_buf *extra,
                           struct mcos_diag *diag)
{
    struct source s = {.plain = plain, .diag = diag};

    if (plain.len > MC_INFLATED_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "", "%zu bytes, at most %u",
                             plain.len, MC_INFLATED_BYTES_MAX);
    return decode(&s, secret, draft, extra);
}
