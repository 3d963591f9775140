/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/chaos.h -- random worlds: everything goes wrong for a while, then nothing
 * does, and what must be true (sim/check.h) is looked at all along.
 */
#ifndef MCOS_SIM_CHAOS_H
#define MCOS_SIM_CHAOS_H

#include <stdbool.h>
#include <stdint.h>

struct sim_chaos_result {
    uint64_t hash;       /* of the trace */
    uint64_t faults;     /* how many were thrown in */
    uint64_t minted;     /* records that operators were told are safe */
    uint64_t healed_ms;  /* from healing until all agreed */
    uint64_t virtual_ms; /* how long the world lived */
    char violation[256]; /* "" if nothing was wrong */
};

/* mixed: machines of this version and of the next one, up- and downgraded at will. */
void sim_chaos_run(uint64_t seed, bool mixed, bool show, struct sim_chaos_result *ret);

#endif /* MCOS_SIM_CHAOS_H */
