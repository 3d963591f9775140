/* SPDX-License-Identifier: Apache-2.0 */
/* app/lookup_everywhere.c -- each cluster's version, and what it says of the name. */
#include "app/lookup_everywhere.h"

#include "app/table.h"

#include <stdio.h>
#include <string.h>

/* The look-up by one version, of this stamp and no other: yours, or NULL with why. */
static json_t *ask_version(struct mc_cli *cli, const char *path, const json_t *cluster,
                           const char **ret_why)
{
    const char *stamp = mc_doc_text(cluster, "stamp");
    json_t *said = NULL;
    int rc = mc_api_get(&cli->api, &said, "%s&version=%lld", path,
                        mc_doc_int(cluster, "version"));

    if (rc == 0 && strcmp(mc_doc_text(said, "stamp"), stamp) == 0)
        return said;
    json_decref(said);
    *ret_why = rc == MCOS_E_DELETED ? "deleted there"
               : rc == 0 || rc == MCOS_E_GONE || rc == MCOS_E_NOTFOUND
                   ? "that version is not kept here"
                   : mcos_err_text(rc);
    return NULL;
}

static bool same_devices(const json_t *a, const json_t *b)
{
    const json_t *x = json_object_get(a, "devices");
    const json_t *y = json_object_get(b, "devices");

    if (json_array_size(x) != json_array_size(y))
        return false;
    for (size_t i = 0; i < json_array_size(x); i++) {
        if (strcmp(mc_doc_text(json_array_get(x, i), "name"),
                   mc_doc_text(json_array_get(y, i), "name")) != 0)
            return false;
    }
    return true;
}

/* One cluster's answer beside ours. Takes `said` (NULL: not known, and why). */
static json_t *compared(const json_t *cluster, const json_t *doc, json_t *take_said,
                        const char *why)
{
    const char *stamp = mc_doc_text(cluster, "stamp");
    json_t *row = json_pack(
        "{s:s, s:s, s:s?}", "cluster", mc_doc_text(cluster, "cluster"), "state",
        mc_doc_text(cluster, "state"), "stamp", stamp[0] == '\0' ? NULL : stamp);

    (void)json_object_set_new(
        row, "same",
        take_said == NULL ? json_null() : json_boolean(same_devices(take_said, doc)));
    (void)json_object_set_new(row, "devices",
                              take_said == NULL
                                  ? json_null()
                                  : json_incref(json_object_get(take_said, "devices")));
    if (take_said == NULL)
        (void)json_object_set_new(row, "why", json_string(why));
    json_decref(take_said);
    return row;
}

int mc_everywhere_add(struct mc_cli *cli, const char *ring, const char *path,
                      json_t *doc)
{
    json_t *spread = NULL;
    json_t *list = json_array();
    json_t *cluster;
    size_t i;
    int rc = mc_api_get(&cli->api, &spread, "/v1/rings/%s/convergence", ring);

    if (rc < 0) {
        json_decref(list);
        return rc;
    }
    json_array_foreach(json_object_get(spread, "clusters"), i, cluster)
    {
        const char *stamp = mc_doc_text(cluster, "stamp");
        const char *why = strcmp(mc_doc_text(cluster, "relation"), "unknown") == 0
                              ? "it never told all that it holds"
                              : "it holds none";
        json_t *said = NULL;

        if (strcmp(stamp, mc_doc_text(doc, "stamp")) == 0)
            said = json_incref(doc);
        else if (stamp[0] != '\0')
            said = ask_version(cli, path, cluster, &why);
        (void)json_array_append_new(list, compared(cluster, doc, said, why));
    }
    json_decref(spread);
    return json_object_set_new(doc, "everywhere", list) != 0 ? MCOS_E_NOMEM : 0;
}

bool mc_everywhere_differs(const json_t *doc)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(doc, "everywhere"), i, row)
    {
        if (json_is_false(json_object_get(row, "same")))
            return true;
    }
    return false;
}

static void put_names(struct mc_table *t, const json_t *row)
{
    struct mc_buf b = {0};
    size_t i;
    json_t *device;

    json_array_foreach(json_object_get(row, "devices"), i, device)
    {
        const char *name = mc_doc_text(device, "name");

        mc_buf_put(&b, ", ", i > 0 ? 2 : 0);
        mc_buf_put(&b, name, strlen(name));
    }
    mc_buf_put(&b, "", 1);
    mc_table_cell(t, MC_STYLE_PLAIN, "%s", b.err == 0 ? (const char *)b.ptr : "");
    mc_buf_fini(&b);
}

int mc_everywhere_print(const struct mc_out *out, const json_t *doc)
{
    static const char *const titles[] = {"CLUSTER", "STATE", "VERSION", "ANSWER",
                                         "DEVICES"};
    struct mc_table *t = NULL;
    size_t i;
    json_t *row;
    int rc = mc_table_new(out, &t);

    if (rc < 0)
        return rc;
    for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        mc_table_column(t, titles[i], false);
    json_array_foreach(json_object_get(doc, "everywhere"), i, row)
    {
        const json_t *same = json_object_get(row, "same");

        mc_table_row(t);
        mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(row, "cluster"));
        mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(row, "state"));
        mc_table_cell(t, MC_STYLE_PLAIN, "%s", mc_doc_text(row, "stamp"));
        mc_table_cell(t, json_is_true(same) ? MC_STYLE_GOOD : MC_STYLE_WARN, "%s",
                      json_is_true(same)    ? "same"
                      : json_is_false(same) ? "other"
                                            : mc_doc_text(row, "why"));
        put_names(t, row);
    }
    (void)printf("\n");
    rc = mc_table_print(t, stdout);
    mc_table_free(t);
    return rc;
}
