/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringwrite.h -- a ring as OpenStack Swift's `.ring.gz`.
 *
 * The bytes follow from the ring and the version alone, on every machine: JSON as
 * Swift's Python writes it, ids little-endian (version 1) or big-endian (2), blocks
 * that are stored and not compressed, no name and no time in the gzip head. What
 * a ring file has no place for is left out: docs/cli.md has the list, field by field.
 */
#ifndef MCOS_ADAPTER_SWIFT_RINGWRITE_H
#define MCOS_ADAPTER_SWIFT_RINGWRITE_H

#include "adapter/swift/ringgz.h"

/* Version 1 where it can hold the ring, otherwise 2. */
#define MC_RINGGZ_FITTING 0u

/*
 * Appends the file to b. `version` is MC_RINGGZ_V1, _V2 or _FITTING; *ret_version (may
 * be NULL) is what was written. Pure; any thread.
 *
 * Fails with DELETED (a tombstone), VALUE (not Swift's hash; a device without host or
 * device), DEVICE (two in one place), TOOBIG (more slots than version 1 has ids),
 * FORMAT, NOMEM; diag->field is a JSON pointer into the ring as the API shows it.
 */
int mc_ringgz_encode(const struct mc_ring *ring, unsigned version, struct mc_buf *b,
                     unsigned *ret_version, struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_SWIFT_RINGWRITE_H */
