/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port/roster.h -- what the house needs so that the agents of one cluster know of
 * one another.
 *
 * Each agent keeps a line there (sync/agent_line.h), which is gone some time after
 * it was last put: who has no line does not live. And what the active agent hears
 * on the bus is passed on to those who follow, or lost.
 *
 * Synchronous, one thread; each call is over within the time its adapter promises.
 */
#ifndef MCOS_PORT_ROSTER_H
#define MCOS_PORT_ROSTER_H

#include "base/blob.h"
#include "base/limits.h"

#include <stdint.h>

enum mc_roster_event_kind {
    MC_ROSTER_CHANGED, /* a line has other content, or was dropped */
    MC_ROSTER_LETTER   /* passed on by another agent, or by ourselves */
};

struct mc_roster_event {
    enum mc_roster_event_kind kind;
    struct mc_blob *letter; /* yours, or NULL */
};

struct mc_roster_line {
    uint64_t agent;
    struct mc_blob *bytes;
};

struct mc_roster;

struct mc_roster_ops {
    /* Puts the agent's line there for live_ms; news: its content has changed. Fails
     * with AWAY and whatever keeps the line from being there. */
    int (*put)(struct mc_roster *roster, uint64_t agent, struct mc_bytes line,
               unsigned live_ms, bool news);
    /* The line that is there lives for live_ms again. Fails with NOTFOUND (there is
     * none, or it must be put), AWAY. */
    int (*keep)(struct mc_roster *roster, uint64_t agent, unsigned live_ms);
    /* All lines, in no order, at most MC_AGENTS_MAX; each yours. Fails with AWAY ... */
    int (*get)(struct mc_roster *roster, struct mc_roster_line ret_lines[MC_AGENTS_MAX],
               size_t *ret_count);
    void (*drop)(struct mc_roster *roster, uint64_t agent);
    void (*pass)(struct mc_roster *roster, struct mc_bytes letter);
    /* The next thing that happened, or EMPTY. */
    int (*next)(struct mc_roster *roster, struct mc_roster_event *ret_event);
};

/* First member of every implementation. */
struct mc_roster {
    const struct mc_roster_ops *ops;
};

#endif /* MCOS_PORT_ROSTER_H */
