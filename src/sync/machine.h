/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/machine.h -- one cluster's half of the conversation about rings.
 *
 * Feed it what happened; it answers with what to do. It never waits, never
 * calls back, and knows no time but the one in the event, no randomness but
 * the seed it was given. Same state and same event give the same effects, on
 * any machine. Rules: docs/protocol.md, cited by number in the code.
 *
 * It allocates when a cluster or a ring is added for the first time, never
 * otherwise: effects and the bytes to send live in arenas that a step reuses.
 */
#ifndef MCOS_SYNC_MACHINE_H
#define MCOS_SYNC_MACHINE_H

#include "base/version.h"
#include "ring/ring.h"
#include "sync/effect.h"
#include "sync/merge.h"
#include "sync/wire_talk.h"

enum mc_announce_mode { MC_ANNOUNCE_AUTO, MC_ANNOUNCE_FULL, MC_ANNOUNCE_DIGEST };

struct mc_machine_config {
    uint8_t system[MC_UID_BYTES];
    struct mc_name cluster;
    uint8_t uid[MC_UID_BYTES];
    struct mc_name region; /* "" if not given; not checked further */
    struct mc_name zone;
    uint64_t incarnation; /* random, of this start */
    uint64_t seed;
    uint32_t announce_interval_ms; /* delta_t */
    uint32_t inactive_after_ms;
    enum mc_announce_mode announce;
    uint32_t announce_budget; /* bytes/s, all clusters together; see auto */
    bool alone;               /* do not listen before the first mint */
    bool shared;              /* other agents may speak for this cluster too (P90) */
    char address[128];        /* where our API is, told to the others; "" if nowhere */
    /* What this agent speaks, and the greatest format that it reads and writes;
     * 0: all that the program can. Less is for worlds of several versions. */
    uint8_t protocol;
    uint8_t format;
};

enum mc_event_kind {
    MC_EV_START,
    MC_EV_BUS,
    MC_EV_MESSAGE,
    MC_EV_STORED,
    MC_EV_HELD, /* the store was found to hold this; fields as of STORED, without err */
    MC_EV_SENT,
    MC_EV_COMPANY, /* what the cluster's other agents hold (P93) */
    MC_EV_RELAYED, /* a letter of others, passed on by the active agent (P92) */
    MC_EV_MINT,
    MC_EV_WAKE,
    MC_EV_STOP
};

struct mc_event {
    uint64_t now_ms;  /* never goes back; the driver sees to it */
    uint64_t wall_ns; /* the clock on the wall, told to the others, trusted by none */
    enum mc_event_kind kind;
    union {
        struct {
            bool up;
            bool fresh; /* the bus or our queues were made anew */
            int err;
        } bus;
        struct {
            uint64_t delivery;
            bool records;          /* from the durable queue */
            bool own;              /* ours: `bytes` is empty */
            uint64_t sequence;     /* header */
            struct mc_bytes bytes; /* borrowed */
        } message;
        struct {
            uint64_t delivery; /* or 0 */
            uint64_t token;
            int err;
            struct mc_merge merge; /* if err is 0 */
            struct mc_name ring;
            struct mc_ring *held; /* now, if err is 0; borrowed, the machine refs it */
            struct mc_stamp came;
            /* The ring's losers as the store keeps them now. It alone knows which
             * loser descends from which; what it keeps is what we announce. */
            const struct mc_stamp *losers; /* borrowed */
            size_t loser_count;
            uint64_t body_bytes; /* on the wire; for the auto mode */
        } stored;
        struct {
            uint64_t token;
            int err;
        } sent;
        struct {
            bool others; /* live ones that count */
            /* The least that a live one reads, UINT8_MAX if there is none; 0: the
             * roster cannot be asked, what was known last holds. */
            uint8_t format;
            /* The least that each of them holds, by name; a ring that one of them
             * lacks is not among them. Borrowed. */
            const struct mc_entry *least;
            size_t count;
        } company;
        struct {
            struct mc_bytes bytes; /* borrowed */
        } relayed;
        struct {
            uint64_t token; /* not 0; comes back in STORE and DONE */
            struct mc_name ring;
            struct mc_stamp stamp;
        } mint;
    } u;
};

struct mc_machine;

/* Copies the config. On success *ret_machine is yours. Fails with NOMEM. */
int mc_machine_new(const struct mc_machine_config *config,
                   struct mc_machine **ret_machine);
