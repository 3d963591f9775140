/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_status.c -- mcos status: the verdict first, then what is wrong. */
#include "app/cli.h"

#include <string.h>

static void print_verdict(const struct mc_out *out, const json_t *doc)
{
    const char *verdict = mc_doc_text(doc, "verdict");
    const json_t *clusters = json_object_get(doc, "clusters");
    bool ok = strcmp(verdict, "ok") == 0;
    bool degraded = strcmp(verdict, "degraded") == 0;

    (void)printf(
        "%s%s %s%s   %lld of %lld clusters ACTIVE, %lld of %lld rings everywhere "
        "  seen from %s\n",
        mc_out_style(out, ok         ? MC_STYLE_GOOD
                          : degraded ? MC_STYLE_WARN
                                     : MC_STYLE_BAD),
        mc_out_glyph(out, ok         ? MC_GLYPH_OK
                          : degraded ? MC_GLYPH_BEHIND
                                     : MC_GLYPH_CONFLICT),
        ok         ? "OK"
        : degraded ? "DEGRADED"
                   : "FAILING",
        mc_out_style(out, MC_STYLE_PLAIN), mc_doc_int(clusters, "active"),
        mc_doc_int(clusters, "active") + mc_doc_int(clusters, "inactive"),
        mc_doc_int(doc, "rings_converged"), mc_doc_int(doc, "rings"),
        mc_doc_text(doc, "cluster"));
}

/* How the agent is connected: asked for, or not as it should be. */
static void print_engines(const struct mc_out *out, const json_t *doc)
{
    const char *bus = mc_doc_text(doc, "bus");
    const char *registry = mc_doc_text(doc, "registry");
    const char *cache = mc_doc_text(doc, "cache");
    const char *swift = mc_doc_text(doc, "swift");

    if (!out->verbose && strcmp(bus, "up") == 0 && strcmp(registry, "degraded") != 0 &&
        strcmp(cache, "away") != 0 && strcmp(swift, "degraded") != 0)
        return;
    (void)printf("  bus %s   registry %s   cache %s   swift %s   undistributed %lld   "
                 "announces %s "
                 "every %g s   clock offset %+.2f s   mcosd %s\n",
                 bus, registry, cache, swift, mc_doc_int(doc, "undistributed"),
                 mc_doc_text(doc, "announce"), mc_doc_real(doc, "announce_interval"),
                 mc_doc_real(doc, "clock_offset"), mc_doc_text(doc, "version"));
}

static void print_agents(const json_t *agents)
{
    size_t i;
    json_t *a;

    (void)printf("  agents of this cluster:");
    json_array_foreach(agents, i, a)(void) printf(
        "%s %.8s %s%s, %lld/%lld rings", i == 0 ? "" : ";", mc_doc_text(a, "agent"),
        mc_doc_text(a, "role"), mc_doc_bool(a, "counts") ? "" : " (joins)",
        mc_doc_int(a, "rings_equal"), mc_doc_int(a, "rings"));
    (void)printf("\n");
}

int mc_cmd_status(struct mc_cli *cli)
{
    json_t *doc = NULL;
    size_t i;
    json_t *reason;
    bool ok;
    int rc = mc_cli_connect(cli);

    if (rc == 0)
        rc = mc_api_get(&cli->api, &doc, "/v1/status");
    if (rc < 0)
        return rc;
    ok = strcmp(mc_doc_text(doc, "verdict"), "ok") == 0;
    if (cli->out.json) {
        rc = mc_out_json(doc);
        return rc < 0 ? rc : ok ? 0 : MC_EXIT_NO;
    }
    print_verdict(&cli->out, doc);
    json_array_foreach(json_object_get(doc, "reasons"), i, reason)(void)
        printf("  %s %s\n", mc_out_glyph(&cli->out, MC_GLYPH_BEHIND),
               json_string_value(reason));
    if (json_array_size(json_object_get(doc, "agents")) > 1)
        print_agents(json_object_get(doc, "agents"));
    print_engines(&cli->out, doc);
    if (!ok)
        mc_out_hint(&cli->out, "  next: %s matrix   %s cluster list", mc_out_self,
                    mc_out_self);
    json_decref(doc);
    return ok ? 0 : MC_EXIT_NO;
}
