/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/redis/compare.h -- registry and files beside each other: the greater
 * record repairs the other.
 *
 * All of these may fail with an error that is not local to a key
 * (mc_redis_err_is_local): then the link is of no more use.
 */
#ifndef MCOS_ADAPTER_REDIS_COMPARE_H
#define MCOS_ADAPTER_REDIS_COMPARE_H

#include "adapter/redis/state.h"

/* The inner store has merged the ring: what it holds by now is known without reading it
 * back from the medium, which takes long and is done when nobody waits. */
void mc_redis_merged(struct redis_store *s, const struct mc_ring *ring,
                     enum mc_verdict verdict);

/* Puts a record that the inner store has merged into the registry; takes over what
 * turns out to be greater there. */
int mc_redis_put(struct redis_store *s, const struct mc_ring *ring,
                 struct mcos_diag *diag);

/* Tells s->found of every record that was found to be of a later format. */
void mc_redis_tell_unread(struct redis_store *s);

/* After connecting: every name of both sides, losers too. */
int mc_redis_compare_all(struct redis_store *s, struct mcos_diag *diag);
/* One name, of which something was said: its record and its losers. */
int mc_redis_compare_one(struct redis_store *s, const struct mc_name *name,
                         struct mcos_diag *diag);
/* Every stamp we hold, and one more page of the names held there. */
int mc_redis_compare_some(struct redis_store *s, struct mcos_diag *diag);

/* Whether the registry was found to hold a record of a later format that is greater
 * than ours and, if `have`, than *stamp; then *stamp becomes its. */
bool mc_redis_unread(const struct redis_store *s, const struct mc_name *name, bool have,
                     struct mc_stamp *stamp);

#endif /* MCOS_ADAPTER_REDIS_COMPARE_H */
