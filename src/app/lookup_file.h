/* SPDX-License-Identifier: Apache-2.0 */
/* app/lookup_file.h -- look-ups in a ring that is here. */
#ifndef MCOS_APP_LOOKUP_FILE_H
#define MCOS_APP_LOOKUP_FILE_H

#include "app/cli.h"
#include "app/lookup_lines.h"

/* mcos lookup --file, and --stdin with or without it: by a ring that is read first. */
int mc_lookup_here(struct mc_cli *cli);

/* A document of a look-up as a table. */
int mc_lookup_print(const struct mc_out *out, const json_t *doc);

/* The same with what was added to it; or as JSON. */
int mc_lookup_tell(const struct mc_out *out, json_t *take_doc);

/* Account, container and object as words of the command line (borrowed). */
void mc_lookup_key(const char *const *words, unsigned count, struct mc_key *ret);

/* --handoffs. */
int mc_lookup_want(struct mc_cli *cli, unsigned long long *ret_handoffs);

#endif /* MCOS_APP_LOOKUP_FILE_H */
