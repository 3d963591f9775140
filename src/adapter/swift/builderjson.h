/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/builderjson.h -- what Swift's builder knows and its ring file does not.
 *
 * A `.builder` is a Python pickle: reading it runs code. So Python prints it, by the
 * few lines in docs/cli.md, as an object with these keys:
 *
 *     min_part_hours, overload       needed
 *     part_power, replicas, version  those of the ring file, or it is another builder's
 *     last_part_moves                hex: for each partition the hours since it moved
 * ... last_part_moves_epoch          ... counted at this time, seconds since 1970
 *
 * 255 hours are 255 or more, which no min_part_hours exceeds: such a partition may
 * move.
 */
#ifndef MCOS_ADAPTER_SWIFT_BUILDERJSON_H
#define MCOS_ADAPTER_SWIFT_BUILDERJSON_H

#include "ring/draft.h"
#include "ring/lookup.h"

#define MC_BUILDERJSON_BYTES_MAX MC_SPEC_BYTES_MAX

/*
 * Sets overload, min_move_seconds and last moves of a draft that mc_ringgz_decode made.
 * Any input is safe. Fails with JSON, FIELD, VALUE, TOOBIG, CONFLICT (another
 * builder's, or it was changed since), NOMEM; diag->field is a JSON pointer.
 */
int mc_builderjson_read(struct mc_bytes text, struct mc_draft *draft,
                        struct mcos_diag *diag);

/* Appends {"ring": gz in base 64, "builder": text}: both in one body, for an agent. */
void mc_builderjson_join(struct mc_buf *b, struct mc_bytes gz, struct mc_bytes text);

/* Such a body, or a `.ring.gz` alone, as mc_ringgz_decode. */
int mc_builderjson_decode(struct mc_bytes body, const struct mc_secret *secret,
                          struct mc_draft *draft, struct mc_buf *extra,
                          struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_SWIFT_BUILDERJSON_H */
