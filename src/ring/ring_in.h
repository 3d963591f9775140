/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/ring_in.h -- what a ring is made of, for the files that open and ask it.
 */
#ifndef MCOS_RING_RING_IN_H
#define MCOS_RING_RING_IN_H

#include "ring/ring.h"

#include <stdatomic.h>

struct mc_ring {
    atomic_uint refs;
    struct mc_blob *blob;
    struct mc_head head;
    struct mc_builder_info builder;
    const uint8_t *table;             /* in the blob */
    struct mc_bytes extra;            /* in the blob */
    struct mc_device *devices;        /* texts in the blob */
    const struct mc_device **by_name; /* not removed ones, in the order of names */
    size_t by_name_count;
    struct mc_ancestor *ancestors;
};

/*
 * Each fills in its part of a ring whose head and blob are set, and checks its
 * meaning. Memory goes into the ring, also when they fail.
 */
int mc_ring_read_devices(struct mc_ring *ring, struct mc_bytes in,
                         struct mcos_diag *diag);
/* Of these only the slots, each for itself: names are not compared or sorted. */
int mc_ring_read_slots(struct mc_ring *ring, struct mc_bytes in,
                       struct mcos_diag *diag);
int mc_ring_read_builder(struct mc_ring *ring, struct mc_bytes in,
                         struct mcos_diag *diag);
/* After the devices. Fails with DEVICE, FORMAT. */
int mc_ring_check_table(const struct mc_ring *ring, struct mcos_diag *diag);

#endif /* MCOS_RING_RING_IN_H */
