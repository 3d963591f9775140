/* SPDX-License-Identifier: Apache-2.0 */
/* app/lookup_everywhere.h -- what each cluster answers, as the asked agent knows it. */
#ifndef MCOS_APP_LOOKUP_EVERYWHERE_H
#define MCOS_APP_LOOKUP_EVERYWHERE_H

#include "app/cli.h"

#include "base/bytes.h"

/*
 * Adds `everywhere` to the document of a look-up (docs/cli.md, "Look-ups"). `path` is
 * what was asked, query included. Fails as the calls do, and with NOMEM.
 */
int mc_everywhere_add(struct mc_cli *cli, const char *ring, const char *path,
                      json_t *doc);

/* Whether a cluster is known to answer otherwise. False of a document without it. */
bool mc_everywhere_differs(const json_t *doc);

/* What it says, as a table. Fails with NOMEM. */
int mc_everywhere_print(const struct mc_out *out, const json_t *doc);

#endif /* MCOS_APP_LOOKUP_EVERYWHERE_H */
