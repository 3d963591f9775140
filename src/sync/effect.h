/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/effect.h -- what the machine asks its driver to do, as ordered data.
 *
 * Carry effects out in the order of the list. One that can fail is answered by
 * an event; the machine never assumes that it happened.
 */
#ifndef MCOS_SYNC_EFFECT_H
#define MCOS_SYNC_EFFECT_H

#include "base/bytes.h"
#include "sync/stamp.h"

enum mc_effect_kind {
    MC_FX_STORE, /* merge a record into the store -> MC_EV_STORED */
    MC_FX_ADOPT, /* the store's record of this ring is in force: hand it to resolvers */
    MC_FX_SEND,  /* publish bytes -> MC_EV_SENT */
    MC_FX_SEND_RECORD, /* publish a record that we hold -> MC_EV_SENT */
    MC_FX_ACK,  /* the bus may forget this delivery; its bytes are not needed again */
    MC_FX_WAKE, /* call with MC_EV_WAKE at this time; replaces an earlier one */
    MC_FX_MEMBERS, /* the clusters' states changed: write them down */
    MC_FX_DONE,    /* a mint has come to its end */
    MC_FX_NOTE
};

enum mc_note_code {
#define X(name, level, event, text, advice) MC_NOTE_##name,
#include "sync/notes.def"
#undef X
    MC_NOTE_COUNT
};

/* Who, what, how many: fields that do not apply are empty or 0. */
struct mc_note {
    enum mc_note_code code;
    struct mc_name cluster;
    struct mc_name ring;
    struct mc_stamp stamp; /* version 0: none */
    struct mc_stamp other; /* the one held, or the loser */
    int err;
    int64_t number;
};

struct mc_effect {
    enum mc_effect_kind kind;
    union {
        struct {
            uint64_t
                delivery;   /* the letter that carries it, or 0: the record of a mint */
            uint64_t token; /* of that mint */
            bool difference; /* the letter is one (P48), not a whole record */
        } store;
        struct {
            struct mc_name ring;
            struct mc_stamp stamp;
        } adopt;
        struct {
            uint64_t token;
            uint64_t sequence;     /* for the letter's head */
            const char *key;       /* lent until the next step */
            struct mc_bytes bytes; /* envelope and body; lent until the next step */
        } send;
        struct {
            uint64_t token;
            uint64_t sequence;
            const char *key;          /* lent until the next step */
            struct mc_bytes envelope; /* lent; the driver appends the record */
            struct mc_name ring;
            uint8_t digest8[8];
            bool names_held; /* a difference from that one would do (P48): */
            uint8_t held8[8];
        } record;
        struct {
            uint64_t delivery;
        } ack;
        struct {
            uint64_t at_ms;
        } wake;
        struct {
            uint64_t token;
            int err; /* 0: durable here */
        } done;
        struct mc_note note;
    } u;
};

struct mc_effects {
    const struct mc_effect *list; /* lent until the next step */
    size_t count;
};

/* "bad-message", its fixed text, and what to do ("" if nothing). Never NULL. */
const char *mc_note_event(enum mc_note_code code);
const char *mc_note_text(enum mc_note_code code);
const char *mc_note_advice(enum mc_note_code code);
enum mc_note_level {
    MC_NOTE_IS_ERROR,
    MC_NOTE_IS_WARN,
    MC_NOTE_IS_INFO,
    MC_NOTE_IS_DEBUG
};
enum mc_note_level mc_note_level(enum mc_note_code code);

#endif /* MCOS_SYNC_EFFECT_H */
