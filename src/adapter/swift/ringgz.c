/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringgz.c -- a ring file: magic, version, and what version 1 puts
 * behind them, JSON and rows. Version 2 is in ringv2.c.
 *
 * Read front to back in bounded steps: what the head and the JSON say bounds
 * what is inflated next, so a bomb stops at the first byte too many.
 */
#include "adapter/swift/ringgz.h"

#include "adapter/swift/ringjson.h"
#include "adapter/swift/ringrows.h"
#include "adapter/swift/ringv2.h"
#include "ring/extra.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC_BYTES 6u
#define SIZE_BYTES  4u
#define MAGIC       "R1NG"

static int read_magic(struct mc_source *s, unsigned *ret_version)
{
    uint8_t magic[MAGIC_BYTES];
    size_t got = 0;
    unsigned version;
    int err = mc_source_read(s, magic, sizeof(magic), &got);

    if (err != 0)
        return err;
    if (got < sizeof(magic) || memcmp(magic, MAGIC, 4) != 0)
        return mc_source_fail(s, MCOS_E_FORMAT, "",
                              "not a Swift ring of version 1 or 2: it does not begin "
                              "with R1NG");
    version = (unsigned)magic[4] << 8 | magic[5];
    if (version != MC_RINGGZ_V1 && version != MC_RINGGZ_V2)
        return mcos_diag_set(s->diag, MCOS_E_UPGRADE, "",
                             "Swift ring format %u, only 1 and 2 are read "
                             "(swift-ring-builder write_ring --format-version=1)",
                             version);
    *ret_version = version;
    return 0;
}

static int read_size(struct mc_source *s, size_t *ret_bytes)
{
    uint8_t size[SIZE_BYTES];
    uint32_t bytes;
    int err = mc_source_exact(s, size, sizeof(size));

    if (err != 0)
        return err;
    bytes = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 |
            size[3];
    if (bytes > MC_RINGGZ_JSON_MAX)
        return mcos_diag_set(s->diag, MCOS_E_TOOBIG, "", "JSON of %u bytes, at most %u",
                             bytes, MC_RINGGZ_JSON_MAX);
    if (!mc_source_may_hold(s, bytes))
        return mc_source_fail(s, MCOS_E_FORMAT, "", "the file is cut short");
    *ret_bytes = bytes;
    return 0;
}

static int read_v1(struct mc_source *s, struct mc_draft *draft, struct mc_buf *kept,
                   struct mc_ringjson *shape)
{
    uint8_t *text = NULL;
    size_t bytes = 0;
    int err = read_size(s, &bytes);

    if (err != 0)
        return err;
    text = malloc(bytes + 1);
    err = text == NULL ? MCOS_E_NOMEM : mc_source_exact(s, text, bytes);
    if (err == 0)
        err = mc_ringjson_read((struct mc_bytes){text, bytes}, MAGIC_BYTES + SIZE_BYTES,
                               draft, kept, shape, s->diag);
    free(text);
    if (err == 0)
        err = mc_ringrows_read(s, shape, draft);
    return err != 0 ? err : mc_source_end(s);
}

static int read_any(struct mc_source *s, struct mc_draft *draft, struct mc_buf *extra,
                    struct mc_ringjson *shape)
{
    struct mc_buf kept = {.max = MC_EXTRA_MAX - 64};
    unsigned version = 0;
    int err = read_magic(s, &version);

    if (err == 0)
        err = (version == MC_RINGGZ_V1 ? read_v1 : mc_ringv2_read)(s, draft, &kept,
                                                                   shape);
    if (err == 0 && kept.len != 0) {
        mc_extra_put(extra, MC_EXTRA_SWIFT, 0, (struct mc_bytes){kept.ptr, kept.len});
        err = extra->err;
        draft->extra = (struct mc_bytes){extra->ptr, extra->len};
    }
    mc_buf_fini(&kept);
    return err;
}

static int decode(struct mc_bytes bytes, bool gz, const struct mc_secret *secret,
                  struct mc_draft *draft, struct mc_buf *extra, struct mcos_diag *diag)
{
    struct mc_ringjson shape;
    struct mc_source s;
    int err = mc_source_init(&s, bytes, gz, diag);

    if (err == 0)
        err = read_any(&s, draft, extra, &shape);
    mc_source_fini(&s);
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
    if (gz.len > MC_IMPORT_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "", "%zu bytes, at most %u", gz.len,
                             MC_IMPORT_BYTES_MAX);
    return decode(gz, true, secret, draft, extra, diag);
}

int mc_ringgz_decode_plain(struct mc_bytes plain, const struct mc_secret *secret,
                           struct mc_draft *draft, struct mc_buf *extra,
                           struct mcos_diag *diag)
{
    if (plain.len > MC_INFLATED_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "", "%zu bytes, at most %u",
                             plain.len, MC_INFLATED_BYTES_MAX);
    return decode(plain, false, secret, draft, extra, diag);
}
