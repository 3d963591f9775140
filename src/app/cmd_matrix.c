/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_matrix.c -- mcos matrix. */
#include "app/cli.h"
#include "app/matrix.h"

int mc_cmd_matrix(struct mc_cli *cli)
{
    json_t *clusters = NULL;
    json_t *rings = NULL;
    int rc = mc_cli_connect(cli);

    if (rc == 0)
        rc = mc_api_get(&cli->api, &clusters, "/v1/clusters");
    if (rc == 0)
        rc = mc_api_get(&cli->api, &rings, "/v1/convergence");
    if (rc < 0)
        goto out;
    if (cli->out.json) {
        rc = mc_out_json(json_pack("{s:O, s:O}", "clusters",
                                   json_object_get(clusters, "clusters"), "rings",
                                   json_object_get(rings, "rings")));
        goto out;
    }
    rc = mc_matrix_print(&cli->out, stdout, json_object_get(clusters, "clusters"),
                         json_object_get(rings, "rings"));
    if (!cli->out.plain && !cli->out.quiet)
        mc_matrix_key(&cli->out, stderr);
out:
    json_decref(clusters);
    json_decref(rings);
    return rc;
}
