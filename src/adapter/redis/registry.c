/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/registry.c -- commands of the module, and what they answer. */
#include "adapter/redis/registry.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_FIRST_BYTES 16384u /* a record larger than this is asked about first */
#define PAGE            "1000"
#define PEEK_LAST       "65535"
#define STAMPS_AT_ONCE  256u

static struct mc_bytes word(const char *text)
{
    return (struct mc_bytes){(const uint8_t *)text, strlen(text)};
}

static void key_of(const struct mc_name *name, char dst[MC_REDIS_KEY_MAX])
{
    (void)snprintf(dst, MC_REDIS_KEY_MAX, MC_REDIS_PREFIX "%s", name->s);
}

static int strange(struct mcos_diag *diag)
{
    return mcos_diag_set(diag, MCOS_E_IO, "store",
                         "Redis gave an answer that the module does not give");
}

bool mc_redis_err_is_local(int err)
{
    return err == MCOS_E_NOTFOUND || err == MCOS_E_FORMAT || err == MCOS_E_TYPE ||
           err == MCOS_E_UPGRADE || err == MCOS_E_VALUE || err == MCOS_E_NOMEM ||
           err == MCOS_E_STALE;
}

int mc_redis_registry_check(struct mc_redis_link *link, struct mcos_diag *diag)
{
    const struct mc_bytes args[] = {word("RING.HELP")};
    struct redisReply *reply = NULL;
    int err = mc_redis_link_call(link, args, 1, 0, &reply, diag);

    mc_redis_reply_free(reply);
    if (err == MCOS_E_METHOD)
        (void)mcos_diag_set(diag, err, "store",
                            "this Redis has no module mcos; put the line 'loadmodule "
                            "%s' into redis.conf and restart it, or run: redis-cli "
                            "MODULE LOAD %s",
                            MC_REDIS_MODULE, MC_REDIS_MODULE);
    return err;
}

/* ---- merging ---- */

