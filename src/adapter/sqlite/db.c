/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/db.c -- connections and statements. */
#include "adapter/sqlite/db.h"

#include "adapter/sqlite/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Deleting does not overwrite: bodies are not secrets of this machine's users.
 * A small letter writes two pages into the log: 17 KB with pages of this size, 66 KB
 * with 32 KiB. Smaller ones make letters of 6 MB slower; so does a cache that has no
 * room for a whole record. The log keeps 16 MiB of room, so that small letters go on
 * when the disk is full. */
static const char settings[] = "PRAGMA page_size=8192;"
                               "PRAGMA journal_mode=WAL;"
                               "PRAGMA synchronous=NORMAL;"
                               "PRAGMA wal_autocheckpoint=0;"
                               "PRAGMA journal_size_limit=16777216;"
                               "PRAGMA secure_delete=OFF;"
                               "PRAGMA cell_size_check=ON;"
                               "PRAGMA trusted_schema=OFF;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA cache_size=-16384;"
                               "PRAGMA mmap_size=0";

#define BOTH(before, after)                                                            \
    {                                                                                  \
        before "records" after, before "talk" after                                    \
    }
#define ONE(text)                                                                      \
    {                                                                                  \
        text, text                                                                     \
    }

static const char *const texts[MC_DB_QUERIES][2] = {
    [MC_DB_ADD] = BOTH("INSERT INTO ",
                       "(key, sender, uid, sequence, ring_name, version, timestamp,"
                       " expires_ms, body, bytes)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, length(?9))"),
    [MC_DB_FETCH] = BOTH("SELECT id, key, sender, uid, sequence, ring_name, version,"
                         " timestamp, bytes FROM ",
                         " WHERE id > ?1 AND key IN (?2, ?3) AND expires_ms > ?4"
                         " ORDER BY id LIMIT 1"),
    [MC_DB_TOP] = BOTH("SELECT coalesce(max(id), 0) FROM ", ""),
    [MC_DB_DEPTH] = BOTH("SELECT id, bytes FROM ",
                         " WHERE id > ?1 AND key IN (?2, ?3) ORDER BY id DESC"),
    [MC_DB_DROP_PASSED] =
        {"DELETE FROM records WHERE id IN (SELECT id FROM records WHERE id <="
         " (SELECT min(cursor) FROM queue WHERE kind = ?2) ORDER BY id LIMIT ?1)",
         "DELETE FROM talk WHERE id IN (SELECT id FROM talk WHERE id <="
         " (SELECT min(cursor) FROM queue WHERE kind = ?2) ORDER BY id LIMIT ?1)"},
    [MC_DB_DROP_PRIVATE] =
        {"DELETE FROM records WHERE id IN (SELECT id FROM records WHERE key <> 'ring'"
         " AND id <= coalesce((SELECT min(cursor) FROM queue WHERE kind = ?2 AND"
         " own_key = key), id) ORDER BY id LIMIT ?1)",
         "DELETE FROM talk WHERE id IN (SELECT id FROM talk WHERE key <> 'talk'"
         " AND id <= coalesce((SELECT min(cursor) FROM queue WHERE kind = ?2 AND"
         " own_key = key), id) ORDER BY id LIMIT ?1)"},
    [MC_DB_DROP_EXPIRED] =
        {"DELETE FROM records WHERE id IN (SELECT id FROM records WHERE"
         " expires_ms <= ?2 ORDER BY id LIMIT ?1)",
         "DELETE FROM talk WHERE id IN (SELECT id FROM talk WHERE expires_ms <= ?2"
         " ORDER BY id LIMIT ?1)"},
    [MC_DB_DROP_ONE] = BOTH("DELETE FROM ", " WHERE id = ?1"),
    [MC_DB_QUEUE_WANTS] = ONE("SELECT 1 FROM queue WHERE kind = ?1 AND"
                              " (?2 IS NULL OR own_key = ?2) LIMIT 1"),
    [MC_DB_QUEUE_LOAD] = ONE("SELECT cursor, acked FROM queue WHERE cluster = ?1 AND"
                             " uid8 = ?2 AND kind = ?3"),
    [MC_DB_QUEUE_ADD] = BOTH("INSERT INTO queue VALUES(?1, ?2, ?3, ?4, coalesce((SELECT"
                             " seq FROM sqlite_sequence WHERE name = '",
                             "'), 0), x'', ?5)"),
    [MC_DB_QUEUE_SAVE] = ONE("UPDATE queue SET cursor = max(cursor, ?4), acked = ?5,"
                             " seen_ms = ?6 WHERE cluster = ?1 AND uid8 = ?2 AND"
                             " kind = ?3"),
    [MC_DB_QUEUE_LIST] =
        ONE("SELECT cluster, uid8, own_key, cursor FROM queue WHERE kind = ?1"),
    [MC_DB_QUEUE_RAISE] = ONE("UPDATE queue SET cursor = ?4 WHERE cluster = ?1 AND"
                              " uid8 = ?2 AND kind = ?3"),
    [MC_DB_QUEUE_EXPIRE] = ONE("DELETE FROM queue WHERE seen_ms < ?1"),
    [MC_DB_SWEPT] = ONE("SELECT swept_ms, checked_ms FROM bus"),
    [MC_DB_SWEPT_SAVE] = ONE("UPDATE bus SET swept_ms = ?1, checked_ms = ?2"),
    [MC_DB_PAGES] = ONE("SELECT page_count - freelist_count FROM pragma_page_count,"
                        " pragma_freelist_count"),
    [MC_DB_SPARE] = ONE("SELECT freelist_count FROM pragma_freelist_count"),
    [MC_DB_CHECK] = ONE("PRAGMA quick_check(1)"),
};

