/* SPDX-License-Identifier: Apache-2.0 */
/* lib/chain_text.h -- a chain as people write it: places divided by commas. */
#ifndef MCOS_LIB_CHAIN_TEXT_H
#define MCOS_LIB_CHAIN_TEXT_H

#include "resolver/chain.h"

#define MC_CHAIN_TEXT_MAX 4096u /* characters of a chain */

struct mc_chain_way {
    const char *system;  /* name of the system, for a memcached */
    uint32_t timeout_ms; /* for an answer of an agent */
};

/*
 * Adds the places of a chain (mcos/resolver.h) to `chain`, in their order. Connects
 * to nobody. Fails with CONFIG (diag->field is the place that is wrong), NOTFOUND
 * (libcurl, for an agent, is not installed), NOMEM.
 */
int mc_chain_open(struct mc_chain *chain, const char *text,
                  const struct mc_chain_way *way, struct mcos_diag *diag);

#endif /* MCOS_LIB_CHAIN_TEXT_H */
