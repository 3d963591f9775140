/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver for machines, small enough to be read: one list of letters on their
 * way, stores that are lists of rings, time that jumps to what comes next. What
 * a step answers is kept as text, so that a test compares sentences:
 *
 *     store 7 / adopt photos v2 / note replaced photos v2 / ack 7
 */
#ifndef TEST_MACHINE_KIT_H
#define TEST_MACHINE_KIT_H

#include "base/rng.h"
#include "ring/draft.h"
#include "sync/machine.h"
#include "sync/timing.h"
#include "sync/wire_talk.h"

#define KIT_NODES_MAX   64u
#define KIT_RINGS_MAX   2048u
#define KIT_LETTERS_MAX 65536u
#define KIT_TRACE_BYTES 65536u
#define KIT_SYSTEM      7u /* first byte of the system's id */

struct kit_letter {
    bool used;
    unsigned to;
    bool records;
    bool own;
    uint64_t at_ms;
    uint64_t delivery;
    uint64_t sequence;
    uint8_t *bytes;
    size_t len;
};

struct kit_slot {
    struct mc_ring *held;
    struct mc_ring *losers[MC_LOSERS_MAX];
    unsigned loser_count;
};

struct kit_node {
    struct mc_machine_config config;
    struct mc_machine *machine;
    bool up;        /* the bus */
    bool connected; /* gets letters; those that come meanwhile are lost */
    bool confirms;  /* the bus answers what is published */
    int store_err;  /* what the store answers */
    int64_t wall_off_ms;
    uint64_t wake_ms;
    struct kit_slot slots[KIT_RINGS_MAX];
    size_t slot_count;
    struct mc_ring *mint;
    int mint_err;
    unsigned bodies;    /* records sent */
    unsigned announces; /* announcements sent */
    unsigned wants;
    struct mc_want_line asked; /* the first line of the last want that had one */
    struct {
        uint64_t delivery; /* 0: free */
        uint8_t *bytes;
        size_t len;
    } kept[64];
};

struct kit {
    uint64_t now_ms;
    unsigned loss_pct;
    bool cut[KIT_NODES_MAX][KIT_NODES_MAX]; /* from, to */
    struct mc_rng rng;
    struct kit_node *nodes;
    unsigned node_count;
    struct kit_letter *letters;
    size_t letter_count;
    uint64_t delivery;
    unsigned watched; /* whose steps are written down */
    char *trace;
    uint64_t talk_bytes;
    unsigned steps;
    uint64_t body_bytes; /* that every record has on the wire */
};

struct kit *kit_new(unsigned nodes, enum mc_announce_mode mode);
void kit_free(struct kit *k);

/* START (and the bus up) for one node. */
void kit_start(struct kit *k, unsigned i);
void kit_bus(struct kit *k, unsigned i, bool up);
/* Ends a machine without a word; its store stays unless wiped. */
void kit_kill(struct kit *k, unsigned i, bool wipe);
/* Runs until that time; `all` of kit_agree ends it early when given. */
void kit_run(struct kit *k, uint64_t ms);
bool kit_agree(const struct kit *k, const char *ring, uint64_t version);
/* Runs until all connected nodes hold that version; milliseconds, or fails. */
uint64_t kit_until(struct kit *k, const char *ring, uint64_t version, uint64_t max_ms);

/* Mints the next version of a ring on a node; what DONE said. */
int kit_mint(struct kit *k, unsigned i, const char *ring, const char *note);
int kit_mint_ring(struct kit *k, unsigned i, struct mc_ring *take_ring);
const struct mc_ring *kit_held(const struct kit *k, unsigned i, const char *ring);

/* The step itself; the trace of the watched node grows. */
void kit_step(struct kit *k, unsigned i, struct mc_event event);
void kit_trace_clear(struct kit *k);

/* A ring of one device; `held` and `also` may be NULL. Yours. */
struct mc_ring *kit_ring(const char *name, const struct mc_ring *held,
                         const struct mc_ring *also, uint64_t wall_ns, const char *note,
                         bool tombstone);

/* A letter by hand: as cluster `from` would send it. Into b, sealed. */
struct kit_sender {
    const char *cluster;
    uint64_t incarnation;
    uint64_t sequence;
    uint64_t sent_ns;
    bool directed;
};
size_t kit_open(struct mc_buf *b, const struct kit_sender *from,
                enum mc_wire_kind kind);
void kit_announcement(struct mc_buf *b, const struct kit_sender *from,
                      const struct mc_entry *entries, size_t count, uint32_t uptime_ms);
void kit_record(struct mc_buf *b, const struct kit_sender *from,
                const struct mc_ring *ring);
/* Steps the watched node with these bytes; returns the delivery number. */
unsigned kit_give(struct kit *k, bool records, const struct mc_buf *b);
void kit_put_ring(struct mc_buf *b, const struct mc_ring *ring);
void kit_deliver(struct kit *k, unsigned to, bool records, bool own, uint64_t sequence,
                 uint64_t delivery, struct mc_bytes bytes);
struct mc_entry kit_entry(const struct mc_ring *ring);

#endif /* TEST_MACHINE_KIT_H */
