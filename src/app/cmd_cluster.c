/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_cluster.c -- mcos cluster list. */
#include "app/cli.h"
#include "app/table.h"

#include <string.h>

/* The greatest format that any of them reads: who reads less keeps the others from
 * writing it. */
static long long newest(const json_t *clusters)
{
    long long format = 0;
    size_t i;
    json_t *c;

    json_array_foreach(clusters, i, c)
    {
        if (mc_doc_int(c, "format") > format)
            format = mc_doc_int(c, "format");
    }
    return format;
}

static void put_version(struct mc_table *t, const json_t *c, long long format)
{
    const char *program = mc_doc_text(c, "program");
    long long reads = mc_doc_int(c, "format");

    if (reads == 0) {
        mc_table_cell(t, MC_STYLE_PLAIN, "-");
        return;
    }
    mc_table_cell(t, reads < format ? MC_STYLE_WARN : MC_STYLE_PLAIN,
                  "%s p%lld f%lld%s", program[0] == '\0' ? "?" : program,
                  mc_doc_int(c, "protocol"), reads, reads < format ? " older" : "");
}

static void row(struct mc_table *t, const json_t *c, long long format)
{
    const char *state = mc_doc_text(c, "state");
    const char *reason = mc_doc_text(c, "reason");
    bool active = strcmp(state, "ACTIVE") == 0;
    char heard[16] = "-";

    if (json_is_number(json_object_get(c, "age")))
        mc_out_age(heard, mc_doc_real(c, "age"));
    mc_table_row(t);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s%s", mc_doc_text(c, "cluster"),
                  mc_doc_bool(c, "self") ? " *" : "");
    mc_table_cell(t, active ? MC_STYLE_GOOD : MC_STYLE_WARN, "%s%s%s", state,
                  reason[0] != '\0' ? " " : "", reason);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s/%s", mc_doc_text(c, "region"),
                  mc_doc_text(c, "zone"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", heard);
    mc_table_cell(t,
                  mc_doc_int(c, "rings_equal") == mc_doc_int(c, "rings")
                      ? MC_STYLE_PLAIN
                      : MC_STYLE_WARN,
                  "%lld/%lld", mc_doc_int(c, "rings_equal"), mc_doc_int(c, "rings"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%+.2fs", mc_doc_real(c, "clock_offset"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(c, "announce"));
    put_version(t, c, format);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(c, "address"));
}

static void agent_row(struct mc_table *t, const json_t *a)
{
    bool active = strcmp(mc_doc_text(a, "role"), "active") == 0;
    bool well = mc_doc_bool(a, "counts") &&
                mc_doc_int(a, "rings_equal") == mc_doc_int(a, "rings");

    mc_table_row(t);
    mc_table_cell(t, MC_STYLE_PLAIN, "%.8s%s", mc_doc_text(a, "agent"),
                  mc_doc_bool(a, "self") ? " *" : "");
    mc_table_cell(t, active ? MC_STYLE_GOOD : MC_STYLE_PLAIN, "%s%s",
                  mc_doc_text(a, "role"), mc_doc_bool(a, "counts") ? "" : " (joins)");
    mc_table_cell(t, well ? MC_STYLE_PLAIN : MC_STYLE_WARN, "%lld/%lld",
                  mc_doc_int(a, "rings_equal"), mc_doc_int(a, "rings"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(a, "host"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(a, "address"));
}

/* The agents of the cluster that answered, if it has several. */
static int print_agents(struct mc_cli *cli, const json_t *agents)
{
    static const char *const titles[] = {"AGENT", "ROLE", "RINGS OK", "HOST",
                                         "ADDRESS"};
    struct mc_table *t = NULL;
    size_t i;
    json_t *a;
    int rc;

    if (cli->out.plain || json_array_size(agents) < 2)
        return 0;
    rc = mc_table_new(&cli->out, &t);
    if (rc < 0)
        return rc;
    for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        mc_table_column(t, titles[i], i == 2);
    json_array_foreach(agents, i, a) agent_row(t, a);
    (void)printf("\n");
    rc = mc_table_print(t, stdout);
    mc_table_free(t);
    return rc;
}

int mc_cmd_cluster_list(struct mc_cli *cli)
{
    static const char *const titles[] = {"CLUSTER",  "STATE",    "REGION/ZONE",
                                         "HEARD",    "RINGS OK", "CLOCK",
                                         "ANNOUNCE", "VERSION",  "ADDRESS"};
    struct mc_table *t = NULL;
    json_t *doc = NULL;
    const json_t *clusters;
    size_t i;
    json_t *c;
    int rc = mc_cli_connect(cli);

    if (rc == 0)
        rc = mc_api_get(&cli->api, &doc, "/v1/clusters");
    if (rc < 0)
        return rc;
    if (cli->out.json)
        return mc_out_json(doc);
    rc = mc_table_new(&cli->out, &t);
    if (rc < 0)
        goto out;
    for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        mc_table_column(t, titles[i], i >= 3 && i <= 5);
    clusters = json_object_get(doc, "clusters");
    json_array_foreach(clusters, i, c) row(t, c, newest(clusters));
    rc = mc_table_print(t, stdout);
    if (!cli->out.plain)
        mc_out_hint(&cli->out,
                    "* answered   RINGS OK: rings held alike by it and by *   VERSION: "
                    "program, protocol, greatest record format read");
    if (rc >= 0)
        rc = print_agents(cli, json_object_get(doc, "agents"));
out:
    mc_table_free(t);
    json_decref(doc);
    return rc;
}
