/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/schema.h -- the tables of a bus file, and whose file it is.
 *
 * Two tables of letters, for a talk letter lives seconds and a record a day. A
 * letter's headers stand before its body, so that who reads headers never loads
 * a body. There is no index: letters are read in the order of their ids only,
 * and what is not there cannot be damaged.
 */
#ifndef MCOS_ADAPTER_SQLITE_SCHEMA_H
#define MCOS_ADAPTER_SQLITE_SCHEMA_H

#include "mcos/err.h"

#include <sqlite3.h>
#include <stdbool.h>

#define MC_SCHEMA_MARK    0x4d434f53 /* application_id: "MCOS" */
#define MC_SCHEMA_VERSION 1
/* A number above this is no version but damage. */
#define MC_SCHEMA_VERSION_MAX 64

/*
 * Whose file it is; `known`: a bell says that it was ours. Writes nothing. With
 * the lock of the place held. Fails with FORMAT (ours, damaged), CONFIG (not
 * ours), UPGRADE, and as mc_db_error() says.
 */
int mc_schema_look(sqlite3 *handle, const char *path, bool known, bool *ret_empty,
                   struct mcos_diag *diag);

/* The tables, into an empty file. Fails as mc_db_error() says. */
int mc_schema_make(sqlite3 *handle, const char *path);

#endif /* MCOS_ADAPTER_SQLITE_SCHEMA_H */
