/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/lane.h -- one of a cluster's two queues, seen by its consumer.
 *
 * The cursor in the file says below which id nothing is needed any more. It
 * moves when the letters behind it are acknowledged without a gap; those
 * acknowledged beyond a gap are kept in a list beside it.
 */
#ifndef MCOS_ADAPTER_SQLITE_LANE_H
#define MCOS_ADAPTER_SQLITE_LANE_H

#include "adapter/sqlite/db.h"

#include <stddef.h>
#include <stdint.h>

#define MC_LANE_TALK_OUT_MAX 1024u /* talk letters out unacknowledged */

struct mc_lane_owner {
    struct mc_name cluster;
    uint8_t uid[MC_UID_BYTES];
    char uid8[9];
};

struct mc_flight {
    int64_t id;
    uint64_t delivery;
    bool acked;
};

struct mc_lane {
    enum mc_bus_queue kind;
    char key_all[8];
    char key_own[MC_BUS_KEY_MAX];
    int64_t pos;              /* fetched so far */
    struct mc_flight *flight; /* by id: from the first unacknowledged one on */
    size_t count;
    size_t cap;
    size_t out;    /* of them not acknowledged */
    int64_t *skip; /* acknowledged in an earlier life, by id */
    size_t skip_count;
    bool waiting;     /* there may be letters to fetch */
    bool trim;        /* look at the bounds before the next fetch */
    bool changed;     /* since the last save */
    uint64_t save_ms; /* when to save */
};

void mc_lane_init(struct mc_lane *lane, enum mc_bus_queue kind,
                  const struct mc_lane_owner *owner);
void mc_lane_fini(struct mc_lane *lane);
void mc_lane_wake(struct mc_lane *lane);

/* Reads the queue's row or makes it (*ret_made), in a write transaction of the
 * caller. What was out is forgotten. Errors of mc_db_error(). */
int mc_lane_load(struct mc_lane *lane, struct mc_db *db,
                 const struct mc_lane_owner *owner, int64_t wall_ms, bool *ret_made);

/* The next letter, with `*delivery` one higher as its number. EMPTY: none, or
 * too many are out. Else errors of mc_db_error(). */
int mc_lane_take(struct mc_lane *lane, struct mc_db *db,
                 const struct mc_lane_owner *owner, int64_t wall_ms, uint64_t *delivery,
                 struct mc_bus_event *ret_event);

/* False if the number is not out in this lane. */
bool mc_lane_ack(struct mc_lane *lane, uint64_t delivery);

/* In a write transaction of the caller. NOTFOUND: the row is gone. */
int mc_lane_save(struct mc_lane *lane, struct mc_db *db,
                 const struct mc_lane_owner *owner, int64_t wall_ms);

/*
 * Where a queue with this cursor must begin so that it keeps within its bounds:
 * the greatest id that is too old, or the cursor.
 */
int mc_lane_floor(struct mc_db *db, enum mc_bus_queue kind, const char *key_own,
                  int64_t cursor, int64_t *ret_floor);

#endif /* MCOS_ADAPTER_SQLITE_LANE_H */
