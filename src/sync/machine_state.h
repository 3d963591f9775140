/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/machine_state.h -- what the machine remembers, shared by its files.
 *
 * A `ring` here is a name that matters: held by us, told by a peer, or asked
 * for. It lives while held or while something points at it (refs). A `peer` is
 * a cluster; it is never forgotten. Both are kept in arrays of pointers sorted
 * by name, so that no order depends on an address.
 *
 * Timers are times; a *_due_ms of the machine is a lower bound: when it comes,
 * whoever owns it looks at all its things and sets it anew. NEVER means none.
 */
#ifndef MCOS_SYNC_MACHINE_STATE_H
#define MCOS_SYNC_MACHINE_STATE_H

#include "base/rng.h"
#include "sync/machine.h"
#include "sync/timing.h"
#include "sync/wire_talk.h"

#define MC_NEVER UINT64_MAX

struct mc_peer;

/* A record that somebody announced and that we lack (P30). */
struct mc_want {
    bool on;
    bool asked; /* counts against the window until due_ms */
    bool whole; /* a difference was of no use: ask by name of nothing (P49) */
    uint8_t tries;
    uint16_t epoch;
    uint64_t version;
    uint64_t timestamp;
    uint8_t digest8[8];
    uint64_t due_ms;
    struct mc_peer *holder; /* who announced it, or was asked last */
};

/* What was asked for by name of what we held: one answer may be a difference (P48). */
struct mc_expected {
    uint64_t until_ms; /* 0: none is */
    uint8_t parent8[8];
    struct mc_stamp least; /* by eight bytes of its digest: it, or what came after it */
};

/* How often a record was asked for of late (P41). */
struct mc_demand {
    uint8_t digest8[8];
    unsigned count;
    const struct mc_peer *askers[MC_DEMAND_CLUSTERS];
    uint64_t from_ms;
    uint64_t quiet_ms; /* ignore wants until then */
};

enum mc_out { MC_OUT_NONE, MC_OUT_WAITS, MC_OUT_SENT };

struct mc_ringrow {
    struct mc_name name;
    uint8_t bucket;
    uint32_t refs;
    /* held, if not NULL */
    struct mc_ring *held;
    struct mc_stamp stamp;
    bool tombstone;
    uint64_t body_bytes;
    uint64_t since_ms;
    bool told_on;            /* `told` is what we say that we hold: less than */
    struct mc_entry told;    /* that while another agent lacks it (P93) */
    uint64_t change;         /* the machine's count of changes at its last one */
    struct mc_stamp *losers; /* room for MC_LOSERS_MAX; greatest first */
    uint8_t loser_count;
    /* asked for */
    struct mc_want newer;
    struct mc_want lost;
    struct mc_expected expected;
    /* given */
    struct mc_demand demand;
    enum mc_out out; /* minted here: has the bus it? */
    uint64_t out_retry_ms;
    uint64_t
        full_from_ms; /* in full mode: when it is the turn of who is first in line */
    uint64_t full_due_ms; /* when ours may be */
    /* too new for us */
    bool unread_due;        /* not told yet */
    struct mc_stamp unread; /* the greatest, if greater than held; version 0: none */
    uint8_t vain8[MC_VAIN_MAX][8]; /* came and cannot or need not be kept (P66) */
    unsigned vain_count;           /* so many ever; the last ones are remembered */
};

/* What a peer holds of one ring. */
struct mc_hold {
    struct mc_ringrow *row;
    uint64_t version;
    uint64_t timestamp;
    uint64_t since_ms;
    uint8_t digest8[8];
    uint16_t epoch;
    bool tombstone;
    bool loser;
};

struct mc_holds {
    struct mc_hold *list; /* in the order of mc_entry_cmp */
    size_t count;
    size_t cap;
};

struct mc_peer {
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES];
    bool self;
    bool introduced;               /* remembered, told of or heard: not new any more */
    const struct mc_peer *told_by; /* in an answer that has not ended (P52) */
    bool full;
    uint8_t protocol;
    uint8_t format; /* the greatest that it reads; 0: it never said */
    char program[MC_PROGRAM_BYTES];
    enum mc_member_state state;
    char *text; /* region, zone, address, each with its NUL */
    uint16_t text_cap;
    uint32_t interval_ms;
    uint64_t heard_ms; /* 0: not since our start */
    uint64_t changed_ms;
    uint64_t incarnation;
    uint64_t sequence;
    int64_t clock_base_ms; /* its wall clock less our now_ms */
    uint64_t upgrade_noted_ms;
    uint8_t digest[16];   /* of its inventory, as announced */
    uint64_t unknown;     /* buckets of which we know not what it holds */
    bool told;            /* it announced since our start */
    uint64_t *buckets;    /* as announced, MC_BUCKETS of them; NULL: never needed */
    uint64_t list_due_ms; /* to ask for unknown buckets */
    uint8_t list_tries;
    struct mc_holds holds;
    struct mc_holding *view; /* for mc_machine_member, made when asked for */
};

