/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcos/resolver.h -- where does this name live? Rings, kept fresh for you.
 *
 * A resolver follows a chain of places where a cluster keeps its rings: the
 * agent's folder, a memcached, an agent. It takes each ring from the first place
 * that has it, notices changes by itself, and keeps the last good version through
 * every outage. Any number of threads look names up, without lock or allocation.
 *
 *     struct mcos_resolver *resolver;
 *     struct mcos_ring *photos;
 *
 *     mcos_resolver_open("file:/var/lib/mcosd/eu,http://127.0.0.1:8471", NULL,
 *                        &resolver, &diag);
 *     mcos_resolver_ring(resolver, "photos", &photos, &diag);
 *
 *     const struct mcos_view *view = mcos_ring_hold(photos);   // one version of it
 *     struct mcos_key key = mcos_key("AUTH_me", "cats", "1.jpg");
 *     struct mcos_answer answer;
 *     struct mcos_device device;
 *
 *     if (view != NULL && mcos_view_lookup(view, &key, 0, &answer) == 0)
 *         for (unsigned i = 0; i < answer.device_count; i++)
 *             if (mcos_view_device(view, answer.devices[i], &device) == 0)
 *                 puts(device.name);
 *     mcos_view_release(view);
 *
 *     mcos_resolver_close(resolver);
 *
 * A view is one version of a ring with the clusters' states as they were known: it
 * does not change while it is held, so whatever is asked of it agrees. Hold one
 * for a request or a batch, not for hours: the memory of its ring is kept so long.
 *
 * Functions that can fail return 0 or a negative code of mcos/err.h, and fill in
 * their last argument only when they succeed. Everything is safe to call from any
 * thread, except close. docs/lib.md says more; the source is src/lib and
 * src/resolver.
 */
#ifndef MCOS_RESOLVER_H
#define MCOS_RESOLVER_H

#include <mcos/err.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MCOS_REPLICAS_MAX 16u   /* devices that a partition has at most */
#define MCOS_HANDOFFS_MAX 1000u /* handoffs that are told at most */
#define MCOS_SOURCES_MAX  8u    /* places in a chain */
#define MCOS_RINGS_MAX    4096u /* rings that a resolver follows */
#define MCOS_DIGEST_BYTES 32u
#define MCOS_NONE         UINT32_MAX /* no device, no partition */

struct mcos_resolver; /* follows a chain */
struct mcos_ring;     /* one ring by its name, whatever version it is at */
struct mcos_view;     /* one version of it */

/* ---- opening ---- */

/* Each time a ring changes, keep what it was: mcos_view_previous. Twice the memory. */
#define MCOS_KEEP_PREVIOUS 1u

/* Made with MCOS_RESOLVER_OPTIONS; all texts are borrowed by open. */
struct mcos_resolver_options {
    size_t size;            /* of this struct, as you were compiled with it */
    const char *system;     /* its name; NULL: "mcos". Others' rings are refused */
    const char *swift_conf; /* file with the hash prefix and suffix; NULL: none */
    uint32_t poll_ms;       /* between two looks at a place, 10 to 3600000; 0: 1000 */
    uint32_t timeout_ms;    /* longest wait for an agent, 10 to 60000; 0: 2000 */
    uint32_t flags;         /* MCOS_KEEP_PREVIOUS, or 0 */
};
#define MCOS_RESOLVER_OPTIONS                                                          \
    {                                                                                  \
        sizeof(struct mcos_resolver_options), NULL, NULL, 0, 0, 0                      \
    }

/*
 * Starts to follow a chain: places divided by commas, the best one first.
 *
 *     file:/var/lib/mcosd/eu      the data folder of an agent on this host: mapped
 *     memcached://host:11211      the cluster's memcached; or memcached:unix:/path
 *     http://127.0.0.1:8471       an agent; or unix:/run/mcosd/eu.sock
 *
 * None of them needs to be there yet. One thread is started; it takes no signals.
 * On success *ret_resolver is yours (mcos_resolver_close); options and diag may be
 * NULL. After a fork, open a new one: in the child an old one is only good for what
 * it held before.
 *
 * Fails with CONFIG (diag says which part of the chain, or which option), NOTFOUND,
 * IO, TOOBIG (swift_conf), NOTFOUND (libcurl, for an agent, is not installed), NOMEM,
 * BUSY (no thread or descriptor to be had).
 */
int mcos_resolver_open(const char *chain, const struct mcos_resolver_options *options,
                       struct mcos_resolver **ret_resolver, struct mcos_diag *diag);

