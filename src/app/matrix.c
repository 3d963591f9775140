/* SPDX-License-Identifier: Apache-2.0 */
/* app/matrix.c -- clusters down, rings across. */
#include "app/matrix.h"

#include "app/api.h"
#include "app/table.h"

#include <string.h>

void mc_matrix_cell(const struct mc_out *out, const json_t *cell, char dst[64],
                    enum mc_style *ret_style)
{
    const char *relation = mc_doc_text(cell, "relation");
    const char *stamp = mc_doc_text(cell, "stamp");
    const json_t *share = json_object_get(cell, "divergence");
    bool known_only =
        cell != NULL && strcmp(mc_doc_text(cell, "state"), "INACTIVE") == 0;
    char version[24];

    (void)snprintf(version, sizeof(version), "%.*s", (int)strcspn(stamp, "."), stamp);
    if (stamp[0] == 'e') /* after an override: e1.v8 */
        (void)snprintf(version, sizeof(version), "%.18s", stamp);
    *ret_style = MC_STYLE_DIM;
    if (strcmp(relation, "equal") == 0) {
        *ret_style = known_only ? MC_STYLE_DIM : MC_STYLE_GOOD;
        (void)snprintf(dst, 64, "%s %s", version, mc_out_glyph(out, MC_GLYPH_OK));
    } else if (strcmp(relation, "behind") == 0) {
        *ret_style = MC_STYLE_WARN;
        (void)snprintf(dst, 64, "%s %s", version, mc_out_glyph(out, MC_GLYPH_BEHIND));
        if (json_is_number(share))
            (void)snprintf(dst + strlen(dst), 64 - strlen(dst), " %.1f%%",
                           100 * json_number_value(share));
    } else if (strcmp(relation, "ahead") == 0) {
        *ret_style = MC_STYLE_WARN;
        (void)snprintf(dst, 64, "%s %s", version, mc_out_glyph(out, MC_GLYPH_WAY));
    } else if (strcmp(relation, "conflict") == 0) {
        *ret_style = MC_STYLE_BAD;
        (void)snprintf(dst, 64, "%.24s %s", stamp,
                       mc_out_glyph(out, MC_GLYPH_CONFLICT));
    } else if (strcmp(relation, "none") == 0) {
        (void)snprintf(dst, 64, "%s", mc_out_glyph(out, MC_GLYPH_NONE));
        *ret_style = known_only ? MC_STYLE_DIM : MC_STYLE_WARN;
    } else {
        (void)snprintf(dst, 64, "?");
    }
    if (mc_doc_bool(cell, "too_old") && strcmp(relation, "equal") != 0)
        (void)snprintf(dst + strlen(dst), 64 - strlen(dst), " too old");
    if (known_only && strcmp(dst, "?") != 0)
        (void)snprintf(dst + strlen(dst), 64 - strlen(dst), " ?");
}

static const json_t *find_cell(const json_t *convergence, const char *cluster)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(convergence, "clusters"), i, row)
    {
        if (strcmp(mc_doc_text(row, "cluster"), cluster) == 0)
            return row;
    }
    return NULL;
}

static void state_cell(struct mc_table *t, const json_t *cluster)
{
    const char *state = mc_doc_text(cluster, "state");
    const char *reason = mc_doc_text(cluster, "reason");
    bool active = strcmp(state, "ACTIVE") == 0;

    mc_table_cell(t, active ? MC_STYLE_GOOD : MC_STYLE_WARN, "%s%s%s", state,
                  reason[0] != '\0' ? " " : "", reason);
}

/* What is held where we ask; marked while a change that lost against it stands. */
static void target_cell(const struct mc_out *out, struct mc_table *t,
                        const json_t *ring)
{
    long long conflicts = mc_doc_int(ring, "conflicts");
    const char *deleted = mc_doc_bool(ring, "deleted") ? " deleted" : "";

    if (conflicts > 0)
        mc_table_cell(t, MC_STYLE_BAD, "%s%s %s %lld lost", mc_doc_text(ring, "stamp"),
                      deleted, mc_out_glyph(out, MC_GLYPH_CONFLICT), conflicts);
    else
        mc_table_cell(t, MC_STYLE_DIM, "%s%s", mc_doc_text(ring, "stamp"), deleted);
}

int mc_matrix_print(const struct mc_out *out, FILE *to, const json_t *clusters,
                    const json_t *convergence)
{
    struct mc_table *t = NULL;
    size_t i;
    size_t j;
    json_t *cluster;
    json_t *ring;
    int rc = mc_table_new(out, &t);

    if (rc < 0)
        return rc;
    mc_table_column(t, "CLUSTER", false);
    mc_table_column(t, "STATE", false);
    json_array_foreach(convergence, j, ring)
        mc_table_column(t, mc_doc_text(ring, "ring"), false);
    mc_table_row(t);
    mc_table_cell(t, MC_STYLE_DIM, "target");
    mc_table_cell(t, MC_STYLE_DIM, "->");
    json_array_foreach(convergence, j, ring) target_cell(out, t, ring);
    json_array_foreach(clusters, i, cluster)
    {
        const char *name = mc_doc_text(cluster, "cluster");

        mc_table_row(t);
        mc_table_cell(t, MC_STYLE_PLAIN, "%s%s", name,
                      mc_doc_bool(cluster, "self") ? " *" : "");
        state_cell(t, cluster);
        json_array_foreach(convergence, j, ring)
        {
            enum mc_style style;
            char text[64];

            mc_matrix_cell(out, find_cell(ring, name), text, &style);
            mc_table_cell(t, style, "%s", text);
        }
    }
    rc = mc_table_print(t, to);
    mc_table_free(t);
    return rc;
}

void mc_matrix_key(const struct mc_out *out, FILE *to)
{
    (void)fprintf(to,
                  "key: %s equal  %s on its way  %s behind (share of replicas placed "
                  "elsewhere)  %s conflict  %s none  ? last known  * answered\n",
                  mc_out_glyph(out, MC_GLYPH_OK), mc_out_glyph(out, MC_GLYPH_WAY),
                  mc_out_glyph(out, MC_GLYPH_BEHIND),
                  mc_out_glyph(out, MC_GLYPH_CONFLICT),
                  mc_out_glyph(out, MC_GLYPH_NONE));
}
