/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/lease.h -- who may use the data folder, and who merges now.
 *
 * Both are flock locks, which the kernel drops when the process dies. The lock
 * files are never removed: a removed one could be locked twice.
 */
#ifndef MCOS_ADAPTER_FILE_LEASE_H
#define MCOS_ADAPTER_FILE_LEASE_H

#include "mcos/err.h"

#include <stdbool.h>

#define MC_LEASE_FILE ".lock"

/*
 * One agent per data folder, for as long as it lives: <data>/.lock, which holds
 * its process id. *ret_fd is yours (close).
 * Fails with LOCKED (diag names the process), IO, FULL, NOMEM.
 */
int mc_lease_take(int dirfd, const char *path, int *ret_fd, struct mcos_diag *diag);

/* False if the folder, or the lock file in it, is another one by now. */
bool mc_lease_holds(int fd, int dirfd);

/*
 * One merge at a time, also among processes: <data>/rings/.lock. Waits up to
 * wait_ms. *ret_fd is yours (close gives the lock back).
 */
int mc_lease_lock_rings(int rings_fd, unsigned wait_ms, int *ret_fd,
                        struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_FILE_LEASE_H */
