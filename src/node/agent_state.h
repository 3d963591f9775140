/* SPDX-License-Identifier: Apache-2.0 */
/* node/agent_state.h -- what an agent is inside; for node/agent*.c only. */
#ifndef MCOS_NODE_AGENT_STATE_H
#define MCOS_NODE_AGENT_STATE_H

#include "node/agent.h"
#include "node/company.h"
#include "node/keeper.h"

/* A letter that is not acknowledged yet: its bytes are kept for another try. */
struct mc_letter {
    uint64_t delivery;
    struct mc_blob *body;
};

/* One ring name. */
struct mc_slot {
    struct mc_name name;     /* first: mc_name_place */
    struct mc_ring *held;    /* in force */
    struct mc_ring *staged;  /* stored, adopted a moment later */
    struct mc_stamp *losers; /* as the store keeps them; room for MC_LOSERS_MAX */
    size_t loser_count;
    struct mc_kept kept; /* in the cache */
    bool doubt;          /* the store could not be asked what it holds after a merge */
    bool unread;         /* written, and not read back yet */
    uint64_t looked_ms;  /* when the store last read what it holds of it */
};

struct mc_agent {
    struct mc_machine_config config;
    struct mc_agent_ports ports;
    struct mc_machine *machine;

    struct mc_slot *slots; /* sorted by name */
    size_t slot_count;
    size_t slot_cap;

    struct mc_keeper keeper; /* of the cache */
    struct mc_company company;
    bool feeding; /* a step's effects are being carried out */

    struct mc_letter *letters;
    size_t letter_count;
    size_t letter_cap;

    struct mc_event *pending; /* answers to effects, waiting to be stepped */
    size_t pending_count;
    size_t pending_cap;

    /* The mint under way: one at a time, done before mc_agent_mint returns. */
    uint64_t mint_token; /* 0: none */
    struct mc_ring *mint_ring;
    bool mint_done;
    int mint_err;
    char mint_trouble[256]; /* why it could not be stored */
    uint64_t next_token;

    /* The record packed last, for it is likely to be sent again. */
    uint8_t packed_digest[MC_DIGEST_BYTES];
    struct mc_buf packed;

    struct mc_buf letter_buf; /* a letter in the making */
    uint64_t wake_ms;
    bool members_dirty;
    uint64_t members_saved_ms;
    uint64_t confirmed_ms; /* what resolvers were told */
    uint64_t confirm_looked_ms;
    bool stopped;

    /* The store: compared every so often; why it refused last, "" if it did not. */
    uint64_t care_ms;
    uint64_t read_ms; /* then one that is unread is read back; UINT64_MAX: none is */
    size_t care_at;
    char store_trouble[256];

    /* Refused records said and kept in this minute: a flood must not fill a disk. */
    uint64_t refused_minute;
    unsigned refused_count;
};

/* Slot of a name, made if `make` (then NULL means out of memory), or NULL. */
struct mc_slot *mc_agent_slot(struct mc_agent *agent, const char *name, bool make);
/* An event with the present time. */
struct mc_event mc_agent_event(struct mc_agent *agent, enum mc_event_kind kind);
/* Steps the machine with the event, then with every answer that its effects bring. */
void mc_agent_feed(struct mc_agent *agent, const struct mc_event *event);
void mc_agent_log(struct mc_agent *agent, enum mc_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A sentence on why the store refused: its own, or the error's. Lent until the next
 * call of the store. */
const char *mc_agent_store_trouble(const struct mc_agent *agent, int err);

/* node/keep.c: what the store holds is in force once adopted, if it is greater. */
void mc_agent_stage(struct mc_slot *slot, struct mc_ring *ring);
void mc_agent_note_losers(struct mc_agent *agent, struct mc_slot *slot);
/* Tells the machine of what was staged without a STORE of its own. */
void mc_agent_found(struct mc_agent *agent, struct mc_slot *slot);
/* 0 or why the store refused: said once, and shown until it works again. */
void mc_agent_store_said(struct mc_agent *agent, int err);
/* What was just written is read back soon. */
void mc_agent_read_back(struct mc_agent *agent, struct mc_slot *slot);
/* Compares agent and store when it is time; returns when the next time is. */
uint64_t mc_agent_care(struct mc_agent *agent, uint64_t now_ms);

/* node/effects.c: carries out one list; answers go to `pending`. */
/* agent->packed is this record, packed. Fails with NOMEM, TOOBIG. */
int mc_agent_pack(struct mc_agent *agent, const struct mc_ring *ring);
void mc_agent_carry_out(struct mc_agent *agent, struct mc_effects effects);
void mc_agent_drop_letter(struct mc_agent *agent, uint64_t delivery);

#endif /* MCOS_NODE_AGENT_STATE_H */
