/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/peers.h -- other ways from a name to a device, to measure ours beside.
 *
 * libmemcached's ketama and OpenSSL's MD5 are called as they are. Jump hash, straw2
 * and a ring of points are written here after what is published, because no Debian
 * package has them as a library. Memory lasts as long as the process.
 */
#ifndef MCOS_BENCH_PEERS_H
#define MCOS_BENCH_PEERS_H

#include "ring/ring.h"

/* ketama: memcached_generate_hash over that many servers. NULL: no memory. */
struct memcached_st *ketama_new(unsigned servers);
uint32_t ketama_find(struct memcached_st *ketama, struct mc_bytes name);

/* Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014. */
uint32_t jump_find(struct mc_bytes name, uint32_t buckets);

/* Points on a circle, 160 of each device; the next one clockwise owns the name. */
struct points;
struct points *points_new(uint32_t devices);
uint32_t points_find(const struct points *points, struct mc_bytes name);

/*
 * CRUSH (Weil et al., 2006) with straw2 buckets: root, region, zone, host, device, of
 * the ring's devices and weights; three devices in three zones, chosen `firstn`.
 */
struct crush;
struct crush *crush_new(const struct mc_ring *ring);
void crush_find(const struct crush *crush, struct mc_bytes name, uint32_t ids[3]);

/* OpenSSL's one-shot calls: the digest alone, no look-up. */
void openssl_evp(struct mc_bytes name, uint8_t digest[16]);
void openssl_md5(struct mc_bytes name, uint8_t digest[16]);

#endif /* MCOS_BENCH_PEERS_H */
