/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/roster.c -- lines of agents as keys that expire. */
#include "adapter/redis/roster.h"

#include "adapter/redis/state.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_TEXT 17u /* 16 hex digits */

static struct mc_bytes word(const char *text)
{
    return (struct mc_bytes){(const uint8_t *)text, strlen(text)};
}

static struct redis_store *store_of(struct mc_roster *roster)
{
    return ((struct mc_redis_roster *)roster)->store;
}

/* ---- whose database ---- */

bool mc_redis_owner_parse(struct mc_bytes text, struct mc_name *ret_name,
                          uint8_t ret_uid[MC_UID_BYTES])
{
    char copy[MC_REDIS_OWNER_MAX];
    char *space;

    if (text.len >= sizeof(copy) ||
        (text.len != 0 && memchr(text.ptr, '\0', text.len) != NULL))
        return false;
    if (text.len != 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    space = strchr(copy, ' ');
    if (space == NULL || strlen(space + 1) != (size_t)2 * MC_UID_BYTES)
        return false;
    *space = '\0';
    return mc_unhex(ret_uid, space + 1, MC_UID_BYTES) && mc_name_set(ret_name, copy);
}

static void owner_format(const struct mc_name *cluster, const uint8_t uid[MC_UID_BYTES],
                         char dst[MC_REDIS_OWNER_MAX])
{
    char hex[2 * MC_UID_BYTES + 1];

    mc_hex(hex, uid, MC_UID_BYTES);
    (void)snprintf(dst, MC_REDIS_OWNER_MAX, "%s %s", cluster->s, hex);
}

static int call(struct redis_store *s, const struct mc_bytes *args, size_t count,
                struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    int err = mc_redis_link_call(s->link, args, count, 0, &reply, diag);

    mc_redis_reply_free(reply);
    return err;
}

int mc_redis_roster_claim(struct redis_store *s, const struct mc_name *cluster,
                          const uint8_t uid[MC_UID_BYTES],
                          uint8_t ret_uid[MC_UID_BYTES], struct mcos_diag *diag)
{
    char text[MC_REDIS_OWNER_MAX];
    struct redisReply *reply = NULL;
    struct mc_bytes there = {0};
    struct mc_name name;
    int err;

    owner_format(cluster, uid, text);
    const struct mc_bytes set[] = {word("SET"), word(s->roster.owner), word(text),
                                   word("NX")};
    const struct mc_bytes get[] = {word("GET"), word(s->roster.owner)};

    err = call(s, set, 4, diag);
    if (err == 0)
        err = mc_redis_link_call(s->link, get, 2, 0, &reply, diag);
    if (err != 0)
        return err;
    if (reply->type == REDIS_REPLY_STRING)
        there = (struct mc_bytes){(const uint8_t *)reply->str, (size_t)reply->len};
    if (!mc_redis_owner_parse(there, &name, ret_uid))
        err = mcos_diag_set(diag, MCOS_E_FORMAT, "store",
                            "the key %s of Redis holds no cluster's name; remove it",
                            s->roster.owner);
    else if (strcmp(name.s, cluster->s) != 0)
        err = mcos_diag_set(diag, MCOS_E_IDENTITY, "store",
                            "this Redis database belongs to cluster %s, not to %s; "
                            "give each cluster a database of its own",
                            name.s, cluster->s);
    mc_redis_reply_free(reply);
    return err;
}

int mc_redis_roster_insist(struct redis_store *s, struct mcos_diag *diag)
{
    char text[MC_REDIS_OWNER_MAX];

    owner_format(&s->roster.cluster, s->roster.uid, text);
    const struct mc_bytes set[] = {word("SET"), word(s->roster.owner), word(text)};

    return call(s, set, 3, diag);
}

/* ---- lines ---- */

static void key_of(const struct redis_store *s, const char *id,
                   char key[MC_REDIS_ROSTER_KEY_MAX + ID_TEXT])
{
    (void)snprintf(key, MC_REDIS_ROSTER_KEY_MAX + ID_TEXT, "%s%s", s->roster.agent, id);
}

static int answer(struct redis_store *s, int err, const struct mcos_diag *diag)
{
    if (err != 0)
        mc_redis_give_up(s, err, diag);
    return err;
}

static int put(struct mc_roster *roster, uint64_t agent, struct mc_bytes line,
               unsigned live_ms, bool news)
{
    struct redis_store *s = store_of(roster);
    struct mcos_diag diag = {.offset = -1};
    char key[MC_REDIS_ROSTER_KEY_MAX + ID_TEXT];
    char id[ID_TEXT];
    char live[16];
    int err;

    if (s->link == NULL)
        return MCOS_E_AWAY;
    (void)snprintf(id, sizeof(id), "%016" PRIx64, agent);
    (void)snprintf(live, sizeof(live), "%u", live_ms);
    key_of(s, id, key);
    const struct mc_bytes set[] = {word("SET"), word(key), line, word("PX"),
                                   word(live)};
    const struct mc_bytes add[] = {word("SADD"), word(s->roster.agents), word(id)};
    const struct mc_bytes tell[] = {word("PUBLISH"), word(s->roster.agents), word(id)};

    err = call(s, set, 5, &diag);
    if (err == 0)
        err = call(s, add, 3, &diag);
    if (err == 0 && news)
        err = call(s, tell, 3, &diag);
    return answer(s, err, &diag);
}

/* A user who may not do that puts the whole line instead. */
static int keep(struct mc_roster *roster, uint64_t agent, unsigned live_ms)
{
    struct redis_store *s = store_of(roster);
    struct mcos_diag diag = {.offset = -1};
    struct redisReply *reply = NULL;
    char key[MC_REDIS_ROSTER_KEY_MAX + ID_TEXT];
    char id[ID_TEXT];
    char live[16];
    bool kept;

    if (s->link == NULL)
        return MCOS_E_AWAY;
    (void)snprintf(id, sizeof(id), "%016" PRIx64, agent);
    (void)snprintf(live, sizeof(live), "%u", live_ms);
    key_of(s, id, key);
    const struct mc_bytes args[] = {word("PEXPIRE"), word(key), word(live)};

    kept = mc_redis_link_call(s->link, args, 3, 0, &reply, &diag) == 0 &&
           reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
    mc_redis_reply_free(reply);
    return kept ? 0 : MCOS_E_NOTFOUND;
}

static void drop(struct mc_roster *roster, uint64_t agent)
{
    struct redis_store *s = store_of(roster);
    struct mcos_diag diag = {.offset = -1};
    char key[MC_REDIS_ROSTER_KEY_MAX + ID_TEXT];
    char id[ID_TEXT];
    int err;

    if (s->link == NULL)
        return;
    (void)snprintf(id, sizeof(id), "%016" PRIx64, agent);
    key_of(s, id, key);
    const struct mc_bytes del[] = {word("DEL"), word(key)};
    const struct mc_bytes rem[] = {word("SREM"), word(s->roster.agents), word(id)};
    const struct mc_bytes tell[] = {word("PUBLISH"), word(s->roster.agents), word(id)};

    err = call(s, del, 2, &diag);
    if (err == 0)
        err = call(s, rem, 3, &diag);
    if (err == 0)
        err = call(s, tell, 3, &diag);
    (void)answer(s, err, &diag);
}

static bool read_id(const struct redisReply *reply, char id[ID_TEXT], uint64_t *ret)
{
    char *end = NULL;

    if (reply->type != REDIS_REPLY_STRING || (size_t)reply->len != ID_TEXT - 1)
        return false;
    memcpy(id, reply->str, ID_TEXT - 1);
    id[ID_TEXT - 1] = '\0';
    *ret = strtoull(id, &end, 16);
    return end == id + ID_TEXT - 1;
}

/* One line, if it is still there; who has none any more leaves the set. */
static int get_one(struct redis_store *s, const char *id, struct mc_blob **ret_line,
                   struct mcos_diag *diag)
{
    struct redisReply *reply = NULL;
    char key[MC_REDIS_ROSTER_KEY_MAX + ID_TEXT];
    int err;

    key_of(s, id, key);
    const struct mc_bytes get[] = {word("GET"), word(key)};
    const struct mc_bytes rem[] = {word("SREM"), word(s->roster.agents), word(id)};

    *ret_line = NULL;
    err = mc_redis_link_call(s->link, get, 2, 0, &reply, diag);
    if (err != 0)
        return err == MCOS_E_TYPE ? 0 : err;
    if (reply->type == REDIS_REPLY_STRING)
        err = mc_blob_new(
            (struct mc_bytes){(const uint8_t *)reply->str, (size_t)reply->len},
            ret_line);
    else
        err = call(s, rem, 3, diag);
    mc_redis_reply_free(reply);
    return err;
}

static int get(struct mc_roster *roster, struct mc_roster_line ret_lines[MC_AGENTS_MAX],
               size_t *ret_count)
{
    struct redis_store *s = store_of(roster);
    struct mcos_diag diag = {.offset = -1};
    struct redisReply *ids = NULL;
    size_t count = 0;
    int err;

    if (s->link == NULL)
        return MCOS_E_AWAY;
    const struct mc_bytes args[] = {word("SMEMBERS"), word(s->roster.agents)};

    err = mc_redis_link_call(s->link, args, 2, 0, &ids, &diag);
    for (size_t i = 0; err == 0 && ids->type == REDIS_REPLY_ARRAY &&
                       i < ids->elements && count < MC_AGENTS_MAX;
         i++) {
        char id[ID_TEXT];

        if (!read_id(ids->element[i], id, &ret_lines[count].agent))
            continue;
        err = get_one(s, id, &ret_lines[count].bytes, &diag);
        count += err == 0 && ret_lines[count].bytes != NULL;
    }
    mc_redis_reply_free(ids);
    if (err != 0) {
        while (count > 0)
            mc_blob_unref(ret_lines[--count].bytes);
        return answer(s, err, &diag);
    }
    *ret_count = count;
    return 0;
}

/* ---- letters ---- */

static void pass(struct mc_roster *roster, struct mc_bytes letter)
{
    struct redis_store *s = store_of(roster);
    struct mcos_diag diag = {.offset = -1};

    if (s->link == NULL)
        return;
    const struct mc_bytes args[] = {word("PUBLISH"), word(s->roster.talk), letter};

    (void)answer(s, call(s, args, 3, &diag), &diag);
}

static int next(struct mc_roster *roster, struct mc_roster_event *ret_event)
{
    return mc_redis_ears_next(&store_of(roster)->ears, ret_event);
}

static const struct mc_roster_ops ops = {
    .put = put, .keep = keep, .get = get, .drop = drop, .pass = pass, .next = next};

void mc_redis_roster_init(struct redis_store *s)
{
    char hex[2 * MC_UID_BYTES + 1];

    mc_hex(hex, s->system, MC_UID_BYTES);
    s->roster.port.ops = &ops;
    s->roster.store = s;
    (void)snprintf(s->roster.owner, sizeof(s->roster.owner), "mcos:cluster:%s", hex);
}

void mc_redis_roster_name(struct redis_store *s, const struct mc_name *cluster)
{
    struct mc_redis_roster *r = &s->roster;
    char of[2 * MC_UID_BYTES + MC_NAME_MAX + 2];
    char hex[2 * MC_UID_BYTES + 1];

    mc_hex(hex, s->system, MC_UID_BYTES);
    (void)snprintf(of, sizeof(of), "%s:%s", hex, cluster->s);
    (void)snprintf(r->agents, sizeof(r->agents), "mcos:agents:%s", of);
    (void)snprintf(r->agent, sizeof(r->agent), "mcos:agent:%s:", of);
    (void)snprintf(r->talk, sizeof(r->talk), "mcos:talk:%s", of);
    r->cluster = *cluster;
}
