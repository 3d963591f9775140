/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/outbox.h -- letters handed over and not yet committed, and the
 * events that wait to be told.
 *
 * Letters go out in groups, one transaction each. Whatever becomes of a letter,
 * one CONFIRM is told, and there is always room for it: it is made together
 * with the letter.
 */
#ifndef MCOS_ADAPTER_SQLITE_OUTBOX_H
#define MCOS_ADAPTER_SQLITE_OUTBOX_H

#include "adapter/sqlite/db.h"

#include <stddef.h>
#include <stdint.h>

#define MC_OUTBOX_LETTERS_MAX 4096u
#define MC_OUTBOX_BYTES_MAX   (256u << 20)
#define MC_OUTBOX_GROUP_MAX   64u         /* letters of one transaction */
#define MC_OUTBOX_GROUP_BYTES (16u << 20) /* reached: the rest goes with the next */

/* One thing to tell or to send. A letter becomes its own confirmation. */
struct mc_parcel {
    struct mc_parcel *next;
    struct mc_bus_event event; /* UP, DOWN or CONFIRM */
    enum mc_bus_queue queue;
    struct mc_letter_head head;
    struct mc_blob *body;
};

struct mc_parcels {
    struct mc_parcel *first;
    struct mc_parcel *last;
};

struct mc_outbox {
    struct mc_parcels letters; /* to commit */
    struct mc_parcels told;    /* events to tell, in order */
    struct mc_parcel state[2]; /* DOWN and UP: they need no memory */
    bool down_told_later;
    bool up_told_later;
    bool fresh_owed; /* by an UP that was withdrawn */
    size_t count;    /* letters not committed and confirmations not told */
    uint64_t bytes;
    size_t group_max;
};

void mc_outbox_init(struct mc_outbox *box);
void mc_outbox_fini(struct mc_outbox *box);

/* Fails with VALUE (not a key of the bus, or no sequence), TOOBIG, BUSY, NOMEM. */
int mc_outbox_put(struct mc_outbox *box, const struct mc_letter_head *head,
                  struct mc_bytes body, uint64_t token);

/* Commits one group: *ret_sent letters, still first in `letters`, until
 * mc_outbox_confirm(). Errors of mc_db_error(): none of them was sent. */
int mc_outbox_commit(struct mc_outbox *box, struct mc_db *db, int64_t wall_ms,
                     uint64_t talk_ttl_ms, size_t *ret_sent);
/* The first `count` letters become confirmations with this error. */
void mc_outbox_confirm(struct mc_outbox *box, size_t count, int err);
/* How many letters the next group would have, and their bytes: who fails with it. */
size_t mc_outbox_group(const struct mc_outbox *box, uint64_t *ret_bytes);

/* Tells DOWN or UP after what is waiting; an UP not yet told is withdrawn by DOWN. */
void mc_outbox_state(struct mc_outbox *box, struct mc_bus_event event);
/* The next event to tell; false if none. */
bool mc_outbox_take(struct mc_outbox *box, struct mc_bus_event *ret_event);

#endif /* MCOS_ADAPTER_SQLITE_OUTBOX_H */
