/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/ring_sample.h -- rings with several replicas, clusters, hosts, for tests of
 * who looks names up. Every version has another table.
 */
#ifndef MCOS_TEST_UNIT_RING_SAMPLE_H
#define MCOS_TEST_UNIT_RING_SAMPLE_H

#include "ring/draft.h"
#include "ring/lookup.h"

#define SAMPLE_DEVICES  8u
#define SAMPLE_REPLICAS 3u

struct sample {
    const char *name;
    uint64_t version; /* 1 or greater: minted one after the other */
    uint8_t part_power;
    enum mc_hash_kind hash;
    struct mc_secret secret; /* of swift-md5; is not in the record */
    uint8_t system;          /* each byte of the system's id; 0: of none */
    bool tombstone;
};

/* Device i is "d<i>" in cluster "c<i % 4>". Fails the test if it cannot. Yours. */
struct mc_ring *ring_sample(const struct sample *sample);

/* What the table of that version says. */
uint32_t ring_sample_at(uint64_t version, uint32_t part, unsigned replica);

#endif /* MCOS_TEST_UNIT_RING_SAMPLE_H */