static int on_busy(void *arg, int count)
{
    /* 0.2 ms, then 2 ms a time. */
    struct timespec pause = {.tv_nsec = count < 10 ? 200000 : 2000000};

    (void)arg;
    if (count >= 10 + MC_DB_BUSY_MS / 2)
        return 0;
    nanosleep(&pause, NULL);
    return 1;
}

static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct mc_db *db = arg;

    (void)handle;
    (void)name;
    db->log_pages = pages;
    return SQLITE_OK;
}

static int read_page_size(struct mc_db *db)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db->handle, "PRAGMA page_size", -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        db->page_bytes = (uint64_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return mc_db_error(db->handle, db->path, rc);
}

int mc_db_open(const char *path, bool known, struct mc_db **ret_db, bool *ret_made,
               struct mcos_diag *diag)
{
    struct mc_db *db = calloc(1, sizeof(*db));
    bool empty = false;
    int on = 1, rc, err;

    if (db == NULL)
        return MCOS_E_NOMEM;
    db->path = path;
    rc = sqlite3_open_v2(
        path, &db->handle,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    err = mc_db_error(db->handle, path, rc);
    if (err != 0)
        goto out;
    sqlite3_busy_handler(db->handle, on_busy, NULL);
    /* A log removed by name could be somebody else's new one. */
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    err = mc_schema_look(db->handle, path, known, &empty, diag);
    if (err == 0) /* settings write into the file: only now that it is ours */
        err = mc_db_error(db->handle, path,
                          sqlite3_exec(db->handle, settings, NULL, NULL, NULL));
    /* Not before: `PRAGMA wal_autocheckpoint` takes the place of any hook. */
    sqlite3_wal_hook(db->handle, on_commit, db);
    if (err == 0 && empty)
        err = mc_schema_make(db->handle, path);
    if (err == 0)
        err = read_page_size(db);
out:
    if (err == 0) {
        *ret_made = empty;
        *ret_db = db;
    } else {
        mc_db_close(db);
    }
    return err;
}

void mc_db_close(struct mc_db *db)
{
    if (db == NULL)
        return;
    for (int q = 0; q < MC_DB_QUERIES; q++)
        for (int k = 0; k < 2; k++)
            sqlite3_finalize(db->query[q][k]);
    sqlite3_close(db->handle);
    free(db);
}

static int io_error(sqlite3 *handle, int rc)
{
    int sys = handle == NULL ? 0 : sqlite3_system_errno(handle);

    if (rc == SQLITE_IOERR_SHORT_READ || rc == SQLITE_IOERR_CORRUPTFS)
        return MCOS_E_FORMAT;
    if (rc == SQLITE_IOERR_NOMEM)
        return MCOS_E_NOMEM;
    if (rc == SQLITE_IOERR_SHMSIZE || sys == ENOSPC || sys == EDQUOT || sys == EFBIG)
        return MCOS_E_FULL;
    return MCOS_E_IO;
}

int mc_db_error(sqlite3 *handle, const char *path, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return MCOS_E_LOCKED;
    case SQLITE_FULL:
        return MCOS_E_FULL;
    case SQLITE_NOMEM:
        return MCOS_E_NOMEM;
    case SQLITE_IOERR:
        return io_error(handle, rc);
    case SQLITE_READONLY:
        if (rc == SQLITE_READONLY_DBMOVED)
            return MCOS_E_NOTFOUND;
        /* We may write, SQLite may not: the header says so, and lies. */
        return rc == SQLITE_READONLY && access(path, W_OK) == 0 ? MCOS_E_FORMAT
                                                                : MCOS_E_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
    case SQLITE_TOOBIG:
        return MCOS_E_FORMAT;
    default:
        return MCOS_E_IO;
    }
}

