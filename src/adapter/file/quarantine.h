/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/quarantine.h -- damaged bytes are kept for whoever looks into
 * it: <data>/quarantine/<number>-<key>-<reason>.bad, the oldest leaving first.
 *
 * Evidence, not state: nothing here is read back, and losing it at a power cut
 * loses nothing else.
 */
#ifndef MCOS_ADAPTER_FILE_QUARANTINE_H
#define MCOS_ADAPTER_FILE_QUARANTINE_H

#include "base/bytes.h"
#include "mcos/err.h"

#define MC_QUARANTINE_FILES  16u
#define MC_QUARANTINE_BYTES  (64u << 20) /* in all */
#define MC_QUARANTINE_REASON 40u         /* characters of it in the name */

/*
 * Keeps a copy of bytes (a message, a request). What is larger than the whole
 * quarantine is cut; bytes that are there already are not kept twice. Of the
 * reason only [a-z0-9-] is used. Fails with IO, FULL, NOMEM.
 */
int mc_file_quarantine(const char *data, struct mc_bytes bytes, const char *reason,
                       struct mcos_diag *diag);

/*
 * Moves a damaged file out of a folder (never copies: it may still be mapped).
 * One that is larger than the whole quarantine, or is there already under
 * another name, is removed. Fails with IO: then the file is where it was.
 */
int mc_quarantine_move(int data_fd, int dirfd, const char *file, const char *reason,
                       struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_FILE_QUARANTINE_H */
