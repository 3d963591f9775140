/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/module.c -- mcos.so: the cluster's registry inside its Redis.
 *
 * RedisModule_OnLoad is all that the library shows. The commands keep no data of
 * their own: a ring is an ordinary string, so snapshots, the append-only file and
 * replicas carry it as they carry everything else.
 */
#include "redis/commands.h"
#include "redis/held.h"
#include "redis/reply.h"

#include <stdbool.h>

#define VERSION 1

struct command {
    const char *name;
    rm_run run;
    const char *flags;
    int arity; /* -n: at least n */
    bool key;  /* argv[1] is one */
    bool writes;
    const char *summary;
    const char *complexity;
};

static int cmd_help(struct rm_ctx *ctx, struct rm_string **argv, int argc);

static const struct command commands[] = {
    {"ring.merge", mc_cmd_merge, "write deny-oom", -3, true, true,
     "add, update or drop a record; or ask by stamp whether it is newer", "O(bytes)"},
    {"ring.get", mc_cmd_get, "readonly", 2, true, false, "the record", "O(bytes)"},
    {"ring.stamp", mc_cmd_stamp, "readonly fast", 2, true, false,
     "epoch, version, timestamp and digest of the record", "O(1)"},
    {"ring.info", mc_cmd_info, "readonly fast", 2, true, false,
     "the head of the record, field by field", "O(1)"},
    {"ring.lookup", mc_cmd_lookup, "readonly fast", -3, true, false,
     "the devices that hold a name", "O(1); with handoffs O(devices)"},
    {"ring.mlookup", mc_cmd_mlookup, "readonly", -6, true, false,
     "the devices of many names", "O(names)"},
    {"ring.part", mc_cmd_part, "readonly fast", -3, true, false,
     "the devices of a partition", "O(1); with handoffs O(devices)"},
    {"ring.list", mc_cmd_list, "readonly", -2, false, false,
     "the keys that hold rings, bit by bit like SCAN", "O(COUNT)"},
    {"ring.help", cmd_help, "readonly fast allow-loading allow-stale", 1, false, false,
     "what the commands are", "O(1)"},
};

static int cmd_help(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    static const char *const lines[] = {
        "RING.MERGE key record [REPAIR]",
        "    [added|replaced|same|older, line|conflict|unknown]; REPAIR lets a value "
        "that is no ring give way",
        "RING.MERGE key record IFHELD stamp|none",
        "    the same, only in place of that record; else the error STALE",
        "RING.MERGE key IFNEWER stamp",
        "    the same answer without the record; nothing changes",
        "RING.GET key    RING.STAMP key    RING.INFO key",
        "RING.LOOKUP key account [container [object]] [WITHVERSION] [HANDOFFS n]",
        "    [partition, [device ...], stamp, [handoff ...]]",
        "RING.MLOOKUP key n  account container object ...  [WITHVERSION] [HANDOFFS n]",
        "    an answer for each; \"\" where there is no container or object",
        "RING.PART key partition [WITHVERSION] [HANDOFFS n]",
        "RING.LIST cursor [MATCH glob] [COUNT n]",
        "    [cursor, [key, stamp, ...]]",
        "Errors begin with ARG, NORING, WRONGTYPE, CORRUPT, UPGRADE, STALE, DELETED, "
        "SECRET or NOMEM.",
        "A change is told on the channel " MC_RING_CHANNEL ". Unresolved losers of "
        "conflicts are in the hash <key>:losers.",
    };
    const long count = sizeof(lines) / sizeof(lines[0]);

    (void)argv;
    if (argc != 1)
        return mc_reply_error(ctx, "ARG", "RING.HELP");
    (void)rm.ReplyWithArray(ctx, count);
    for (long i = 0; i < count; i++)
        (void)rm.ReplyWithSimpleString(ctx, lines[i]);
    return RM_OK;
}

static int add(struct rm_ctx *ctx, const struct command *c)
{
    static const struct rm_info_version version = {1, 2 * sizeof(char *),
                                                   sizeof(struct rm_key_spec), 0};
    struct rm_key_spec specs[2] = {
        {.flags = c->writes ? RM_KEY_RW | RM_KEY_ACCESS | RM_KEY_UPDATE
                            : RM_KEY_RO | RM_KEY_ACCESS,
         .begin = RM_BEGIN_INDEX,
         .at.index.pos = 1,
         .find = RM_FIND_RANGE,
         .keys.range = {0, 1, 0}}};
    const struct rm_info info = {.version = &version,
                                 .summary = c->summary,
                                 .complexity = c->complexity,
                                 .since = MCOS_VERSION,
                                 .arity = c->arity,
                                 .key_specs = c->key ? specs : NULL};
    int key = c->key ? 1 : 0;
    struct rm_command *command;

    if (rm.CreateCommand(ctx, c->name, c->run, c->flags, key, key, key) != RM_OK)
        return RM_ERR;
    command = rm.GetCommand(ctx, c->name);
    return command == NULL ? RM_ERR : rm.SetCommandInfo(command, &info);
}

/* The one symbol that the server looks for. */
__attribute__((visibility("default"))) int
RedisModule_OnLoad(struct rm_ctx *ctx, struct rm_string **argv, int argc);

int RedisModule_OnLoad(struct rm_ctx *ctx, struct rm_string **argv, int argc)
{
    (void)argv;
    if (argc != 0 || rm_api_load(ctx) != RM_OK)
        return RM_ERR;
    rm.SetModuleAttribs(ctx, "mcos", VERSION, RM_API_VERSION);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (add(ctx, &commands[i]) != RM_OK)
            return RM_ERR;
    }
    return mc_held_watch(ctx);
}
