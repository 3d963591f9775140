/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_lookup.c -- mcos lookup: where a name lives, asked of an agent. */
#include "app/cli.h"
#include "app/lookup_file.h"
#include "app/table.h"

#include <string.h>

static void device_row(struct mc_table *t, const json_t *d, const char *kind, size_t i)
{
    mc_table_row(t);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s %zu", kind, i + 1);
    mc_table_cell(t, MC_STYLE_PLAIN, "%lld", mc_doc_int(d, "id"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "name"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "cluster"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s/%s", mc_doc_text(d, "region"),
                  mc_doc_text(d, "zone"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s:%lld/%s", mc_doc_text(d, "host"),
                  mc_doc_int(d, "port"), mc_doc_text(d, "device"));
    mc_table_cell(t,
                  strcmp(mc_doc_text(d, "state"), "INACTIVE") == 0 ? MC_STYLE_WARN
                                                                   : MC_STYLE_PLAIN,
                  "%s", mc_doc_text(d, "state"));
}

int mc_lookup_print(const struct mc_out *out, const json_t *doc)
{
    static const char *const titles[] = {"PLACE",       "ID",      "DEVICE", "CLUSTER",
                                         "REGION/ZONE", "ADDRESS", "STATE"};
    struct mc_table *t = NULL;
    size_t i;
    json_t *device;
    int rc = mc_table_new(out, &t);

    if (rc < 0)
        return rc;
    for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        mc_table_column(t, titles[i], i == 1);
    json_array_foreach(json_object_get(doc, "devices"), i, device)
        device_row(t, device, "replica", i);
    json_array_foreach(json_object_get(doc, "handoffs"), i, device)
        device_row(t, device, "handoff", i);
    if (!out->plain)
        (void)printf("partition %lld of %lld   %s %s\n", mc_doc_int(doc, "partition"),
                     mc_doc_int(doc, "partitions"), mc_doc_text(doc, "ring"),
                     mc_doc_text(doc, "stamp"));
    rc = mc_table_print(t, stdout);
    mc_table_free(t);
    return rc;
}

int mc_lookup_want(struct mc_cli *cli, unsigned long long *ret_handoffs)
{
    const char *text = mc_cli_opt(cli, "handoffs");

    *ret_handoffs = 0;
    return text == NULL ? 0
                        : mc_args_number(text, "handoffs", 0, MC_LOOKUP_HANDOFFS_MAX,
                                         ret_handoffs, &cli->diag);
}

static void add_query(struct mc_buf *b, const char *key, const char *value)
{
    mc_buf_put(b, key, strlen(key));
    mc_client_escape(b, (struct mc_bytes){(const uint8_t *)value, strlen(value)});
}

int mc_cmd_lookup(struct mc_cli *cli)
{
    static const char *const keys[] = {"", "?account=", "&container=", "&object="};
    struct mc_buf path = {0};
    json_t *doc = NULL;
    unsigned long long handoffs;
    char number[48];
    int rc;

    if (mc_cli_has(cli, "file"))
        return mc_lookup_file(cli);
    if (mc_cli_has(cli, "stdin") || mc_cli_has(cli, "swift-conf"))
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "file",
                             "--stdin and --swift-conf go with --file FILE");
    if (cli->args.param_count < 2)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "",
                             "usage: mcos lookup RING ACCOUNT [CONTAINER [OBJECT]]");
    rc = mc_cli_ring_name(cli, cli->args.params[0]);
    if (rc == 0)
        rc = mc_lookup_want(cli, &handoffs);
    if (rc == 0)
        rc = mc_cli_connect(cli);
    if (rc < 0)
        return rc;
    (void)snprintf(number, sizeof(number), "/lookup");
    mc_buf_put(&path, "/v1/rings/", 10);
    mc_buf_put(&path, cli->args.params[0], strlen(cli->args.params[0]));
    mc_buf_put(&path, number, strlen(number));
    for (unsigned i = 1; i < cli->args.param_count; i++)
        add_query(&path, keys[i], cli->args.params[i]);
    (void)snprintf(number, sizeof(number), "&handoffs=%llu", handoffs);
    mc_buf_put(&path, number, strlen(number) + 1);
    rc = path.err;
    if (rc == 0)
        rc = mc_api_call(&cli->api,
                         &(struct mc_request){.path = (const char *)path.ptr}, &doc);
    mc_buf_fini(&path);
    if (rc < 0)
        return rc;
    if (cli->out.json)
        return mc_out_json(doc);
    rc = mc_lookup_print(&cli->out, doc);
    json_decref(doc);
    return rc;
}
