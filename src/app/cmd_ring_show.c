/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_ring_show.c -- mcos ring list, mcos ring show. */
#include "app/cli.h"
#include "app/table.h"

#include <string.h>

/* "5/5+1": all 5 ACTIVE have it, 1 INACTIVE pending. */
static void converged_text(const json_t *ring, char dst[48])
{
    const json_t *c = json_object_get(ring, "converged");
    long long pending = mc_doc_int(c, "inactive_pending");

    (void)snprintf(dst, 48, "%lld/%lld", mc_doc_int(c, "active"),
                   mc_doc_int(c, "of_active"));
    if (pending > 0)
        (void)snprintf(dst + strlen(dst), 48 - strlen(dst), "+%lld", pending);
}

static bool everywhere(const json_t *ring)
{
    const json_t *c = json_object_get(ring, "converged");

    return mc_doc_int(c, "active") == mc_doc_int(c, "of_active");
}

static void list_row(struct mc_table *t, const json_t *ring)
{
    bool deleted = mc_doc_bool(ring, "deleted");
    char converged[48];

    converged_text(ring, converged);
    mc_table_row(t);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(ring, "ring"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(ring, "stamp"));
    if (deleted) {
        mc_table_cell(t, MC_STYLE_DIM, "deleted");
        for (int i = 0; i < 4; i++)
            mc_table_cell(t, MC_STYLE_DIM, "-");
    } else {
        mc_table_cell(t, MC_STYLE_PLAIN, "2^%lld", mc_doc_int(ring, "partition_power"));
        mc_table_cell(t, MC_STYLE_PLAIN, "%g", mc_doc_real(ring, "replicas"));
        mc_table_cell(t, MC_STYLE_PLAIN, "%lld", mc_doc_int(ring, "device_count"));
        if (!json_is_number(json_object_get(ring, "balance"))) {
            mc_table_cell(t, MC_STYLE_DIM, "-"); /* still being measured */
            mc_table_cell(t, MC_STYLE_DIM, "-");
        } else {
            mc_table_cell(t, MC_STYLE_PLAIN, "%.2f", mc_doc_real(ring, "balance"));
            mc_table_cell(t, MC_STYLE_PLAIN, "%.2f", mc_doc_real(ring, "dispersion"));
        }
    }
    mc_table_cell(t, everywhere(ring) ? MC_STYLE_GOOD : MC_STYLE_WARN, "%s", converged);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(ring, "time"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(ring, "author"));
}

int mc_cmd_ring_list(struct mc_cli *cli)
{
    static const char *const titles[] = {
        "RING",     "VERSION",     "PARTS",     "REPLICAS", "DEVICES",
        "BALANCE%", "DISPERSION%", "CONVERGED", "CHANGED",  "BY"};
    struct mc_table *t = NULL;
    json_t *doc = NULL;
    size_t i;
    json_t *ring;
    int rc = mc_cli_connect(cli);

    if (rc == 0)
        rc = mc_api_get(&cli->api, &doc, "/v1/rings");
    if (rc < 0)
        return rc;
    if (cli->out.json)
        return mc_out_json(doc);
    rc = mc_table_new(&cli->out, &t);
    if (rc < 0)
        goto out;
    for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        mc_table_column(t, titles[i], i >= 2 && i <= 6);
    json_array_foreach(json_object_get(doc, "rings"), i, ring) list_row(t, ring);
    rc = mc_table_print(t, stdout);
    if (rc == 0 && json_array_size(json_object_get(doc, "rings")) == 0)
        mc_out_hint(&cli->out, "no ring yet: %s ring create NAME -f SPEC makes one",
                    mc_out_self);
out:
    mc_table_free(t);
    json_decref(doc);
    return rc;
}

