/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringgz.h -- OpenStack Swift's `.ring.gz` as a draft, versions 1 and 2.
 *
 * Devices keep their Swift ids as slots; an id that is no longer used is a
 * removed slot. A device is named `<ip>:<port>/<device>` (an IPv6 address
 * without brackets, as Swift writes it); region and zone are the decimal text
 * of Swift's numbers, host is the ip. The table is taken over exactly, a short
 * last row included. What a ring file does not hold gets a default: overload 0,
 * min_move_seconds 3600.
 *
 * Kept as JSON in `extra` (MC_EXTRA_SWIFT, docs/format.md): Swift's own
 * version counter, and every key that we do not know, of the ring and of each
 * device: {"ring": {key: value}, "devs": {"<id>": {key: value}}}. A weight's text is
 * the shortest of its number, as Swift writes it.
 *
 * Refused: version 0 (a Python pickle: reading it runs code), a file that is cut,
 * damaged or followed by something, more partitions or replicas than our limits, a
 * partition on one device twice, on a removed or an unknown one. Of version 2 the
 * three sections are read that make a ring, each against its checksum; others are
 * left aside. They are found by their uncompressed places, so a file that was
 * compressed anew, which Swift refuses, is read.
 * Any input is safe. Memory follows what the file holds, not what it claims.
 */
#ifndef MCOS_ADAPTER_SWIFT_RINGGZ_H
#define MCOS_ADAPTER_SWIFT_RINGGZ_H

#include "ring/draft.h"
#include "ring/lookup.h"

#define MC_RINGGZ_V1 1u
#define MC_RINGGZ_V2 2u

#define MC_RINGGZ_JSON_MAX    (64u << 20) /* bytes of one JSON part */
#define MC_RINGGZ_DEPTH_MAX   16u
#define MC_RINGGZ_DEVICES_MAX 65535u /* of version 1: ids are 0 .. 65534 */
#define MC_RINGGZ_MIN_MOVE_S  3600u
/* Of JSON, and with them the memory of its tree: 16 keys of every device, and itself.
 */
#define MC_RINGGZ_VALUES_MAX ((MC_RINGGZ_DEVICES_MAX + 1) * 17u)
/* Version 2 is read device by device: values of one of them, and of the metadata. */
#define MC_RINGGZ_ONE_VALUES_MAX 4096u
#define MC_RINGGZ_INDEX_MAX      (1u << 20) /* bytes of version 2's index */

/*
 * Fills an initialised draft: placement, devices, table. Not the name, stamp or
 * ancestors. `secret` (NULL: not known) gives hash_check; without it hash_check
 * is zero, and a look-up takes whatever secret it is given. The secret itself
 * does not get into the draft (mc_draft_embed_secret does that).
 *
 * *extra starts as {0} and is yours (mc_buf_fini); draft->extra points into it,
 * so keep it until the draft is encoded. On failure the draft is only good for
 * mc_draft_fini.
 *
 * Fails with FORMAT, UPGRADE, TOOBIG, DIGEST, JSON, FIELD, VALUE, WEIGHT, PARTPOWER,
 * DEVICE, NOMEM; diag->offset counts uncompressed bytes where that has a
 * meaning, diag->field is a JSON pointer into the JSON part.
 */
int mc_ringgz_decode(struct mc_bytes gz, const struct mc_secret *secret,
                     struct mc_draft *draft, struct mc_buf *extra,
                     struct mcos_diag *diag);

/* The same from the uncompressed stream. */
int mc_ringgz_decode_plain(struct mc_bytes plain, const struct mc_secret *secret,
                           struct mc_draft *draft, struct mc_buf *extra,
                           struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_SWIFT_RINGGZ_H */
