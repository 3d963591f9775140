/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringdevice.h -- one device of a ring file, from its JSON. */
#ifndef MCOS_ADAPTER_SWIFT_RINGDEVICE_H
#define MCOS_ADAPTER_SWIFT_RINGDEVICE_H

#include "adapter/swift/ringtake.h"

#define MC_RINGDEVICE_NUMBER_MAX INT32_MAX /* of a region or a zone */

/* Reads an object, or null for a removed device, into the draft's slot; keys that we
 * do not know go into `kept` under the slot's number. */
void mc_ringdevice_read(struct mc_taking *r, json_t *object, uint32_t slot,
                        json_t *kept);

#endif /* MCOS_ADAPTER_SWIFT_RINGDEVICE_H */
