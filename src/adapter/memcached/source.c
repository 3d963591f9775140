/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/memcached/source.c -- the cache, as who looks names up sees it. */
#include "adapter/memcached/source.h"

#include "adapter/memcached/state.h"

#include <stdlib.h>
#include <string.h>

struct memcached_source {
    struct mc_source source; /* first */
    struct mc_cache *cache;
};

/* A cache's word for a server that does not answer, as a source says it. */
static int as_source(int err)
{
    return err == MCOS_E_AWAY ? MCOS_E_UNREACHABLE : err;
}

static int look(struct mc_source *source, const struct mc_name *name,
                const struct mc_stamp *known, struct mc_ring **ret_ring)
{
    struct mc_cache *cache = ((struct memcached_source *)source)->cache;
    struct mc_memcached *c = (struct mc_memcached *)cache;
    struct mc_manifest manifest;
    uint64_t cas;
    int order;
    int err = 0;

    c->trouble[0] = '\0';
    if (known != NULL) {
        err = mc_memcached_look(c, name->s, &manifest, &cas);
        if (err != 0)
            return as_source(err);
        order = mc_stamp_cmp(&manifest.stamp, known);
        if (order == 0)
            return 0;
        if (order < 0)
            return mc_memcached_say(c, MCOS_E_STALE,
                                    "its manifest is of a version before");
    }
    return as_source(cache->ops->get(cache, name, ret_ring));
}

static const char *trouble(const struct mc_source *source)
{
    struct mc_cache *cache = ((const struct memcached_source *)source)->cache;

    return cache->ops->trouble(cache);
}

static void close_it(struct mc_source *source)
{
    struct mc_cache *cache = ((struct memcached_source *)source)->cache;

    cache->ops->close(cache);
    free(source);
}

int mc_memcached_source_open(const struct mc_memcached_config *config,
                             struct mc_source **ret_source)
{
    static const struct mc_source_ops ops = {
        .look = look, .trouble = trouble, .close = close_it};
    struct memcached_source *s = calloc(1, sizeof(*s));

    if (s == NULL || mc_memcached_open(config, &s->cache) != 0) {
        free(s);
        return MCOS_E_NOMEM;
    }
    s->source.ops = &ops;
    *ret_source = &s->source;
    return 0;
}
