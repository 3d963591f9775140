/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service/desk.h -- where one thread of the service answers requests (port/serve.h).
 *
 * Desks share a book and nothing else. A request for a ring that nobody asked for
 * before is kept; the book's thread wakes the desk when it knows, and the desk
 * answers at its next turn.
 */
#ifndef MCOS_SERVICE_DESK_H
#define MCOS_SERVICE_DESK_H

#include "port/serve.h"
#include "service/book.h"

#include <stdatomic.h>
#include <stdint.h>

#define MC_DESKS_MAX 64u

struct mc_desk;

/* What all desks of a process share. */
struct mc_hall {
    struct mc_book *book;
    const char *system;
    bool keeps_previous; /* the book's resolver does */
    int64_t started;     /* ns since 1970 */
    struct mc_desk *desks[MC_DESKS_MAX];
    size_t desk_count; /* does not change while requests come */
};

/* wake() is called from another thread: the desk wants a turn. On success the desk is
 * yours and the hall's last. Fails with NOMEM, BUSY (MC_DESKS_MAX). */
int mc_desk_new(struct mc_hall *hall, void (*wake)(void *ctx), void *ctx,
                struct mc_desk **ret_desk);
/* After the book was closed, so that nobody wakes it; and one more turn. NULL is fine.
 */
void mc_desk_free(struct mc_desk *desk);

/* Called by the desk's own thread only. */
struct mc_handler *mc_desk_handler(struct mc_desk *desk);
/* Answers what waited for the book and need not any more. */
void mc_desk_turn(struct mc_desk *desk);

#endif /* MCOS_SERVICE_DESK_H */
