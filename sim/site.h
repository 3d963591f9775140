/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/site.h -- one machine of the small world: a disk, a clock, a mailbox, and
 * while it runs the agent that ships (node/agent.h).
 */
#ifndef MCOS_SIM_SITE_H
#define MCOS_SIM_SITE_H

#include "node/agent.h"
#include "sim/clock.h"
#include "sim/company.h"
#include "sim/post.h"
#include "sim/store.h"

/* Protocol and format of a machine of today, and of one after the next upgrade. The
 * latter's code is there only in a build of the next version (base/version.h). */
#define SIM_PRESENT 1u
#define SIM_NEXT    2u

struct sim_world;
struct sim_site;

struct sim_watch {
    struct mc_watch port; /* first */
    struct sim_site *site;
};

/* The last record of a ring that resolvers here were given. */
struct sim_adopted {
    struct mc_name ring;
    struct mc_stamp stamp;
};

struct sim_site {
    struct sim_world *world;
    uint32_t index;
    char label[16]; /* "c1": the machine; the cluster's name is config.cluster */
    struct mc_machine_config config;
    struct sim_clock clock;
    struct sim_store *store;
    struct sim_store *backup; /* NULL: none */
    struct mc_log log;
    struct sim_watch watch;
    struct sim_mailbox *mailbox; /* lent by the post */
    struct sim_fellow *fellow;   /* one of several agents; NULL: a cluster of its own */
    struct mc_agent *agent;      /* NULL: stopped */
    uint64_t turn_at_ms;
    uint64_t spin_ms; /* turns in one millisecond: an agent must come to rest */
    unsigned spins;
    struct sim_adopted *adopted;
    size_t adopted_count;
};

struct sim_site *sim_site_new(struct sim_world *world, uint32_t index);
void sim_site_free(struct sim_site *site);

void sim_site_start(struct sim_site *site); /* nothing if it runs */
void sim_site_kill(struct sim_site *site);  /* like SIGKILL */
void sim_site_stop(struct sim_site *site);  /* says leave */
void sim_site_wipe(struct sim_site *site);  /* stopped only: an empty disk, a new uid */
void sim_site_backup(struct sim_site *site);
void sim_site_restore(struct sim_site *site); /* stopped only */
/* Ends it with a word (clean) or without, and starts it again as that version. */
void sim_site_change_version(struct sim_site *site, unsigned version, bool clean);
void sim_site_turn(struct sim_site *site);

/* Asks for a turn at this time at the latest. */
void sim_site_wake(struct sim_site *site, uint64_t at_ms);

enum sim_change { SIM_CREATE, SIM_UPDATE, SIM_DELETE };
/* As an operator would; 0 or what the agent refused with. */
int sim_site_mint(struct sim_site *site, const char *ring, enum sim_change change);

#endif /* MCOS_SIM_SITE_H */
