/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_outside.h -- what others than its agents see of a cluster: redis-cli in
 * its Redis, a reader of its memcached.
 */
#ifndef MCOS_APP_DEMO_OUTSIDE_H
#define MCOS_APP_DEMO_OUTSIDE_H

#include "app/demo_ask.h"

/* True if redis-cli, asked where three names live, prints on each cluster what that
 * cluster's agent answers; a promise. One question of cluster `shown` is shown. */
bool mc_demo_redis_lookups(struct mc_demo *demo, const char *ring, unsigned shown);

/* True when the cluster's Redis holds exactly the target; no promise. */
bool mc_demo_in_redis(struct mc_demo *demo, unsigned number,
                      const struct mc_target *target);

/* True when the cluster's memcached gives the record that its agent serves, byte for
 * byte; no promise. */
bool mc_demo_in_cache(struct mc_demo *demo, unsigned number,
                      const struct mc_target *target);

#endif /* MCOS_APP_DEMO_OUTSIDE_H */
