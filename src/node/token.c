/* SPDX-License-Identifier: Apache-2.0 */
/* node/token.c -- the token of a plan. */
#include "node/token.h"

#include "node/etag.h"

#include "ring/extra.h"

#include <stdio.h>
#include <string.h>

#define RESULT_BYTES 8u
#define CHUNK        16384u /* ids hashed at a time: a table is not copied */

/* "pl_7-91d0aa02-": all but the result. */
static void put_base(const struct mc_head *base, char dst[MC_TOKEN_MAX])
{
    char etag[MC_ETAG_MAX] = "\"0\"";

    if (base != NULL)
        mc_etag_format(base, etag);
    (void)snprintf(dst, MC_TOKEN_MAX, "pl_%.*s-", (int)strlen(etag) - 2, etag + 1);
}

static void put_device(struct mc_buf *b, const struct mc_device *d)
{
    const char *const texts[] = {
        d->name,   d->cluster, d->region,      d->zone, d->host, d->replication_host,
        d->device, d->meta,    d->weight_text,
    };

    mc_buf_u8(b, d->removed);
    mc_buf_u32(b, d->incarnation);
    mc_buf_u16(b, d->port);
    mc_buf_u16(b, d->replication_port);
    mc_buf_u64(b, d->weight);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        mc_buf_str(b, texts[i]);
}

/* Each chunk's digest covers the one before it. */
static void add(uint8_t digest[MC_DIGEST_BYTES], struct mc_buf *b)
{
    const struct mc_bytes parts[] = {{digest, MC_DIGEST_BYTES}, {b->ptr, b->len}};
    uint8_t next[MC_DIGEST_BYTES];

    mc_sha256_parts(next, parts, 2);
    memcpy(digest, next, sizeof(next));
}

int mc_token_format(const struct mc_head *base, const struct mc_draft *draft,
                    char dst[MC_TOKEN_MAX])
{
    const struct mc_head *head = &draft->head;
    uint64_t parts = 1ull << head->part_power;
    uint64_t places = (head->assignments + parts - 1) / parts * parts;
    uint8_t digest[MC_DIGEST_BYTES] = {0};
    char hex[2 * RESULT_BYTES + 1];
    struct mc_buf b = {0};
    int r;

    mc_buf_u8(&b, head->part_power);
    mc_buf_u64(&b, head->assignments);
    mc_buf_u8(&b, (uint8_t)head->hash);
    mc_buf_put(&b, head->hash_check, sizeof(head->hash_check));
    mc_buf_str(&b, head->note);
    mc_buf_u32(&b, draft->builder.overload);
    mc_buf_u32(&b, draft->builder.min_move_seconds);
    if (mc_extra_strict(draft->extra))
        mc_buf_str(&b, "strict");
    if (head->next_part_power != MC_NO_NEXT_PART_POWER)
        mc_buf_u8(&b, head->next_part_power);
    mc_buf_u32(&b, draft->device_count);
    for (uint32_t i = 0; i < draft->device_count; i++)
        put_device(&b, &draft->devices[i]);
    if (base != NULL)
        mc_buf_put(&b, base->digest, sizeof(base->digest));
    add(digest, &b);
    for (uint64_t i = 0; i < places && b.err == 0; i++) {
        if (i % CHUNK == 0)
            mc_buf_clear(&b);
        mc_buf_u32(&b, draft->table[i]);
        if ((i + 1) % CHUNK == 0 || i + 1 == places)
            add(digest, &b);
    }
    r = b.err;
    mc_buf_fini(&b);
    if (r != 0)
        return r;
    mc_hex(hex, digest, RESULT_BYTES);
    put_base(base, dst);
    (void)snprintf(dst + strlen(dst), MC_TOKEN_MAX - strlen(dst), "%s", hex);
    return 0;
}

/* What follows the base: as many hex digits as there are to be. */
static bool is_result(const char *text)
{
    return strspn(text, "0123456789abcdef") == strlen(text) &&
           strlen(text) == 2 * (size_t)RESULT_BYTES;
}

int mc_token_check_base(const char *token, const struct mc_head *base,
                        struct mcos_diag *diag)
{
    const char *last = strrchr(token, '-');
    struct mc_expect expect;
    char before[MC_TOKEN_MAX];
    char etag[MC_TOKEN_MAX];

    if (strncmp(token, "pl_", 3) == 0 && last != NULL && strlen(token) < MC_TOKEN_MAX &&
        is_result(last + 1)) {
        (void)snprintf(etag, sizeof(etag), "\"%.*s\"", (int)(last - token) - 3,
                       token + 3);
        if (strcmp(etag, "\"0\"") == 0 || mc_etag_parse(etag, &expect) == 0) {
            put_base(base, before);
            if (strncmp(token, before, strlen(before)) == 0)
                return 0;
            if (base == NULL)
                return mcos_diag_set(diag, MCOS_E_PLANSTALE, "plan",
                                     "the plan starts from %.*s; the ring was deleted "
                                     "since, or is not known here",
                                     (int)(last - token) - 3, token + 3);
            if (strcmp(etag, "\"0\"") == 0)
                return mcos_diag_set(
                    diag, MCOS_E_PLANSTALE, "plan",
                    "there was no ring when it was planned, and now it "
                    "is at %.*s",
                    (int)strlen(before) - 4, before + 3);
            return mcos_diag_set(diag, MCOS_E_PLANSTALE, "plan",
                                 "the plan starts from %.*s and the ring is at %.*s",
                                 (int)(last - token) - 3, token + 3,
                                 (int)strlen(before) - 4, before + 3);
        }
    }
    return mcos_diag_set(diag, MCOS_E_USAGE, "plan",
                         "no token of a plan: like pl_7-91d0aa02-5be1c04d9a3b7e21");
}

int mc_token_check(const char *given, const char *made, struct mcos_diag *diag)
{
    if (strcmp(given, made) == 0)
        return 0;
    return mcos_diag_set(diag, MCOS_E_PLANSTALE, "plan",
                         "what comes out is not what was planned: it would be %s now",
                         made);
}
