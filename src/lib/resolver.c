/* SPDX-License-Identifier: Apache-2.0 */
/* lib/resolver.c -- the resolver that applications link: opened, asked, closed. */
#include "adapter/swift/swiftconf.h"
#include "base/system.h"
#include "lib/chain_text.h"
#include "lib/follower.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS_DEFAULT    1000u
#define POLL_MS_MIN        10u
#define POLL_MS_MAX        3600000u
#define TIMEOUT_MS_DEFAULT 2000u
#define TIMEOUT_MS_MIN     10u
#define TIMEOUT_MS_MAX     60000u

/* ---- opening and closing ---- */

static int check_options(const struct mcos_resolver_options *o, struct mcos_diag *diag)
{
    if (!mc_name_ok(o->system))
        return mcos_diag_set(diag, MCOS_E_CONFIG, "system", "not a name: \"%.64s\"",
                             o->system);
    if (o->poll_ms < POLL_MS_MIN || o->poll_ms > POLL_MS_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "poll_ms", "%u, must be %u to %u",
                             o->poll_ms, POLL_MS_MIN, POLL_MS_MAX);
    if (o->timeout_ms < TIMEOUT_MS_MIN || o->timeout_ms > TIMEOUT_MS_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "timeout_ms", "%u, must be %u to %u",
                             o->timeout_ms, TIMEOUT_MS_MIN, TIMEOUT_MS_MAX);
    if ((o->flags & ~MCOS_KEEP_PREVIOUS) != 0)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "flags", "unknown: 0x%x", o->flags);
    return 0;
}

/* Who was compiled with an earlier or a later header has fewer or more of them: what we
 * do not know must be zero. */
static int read_options(const struct mcos_resolver_options *given,
                        struct mcos_resolver_options *ret, struct mcos_diag *diag)
{
    const size_t ours = sizeof(*given);

    *ret = (struct mcos_resolver_options)MCOS_RESOLVER_OPTIONS;
    if (given != NULL) {
        if (given->size < offsetof(struct mcos_resolver_options, system) ||
            given->size > 4096)
            return mcos_diag_set(diag, MCOS_E_CONFIG, "size",
                                 "%zu: begin with MCOS_RESOLVER_OPTIONS", given->size);
        memcpy(ret, given, given->size < ours ? given->size : ours);
        for (size_t i = ours; i < given->size; i++) {
            if (((const char *)given)[i] != 0)
                return mcos_diag_set(diag, MCOS_E_CONFIG, "size",
                                     "an option of a later version");
        }
    }
    if (ret->system == NULL)
        ret->system = "mcos";
    if (ret->poll_ms == 0)
        ret->poll_ms = POLL_MS_DEFAULT;
    if (ret->timeout_ms == 0)
        ret->timeout_ms = TIMEOUT_MS_DEFAULT;
    return check_options(ret, diag);
}

static void resolver_free(struct mcos_resolver *r)
{
    mc_chain_free(r->chain);
    mc_swiftconf_free(r->conf);
    if (r->poke_fd >= 0)
        (void)close(r->poke_fd);
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->told);
    for (size_t i = 0; i < r->ring_count; i++)
        free(r->rings[i]);
    free(r->rings);
    free(r);
}

static void init_locks(struct mcos_resolver *r)
{
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->told, &attr);
    (void)pthread_condattr_destroy(&attr);
}

static int open_chain(struct mcos_resolver *r, const char *text,
                      const struct mcos_resolver_options *o, struct mcos_diag *diag)
{
    const struct mc_chain_way way = {.system = o->system, .timeout_ms = o->timeout_ms};
    struct mc_chain_config config = {.keep_previous =
                                         (o->flags & MCOS_KEEP_PREVIOUS) != 0,
                                     .stopped = mc_follower_stopped,
                                     .ctx = r,
                                     .now_ms = mc_follower_now_ms};
    int err = 0;

    mc_system_id(o->system, config.system);
    if (o->swift_conf != NULL)
        err = mc_swiftconf_open(o->swift_conf, &r->conf, diag);
    if (err != 0)
        return err;
    if (r->conf != NULL) {
        r->secret = mc_swiftconf_secret(r->conf);
        config.secret = &r->secret;
    }
    err = mc_chain_new(&config, &r->chain);
    return err != 0 ? err : mc_chain_open(r->chain, text, &way, diag);
}

int mcos_resolver_open(const char *chain, const struct mcos_resolver_options *options,
                       struct mcos_resolver **ret_resolver, struct mcos_diag *diag)
{
    struct mcos_resolver_options o;
    struct mcos_resolver *r;
    int err = read_options(options, &o, diag);

    if (err == 0 && chain == NULL) /* of getenv, say */
        err = mcos_diag_set(diag, MCOS_E_CONFIG, "chain", "a place is missing");
    if (err != 0)
        return err;
    r = calloc(1, sizeof(*r));
    if (r == NULL)
        return MCOS_E_NOMEM;
    init_locks(r);
    r->poll_ms = o.poll_ms;
    r->pid = getpid();
    r->poke_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->poke_fd < 0)
        err =
            mcos_diag_set(diag, MCOS_E_BUSY, "", "no descriptor: %s", strerror(errno));
    if (err == 0)
        err = open_chain(r, chain, &o, diag);
    if (err == 0 && mc_follower_start(r) != 0)
        err = mcos_diag_set(diag, MCOS_E_BUSY, "", "no thread to be had");
    if (err != 0)
        resolver_free(r);
    else
        *ret_resolver = r;
    return err;
}

