/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/merge.c -- RING.MERGE: add, update or drop, decided inside the server.
 *
 * What is stored and what goes to the append-only file and to replicas are plain
 * SET and HSET: a server without the module reads the same data.
 */
#include "redis/commands.h"
#include "redis/held.h"
#include "redis/losers.h"
#include "redis/reply.h"
#include "sync/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reply_merge(struct rm_ctx *ctx, struct mc_merge merge)
{
    static const char *const verdicts[] = {
        [MC_MERGE_ADDED] = "added",
        [MC_MERGE_REPLACED] = "replaced",
        [MC_MERGE_SAME] = "same",
        [MC_MERGE_OLDER] = "older",
    };
    static const char *const relations[] = {
        [MC_RELATION_LINE] = "line",
        [MC_RELATION_CONFLICT] = "conflict",
        [MC_RELATION_UNKNOWN] = "unknown",
    };

    (void)rm.ReplyWithArray(ctx, 2);
    (void)rm.ReplyWithSimpleString(ctx, verdicts[merge.verdict]);
    return rm.ReplyWithSimpleString(ctx, relations[merge.relation]);
}

/* Tells whoever listens: "<key> <version>.<digest>". */
static void announce(struct rm_ctx *ctx, const struct rm_string *key,
                     const struct mc_head *head)
{
    struct mc_stamp stamp = mc_stamp_of(head);
    struct mc_bytes name = mc_arg(key);
    char stamp_text[MC_STAMP_TEXT_MAX];
    struct rm_string *channel;
    struct rm_string *message;
    char *text = malloc(name.len + sizeof(stamp_text) + 1);
    int n;

    if (text == NULL)
        return;
    mc_stamp_format(&stamp, stamp_text);
    memcpy(text, name.ptr, name.len);
    n = snprintf(text + name.len, sizeof(stamp_text) + 1, " %s", stamp_text);
    channel = rm.CreateString(ctx, MC_RING_CHANNEL, strlen(MC_RING_CHANNEL));
    message = rm.CreateString(ctx, text, name.len + (size_t)n);
    (void)rm.PublishMessage(ctx, channel, message);
    rm.FreeString(ctx, channel);
    rm.FreeString(ctx, message);
    free(text);
}

/* The bytes stay the server's while the command runs. */
static void release(void *ctx, struct mc_bytes bytes)
{
    (void)ctx;
    (void)bytes;
}

static int open_came(struct mc_bytes bytes, struct mc_ring **ret_ring,
                     struct mcos_diag *diag)
{
    struct mc_blob *blob = NULL;
    int err = mc_blob_wrap(bytes, release, NULL, &blob);

    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_SHA256, ret_ring, diag);
    mc_blob_unref(blob);
    return err;
}

static int reply_record(struct rm_ctx *ctx, int err, const struct mcos_diag *diag)
{
    if (err == MCOS_E_NOMEM)
        return mc_reply_error(ctx, "NOMEM", "out of memory");
    return mc_reply_error(ctx, "ARG", "the record is no good (%s): %s",
                          mcos_err_slug(err),
                          diag->text[0] == '\0' ? mcos_err_text(err) : diag->text);
}

/* Reads the companion; one that is no hash gives way if that is asked for. */
static int open_losers(struct rm_ctx *ctx, struct rm_string *key, bool repair,
                       struct mc_losers *losers)
{
    struct rm_reply *reply;
    int err = mc_losers_init(losers, ctx, key);

    if (err != MCOS_E_TYPE || !repair)
        return err;
    reply = rm.Call(ctx, "DEL", "!s", losers->key);
    if (reply != NULL)
        rm.FreeCallReply(reply);
    mc_losers_fini(losers, ctx);
    return mc_losers_init(losers, ctx, key);
}

/* Everything is decided before anything is written. `sealed`: what is there is of a
 * later format and an ancestor of what came. */
