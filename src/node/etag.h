/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/etag.h -- a record as an ETag, and preconditions as what a change expects:
 * `"7-91d0aa02"`, after an override `"e1.7-91d0aa02"`.
 */
#ifndef MCOS_NODE_ETAG_H
#define MCOS_NODE_ETAG_H

#include "node/agent.h"

#define MC_ETAG_MAX 48u

/* With its quotes. */
void mc_etag_format(const struct mc_head *head, char dst[MC_ETAG_MAX]);

/* Exactly one strong tag of the form above. Fails with USAGE. */
int mc_etag_parse(const char *text, struct mc_expect *ret_expect);

/*
 * What the headers (each may be NULL) say that a change expects. Fails with PRECOND
 * (they say nothing), USAGE (not understood, or both); diag->field is the header.
 */
int mc_etag_expect(const char *if_match, const char *if_none_match,
                   struct mc_expect *ret_expect, struct mcos_diag *diag);

#endif /* MCOS_NODE_ETAG_H */
