/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/lane.c -- a cluster's queue. */
#include "adapter/sqlite/lane.h"

#include "adapter/sqlite/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A letter that nobody acknowledges must not hold the list up for ever. */
#define FLIGHTS_MAX MC_SQLITE_TALK_MAX

static const char *key_of_all(enum mc_bus_queue kind)
{
    return kind == MC_QUEUE_RECORDS ? "ring" : "talk";
}

void mc_lane_init(struct mc_lane *lane, enum mc_bus_queue kind,
                  const struct mc_lane_owner *owner)
{
    *lane = (struct mc_lane){.kind = kind};
    snprintf(lane->key_all, sizeof(lane->key_all), "%s", key_of_all(kind));
    snprintf(lane->key_own, sizeof(lane->key_own), "%s.%s", key_of_all(kind),
             owner->cluster.s);
}

void mc_lane_fini(struct mc_lane *lane)
{
    free(lane->flight);
    free(lane->skip);
    lane->flight = NULL;
    lane->skip = NULL;
    lane->count = lane->cap = lane->out = lane->skip_count = 0;
}

void mc_lane_wake(struct mc_lane *lane)
{
    lane->waiting = true;
    lane->trim = true;
}

static void bind_owner(sqlite3_stmt *st, const struct mc_lane *lane,
                       const struct mc_lane_owner *owner)
{
    sqlite3_bind_text(st, 1, owner->cluster.s, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, owner->uid8, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 3, (int)lane->kind);
}

static int cmp_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int load_acked(struct mc_lane *lane, struct mc_bytes raw)
{
    struct mc_reader r = mc_reader_init(raw);
    size_t count = raw.len / sizeof(int64_t);

    if (count == 0)
        return 0;
    lane->skip = malloc(count * sizeof(*lane->skip));
    if (lane->skip == NULL)
        return MCOS_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        lane->skip[i] = (int64_t)mc_reader_u64(&r);
    qsort(lane->skip, count, sizeof(*lane->skip), cmp_id);
    lane->skip_count = count;
    return 0;
}

static int add_queue(struct mc_lane *lane, struct mc_db *db,
                     const struct mc_lane_owner *owner, int64_t wall_ms)
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_QUEUE_ADD, lane->kind, &st);

    if (err != 0)
        return err;
    bind_owner(st, lane, owner);
    sqlite3_bind_text(st, 4, lane->key_own, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 5, wall_ms);
    return mc_db_step(db, st);
}

int mc_lane_load(struct mc_lane *lane, struct mc_db *db,
                 const struct mc_lane_owner *owner, int64_t wall_ms, bool *ret_made)
{
    sqlite3_stmt *st;
    int err;

    mc_lane_fini(lane);
    for (int round = 0;; round++) {
        err = mc_db_query(db, MC_DB_QUEUE_LOAD, lane->kind, &st);
        if (err != 0)
            return err;
        bind_owner(st, lane, owner);
        err = mc_db_step(db, st);
        if (err != 0 || round == 1)
            break;
        err = add_queue(lane, db, owner, wall_ms);
        if (err != 0)
            return err;
        *ret_made = true;
    }
    if (err <= 0)
        return err == 0 ? MCOS_E_FORMAT : err;
    lane->pos = sqlite3_column_int64(st, 0);
    err = load_acked(lane, (struct mc_bytes){sqlite3_column_blob(st, 1),
                                             (size_t)sqlite3_column_bytes(st, 1)});
    sqlite3_reset(st);
    lane->changed = false;
    mc_lane_wake(lane);
    return err;
}

/* --- taking --- */

static size_t out_max(const struct mc_lane *lane)
{
    return lane->kind == MC_QUEUE_RECORDS ? MC_INFLIGHT_MAX : MC_LANE_TALK_OUT_MAX;
}

int mc_lane_floor(struct mc_db *db, enum mc_bus_queue kind, const char *key_own,
                  int64_t cursor, int64_t *ret_floor)
{
    uint64_t count_max =
        kind == MC_QUEUE_RECORDS ? MC_SQLITE_RECORDS_MAX : MC_SQLITE_TALK_MAX;
    uint64_t count = 0, bytes = 0;
    int64_t floor = cursor, top = 0;
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_TOP, kind, &st);

    if (err == 0)
        err = mc_db_step(db, st);
    if (err != 1)
        return err;
    top = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    /* Too few to pass a bound, whatever their size: the common case. */
    if (top - cursor <= (kind == MC_QUEUE_RECORDS ? 2 : (int64_t)count_max)) {
        *ret_floor = cursor;
        return 0;
    }
    err = mc_db_query(db, MC_DB_DEPTH, kind, &st);
    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, cursor);
    sqlite3_bind_text(st, 2, key_of_all(kind), -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, key_own, -1, SQLITE_STATIC);
    while ((err = mc_db_step(db, st)) == 1) {
        bytes += (uint64_t)sqlite3_column_int64(st, 1);
        if (++count > count_max ||
            (kind == MC_QUEUE_RECORDS && bytes > MC_SQLITE_RECORDS_BYTES_MAX)) {
            floor = sqlite3_column_int64(st, 0);
            sqlite3_reset(st);
            err = 0;
            break;
        }
    }
    if (err == 0)
        *ret_floor = floor;
    return err;
}

