/* SPDX-License-Identifier: Apache-2.0 */
/* redis/losers.c -- unresolved losers of conflicts, in a hash beside the ring. */
#include "redis/losers.h"

#include <stdlib.h>
#include <string.h>

#define SUFFIX     ":losers"
#define HEX_DIGITS (2u * MC_DIGEST_BYTES)

struct loser {
    const char *field; /* lent by the reply; NULL: the new one */
    size_t field_len;
    struct mc_ring *ring; /* NULL: damaged, sealed, or of another name */
    bool sealed;          /* of a later format: left to who can read it */
    bool drop;
};

static void release(void *ctx, struct mc_bytes bytes)
{
    (void)ctx;
    (void)bytes;
}

static int companion(struct rm_ctx *ctx, const struct rm_string *key,
                     struct rm_string **ret_key)
{
    size_t len;
    const char *name = rm.StringPtrLen(key, &len);
    char *text = malloc(len + sizeof(SUFFIX));

    if (text == NULL)
        return MCOS_E_NOMEM;
    memcpy(text, name, len);
    memcpy(text + len, SUFFIX, sizeof(SUFFIX) - 1);
    *ret_key = rm.CreateString(ctx, text, len + sizeof(SUFFIX) - 1);
    free(text);
    return 0;
}

/* Opens one value; leaves ring NULL if it is no good or not what its field says. */
static int open_one(struct loser *l, struct rm_reply *value)
{
    char hex[HEX_DIGITS + 1];
    struct mc_blob *blob = NULL;
    size_t len = 0;
    const char *ptr = rm.CallReplyStringPtr(value, &len);
    struct mc_ring *ring = NULL;
    int err;

    if (ptr == NULL || l->field == NULL)
        return 0;
    err = mc_blob_wrap((struct mc_bytes){(const uint8_t *)ptr, len}, release, NULL,
                       &blob);
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_XXH3, &ring, NULL);
    mc_blob_unref(blob);
    if (err == MCOS_E_NOMEM)
        return err;
    l->sealed = err == MCOS_E_UPGRADE;
    if (err != 0)
        return 0;
    mc_hex(hex, mc_ring_head(ring)->digest, MC_DIGEST_BYTES);
    if (l->field_len == HEX_DIGITS && memcmp(l->field, hex, HEX_DIGITS) == 0)
        l->ring = ring;
    else
        mc_ring_unref(ring);
    return 0;
}

int mc_losers_init(struct mc_losers *losers, struct rm_ctx *ctx,
                   const struct rm_string *key)
{
    struct rm_key *opened;
    int type;
    int err;

    *losers = (struct mc_losers){NULL, NULL, NULL, 0};
    err = companion(ctx, key, &losers->key);
    if (err != 0)
        return err;
    opened = rm.OpenKey(ctx, losers->key, RM_READ);
    type = opened == NULL ? RM_TYPE_EMPTY : rm.KeyType(opened);
    if (opened != NULL)
        rm.CloseKey(opened);
    if (type == RM_TYPE_EMPTY)
        return 0;
    if (type != RM_TYPE_HASH)
        return MCOS_E_TYPE;
    losers->all = rm.Call(ctx, "HGETALL", "s", losers->key);
    if (losers->all == NULL || rm.CallReplyType(losers->all) != RM_REPLY_ARRAY)
        return MCOS_E_TYPE;
    losers->count = rm.CallReplyLength(losers->all) / 2;
    losers->list = calloc(losers->count + 1, sizeof(*losers->list));
    if (losers->list == NULL)
        return MCOS_E_NOMEM;
    for (size_t i = 0; err == 0 && i < losers->count; i++) {
        struct loser *l = &losers->list[i];

        l->field = rm.CallReplyStringPtr(rm.CallReplyArrayElement(losers->all, 2 * i),
                                         &l->field_len);
        err = open_one(l, rm.CallReplyArrayElement(losers->all, 2 * i + 1));
    }
    return err;
}

