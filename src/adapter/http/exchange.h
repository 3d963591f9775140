/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/http/exchange.h -- one request from its first line to its last answered
 * byte. */
#ifndef MCOS_ADAPTER_HTTP_EXCHANGE_H
#define MCOS_ADAPTER_HTTP_EXCHANGE_H

#include "adapter/http/server.h"

#include <microhttpd.h>

struct mc_exchange;

/* What an exchange knows of its server. */
struct mc_exchange_home {
    struct mc_handler *handler;
    bool local;     /* came over a unix socket */
    bool any_bytes; /* what a query may hold */
    size_t bodies_max;
    const bool *stopping; /* connections are closed after their answer */
    size_t *busy;
    struct mc_exchange **sleepers; /* exchanges that wait for an answer given later */
    size_t *bodies;                /* bytes of bodies and answers that are here */
    bool *woken;                   /* set when one got it */
};

/* Copies the target; NULL when memory is out. */
struct mc_exchange *mc_exchange_new(const struct mc_exchange_home *home,
                                    const char *target);
/* Its connection is over; one that was kept lives on until its answer is given. NULL
 * is fine. */
void mc_exchange_free(struct mc_exchange *x);
/* Before the daemon is stopped: sleeping connections would be left behind. */
void mc_exchange_wake_all(struct mc_exchange *sleepers);

/* Its answer was given; only sending it is left. */
bool mc_exchange_answered(const struct mc_exchange *x);

/* It was kept, and its answer is not there yet. */
bool mc_exchange_asleep(const struct mc_exchange *x);

/* A problem document as the last word on a connection whose requests are not, or no
 * longer, read: as much of it as the socket takes at once. */
void mc_exchange_refuse_unread(int fd, int code, const char *detail);

/* Its client has hung up while it was asleep. */
void mc_exchange_desert(struct mc_exchange *x);

/* libmicrohttpd's access handler, once x is known: called for the head, for each
 * piece of the body, and at its end. */
enum MHD_Result mc_exchange_go_on(struct mc_exchange *x, struct MHD_Connection *c,
                                  const char *method, const char *data, size_t *size);

#endif /* MCOS_ADAPTER_HTTP_EXCHANGE_H */
