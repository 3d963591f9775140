/* SPDX-License-Identifier: Apache-2.0 */
/* node/problem.h -- a failure as an answer: application/problem+json (docs/api.md). */
#ifndef MCOS_NODE_PROBLEM_H
#define MCOS_NODE_PROBLEM_H

#include "port/serve.h"
#include "ring/ring.h"

/*
 * Fills the response: status, code, text, field and hint of it. diag may be NULL;
 * held, the record that stands in the way, too: it goes into 412 and 428.
 */
void mc_problem(struct mc_response *response, int code, const struct mcos_diag *diag,
                const struct mc_ring *held);

#endif /* MCOS_NODE_PROBLEM_H */
