/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/routes.h -- the HTTP API (docs/api.md) as a handler over an agent.
 *
 * It knows no socket and no adapter: requests come through port/serve.h, whoever
 * read them, and what imports a Swift ring is handed in by the roof.
 */
#ifndef MCOS_NODE_ROUTES_H
#define MCOS_NODE_ROUTES_H

#include "node/agent.h"
#include "port/serve.h"
#include "port/work.h"
#include "ring/lookup.h"

struct mc_routes_config {
    const char *system;      /* its name, for the status; copied */
    struct mc_secret secret; /* of this machine's swift.conf, or empty; borrowed for
                                the handler's life */
    /*
     * Turns the body of an import (docs/api.md) into placement and devices of an
     * initialised draft; NULL: imports are refused. The secret, never NULL, may be
     * empty. *extra starts as {0} and outlives the draft, which may point into it. A
     * failed draft is only good for mc_draft_fini(). Called on the worker's threads, so
     * import_ctx is read only.
     */
    int (*import_swift)(void *ctx, struct mc_bytes gz, const struct mc_secret *secret,
                        struct mc_draft *draft, struct mc_buf *extra,
                        struct mcos_diag *diag);
    void *import_ctx;
    /*
     * Appends a ring as a `.ring.gz` of version 1 or 2 of Swift's format, 0: of the
     * first that can hold it. NULL: exports are refused. With import_ctx, on the
     * worker's threads.
     */
    int (*export_swift)(void *ctx, const struct mc_ring *ring, unsigned format,
                        struct mc_buf *b, struct mcos_diag *diag);
    /*
     * Why the folder for Swift does not hold what it should: the i-th sentence, lent
     * until the next call, or NULL: no more. NULL itself: there is no such folder.
     */
    const char *(*swift_trouble)(void *ctx, size_t i);
    void *swift_ctx;
    struct mc_work
        *work; /* builds and reads imports; borrowed for the handler's life */
};

/* The agent is borrowed for the handler's life. *ret_handler is yours. Fails with
 * NOMEM. */
int mc_routes_new(struct mc_agent *agent, const struct mc_routes_config *config,
                  struct mc_handler **ret_handler);
/* After the worker is done with every job. NULL is fine. */
void mc_routes_free(struct mc_handler *handler);

#endif /* MCOS_NODE_ROUTES_H */
