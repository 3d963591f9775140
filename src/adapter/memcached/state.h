/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/memcached/state.h -- what a cache is inside; for put.c and get.c. */
#ifndef MCOS_ADAPTER_MEMCACHED_STATE_H
#define MCOS_ADAPTER_MEMCACHED_STATE_H

#include "adapter/memcached/cache.h"
#include "adapter/memcached/link.h"
#include "adapter/memcached/manifest.h"

/* A large record that is put in over several calls. */
struct mc_fill {
    bool under_way;
    uint8_t digest[MC_DIGEST_BYTES];
    uint32_t next; /* piece */
    bool locked;
    bool wrote;
};

struct mc_memcached {
    struct mc_cache cache; /* first */
    struct mc_link *link;
    uint8_t system[MC_UID_BYTES];
    struct mc_fill fill;
    uint32_t probe;         /* which piece is compared next */
    struct mc_buf manifest; /* as it came */
    struct mc_buf piece;
    char trouble[320];
};

/* Keeps a sentence for trouble() and returns err. */
int mc_memcached_say(struct mc_memcached *c, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with the link's sentence. */
int mc_memcached_pass(struct mc_memcached *c, int err);
uint64_t mc_memcached_now_ms(void);

/*
 * The manifest of a name: lent by c->manifest until the next call. Fails as get
 * does, TOOBIG aside: what cannot be a manifest is FORMAT. *ret_cas is told
 * whenever there is an item, 0 if it cannot be.
 */
int mc_memcached_look(struct mc_memcached *c, const char *name, struct mc_manifest *ret,
                      uint64_t *ret_cas);

/* put.c, get.c: the port's functions. */
int mc_memcached_put(struct mc_cache *cache, const struct mc_ring *ring,
                     enum mc_cache_put *ret_put);
int mc_memcached_get(struct mc_cache *cache, const struct mc_name *name,
                     struct mc_ring **ret_ring);

#endif /* MCOS_ADAPTER_MEMCACHED_STATE_H */
