/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/trace.h -- what every agent did, as lines, a hash and counts.
 *
 * A line that a play shows tells a change, a note, or a letter that carries
 * more than life; the rest (announcements, acknowledgements, what came twice)
 * goes into the hash only. Records have names people can read: v2@c1 is the
 * second version of its ring, minted on c1; v2@c1.b another one like it.
 */
#ifndef MCOS_SIM_TRACE_H
#define MCOS_SIM_TRACE_H

#include "ring/ring.h"
#include "sync/effect.h"
#include "sync/wire.h"

#define SIM_LINE_MAX 256u

struct sim_nick {
    struct mc_name ring;
    uint8_t digest8[8];
    char text[96];
};

struct sim_trace {
    bool off; /* counts only */
    uint64_t hash;
    uint64_t line_count;
    /* Shown lines; NULL: nobody looks. */
    void (*show)(void *ctx, const char *line);
    void *ctx;
    const struct mc_name *minting; /* who makes a record right now, or NULL */
    struct sim_nick *nicks;
    size_t nick_count;
    /* counted since the last sim_trace_reset_counts */
    uint64_t sent[MC_WIRE_DIFFERENCE + 1]; /* by kind */
    uint64_t sent_bytes;                   /* of all but records */
    uint64_t notes[MC_NOTE_COUNT];
};

void sim_trace_fini(struct sim_trace *trace);
void sim_trace_reset_counts(struct sim_trace *trace);
/* Gives a record its name, once. */
void sim_trace_name(struct sim_trace *trace, const struct mc_name *ring,
                    const struct mc_stamp *stamp, const struct mc_name *origin);
/* Lent; "?" and hex for a record that was not minted here. */
const char *sim_trace_nick(const struct sim_trace *trace, const uint8_t digest8[8]);

/* Time is of the play: milliseconds since its beginning. */
void sim_trace_effect(struct sim_trace *trace, uint64_t at_ms, const char *site,
                      const struct mc_effect *effect);
void sim_trace_say(struct sim_trace *trace, bool shown, uint64_t at_ms, const char *fmt,
                   ...) __attribute__((format(printf, 4, 5)));

#endif /* MCOS_SIM_TRACE_H */
