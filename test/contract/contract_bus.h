/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract_bus.h -- what every bus must do (port/bus.h), as one suite.
 *
 * A world makes buses and lets time pass; the suite knows no implementation. Run
 * it from a main() of your own: an executable per implementation.
 */
#ifndef MCOS_TEST_CONTRACT_BUS_H
#define MCOS_TEST_CONTRACT_BUS_H

#include "port/bus.h"

struct mc_contract_bus_world {
    void *ctx;
    /* Forgets everything: no queues, no letters. All buses are closed. */
    void (*reset)(void *ctx);
    /* A site of this name; uid is 16 times `uid`. Yours (ops->close). */
    int (*open)(void *ctx, const char *cluster, uint8_t uid, struct mc_bus **ret_bus);
    /* Waits until the bus may have something to say, `ms` at most. */
    void (*wait)(void *ctx, struct mc_bus *bus, uint64_t ms);
    /* Lets time pass for all clocks, at once. */
    void (*advance)(void *ctx, uint64_t ms);
    uint64_t talk_ttl_ms;
    uint64_t
        quiet_ms; /* nothing came for so long: nothing comes; 0: as the suite has it */
    unsigned records_max; /* letters of a records queue */
};

/* The number of cases that failed. */
int mc_contract_bus(const char *name, const struct mc_contract_bus_world *world);

#endif /* MCOS_TEST_CONTRACT_BUS_H */
