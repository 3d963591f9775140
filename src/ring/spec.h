/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/spec.h -- what an operator asks for: a ring without its table.
 *
 * The JSON form is parsed above (node/spec.h); this is the value the builder
 * takes. A device is known by its name.
 */
#ifndef MCOS_RING_SPEC_H
#define MCOS_RING_SPEC_H

#include "ring/record.h"

struct mc_spec {
    unsigned part_power; /* 0 .. MC_PART_POWER_MAX */
    /*
     * Swift's, while its partitions are split: part_power + 1 at first, then
     * part_power; nothing moves meanwhile. 0: none.
     */
    unsigned next_part_power;
    uint64_t replicas; /* millionths: 3.25 is 3250000; 1 .. MC_REPLICAS_MAX */
    uint32_t overload; /* millionths */
    uint32_t min_move_seconds;
    bool strict; /* a rebalance keeps floor too, not only ceil */
    enum mc_hash_kind hash;
    const char *note;          /* "" if none */
    struct mc_device *devices; /* as given; `removed` is false for all */
    uint32_t device_count;
};

/* floor(2^part_power * replicas): the whole rows, and the short last one. */
uint64_t mc_spec_assignments(const struct mc_spec *spec);

/*
 * Says what is wrong with a spec before anything is built: part power, replica
 * count, weights (all zero), names twice, texts too long, more replicas than
 * devices with weight. What cannot be placed is told with the nearest that can.
 * Fails with PARTPOWER, VALUE, WEIGHT, DEVICE, PLACEMENT, TOOBIG; diag->field is
 * a JSON pointer into the spec.
 */
int mc_spec_check(const struct mc_spec *spec, struct mcos_diag *diag);

#endif /* MCOS_RING_SPEC_H */
