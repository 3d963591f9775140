/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/start.h -- what is made good before a data folder is used. */
#ifndef MCOS_ADAPTER_FILE_START_H
#define MCOS_ADAPTER_FILE_START_H

#include "mcos/err.h"

#include <stdbool.h>

/*
 * Makes the folders, removes what a crash left half-made, checks every ring and
 * restores the newest good version of a damaged one, makes what is there
 * durable. `shared`: the folder has a user already; only what the lock of the
 * rings protects is touched. A ring without any good record is passed over.
 * Fails with UPGRADE (diag names the ring), LOCKED, IO, FULL, NOMEM.
 */
int mc_start(const char *data, bool shared, struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_FILE_START_H */