/* A record in the hands of the store. */
struct mc_storing {
    bool on;
    bool waits; /* for retry_ms; else for STORED */
    uint64_t delivery;
    uint64_t token; /* of a mint, 0: a delivery */
    bool difference;
    struct mc_ringrow *row;
    struct mc_stamp came;
    unsigned tries;
    bool for_all; /* the same body is on its way to all */
    uint64_t retry_ms;
};

enum mc_sending_why { MC_SEND_ANSWER, MC_SEND_OUT, MC_SEND_FULL };

struct mc_sending {
    uint64_t token; /* 0: free */
    enum mc_sending_why why;
    struct mc_ringrow *row; /* of OUT */
    struct mc_stamp stamp;
};

struct mc_answer {
    struct mc_ringrow *row;
    struct mc_peer *to; /* NULL: all */
    uint8_t digest8[8];
    bool names_held; /* and wants a difference from it, if there is one */
    uint8_t held8[8];
};

/* An inventory, or part of it, on its way to somebody. */
struct mc_list_job {
    bool on;
    struct mc_peer *to; /* NULL: all */
    uint64_t buckets;
    char after[MC_NAME_MAX + 1]; /* within the lowest bucket that is left */
};

/* Why the next announcement is brought forward; the later outweighs the earlier. */
enum mc_forward {
    MC_FORWARD_NONE,
    MC_FORWARD_ACTIVE, /* a cluster became so */
    MC_FORWARD_CHANGE  /* of what we hold */
};

struct mc_machine {
    struct mc_machine_config config;
    struct mc_rng rng;
    uint64_t now_ms;
    uint64_t wall_ns;
    bool started;
    bool stopped;

    /* one step's answer */
    struct mc_effect effects[MC_STEP_EFFECTS_MAX];
    size_t effect_count;
    struct mc_buf bytes;
    bool deferred; /* something did not fit: come back at once */
    struct mc_note unsaid;
    uint64_t said[MC_NOTE_COUNT]; /* all, also those that were not emitted */
    uint32_t said_minute[MC_NOTE_COUNT];
    uint64_t minute_ms;
    uint64_t sequence;
    uint64_t token;

    /* the bus */
    bool bus_up;
    bool was_up; /* ever */
    bool fresh;  /* what comes out of the talk queue was sent since bus_up (P22) */
    uint64_t up_ms;
    uint64_t first_sequence; /* own letters from here on tell that */
    uint64_t echo_ms;
    unsigned unheard; /* announcements since the last echo */
    bool mute;

    /* other agents of this cluster */
    bool following;     /* the bus gives our letters to another one */
    bool company;       /* some count, as far as is known */
    bool company_known; /* else nothing is said */
    uint64_t probe_ms;  /* next hello of one who follows */
    unsigned probes;    /* since the bus came up */

    /* rings */
    struct mc_ringrow **rings;
    size_t ring_count;
    size_t ring_cap;
    size_t held_count;
    size_t told_count;   /* rings that we say we hold */
    uint64_t body_bytes; /* of all held */
    size_t entry_bytes;  /* of the inventory on the wire */
    uint64_t changes;
    struct mc_sum sums[MC_BUCKETS];
    uint8_t digest[16];
    size_t undistributed;

    /* clusters */
    struct mc_peer **peers;
    size_t peer_count;
    size_t peer_cap;
    size_t active_count; /* others */
    struct mc_peer *self;
    uint64_t silent_due_ms;
    bool members_dirty;
    uint64_t members_saved_ms;
    int64_t *clocks; /* scratch for the median, as long as peers */
    bool clock_off;  /* far from the median, however few the others are */

    /* announcing */
    uint64_t start_ms;
    uint64_t announced_ms; /* 0: never */
    uint64_t announce_due_ms;
    uint64_t start_gap_ms; /* 0: the start is over */
    enum mc_forward forward;
    uint64_t forward_ms;
    uint64_t behind_ms; /* somebody is (P25): of its own, for others may answer */
    unsigned behind_equals;
    bool ready; /* to mint */
    uint64_t confirmed_ms;
    bool identity_lost;
    uint64_t identity_ms; /* last heard of the other */

