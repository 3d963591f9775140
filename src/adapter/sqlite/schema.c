/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/schema.c -- making and recognising a bus file. */
#include "adapter/sqlite/schema.h"

#include "adapter/sqlite/db.h"

#define LETTERS(table)                                                                 \
    "CREATE TABLE " table "(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL,"  \
    " sender TEXT NOT NULL, uid BLOB NOT NULL, sequence INTEGER NOT NULL,"             \
    " ring_name TEXT NOT NULL, version INTEGER NOT NULL, timestamp INTEGER NOT NULL,"  \
    " expires_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, body BLOB NOT NULL);"

#define TEXT_OF(number) #number
#define VALUE_OF(macro) TEXT_OF(macro)

/* The acknowledged letters above a queue's cursor: their ids, eight bytes each. */
static const char make_text[] =
    "BEGIN IMMEDIATE;"
    "PRAGMA application_id=" VALUE_OF(
        MC_SCHEMA_MARK) ";"
                        "PRAGMA user_version=" VALUE_OF(MC_SCHEMA_VERSION) ";" LETTERS(
                            "records")
                            LETTERS("talk") "CREATE TABLE queue(cluster TEXT NOT NULL, "
                                            "uid8 TEXT NOT NULL,"
                                            " kind INTEGER NOT NULL, own_key TEXT NOT "
                                            "NULL, cursor INTEGER NOT NULL,"
                                            " acked BLOB NOT NULL, seen_ms INTEGER NOT "
                                            "NULL,"
                                            " PRIMARY KEY(cluster, uid8, kind)) "
                                            "WITHOUT ROWID;"
                                            "CREATE TABLE bus(one INTEGER PRIMARY KEY "
                                            "CHECK(one = 1),"
                                            " swept_ms INTEGER NOT NULL, checked_ms "
                                            "INTEGER NOT NULL);"
                                            "INSERT INTO bus VALUES(1, 0, 0);"
                                            "COMMIT";

static int number(sqlite3 *handle, const char *text, sqlite3_int64 *ret)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(handle, text, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *ret = sqlite3_column_int64(st, 0);
        rc = SQLITE_OK;
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_CORRUPT;
    }
    sqlite3_finalize(st);
    return rc;
}

static int not_ours(const char *path, struct mcos_diag *diag)
{
    return mcos_diag_set(diag, MCOS_E_CONFIG, "bus",
                         "%.180s is not a bus file; name another", path);
}

int mc_schema_look(sqlite3 *handle, const char *path, bool known, bool *ret_empty,
                   struct mcos_diag *diag)
{
    sqlite3_int64 mark = 0, version = 0, ours = 0, all = 0;
    int rc = number(handle, "PRAGMA application_id", &mark);
    int err;

    if (rc == SQLITE_OK && mark == MC_SCHEMA_MARK)
        known = true;
    if (rc == SQLITE_OK)
        rc = number(handle, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = number(handle,
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND"
                    " name IN ('records', 'talk', 'queue', 'bus')",
                    &ours);
    if (rc == SQLITE_OK)
        rc = number(handle, "SELECT count(*) FROM sqlite_schema", &all);
    if (rc != SQLITE_OK) {
        err = mc_db_error(handle, path, rc);
        return err == MCOS_E_FORMAT && !known ? not_ours(path, diag) : err;
    }
    if (all == 0 && (mark == 0 || known)) {
        *ret_empty = true;
        return 0;
    }
    if (mark != MC_SCHEMA_MARK)
        return known && ours == 4 ? MCOS_E_FORMAT : not_ours(path, diag);
    if (version > MC_SCHEMA_VERSION && version <= MC_SCHEMA_VERSION_MAX)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, "bus",
                             "%.160s was made by a newer version of mcos", path);
    return version == MC_SCHEMA_VERSION && ours == 4 ? 0 : MCOS_E_FORMAT;
}

int mc_schema_make(sqlite3 *handle, const char *path)
{
    int rc = sqlite3_exec(handle, make_text, NULL, NULL, NULL);

    if (rc != SQLITE_OK && sqlite3_get_autocommit(handle) == 0)
        sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return mc_db_error(handle, path, rc);
}
