/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/extra.h -- fields that a record keeps verbatim: tag, flags, length, bytes.
 *
 * A reader skips a tag that it does not know, unless the tag says that it must
 * be understood. docs/format.md has the list of tags.
 */
#ifndef MCOS_RING_EXTRA_H
#define MCOS_RING_EXTRA_H

#include "base/bytes.h"
#include "mcos/err.h"

#define MC_EXTRA_MUST 1u /* flag: who does not know this tag must not go on */

#define MC_RULE_STRICT 1u /* of MC_EXTRA_RULE */

enum mc_extra_tag {
    MC_EXTRA_SWIFT = 1, /* JSON text: keys of a Swift ring that MCOS has no field for */
    MC_EXTRA_RULE = 2,  /* u8: 1, a rebalance keeps floor as well as ceil */
};

/* Appends one field; b->err tells. */
void mc_extra_put(struct mc_buf *b, uint16_t tag, uint16_t flags,
                  struct mc_bytes value);

/* The first field of that tag, lent by extra; false if there is none. */
bool mc_extra_find(struct mc_bytes extra, uint16_t tag, struct mc_bytes *ret_value);

/* Appends all fields but those of that tag; b->err tells. */
void mc_extra_copy_without(struct mc_buf *b, struct mc_bytes extra, uint16_t tag);

/* True if a ring with these fields is rebalanced by the strict rule. */
bool mc_extra_strict(struct mc_bytes extra);

/*
 * Well formed to the last byte, and nothing in it that we must but do not know.
 * Fails with FORMAT, UPGRADE.
 */
int mc_extra_check(struct mc_bytes extra, struct mcos_diag *diag);

#endif /* MCOS_RING_EXTRA_H */
