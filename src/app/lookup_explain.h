/* SPDX-License-Identifier: Apache-2.0 */
/* app/lookup_explain.h -- how the answer to a look-up came about. */
#ifndef MCOS_APP_LOOKUP_EXPLAIN_H
#define MCOS_APP_LOOKUP_EXPLAIN_H

#include "app/out.h"
#include "ring/lookup.h"

#define MC_EXPLAIN_HANDOFFS 3u /* asked for where no number is given */

/*
 * Adds `explain` to the document of a look-up (docs/cli.md, "Look-ups"), out of its own
 * hash, partition, partitions, devices and handoffs. `source` is who answered.
 * Fails with NOMEM.
 */
int mc_explain_add(json_t *doc, const struct mc_key *key, const char *source);

/* What it says, for people. */
void mc_explain_print(const json_t *doc);

#endif /* MCOS_APP_LOOKUP_EXPLAIN_H */