    /* asking */
    uint64_t want_due_ms;
    size_t asked_count;
    uint64_t list_due_ms;
    unsigned members_asked;
    bool members_told;
    uint64_t members_ask_ms;

    /* answering */
    struct mc_sending sending[MC_SENDING_MAX];
    struct mc_answer answers[MC_ANSWERS_MAX]; /* first come first */
    size_t answer_count;
    struct mc_list_job lists[MC_LIST_JOBS_MAX];
    uint64_t members_due_ms;
    uint64_t members_quiet_ms;
    size_t members_next; /* in the middle of answering: index of the next line */
    uint64_t out_due_ms;
    uint64_t full_due_ms;
    uint64_t full_pace_ms; /* the next body, once the last one came back */
    uint64_t full_gate_ms; /* the next body, as it looks now */

    /* storing */
    struct mc_storing storing[MC_STORES_MAX];
    uint64_t store_due_ms;

    bool unread_due; /* the store has some that were not told yet */
    uint8_t unread_seen[MC_UNREAD_SEEN_MAX][8]; /* came, and nobody announced it yet */
    unsigned unread_seen_count;

    struct mc_holds fresh_holds; /* scratch: what is being read or copied */
    struct mc_holds mixed_holds; /* scratch: the peer's new list */
};

static inline void mc_sooner(uint64_t *due_ms, uint64_t at_ms)
{
    if (at_ms < *due_ms)
        *due_ms = at_ms;
}

static inline uint64_t mc_soon(struct mc_machine *m, uint64_t within_ms)
{
    return m->now_ms + mc_rng_below(&m->rng, within_ms + 1);
}

/* ---- step.c: one step's effects and bytes ---- */

void mc_step_open(struct mc_machine *m);
struct mc_effect *mc_emit(struct mc_machine *m, enum mc_effect_kind kind);
/* Is there room for so much? If not, the step is marked to come back at once. */
bool mc_room(struct mc_machine *m, size_t effects, size_t bytes);
/* Never NULL; counted in any case, told if there is room and it is not noise. */
struct mc_note *mc_say(struct mc_machine *m, enum mc_note_code code);
struct mc_note *mc_say_ring(struct mc_machine *m, enum mc_note_code code,
                            const struct mc_ringrow *row, const struct mc_stamp *stamp);
/* Begins a message; the body is appended to m->bytes; then send. */
size_t mc_letter_open(struct mc_machine *m, enum mc_wire_kind kind, bool directed);
/* to NULL: the key itself ("talk"); else "talk.<cluster>". Returns its sequence. */
uint64_t mc_letter_send(struct mc_machine *m, size_t start, const char *key,
                        const struct mc_name *to);
/* Hands a record over; returns the token. Room for it must have been checked. With
 * held8 a difference from that one may go instead; NULL: whole in any case. */
uint64_t mc_record_send(struct mc_machine *m, const struct mc_ringrow *row,
                        const uint8_t digest8[8], const struct mc_name *to,
                        const uint8_t *held8);
void mc_ack(struct mc_machine *m, uint64_t delivery);

/* ---- rings.c: names that matter, and what we hold ---- */

struct mc_ringrow *mc_ring_find_row(const struct mc_machine *m, const char *name);
/* Makes it if it is new, with a reference for the caller; NULL: no room. */
struct mc_ringrow *mc_ring_row_ref(struct mc_machine *m, const struct mc_name *name);
void mc_ring_row_unref(struct mc_machine *m, struct mc_ringrow *row);
/* The record is in force now: into the inventory, wants that it answers end. */
void mc_ring_adopt(struct mc_machine *m, struct mc_ringrow *row, struct mc_ring *ring,
                   uint64_t body_bytes);
/* A loser joins the inventory; false if it was there or is too small. */
bool mc_ring_lose(struct mc_machine *m, struct mc_ringrow *row,
                  const struct mc_stamp *stamp);
/* Makes them the ring's losers, as the store keeps them; says what came and went. */
void mc_ring_losers(struct mc_machine *m, struct mc_ringrow *row,
                    const struct mc_stamp *list, size_t count);
/* From now on we say that we hold this of the ring. */
void mc_ring_tell(struct mc_machine *m, struct mc_ringrow *row,
                  const struct mc_entry *entry);
void mc_ring_untell(struct mc_machine *m, struct mc_ringrow *row);
/* How row's held record descends from one known by eight bytes of its digest. */
enum mc_descent mc_ring_line(const struct mc_ringrow *row, uint16_t epoch,
                             uint64_t version, const uint8_t digest8[8]);
