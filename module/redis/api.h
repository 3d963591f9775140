/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/api.h -- the part of the server's module interface that we use.
 *
 * Debian ships no redismodule.h, and less is more: these are the functions we
 * call, each fetched by name when the module is loaded.
 */
#ifndef MCOS_MODULE_REDIS_API_H
#define MCOS_MODULE_REDIS_API_H

#include <stddef.h>
#include <stdint.h>

#define RM_OK  0
#define RM_ERR 1

#define RM_API_VERSION 1

#define RM_READ 1

#define RM_TYPE_EMPTY  0
#define RM_TYPE_STRING 1
#define RM_TYPE_HASH   3

#define RM_REPLY_STRING 0
#define RM_REPLY_ERROR  1
#define RM_REPLY_ARRAY  3

/* Every class of keyspace event that tells of a change: g $ l s h z x e t d,
 * and a key loaded from a snapshot. */
#define RM_NOTIFY_CHANGES 0x37fc

#define RM_EVENT_FLUSHDB 2
#define RM_EVENT_LOADING 3
#define RM_EVENT_SWAPDB  11

#define RM_KEY_RO     (1u << 0)
#define RM_KEY_RW     (1u << 1)
#define RM_KEY_ACCESS (1u << 4)
#define RM_KEY_UPDATE (1u << 5)
#define RM_KEY_INSERT (1u << 6)

#define RM_BEGIN_INDEX 2
#define RM_FIND_RANGE  2

struct rm_ctx;
struct rm_key;
struct rm_string;
struct rm_reply;
struct rm_command;

typedef int (*rm_run)(struct rm_ctx *ctx, struct rm_string **argv, int argc);
typedef int (*rm_notify)(struct rm_ctx *ctx, int type, const char *event,
                         struct rm_string *key);

struct rm_event {
    uint64_t id;
    uint64_t version;
};
typedef void (*rm_on_event)(struct rm_ctx *ctx, struct rm_event event, uint64_t sub,
                            void *data);

/* Where the keys of a command are. A list ends with one of zeros. */
struct rm_key_spec {
    const char *notes;
    uint64_t flags;
    int begin;
    union {
        struct {
            int pos;
        } index;
        struct {
            const char *keyword;
            int from;
        } keyword;
    } at;
    int find;
    union {
        struct {
            int last;
            int step;
            int limit;
        } range;
        struct {
            int count_at;
            int first;
            int step;
        } count;
    } keys;
};

struct rm_info_version {
    int version;
    size_t history_bytes;
    size_t key_spec_bytes;
    size_t arg_bytes;
};

struct rm_info {
    const struct rm_info_version *version;
    const char *summary;
    const char *complexity;
    const char *since;
    void *history;
    const char *tips;
    int arity;
    struct rm_key_spec *key_specs;
    void *args;
};

/* clang-format off */
#define RM_API(X)                                                                      \
    X(void, SetModuleAttribs, (struct rm_ctx *, const char *, int, int))                \
    X(int, CreateCommand, (struct rm_ctx *, const char *, rm_run, const char *, int,   \
                           int, int))                                                  \
    X(struct rm_command *, GetCommand, (struct rm_ctx *, const char *))                \
    X(int, SetCommandInfo, (struct rm_command *, const struct rm_info *))              \
    X(int, SubscribeToKeyspaceEvents, (struct rm_ctx *, int, rm_notify))               \
    X(int, SubscribeToServerEvent, (struct rm_ctx *, struct rm_event, rm_on_event))    \
    X(int, GetSelectedDb, (struct rm_ctx *))                                           \
    X(struct rm_key *, OpenKey, (struct rm_ctx *, struct rm_string *, int))            \
    X(void, CloseKey, (struct rm_key *))                                               \
    X(int, KeyType, (struct rm_key *))                                                 \
    X(size_t, ValueLength, (struct rm_key *))                                          \
    X(char *, StringDMA, (struct rm_key *, size_t *, int))                             \
    X(const char *, StringPtrLen, (const struct rm_string *, size_t *))                \
    X(struct rm_string *, CreateString, (struct rm_ctx *, const char *, size_t))       \
    X(void, FreeString, (struct rm_ctx *, struct rm_string *))                         \
    X(int, StringToLongLong, (const struct rm_string *, long long *))                  \
    X(struct rm_reply *, Call, (struct rm_ctx *, const char *, const char *, ...))     \
    X(void, FreeCallReply, (struct rm_reply *))                                        \
    X(int, CallReplyType, (struct rm_reply *))                                         \
    X(size_t, CallReplyLength, (struct rm_reply *))                                    \
    X(struct rm_reply *, CallReplyArrayElement, (struct rm_reply *, size_t))           \
    X(const char *, CallReplyStringPtr, (struct rm_reply *, size_t *))                 \
    X(int, PublishMessage, (struct rm_ctx *, struct rm_string *, struct rm_string *))  \
    X(int, ReplyWithError, (struct rm_ctx *, const char *))                            \
    X(int, ReplyWithSimpleString, (struct rm_ctx *, const char *))                     \
    X(int, ReplyWithStringBuffer, (struct rm_ctx *, const char *, size_t))             \
    X(int, ReplyWithCallReply, (struct rm_ctx *, struct rm_reply *))                   \
    X(int, ReplyWithLongLong, (struct rm_ctx *, long long))                            \
    X(int, ReplyWithArray, (struct rm_ctx *, long))                                    \
    X(int, ReplyWithNull, (struct rm_ctx *))
/* clang-format on */

struct rm_api {
#define X(ret, name, args) ret(*name) args;
    RM_API(X)
#undef X
};

extern struct rm_api rm;

/* Fetches all of them; RM_ERR if this server lacks one. */
int rm_api_load(struct rm_ctx *ctx);

#endif /* MCOS_MODULE_REDIS_API_H */
