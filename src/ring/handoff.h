/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/handoff.h -- handoffs in Swift's order, for many questions to one ring.
 *
 * Where a replica goes when a primary is away: first to regions that hold none,
 * then to new zones, new hosts, and at last to any device. Knowing which device
 * stands in which region, zone and host costs a sort; it is done once here.
 */
#ifndef MCOS_RING_HANDOFF_H
#define MCOS_RING_HANDOFF_H

#include "ring/ring.h"

struct mc_tiers;

/*
 * The ring is borrowed until mc_tiers_free: hold a reference as long. On success
 * *ret_tiers is yours. Fails with NOMEM.
 */
int mc_tiers_new(const struct mc_ring *ring, struct mc_tiers **ret_tiers);
void mc_tiers_free(struct mc_tiers *tiers); /* NULL is fine */

/* So many handoffs are found without allocating; on some 35 KB of stack. */
#define MC_TIERS_WANT_MAX 1008u

/*
 * Up to `want` handoff devices of a partition into ids; returns how many there
 * are. 0 for a partition that the ring does not have. Fails with NOMEM, but not up to
 * MC_TIERS_WANT_MAX.
 */
long mc_tiers_handoffs(const struct mc_tiers *tiers, uint32_t part, uint32_t *ids,
                       size_t want);

/* The top part_power bits of the first four bytes, big-endian, as Swift takes them. */
static inline uint32_t mc_part_of_md5(const uint8_t digest[MC_MD5_BYTES],
                                      unsigned part_power)
{
    uint32_t top = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
                   (uint32_t)digest[2] << 8 | (uint32_t)digest[3];

    return part_power == 0 ? 0 : top >> (32 - part_power);
}

#endif /* MCOS_RING_HANDOFF_H */
