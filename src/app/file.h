/* SPDX-License-Identifier: Apache-2.0 */
/* app/file.h -- files that people name: read whole and bounded, replaced whole. */
#ifndef MCOS_APP_FILE_H
#define MCOS_APP_FILE_H

#include "base/bytes.h"
#include "mcos/err.h"

/*
 * All of a file, or of standard input for "-", into an empty buffer; more than
 * max bytes are refused. Fails with NOTFOUND, IO, TOOBIG, NOMEM.
 */
int mc_file_read(const char *path, size_t max, struct mc_buf *b,
                 struct mcos_diag *diag);

/* A path for people to read: what would disturb a terminal or JSON as \xNN. */
#define MC_SHOWN_MAX 200u
const char *mc_file_shown(const char *path, char dst[MC_SHOWN_MAX]);

/* Puts the path before what was found wrong in the file. Returns code. */
int mc_file_blame(const char *path, int code, struct mcos_diag *diag);

/*
 * Written aside, made durable, then renamed over `path`: whoever looks sees the
 * old bytes or the new ones. A link is followed; what is there and is no file (a
 * device, a pipe, a folder) is left alone. Fails with USAGE (no file), FULL, IO,
 * NOMEM; then `path` is as before.
 */
int mc_file_write(const char *path, struct mc_bytes bytes, struct mcos_diag *diag);

#endif /* MCOS_APP_FILE_H */
