/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/wire.h -- the messages of the conversation as bytes (docs/protocol.md).
 *
 * An envelope, then a body by its kind. A record travels as its head's bytes,
 * readable at once, and the rest packed (the driver packs and unpacks, zstd):
 *
 *     envelope | u32 head_bytes | head | u64 rest_bytes | u64 check | packed rest
 *
 * The check is XXH3-64 of the head, whose own digest is not stored in it.
 */
#ifndef MCOS_SYNC_WIRE_H
#define MCOS_SYNC_WIRE_H

#include "base/bytes.h"
#include "sync/stamp.h"

enum mc_wire_kind {
    MC_WIRE_RECORD = 1,
    MC_WIRE_ANNOUNCE = 2,
    MC_WIRE_WANT = 3,    /* records by name and digest, or a bucket list, or members */
    MC_WIRE_LIST = 4,    /* answer: an inventory bucket */
    MC_WIRE_MEMBERS = 5, /* answer: clusters known */
    MC_WIRE_LEAVE = 6,
    MC_WIRE_HELLO = 7,      /* to oneself: what lies before it in a queue is old */
    MC_WIRE_DIFFERENCE = 8, /* answer: a record, for who holds another one (P48) */
    MC_WIRE_NEXT =
        31 /* of the version after this one (base/version.h), which drops it */
};

/* Enough for any envelope. */
#define MC_ENVELOPE_BYTES_MAX 160u

struct mc_envelope {
    unsigned protocol; /* the sender's */
    unsigned needs;    /* the least that can read this message; 0 is written as 1 */
    enum mc_wire_kind kind;
    bool directed; /* to one cluster, not to all */
    uint8_t system[MC_UID_BYTES];
    struct mc_name cluster;
    uint8_t uid[MC_UID_BYTES];
    uint64_t incarnation;
    uint64_t sequence;
    uint64_t sent_ns; /* wall clock of the sender */
};

/* Appends an envelope, complete for a record or an empty body. */
void mc_envelope_encode(struct mc_buf *b, const struct mc_envelope *envelope);
/*
 * After the body of a message of any other kind was appended: makes the check in
 * the envelope, which begins at `start`, cover all of it.
 */
void mc_envelope_seal(struct mc_buf *b, size_t start);
/* The same, and it is of this kind now. */
void mc_envelope_turn(struct mc_buf *b, size_t start, enum mc_wire_kind kind);
/*
 * Reads the envelope; *ret_body is what follows (lent by bytes).
 * Fails with FORMAT, UPGRADE (protocol newer than we know; the envelope is
 * filled in as far as it is stable).
 */
int mc_envelope_decode(struct mc_bytes bytes, struct mc_envelope *ret,
                       struct mc_bytes *ret_body);

/* A record message's body, taken apart. All lent by bytes. */
struct mc_wire_record {
    struct mc_bytes head;
    uint64_t rest_bytes; /* what `packed` unpacks to, exactly */
    struct mc_bytes packed;
};
void mc_wire_record_encode(struct mc_buf *b, const struct mc_wire_record *record);
/* Fails with FORMAT, TOOBIG, DIGEST (the head was damaged on its way). */
int mc_wire_record_decode(struct mc_bytes body, struct mc_wire_record *ret);

/* A difference message's body (P20a). All lent by bytes. */
struct mc_wire_difference {
    struct mc_bytes head; /* of the record that it makes */
    uint8_t parent8[8];   /* first bytes of the parent's digest */
    struct mc_bytes delta;
};
/* Appends all but the delta, which is to follow. */
void mc_wire_difference_open(struct mc_buf *b, struct mc_bytes head,
                             const uint8_t parent8[8]);
/* Fails with FORMAT, TOOBIG. */
int mc_wire_difference_decode(struct mc_bytes body, struct mc_wire_difference *ret);

#endif /* MCOS_SYNC_WIRE_H */
