/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/company.h -- the other agents of our cluster, as their lines in the roster
 * tell (P91), and what follows for what we say that the cluster holds and reads (P93,
 * P97).
 */
#ifndef MCOS_NODE_COMPANY_H
#define MCOS_NODE_COMPANY_H

#include "port/roster.h"
#include "sync/agent_line.h"

#define MC_COMPANY_TELL_MS  1000u /* our line is put or kept so often, */
#define MC_COMPANY_LIVE_MS  5000u /* and lives so long */
#define MC_COMPANY_YIELD_MS 2000u /* the registry away: another one may speak */

struct mc_agent;

struct mc_fellow {
    uint64_t id;
    struct mc_blob *bytes;     /* keeps the line's entries */
    struct mc_agent_line line; /* as told last */
    bool unread; /* it cannot be: then `line` is the least that it may say (P91) */
};

struct mc_company {
    struct mc_roster *roster; /* NULL: the cluster has one agent */
    const char *host;
    struct mc_fellow others[MC_AGENTS_MAX];
    size_t count;
    struct mc_buf line; /* ours, as put last */
    bool there;         /* as we put it, at the last look */
    bool changed;       /* of what we hold, or of what others said */
    bool counts;
    bool was_active;        /* at the last look */
    bool had_others;        /* ever: then somebody may be there whom we do not see */
    bool yielded;           /* in this absence of the registry */
    bool away;              /* the roster cannot be asked */
    uint64_t well_ms;       /* it could, last */
    uint64_t turn_ms;       /* next look */
    uint64_t leader_ms;     /* last seen that an agent is active */
    struct mc_entry *least; /* room for MC_RINGS_MAX, made when first needed */
};

void mc_company_init(struct mc_agent *agent, struct mc_roster *roster,
                     const char *host);
void mc_company_fini(struct mc_agent *agent);
/* Looks, tells, judges, if it is time; returns when it is the next time. */
uint64_t mc_company_turn(struct mc_agent *agent, uint64_t now_ms);
/* A letter of others came: those who follow want to hear it. */
void mc_company_pass(struct mc_agent *agent, struct mc_bytes letter);
void mc_company_leave(struct mc_agent *agent);

#endif /* MCOS_NODE_COMPANY_H */
