/* SPDX-License-Identifier: Apache-2.0 */
/* app/fetch.c -- a ring as an agent holds it, brought here. */
#include "app/fetch.h"

int mc_fetch_ring(struct mc_cli *cli, const char *name, struct mc_ring **ret_ring)
{
    struct mc_blob *blob = NULL;
    int rc = mc_cli_connect(cli);

    if (rc == 0)
        rc = mc_api_get(&cli->api, NULL, "/v1/rings/%s/file", name);
    if (rc == 0)
        rc = mc_blob_from_buf(&cli->api.response.body, &blob);
    if (rc == 0)
        rc = mc_ring_open(blob, MC_CHECK_SHA256, ret_ring, &cli->diag);
    mc_blob_unref(blob);
    return rc;
}
