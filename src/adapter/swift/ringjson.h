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
    unsigned id_bytes;        /* of an id in them: 2, 4 or 8 */
    bool big_endian;          /* of the ids */
    double replicas;          /* version 2: what the metadata say, or -1 */
};

/*
 * The JSON of version 1: reads devices into the draft and the shape into *ret. Keys
 * without a field of ours are appended to `kept` as one JSON text, compact and with
 * sorted keys; nothing is appended when there are none. `base` is the offset of the
 * text in its file. Fails as mc_ringgz_decode does.
 */
int mc_ringjson_read(struct mc_bytes text, size_t base, struct mc_draft *draft,
                     struct mc_buf *kept, struct mc_ringjson *ret,
                     struct mcos_diag *diag);

/* A text and the offset of it in its file. */
struct mc_ringjson_text {
    struct mc_bytes bytes;
    size_t base;
};

/*
 * The same of version 2, which has the devices apart; ret->rows is 0. A width of ids
 * that we would not choose is kept as the key dev_id_bytes.
 */
int mc_ringjson_read_v2(const struct mc_ringjson_text *metadata,
                        const struct mc_ringjson_text *devices, struct mc_draft *draft,
                        struct mc_buf *kept, struct mc_ringjson *ret,
                        struct mcos_diag *diag);

/* Bytes of an id where nothing else was asked for, as Swift chooses them. */
unsigned mc_ringjson_id_bytes(uint32_t device_count);

#endif /* MCOS_ADAPTER_SWIFT_RINGJSON_H */