void mc_losers_fini(struct mc_losers *losers, struct rm_ctx *ctx)
{
    for (size_t i = 0; losers->list != NULL && i < losers->count; i++)
        mc_ring_unref(losers->list[i].ring);
    free(losers->list);
    if (losers->all != NULL)
        rm.FreeCallReply(losers->all);
    if (losers->key != NULL)
        rm.FreeString(ctx, losers->key);
    *losers = (struct mc_losers){NULL, NULL, NULL, 0};
}

/* Nobody has to ask about `old` any more once `by` is known. */
static bool settles(const struct mc_ring *by, const struct mc_ring *old)
{
    enum mc_descent descent = mc_ring_descends(by, mc_ring_head(old));

    return descent == MC_DESCENT_SAME || descent == MC_DESCENT_YES;
}

/* By epoch, version, digest: the order in which the file store keeps them. */
static int cmp(const struct mc_ring *a, const struct mc_ring *b)
{
    const struct mc_head *x = mc_ring_head(a);
    const struct mc_head *y = mc_ring_head(b);

    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    if (x->version != y->version)
        return x->version < y->version ? -1 : 1;
    return memcmp(x->digest, y->digest, MC_DIGEST_BYTES);
}

/* Marks what goes; returns whether the new one is to be kept. */
static bool choose(struct mc_losers *losers, const struct mc_ring *held,
                   const struct mc_ring *loser)
{
    bool keep = loser != NULL && !settles(held, loser);

    for (size_t i = 0; i < losers->count; i++) {
        struct loser *l = &losers->list[i];

        if (l->sealed)
            continue;
        l->drop =
            l->ring == NULL ||
            strcmp(mc_ring_head(l->ring)->name.s, mc_ring_head(held)->name.s) != 0 ||
            settles(held, l->ring);
        if (!l->drop && keep && settles(l->ring, loser))
            keep = false;
    }
    for (size_t i = 0; keep && i < losers->count; i++) {
        struct loser *l = &losers->list[i];

        if (!l->sealed)
            l->drop = l->drop || settles(loser, l->ring);
    }
    return keep;
}

/* Drops the smallest until at most MC_LOSERS_MAX are left, the new one counted. */
static bool prune(struct mc_losers *losers, const struct mc_ring *loser, bool keep)
{
    for (;;) {
        struct loser *least = NULL;
        size_t left = keep ? 1 : 0;

        for (size_t i = 0; i < losers->count; i++) {
            struct loser *l = &losers->list[i];

            if (l->drop || l->sealed)
                continue;
            left++;
            if (least == NULL || cmp(l->ring, least->ring) < 0)
                least = l;
        }
        if (left <= MC_LOSERS_MAX)
            return keep;
        if (keep && cmp(loser, least->ring) < 0)
            keep = false;
        else
            least->drop = true;
    }
}

static void free_reply(struct rm_reply *reply)
{
    if (reply != NULL)
        rm.FreeCallReply(reply);
}

int mc_losers_apply(struct mc_losers *losers, struct rm_ctx *ctx,
                    const struct mc_ring *held, const struct mc_ring *loser,
                    bool *ret_changed)
{
    bool keep = prune(losers, loser, choose(losers, held, loser));
    char hex[HEX_DIGITS + 1];

    *ret_changed = keep;
    if (keep) {
        struct mc_bytes bytes = mc_blob_get(mc_ring_blob(loser));

        mc_hex(hex, mc_ring_head(loser)->digest, MC_DIGEST_BYTES);
        free_reply(rm.Call(ctx, "HSET", "!scb", losers->key, hex,
                           (const char *)bytes.ptr, bytes.len));
    }
    for (size_t i = 0; i < losers->count; i++) {
        const struct loser *l = &losers->list[i];

        if (!l->drop)
            continue;
        *ret_changed = true;
        free_reply(rm.Call(ctx, "HDEL", "!sb", losers->key, l->field, l->field_len));
    }
    return 0;
}
