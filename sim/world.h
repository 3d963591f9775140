/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/world.h -- many machines in one process, on virtual time.
 *
 * Everything that chance decides is drawn from one seed: the same seed and the
 * same calls give the same trace, to the hash.
 */
#ifndef MCOS_SIM_WORLD_H
#define MCOS_SIM_WORLD_H

#include "sim/net.h"
#include "sim/site.h"
#include "sim/trace.h"

struct sim_world_config {
    uint64_t seed;
    uint32_t site_max;
    unsigned part_power;              /* of the rings that are made */
    bool fast;                        /* no invariants at each effect */
    struct mc_machine_config machine; /* what all have in common */
};

/* A record that an operator was told is safe. */
struct sim_minted {
    struct mc_ring *ring;
    bool excused; /* its last copy went with a disk */
};

struct sim_world {
    struct sim_world_config config;
    uint64_t now_ms;
    struct mc_rng rng;
    struct sim_agenda agenda;
    struct sim_net net;
    struct sim_post post;
    struct sim_trace trace;
    struct sim_site **sites; /* site_count of them, none NULL */
    uint32_t site_count;
    struct sim_company *company; /* of the machines that are one cluster; NULL: none */
    struct sim_minted *minted;
    size_t minted_count;
    unsigned violations;
    char violation[256]; /* the first */
};

/* Ten seconds, thirty, digest mode; the seed and a place for 64 machines. */
struct sim_world_config sim_world_defaults(uint64_t seed);
struct sim_world *sim_world_new(const struct sim_world_config *config);
void sim_world_free(struct sim_world *world);

/* The i-th machine, made with all before it if it is new. Lent. */
struct sim_site *sim_world_site(struct sim_world *world, uint32_t index);

/* Lets all happen that is due until then; stops at the first violation. */
void sim_world_run(struct sim_world *world, uint64_t until_ms);
/* The next millisecond in which anything happens, but not beyond until_ms. */
void sim_world_step(struct sim_world *world, uint64_t until_ms);
/* Milliseconds since the beginning. */
uint64_t sim_world_at_ms(const struct sim_world *world);

#endif /* MCOS_SIM_WORLD_H */
