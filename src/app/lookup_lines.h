/* SPDX-License-Identifier: Apache-2.0 */
/* app/lookup_lines.h -- look-ups of names that come line by line. */
#ifndef MCOS_APP_LOOKUP_LINES_H
#define MCOS_APP_LOOKUP_LINES_H

#include "app/cli.h"

#include "ring/lookup.h"

#define MC_LOOKUP_HANDOFFS_MAX 1000u
#define MC_LOOKUP_LINE_MAX     (1u << 20) /* bytes of one input line */

/*
 * Splits `account<TAB>container<TAB>object` (borrowed; no line end). An empty
 * part and \N are absent. Fails with VALUE: no account, an object without
 * container, more than three parts. Pure.
 */
int mc_lookup_line(struct mc_bytes line, struct mc_key *ret_key,
                   struct mcos_diag *diag);

/*
 * Answers standard input, a line for each line and in order, in batches of what has
 * come: nothing waits for a line that is not there yet. `secret` is what
 * mc_lookup_secret returned. Returns the exit status, or fails with NOMEM, IO.
 */
int mc_lookup_lines(struct mc_cli *cli, const struct mc_ring *ring,
                    const struct mc_secret *secret, size_t handoffs);

#endif /* MCOS_APP_LOOKUP_LINES_H */
