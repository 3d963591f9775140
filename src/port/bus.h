/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port/bus.h -- what the house needs from a message queue.
 *
 * A letter goes to a key and reaches each subscribed cluster at least once, or
 * is lost, in any order. Loss is repaired by announcements, never by the bus.
 *
 * Each cluster has two queues, both bounded, the oldest letter dropped first:
 *
 *     records   keys "ring" and "ring.<cluster>"   durable: what was published
 *                                                  while the cluster was away waits
 *     talk      keys "talk" and "talk.<cluster>"   may be lost at a restart, and
 *                                                  is worthless after a while
 *
 * Publishing is answered later by one MC_BUS_CONFIRM with the same token, with
 * err 0 once the bus keeps the letter for every queue it matched (not before).
 * One's own letters come back too, with `own` set and without a body: they are
 * known by the header, before the body is read.
 *
 * Pull, not callbacks: call next() until it says EMPTY, then wait for fd() to
 * become readable or for the time next() asked for. One thread.
 *
 * The proof of an implementation is test/contract/contract_bus.c.
 */
#ifndef MCOS_PORT_BUS_H
#define MCOS_PORT_BUS_H

#include "base/blob.h"
#include "base/name.h"

#include <stdbool.h>
#include <stdint.h>

enum mc_bus_queue { MC_QUEUE_RECORDS, MC_QUEUE_TALK };

#define MC_BUS_KEY_MAX 80u /* "ring." and a cluster name, with NUL */

/* Headers: readable by any consumer without understanding the body. */
struct mc_letter_head {
    char key[MC_BUS_KEY_MAX];
    struct mc_name from; /* cluster that sends */
    uint8_t from_uid[MC_UID_BYTES];
    uint64_t sequence;        /* the sender's own count, never 0 */
    struct mc_name ring_name; /* "" when the letter carries no record */
    uint64_t version;         /* of the record, 0 if none */
    uint64_t timestamp;
};

enum mc_bus_event_kind {
    MC_BUS_UP, /* connected; queues exist. Sent once after open, and after each DOWN */
    /* err says why; what was not confirmed will be confirmed with AWAY. With FULL
     * (nothing can be written) letters may still come. */
    MC_BUS_DOWN,
    MC_BUS_MESSAGE,
    MC_BUS_CONFIRM,
};

struct mc_bus_event {
    enum mc_bus_event_kind kind;
    int err;        /* DOWN, CONFIRM */
    uint64_t token; /* CONFIRM */
    /* MESSAGE */
    enum mc_bus_queue queue;
    bool own;          /* ours (by uid): body is NULL */
    bool fresh_queue;  /* UP: the queues or the whole bus were made anew */
    uint64_t delivery; /* give it back with ack() */
    struct mc_letter_head head;
    struct mc_blob *body; /* yours (mc_blob_unref), or NULL */
};

struct mc_bus;

struct mc_bus_ops {
    /*
     * Hands a letter over. Borrowed for the call. 0: a CONFIRM with the token
     * will come. Fails with TOOBIG, BUSY (too many unconfirmed); then none comes.
     * While the bus is away: 0, and a CONFIRM with AWAY.
     */
    int (*publish)(struct mc_bus *bus, const struct mc_letter_head *head,
                   struct mc_bytes body, uint64_t token);
    /*
     * The next event, or MCOS_E_EMPTY with *ret_wait_ms set: call again after
     * that time even if fd() stays quiet (UINT64_MAX: no need). At most
     * MC_INFLIGHT_MAX record letters are out unacknowledged.
     */
    int (*next)(struct mc_bus *bus, struct mc_bus_event *ret_event,
                uint64_t *ret_wait_ms);
    /* Done with a letter: it will not come again. Unacknowledged ones come again
     * after a restart. Acknowledging twice, or an unknown number, does nothing. */
    void (*ack)(struct mc_bus *bus, uint64_t delivery);
    /* Bytes that a record's letter may have as far as the bus knows, SIZE_MAX: any.
     * NULL: it has no limit of its own. */
    size_t (*record_max)(struct mc_bus *bus);
    /* Of a bus with several agents for a cluster: another one may have the queues, if
     * there is one; DOWN and UP follow. May be left out (NULL). */
    void (*yield)(struct mc_bus *bus);
    int (*fd)(struct mc_bus *bus);     /* readable: call next(); -1: none */
    void (*close)(struct mc_bus *bus); /* queues stay and go on collecting */
};

/* First member of every implementation. */
struct mc_bus {
    const struct mc_bus_ops *ops;
};

#endif /* MCOS_PORT_BUS_H */
