/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract/contract_cache.h -- the proof of port/cache.h, for any cache.
 *
 * Who has a cache fills in a world, embedded in a struct of its own, and runs the
 * suite. Each case starts with a fresh, empty one, reached by two agents.
 */
#ifndef MCOS_TEST_CONTRACT_CACHE_H
#define MCOS_TEST_CONTRACT_CACHE_H

#include "port/cache.h"

/* What may happen to a ring that was put, behind everybody's back. */
enum contract_cache_harm {
    HARM_MANIFEST_GONE,
    HARM_MANIFEST_FOREIGN, /* a stranger's text under our key */
    HARM_MANIFEST_LARGE,   /* the same, larger than any manifest */
    HARM_MANIFEST_OTHER,   /* another ring's manifest */
    HARM_MANIFEST_BIT,     /* one bit of it is wrong */
    HARM_MANIFEST_LATER,   /* of the same stamp, written by a later version */
    HARM_PIECE_GONE,       /* the last one */
    HARM_PIECE_FOREIGN,
    HARM_PIECE_SHORT,
    HARM_PIECE_LONG,
    HARM_PIECE_BIT,
    HARM_PIECE_MIXED, /* a piece of `other`, which has the same size */
};

struct contract_cache_world {
    const char *name;       /* of the adapter, for the output */
    struct mc_cache *one;   /* what the cases call; the functions below set them */
    struct mc_cache *two;   /* another agent's way to the same */
    struct mc_cache *other; /* of another system */
    int (*fresh)(struct contract_cache_world *world);
    void (*close)(struct contract_cache_world *world);
    void (*harm)(struct contract_cache_world *world, const struct mc_ring *ring,
                 enum contract_cache_harm harm, const struct mc_ring *other);
    void (*down)(struct contract_cache_world *world, bool on); /* on again: empty */
    void (*hang)(struct contract_cache_world *world, bool on); /* answers nothing */
    /* The moment between a writer's look and its move: `between` is called once
     * there, from inside the next put of `one`. NULL: cannot. */
    void (*interrupt)(struct contract_cache_world *world, void (*between)(void *ctx),
                      void *ctx);
    unsigned call_ms; /* no call takes longer, whatever happens */
};

/* How many cases failed. */
int contract_cache_run(struct contract_cache_world *world);

#endif /* MCOS_TEST_CONTRACT_CACHE_H */
