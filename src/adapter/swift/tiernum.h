/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/tiernum.h -- numbers for regions or zones, which are texts here and
 * whole numbers in Swift.
 *
 * A text that is a number as Swift writes it keeps it. Others get, in the order in
 * which the slots name them first, the smallest number from 1 that no text has. A slot
 * is never used again and keeps its texts when its device is removed, so a region that
 * comes or goes changes no other's number, unless it is called by that number.
 */
#ifndef MCOS_ADAPTER_SWIFT_TIERNUM_H
#define MCOS_ADAPTER_SWIFT_TIERNUM_H

#include "ring/ring.h"

#define MC_TIERNUM_MAX INT32_MAX

struct mc_tiernum {
    const char *text; /* lent by the ring */
    uint32_t slot;    /* the first that names it */
    uint32_t number;
    bool given; /* by us: the text is no number */
};

struct mc_tiernums {
    struct mc_tiernum *rows; /* by text */
    size_t count;
};

/* *ret is yours: mc_tiernums_fini(). The ring is borrowed until then. Fails with NOMEM.
 */
int mc_tiernums_init(const struct mc_ring *ring, bool zones, struct mc_tiernums *ret);
void mc_tiernums_fini(struct mc_tiernums *nums);

/* Of a text that a slot has. */
uint32_t mc_tiernums_get(const struct mc_tiernums *nums, const char *text);

#endif /* MCOS_ADAPTER_SWIFT_TIERNUM_H */
