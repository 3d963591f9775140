/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_site.h -- one cluster of the demo: an mcosd process of ours.
 *
 * All of the demo's files are in one folder that it made itself; what it ends
 * and removes are these processes, by their ids, and that folder.
 */
#ifndef MCOS_APP_DEMO_SITE_H
#define MCOS_APP_DEMO_SITE_H

#include "app/api.h"
#include "app/cli.h"
#include "app/demo_engine.h"

#define MC_DEMO_SITES      MC_ENGINE_SITES
#define MC_SOCKET_PATH_MAX 107u /* what the system takes for a unix socket */

struct mc_site {
    const char *name;
    const char *region;
    const char *zone;
    char server[MC_DEMO_PATH_MAX + 64]; /* unix:PATH */
    struct mc_process process;
    struct mc_api api;
};

struct mc_world {
    char folder[MC_DEMO_PATH_MAX]; /* "" before open */
    char mcosd[MC_DEMO_PATH_MAX];
    char examples[MC_DEMO_PATH_MAX];
    bool keep;
    struct mc_engines engines;
    struct mc_site sites[MC_DEMO_SITES];
};

/*
 * Finds mcosd, the examples and, for the full demo, the engines; makes the folder.
 * Starts nobody. Fails with NOTFOUND, IO, NOMEM.
 */
int mc_world_open(struct mc_world *world, bool keep, bool full, struct mcos_diag *diag);

/* Ends what still runs, unless it is to be kept, and then removes the folder. */
void mc_world_close(struct mc_world *world);

/* Starts the process; does not wait for it. Fails with IO. */
int mc_site_start(struct mc_world *world, struct mc_site *site, struct mcos_diag *diag);

#endif /* MCOS_APP_DEMO_SITE_H */
