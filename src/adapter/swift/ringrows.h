/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringrows.h -- the table of a ring file: who has which replica. */
#ifndef MCOS_ADAPTER_SWIFT_RINGROWS_H
#define MCOS_ADAPTER_SWIFT_RINGROWS_H

#include "adapter/swift/ringjson.h"
#include "adapter/swift/source.h"

/*
 * Reads shape->rows rows, the last of which ends where the stream or its limit does,
 * into draft->table, and sets draft->head.assignments. Every id must name a device
 * of the draft, no partition the same one twice. Fails with FORMAT, DEVICE, TOOBIG,
 * NOMEM.
 */
int mc_ringrows_read(struct mc_source *s, const struct mc_ringjson *shape,
                     struct mc_draft *draft);

#endif /* MCOS_ADAPTER_SWIFT_RINGROWS_H */
