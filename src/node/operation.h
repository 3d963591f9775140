/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/operation.h -- one change asked for twice is made once (Idempotency-Key).
 *
 * What a client calls its change, with the request itself, makes the operation's id,
 * and that is part of the record: so whoever holds the record knows that it was made,
 * after a crash and on another cluster too. Nothing else is kept.
 */
#ifndef MCOS_NODE_OPERATION_H
#define MCOS_NODE_OPERATION_H

#include "node/agent.h"
#include "port/serve.h"

#define MC_OPERATION_KEY_MAX 128u /* characters, all visible ASCII */
#define MC_OPERATION_DEPTH   16u  /* so many versions back it is looked for */

struct mc_operation {
    bool named; /* the client gave a key */
    uint8_t id[MC_UID_BYTES];
};

/* Fails with USAGE: the key is no key. */
int mc_operation_of(const struct mc_request *request, struct mc_operation *ret,
                    struct mcos_diag *diag);

/*
 * The record of this ring that the operation made: the one held, or with `deep` one of
 * those that it descends from and that are still kept. *ret_made is yours, and so is
 * *ret_old, what it replaced, if that is still kept and no tombstone (else NULL).
 * *ret_replaces: there was such a one, as far as can be told. Fails with NOTFOUND.
 */
int mc_operation_find(const struct mc_agent *agent, const char *ring,
                      const struct mc_operation *operation, bool deep,
                      struct mc_ring **ret_made, struct mc_ring **ret_old,
                      bool *ret_replaces);

#endif /* MCOS_NODE_OPERATION_H */