/*
 * Ends it: its rings and all their views are gone, those too that were not released
 * (and must not be now). The caller sees to it that no
 * other thread uses them any more. Waits for what one place is asked just then: at most
 * timeout_ms for an agent, 1.4 s for a memcached. NULL is fine; in a child of a fork it
 * does nothing.
 */
void mcos_resolver_close(struct mcos_resolver *resolver);

/*
 * Follows a ring from now on. Returns after the chain was looked through once, so
 * that mcos_ring_hold has something if anybody does. *ret_ring is lent by the
 * resolver until it is closed; the same name gives the same ring.
 *
 * Fails with NAME, BUSY (MCOS_RINGS_MAX are followed), NOMEM, NOTREADY (in a child
 * of a fork). That no place has the ring yet is no failure.
 */
int mcos_resolver_ring(struct mcos_resolver *resolver, const char *name,
                       struct mcos_ring **ret_ring, struct mcos_diag *diag);

/*
 * Waits until the ring can be held, at most timeout_ms. Fails with what stands
 * against it: NOTFOUND (no place has it), UNREACHABLE (none answers), DIGEST,
 * FORMAT, UPGRADE … (what is there is no good ring), NOTREADY (in a child of a fork);
 * diag says which place and why.
 */
int mcos_ring_wait(struct mcos_ring *ring, uint32_t timeout_ms, struct mcos_diag *diag);

/* ---- one version, held ---- */

/*
 * The version in force; give it back with mcos_view_release, from any thread. NULL
 * as long as no place ever had the ring (mcos_ring_wait says why). Never waits,
 * takes no lock, does not allocate.
 */
const struct mcos_view *mcos_ring_hold(struct mcos_ring *ring);
void mcos_view_release(const struct mcos_view *view); /* NULL is fine */

enum mcos_hash { MCOS_HASH_XXH3 = 1, MCOS_HASH_SWIFT_MD5 = 2 };

struct mcos_view_info {
    const char *ring; /* its name */
    uint64_t version;
    uint64_t timestamp; /* when it was made: ns since 1970 */
    uint32_t epoch;
    uint32_t deleted; /* 1: the ring was deleted, and has no placement */
    uint8_t digest[MCOS_DIGEST_BYTES];
    uint32_t partitions;   /* 0 if deleted */
    uint32_t stride;       /* replicas of a partition at most */
    uint64_t assignments;  /* replicas in all */
    uint32_t device_slots; /* ids are below this */
    uint32_t hash;         /* enum mcos_hash */
    const char *stamp;     /* version and digest as people see them: "v7.91d0aa02" */
    const char *source;    /* the place in the chain that it came from */
    uint64_t reserved[4];
};

/* Lent by the view. Always succeeds. */
const struct mcos_view_info *mcos_view_info(const struct mcos_view *view);

/*
 * With MCOS_KEEP_PREVIOUS: the version that was in force before this one, with all
 * that can be asked of a view; an application reads there what has not moved yet.
 * Lent by the view: not to be released. NULL if there is none.
 */
const struct mcos_view *mcos_view_previous(const struct mcos_view *view);

/* ---- looking up ---- */

/* Any bytes; not changed in any way. */
struct mcos_bytes {
    const void *ptr;
    size_t len;
};

/* A container or object that is empty counts as absent; an object needs a container. */
struct mcos_key {
    struct mcos_bytes account;
    struct mcos_bytes container;
    struct mcos_bytes object;
};

/* From C strings, borrowed; NULL: absent. */
static inline struct mcos_key mcos_key(const char *account, const char *container,
                                       const char *object)
{
    struct mcos_key key = {{account, account == NULL ? 0 : strlen(account)},
                           {container, container == NULL ? 0 : strlen(container)},
                           {object, object == NULL ? 0 : strlen(object)}};

    return key;
}

/* How the cluster of a device is, as far as this cluster's agent knows. */
enum mcos_state {
    MCOS_STATE_UNKNOWN = 0, /* no such cluster, or nobody told */
    MCOS_STATE_ACTIVE = 1,
    MCOS_STATE_SILENT = 2, /* INACTIVE: not heard */
    MCOS_STATE_LEFT = 3    /* INACTIVE: it said so */
};

/* Devices of ACTIVE clusters come first; among equals the order stays. */
#define MCOS_ACTIVE_FIRST 1u