static int carry_out(struct rm_ctx *ctx, struct rm_string **argv, struct mc_ring *held,
                     struct mc_ring *came, bool repair, bool sealed)
{
    struct mc_merge merge = sealed
                                ? (struct mc_merge){MC_MERGE_REPLACED, MC_RELATION_LINE}
                                : mc_merge(held, came);
    bool takes = merge.verdict == MC_MERGE_ADDED || merge.verdict == MC_MERGE_REPLACED;
    const struct mc_ring *winner = takes ? came : held;
    const struct mc_ring *loser = NULL;
    struct mc_losers losers;
    struct rm_reply *reply = NULL;
    bool changed = false;
    int err = open_losers(ctx, argv[1], repair, &losers);

    if (merge.relation == MC_RELATION_CONFLICT)
        loser = takes ? held : came;
    if (err == 0 && (losers.count > 0 || loser != NULL))
        err = mc_losers_apply(&losers, ctx, winner, loser, &changed);
    if (err == 0 && takes) {
        const struct mc_head head = *mc_ring_head(came);

        reply = rm.Call(ctx, "SET", "!ss", argv[1], argv[2]);
        announce(ctx, argv[1], &head);
    } else if (err == 0 && changed) {
        announce(ctx, argv[1], mc_ring_head(held));
    }
    mc_losers_fini(&losers, ctx);
    if (reply != NULL && rm.CallReplyType(reply) == RM_REPLY_ERROR)
        (void)rm.ReplyWithCallReply(ctx, reply);
    else if (err == MCOS_E_TYPE)
        (void)mc_reply_error(ctx, "WRONGTYPE", "the key's :losers is not a hash");
    else if (err != 0)
        (void)mc_reply_error(ctx, "NOMEM", "out of memory");
    else
        (void)reply_merge(ctx, merge);
    if (reply != NULL)
        rm.FreeCallReply(reply);
    return RM_OK;
}

/* Than a value of a later format. */
static bool is_greater(struct rm_ctx *ctx, struct rm_string *key,
                       const struct mc_stamp *stamp)
{
    struct mc_stamp there;
    struct mc_front front;

    if (mc_held_front(ctx, key, &front) != 0)
        return false;
    there = mc_stamp_of_front(&front);
    return mc_stamp_cmp(stamp, &there) > 0;
}

static int ask(struct rm_ctx *ctx, struct rm_string **argv)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *held = NULL;
    struct mc_stamp stamp;
    int err;

    if (!mc_stamp_read(mc_arg(argv[3]), &stamp))
        return mc_reply_error(ctx, "ARG",
                              "not a stamp: e0.v7.t1700000000000000000.<sha256>");
    err = mc_held_find(ctx, argv[1], &held, &diag);
    if (err == MCOS_E_UPGRADE && is_greater(ctx, argv[1], &stamp))
        return reply_merge(ctx,
                           (struct mc_merge){MC_MERGE_REPLACED, MC_RELATION_UNKNOWN});
    if (err != 0 && err != MCOS_E_NOTFOUND)
        return mc_reply_held(ctx, err, &diag);
    return reply_merge(ctx, mc_merge_ask(held, &stamp));
}

/*
 * What is there is of a later format. Only a record that says that it descends from
 * it may take its place: it can neither be compared further nor kept as a loser.
 */
static bool descends_from_sealed(struct rm_ctx *ctx, struct rm_string *key,
                                 const struct mc_ring *came)
{
    struct mc_head there = {.epoch = 0};
    struct mc_front front;
    struct mc_stamp old;
    struct mc_stamp now = mc_stamp_of(mc_ring_head(came));

    if (mc_held_front(ctx, key, &front) != 0)
        return false;
    there.epoch = front.epoch;
    there.version = front.version;
    there.timestamp = front.timestamp;
    memcpy(there.digest, front.digest, sizeof(there.digest));
    old = mc_stamp_of(&there);
    return mc_stamp_cmp(&now, &old) > 0 &&
           mc_ring_descends(came, &there) == MC_DESCENT_YES;
}

/* Whether a value that stands in the way may be replaced. */
static bool may_repair(int err)
{
    return err != 0 && err != MCOS_E_NOTFOUND && err != MCOS_E_UPGRADE &&
           err != MCOS_E_NOMEM;
}

