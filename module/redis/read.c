/* SPDX-License-Identifier: Apache-2.0 */
/* redis/read.c -- RING.GET, RING.STAMP, RING.INFO, RING.LIST: what is held. */
#include "redis/commands.h"
#include "redis/held.h"
#include "redis/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mc_cmd_get(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *ring;
    struct mc_bytes bytes;
    int err;

    if (argc != 2)
        return mc_reply_error(ctx, "ARG", "RING.GET key");
    err = mc_held_find(ctx, argv[1], &ring, &diag);
    if (err != 0)
        return mc_reply_held(ctx, err, &diag);
    bytes = mc_blob_get(mc_ring_blob(ring));
    return rm.ReplyWithStringBuffer(ctx, (const char *)bytes.ptr, bytes.len);
}

int mc_cmd_stamp(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *ring;
    int err;

    if (argc != 2)
        return mc_reply_error(ctx, "ARG", "RING.STAMP key");
    err = mc_held_find(ctx, argv[1], &ring, &diag);
    if (err != 0)
        return mc_reply_held(ctx, err, &diag);
    mc_reply_stamp_of(ctx, mc_ring_head(ring));
    return RM_OK;
}

/* ---- RING.INFO ---- */

struct table {
    struct rm_ctx *ctx;
};

static void put_text(struct table *t, const char *key, const char *value)
{
    mc_reply_text(t->ctx, key);
    mc_reply_text(t->ctx, value);
}

static void put_number(struct table *t, const char *key, uint64_t value)
{
    mc_reply_text(t->ctx, key);
    (void)rm.ReplyWithLongLong(t->ctx, (long long)value); /* all below 2^63 */
}

static void put_hex(struct table *t, const char *key, const uint8_t *bytes, size_t n)
{
    char hex[2 * MC_DIGEST_BYTES + 1];

    mc_hex(hex, bytes, n);
    put_text(t, key, hex);
}

#define INFO_FIELDS 20

static const char *hash_name(const struct mc_head *head)
{
    if (head->tombstone)
        return "";
    return head->hash == MC_HASH_XXH3 ? "xxh3" : "swift-md5";
}

int mc_cmd_info(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct mcos_diag diag = {.offset = -1};
    struct table t = {ctx};
    struct mc_ring *ring;
    const struct mc_head *head;
    int err;

    if (argc != 2)
        return mc_reply_error(ctx, "ARG", "RING.INFO key");
    err = mc_held_find(ctx, argv[1], &ring, &diag);
    if (err != 0)
        return mc_reply_held(ctx, err, &diag);
    head = mc_ring_head(ring);
    (void)rm.ReplyWithArray(ctx, 2 * INFO_FIELDS);
    put_text(&t, "name", head->name.s);
    mc_reply_text(ctx, "stamp");
    mc_reply_stamp_of(ctx, head);
    put_number(&t, "epoch", head->epoch);
    put_number(&t, "version", head->version);
    put_number(&t, "timestamp", head->timestamp);
    put_hex(&t, "digest", head->digest, MC_DIGEST_BYTES);
    put_hex(&t, "uid", head->uid, MC_UID_BYTES);
    put_hex(&t, "system", head->system, MC_UID_BYTES);
    put_text(&t, "origin", head->origin.s);
    put_text(&t, "author", head->author);
    put_text(&t, "note", head->note);
    put_text(&t, "deleted", head->tombstone ? "yes" : "no");
    put_number(&t, "part_power", head->part_power);
    put_number(&t, "partitions", mc_ring_part_count(ring));
    put_number(&t, "replicas", head->stride);
    put_number(&t, "assignments", head->assignments);
    put_text(&t, "hash", hash_name(head));
    put_text(&t, "secret", head->secret_embedded ? "embedded" : "none");
    put_number(&t, "devices", head->device_count);
    put_number(&t, "bytes", head->record_bytes);
    return RM_OK;
}

/* ---- RING.LIST ---- */

struct listing {
    struct rm_string *key;
    struct mc_stamp stamp;
};

/* The keys of one SCAN that hold a ring, and their stamps. */
static int reply_list(struct rm_ctx *ctx, struct rm_reply *scan)
{
    struct rm_reply *keys = rm.CallReplyArrayElement(scan, 1);
    size_t count = rm.CallReplyLength(keys);
    struct listing *rings = calloc(count + 1, sizeof(*rings));
    size_t found = 0;
    const char *text;
    size_t len;

    if (rings == NULL)
        return mc_reply_error(ctx, "NOMEM", "out of memory");
    for (size_t i = 0; i < count; i++) {
        struct listing *at = &rings[found];

        text = rm.CallReplyStringPtr(rm.CallReplyArrayElement(keys, i), &len);
        if (text == NULL)
            continue;
        at->key = rm.CreateString(ctx, text, len);
        if (mc_held_stamp(ctx, at->key, &at->stamp) == 0)
            found++;
        else
            rm.FreeString(ctx, at->key);
    }
    (void)rm.ReplyWithArray(ctx, 2);
    text = rm.CallReplyStringPtr(rm.CallReplyArrayElement(scan, 0), &len);
    (void)rm.ReplyWithStringBuffer(ctx, text == NULL ? "0" : text,
                                   text == NULL ? 1 : len);
    (void)rm.ReplyWithArray(ctx, (long)(2 * found));
    for (size_t i = 0; i < found; i++) {
        struct mc_bytes name = mc_arg(rings[i].key);

        (void)rm.ReplyWithStringBuffer(ctx, (const char *)name.ptr, name.len);
        mc_reply_stamp(ctx, &rings[i].stamp);
        rm.FreeString(ctx, rings[i].key);
    }
    free(rings);
    return RM_OK;
}

int mc_cmd_list(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct rm_string *match = NULL;
    struct rm_reply *scan;
    long long cursor;
    long long count = 100;

    if (argc % 2 != 0 || !mc_arg_number(argv[1], 0, INT64_MAX, &cursor))
        return mc_reply_error(ctx, "ARG", "RING.LIST cursor [MATCH glob] [COUNT n]");
    for (int i = 2; i < argc; i += 2) {
        if (mc_arg_is(argv[i], "MATCH"))
            match = argv[i + 1];
        else if (!mc_arg_is(argv[i], "COUNT") ||
                 !mc_arg_number(argv[i + 1], 1, MC_LIST_MAX, &count))
            return mc_reply_error(ctx, "ARG", "MATCH glob or COUNT 1 to %d",
                                  MC_LIST_MAX);
    }
    if (match != NULL)
        scan = rm.Call(ctx, "SCAN", "lcscl", cursor, "MATCH", match, "COUNT", count);
    else
        scan = rm.Call(ctx, "SCAN", "lcl", cursor, "COUNT", count);
    if (scan == NULL)
        return mc_reply_error(ctx, "ARG", "the server does not scan here");
    if (rm.CallReplyType(scan) == RM_REPLY_ARRAY && rm.CallReplyLength(scan) == 2)
        (void)reply_list(ctx, scan);
    else
        (void)mc_reply_error(ctx, "ARG", "the server does not scan here");
    rm.FreeCallReply(scan);
    return RM_OK;
}
