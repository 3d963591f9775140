/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/sweep.c -- what nobody needs goes. */
#include "adapter/sqlite/sweep.h"

#include "adapter/sqlite/bus.h"
#include "adapter/sqlite/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Letters dropped by one statement: a record may be large. */
static const int drop_max[2] = {[MC_QUEUE_RECORDS] = 32, [MC_QUEUE_TALK] = 512};

/* A file with more bytes in use than this is checked more rarely. */
#define CHECK_BYTES    (64 << 20)
#define CHECK_LARGE_MS 600000

struct row {
    char cluster[MC_NAME_MAX + 1];
    char uid8[9];
    char own_key[MC_BUS_KEY_MAX];
    int64_t cursor;
};

struct rows {
    struct row *row;
    size_t count;
    size_t cap;
};

static void copy_text(char *dst, size_t cap, sqlite3_stmt *st, int column)
{
    const unsigned char *s = sqlite3_column_text(st, column);

    snprintf(dst, cap, "%s", s == NULL ? "" : (const char *)s);
}

static int add_row(struct rows *rows, sqlite3_stmt *st)
{
    struct row *r;

    if (rows->count == rows->cap) {
        size_t cap = rows->cap == 0 ? 64 : rows->cap * 2;

        r = realloc(rows->row, cap * sizeof(*r));
        if (r == NULL)
            return MCOS_E_NOMEM;
        rows->row = r;
        rows->cap = cap;
    }
    r = &rows->row[rows->count++];
    copy_text(r->cluster, sizeof(r->cluster), st, 0);
    copy_text(r->uid8, sizeof(r->uid8), st, 1);
    copy_text(r->own_key, sizeof(r->own_key), st, 2);
    r->cursor = sqlite3_column_int64(st, 3);
    return 0;
}

static int raise_cursor(struct mc_db *db, enum mc_bus_queue kind, const struct row *r,
                        int64_t cursor)
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_QUEUE_RAISE, kind, &st);

    if (err != 0)
        return err;
    sqlite3_bind_text(st, 1, r->cluster, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, r->uid8, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 3, (int)kind);
    sqlite3_bind_int64(st, 4, cursor);
    return mc_db_step(db, st);
}

static int bound_queues(struct mc_db *db, enum mc_bus_queue kind)
{
    struct rows rows = {0};
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_QUEUE_LIST, kind, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int(st, 1, (int)kind);
    while ((err = mc_db_step(db, st)) == 1) {
        err = add_row(&rows, st);
        if (err != 0)
            break;
    }
    sqlite3_reset(st);
    for (size_t i = 0; i < rows.count && err == 0; i++) {
        int64_t floor = 0;

        err = mc_lane_floor(db, kind, rows.row[i].own_key, rows.row[i].cursor, &floor);
        if (err == 0 && floor > rows.row[i].cursor)
            err = raise_cursor(db, kind, &rows.row[i], floor);
    }
    free(rows.row);
    return err;
}

static int drop(struct mc_db *db, enum mc_db_query query, enum mc_bus_queue kind,
                int64_t second, bool *ret_more)
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, query, kind, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int(st, 1, drop_max[kind]);
    sqlite3_bind_int64(st, 2, second);
    err = mc_db_step(db, st);
    if (err == 0 && sqlite3_changes(db->handle) >= drop_max[kind])
        *ret_more = true;
    return err;
}

static int drop_letters(struct mc_db *db, enum mc_bus_queue kind, int64_t wall_ms,
                        bool *ret_more)
{
    int err = drop(db, MC_DB_DROP_EXPIRED, kind, wall_ms, ret_more);

    if (err == 0)
        err = bound_queues(db, kind);
    if (err == 0)
        err = drop(db, MC_DB_DROP_PASSED, kind, (int64_t)kind, ret_more);
    if (err == 0)
        err = drop(db, MC_DB_DROP_PRIVATE, kind, (int64_t)kind, ret_more);
    return err;
}

static int drop_queues(struct mc_db *db, int64_t wall_ms)
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_QUEUE_EXPIRE, MC_QUEUE_RECORDS, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, wall_ms - (int64_t)MC_SQLITE_QUEUE_TTL_MS);
    return mc_db_step(db, st);
}

/* When it was done last, or may have been: a clock that went back is no reason
 * to wait. */
static int last_done(struct mc_db *db, int64_t wall_ms, int64_t ret_ms[2])
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_SWEPT, MC_QUEUE_RECORDS, &st);

    if (err == 0)
        err = mc_db_step(db, st);
    if (err != 1)
        return err == 0 ? MCOS_E_FORMAT : err;
    for (int i = 0; i < 2; i++) {
        int64_t at = sqlite3_column_int64(st, i);

        ret_ms[i] = at > wall_ms ? 0 : at;
    }
    sqlite3_reset(st);
    return 0;
}

static int save_done(struct mc_db *db, const int64_t ms[2])
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_SWEPT_SAVE, MC_QUEUE_RECORDS, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, ms[0]);
    sqlite3_bind_int64(st, 2, ms[1]);
    return mc_db_step(db, st);
}

static int check_due(struct mc_db *db, int64_t since_ms, bool *ret_due)
{
    sqlite3_stmt *st;
    int err;

    *ret_due = false;
    if (since_ms < MC_SWEEP_CHECK_MS)
        return 0;
    err = mc_db_query(db, MC_DB_PAGES, MC_QUEUE_RECORDS, &st);
    if (err == 0)
        err = mc_db_step(db, st);
    if (err != 1)
        return err == 0 ? MCOS_E_FORMAT : err;
    *ret_due = sqlite3_column_int64(st, 0) * (int64_t)db->page_bytes <= CHECK_BYTES ||
               since_ms >= CHECK_LARGE_MS;
    sqlite3_reset(st);
    return 0;
}

static int check(struct mc_db *db)
{
    sqlite3_stmt *st;
    char word[8];
    int err = mc_db_query(db, MC_DB_CHECK, MC_QUEUE_RECORDS, &st);

    if (err == 0)
        err = mc_db_step(db, st);
    if (err != 1)
        return err == 0 ? MCOS_E_FORMAT : err;
    copy_text(word, sizeof(word), st, 0);
    err = strcmp(word, "ok") == 0 ? 0 : MCOS_E_FORMAT;
    sqlite3_reset(st);
    return err;
}

int mc_sweep_run(struct mc_db *db, int64_t wall_ms)
{
    bool more = false, due = false;
    int64_t done[2];
    int err = last_done(db, wall_ms, done);

    if (err != 0 || wall_ms - done[0] < MC_SWEEP_MS)
        return err; /* somebody else was here: no need to lock */
    err = mc_db_begin(db, true);
    if (err != 0)
        return err;
    err = last_done(db, wall_ms, done);
    if (err != 0 || wall_ms - done[0] < MC_SWEEP_MS)
        goto out;
    err = check_due(db, wall_ms - done[1], &due);
    if (err != 0)
        goto out;
    err = drop_queues(db, wall_ms);
    if (err == 0)
        err = drop_letters(db, MC_QUEUE_RECORDS, wall_ms, &more);
    if (err == 0)
        err = drop_letters(db, MC_QUEUE_TALK, wall_ms, &more);
    done[0] = more ? wall_ms - MC_SWEEP_MS + 100 : wall_ms;
    done[1] = due ? wall_ms : done[1];
    if (err == 0)
        err = save_done(db, done);
    if (err == 0) {
        err = mc_db_commit(db);
        return err == 0 && due ? check(db) : err;
    }
out:
    mc_db_rollback(db);
    return err;
}
