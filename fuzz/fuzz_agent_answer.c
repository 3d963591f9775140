/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_agent_answer.c -- any bytes as what an agent says of its clusters. */
#include "adapter/curl/answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_bytes body = {data, size};
    struct mcos_diag diag = {.offset = -1};
    struct mc_cluster *clusters = NULL;
    int64_t confirmed = 0;
    size_t count = 0;
    int err = mc_answer_problem(body);

    if (err > 0)
        abort();
    err = mc_answer_clusters(body, &clusters, &count, &confirmed, &diag);
    if (err != 0) {
        if (clusters != NULL || (err != MCOS_E_NOMEM && diag.text[0] == '\0'))
            abort();
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!mc_name_ok(clusters[i].name.s) || clusters[i].state > MC_CLUSTER_LEFT ||
            (i > 0 && strcmp(clusters[i - 1].name.s, clusters[i].name.s) > 0))
            abort();
    }
    if (confirmed < 0 || count > MC_MEMBERS_MAX)
        abort();
    free(clusters);
    return 0;
}
