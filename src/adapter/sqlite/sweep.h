/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/sweep.h -- keeps the file small and sound.
 *
 * Every MC_SWEEP_MS one of the processes, whichever comes first, brings the
 * queues of absent clusters within their bounds, drops queues nobody came for
 * and letters nobody needs, a few at a time. Less often it also reads the whole
 * file for damage, for a damaged page may hide letters without a word.
 */
#ifndef MCOS_ADAPTER_SQLITE_SWEEP_H
#define MCOS_ADAPTER_SQLITE_SWEEP_H

#include "adapter/sqlite/db.h"

#include <stdint.h>

#define MC_SWEEP_MS       2000
#define MC_SWEEP_CHECK_MS 30000

/* Errors of mc_db_error(); FORMAT also if the check found damage. */
int mc_sweep_run(struct mc_db *db, int64_t wall_ms);

#endif /* MCOS_ADAPTER_SQLITE_SWEEP_H */
