/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/follower.h -- a resolver as its own thread and its callers share it.
 *
 * The thread alone touches the chain. What others ask of it (follow this ring, stop)
 * and what it tells them (a look is done, these are the figures) passes through
 * `lock`, which is never held while a place is asked and never taken by a look-up.
 */
#ifndef MCOS_LIB_FOLLOWER_H
#define MCOS_LIB_FOLLOWER_H

#include "resolver/chain.h"

#include <pthread.h>
#include <sys/types.h>

/* A ring as applications have it. */
struct mcos_ring {
    struct mcos_resolver *resolver;
    struct mc_name name;
    /* NULL until the thread has looked for it; set once, before anybody gets the ring.
     */
    struct mc_followed *followed;
    /* Under the lock: what came of the last look. */
    struct mcos_ring_stats stats;
    uint64_t looks;
    bool usable; /* can be held */
    int err;     /* why it cannot be followed, or 0 */
};

struct mcos_resolver {
    struct mc_chain *chain; /* the thread's, once it runs */
    struct mc_swiftconf *conf;
    struct mc_secret secret;
    uint32_t poll_ms;
    pid_t pid; /* who opened it */
    pthread_t thread;
    int poke_fd; /* eventfd: there is something to do */

    pthread_mutex_t lock;
    pthread_cond_t told; /* a look is done */
    struct mcos_ring **rings;
    size_t ring_count;
    size_t ring_room;
    bool stop;
};

/* Milliseconds that never go back, as the thread counts them. */
uint64_t mc_follower_now_ms(void);
/* Whether it is to end; of a resolver. */
bool mc_follower_stopped(void *resolver);
/* Starts the thread. Fails with BUSY. */
int mc_follower_start(struct mcos_resolver *resolver);
/* Ends it, and waits until it has ended. */
void mc_follower_stop(struct mcos_resolver *resolver);
/* There is something to do: look at `rings` again. */
void mc_follower_poke(struct mcos_resolver *resolver);

#endif /* MCOS_LIB_FOLLOWER_H */
