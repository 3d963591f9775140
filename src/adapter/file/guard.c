/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/guard.c -- which mappings are guarded, and the handler of SIGBUS.
 *
 * The handler takes no lock: it reads a list of tables that only grows. A slot is
 * free while its start is 0; its other fields are written only then.
 */
#include "adapter/file/guard.h"

#include "mcos/err.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLOTS 64u

struct slot {
    atomic_uintptr_t start; /* 0: free */
    atomic_size_t bytes;
    _Atomic(struct mc_blob *) blob;
};

struct table {
    struct slot slots[SLOTS];
    _Atomic(struct table *) next;
};

static struct table first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of who adds and removes */
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static struct sigaction before;

/* ---- the handler ---- */

/* The slot that an address lies in, or NULL. */
static struct slot *find(uintptr_t address)
{
    for (struct table *t = &first; t != NULL; t = atomic_load(&t->next)) {
        for (unsigned i = 0; i < SLOTS; i++) {
            struct slot *s = &t->slots[i];
            uintptr_t start = atomic_load(&s->start);

            if (start != 0 && address >= start &&
                address - start < atomic_load(&s->bytes) &&
                atomic_load(&s->start) == start)
                return s;
        }
    }
    return NULL;
}

/* Not ours: as if we were not here. */
static void pass_on(int signo, siginfo_t *info, void *context)
{
    if ((before.sa_flags & SA_SIGINFO) != 0) {
        before.sa_sigaction(signo, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(signo);
    } else if (before.sa_handler != SIG_IGN || info->si_code > 0) {
        const struct sigaction end = {.sa_handler = SIG_DFL};

        (void)sigaction(signo, &end, NULL); /* what failed fails again */
        if (info->si_code <= 0)             /* somebody sent it: it is not repeated */
            (void)raise(signo);
    }
}

static void on_bus(int signo, siginfo_t *info, void *context)
{
    int err = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    struct slot *s = info->si_code > 0 ? find(address) : NULL;

    /* First spoilt, then zeros: who reads a zero and asks afterwards is told. */
    if (s != NULL)
        mc_blob_spoil(atomic_load(&s->blob));
    if (s == NULL ||
        mmap((void *)atomic_load(&s->start), atomic_load(&s->bytes), PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        pass_on(signo, info, context);
    errno = err;
}

/* Between these two nobody holds the lock but who forks: the child has it free. */
static void before_fork(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void install(void)
{
    struct sigaction ours = {.sa_sigaction = on_bus,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK};

    (void)sigemptyset(&ours.sa_mask);
    (void)sigaction(SIGBUS, &ours, &before);
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

/* ---- slots ---- */

/* Under the lock. The slot with this start (0: a free one), or NULL. */
static struct slot *slot_of(uintptr_t start)
{
    for (struct table *t = &first; t != NULL; t = atomic_load(&t->next)) {
        for (unsigned i = 0; i < SLOTS; i++) {
            if (atomic_load(&t->slots[i].start) == start)
                return &t->slots[i];
        }
    }
    return NULL;
}

/* Under the lock. Tables stay for good: the handler may look at them at any time. */
static struct slot *more_slots(void)
{
    struct table *last = &first;
    struct table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    while (atomic_load(&last->next) != NULL)
        last = atomic_load(&last->next);
    atomic_store(&last->next, t);
    return &t->slots[0];
}

int mc_guard_add(void *start, size_t bytes, struct mc_blob *blob)
{
    struct slot *s;

    (void)pthread_once(&installed, install);
    (void)pthread_mutex_lock(&lock);
    s = slot_of(0);
    if (s == NULL)
        s = more_slots();
    if (s != NULL) {
        atomic_store(&s->bytes, bytes);
        atomic_store(&s->blob, blob);
        atomic_store(&s->start, (uintptr_t)start);
    }
    (void)pthread_mutex_unlock(&lock);
    return s == NULL ? MCOS_E_NOMEM : 0;
}

void mc_guard_remove(const void *start)
{
    struct slot *s;

    (void)pthread_mutex_lock(&lock);
    s = slot_of((uintptr_t)start);
    if (s != NULL)
        atomic_store(&s->start, 0);
    (void)pthread_mutex_unlock(&lock);
}