static void print_head(const struct mc_out *out, const json_t *ring)
{
    const char *note = mc_doc_text(ring, "note");
    char converged[48];

    converged_text(ring, converged);
    (void)printf("%s %s   %s by %s via %s", mc_doc_text(ring, "ring"),
                 mc_doc_text(ring, "stamp"), mc_doc_text(ring, "time"),
                 mc_doc_text(ring, "author"), mc_doc_text(ring, "origin"));
    if (note[0] != '\0') {
        (void)fputs("   \"", stdout);
        mc_table_plain(stdout, note);
        (void)fputs("\"", stdout);
    }
    (void)fputc('\n', stdout);
    if (mc_doc_text(ring, "unread")[0] != '\0')
        (void)printf("%sthere is %s, in a format that this agent is too old to read%s: "
                     "upgrade it\n",
                     mc_out_style(out, MC_STYLE_WARN), mc_doc_text(ring, "unread"),
                     mc_out_style(out, MC_STYLE_PLAIN));
    if (mc_doc_bool(ring, "deleted")) {
        (void)printf("%sdeleted%s   converged %s\n", mc_out_style(out, MC_STYLE_WARN),
                     mc_out_style(out, MC_STYLE_PLAIN), converged);
        return;
    }
    (void)printf(
        "2^%lld = %lld partitions   %g replicas   hash %s   overload %.2f   min "
        "move interval %lld s%s\n",
        mc_doc_int(ring, "partition_power"), mc_doc_int(ring, "partitions"),
        mc_doc_real(ring, "replicas"), mc_doc_text(ring, "hash"),
        mc_doc_real(ring, "overload"), mc_doc_int(ring, "min_move_seconds"),
        strcmp(mc_doc_text(ring, "spread"), "strict") == 0 ? "   spread strict" : "");
    if (json_is_integer(json_object_get(ring, "next_partition_power")))
        (void)printf("the part power is being raised to %lld: nothing moves\n",
                     mc_doc_int(ring, "next_partition_power"));
    if (json_is_number(json_object_get(ring, "balance")))
        (void)printf("balance %.2f %%   largest deviation %.2f   dispersion %.2f %%   "
                     "violations %lld   ",
                     mc_doc_real(ring, "balance"), mc_doc_real(ring, "max_deviation"),
                     mc_doc_real(ring, "dispersion"), mc_doc_int(ring, "violations"));
    else
        (void)printf("balance is still being measured   ");
    (void)printf("%lld devices   %lld bytes   converged %s\n",
                 mc_doc_int(ring, "device_count"), mc_doc_int(ring, "bytes"),
                 converged);
}

/* The changes that lost, and what to do about them. */
static void print_losers(const struct mc_out *out, const json_t *ring)
{
    const char *name = mc_doc_text(ring, "ring");
    size_t i;
    json_t *loser;

    if (mc_doc_int(ring, "conflicts") == 0)
        return;
    (void)printf("%s%s CONFLICT%s: made at the same time as what is held, lost, and "
                 "kept:\n",
                 mc_out_style(out, MC_STYLE_BAD), mc_out_glyph(out, MC_GLYPH_CONFLICT),
                 mc_out_style(out, MC_STYLE_PLAIN));
    json_array_foreach(json_object_get(ring, "losers"), i, loser)
    {
        const char *note = mc_doc_text(loser, "note");

        (void)printf("  %s   %s", mc_doc_text(loser, "stamp"),
                     mc_doc_text(loser, "time"));
        if (mc_doc_text(loser, "origin")[0] != '\0')
            (void)printf(" by %s via %s%s", mc_doc_text(loser, "author"),
                         mc_doc_text(loser, "origin"),
                         mc_doc_bool(loser, "deleted") ? "   deleted" : "");
        if (note[0] != '\0') {
            (void)fputs("   \"", stdout);
            mc_table_plain(stdout, note);
            (void)fputs("\"", stdout);
        }
        (void)fputc('\n', stdout);
    }
    mc_out_hint(
        out,
        "  the next version settles it: put what both wanted into a spec, then\n"
        "  next: %s ring show %s --spec   %s ring update %s -f SPEC",
        mc_out_self, name, mc_out_self, name);
}