static void forget_acked(struct mc_lane *lane)
{
    size_t gone = 0;

    while (gone < lane->count && lane->flight[gone].acked)
        gone++;
    if (gone == 0)
        return;
    memmove(lane->flight, lane->flight + gone,
            (lane->count - gone) * sizeof(*lane->flight));
    lane->count -= gone;
}

static int add_flight(struct mc_lane *lane, int64_t id, uint64_t delivery, bool acked)
{
    if (lane->count >= FLIGHTS_MAX) { /* long out of the bounds of the queue */
        lane->out -= lane->flight[0].acked ? 0 : 1;
        lane->flight[0].acked = true;
        forget_acked(lane);
    }
    if (lane->count == lane->cap) {
        size_t cap = lane->cap == 0 ? 16 : lane->cap * 2;
        struct mc_flight *grown = realloc(lane->flight, cap * sizeof(*grown));

        if (grown == NULL)
            return MCOS_E_NOMEM;
        lane->flight = grown;
        lane->cap = cap;
    }
    lane->flight[lane->count++] =
        (struct mc_flight){.id = id, .delivery = delivery, .acked = acked};
    lane->out += acked ? 0 : 1;
    return 0;
}

static bool text(char *dst, size_t cap, sqlite3_stmt *st, int column)
{
    const unsigned char *s = sqlite3_column_text(st, column);
    size_t len = (size_t)sqlite3_column_bytes(st, column);

    if (s == NULL || len >= cap || memchr(s, 0, len) != NULL)
        return false;
    memcpy(dst, s, len + 1);
    return true;
}

/* False: no letter of ours is like that; skip it. */
static bool read_head(sqlite3_stmt *st, struct mc_letter_head *ret)
{
    char name[MC_NAME_MAX + 2];

    *ret = (struct mc_letter_head){0};
    if (!text(ret->key, sizeof(ret->key), st, 1) || !text(name, sizeof(name), st, 2) ||
        !mc_name_set(&ret->from, name) ||
        sqlite3_column_bytes(st, 3) != (int)MC_UID_BYTES ||
        !text(name, sizeof(name), st, 5) ||
        (name[0] != 0 && !mc_name_set(&ret->ring_name, name)))
        return false;
    memcpy(ret->from_uid, sqlite3_column_blob(st, 3), MC_UID_BYTES);
    ret->sequence = (uint64_t)sqlite3_column_int64(st, 4);
    ret->version = (uint64_t)sqlite3_column_int64(st, 6);
    ret->timestamp = (uint64_t)sqlite3_column_int64(st, 7);
    return ret->sequence != 0;
}

static int read_body(struct mc_lane *lane, struct mc_db *db, int64_t id,
                     struct mc_blob **ret_body)
{
    sqlite3_blob *blob = NULL;
    struct mc_buf buf = {.max = MC_PACKED_BYTES_MAX + MC_HEAD_BYTES_MAX};
    uint8_t *at;
    int len, err;
    int rc = sqlite3_blob_open(db->handle, "main",
                               lane->kind == MC_QUEUE_RECORDS ? "records" : "talk",
                               "body", id, 0, &blob);

    err = mc_db_error(db->handle, db->path, rc);
    if (err != 0)
        goto out;
    len = sqlite3_blob_bytes(blob);
    if (len == 0) {
        err = mc_blob_new((struct mc_bytes){0}, ret_body);
        goto out;
    }
    at = mc_buf_reserve(&buf, (size_t)len);
    err = buf.err;
    if (err == 0)
        err = mc_db_error(db->handle, db->path, sqlite3_blob_read(blob, at, len, 0));
    if (err == 0)
        err = mc_blob_from_buf(&buf, ret_body);
out:
    sqlite3_blob_close(blob);
    mc_buf_fini(&buf);
    return err == MCOS_E_TOOBIG ? MCOS_E_FORMAT : err;
}

static bool skipped(const struct mc_lane *lane, int64_t id)
{
    return lane->skip_count != 0 &&
           bsearch(&id, lane->skip, lane->skip_count, sizeof(id), cmp_id) != NULL;
}