bool mc_ring_has_loser(const struct mc_ringrow *row, uint16_t epoch, uint64_t version,
                       const uint8_t digest8[8]);
/* What is held of it; what is said of it is row->told. */
struct mc_entry mc_ring_entry(const struct mc_ringrow *row);
struct mc_entry mc_loser_entry(const struct mc_ringrow *row,
                               const struct mc_stamp *loser);
void mc_rings_free(struct mc_machine *m);
/* Full mode in force? Configured, or by the budget (P46). */
bool mc_full_mode(const struct mc_machine *m);

/* ---- inventory.c: what a peer holds ---- */

/* Reads the entries of an announcement into what we know of the peer. False: bad. */
bool mc_inventory_announced(struct mc_machine *m, struct mc_peer *peer,
                            const struct mc_announce *a);
bool mc_inventory_listed(struct mc_machine *m, struct mc_peer *peer,
                         const struct mc_list_head *head, struct mc_reader *lines);
/* The peer's record of that ring and digest, or NULL. */
const struct mc_hold *mc_inventory_find(const struct mc_peer *peer,
                                        const struct mc_ringrow *row,
                                        const uint8_t digest8[8]);
void mc_holds_clear(struct mc_machine *m, struct mc_holds *holds);
struct mc_stamp mc_hold_stamp(const struct mc_hold *hold);

struct mc_relation_to {
    bool behind; /* it lacks something we hold */
    bool ahead;  /* it holds something newer */
};
/* Compares, and raises wants for what we lack when `wanting`. */
struct mc_relation_to mc_inventory_relate(struct mc_machine *m, struct mc_peer *peer,
                                          bool wanting);

/* ---- members.c ---- */

struct mc_peer *mc_peer_find(const struct mc_machine *m, const char *name);
/* Finds or makes; NULL: no room. */
struct mc_peer *mc_peer_add(struct mc_machine *m, const struct mc_name *name,
                            const uint8_t uid[MC_UID_BYTES]);
void mc_peer_text(struct mc_machine *m, struct mc_peer *peer, const char *region,
                  const char *zone, const char *address);
void mc_peer_parts(const struct mc_peer *peer, const char *ret[3]);
void mc_peer_state(struct mc_machine *m, struct mc_peer *peer,
                   enum mc_member_state state);
uint64_t mc_peer_patience(const struct mc_machine *m, const struct mc_peer *peer);
void mc_peers_free(struct mc_machine *m);
/* Timers: who fell silent, mute, the namesake. */
void mc_members_due(struct mc_machine *m);

void mc_on_leave(struct mc_machine *m, const struct mc_envelope *e);
void mc_on_echo(struct mc_machine *m, uint64_t sequence);
uint64_t mc_mute_at(const struct mc_machine *m);

/* ---- exchange.c ---- */

void mc_members_wanted(struct mc_machine *m);
void mc_members_forget(struct mc_machine *m); /* what was asked before */
void mc_on_members(struct mc_machine *m, const struct mc_envelope *e,
                   struct mc_bytes body);
void mc_exchange_due(struct mc_machine *m);

/* ---- clock.c ---- */

/* Milliseconds by which our clock is before the others' median; how many others. */
int64_t mc_clock_offset(const struct mc_machine *m, uint64_t now_ms, uint64_t wall_ns,
                        size_t *ret_count);
void mc_clock_check(struct mc_machine *m);

/* ---- company.c: one agent of several speaks ---- */

/* May this agent say something on the bus? */
bool mc_speaks(const struct mc_machine *m);
void mc_company_bus(struct mc_machine *m, bool up);
/* A letter came out of our talk queue: the bus has given it to us. */
void mc_company_letter(struct mc_machine *m);
void mc_company_due(struct mc_machine *m);
uint64_t mc_company_next(const struct mc_machine *m);
void mc_on_company(struct mc_machine *m, const struct mc_event *event);
/* The one that the version before ours reads too. */
uint8_t mc_format_before(unsigned format);
void mc_speak(struct mc_machine *m); /* the bus is up and we speak: begin */

/* ---- announce.c ---- */

void mc_announce_bus_up(struct mc_machine *m);
void mc_announce_due(struct mc_machine *m);
/* For who has become ACTIVE. */
void mc_announce_newcomer(struct mc_machine *m);
/* For who is behind. */
void mc_announce_behind(struct mc_machine *m);
/* For a change of ours; body_bytes: that on its way to all, 0 if there is none. */
void mc_announce_change(struct mc_machine *m, uint64_t body_bytes);
void mc_on_announce(struct mc_machine *m, const struct mc_envelope *e,
                    struct mc_bytes body);
