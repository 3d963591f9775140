/* SPDX-License-Identifier: Apache-2.0 */
/* test/fake/source.h -- a place for resolvers in memory, that does as a test says. */
#ifndef MCOS_TEST_FAKE_SOURCE_H
#define MCOS_TEST_FAKE_SOURCE_H

#include "port/source.h"

#define FAKE_CLUSTERS_MAX 8u

struct fake_source {
    struct mc_source source; /* first */
    struct mc_ring *ring;    /* what it has, whatever is asked for; NULL: nothing */
    struct mc_ring *before;  /* what it had before; NULL */
    int fails;               /* what look() says instead, or 0 */
    struct mc_cluster clusters[FAKE_CLUSTERS_MAX];
    size_t cluster_count; /* 0: it does not say */
    int64_t confirmed;
    uint64_t *clock; /* look() takes some of its time; NULL: none */
    unsigned takes_ms;
    unsigned looks;
    unsigned known; /* of them: the asker had it already */
    bool closed;
};

/* The rings stay the test's; the struct too, so close() only marks it. */
void fake_source_init(struct fake_source *fake);

#endif /* MCOS_TEST_FAKE_SOURCE_H */
