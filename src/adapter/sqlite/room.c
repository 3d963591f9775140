/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/room.c -- the room on the disk. */
#include "adapter/sqlite/room.h"

#include "adapter/sqlite/place.h"
#include "adapter/sqlite/sweep.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

/* Pages of the file that nothing uses. */
static uint64_t spare_bytes(struct mc_db *db)
{
    uint64_t pages = 0;
    sqlite3_stmt *st;

    if (mc_db_query(db, MC_DB_SPARE, MC_QUEUE_RECORDS, &st) == 0 &&
        mc_db_step(db, st) == 1) {
        pages = (uint64_t)sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return pages * db->page_bytes;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* The log grows if it is too short for both; then the file grows by both. */
static bool fits(const struct mc_db *db, uint64_t bytes, uint64_t spare)
{
    char name[MC_PLACE_PATH_MAX + 32];
    uint64_t log = mc_db_log_bytes(db) + bytes;
    struct statvfs disk;
    struct stat st;

    mc_place_name(name, db->path, "-wal");
    if (stat(name, &st) != 0 || statvfs(name, &disk) != 0)
        return true;
    return above(log, (uint64_t)st.st_size) + above(log, spare) <=
           (uint64_t)disk.f_bavail * disk.f_frsize;
}

bool mc_room_for(struct mc_db *db, uint64_t bytes)
{
    if (bytes <= MC_ROOM_SMALL)
        return true;
    bytes += bytes / 16; /* heads of pages and of the log's frames */
    if (fits(db, bytes, 0))
        return true;
    return mc_db_checkpoint(db) == 0 && fits(db, bytes, spare_bytes(db));
}

void mc_room_make(struct mc_db *db, int64_t wall_ms)
{
    (void)mc_db_checkpoint(db); /* the sweep writes too */
    (void)mc_sweep_run(db, wall_ms);
    (void)mc_db_checkpoint(db);
}

/* Expired from the start: a sweep drops it, if we do not come so far. */
static int put_probe(struct mc_db *db, uint64_t bytes, sqlite3_int64 *ret_id)
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_ADD, MC_QUEUE_TALK, &st);

    if (err != 0)
        return err;
    for (int i = 1; i <= 8; i++)
        sqlite3_bind_int(st, i, 0);
    sqlite3_bind_text(st, 1, "probe", -1, SQLITE_STATIC);
    sqlite3_bind_zeroblob64(st, 9, bytes);
    err = mc_db_step(db, st);
    *ret_id = sqlite3_last_insert_rowid(db->handle);
    return err;
}

int mc_room_probe(struct mc_db *db, uint64_t bytes)
{
    sqlite3_int64 id = 0;
    sqlite3_stmt *st;
    int err;

    if (!mc_room_for(db, bytes))
        return MCOS_E_FULL;
    err = put_probe(db, bytes, &id);
    if (err == 0)
        err = mc_db_query(db, MC_DB_DROP_ONE, MC_QUEUE_TALK, &st);
    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, id);
    return mc_db_step(db, st);
}
