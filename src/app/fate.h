/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/fate.h -- what became of a change after it was accepted.
 *
 * A change may lose against one made elsewhere at the same time. Then the ring is
 * everywhere, but it is not the ring that was asked for, and that is no success.
 */
#ifndef MCOS_APP_FATE_H
#define MCOS_APP_FATE_H

#include "app/api.h"

enum mc_fate {
    MC_FATE_IN_FORCE,  /* it is the ring now */
    MC_FATE_REPLACED,  /* a later version followed it */
    MC_FATE_LOST,      /* it is kept as a conflict */
    MC_FATE_ELSEWHERE, /* another version is in force; how is not known */
};

/* `change` is what the agent answered, `ring` what it says of the ring now. */
enum mc_fate mc_fate_of(const json_t *change, const json_t *ring);

/* Why a LOST or ELSEWHERE change is no success; yours, NULL when memory is out. */
json_t *mc_fate_problem(enum mc_fate fate, const json_t *change, const json_t *ring);

#endif /* MCOS_APP_FATE_H */
