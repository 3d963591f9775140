/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/bus.h -- the embedded bus: one SQLite file, any processes.
 *
 * A letter is a row, its body stored once whatever the number of queues; a
 * queue is a row with a cursor. Beside the file live:
 *
 *     <path>-wal, -shm   SQLite's own
 *     <path>.bell        one byte, written after each commit; others watch it.
 *                        It also tells that a damaged <path> was ours
 *     <path>.lock        held while the file is opened, made or replaced; and one
 *                        byte of it per uid, for as long as its bus is open
 *     <path>.bad-1..3    damaged files that were moved aside, the newest first
 *
 * A file that is damaged or gone is made anew by whoever sees it first; the
 * others notice that another file stands under the path: DOWN, then UP with
 * fresh_queue. A file that is not ours is never touched.
 *
 * Two that live with the same uid (a copied data folder) would take each other's
 * letters. The second is refused; if they meet later, because path.lock was removed
 * between them, the one that comes too late is DOWN with IDENTITY.
 *
 * Without room on the disk the bus is DOWN with FULL, but letters still come and can
 * be acknowledged: that makes room. UP when what was refused would fit.
 *
 * An acknowledgement is written within 0.1 s (talk: 2 s), or at close: a
 * process that is killed before sees those letters again.
 */
#ifndef MCOS_ADAPTER_SQLITE_BUS_H
#define MCOS_ADAPTER_SQLITE_BUS_H

#include "port/bus.h"
#include "port/clock.h"

#include "mcos/err.h"

#define MC_SQLITE_RECORDS_MAX       256u           /* letters of a records queue */
#define MC_SQLITE_RECORDS_BYTES_MAX (256ull << 20) /* and their bytes */
#define MC_SQLITE_TALK_MAX          4096u          /* letters of a talk queue */
#define MC_SQLITE_RECORD_TTL_MS     (24ull * 3600 * 1000)
#define MC_SQLITE_QUEUE_TTL_MS      (30ull * 24 * 3600 * 1000)

struct mc_sqlite_bus_config {
    const char *path;          /* copied */
    struct mc_name cluster;    /* whose queues these are: name and uid together, */
    uint8_t uid[MC_UID_BYTES]; /* so that a namesake has queues of its own */
    uint64_t talk_ttl_ms;      /* of what we send; not 0 */
    struct mc_clock *clock;    /* must outlive the bus */
};

/*
 * *ret_bus is yours (ops->close). Only what waiting cannot mend fails: CONFIG
 * (the file is not ours, or not a file), UPGRADE (made by a newer version),
 * IDENTITY (another bus with this uid is open, here or in another process), VALUE,
 * NOMEM. Else the bus is open, and DOWN comes before the first UP if
 * the file cannot be reached yet.
 */
int mc_sqlite_bus_open(const struct mc_sqlite_bus_config *config,
                       struct mc_bus **ret_bus, struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_SQLITE_BUS_H */
