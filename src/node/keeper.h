/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/keeper.h -- sees to it that the cache holds what this agent holds.
 *
 * A ring that was adopted is put in at the next turn, one ring a turn; each
 * announce_interval one ring more is looked after, in turn, and when one turns
 * out to be missing all are, at once. A cache that is away is asked again after
 * 1 s, doubling to 60 s: an agent never waits for it, and nothing but its log and
 * its status says that it is gone.
 */
#ifndef MCOS_NODE_KEEPER_H
#define MCOS_NODE_KEEPER_H

#include "port/cache.h"

#include <stdbool.h>

#define MC_KEEPER_RETRY_MS_0   1000u
#define MC_KEEPER_RETRY_MS_MAX 60000u
#define MC_KEEPER_STEP_MS      5u /* between two rings when all are gone through */
#define MC_KEEPER_REST         10u /* intervals between two hurries: it may be too small */
#define MC_KEEPER_BUSY_MS      6000u /* another agent fills it in: look again then */

struct mc_agent;

struct mc_keeper {
    struct mc_cache *cache; /* NULL: none */
    bool up;
    bool asked;        /* once at least */
    uint64_t retry_ms; /* pause after the next failure */
    uint64_t due_ms;   /* not before this, whatever there is to do */
    uint64_t round_ms; /* when the next ring is looked after in turn */
    size_t cursor;     /* slot of that ring */
    size_t hurry;      /* so many more of them without a pause */
    uint64_t rest_ms;  /* a ring that is missing sets off no hurry before this */
};

/* What the keeper knows of one ring; part of the agent's slot. */
struct mc_kept {
    uint64_t at_ms; /* put it in at this time; 0: when its turn comes */
    int said;       /* what the log said last: an error, or a mc_cache_put */
};

/* Everything that the agent holds is to be put in. cache may be NULL. */
void mc_keeper_init(struct mc_agent *agent, struct mc_cache *cache);
/* Does at most one thing, within what the cache promises a call to take. Returns
 * when to be called again. */
uint64_t mc_keeper_turn(struct mc_agent *agent, uint64_t now_ms);

/* "up", "away", "none". */
const char *mc_keeper_state(const struct mc_keeper *keeper);

#endif /* MCOS_NODE_KEEPER_H */
