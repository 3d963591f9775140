/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/memcached/link.h -- one server, a few commands, each with a deadline.
 *
 * Connects when it must and again after a failure. A command that fails on a
 * connection from before, at once, is tried once more on a new one: the server
 * may have closed it long ago. No answer of a server makes us take more memory
 * than one item.
 */
#ifndef MCOS_ADAPTER_MEMCACHED_LINK_H
#define MCOS_ADAPTER_MEMCACHED_LINK_H

#include "adapter/memcached/address.h"
#include "base/bytes.h"

#define MC_LINK_WAIT_MS   200u /* for a connection, and for each sign of life */
#define MC_LINK_KEY_BYTES 128u /* a key, with NUL */

struct mc_link;

/* Does not connect yet. On success *ret_link is yours. Fails with NOMEM. */
int mc_link_new(const struct mc_memcached_address *address, struct mc_link **ret_link);
void mc_link_free(struct mc_link *link); /* NULL is fine */

/*
 * All of these fail with AWAY and NOMEM, and as they say.
 *
 * get: appends the value to b and tells its cas number. NOTFOUND; TOOBIG (more
 * than b->max: nothing of ours; *ret_cas is set all the same, or 0 if it was so
 * large that we did not read it).
 */
int mc_link_get(struct mc_link *link, const char *key, struct mc_buf *b,
                uint64_t *ret_cas);
/* TOOBIG (and an older value is gone then), FULL. */
int mc_link_set(struct mc_link *link, const char *key, struct mc_bytes value);
/* Only if there is none: EXISTS. It is forgotten after expire_s (0: never). */
int mc_link_add(struct mc_link *link, const char *key, struct mc_bytes value,
                unsigned expire_s);
/* Only if it is still the one with that number: STALE, NOTFOUND. */
int mc_link_cas(struct mc_link *link, const char *key, struct mc_bytes value,
                uint64_t cas);
/* Is there such an item; it counts as used, and expires so. NOTFOUND. */
int mc_link_touch(struct mc_link *link, const char *key, unsigned expire_s);
int mc_link_delete(struct mc_link *link, const char *key);

/* Why the last command failed; "" if it did not. Lent until the next one. */
const char *mc_link_trouble(const struct mc_link *link);

#endif /* MCOS_ADAPTER_MEMCACHED_LINK_H */
