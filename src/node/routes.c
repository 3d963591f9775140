/* SPDX-License-Identifier: Apache-2.0 */
/* node/routes.c -- which path and method is whose. */
#include "node/routes.h"

#include "node/problem.h"
#include "node/routes_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING_PREFIX "/v1/rings/"
/* Of a request that will be refused anyway: read, so that the refusal is seen. */
#define REFUSED_BYTES_MAX 65536u

typedef void handle_call(struct mc_call *call);

struct route {
    const char *path;   /* whole, or what follows the ring's name */
    const char *params; /* names that a query may have, with a space after each */
    handle_call *get;
    handle_call *put; /* or POST, where that is what is allowed */
    handle_call *del;
    const char *allow;
    size_t put_bytes_max;
};

#define READS "GET, HEAD"

static const struct route routes[] = {
    {"/livez", "", mc_get_livez, NULL, NULL, READS, 0},
    {"/readyz", "", mc_get_readyz, NULL, NULL, READS, 0},
    {"/v1/status", "", mc_get_status, NULL, NULL, READS, 0},
    {"/v1/rings", "", mc_get_rings, NULL, NULL, READS, 0},
    {"/v1/convergence", "", mc_get_convergence, NULL, NULL, READS, 0},
    {"/v1/clusters", "", mc_get_clusters, NULL, NULL, READS, 0},
    {"/v1/agents", "", mc_get_agents, NULL, NULL, READS, 0},
};

static const struct route ring_routes[] = {
    {"", "plan ", mc_get_ring, mc_put_ring, mc_delete_ring, "GET, HEAD, PUT, DELETE",
     MC_SPEC_BYTES_MAX},
    {"/plan", "", NULL, mc_post_plan, NULL, "POST", MC_SPEC_BYTES_MAX},
    {"/spec", "", mc_get_spec, NULL, NULL, READS, 0},
    {"/file", "", mc_get_file, NULL, NULL, READS, 0},
    {"/swift", "format ", mc_get_swift, NULL, NULL, READS, 0},
    {"/import", "prefix suffix ", NULL, mc_put_import, NULL, "PUT",
     MC_IMPORT_BYTES_MAX},
    {"/lookup", "account container object handoffs version ", mc_get_lookup, NULL, NULL,
     READS, 0},
    {"/convergence", "", mc_get_ring_convergence, NULL, NULL, READS, 0},
};

/* NULL: no such path. *ret_name is the ring's name in the path and its length. */
static const struct route *find_route(const char *path, struct mc_bytes *ret_name)
{
    const char *name = path + strlen(RING_PREFIX);
    const char *rest;

    *ret_name = (struct mc_bytes){0};
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    }
    if (strncmp(path, RING_PREFIX, strlen(RING_PREFIX)) != 0)
        return NULL;
    rest = strchr(name, '/');
    if (rest == NULL)
        rest = name + strlen(name);
    for (size_t i = 0; i < sizeof(ring_routes) / sizeof(ring_routes[0]); i++) {
        if (strcmp(ring_routes[i].path, rest) == 0) {
            *ret_name = (struct mc_bytes){(const uint8_t *)name, (size_t)(rest - name)};
            return &ring_routes[i];
        }
    }
    return NULL;
}

static handle_call *find_method(const struct route *route, const char *method)
{
    if (strcmp(method, "GET") == 0)
        return route->get;
    if (strcmp(method, strcmp(route->allow, "POST") == 0 ? "POST" : "PUT") == 0)
        return route->put;
    if (strcmp(method, "DELETE") == 0)
        return route->del;
    return NULL;
}

static size_t body_max(struct mc_handler *handler, const char *method, const char *path)
{
    struct mc_bytes name;
    const struct route *route = find_route(path, &name);

    (void)handler;
    if (route == NULL || find_method(route, method) == NULL)
        return REFUSED_BYTES_MAX;
    return find_method(route, method) == route->put ? route->put_bytes_max : 0;
}

/* Every parameter is one that the route knows, and comes once. */
static int check_params(const struct mc_request *request, const struct route *route,
                        struct mcos_diag *diag)
{
    for (size_t i = 0; i < request->query_count; i++) {
        const char *name = request->query[i].name;
        const char *at = strstr(route->params, name);
        size_t len = strlen(name);

        if (at == NULL || len == 0 || at[len] != ' ' ||
            (at != route->params && at[-1] != ' '))
            return mcos_diag_set(diag, MCOS_E_FIELD, name, "unknown parameter");
        for (size_t k = 0; k < i; k++) {
            if (strcmp(request->query[k].name, name) == 0)
                return mcos_diag_set(diag, MCOS_E_FIELD, name, "given twice");
        }
    }
    return 0;
}

