/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver/chain.h -- places in their order, the rings followed through them, and
 * what is in force of each.
 *
 * A ring is taken from the first place that has it and whose version is not before
 * the one in force: what is in force only ever gets newer, and stays through every
 * outage. The one way back is that somebody wrote into the very file that is mapped
 * (mc_blob_spoil): then any good version is better than none.
 *
 * One thread, the owner, looks and changes; others hold views (mc_chain_hold). No
 * system call is made here: the places meet the world, and time is an argument.
 */
#ifndef MCOS_RESOLVER_CHAIN_H
#define MCOS_RESOLVER_CHAIN_H

#include "resolver/view.h"

/* A place that does not answer is left alone for twice as long each time, up to this.
 */
#define MC_CHAIN_PAUSE_MS_MAX 5000u

struct mc_chain;

struct mc_chain_config {
    uint8_t system[MC_UID_BYTES];   /* whose rings; those of none are taken too */
    const struct mc_secret *secret; /* borrowed as long as the chain; NULL: none */
    bool keep_previous;
    /* Whether a look is of no use any more: no further place is asked. NULL: never. */
    bool (*stopped)(void *ctx);
    void *ctx;
    /* The time after a place was asked, as that of mc_chain_now: it rests from then on.
     * NULL: asking takes none. */
    uint64_t (*now_ms)(void);
};

/* On success *ret_chain is yours. Fails with NOMEM. */
int mc_chain_new(const struct mc_chain_config *config, struct mc_chain **ret_chain);
/* Closes its places and frees its rings, and their views though somebody may not have
 * let them go: nobody asks them any more. NULL is fine. */
void mc_chain_free(struct mc_chain *chain);

/* The next place; it is closed with the chain. `address` names it to people and is
 * copied. Fails with TOOBIG (MCOS_SOURCES_MAX), NOMEM: it is closed then too. */
int mc_chain_add(struct mc_chain *chain, struct mc_source *take_source,
                 const char *address);
size_t mc_chain_source_count(const struct mc_chain *chain);
struct mc_source *mc_chain_source(const struct mc_chain *chain, size_t i);

/* Of one ring; made by mc_chain_follow and lent until mc_chain_free. */
struct mc_followed {
    _Alignas(MC_SWAP_LINE) struct mc_swap swap;
    struct mc_times times;
    struct mc_name name;
    struct mc_map *map;    /* in force; NULL: nothing yet. The owner's, as all below */
    struct mc_map *before; /* with keep_previous; NULL */
    bool stale;            /* no memory for a view of the above: try again */
    bool spoilt;           /* told already that the map is */
    struct mcos_ring_stats stats;
};

/* Follows a ring from now on. Fails with BUSY (MCOS_RINGS_MAX), NOMEM. */
int mc_chain_follow(struct mc_chain *chain, const struct mc_name *name,
                    struct mc_followed **ret_ring);
size_t mc_chain_ring_count(const struct mc_chain *chain);
struct mc_followed *mc_chain_ring(const struct mc_chain *chain, size_t i);

struct mc_chain_now {
    uint64_t ms;     /* never goes back */
    int64_t wall_ns; /* since 1970 */
};

/* Looks for one ring through the chain; at most each place's own time each. */
void mc_chain_look(struct mc_chain *chain, struct mc_followed *ring,
                   const struct mc_chain_now *now);
/* Looks at how the clusters are; each ring whose answers change gets a new view. */
void mc_chain_look_at_clusters(struct mc_chain *chain, const struct mc_chain_now *now);
/* Gives back what nobody holds any more. */
void mc_chain_sweep(struct mc_chain *chain);

/* ---- any thread ---- */

/* The view in force, or NULL. */
struct mcos_view *mc_chain_hold(struct mc_followed *ring);

#endif /* MCOS_RESOLVER_CHAIN_H */
