/* SPDX-License-Identifier: Apache-2.0 */
/* service/desk_in.h -- what a desk's own files share; nobody else includes it. */
#ifndef MCOS_SERVICE_DESK_IN_H
#define MCOS_SERVICE_DESK_IN_H

#include "service/desk.h"

#include <pthread.h>

struct waiting;

/* Written by the desk's thread, read by all. */
struct mc_desk_counts {
    _Atomic(uint64_t) requests;
    _Atomic(uint64_t) refused; /* 4xx */
    _Atomic(uint64_t) failed;  /* 5xx */
    _Atomic(uint64_t) lookups; /* names that got their answer */
    _Atomic(uint64_t) batches;
};

struct mc_desk {
    struct mc_handler handler; /* first, so that one is the other */
    struct mc_hall *hall;
    void (*wake)(void *ctx);
    void *wake_ctx;
    struct mc_desk_counts counts;
    pthread_mutex_t lock;
    struct waiting *inbox; /* under the lock */
};

static inline void mc_desk_count(_Atomic(uint64_t) *counter, uint64_t more)
{
    const uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, now + more, memory_order_relaxed);
}

/* Fills in a problem document. diag may be NULL. */
void mc_desk_fail(struct mc_response *response, int code, const struct mcos_diag *diag);

/* False after it refused a parameter. */
bool mc_desk_take_no_params(const struct mc_request *request,
                            struct mc_response *response);
/* The version in force, to be released; NULL after it answered why there is none. */
const struct mcos_view *mc_desk_hold(const struct mc_book_ring *ring,
                                     struct mc_response *response);

/* desk_look.c: where names live. */
void mc_desk_look_up(struct mc_desk *desk, const struct mc_book_ring *ring,
                     const struct mc_request *request, struct mc_response *response);
void mc_desk_look_up_many(struct mc_desk *desk, const struct mc_book_ring *ring,
                          const struct mc_request *request,
                          struct mc_response *response);

/* desk_tell.c: how the rings and the service are. */
void mc_desk_show_ring(struct mc_desk *desk, const struct mc_book_ring *ring,
                       const struct mc_request *request, struct mc_response *response);
void mc_desk_list_rings(struct mc_desk *desk, const struct mc_request *request,
                        struct mc_response *response);
void mc_desk_status(struct mc_desk *desk, const struct mc_request *request,
                    struct mc_response *response);
void mc_desk_livez(struct mc_desk *desk, const struct mc_request *request,
                   struct mc_response *response);
void mc_desk_readyz(struct mc_desk *desk, const struct mc_request *request,
                    struct mc_response *response);

#endif /* MCOS_SERVICE_DESK_IN_H */
