/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/replace.h -- a file is replaced whole or not at all.
 *
 * write aside (a new file beside, full size reserved, fsync, close checked),
 * then rename over the old one, then fsync of the folder. Between the two steps
 * the caller links the old file where it shall be kept. One writer at a time:
 * the caller holds a lock.
 */
#ifndef MCOS_ADAPTER_FILE_REPLACE_H
#define MCOS_ADAPTER_FILE_REPLACE_H

#include "adapter/file/folder.h"
#include "base/bytes.h"

#define MC_REPLACE_ASIDE ".tmp." /* how files that are being made begin */

/* The name aside of a file. */
struct mc_folder_name mc_replace_aside(const char *name);

/*
 * Makes the bytes durable under the name aside. On failure nothing is left behind.
 * Fails with FULL, IO, NOMEM.
 */
int mc_replace_write(int dirfd, const char *name, struct mc_bytes bytes,
                     struct mcos_diag *diag);

/* Whoever reads the file next gets it from the medium, as far as the system lets us. */
void mc_replace_forget(int dirfd, const char *name);

/* Removes what was written aside. */
void mc_replace_drop(int dirfd, const char *name);

/*
 * Renames it over `name` and makes that durable. A failure means "nothing
 * changed" unless *ret_doubt is set: then the new file is seen, but nobody
 * knows whether it would survive a power cut; write all of it again.
 */
int mc_replace_commit(int dirfd, const char *name, bool *ret_doubt,
                      struct mcos_diag *diag);

/* All of it, for a file whose earlier content nobody needs. */
int mc_replace(int dirfd, const char *name, struct mc_bytes bytes,
               struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_FILE_REPLACE_H */
