/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/memcached/address.h -- where a memcached is, and a name made a number
 * without waiting.
 *
 *     memcached://host          port 11211
 *     memcached://host:port     a name, 127.0.0.1 or [::1]
 *     memcached:unix:/path
 */
#ifndef MCOS_ADAPTER_MEMCACHED_ADDRESS_H
#define MCOS_ADAPTER_MEMCACHED_ADDRESS_H

#include "mcos/err.h"

#include <stddef.h>
#include <stdint.h>

#define MC_MEMCACHED_HOST_MAX  253u /* characters of a name of a host */
#define MC_MEMCACHED_UNIX_MAX  107u /* characters of a socket's path */
#define MC_MEMCACHED_PORT      11211u
#define MC_MEMCACHED_DIGIT_MAX 46u /* an address in digits, with NUL */
#define MC_MEMCACHED_SEEKS_MAX 16u /* names that are looked up at once */

struct mc_memcached_address {
    char path[MC_MEMCACHED_UNIX_MAX + 1]; /* "" if it is not a unix socket */
    char host[MC_MEMCACHED_HOST_MAX + 1];
    uint16_t port;
};

/* Fails with CONFIG; diag says why. */
int mc_memcached_address_parse(const char *text, struct mc_memcached_address *ret,
                               struct mcos_diag *diag);

/* As people know it: the path, host:port or [::1]:port, with its NUL. */
void mc_memcached_address_format(const struct mc_memcached_address *address, char *dst,
                                 size_t cap);

/*
 * A host as digits. A name is looked up by a thread made for it (the C library's own,
 * getaddrinfo_a, are missed for ever in the child of a fork): while that lasts, AWAY,
 * and ask again later. AWAY too, and it begins anew, when the name is not known or
 * MC_MEMCACHED_SEEKS_MAX are looked up. *seek is what lies between two calls; starts as
 * NULL.
 */
struct mc_memcached_seek;
int mc_memcached_find(struct mc_memcached_seek **seek, const char *host,
                      char ret_digits[MC_MEMCACHED_DIGIT_MAX]);
void mc_memcached_seek_free(struct mc_memcached_seek *seek); /* NULL is fine */

#endif /* MCOS_ADAPTER_MEMCACHED_ADDRESS_H */