/* One step of the cursor: 0 with an event, EMPTY, or 1: go on. */
static int take_one(struct mc_lane *lane, struct mc_db *db,
                    const struct mc_lane_owner *owner, int64_t wall_ms,
                    uint64_t *delivery, struct mc_bus_event *ev)
{
    sqlite3_stmt *st;
    int64_t id;
    int err = mc_db_query(db, MC_DB_FETCH, lane->kind, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, lane->pos);
    sqlite3_bind_text(st, 2, lane->key_all, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, lane->key_own, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, wall_ms);
    err = mc_db_step(db, st);
    if (err < 0)
        return err;
    if (err == 0) { /* letters to others: need not be looked at again */
        err = mc_db_query(db, MC_DB_TOP, lane->kind, &st);
        if (err == 0)
            err = mc_db_step(db, st);
        if (err != 1)
            return err == 0 ? MCOS_E_FORMAT : err;
        id = sqlite3_column_int64(st, 0);
        if (id > lane->pos) {
            lane->pos = id;
            lane->changed = true;
        }
        lane->waiting = false;
        sqlite3_reset(st);
        return MCOS_E_EMPTY;
    }
    id = sqlite3_column_int64(st, 0);
    if (skipped(lane, id) || !read_head(st, &ev->head)) {
        sqlite3_reset(st);
        err = add_flight(lane, id, 0, true);
        lane->pos = err == 0 ? id : lane->pos;
        lane->changed = true;
        return err == 0 ? 1 : err;
    }
    sqlite3_reset(st);
    ev->own = memcmp(ev->head.from_uid, owner->uid, MC_UID_BYTES) == 0;
    ev->body = NULL;
    if (!ev->own)
        err = read_body(lane, db, id, &ev->body);
    else
        err = 0;
    if (err == 0)
        err = add_flight(lane, id, *delivery + 1, false);
    if (err != 0) {
        mc_blob_unref(ev->body);
        return err;
    }
    lane->pos = id;
    ev->delivery = ++*delivery;
    return 0;
}

int mc_lane_take(struct mc_lane *lane, struct mc_db *db,
                 const struct mc_lane_owner *owner, int64_t wall_ms, uint64_t *delivery,
                 struct mc_bus_event *ret_event)
{
    struct mc_bus_event ev = {.kind = MC_BUS_MESSAGE, .queue = lane->kind};
    int64_t floor;
    int err;

    if (!lane->waiting || lane->out >= out_max(lane))
        return MCOS_E_EMPTY;
    err = mc_db_begin(db, false); /* head and body of one moment */
    if (err != 0)
        return err;
    if (lane->trim) {
        err = mc_lane_floor(db, lane->kind, lane->key_own, lane->pos, &floor);
        if (err != 0)
            goto out;
        if (floor > lane->pos) {
            lane->pos = floor;
            lane->changed = true;
        }
        lane->trim = false;
    }
    do
        err = take_one(lane, db, owner, wall_ms, delivery, &ev);
    while (err == 1);
    forget_acked(lane);
    if (err == 0)
        *ret_event = ev;
out:
    mc_db_rollback(db); /* nothing was written */
    return err;
}

/* --- acknowledging --- */

bool mc_lane_ack(struct mc_lane *lane, uint64_t delivery)
{
    size_t i = 0;

    while (i < lane->count &&
           (lane->flight[i].acked || lane->flight[i].delivery != delivery))
        i++;
    if (i == lane->count)
        return false;
    lane->flight[i].acked = true;
    lane->out--;
    forget_acked(lane);
    lane->changed = true;
    return true;
}

static int save_acked(const struct mc_lane *lane, struct mc_buf *list)
{
    for (size_t i = 0; i < lane->count; i++)
        if (lane->flight[i].acked)
            mc_buf_u64(list, (uint64_t)lane->flight[i].id);
    for (size_t i = 0; i < lane->skip_count; i++)
        if (lane->skip[i] > lane->pos)
            mc_buf_u64(list, (uint64_t)lane->skip[i]);
    return list->err;
}

int mc_lane_save(struct mc_lane *lane, struct mc_db *db,
                 const struct mc_lane_owner *owner, int64_t wall_ms)
{
    int64_t cursor = lane->count == 0 ? lane->pos : lane->flight[0].id - 1;
    struct mc_buf list = {0};
    sqlite3_stmt *st;
    int err = save_acked(lane, &list);

    if (err == 0)
        err = mc_db_query(db, MC_DB_QUEUE_SAVE, lane->kind, &st);
    if (err != 0)
        goto out;
    bind_owner(st, lane, owner);
    sqlite3_bind_int64(st, 4, cursor);
    sqlite3_bind_blob(st, 5, list.len == 0 ? (const void *)"" : list.ptr, (int)list.len,
                      SQLITE_STATIC);
    sqlite3_bind_int64(st, 6, wall_ms);
    err = mc_db_step(db, st);
    if (err == 0 && sqlite3_changes(db->handle) == 0)
        err = MCOS_E_NOTFOUND;
out:
    mc_buf_fini(&list);
    return err;
}
