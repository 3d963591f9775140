/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/front.h -- the front of a record's head: what every format has in the
 * same places (docs/format.md), so that a record of a later format, which
 * cannot be read, can still be named, ordered and kept.
 */
#ifndef MCOS_RING_FRONT_H
#define MCOS_RING_FRONT_H

#include "ring/record.h"

struct mc_front {
    unsigned format;
    uint32_t head_bytes;
    uint8_t system[MC_UID_BYTES];
    uint16_t epoch;
    uint64_t version;
    uint64_t timestamp;
    uint8_t digest[MC_DIGEST_BYTES];
};

/*
 * Any input is safe; bytes may be cut after the head. Fails with FORMAT (no
 * record, or cut short in the head), TOOBIG, VALUE (a stamp out of range).
 */
int mc_front_decode(struct mc_bytes bytes, struct mc_front *ret_front);

#endif /* MCOS_RING_FRONT_H */
