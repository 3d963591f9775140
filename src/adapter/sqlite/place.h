/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/place.h -- the files under and beside a path: which ones stand
 * there now, the lock that guards their making, and moving damaged ones aside.
 *
 * The main file is never opened here: closing it would drop the locks that
 * SQLite holds on it in this process.
 */
#ifndef MCOS_ADAPTER_SQLITE_PLACE_H
#define MCOS_ADAPTER_SQLITE_PLACE_H

#include "base/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MC_PLACE_PATH_MAX 3840u /* with NUL; leaves room for what we append */
#define MC_PLACE_BAD_MAX  3     /* damaged files kept */

/* Which files stand under the path. 0 for one that does not. */
struct mc_place_id {
    dev_t dev;
    ino_t file;
    ino_t wal;
    ino_t shm;
};

/* path and suffix; dst holds MC_PLACE_PATH_MAX + 32. */
void mc_place_name(char *dst, const char *path, const char *suffix);

/* Fails with NOTFOUND (no file), IO, CONFIG (not a regular file). */
int mc_place_look(const char *path, struct mc_place_id *ret_id);
bool mc_place_same(const struct mc_place_id *a, const struct mc_place_id *b);

/* *ret_fd is yours (close gives the lock back). Does not wait: fails with LOCKED,
 * IO, FULL. */
int mc_place_lock(const char *path, int *ret_fd);

/*
 * A claim on the name `uid` among the users of this path, as a lock on one byte of
 * path.lock. It goes with the descriptor, so also with a killed process.
 * *fd: -1 or what an earlier call gave; yours (close). Does nothing while the file
 * that is locked stands there; else claims anew. Fails with IDENTITY (somebody has
 * it), LOCKED (try again), IO, FULL: then *fd is as it was.
 */
int mc_place_claim(const char *path, const uint8_t uid[MC_UID_BYTES], int *fd);

/* With the lock held: an empty file, if there is none, without the old log of a
 * lost one. Fails with IO, FULL. */
int mc_place_make(const char *path);

/* With the lock held: path becomes path.bad-1. Fails with IO. */
int mc_place_set_aside(const char *path);

#endif /* MCOS_ADAPTER_SQLITE_PLACE_H */