/* What a look-up says. It borrows nothing: good for as long as you keep it. */
struct mcos_answer {
    uint64_t version; /* of the ring that answered; with epoch and digest its stamp */
    uint32_t epoch;
    uint32_t partition;
    uint32_t device_count;               /* 1 to MCOS_REPLICAS_MAX */
    uint32_t devices[MCOS_REPLICAS_MAX]; /* ids: mcos_view_device says the rest */
    uint8_t states[MCOS_REPLICAS_MAX];   /* enum mcos_state of each one's cluster */
    uint8_t digest[MCOS_DIGEST_BYTES];
    int64_t checked_at;   /* when a place last said that this version is in force */
    int64_t confirmed_at; /* when the agent last heard a cluster that holds all the
                             same; 0: nobody told. Both ns since 1970 */
    uint64_t reserved[2];
};

/*
 * Where a name lives. flags: MCOS_ACTIVE_FIRST or 0.
 * Fails with VALUE (no account, or an object without container), DELETED, SECRET (the
 * ring hashes with Swift's prefix and suffix, and swift_conf is missing or another
 * one's), DIGEST (somebody wrote into the mapped file: hold again soon).
 */
int mcos_view_lookup(const struct mcos_view *view, const struct mcos_key *key,
                     unsigned flags, struct mcos_answer *ret_answer);

/* The same of a partition. Fails with VALUE (there is no such), DELETED, DIGEST. */
int mcos_view_partition(const struct mcos_view *view, uint32_t partition,
                        unsigned flags, struct mcos_answer *ret_answer);

/*
 * Many at once: ret_partitions[i] and ret_devices[i * stride ...] (stride of
 * mcos_view_info) for keys[i]; MCOS_NONE fills places without a device, and is the
 * partition of a key that has no account, or an object without container.
 * Fails with DELETED, SECRET, DIGEST; what was written then is of no use.
 */
int mcos_view_lookup_many(const struct mcos_view *view, const struct mcos_key *keys,
                          size_t count, uint32_t *ret_partitions,
                          uint32_t *ret_devices);

/*
 * Up to `want` (at most MCOS_HANDOFFS_MAX) devices to use when those of a partition are
 * away, in Swift's order, into ret_devices; returns how many there are.
 * Fails with VALUE (there is no such partition), DELETED, DIGEST.
 */
int mcos_view_handoffs(const struct mcos_view *view, uint32_t partition, size_t want,
                       uint32_t *ret_devices);

/* Texts are UTF-8, "" when not given, lent by the view. */
struct mcos_device {
    uint32_t id;
    uint32_t state;  /* enum mcos_state of its cluster */
    uint64_t weight; /* millionths */
    uint16_t port;   /* 0: none */
    uint16_t replication_port;
    uint32_t reserved;
    const char *name;
    const char *cluster;
    const char *region;
    const char *zone;
    const char *host;
    const char *replication_host;
    const char *device;
    const char *meta;
};

/* Fails with NOTFOUND (no device has that id, or it was removed), DIGEST. */
int mcos_view_device(const struct mcos_view *view, uint32_t id,
                     struct mcos_device *ret_device);

/* ---- what happened ---- */

/* Of one ring, from when it is followed to the end of its last look: a version is in
 * force a moment before it is counted. Times are ns since 1970, 0: never. */
struct mcos_ring_stats {
    uint64_t looks;     /* at the chain */
    uint64_t adopted;   /* versions that came into force */
    uint64_t missing;   /* looks at a place that does not have it */
    uint64_t away;      /* looks at a place that did not answer, or could not read it */
    uint64_t damaged;   /* looks that met bytes which are no good ring */
    uint64_t older;     /* looks that met a version before the one in force: refused */
    uint64_t foreign;   /* looks that met a ring of another system: refused */
    uint64_t unread;    /* looks that met a format of a later version of MCOS */
    uint64_t spoilt;    /* times somebody wrote into the mapped file */
    uint64_t views;     /* made so far: one for each version or change of states */
    uint64_t unclaimed; /* of those: replaced, and still held by somebody */
    int64_t adopted_at;
    int64_t checked_at;
    int64_t confirmed_at;
    int32_t error;     /* of the last look: 0, or a code of mcos/err.h */
    uint32_t source;   /* place in the chain of what is in force; MCOS_NONE */
    char trouble[256]; /* what the last error was about; "" if there was none */
    uint64_t reserved[8];
};

/* Always succeeds. Takes a lock for a moment: not for every look-up. */
void mcos_ring_stats(struct mcos_ring *ring, struct mcos_ring_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif /* MCOS_RESOLVER_H */
