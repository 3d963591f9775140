/* SPDX-License-Identifier: Apache-2.0 */
/* test/fake/source.c -- a place in memory. */
#include "fake/source.h"

#include <stdlib.h>
#include <string.h>

static int look(struct mc_source *source, const struct mc_name *name,
                const struct mc_stamp *known, struct mc_ring **ret_ring)
{
    struct fake_source *fake = (struct fake_source *)source;

    (void)name;
    fake->looks++;
    if (fake->clock != NULL)
        *fake->clock += fake->takes_ms;
    if (fake->fails != 0)
        return fake->fails;
    if (fake->ring == NULL)
        return MCOS_E_NOTFOUND;
    if (known != NULL &&
        memcmp(known->digest, mc_ring_head(fake->ring)->digest, MC_DIGEST_BYTES) == 0)
        fake->known++;
    else
        *ret_ring = mc_ring_ref(fake->ring);
    return 0;
}

static int previous(struct mc_source *source, const struct mc_name *name,
                    struct mc_ring **ret_ring)
{
    struct fake_source *fake = (struct fake_source *)source;

    (void)name;
    if (fake->before == NULL)
        return MCOS_E_NOTFOUND;
    *ret_ring = mc_ring_ref(fake->before);
    return 0;
}

static int clusters(struct mc_source *source, struct mc_cluster **ret_clusters,
                    size_t *ret_count)
{
    const struct fake_source *fake = (const struct fake_source *)source;

    if (fake->cluster_count == 0)
        return MCOS_E_NOTFOUND;
    *ret_clusters = calloc(fake->cluster_count, sizeof(**ret_clusters));
    if (*ret_clusters == NULL)
        return MCOS_E_NOMEM;
    memcpy(*ret_clusters, fake->clusters, fake->cluster_count * sizeof(**ret_clusters));
    *ret_count = fake->cluster_count;
    return 0;
}

static int64_t confirmed(struct mc_source *source)
{
    return ((const struct fake_source *)source)->confirmed;
}

static const char *trouble(const struct mc_source *source)
{
    return ((const struct fake_source *)source)->fails == 0 ? "" : "as the test says";
}

static void close_it(struct mc_source *source)
{
    ((struct fake_source *)source)->closed = true;
}

void fake_source_init(struct fake_source *fake)
{
    static const struct mc_source_ops ops = {.look = look,
                                             .previous = previous,
                                             .clusters = clusters,
                                             .confirmed = confirmed,
                                             .trouble = trouble,
                                             .close = close_it};

    *fake = (struct fake_source){.source.ops = &ops};
}
