/* SPDX-License-Identifier: Apache-2.0 */
/* node/routes_state.h -- what the routes share among themselves; nobody else includes
 * it. */
#ifndef MCOS_NODE_ROUTES_STATE_H
#define MCOS_NODE_ROUTES_STATE_H

#include "node/converge.h"
#include "node/routes.h"
#include "ring/build.h"

#include <jansson.h>

/* Assignments looked at on the loop for one request: some tens of milliseconds. */
#define MC_FIGURES_PER_REQUEST (1u << 20)

/* A ring name, and the figures of the record of it that was measured last. */
struct mc_figures {
    struct mc_name ring; /* first: mc_name_place */
    uint8_t digest[MC_DIGEST_BYTES];
    struct mc_build_report report;
};

struct mc_routes {
    struct mc_handler handler; /* first, so that one is the other */
    struct mc_agent *agent;
    struct mc_routes_config config;
    char system[128];
    struct mc_figures *figures; /* by name */
    size_t figures_count;
    size_t figures_cap;
    uint64_t figures_per_request;
    uint64_t figures_budget; /* what is left of it */
    bool measuring;          /* by the worker */
    struct mc_harms harms;
};

/* One request on its way, or its answer: all borrowed for the call. */
struct mc_call {
    struct mc_routes *routes;
    struct mc_agent *agent;
    const struct mc_request *request;
    struct mc_response *response;
    struct mc_name ring; /* of the path, if it names one */
};

/* An answer to be made, for a ring or (NULL) none; there is no request to look at. */
void mc_call_init(struct mc_call *call, struct mc_routes *routes,
                  const struct mc_name *ring, struct mc_response *response);
/* The value of a parameter of the query, or NULL. */
const char *mc_call_param(const struct mc_call *call, const char *name);
/* Answers with a problem; a 412 or 428 says what is held of the ring. */
void mc_call_fail(struct mc_call *call, int code, const struct mcos_diag *diag);
/* The ring of the path, lent until the next mint; NULL after it answered 404. */
const struct mc_ring *mc_call_ring(struct mc_call *call);

/* By noun: routes_ring.c, routes_change.c, routes_plan.c, routes_cluster.c,
 * routes_swift.c. */
void mc_get_rings(struct mc_call *call);
void mc_get_ring(struct mc_call *call);
void mc_get_spec(struct mc_call *call);
void mc_get_file(struct mc_call *call);
void mc_get_swift(struct mc_call *call);
void mc_get_lookup(struct mc_call *call);
void mc_put_ring(struct mc_call *call);
void mc_post_plan(struct mc_call *call);
void mc_delete_ring(struct mc_call *call);
void mc_put_import(struct mc_call *call);
void mc_get_ring_convergence(struct mc_call *call);
void mc_get_convergence(struct mc_call *call);
void mc_get_clusters(struct mc_call *call);
void mc_get_agents(struct mc_call *call);
/* The agents of this cluster; with what each holds if `holds`. Yours. */
json_t *mc_json_agents(const struct mc_agent *agent, bool holds);
void mc_get_status(struct mc_call *call);
void mc_get_livez(struct mc_call *call);
void mc_get_readyz(struct mc_call *call);

#endif /* MCOS_NODE_ROUTES_STATE_H */
