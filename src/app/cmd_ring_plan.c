/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_ring_plan.c -- mcos ring plan: what a change would do. */
#include "app/cli.h"
#include "app/file.h"
#include "app/plan_page.h"

#include "base/limits.h"

#include <string.h>

/* As one word of a shell: in single quotes where it is not one already. */
static void put_word(struct mc_buf *b, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_./:@%+=,-";
    bool quoted = text[0] == '\0' || text[strspn(text, plain)] != '\0';

    if (quoted)
        mc_buf_u8(b, '\'');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'')
            mc_buf_put(b, "'\\''", 4);
        else
            mc_buf_u8(b, (uint8_t)*c);
    }
    if (quoted)
        mc_buf_u8(b, '\'');
}

/* The command that makes it so. A spec that came by standard input is to be named. */
static void hint(const struct mc_cli *cli, const json_t *doc, const char *file)
{
    bool first = !json_is_object(json_object_get(doc, "before"));
    struct mc_buf words = {0};

    put_word(&words, mc_out_self);
    if (!cli->server_default) {
        mc_buf_put(&words, " --server ", 10);
        put_word(&words, cli->server);
    }
    mc_buf_put(&words, " ring ", 6);
    mc_buf_put(&words, first ? "create " : "update ", 7);
    put_word(&words, mc_doc_text(doc, "ring"));
    mc_buf_put(&words, " -f ", 4);
    put_word(&words, strcmp(file, "-") != 0 ? file : "SPEC");
    mc_buf_put(&words, " --plan ", 8);
    put_word(&words, mc_doc_text(doc, "plan"));
    mc_buf_u8(&words, 0);
    if (words.err == 0)
        mc_out_hint(&cli->out, "apply exactly this:  %s", (const char *)words.ptr);
    mc_buf_fini(&words);
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
    if (rc == 0 && !cli->out.json)
        hint(cli, doc, file);
out:
    json_decref(doc);
    mc_buf_fini(&spec);
    return rc;
}