static bool find_word(const struct redisReply *reply, const char *const *words,
                      unsigned count, unsigned *ret)
{
    for (unsigned i = 0; i < count; i++) {
        if (reply->str != NULL && strcmp(reply->str, words[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static int read_merge(const struct redisReply *reply, struct mc_merge *ret_merge,
                      struct mcos_diag *diag)
{
    static const char *const verdicts[] = {"added", "replaced", "same", "older"};
    static const char *const relations[] = {"line", "conflict", "unknown"};
    unsigned verdict;
    unsigned relation;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !find_word(reply->element[0], verdicts, 4, &verdict) ||
        !find_word(reply->element[1], relations, 3, &relation))
        return strange(diag);
    *ret_merge =
        (struct mc_merge){(enum mc_verdict)verdict, (enum mc_relation)relation};
    return 0;
}

static int call_merge(struct mc_redis_link *link, const struct mc_bytes *args,
                      size_t count, struct mc_merge *ret_merge, struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    int err = mc_redis_link_call(link, args, count, 0, &reply, diag);

    if (err == 0)
        err = read_merge(reply, ret_merge, diag);
    mc_redis_reply_free(reply);
    return err;
}

int mc_redis_registry_push(struct mc_redis_link *link, const struct mc_ring *ring,
                           bool repair, struct mc_merge *ret_merge,
                           struct mcos_diag *diag)
{
    struct mc_bytes bytes = mc_blob_get(mc_ring_blob(ring));
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(ring));
    struct mc_merge merge;
    char key[MC_REDIS_KEY_MAX];
    char text[MC_STAMP_FULL_MAX];
    int err = 0;

    key_of(&mc_ring_head(ring)->name, key);
    if (!repair && bytes.len > ASK_FIRST_BYTES) {
        mc_stamp_write(&stamp, text);
        const struct mc_bytes ask[] = {word("RING.MERGE"), word(key), word("IFNEWER"),
                                       word(text)};

        err = call_merge(link, ask, 4, &merge, diag);
        if (err != 0)
            return err;
        if (merge.verdict == MC_MERGE_SAME ||
            (merge.verdict == MC_MERGE_OLDER &&
             merge.relation != MC_RELATION_CONFLICT)) {
            *ret_merge = merge;
            return 0;
        }
    }
    const struct mc_bytes args[] = {word("RING.MERGE"), word(key), bytes,
                                    word("REPAIR")};

    return call_merge(link, args, repair ? 4 : 3, ret_merge, diag);
}

int mc_redis_registry_claim(struct mc_redis_link *link, const struct mc_ring *ring,
                            const struct mc_stamp *parent, struct mcos_diag *diag)
{
    char key[MC_REDIS_KEY_MAX];
    char text[MC_STAMP_FULL_MAX] = "none";
    struct mc_merge merge;

    key_of(&mc_ring_head(ring)->name, key);
    if (parent != NULL)
        mc_stamp_write(parent, text);
    const struct mc_bytes args[] = {word("RING.MERGE"), word(key),
                                    mc_blob_get(mc_ring_blob(ring)), word("IFHELD"),
                                    word(text)};

    return call_merge(link, args, 5, &merge, diag);
}

/* ---- reading ---- */

static int open_record(const struct redisReply *reply, const struct mc_name *name,
                       struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int err;

    if (reply->type != REDIS_REPLY_STRING)
        return strange(diag);
    err = mc_blob_new(
        (struct mc_bytes){(const uint8_t *)reply->str, (size_t)reply->len}, &blob);
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_SHA256, &ring, diag);
    mc_blob_unref(blob);
    if (err == 0 && strcmp(mc_ring_head(ring)->name.s, name->s) != 0) {
        err = mcos_diag_set(diag, MCOS_E_FORMAT, "store", "the key of %s holds ring %s",
                            name->s, mc_ring_head(ring)->name.s);
        mc_ring_unref(ring);
    }
    if (err == 0)
        *ret_ring = ring;
    else if (err != MCOS_E_NOMEM && err != MCOS_E_UPGRADE)
        err = MCOS_E_FORMAT;
    return err;
}

int mc_redis_registry_pull(struct mc_redis_link *link, const struct mc_name *name,
                           struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    char key[MC_REDIS_KEY_MAX];
    int err;

    key_of(name, key);
    const struct mc_bytes args[] = {word("RING.GET"), word(key)};

    err = mc_redis_link_call(link, args, 2, MC_RECORD_BYTES_MAX / 16, &reply, diag);
    if (err == 0)
        err = open_record(reply, name, ret_ring, diag);
    mc_redis_reply_free(reply);
    return err;
}

int mc_redis_registry_losers(struct mc_redis_link *link, const struct mc_name *name,
                             struct mc_ring *ret_rings[MC_LOSERS_MAX],
                             size_t *ret_count, struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    char key[MC_REDIS_KEY_MAX + 8];
    size_t count = 0;
    int err;

    (void)snprintf(key, sizeof(key), MC_REDIS_PREFIX "%s:losers", name->s);
    const struct mc_bytes args[] = {word("HVALS"), word(key)};

    err = mc_redis_link_call(link, args, 2, MC_RECORD_BYTES_MAX / 16, &reply, diag);
    if (err == 0 && reply->type != REDIS_REPLY_ARRAY)
        err = strange(diag);
    for (size_t i = 0; err == 0 && i < reply->elements && count < MC_LOSERS_MAX; i++) {
        if (open_record(reply->element[i], name, &ret_rings[count], NULL) == 0)
            count++;
    }
    mc_redis_reply_free(reply);
    if (err == 0)
        *ret_count = count;
    return err;
}

static int receive_stamp(struct mc_redis_link *link, struct mc_stamp *ret_stamp,
                         struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    int err = mc_redis_link_receive(link, 0, &reply, diag);

    if (err == 0 && (reply->type != REDIS_REPLY_STRING ||
                     !mc_stamp_read((struct mc_bytes){(const uint8_t *)reply->str,
                                                      (size_t)reply->len},
                                    ret_stamp)))
        err = strange(diag);
    mc_redis_reply_free(reply);
    return err;
}

int mc_redis_registry_stamps(struct mc_redis_link *link, const struct mc_name *names,
                             size_t count, struct mc_stamp *ret_stamps, int *ret_errs,
                             struct mcos_diag *diag)
{
    char key[MC_REDIS_KEY_MAX];
    int err = 0;

    for (size_t from = 0; err == 0 && from < count; from += STAMPS_AT_ONCE) {
        size_t end = count - from < STAMPS_AT_ONCE ? count : from + STAMPS_AT_ONCE;

        for (size_t i = from; err == 0 && i < end; i++) {
            key_of(&names[i], key);
            const struct mc_bytes args[] = {word("RING.STAMP"), word(key)};

            err = mc_redis_link_send(link, args, 2, diag);
        }
        for (size_t i = from; err == 0 && i < end; i++) {
            ret_errs[i] = receive_stamp(link, &ret_stamps[i], diag);
            if (ret_errs[i] != 0 && !mc_redis_err_is_local(ret_errs[i]))
                err = ret_errs[i];
        }
    }
    return err;
}

/* ---- listing ---- */

/* The name in a key, if it is one of ours. */
static bool name_of(const struct redisReply *key, struct mc_name *ret_name)
{
    size_t prefix = strlen(MC_REDIS_PREFIX);
    char text[MC_NAME_MAX + 1];

    if (key->type != REDIS_REPLY_STRING || (size_t)key->len <= prefix ||
        (size_t)key->len > prefix + MC_NAME_MAX ||
        memcmp(key->str, MC_REDIS_PREFIX, prefix) != 0 ||
        memchr(key->str, '\0', (size_t)key->len) != NULL)
        return false;
    memcpy(text, key->str + prefix, (size_t)key->len - prefix);
    text[(size_t)key->len - prefix] = '\0';
    return mc_name_set(ret_name, text);
}

int mc_redis_registry_list(struct mc_redis_link *link, uint64_t *cursor,
                           struct mc_name **ret_names, size_t *ret_count,
                           struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    struct mc_name *names = NULL;
    char text[24];
    size_t count = 0;
    int err;

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)*cursor);
    const struct mc_bytes args[] = {word("RING.LIST"), word(text),
                                    word("MATCH"),     word(MC_REDIS_PREFIX "*"),
                                    word("COUNT"),     word(PAGE)};

    err = mc_redis_link_call(link, args, 6, 0, &reply, diag);
    if (err == 0 && (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
                     reply->element[0]->type != REDIS_REPLY_STRING ||
                     reply->element[1]->type != REDIS_REPLY_ARRAY))
        err = strange(diag);
    if (err == 0) {
        names = calloc(reply->element[1]->elements + 1, sizeof(*names));
        err = names == NULL ? MCOS_E_NOMEM : 0;
    }
    for (size_t i = 0; err == 0 && i + 1 < reply->element[1]->elements; i += 2) {
        if (name_of(reply->element[1]->element[i], &names[count]))
            count++;
    }
    if (err == 0) {
        *cursor = strtoull(reply->element[0]->str, NULL, 10);
        *ret_names = names;
        *ret_count = count;
    }
    mc_redis_reply_free(reply);
    return err;
}

struct mc_blob *mc_redis_registry_peek(struct mc_redis_link *link,
                                       const struct mc_name *name)
{
    struct redisReply *reply = NULL;
    struct mc_blob *blob = NULL;
    char key[MC_REDIS_KEY_MAX];

    key_of(name, key);
    const struct mc_bytes args[] = {word("GETRANGE"), word(key), word("0"),
                                    word(PEEK_LAST)};

    if (mc_redis_link_call(link, args, 4, 0, &reply, NULL) == 0 &&
        reply->type == REDIS_REPLY_STRING)
        (void)mc_blob_new(
            (struct mc_bytes){(const uint8_t *)reply->str, (size_t)reply->len}, &blob);
    mc_redis_reply_free(reply);
    return blob;
}
