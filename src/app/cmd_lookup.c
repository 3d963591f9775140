/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_lookup.c -- mcos lookup: where a name lives, asked of an agent. */
#include "app/cli.h"
#include "app/lookup_everywhere.h"
#include "app/lookup_explain.h"
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

    *ret_handoffs = mc_cli_has(cli, "explain") ? MC_EXPLAIN_HANDOFFS : 0;
    return text == NULL ? 0
                        : mc_args_number(text, "handoffs", 0, MC_LOOKUP_HANDOFFS_MAX,
                                         ret_handoffs, &cli->diag);
}

static void add_query(struct mc_buf *b, const char *key, struct mc_bytes value)
{
    if (value.len == 0)
        return;
    mc_buf_put(b, key, strlen(key));
    mc_client_escape(b, value);
}

/* Of this command's words: the path, without a version. Fails with NOMEM. */
static int make_path(const struct mc_cli *cli, const struct mc_key *key,
                     unsigned long long handoffs, struct mc_buf *path)
{
    char number[48];

    mc_buf_put(path, "/v1/rings/", 10);
    mc_buf_put(path, cli->args.params[0], strlen(cli->args.params[0]));
    mc_buf_put(path, "/lookup", 7);
    (void)snprintf(number, sizeof(number), "?handoffs=%llu", handoffs);
    mc_buf_put(path, number, strlen(number));
    add_query(path, "&account=", key->account);
    add_query(path, "&container=", key->container);
    add_query(path, "&object=", key->object);
    mc_buf_put(path, "", 1);
    return path->err;
}

static int ask(struct mc_cli *cli, const char *path, json_t **ret_doc)
{
    const char *at = mc_cli_opt(cli, "at");
    unsigned long long version = 0;
    int rc = 0;

    if (at == NULL)
        return mc_api_get(&cli->api, ret_doc, "%s", path);
    rc = mc_args_number(at, "at", 1, MC_VERSION_MAX, &version, &cli->diag);
    return rc < 0 ? rc
                  : mc_api_get(&cli->api, ret_doc, "%s&version=%llu", path, version);
}

int mc_lookup_tell(const struct mc_out *out, json_t *take_doc)
{
    int rc = 0;

    if (out->json)
        return mc_out_json(take_doc);
    rc = mc_lookup_print(out, take_doc);
    if (rc == 0 && json_object_get(take_doc, "everywhere") != NULL)
        rc = mc_everywhere_print(out, take_doc);
    if (rc == 0 && json_object_get(take_doc, "explain") != NULL)
        mc_explain_print(take_doc);
    json_decref(take_doc);
    return rc;
}

static int check_words(struct mc_cli *cli)
{
    if (mc_cli_has(cli, "swift-conf"))
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "file",
                             "--swift-conf goes with --file FILE or --stdin");
    if (mc_cli_has(cli, "at") && mc_cli_has(cli, "everywhere"))
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "at",
                             "--everywhere asks what is so now: not with --at");
    if (cli->args.param_count < 2)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "",
                             "usage: mcos lookup RING ACCOUNT [CONTAINER [OBJECT]]");
    return mc_cli_ring_name(cli, cli->args.params[0]);
}

int mc_cmd_lookup(struct mc_cli *cli)
{
    struct mc_buf path = {0};
    struct mc_key key = {{0}, {0}, {0}};
    json_t *doc = NULL;
    unsigned long long handoffs;
    int rc;

    if (mc_cli_has(cli, "file") || mc_cli_has(cli, "stdin"))
        return mc_lookup_here(cli);
    rc = check_words(cli);
    if (rc == 0)
        rc = mc_lookup_want(cli, &handoffs);
    if (rc == 0)
        rc = mc_cli_connect(cli);
    if (rc < 0)
        return rc;
    mc_lookup_key(cli->args.params + 1, cli->args.param_count - 1, &key);
    rc = make_path(cli, &key, handoffs, &path);
    if (rc == 0)
        rc = ask(cli, (const char *)path.ptr, &doc);
    if (rc == 0 && mc_cli_has(cli, "explain"))
        rc = mc_explain_add(doc, &key, cli->server);
    if (rc == 0 && mc_cli_has(cli, "everywhere"))
        rc = mc_everywhere_add(cli, cli->args.params[0], (const char *)path.ptr, doc);
    mc_buf_fini(&path);
    if (rc == 0) {
        const int differs = mc_everywhere_differs(doc) ? MC_EXIT_NO : 0;

        rc = mc_lookup_tell(&cli->out, doc);
        return rc < 0 ? rc : differs;
    }
    json_decref(doc);
    return rc;
}

void mc_lookup_key(const char *const *words, unsigned count, struct mc_key *ret)
{
    struct mc_bytes *const parts[] = {&ret->account, &ret->container, &ret->object};

    for (unsigned i = 0; i < count && i < 3; i++)
        *parts[i] = (struct mc_bytes){(const uint8_t *)words[i], strlen(words[i])};
}
