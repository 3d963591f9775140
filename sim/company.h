/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/company.h -- several machines whose agents are one cluster: the registry they
 * share (a Redis, as adapter/redis keeps it), its roster and its channels. Each keeps
 * a disk of its own; the queues are the first one's (sim/post.h).
 */
#ifndef MCOS_SIM_COMPANY_H
#define MCOS_SIM_COMPANY_H

#include "port/roster.h"
#include "sim/store.h"
#include "sync/effect.h"

#define SIM_FELLOWS_MAX 8u
#define SIM_INBOX_MAX   64u

struct sim_world;
struct sim_site;

/* One machine's end of it. */
struct sim_fellow {
    struct mc_store store;   /* the disk, and the registry beside it */
    struct mc_roster roster; /* of a struct sim_fellow, found by its offset */
    struct sim_company *company;
    struct sim_site *site;
    bool cut;  /* from the registry */
    bool told; /* a ring has changed there */
    uint64_t compare_ms;
    struct mc_roster_event inbox[SIM_INBOX_MAX];
    size_t inbox_count;
    /* its line */
    uint64_t agent; /* 0: none */
    struct mc_blob *line;
    uint64_t line_ms;   /* it lives until then */
    uint64_t counts_ms; /* since when it counts; SIM_NEVER: it does not */
};

struct sim_company {
    struct sim_world *world;
    struct sim_store *registry;
    bool away;
    struct sim_fellow fellows[SIM_FELLOWS_MAX];
    size_t count;
};

struct sim_company *sim_company_new(struct sim_world *world);
void sim_company_free(struct sim_company *company); /* NULL is fine */
/* The machine, which does not run, becomes an agent of it. False: it is full. */
bool sim_company_join(struct sim_company *company, struct sim_site *site);

/* The registry loses everything. */
void sim_company_wipe(struct sim_company *company);

/* Called when the machine starts, and before each turn of its agent. */
void sim_fellow_start(struct sim_fellow *fellow);
void sim_fellow_turn(struct sim_fellow *fellow);

/* What is announced must be in the file of each agent that counts. */
void sim_company_check(const struct sim_site *site, const struct mc_effect *effect);

#endif /* MCOS_SIM_COMPANY_H */