static void device_row(struct mc_table *t, const json_t *d, bool wide)
{
    const char *state = mc_doc_text(d, "state");

    mc_table_row(t);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "region"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "zone"));
    if (wide)
        mc_table_cell(t, MC_STYLE_PLAIN, "%lld", mc_doc_int(d, "id"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "name"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "cluster"));
    if (wide) {
        mc_table_cell(t, MC_STYLE_PLAIN, "%s:%lld", mc_doc_text(d, "host"),
                      mc_doc_int(d, "port"));
        mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "device"));
    }
    mc_table_cell(t, MC_STYLE_PLAIN, "%.12g", mc_doc_real(d, "weight"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%.2f", mc_doc_real(d, "wants"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%lld", mc_doc_int(d, "has"));
    mc_table_cell(t, MC_STYLE_PLAIN, "%+.2f", 100 * mc_doc_real(d, "balance"));
    mc_table_cell(t,
                  strcmp(state, "ACTIVE") == 0     ? MC_STYLE_GOOD
                  : strcmp(state, "INACTIVE") == 0 ? MC_STYLE_WARN
                                                   : MC_STYLE_DIM,
                  "%s", state);
}

static int print_devices(const struct mc_out *out, const json_t *ring, bool wide)
{
    struct mc_table *t = NULL;
    size_t i;
    json_t *device;
    int rc = mc_table_new(out, &t);

    if (rc < 0)
        return rc;
    mc_table_column(t, "REGION", false);
    mc_table_column(t, "ZONE", false);
    if (wide)
        mc_table_column(t, "ID", true);
    mc_table_column(t, "DEVICE", false);
    mc_table_column(t, "CLUSTER", false);
    if (wide) {
        mc_table_column(t, "ADDRESS", false);
        mc_table_column(t, "DISK", false);
    }
    mc_table_column(t, "WEIGHT", true);
    mc_table_column(t, "WANTS", true);
    mc_table_column(t, "HAS", true);
    mc_table_column(t, "BALANCE%", true);
    mc_table_column(t, "STATE", false);
    json_array_foreach(json_object_get(ring, "devices"), i, device)
        device_row(t, device, wide);
    rc = mc_table_print(t, stdout);
    mc_table_free(t);
    return rc;
}

static int show_spec(struct mc_cli *cli, const char *name)
{
    json_t *doc = NULL;
    int rc = mc_api_get(&cli->api, &doc, "/v1/rings/%s/spec", name);

    if (rc < 0)
        return rc;
    if (cli->out.json)
        return mc_out_json(json_pack("{s:o}", "spec", doc));
    json_decref(doc);
    return fwrite(cli->api.response.body.ptr, 1, cli->api.response.body.len, stdout) ==
                   cli->api.response.body.len
               ? 0
               : MCOS_E_IO;
}

int mc_cmd_ring_show(struct mc_cli *cli)
{
    const char *name = cli->args.params[0];
    const char *form = mc_cli_opt(cli, "output");
    bool wide = form != NULL && strcmp(form, "wide") == 0;
    json_t *doc = NULL;
    int rc = mc_cli_ring_name(cli, name);

    if (rc == 0 && form != NULL && !wide)
        rc = mcos_diag_set(&cli->diag, MCOS_E_USAGE, "output",
                           "-o takes wide, not \"%.60s\"", form);
    if (rc == 0)
        rc = mc_cli_connect(cli);
    if (rc == 0 && mc_cli_has(cli, "spec"))
        return show_spec(cli, name);
    if (rc == 0)
        rc = mc_api_get(&cli->api, &doc, "/v1/rings/%s", name);
    if (rc < 0)
        return rc;
    if (cli->out.json)
        return mc_out_json(doc);
    if (!cli->out.plain)
        print_head(&cli->out, doc);
    if (!cli->out.plain)
        print_losers(&cli->out, doc);
    if ((wide || cli->out.plain || cli->out.verbose || mc_cli_has(cli, "devices")) &&
        !mc_doc_bool(doc, "deleted"))
        rc = print_devices(&cli->out, doc, wide);
    else
        mc_out_hint(&cli->out, "  next: %s ring show %s --devices   %s matrix",
                    mc_out_self, name, mc_out_self);
    json_decref(doc);
    return rc;
}
