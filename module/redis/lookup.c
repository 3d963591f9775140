/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/lookup.c -- RING.LOOKUP, RING.MLOOKUP, RING.PART: where a name lives.
 *
 * An answer is [partition, [device ...]], then the stamp if WITHVERSION was
 * asked, then [handoff ...] if HANDOFFS was.
 */
#include "ring/batch.h"

#include "redis/commands.h"
#include "redis/held.h"
#include "redis/reply.h"
#include "ring/handoff.h"

#include <stdlib.h>

#define BLOCK 64u /* names of RING.MLOOKUP that are hashed side by side */

struct wanted {
    bool version;
    bool with_handoffs;
    size_t handoffs;
};

/* One command's look-ups in one ring. */
struct asker {
    struct rm_ctx *ctx;
    struct mc_ring *ring; /* lent by the cache: nothing is written meanwhile */
    struct mc_secret secret;
    struct wanted wanted;
    struct mc_tiers *tiers; /* NULL unless handoffs are wanted */
    uint32_t *ids;
};

/* Reads the options from argv[from] to the end. */
static bool read_options(struct rm_string **argv, int argc, int from,
                         struct wanted *ret_wanted)
{
    struct wanted w = {false, false, 0};
    long long n;

    for (int i = from; i < argc; i++) {
        if (mc_arg_is(argv[i], "WITHVERSION")) {
            w.version = true;
        } else if (mc_arg_is(argv[i], "HANDOFFS") && i + 1 < argc &&
                   mc_arg_number(argv[i + 1], 0, MC_HANDOFFS_MAX, &n)) {
            w.with_handoffs = true;
            w.handoffs = (size_t)n;
            i++;
        } else {
            return false;
        }
    }
    *ret_wanted = w;
    return true;
}

static void asker_fini(struct asker *a)
{
    mc_tiers_free(a->tiers);
    free(a->ids);
}

/* 0, or the error was replied. need_secret: names are hashed. */
static int asker_init(struct asker *a, struct rm_ctx *ctx, struct rm_string *key,
                      bool need_secret, const struct wanted *wanted)
{
    struct mcos_diag diag = {.offset = -1};
    const struct mc_head *head;
    int err;

    *a = (struct asker){.ctx = ctx, .wanted = *wanted};
    err = mc_held_find(ctx, key, &a->ring, &diag);
    if (err != 0) {
        (void)mc_reply_held(ctx, err, &diag);
        return err;
    }
    head = mc_ring_head(a->ring);
    if (head->tombstone) {
        (void)mc_reply_error(ctx, "DELETED", "%s was deleted at v%llu", head->name.s,
                             (unsigned long long)head->version);
        return MCOS_E_DELETED;
    }
    if (need_secret)
        err = mc_lookup_secret(a->ring, NULL, &a->secret);
    if (err != 0) {
        (void)mc_reply_error(ctx, "SECRET",
                             "names of %s are hashed with a secret that is not in the "
                             "ring: ask an agent or a resolver that has it",
                             head->name.s);
        return err;
    }
    if (wanted->handoffs == 0)
        return 0;
    /* Handoffs trust the table: it must be what was checked. */
    if (!mc_held_intact(a->ring)) {
        (void)mc_reply_held(ctx, MCOS_E_DIGEST, NULL);
        return MCOS_E_DIGEST;
    }
    a->ids = calloc(wanted->handoffs, sizeof(*a->ids));
    err = a->ids == NULL ? MCOS_E_NOMEM : mc_tiers_new(a->ring, &a->tiers);
    if (err != 0) {
        (void)mc_reply_held(ctx, MCOS_E_NOMEM, NULL);
        asker_fini(a);
    }
    return err;
}

static void reply_devices(const struct asker *a, const uint32_t *ids, size_t count)
{
    (void)rm.ReplyWithArray(a->ctx, (long)count);
    for (size_t i = 0; i < count; i++) {
        const struct mc_device *device = mc_ring_device(a->ring, ids[i]);

        mc_reply_text(a->ctx, device == NULL ? "" : device->name);
    }
}

static void reply_part(const struct asker *a, uint32_t part)
{
    const struct wanted *w = &a->wanted;
    uint32_t row[MC_REPLICAS_MAX];
    unsigned n = mc_ring_row(a->ring, part, row);
    long found = 0;

    (void)rm.ReplyWithArray(a->ctx, 2 + w->version + w->with_handoffs);
    (void)rm.ReplyWithLongLong(a->ctx, part);
    reply_devices(a, row, n);
    if (w->version)
        mc_reply_stamp_of(a->ctx, mc_ring_head(a->ring));
    if (!w->with_handoffs)
        return;
    if (w->handoffs > 0)
        found = mc_tiers_handoffs(a->tiers, part, a->ids, w->handoffs);
    reply_devices(a, a->ids, found < 0 ? 0 : (size_t)found);
}

