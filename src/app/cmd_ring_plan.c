/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_ring_plan.c -- mcos ring plan: what a change would do. */
#include "app/cli.h"
#include "app/file.h"
#include "app/plan_page.h"

#include "base/limits.h"

#include <string.h>

/* The command that makes it so: what stands in the way of a copy is left out. */
static void hint(const struct mc_cli *cli, const json_t *doc, const char *file)
{
    bool first = !json_is_object(json_object_get(doc, "before"));

    mc_out_hint(
        &cli->out, "apply exactly this:  %s ring %s %s -f %s --plan %s", mc_out_self,
        first ? "create" : "update", mc_doc_text(doc, "ring"),
        strcmp(file, "-") != 0 && strpbrk(file, " '\"\\$`\t\n") == NULL ? file : "SPEC",
        mc_doc_text(doc, "plan"));
}

int mc_cmd_ring_plan(struct mc_cli *cli)
{
    const char *ring = cli->args.params[0];
    const char *file = mc_cli_opt(cli, "file");
    struct mc_buf spec = {0};
    json_t *doc = NULL;
    char path[MC_NAME_MAX + 32];
    char doing[MC_NAME_MAX + 32];
    struct mc_request request = {
        .method = "POST", .path = path, .content_type = "application/json"};
    int rc = mc_cli_ring_name(cli, ring);

    if (rc == 0 && file == NULL)
        rc = mcos_diag_set(&cli->diag, MCOS_E_USAGE, "file",
                           "which spec? name it with -f FILE, or -f - for standard "
                           "input");
    if (rc == 0)
        rc = mc_file_read(file, MC_SPEC_BYTES_MAX, &spec, &cli->diag);
    if (rc == 0)
        rc = mc_cli_connect(cli);
    if (rc < 0)
        goto out;
    (void)snprintf(path, sizeof(path), "/v1/rings/%s/plan", ring);
    (void)snprintf(doing, sizeof(doing), "planning %s", ring);
    request.body = (struct mc_bytes){spec.ptr, spec.len};
    mc_cli_catch();
    cli->api.doing = doing;
    rc = mc_api_call(&cli->api, &request, &doc);
    cli->api.doing = NULL;
    if (rc == 0 && cli->out.json)
        rc = mc_out_json(json_incref(doc));
    else if (rc == 0)
        rc = mc_plan_page(&cli->out, doc);
    if (rc == 0 && !cli->out.json) {
        (void)fflush(stdout);
        hint(cli, doc, file);
    }
out:
    json_decref(doc);
    mc_buf_fini(&spec);
    return rc;
}
