/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/memcached/source.h -- rings for resolvers, from a cluster's memcached
 * (docs/format.md, "In memcached").
 *
 * A look takes the manifest, a small item, and the pieces only if it names another
 * record than the asker has. At most about 1.4 s for a record, 0.4 s otherwise.
 */
#ifndef MCOS_ADAPTER_MEMCACHED_SOURCE_H
#define MCOS_ADAPTER_MEMCACHED_SOURCE_H

#include "adapter/memcached/cache.h"
#include "port/source.h"

/* Does not connect yet. On success *ret_source is yours (ops->close). Fails with
 * NOMEM. */
int mc_memcached_source_open(const struct mc_memcached_config *config,
                             struct mc_source **ret_source);

#endif /* MCOS_ADAPTER_MEMCACHED_SOURCE_H */
