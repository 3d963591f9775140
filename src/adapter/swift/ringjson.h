/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringjson.h -- the JSON part of a ring file: devices and shape. */
#ifndef MCOS_ADAPTER_SWIFT_RINGJSON_H
#define MCOS_ADAPTER_SWIFT_RINGJSON_H

#include "ring/draft.h"

#define MC_RINGJSON_NO_POWER 255u

struct mc_ringjson {
    unsigned part_power;
    unsigned next_part_power; /* MC_RINGJSON_NO_POWER: none */
    unsigned rows;            /* the last one may be short */
    bool big_endian;          /* of the ids in the rows */
};

/*
 * Reads devices into the draft and the shape into *ret. Keys without a field of
 * ours are appended to `kept` as one JSON text, compact and with sorted keys;
 * nothing is appended when there are none. `base` is the offset of the text in its
 * file. Fails as mc_ringgz_decode does.
 */
int mc_ringjson_read(struct mc_bytes text, size_t base, struct mc_draft *draft,
                     struct mc_buf *kept, struct mc_ringjson *ret,
                     struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_SWIFT_RINGJSON_H */
