/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/token.h -- the token of a plan: which ring it starts from and what comes out.
 *
 *     pl_7-91d0aa02-5be1c04d9a3b7e21
 *
 * The ETag of the ring before ("0": none), and the first 8 bytes of a digest of the
 * placement, the devices and all that the spec says. It is derived, so an agent keeps
 * nothing of its plans, and every agent gives the same token for the same plan.
 */
#ifndef MCOS_NODE_TOKEN_H
#define MCOS_NODE_TOKEN_H

#include "ring/draft.h"

#define MC_TOKEN_MAX 80u

/* base: NULL if there is none, else its head. Fails with NOMEM. */
int mc_token_format(const struct mc_head *base, const struct mc_draft *draft,
                    char dst[MC_TOKEN_MAX]);

/*
 * Could the token be one of a plan from this base? Fails with USAGE (it is none),
 * PLANSTALE (it starts from another).
 */
int mc_token_check_base(const char *token, const struct mc_head *base,
                        struct mcos_diag *diag);

/* The two must be equal. Fails with PLANSTALE. */
int mc_token_check(const char *given, const char *made, struct mcos_diag *diag);

#endif /* MCOS_NODE_TOKEN_H */
