/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/source.c -- inflating in steps; a plain stream is read the same way. */
#include "adapter/swift/source.h"

#include <string.h>

#define DEFLATE_RATIO 1032u /* no byte of deflate makes more than this */
#define GZIP_ONLY     (16 + MAX_WBITS)
#define CHUNK_BYTES   32768u
#define KEPT_MAX      64u

int mc_source_init(struct mc_source *s, struct mc_bytes bytes, bool gz,
                   struct mcos_diag *diag)
{
    *s =
        (struct mc_source){.bytes = bytes, .gz = gz, .limit = UINT64_MAX, .diag = diag};
    if (gz && inflateInit2(&s->z, GZIP_ONLY) != Z_OK) {
        s->gz = false;
        return MCOS_E_NOMEM;
    }
    s->z.next_in = bytes.ptr;
    s->z.avail_in = (uInt)bytes.len;
    return 0;
}

void mc_source_fini(struct mc_source *s)
{
    if (s->gz)
        (void)inflateEnd(&s->z);
    EVP_MD_CTX_free(s->digest);
    *s = (struct mc_source){.gz = false};
}

int mc_source_fail(const struct mc_source *s, int code, const char *field,
                   const char *text)
{
    int err = mcos_diag_set(s->diag, code, field, "%s", text);

    if (s->diag != NULL)
        s->diag->offset = (long long)s->pos;
    return err;
}

static size_t read_plain(const struct mc_source *s, uint8_t *dst, size_t n)
{
    size_t left = s->bytes.len - (size_t)s->pos;
    size_t got = n < left ? n : left;

    if (got != 0)
        memcpy(dst, s->bytes.ptr + s->pos, got);
    return got;
}

static int read_gz(struct mc_source *s, uint8_t *dst, size_t n, size_t *ret_n)
{
    s->z.next_out = dst;
    s->z.avail_out = (uInt)n;
    while (s->z.avail_out != 0 && !s->ended) {
        int rc = inflate(&s->z, Z_NO_FLUSH);

        s->pos = s->z.total_out; /* a failure tells how far it came */
        if (rc == Z_STREAM_END)
            s->ended = true;
        else if (rc == Z_MEM_ERROR)
            return MCOS_E_NOMEM;
        else if (rc == Z_BUF_ERROR ||
                 (rc == Z_OK && s->z.avail_in == 0 && s->z.avail_out != 0))
            return mc_source_fail(s, MCOS_E_FORMAT, "", "the gzip stream is cut short");
        else if (rc != Z_OK)
            return mc_source_fail(s, MCOS_E_FORMAT, "",
                                  s->z.total_out == 0 ? "not a gzip file"
                                                      : "the gzip stream is damaged");
    }
    *ret_n = n - s->z.avail_out;
    return 0;
}

int mc_source_read(struct mc_source *s, uint8_t *dst, size_t n, size_t *ret_n)
{
    size_t got = 0;
    int err = 0;

    if (n > s->limit - s->pos)
        n = (size_t)(s->limit - s->pos);
    if (s->gz)
        err = read_gz(s, dst, n, &got);
    else
        s->pos += got = read_plain(s, dst, n);
    if (err != 0)
        return err;
    if (s->digest != NULL && EVP_DigestUpdate(s->digest, dst, got) != 1)
        return MCOS_E_NOMEM;
    *ret_n = got;
    return 0;
}

int mc_source_exact(struct mc_source *s, uint8_t *dst, size_t n)
{
    size_t got = 0;
    int err = mc_source_read(s, dst, n, &got);

    if (err == 0 && got != n)
        err = mc_source_fail(s, MCOS_E_FORMAT, "", "the file is cut short");
    return err;
}

static int rewind_source(struct mc_source *s)
{
    s->pos = 0;
    s->ended = false;
    if (!s->gz)
        return 0;
    s->z.next_in = s->bytes.ptr;
    s->z.avail_in = (uInt)s->bytes.len;
    return inflateReset(&s->z) == Z_OK ? 0 : MCOS_E_NOMEM;
}

int mc_source_seek(struct mc_source *s, uint64_t pos)
{
    uint8_t chunk[CHUNK_BYTES];
    int err = pos < s->pos ? rewind_source(s) : 0;

    while (err == 0 && s->pos < pos) {
        uint64_t left = pos - s->pos;

        err =
            mc_source_exact(s, chunk, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES);
    }
    return err;
}

int mc_source_last(struct mc_source *s, uint64_t max, uint8_t *dst, size_t n)
{
    uint8_t kept[KEPT_MAX + CHUNK_BYTES] = {0};
    size_t got = 0;
    int err;

    do {
        if (s->pos > max)
            return mcos_diag_set(s->diag, MCOS_E_TOOBIG, "",
                                 "more than %llu bytes uncompressed",
                                 (unsigned long long)max);
        memmove(kept, kept + got, KEPT_MAX);
        err = mc_source_read(s, kept + KEPT_MAX, CHUNK_BYTES, &got);
    } while (err == 0 && got == CHUNK_BYTES);
    if (err == 0)
        err = mc_source_end(s);
    if (err == 0)
        memcpy(dst, kept + KEPT_MAX + got - n, n);
    return err;
}

bool mc_source_may_hold(const struct mc_source *s, uint64_t n)
{
    if (!s->gz)
        return n <= s->bytes.len - s->pos;
    return n <= ((uint64_t)s->z.avail_in + 1024) * DEFLATE_RATIO;
}

int mc_source_end(struct mc_source *s)
{
    uint8_t one;
    size_t got = 0;
    int err = mc_source_read(s, &one, 1, &got);

    if (err != 0)
        return err;
    if (got != 0)
        return mc_source_fail(s, MCOS_E_FORMAT, "", "more data than the replicas take");
    if (s->gz && s->z.avail_in != 0)
        return mc_source_fail(s, MCOS_E_FORMAT, "",
                              "bytes after the end of the gzip stream");
    return 0;
}