/* Is what is held the very record that was named, or "none"? */
static bool is_held(const struct mc_ring *held, const struct rm_string *text,
                    bool *ret_bad)
{
    struct mc_stamp named;
    struct mc_stamp stamp;

    *ret_bad = false;
    if (mc_arg_is(text, "none"))
        return held == NULL;
    *ret_bad = !mc_stamp_read(mc_arg(text), &named);
    if (*ret_bad || held == NULL)
        return false;
    stamp = mc_stamp_of(mc_ring_head(held));
    return mc_stamp_cmp(&stamp, &named) == 0;
}

static int reply_stale(struct rm_ctx *ctx, const struct mc_ring *held)
{
    struct mc_stamp stamp;
    char text[MC_STAMP_FULL_MAX];

    if (held == NULL)
        return mc_reply_error(ctx, "STALE", "no ring is held at this key");
    stamp = mc_stamp_of(mc_ring_head(held));
    mc_stamp_write(&stamp, text);
    return mc_reply_error(ctx, "STALE", "%s is held", text);
}

int mc_cmd_merge(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct mcos_diag diag = {.offset = -1};
    struct mcos_diag sealed_diag;
    struct mc_bytes bytes;
    struct mc_head head;
    struct mc_stamp stamp;
    struct mc_merge merge;
    struct mc_ring *held = NULL;
    struct mc_ring *came = NULL;
    bool sealed;
    bool repair = argc == 4 && mc_arg_is(argv[3], "REPAIR");
    bool claim = argc == 5 && mc_arg_is(argv[3], "IFHELD");
    bool bad = false;
    int err;

    if (argc == 4 && mc_arg_is(argv[2], "IFNEWER"))
        return ask(ctx, argv);
    if (argc != 3 && !repair && !claim)
        return mc_reply_error(ctx, "ARG",
                              "RING.MERGE key record [REPAIR | IFHELD stamp|none] | "
                              "key IFNEWER stamp");
    bytes = mc_arg(argv[2]);
    err = mc_head_decode(bytes, &head, &diag);
    if (err == 0 && head.record_bytes != bytes.len)
        err = mcos_diag_set(&diag, MCOS_E_FORMAT, "", "%zu bytes, must be %llu",
                            bytes.len, (unsigned long long)head.record_bytes);
    if (err != 0)
        return reply_record(ctx, err, &diag);
    err = mc_held_find(ctx, argv[1], &held, &diag);
    sealed = err == MCOS_E_UPGRADE;
    if (err != 0 && err != MCOS_E_NOTFOUND && !sealed && !(repair && may_repair(err)))
        return mc_reply_held(ctx, err, &diag);
    sealed_diag = diag;
    if (held != NULL && strcmp(mc_ring_head(held)->name.s, head.name.s) != 0)
        return mc_reply_error(ctx, "ARG", "the record is of ring %s, the key holds %s",
                              head.name.s, mc_ring_head(held)->name.s);
    stamp = mc_stamp_of(&head);
    if (claim && !is_held(held, argv[4], &bad)) {
        struct mc_stamp there = {0};

        if (bad)
            return mc_reply_error(ctx, "ARG", "IFHELD wants a stamp, or none");
        if (held != NULL)
            there = mc_stamp_of(mc_ring_head(held));
        /* Said twice, for the first answer was lost: it is there. */
        if (held == NULL || mc_stamp_cmp(&stamp, &there) != 0)
            return reply_stale(ctx, held);
    }
    /* Most of what comes is known already: dropped before it is hashed. */
    merge = mc_merge_ask(held, &stamp);
    if (merge.verdict == MC_MERGE_SAME ||
        (merge.verdict == MC_MERGE_OLDER && merge.relation != MC_RELATION_CONFLICT))
        return reply_merge(ctx, merge);
    err = open_came(bytes, &came, &diag);
    if (err != 0)
        return reply_record(ctx, err, &diag);
    if (sealed && !descends_from_sealed(ctx, argv[1], came)) {
        mc_ring_unref(came);
        return mc_reply_held(ctx, MCOS_E_UPGRADE, &sealed_diag);
    }
    /* What is written below makes the cache forget: hold on to it. */
    if (held != NULL)
        (void)mc_ring_ref(held);
    (void)carry_out(ctx, argv, held, came, repair, sealed);
    mc_ring_unref(held);
    mc_ring_unref(came);
    return RM_OK;
}