static const char *what_lacks(const struct mc_key *key)
{
    return key->account.len == 0 ? "no account" : "an object without a container";
}

static void reply_key(const struct asker *a, const struct mc_key *key)
{
    uint32_t part = 0;

    (void)mc_lookup_part_fast(a->ring, &a->secret, key, &part);
    reply_part(a, part);
}

static bool is_option(const struct rm_string *arg)
{
    return mc_arg_is(arg, "WITHVERSION") || mc_arg_is(arg, "HANDOFFS");
}

int mc_cmd_lookup(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct mc_key key = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct wanted wanted;
    struct asker a;
    int at = 3;

    if (argc >= 3)
        key.account = mc_arg(argv[2]);
    if (at < argc && !is_option(argv[at]))
        key.container = mc_arg(argv[at++]);
    if (at == 4 && at < argc && !is_option(argv[at]))
        key.object = mc_arg(argv[at++]);
    if (argc < 3 || !read_options(argv, argc, at, &wanted))
        return mc_reply_error(ctx, "ARG",
                              "RING.LOOKUP key account [container [object]] "
                              "[WITHVERSION] [HANDOFFS 0 to %d]",
                              MC_HANDOFFS_MAX);
    if (!mc_key_ok(&key)) /* told before any answer is begun */
        return mc_reply_error(ctx, "ARG", "%s", what_lacks(&key));
    if (asker_init(&a, ctx, argv[1], true, &wanted) != 0)
        return RM_OK;
    reply_key(&a, &key);
    asker_fini(&a);
    return RM_OK;
}

static struct mc_key triple(struct rm_string **argv)
{
    return (struct mc_key){mc_arg(argv[0]), mc_arg(argv[1]), mc_arg(argv[2])};
}

/* Up to BLOCK names, three arguments each. */
static void reply_block(const struct asker *a, struct rm_string **argv, size_t count)
{
    struct mc_key keys[BLOCK];
    uint32_t parts[BLOCK];

    for (size_t i = 0; i < count; i++)
        keys[i] = triple(argv + 3 * i);
    (void)mc_batch_lookup(a->ring, &a->secret, keys, count, parts, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        reply_part(a, parts[i]);
}

int mc_cmd_mlookup(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct wanted wanted;
    struct asker a;
    long long n;

    if (argc < 3 || !mc_arg_number(argv[2], 1, MC_MLOOKUP_MAX, &n) ||
        argc < 3 + 3 * n || !read_options(argv, argc, 3 + 3 * (int)n, &wanted))
        return mc_reply_error(ctx, "ARG",
                              "RING.MLOOKUP key 1 to %d, account container object of "
                              "each, [WITHVERSION] [HANDOFFS n]",
                              MC_MLOOKUP_MAX);
    if ((size_t)n * wanted.handoffs > MC_ANSWERS_MAX)
        return mc_reply_error(ctx, "ARG", "more than %d handoffs at once",
                              MC_ANSWERS_MAX);
    for (int i = 0; i < n; i++) {
        struct mc_key key = triple(argv + 3 + 3 * i);

        if (!mc_key_ok(&key))
            return mc_reply_error(ctx, "ARG", "name %d: %s", i + 1, what_lacks(&key));
    }
    if (asker_init(&a, ctx, argv[1], true, &wanted) != 0)
        return RM_OK;
    (void)rm.ReplyWithArray(ctx, (long)n);
    for (size_t at = 0; at < (size_t)n; at += BLOCK)
        reply_block(&a, argv + 3 + 3 * at,
                    (size_t)n - at < BLOCK ? (size_t)n - at : BLOCK);
    asker_fini(&a);
    return RM_OK;
}

int mc_cmd_part(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    struct wanted wanted;
    struct asker a;
    long long part;

    if (argc < 3 || !mc_arg_number(argv[2], 0, (1 << MC_PART_POWER_MAX) - 1, &part) ||
        !read_options(argv, argc, 3, &wanted))
        return mc_reply_error(ctx, "ARG",
                              "RING.PART key partition [WITHVERSION] [HANDOFFS n]");
    if (asker_init(&a, ctx, argv[1], false, &wanted) != 0)
        return RM_OK;
    if (part >= mc_ring_part_count(a.ring))
        (void)mc_reply_error(ctx, "ARG", "the ring has %u partitions",
                             mc_ring_part_count(a.ring));
    else
        reply_part(&a, (uint32_t)part);
    asker_fini(&a);
    return RM_OK;
}
