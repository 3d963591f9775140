/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringv2.h -- a ring file of version 2: sections, an index, checksums. */
#ifndef MCOS_ADAPTER_SWIFT_RINGV2_H
#define MCOS_ADAPTER_SWIFT_RINGV2_H

#include "adapter/swift/ringjson.h"
#include "adapter/swift/source.h"

#define MC_RINGV2_METADATA    "swift/ring/metadata"
#define MC_RINGV2_DEVICES     "swift/ring/devices"
#define MC_RINGV2_ASSIGNMENTS "swift/ring/assignments"
#define MC_RINGV2_SIZE_BYTES  8u  /* of a length or an offset, big-endian */
#define MC_RINGV2_TAIL_BYTES  16u /* both places of the index */

/*
 * What follows magic and version: devices, table and assignments go into the draft,
 * unknown keys to `kept` (ringjson.h). Fails as mc_ringgz_decode.
 */
int mc_ringv2_read(struct mc_source *s, struct mc_draft *draft, struct mc_buf *kept,
                   struct mc_ringjson *ret);

#endif /* MCOS_ADAPTER_SWIFT_RINGV2_H */
