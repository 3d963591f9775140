/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/fake/cache.h -- a cache in memory: a shelf, and any number of ways to it.
 *
 * It keeps the promises of port/cache.h (test/contract) and can be down, slow to
 * answer or forgetful, as a test says.
 */
#ifndef MCOS_TEST_FAKE_CACHE_H
#define MCOS_TEST_FAKE_CACHE_H

#include "port/cache.h"

#define FAKE_SHELF_MAX 32u

struct fake_item {
    uint8_t system;
    struct mc_ring *ring; /* NULL: free */
    int spoilt;           /* what get() says instead, or 0 */
};

struct fake_shelf {
    struct fake_item items[FAKE_SHELF_MAX];
    bool down;
    int refuses;  /* what put() fails with, or 0 */
    bool filling; /* put() finds another filler at work */
    unsigned puts;
    unsigned pings;
    void (*between)(void *ctx); /* called once, in the next put before it writes */
    void *between_ctx;
};

/* NULL when memory is out. Closed by its own close(). */
struct mc_cache *fake_cache_new(struct fake_shelf *shelf, uint8_t system);
struct fake_item *fake_shelf_find(struct fake_shelf *shelf, uint8_t system,
                                  const char *name);
void fake_shelf_empty(struct fake_shelf *shelf);

#endif /* MCOS_TEST_FAKE_CACHE_H */