void mc_machine_free(struct mc_machine *m); /* NULL is fine */

/*
 * Before MC_EV_START: what the store holds; the machine keeps a reference.
 * `loser` for one that lost a conflict which nobody settled yet, given after the
 * record held. Fails with NOMEM, BUSY (MC_RINGS_MAX).
 */
int mc_machine_hold(struct mc_machine *m, struct mc_ring *ring, bool loser,
                    uint64_t body_bytes);
/* Before MC_EV_START: a cluster known from the last time; INACTIVE until heard. */
int mc_machine_remember(struct mc_machine *m, const struct mc_name *cluster,
                        const uint8_t uid[MC_UID_BYTES], const char *region,
                        const char *zone);

/*
 * The store keeps a record of this ring that is of a format we cannot read; at
 * any time. It is announced to nobody, and the ring cannot be changed here while
 * nothing as great is held. Fails with NOMEM, BUSY (MC_RINGS_MAX).
 */
int mc_machine_unread(struct mc_machine *m, const struct mc_name *ring,
                      const struct mc_stamp *stamp);

/*
 * Cannot fail: a bad message becomes a note, a failed store is an event.
 * Nothing it is fed can end it.
 */
struct mc_effects mc_machine_step(struct mc_machine *m, const struct mc_event *event);

/*
 * May a record be minted now? 0, or NOTREADY (still listening; *ret_retry_ms
 * says how long), CLOCK, IDENTITY.
 */
int mc_machine_may_mint(const struct mc_machine *m, uint64_t now_ms, uint64_t wall_ns,
                        uint64_t *ret_retry_ms);

/* The greatest record known of that ring that is greater than what is held and
 * cannot be read; false if there is none. Then the ring must not be changed here. */
bool mc_machine_find_unread(const struct mc_machine *m, const char *ring,
                            struct mc_stamp *ret_stamp);
/* All of them, by ring; start with *cursor 0. */
bool mc_machine_next_unread(const struct mc_machine *m, size_t *cursor,
                            struct mc_name *ret_ring, struct mc_stamp *ret_stamp);
/* The format of a record minted now: the greatest that all agents of ours and all
 * ACTIVE clusters read (P72). */
unsigned mc_machine_mint_format(const struct mc_machine *m);

/* What the machine knows, for status and convergence. Lent until the next step. */

enum mc_member_state { MC_MEMBER_ACTIVE, MC_MEMBER_SILENT, MC_MEMBER_LEFT };

struct mc_holding {
    struct mc_name ring;
    struct mc_stamp stamp; /* of others only the first 8 digest bytes are known */
    bool tombstone;
    uint64_t since_ms; /* when first heard to hold it */
};

struct mc_member {
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES];
    struct mc_name region;
    struct mc_name zone;
    char address[128];
    enum mc_member_state state;
    bool self;
    bool shared;          /* self, and other agents count: holdings are what all hold */
    bool inventory_known; /* false: it announced more than we know of yet */
    uint64_t heard_ms;    /* last announcement, 0: not since our start */
    uint64_t changed_ms;  /* of state */
    uint32_t interval_ms;
    int64_t clock_ms; /* its wall clock less ours, when it was heard */
    unsigned protocol;
    unsigned format; /* the greatest record format it reads; 0: not heard yet */
    char program[MC_PROGRAM_BYTES];    /* its version as it says; "" if it does not */
    enum mc_announce_mode announce;    /* FULL or DIGEST: what it does now */
    const struct mc_holding *holdings; /* sorted by ring name */
    size_t holding_count;
};

size_t mc_machine_member_count(const struct mc_machine *m); /* ourselves included */
/* i-th in order of name. */
struct mc_member mc_machine_member(const struct mc_machine *m, size_t i);

struct mc_machine_status {
    bool bus_up;
    bool listening; /* not ready to mint */
    bool following; /* another agent of the cluster speaks for it */
    bool mute;
    bool identity_lost;
    bool clock_off;
    int64_t clock_offset_ms; /* ours less the median of the others */
    enum mc_announce_mode announce;
    size_t undistributed; /* records minted here, not yet confirmed by the bus */
    uint64_t
        confirmed_ms; /* last time a peer with an equal inventory was heard, 0: never */
    uint64_t notes[MC_NOTE_COUNT]; /* how often each was said */
};
struct mc_machine_status mc_machine_status(const struct mc_machine *m);

#endif /* MCOS_SYNC_MACHINE_H */
