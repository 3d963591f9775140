/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/curl/answer.h -- what a resolver reads in an agent's JSON (docs/api.md). */
#ifndef MCOS_ADAPTER_CURL_ANSWER_H
#define MCOS_ADAPTER_CURL_ANSWER_H

#include "port/source.h"

#define MC_ANSWER_BYTES_MAX (4u << 20) /* of a document about clusters */

/* The code of a problem document, or 0 if it is none that we know. Any input is safe.
 */
int mc_answer_problem(struct mc_bytes body);

/*
 * GET /v1/clusters: the clusters sorted by name, yours (free), and when another
 * one was last heard to hold all the same (ns since 1970, 0: never). Any input is
 * safe. Fails with JSON, FORMAT, TOOBIG, NOMEM; diag says what is wrong.
 */
int mc_answer_clusters(struct mc_bytes body, struct mc_cluster **ret_clusters,
                       size_t *ret_count, int64_t *ret_confirmed,
                       struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_CURL_ANSWER_H */