void mc_on_namesake(struct mc_machine *m, const struct mc_envelope *e,
                    struct mc_bytes body);
/* Is the time of listening over? Once it is, it stays so (P23). */
void mc_listen_check(struct mc_machine *m);
uint64_t mc_announce_next(const struct mc_machine *m);

/* ---- wants.c ---- */

void mc_want_newer(struct mc_machine *m, struct mc_peer *peer, struct mc_hold *hold);
void mc_want_loser(struct mc_machine *m, struct mc_peer *peer, struct mc_hold *hold);
void mc_want_end(struct mc_machine *m, struct mc_want *want);
/* What is wanted under this digest came as a difference that is of no use (P49). */
void mc_want_whole(struct mc_machine *m, struct mc_ringrow *row,
                   const uint8_t digest8[8]);
/* What is wanted under this digest came whole and damaged (P64). */
void mc_want_damaged(struct mc_machine *m, struct mc_ringrow *row,
                     const uint8_t digest8[8]);
/* Is it a difference that we asked for? Then no other one is (P48). */
bool mc_want_expects(const struct mc_machine *m, struct mc_ringrow *row,
                     const struct mc_stamp *came, const uint8_t parent8[8]);
void mc_wants_bus_up(struct mc_machine *m);
void mc_wants_due(struct mc_machine *m);
bool mc_wants_any_newer(const struct mc_machine *m);
void mc_want_lists(struct mc_machine *m, struct mc_peer *peer);
void mc_lists_due(struct mc_machine *m);

/* ---- unread.c ---- */

/* Came before, and would come in vain? */
bool mc_vain_has(const struct mc_ringrow *row, const uint8_t digest8[8]);
void mc_vain_add(struct mc_ringrow *row, const uint8_t digest8[8]);
/* It is there and cannot be read. Said once; from: who has it, or NULL. */
void mc_unread_mark(struct mc_machine *m, struct mc_ringrow *row,
                    const struct mc_stamp *stamp, const struct mc_name *from);
/* Tells of those that the store has. */
void mc_unread_tell(struct mc_machine *m);
/* What is held now may be as great as what could not be read. */
void mc_unread_adopted(struct mc_ringrow *row);
/* A body came that cannot be read. */
void mc_unread_came(struct mc_machine *m, const struct mc_envelope *e,
                    struct mc_bytes head);
/* Came, though nobody has announced it yet? */
bool mc_unread_seen(const struct mc_machine *m, const uint8_t digest8[8]);

/* ---- answers.c ---- */

void mc_on_want(struct mc_machine *m, const struct mc_envelope *e,
                struct mc_bytes body);
void mc_on_sent(struct mc_machine *m, uint64_t token, int err);
void mc_answers_bus_down(struct mc_machine *m);
void mc_answers_due(struct mc_machine *m);
/* A free place for a body on its way, or NULL. */
struct mc_sending *mc_sending_free(struct mc_machine *m);

/* ---- lists.c ---- */

void mc_list_wanted(struct mc_machine *m, struct mc_peer *to, uint64_t buckets);
void mc_list_jobs_due(struct mc_machine *m);
void mc_on_list(struct mc_machine *m, const struct mc_envelope *e,
                struct mc_bytes body);

/* ---- publish.c: unasked, by the minter and in full mode ---- */

void mc_out_add(struct mc_machine *m, struct mc_ringrow *row);
void mc_out_bus_up(struct mc_machine *m);
void mc_out_due(struct mc_machine *m);
void mc_out_done(struct mc_machine *m, const struct mc_sending *s, int err);
/* When a body may be sent next, as far as time decides it. */
uint64_t mc_publish_next(const struct mc_machine *m);
void mc_full_seen(struct mc_machine *m, struct mc_ringrow *row);
void mc_full_bus_up(struct mc_machine *m);
void mc_full_echo(struct mc_machine *m); /* a body of ours came back */
void mc_full_due(struct mc_machine *m);

/* ---- records.c ---- */

void mc_on_record(struct mc_machine *m, const struct mc_envelope *e,
                  struct mc_bytes body, uint64_t delivery);
void mc_on_stored(struct mc_machine *m, const struct mc_event *event);
void mc_on_held(struct mc_machine *m, const struct mc_event *event);
void mc_on_mint(struct mc_machine *m, const struct mc_event *event);
void mc_stores_due(struct mc_machine *m);

#endif /* MCOS_SYNC_MACHINE_STATE_H */
