/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/devwrite.h -- the devices of a ring as Swift's JSON.
 *
 * id, ip (our host), port, device, meta, region, zone and weight always;
 * replication_ip and replication_port where they are known; and the keys that an
 * import kept. A device without `device` is called by its name there. Its name and
 * its cluster have no place in Swift.
 */
#ifndef MCOS_ADAPTER_SWIFT_DEVWRITE_H
#define MCOS_ADAPTER_SWIFT_DEVWRITE_H

#include "adapter/swift/tiernum.h"

#include <jansson.h>

struct mc_devwrite {
    const struct mc_ring *ring; /* borrowed */
    struct mc_tiernums regions;
    struct mc_tiernums zones;
    json_t *kept; /* {"ring": {}, "devs": {}}, of an import; never NULL */
    struct mcos_diag *diag;
};

/*
 * Looks at every device first: what Swift could not tell apart or not say is refused.
 * Give back with mc_devwrite_fini(), on failure too. Fails with DEVICE, VALUE, TOOBIG,
 * FORMAT (what an import kept is no JSON), NOMEM.
 */
int mc_devwrite_init(struct mc_devwrite *w, const struct mc_ring *ring,
                     struct mcos_diag *diag);
void mc_devwrite_fini(struct mc_devwrite *w);

/* Appends the list. Fails with NOMEM. */
int mc_devwrite_list(const struct mc_devwrite *w, struct mc_buf *b);

#endif /* MCOS_ADAPTER_SWIFT_DEVWRITE_H */
