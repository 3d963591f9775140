/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/room.h -- whether the disk has room for a letter, and making some.
 *
 * A letter needs room twice: in the log, and in the file when the log is copied.
 * A log that cannot be copied can never begin anew, so what would not leave room
 * for that is refused before it is written.
 */
#ifndef MCOS_ADAPTER_SQLITE_ROOM_H
#define MCOS_ADAPTER_SQLITE_ROOM_H

#include "adapter/sqlite/db.h"

#include <stdint.h>

/* Fewer bytes are not asked about: the log keeps room for them. */
#define MC_ROOM_SMALL (64u << 10)

/* Copies the log if need be. True also if nobody knows. */
bool mc_room_for(struct mc_db *db, uint64_t bytes);
/* Drops what nobody needs and copies the log, as far as they go. */
void mc_room_make(struct mc_db *db, int64_t wall_ms);
/* Writes so much and removes it: 0 if that works, else errors of mc_db_error(). */
int mc_room_probe(struct mc_db *db, uint64_t bytes);

#endif /* MCOS_ADAPTER_SQLITE_ROOM_H */
