/* SPDX-License-Identifier: Apache-2.0 */
/* service/book.c -- a table that only grows, and the thread that lets it grow. */
#include "service/book.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (2u * MCOS_RINGS_MAX) /* a power of two */

struct mc_book {
    struct mcos_resolver *resolver;
    const char *chain;
    struct mcos_resolver_options options;
    /* Written by one thread at a time, read by all: an entry is whole before it is
     * shown, and stays. */
    struct mc_book_ring rings[MCOS_RINGS_MAX];
    _Atomic(size_t) count;
    _Atomic(const struct mc_book_ring *) slots[SLOTS];
    pthread_mutex_t lock; /* what is below */
    pthread_cond_t asked;
    struct mc_book_waiter *first;
    size_t waiting;
    bool stopping;
    bool running;
    pthread_t thread;
};

static size_t slot_of(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h & (SLOTS - 1);
}

const struct mc_book_ring *mc_book_find(const struct mc_book *book, const char *name)
{
    for (size_t at = slot_of(name);; at = (at + 1) & (SLOTS - 1)) {
        const struct mc_book_ring *entry =
            atomic_load_explicit(&book->slots[at], memory_order_acquire);

        if (entry == NULL || strcmp(entry->name.s, name) == 0)
            return entry;
    }
}

const struct mc_book_ring *mc_book_get(const struct mc_book *book, size_t i)
{
    return i < atomic_load_explicit(&book->count, memory_order_acquire)
               ? &book->rings[i]
               : NULL;
}

/* By one thread at a time. */
static int add(struct mc_book *book, const char *name, bool named,
               struct mcos_diag *diag)
{
    const size_t count = atomic_load(&book->count);
    struct mc_book_ring *entry = &book->rings[count];
    size_t at = slot_of(name);
    int err;

    if (mc_book_find(book, name) != NULL)
        return 0;
    if (count == MCOS_RINGS_MAX)
        return mcos_diag_set(diag, MCOS_E_BUSY, "ring", "%u rings are followed already",
                             MCOS_RINGS_MAX);
    if (!mc_name_set(&entry->name, name))
        return mcos_diag_set(diag, MCOS_E_NAME, "ring", "not a name: \"%.64s\"", name);
    entry->named = named;
    err = mcos_resolver_ring(book->resolver, name, &entry->ring, diag);
    if (err != 0)
        return err;
    while (atomic_load(&book->slots[at]) != NULL)
        at = (at + 1) & (SLOTS - 1);
    atomic_store_explicit(&book->slots[at], entry, memory_order_release);
    atomic_store_explicit(&book->count, count + 1, memory_order_release);
    return 0;
}

int mc_book_follow(struct mc_book *book, const char *name, struct mcos_diag *diag)
{
    return add(book, name, true, diag);
}

/* ---- on first ask ---- */

/* Does anybody have it? Asked apart, for what is followed is followed for ever. */
static int probe(struct mc_book *book, const char *name, struct mcos_diag *diag)
{
    struct mcos_resolver *resolver;
    struct mcos_ring *ring;
    int err = mcos_resolver_open(book->chain, &book->options, &resolver, diag);

    if (err != 0)
        return err;
    err = mcos_resolver_ring(resolver, name, &ring, diag);
    if (err == 0)
        err = mcos_ring_wait(ring, 0, diag);
    mcos_resolver_close(resolver);
    return err;
}

/* Tells all who wait for this name. Under the lock, which is let go meanwhile. */
static void tell(struct mc_book *book, const struct mc_name *name, int err,
                 const struct mcos_diag *diag)
{
    struct mc_book_waiter **link = &book->first;
    struct mc_book_waiter *told = NULL;

    while (*link != NULL) {
        struct mc_book_waiter *waiter = *link;

        if (name != NULL && strcmp(waiter->name.s, name->s) != 0) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->next = told;
        told = waiter;
        book->waiting--;
    }
    (void)pthread_mutex_unlock(&book->lock);
    while (told != NULL) {
        struct mc_book_waiter *next = told->next;

        told->told(told, err, diag);
        told = next;
    }
    (void)pthread_mutex_lock(&book->lock);
}

static void *look(void *arg)
{
    struct mc_book *book = arg;

    (void)pthread_mutex_lock(&book->lock);
    while (!book->stopping) {
        struct mcos_diag diag = {.offset = -1};
        struct mc_name name;
        int err = 0;

        if (book->first == NULL) {
            (void)pthread_cond_wait(&book->asked, &book->lock);
            continue;
        }
        name = book->first->name;
        (void)pthread_mutex_unlock(&book->lock);
        if (mc_book_find(book, name.s) == NULL) {
            err = probe(book, name.s, &diag);
            if (err == 0)
                err = add(book, name.s, false, &diag);
        }
        (void)pthread_mutex_lock(&book->lock);
        tell(book, &name, err, &diag);
    }
    tell(book, NULL, MCOS_E_NOTREADY, NULL);
    (void)pthread_mutex_unlock(&book->lock);
    return NULL;
}

int mc_book_ask(struct mc_book *book, struct mc_book_waiter *waiter)
{
    struct mc_book_waiter **link = &book->first;
    int err = 0;

    (void)pthread_mutex_lock(&book->lock);
    if (book->waiting == MC_BOOK_WAITING_MAX || book->stopping) {
        err = MCOS_E_BUSY;
    } else {
        while (*link != NULL)
            link = &(*link)->next;
        waiter->next = NULL;
        *link = waiter;
        book->waiting++;
        (void)pthread_cond_signal(&book->asked);
    }
    (void)pthread_mutex_unlock(&book->lock);
    return err;
}

/* ---- opening and closing ---- */

int mc_book_open(const char *chain, const struct mcos_resolver_options *options,
                 struct mc_book **ret_book, struct mcos_diag *diag)
{
    struct mc_book *book = calloc(1, sizeof(*book));
    int err;

    if (book == NULL)
        return MCOS_E_NOMEM;
    book->chain = chain;
    book->options = *options;
    (void)pthread_mutex_init(&book->lock, NULL);
    (void)pthread_cond_init(&book->asked, NULL);
    err = mcos_resolver_open(chain, options, &book->resolver, diag);
    if (err == 0 && pthread_create(&book->thread, NULL, look, book) != 0)
        err = mcos_diag_set(diag, MCOS_E_BUSY, "", "no thread to be had");
    book->running = err == 0;
    if (err != 0)
        mc_book_close(book);
    else
        *ret_book = book;
    return err;
}

void mc_book_close(struct mc_book *book)
{
    if (book == NULL)
        return;
    if (book->running) {
        (void)pthread_mutex_lock(&book->lock);
        book->stopping = true;
        (void)pthread_cond_signal(&book->asked);
        (void)pthread_mutex_unlock(&book->lock);
        (void)pthread_join(book->thread, NULL);
    }
    mcos_resolver_close(book->resolver);
    (void)pthread_cond_destroy(&book->asked);
    (void)pthread_mutex_destroy(&book->lock);
    free(book);
}
