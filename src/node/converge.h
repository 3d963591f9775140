/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/converge.h -- who holds what, against the record that this cluster holds.
 *
 * The target is the greatest record held here; of the others the machine knows what
 * they said last.
 */
#ifndef MCOS_NODE_CONVERGE_H
#define MCOS_NODE_CONVERGE_H

#include "node/agent.h"

#include <jansson.h>

enum mc_has {
    MC_HAS_EQUAL,
    MC_HAS_BEHIND,
    MC_HAS_AHEAD,
    MC_HAS_CONFLICT, /* same version, other content */
    MC_HAS_NONE,
    MC_HAS_UNKNOWN, /* it never told all that it holds */
};

/* *ret_holding is what it holds of this ring (lent as the member), or NULL. */
enum mc_has mc_member_has(const struct mc_member *member, const struct mc_ring *target,
                          const struct mc_holding **ret_holding);

/* How far a ring has come. */
struct mc_spread {
    size_t others; /* clusters known beside this one */
    size_t active; /* this one included */
    size_t active_have;
    size_t inactive_pending;
};
struct mc_spread mc_spread_of(const struct mc_agent *agent,
                              const struct mc_ring *target);

/* "ACTIVE", "INACTIVE", or "UNKNOWN" for a name that no known cluster has. */
const char *mc_cluster_state(const struct mc_agent *agent, const char *cluster);
const char *mc_member_state_text(const struct mc_member *member);
const char *mc_member_reason(const struct mc_member *member); /* "", silent, left */

/* A moment of the agent's clock as time on the wall, ns; 0 for 0. */
uint64_t mc_wall_of(const struct mc_agent *agent, uint64_t ms);

/*
 * What comparing two records gave is remembered, for those who wait ask again and
 * again. `budget` is how many assignments may be compared now; the comparison that
 * meets it is the last one.
 */
#define MC_HARMS 1024u
struct mc_harms {
    uint64_t budget;
    struct mc_harm {
        bool known;
        uint8_t old8[8];
        uint8_t now[MC_DIGEST_BYTES];
        uint64_t harm;
    } list[MC_HARMS]; /* by a hash of both */
};

/* The convergence object of docs/api.md; yours. */
json_t *mc_json_convergence(const struct mc_agent *agent, const struct mc_ring *target,
                            struct mc_harms *harms);

#endif /* MCOS_NODE_CONVERGE_H */
