/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract/contract_store.h -- the proof of port/store.h, for any store.
 *
 * Who has a store fills in a world, embedded in a struct of its own, and runs
 * the suite. Each case starts with a fresh one.
 */
#ifndef MCOS_TEST_CONTRACT_STORE_H
#define MCOS_TEST_CONTRACT_STORE_H

#include "port/store.h"

struct contract_store_world {
    const char *name;       /* of the adapter, for the output */
    unsigned keeps;         /* older versions that get_digest still has; at least 2 */
    bool looks;             /* it has keeps() */
    struct mc_store *store; /* what the cases call; the functions below set it */
    /* An open store that holds nothing. 0 or an error. */
    int (*fresh)(struct contract_store_world *world);
    /* Closes it and opens it again, as a restart of the process would. */
    int (*reopen)(struct contract_store_world *world);
    void (*close)(struct contract_store_world *world);
    /* From now on whatever writes fails, until called with false. NULL: cannot. */
    void (*break_writes)(struct contract_store_world *world, bool on);
    /* Takes what is held from under the open store. NULL: cannot. */
    void (*wipe)(struct contract_store_world *world);
};

/* How many cases failed. */
int contract_store_run(struct contract_store_world *world);

#endif /* MCOS_TEST_CONTRACT_STORE_H */
