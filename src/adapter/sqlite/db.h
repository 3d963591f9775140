/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/db.h -- a connection: its settings, its statements by name, and
 * what SQLite's errors mean to a bus.
 *
 * Nothing here waits longer than MC_DB_BUSY_MS for another process.
 */
#ifndef MCOS_ADAPTER_SQLITE_DB_H
#define MCOS_ADAPTER_SQLITE_DB_H

#include "mcos/err.h"
#include "port/bus.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define MC_DB_BUSY_MS 100

/* Those that name a table of letters have one form per enum mc_bus_queue. */
enum mc_db_query {
    MC_DB_ADD,         /* key sender uid sequence ring version timestamp expires body */
    MC_DB_FETCH,       /* above id, keys 2 and 3, not expired at 4: the first one */
    MC_DB_TOP,         /* the greatest id */
    MC_DB_DEPTH,       /* above id, keys 2 and 3: id and bytes, newest first */
    MC_DB_DROP_PASSED, /* at most 1: those no queue of kind 2 needs */
    MC_DB_DROP_PRIVATE, /* the same among the letters to one cluster */
    MC_DB_DROP_EXPIRED, /* at most 1: expired at 2 */
    MC_DB_DROP_ONE,     /* the id 1 */
    MC_DB_QUEUE_WANTS,  /* kind 1: is there a queue, with own_key 2 if not NULL */
    MC_DB_QUEUE_LOAD,   /* cluster uid8 kind: cursor, acked */
    MC_DB_QUEUE_ADD,    /* cluster uid8 kind own_key now */
    MC_DB_QUEUE_SAVE,   /* cluster uid8 kind cursor acked now */
    MC_DB_QUEUE_LIST,   /* kind: cluster uid8 own_key cursor */
    MC_DB_QUEUE_RAISE,  /* cluster uid8 kind cursor */
    MC_DB_QUEUE_EXPIRE, /* seen before 1 */
    MC_DB_SWEPT,        /* swept_ms, checked_ms */
    MC_DB_SWEPT_SAVE,   /* the same */
    MC_DB_PAGES,        /* in use */
    MC_DB_SPARE,        /* pages not in use */
    MC_DB_CHECK,        /* "ok", or what is damaged */
    MC_DB_QUERIES,
};

struct mc_db {
    sqlite3 *handle;
    sqlite3_stmt *query[MC_DB_QUERIES][2];
    const char *path; /* lent by the bus */
    uint64_t page_bytes;
    int log_pages; /* in SQLite's log after our last commit; 0: copied since */
};

/* *ret_db is yours (mc_db_close). Fails as mc_schema_look() says. */
int mc_db_open(const char *path, bool known, struct mc_db **ret_db, bool *ret_made,
               struct mcos_diag *diag);
void mc_db_close(struct mc_db *db); /* NULL is fine */

/*
 * 0, LOCKED, FULL, NOMEM, IO, NOTFOUND (another file stands there now), FORMAT
 * (damaged, or not what we made).
 */
int mc_db_error(sqlite3 *handle, const char *path, int rc);

/* The statement, ready to bind; lent until the next use of its name. */
int mc_db_query(struct mc_db *db, enum mc_db_query query, enum mc_bus_queue kind,
                sqlite3_stmt **ret_st);
/* 1: a row; 0: done, and the statement is reset; else an error, and reset. */
int mc_db_step(struct mc_db *db, sqlite3_stmt *st);

int mc_db_begin(struct mc_db *db, bool write);
int mc_db_commit(struct mc_db *db); /* on failure nothing happened */
void mc_db_rollback(struct mc_db *db);
/* The log after our last commit; 0 once it was copied. */
uint64_t mc_db_log_bytes(const struct mc_db *db);
/* Copies the log into the file as far as readers allow: then the next writer begins
 * it anew. Errors of mc_db_error(). */
int mc_db_checkpoint(struct mc_db *db);
/* The same while others go on writing, who must wait for it: what they append
 * meanwhile would keep the log from ever beginning anew. */
int mc_db_restart_log(struct mc_db *db);

#endif /* MCOS_ADAPTER_SQLITE_DB_H */