static int take_name(struct mc_call *call, struct mc_bytes raw, struct mcos_diag *diag)
{
    char text[MC_NAME_MAX + 1] = "";

    if (raw.len <= MC_NAME_MAX)
        memcpy(text, raw.ptr, raw.len);
    if (!mc_name_set(&call->ring, text))
        return mcos_diag_set(diag, MCOS_E_NAME, "",
                             "the ring's name wants [a-z0-9][a-z0-9_-]{0,63}");
    return 0;
}

static void handle(struct mc_handler *handler, const struct mc_request *request,
                   struct mc_response *response)
{
    struct mc_routes *self = (struct mc_routes *)handler;
    struct mc_call call;
    struct mcos_diag diag = {.offset = -1};
    struct mc_bytes name;
    const struct route *route = find_route(request->path, &name);
    handle_call *method;
    int r = 0;

    mc_call_init(&call, self, NULL, response);
    self->figures_budget = self->figures_per_request;
    self->harms.budget = self->figures_per_request;
    call.request = request;
    if (route == NULL) {
        (void)mcos_diag_set(&diag, MCOS_E_NOTFOUND, "", "no such path");
        mc_call_fail(&call, MCOS_E_NOTFOUND, &diag);
        return;
    }
    method = find_method(route, request->method);
    if (method == NULL) {
        response->allow = route->allow;
        (void)mcos_diag_set(&diag, MCOS_E_METHOD, "", "allowed here: %s", route->allow);
        mc_call_fail(&call, MCOS_E_METHOD, &diag);
        return;
    }
    if (name.ptr != NULL)
        r = take_name(&call, name, &diag);
    if (r == 0)
        r = check_params(request, route, &diag);
    if (r != 0) {
        mc_call_fail(&call, r, &diag);
        return;
    }
    method(&call);
}

int mc_routes_new(struct mc_agent *agent, const struct mc_routes_config *config,
                  struct mc_handler **ret_handler)
{
    struct mc_routes *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return MCOS_E_NOMEM;
    self->handler.body_max = body_max;
    self->handler.handle = handle;
    self->agent = agent;
    self->config = *config;
    (void)snprintf(self->system, sizeof(self->system), "%s", config->system);
    self->config.system = self->system;
    self->figures_per_request = MC_FIGURES_PER_REQUEST;
    *ret_handler = &self->handler;
    return 0;
}

void mc_routes_free(struct mc_handler *handler)
{
    struct mc_routes *self = (struct mc_routes *)handler;

    if (self == NULL)
        return;
    free(self->figures);
    free(self);
}

/* ---- what every route uses ---- */

void mc_call_init(struct mc_call *call, struct mc_routes *self,
                  const struct mc_name *ring, struct mc_response *response)
{
    *call =
        (struct mc_call){.routes = self, .agent = self->agent, .response = response};
    if (ring != NULL)
        call->ring = *ring;
    (void)snprintf(response->answered_by, sizeof(response->answered_by), "%s",
                   mc_agent_config(self->agent)->cluster.s);
}

const char *mc_call_param(const struct mc_call *call, const char *name)
{
    for (size_t i = 0; i < call->request->query_count; i++) {
        if (strcmp(call->request->query[i].name, name) == 0)
            return call->request->query[i].value;
    }
    return NULL;
}

void mc_call_fail(struct mc_call *call, int code, const struct mcos_diag *diag)
{
    const struct mc_ring *held = NULL;

    if (call->ring.s[0] != '\0')
        held = mc_agent_ring_find(call->agent, call->ring.s);
    mc_problem(call->response, code, diag, held);
}

const struct mc_ring *mc_call_ring(struct mc_call *call)
{
    const struct mc_ring *ring = mc_agent_ring_find(call->agent, call->ring.s);
    struct mcos_diag diag = {.offset = -1};

    if (ring == NULL) {
        int err = mc_agent_may_know(call->agent, call->ring.s, &diag);

        if (err == 0)
            err = mcos_diag_set(&diag, MCOS_E_NOTFOUND, "", "no ring %s is held here",
                                call->ring.s);
        mc_call_fail(call, err, &diag);
    }
    return ring;
}
