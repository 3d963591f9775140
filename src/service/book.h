/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service/book.h -- the rings that the service follows, by name.
 *
 * A ring is followed from the start, or from when it is first asked for: then a
 * thread of the book looks whether anybody has it, with a resolver that it opens for
 * that and closes, so that names of no ring are never kept and the book is bounded by
 * the rings that there are (MCOS_RINGS_MAX). Once followed, a ring stays.
 */
#ifndef MCOS_SERVICE_BOOK_H
#define MCOS_SERVICE_BOOK_H

#include "base/name.h"
#include "mcos/resolver.h"

#define MC_BOOK_WAITING_MAX 256u /* that wait for a ring's first look */

struct mc_book;

/* Somebody who waits; told once, from the book's thread. */
struct mc_book_waiter {
    struct mc_name name;
    struct mc_book_waiter *next;
    /* err 0: the ring is followed. diag may say why not; borrowed. */
    void (*told)(struct mc_book_waiter *waiter, int err, const struct mcos_diag *diag);
};

struct mc_book_ring {
    struct mc_name name;
    bool named; /* followed from the start */
    struct mcos_ring *ring;
};

/* Opens the resolver; texts in options are borrowed for the book's life. On success
 * *ret_book is yours. Fails as mcos_resolver_open. */
int mc_book_open(const char *chain, const struct mcos_resolver_options *options,
                 struct mc_book **ret_book, struct mcos_diag *diag);
/* Who still waits is told NOTREADY. Nobody else uses the book any more. NULL is fine.
 */
void mc_book_close(struct mc_book *book);

/* Follows from now on, whoever has it. One thread at a time, before others ask. */
int mc_book_follow(struct mc_book *book, const char *name, struct mcos_diag *diag);

/* Lent for the book's life; NULL: not followed. Any thread, without a lock. */
const struct mc_book_ring *mc_book_find(const struct mc_book *book, const char *name);
/* The i-th, in the order in which they came; NULL at the end. Any thread. */
const struct mc_book_ring *mc_book_get(const struct mc_book *book, size_t i);

/* Has it looked for. The waiter is borrowed until it is told; fails with BUSY, and
 * never tells. Any thread. */
int mc_book_ask(struct mc_book *book, struct mc_book_waiter *waiter);

#endif /* MCOS_SERVICE_BOOK_H */
