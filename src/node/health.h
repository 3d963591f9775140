/* SPDX-License-Identifier: Apache-2.0 */
/* node/health.h -- is this agent, is the system well, and if not, why. */
#ifndef MCOS_NODE_HEALTH_H
#define MCOS_NODE_HEALTH_H

#include "node/agent.h"

#include <jansson.h>

/* Appends a sentence to the reasons (NULL is fine), unless there are very many. */
void mc_health_add(json_t *reasons, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The /readyz rule; reasons against it are appended as sentences (may be NULL). */
bool mc_health_ready(const struct mc_agent *agent, json_t *reasons);

enum mc_verdict_kind { MC_HEALTH_OK, MC_HEALTH_DEGRADED, MC_HEALTH_FAILING };

struct mc_health {
    enum mc_verdict_kind verdict;
    size_t clusters_active; /* this one included */
    size_t clusters_inactive;
    size_t rings; /* without deleted ones */
    size_t rings_converged;
};

/* The verdict for the system, with its reasons as sentences. */
struct mc_health mc_health_of(const struct mc_agent *agent, json_t *reasons);

#endif /* MCOS_NODE_HEALTH_H */