void mcos_resolver_close(struct mcos_resolver *resolver)
{
    if (resolver == NULL || resolver->pid != getpid())
        return;
    mc_follower_stop(resolver);
    resolver_free(resolver);
}

/* ---- rings ---- */

/* The thread does not live in a child, and the lock may be taken for ever. */
static int check_process(const struct mcos_resolver *r, struct mcos_diag *diag)
{
    if (r->pid == getpid())
        return 0;
    return mcos_diag_set(diag, MCOS_E_NOTREADY, "",
                         "opened before a fork: open another one in the child");
}

/* Under the lock. Fails with BUSY, NOMEM. */
static int add_ring(struct mcos_resolver *r, const struct mc_name *name,
                    struct mcos_ring **ret_ring)
{
    struct mcos_ring *ring;

    if (r->ring_count == MCOS_RINGS_MAX)
        return MCOS_E_BUSY;
    if (r->ring_count == r->ring_room) {
        size_t room = r->ring_room == 0 ? 8 : 2 * r->ring_room;
        void *more = realloc(r->rings, room * sizeof(struct mcos_ring *));

        if (more == NULL)
            return MCOS_E_NOMEM;
        r->rings = more;
        r->ring_room = room;
    }
    ring = calloc(1, sizeof(*ring));
    if (ring == NULL)
        return MCOS_E_NOMEM;
    ring->resolver = r;
    ring->name = *name;
    r->rings[r->ring_count++] = ring;
    *ret_ring = ring;
    return 0;
}

/* Under the lock, which is let go while it waits for the first look. */
static int find_ring(struct mcos_resolver *r, const struct mc_name *name,
                     struct mcos_ring **ret_ring)
{
    struct mcos_ring *ring = NULL;
    uint64_t looks;
    int err = 0;

    for (size_t i = 0; i < r->ring_count && ring == NULL; i++) {
        if (strcmp(r->rings[i]->name.s, name->s) == 0)
            ring = r->rings[i];
    }
    if (ring == NULL)
        err = add_ring(r, name, &ring);
    if (err != 0)
        return err;
    looks = ring->looks;
    if (ring->followed == NULL)
        mc_follower_poke(r);
    while (ring->followed == NULL && ring->looks == looks)
        (void)pthread_cond_wait(&r->told, &r->lock);
    if (ring->followed == NULL)
        return ring->err;
    *ret_ring = ring;
    return 0;
}

int mcos_resolver_ring(struct mcos_resolver *resolver, const char *name,
                       struct mcos_ring **ret_ring, struct mcos_diag *diag)
{
    struct mc_name n;
    int err = check_process(resolver, diag);

    if (err != 0)
        return err;
    if (name == NULL)
        name = "";
    if (!mc_name_set(&n, name))
        return mcos_diag_set(diag, MCOS_E_NAME, "name", "not a name: \"%.64s\"", name);
    (void)pthread_mutex_lock(&resolver->lock);
    err = find_ring(resolver, &n, ret_ring);
    (void)pthread_mutex_unlock(&resolver->lock);
    if (err == MCOS_E_BUSY)
        return mcos_diag_set(diag, err, "name", "%u rings are followed already",
                             MCOS_RINGS_MAX);
    return err;
}

/* What stands against holding the ring. Under the lock. */
static int explain(const struct mcos_ring *ring, struct mcos_diag *diag)
{
    if (ring->stats.error == 0 || ring->stats.error == MCOS_E_NOTFOUND)
        return mcos_diag_set(diag, MCOS_E_NOTFOUND, "", "no ring %s: %s", ring->name.s,
                             ring->stats.trouble[0] == '\0' ? "no place has it"
                                                            : ring->stats.trouble);
    return mcos_diag_set(diag, ring->stats.error, "", "%s", ring->stats.trouble);
}

int mcos_ring_wait(struct mcos_ring *ring, uint32_t timeout_ms, struct mcos_diag *diag)
{
    struct mcos_resolver *r = ring->resolver;
    struct timespec until;
    int err = check_process(r, diag);
    int rc = 0;

    if (err != 0)
        return err;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000u;
    until.tv_nsec += (long)(timeout_ms % 1000u) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&r->lock);
    while (!ring->usable && rc == 0)
        rc = pthread_cond_timedwait(&r->told, &r->lock, &until);
    err = ring->usable ? 0 : explain(ring, diag);
    (void)pthread_mutex_unlock(&r->lock);
    return err;
}

const struct mcos_view *mcos_ring_hold(struct mcos_ring *ring)
{
    return mc_chain_hold(ring->followed);
}

void mcos_ring_stats(struct mcos_ring *ring, struct mcos_ring_stats *ret_stats)
{
    struct mcos_resolver *r = ring->resolver;

    if (r->pid != getpid()) { /* nothing happens there any more */
        *ret_stats =
            (struct mcos_ring_stats){.source = MCOS_NONE, .error = MCOS_E_NOTREADY};
        return;
    }
    (void)pthread_mutex_lock(&r->lock);
    *ret_stats = ring->stats;
    (void)pthread_mutex_unlock(&r->lock);
}
