/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/wait.h -- waiting until a ring is everywhere, and saying for whom.
 *
 * A change is done when it is accepted; the waiting only watches. So Ctrl-C and
 * a time-out end the watching and say that the change goes on.
 */
#ifndef MCOS_APP_WAIT_H
#define MCOS_APP_WAIT_H

#include "app/cli.h"
#include "app/fate.h"

enum mc_wait_whom { MC_WAIT_ACTIVE, MC_WAIT_ALL, MC_WAIT_NONE };

struct mc_wait {
    enum mc_wait_whom whom;
    uint64_t timeout_ms;
};

/* From --wait and --wait-timeout. Fails with USAGE. */
int mc_wait_parse(struct mc_cli *cli, struct mc_wait *ret);

/*
 * Names of clusters that are waited for, appended to `names` (an array; borrowed,
 * may be NULL); how many. `convergence` is a document of the API. Pure.
 */
size_t mc_wait_missing(const json_t *convergence, enum mc_wait_whom whom,
                       json_t *names);

/*
 * The names, with commas, in at most cap bytes with the NUL: "a, b and 3 more", "3
 * clusters". cap is 48 or more. Pure.
 */
void mc_wait_names(const json_t *names, char *dst, size_t cap);

/* What the waiting saw last; mc_waited_fini() gives it back. */
struct mc_waited {
    json_t *convergence; /* or NULL */
    json_t *ring;        /* or NULL: read only if another version is in force */
    enum mc_fate fate;
};
void mc_waited_fini(struct mc_waited *waited);

/*
 * Watches the ring until it is everywhere (0), the change is known to have lost
 * (CONFLICT; see ret->fate), the time is over (MC_EXIT_WAITING) or a signal came
 * (128 + signal); progress on stderr. `change` is what the agent answered. *ret is
 * filled in each case.
 */
int mc_wait_run(struct mc_cli *cli, const json_t *change, const struct mc_wait *wait,
                struct mc_waited *ret);

#endif /* MCOS_APP_WAIT_H */
