/* SPDX-License-Identifier: Apache-2.0 */
/* lib/follower.c -- the thread that follows a chain. */
#include "lib/follower.h"

#include "base/rng.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* What was replaced may be held for a moment by who looked: it is swept again soon. */
#define SWEEP_MS 20u

uint64_t mc_follower_now_ms(void)
{
    struct timespec up;

    (void)clock_gettime(CLOCK_MONOTONIC, &up);
    return (uint64_t)up.tv_sec * 1000u + (uint64_t)up.tv_nsec / 1000000u;
}

static struct mc_chain_now now_of(void)
{
    struct timespec wall;

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return (struct mc_chain_now){.ms = mc_follower_now_ms(),
                                 .wall_ns =
                                     (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec};
}

/* The ring number i; they only become more. NULL: that was the last, or it is to stop.
 */
static struct mcos_ring *ring_at(struct mcos_resolver *r, size_t i)
{
    struct mcos_ring *ring;

    (void)pthread_mutex_lock(&r->lock);
    ring = i < r->ring_count && !r->stop ? r->rings[i] : NULL;
    (void)pthread_mutex_unlock(&r->lock);
    return ring;
}

bool mc_follower_stopped(void *resolver)
{
    struct mcos_resolver *r = resolver;
    bool stop;

    (void)pthread_mutex_lock(&r->lock);
    stop = r->stop;
    (void)pthread_mutex_unlock(&r->lock);
    return stop;
}

/* Looks for one ring and tells what came of it. */
static void look(struct mcos_resolver *r, struct mcos_ring *ring)
{
    struct mc_chain_now now = now_of();
    struct mc_followed *followed = ring->followed;
    int err = 0;

    if (followed == NULL)
        err = mc_chain_follow(r->chain, &ring->name, &followed);
    if (err == 0)
        mc_chain_look(r->chain, followed, &now);
    (void)pthread_mutex_lock(&r->lock);
    if (ring->followed == NULL) /* others read it without the lock once it is set */
        ring->followed = followed;
    ring->err = err;
    if (err == 0) {
        ring->stats = followed->stats;
        ring->usable = followed->stats.views != 0;
    }
    ring->looks++;
    (void)pthread_cond_broadcast(&r->told);
    (void)pthread_mutex_unlock(&r->lock);
}

/* Looks for those rings from number `from` on that are new. Returns how many there are.
 */
static size_t look_for_new(struct mcos_resolver *r, size_t from)
{
    struct mcos_ring *ring;

    for (; (ring = ring_at(r, from)) != NULL; from++) {
        if (ring->followed == NULL)
            look(r, ring);
    }
    return from;
}

/* Looks for those rings that are new, and if `all` is asked for, for each. A place that
 * did not answer for one is not asked for the next: so any of them may come first, and
 * a new one, which somebody waits for, comes before all others. */
static void look_round(struct mcos_resolver *r, bool all, struct mc_rng *rng)
{
    size_t known = look_for_new(r, 0);
    const size_t count = known;
    const size_t first = mc_rng_below(rng, count);
    struct mcos_ring *ring;

    for (size_t i = 0; all && i < count; i++) {
        ring = ring_at(r, (first + i) % count);
        if (ring != NULL)
            look(r, ring);
        known = look_for_new(r, known);
    }
}

/* Gives back what nobody holds any more; true if some of it is still held. */
static bool sweep(struct mcos_resolver *r)
{
    struct mcos_ring *ring;
    bool held = false;

    mc_chain_sweep(r->chain);
    for (size_t i = 0; (ring = ring_at(r, i)) != NULL; i++) {
        uint64_t unclaimed =
            ring->followed == NULL ? 0 : ring->followed->stats.unclaimed;

        (void)pthread_mutex_lock(&r->lock);
        ring->stats.unclaimed = unclaimed;
        (void)pthread_mutex_unlock(&r->lock);
        held |= unclaimed != 0;
    }
    return held;
}

/* Waits until something may have changed, somebody pokes, or `wait_ms` have passed.
 * True: something may have changed. */
static bool wait_for_news(struct mcos_resolver *r, uint64_t wait_ms)
{
    struct pollfd fds[1 + MCOS_SOURCES_MAX];
    struct mc_source *heard[1 + MCOS_SOURCES_MAX];
    uint64_t pokes;
    nfds_t count = 1;
    bool news = false;

    fds[0] = (struct pollfd){.fd = r->poke_fd, .events = POLLIN};
    for (size_t i = 0; i < mc_chain_source_count(r->chain); i++) {
        struct mc_source *source = mc_chain_source(r->chain, i);
        int fd = source->ops->fd == NULL ? -1 : source->ops->fd(source);

        if (fd < 0)
            continue;
        heard[count] = source;
        fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    if (poll(fds, count, (int)wait_ms) <= 0)
        return false;
    if (fds[0].revents != 0)
        (void)!read(r->poke_fd, &pokes, sizeof(pokes));
    for (nfds_t i = 1; i < count; i++) {
        if (fds[i].revents != 0)
            news |= heard[i]->ops->changed(heard[i]);
    }
    return news;
}

static void *follow(void *arg)
{
    struct mcos_resolver *r = arg;
    uint64_t due_ms = 0;
    struct mc_rng rng = mc_rng_init((uint64_t)r->pid);
    bool held = false;

    while (!mc_follower_stopped(r)) {
        struct mc_chain_now now = now_of();
        uint64_t wait_ms = due_ms > now.ms ? due_ms - now.ms : 0;
        bool all;

        all = wait_for_news(r, held && wait_ms > SWEEP_MS ? SWEEP_MS : wait_ms);
        now = now_of();
        all |= now.ms >= due_ms;
        if (all) {
            due_ms = now.ms + r->poll_ms;
            mc_chain_look_at_clusters(r->chain, &now);
        }
        look_round(r, all, &rng);
        held = sweep(r);
    }
    return NULL;
}

int mc_follower_start(struct mcos_resolver *resolver)
{
    sigset_t all;
    sigset_t before;
    int rc;

    /* The application's signals are not for this thread; but what the processor
     * says of its own memory it must take itself. */
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGBUS);
    (void)sigdelset(&all, SIGSEGV);
    (void)sigdelset(&all, SIGFPE);
    (void)sigdelset(&all, SIGILL);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&resolver->thread, NULL, follow, resolver);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : MCOS_E_BUSY;
}

void mc_follower_poke(struct mcos_resolver *resolver)
{
    uint64_t one = 1;

    while (write(resolver->poke_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

void mc_follower_stop(struct mcos_resolver *resolver)
{
    (void)pthread_mutex_lock(&resolver->lock);
    resolver->stop = true;
    (void)pthread_mutex_unlock(&resolver->lock);
    mc_follower_poke(resolver);
    (void)pthread_join(resolver->thread, NULL);
}