int mc_db_query(struct mc_db *db, enum mc_db_query query, enum mc_bus_queue kind,
                sqlite3_stmt **ret_st)
{
    sqlite3_stmt **st = &db->query[query][kind];

    if (*st == NULL) {
        int rc = sqlite3_prepare_v3(db->handle, texts[query][kind], -1,
                                    SQLITE_PREPARE_PERSISTENT, st, NULL);

        if (rc != SQLITE_OK)
            return mc_db_error(db->handle, db->path, rc);
    }
    sqlite3_reset(*st);
    sqlite3_clear_bindings(*st);
    *ret_st = *st;
    return 0;
}

int mc_db_step(struct mc_db *db, sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);
    int err;

    if (rc == SQLITE_ROW)
        return 1;
    err = mc_db_error(db->handle, db->path, rc);
    sqlite3_reset(st);
    return err;
}

int mc_db_begin(struct mc_db *db, bool write)
{
    int rc =
        sqlite3_exec(db->handle, write ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL);

    return mc_db_error(db->handle, db->path, rc);
}

int mc_db_commit(struct mc_db *db)
{
    int rc = sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
    int err = mc_db_error(db->handle, db->path, rc);

    if (err != 0)
        mc_db_rollback(db);
    return err;
}

void mc_db_rollback(struct mc_db *db)
{
    for (int q = 0; q < MC_DB_QUERIES; q++)
        for (int k = 0; k < 2; k++)
            if (db->query[q][k] != NULL)
                sqlite3_reset(db->query[q][k]);
    if (sqlite3_get_autocommit(db->handle) == 0)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

uint64_t mc_db_log_bytes(const struct mc_db *db)
{
    return (uint64_t)db->log_pages * db->page_bytes;
}

static int checkpoint(struct mc_db *db, int mode)
{
    int rc = sqlite3_wal_checkpoint_v2(db->handle, "main", mode, NULL, NULL);

    if (rc == SQLITE_OK) /* what a reader still held back shows at the next commit */
        db->log_pages = 0;
    return mc_db_error(db->handle, db->path, rc);
}

int mc_db_checkpoint(struct mc_db *db)
{
    return checkpoint(db, SQLITE_CHECKPOINT_PASSIVE);
}

int mc_db_restart_log(struct mc_db *db)
{
    int err = checkpoint(db, SQLITE_CHECKPOINT_PASSIVE); /* most of it, without lock */

    return err == 0 ? checkpoint(db, SQLITE_CHECKPOINT_RESTART) : err;
}
