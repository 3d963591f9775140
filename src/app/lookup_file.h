/* SPDX-License-Identifier: Apache-2.0 */
/* app/lookup_file.h -- look-ups in a file, one or line by line. */
#ifndef MCOS_APP_LOOKUP_FILE_H
#define MCOS_APP_LOOKUP_FILE_H

#include "app/cli.h"

#include "ring/lookup.h"

#define MC_LOOKUP_HANDOFFS_MAX 1000u
#define MC_LOOKUP_LINE_MAX     (1u << 20) /* bytes of one input line */

/* mcos lookup --file. */
int mc_lookup_file(struct mc_cli *cli);

/*
 * Splits `account<TAB>container<TAB>object` (borrowed; no line end). An empty
 * part and \N are absent. Fails with VALUE: no account, an object without
 * container, more than three parts. Pure.
 */
int mc_lookup_line(struct mc_bytes line, struct mc_key *ret_key,
                   struct mcos_diag *diag);

/* A document of a look-up as a table. */
int mc_lookup_print(const struct mc_out *out, const json_t *doc);

/* The same with what was added to it; or as JSON. */
int mc_lookup_tell(const struct mc_out *out, json_t *take_doc);

/* Account, container and object as words of the command line (borrowed). */
void mc_lookup_key(const char *const *words, unsigned count, struct mc_key *ret);

/* --handoffs. */
int mc_lookup_want(struct mc_cli *cli, unsigned long long *ret_handoffs);

#endif /* MCOS_APP_LOOKUP_FILE_H */
