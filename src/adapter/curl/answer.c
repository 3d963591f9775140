/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/curl/answer.c -- an agent's documents, bounded before they are parsed. */
#include "adapter/curl/answer.h"

#include "base/json_scan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEPTH_MAX   8u
#define VALUES_MAX  (64u * MC_MEMBERS_MAX)
#define PROBLEM_MAX 4096u /* bytes of a problem document */

/* NULL if it is no object; diag says why. */
static json_t *parse(struct mc_bytes body, size_t most, int *ret_err,
                     struct mcos_diag *diag)
{
    json_error_t error;
    json_t *doc;

    *ret_err = MCOS_E_TOOBIG;
    if (body.len > most) {
        (void)mcos_diag_set(diag, *ret_err, "", "answers with too much");
        return NULL;
    }
    *ret_err = mc_json_scan(body, DEPTH_MAX, VALUES_MAX, diag);
    if (*ret_err != 0)
        return NULL;
    doc = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(doc)) {
        json_decref(doc);
        *ret_err = mcos_diag_set(diag, MCOS_E_JSON, "", "answers with what is no JSON");
        return NULL;
    }
    return doc;
}

int mc_answer_problem(struct mc_bytes body)
{
    int err;
    json_t *doc = parse(body, PROBLEM_MAX, &err, NULL);
    const char *slug = json_string_value(json_object_get(doc, "code"));

    err = slug == NULL ? 0 : mcos_err_from_slug(slug);
    json_decref(doc);
    return err;
}

/* "2026-01-02T10:00:00.000Z"; 0 if it is not. */
static int64_t read_time(const char *text)
{
    struct tm tm = {0};
    const char *end = text == NULL ? NULL : strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ns = 0;
    int64_t unit = 100000000;

    if (end == NULL)
        return 0;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
            ns += (*end - '0') * unit;
    if (strcmp(end, "Z") != 0 || tm.tm_year < 70 || tm.tm_year > 300)
        return 0;
    return (int64_t)timegm(&tm) * 1000000000 + ns;
}

static uint8_t state_of(const char *state, const char *reason)
{
    if (strcmp(state, "ACTIVE") == 0)
        return MC_CLUSTER_ACTIVE;
    if (strcmp(state, "INACTIVE") != 0)
        return MC_CLUSTER_UNKNOWN;
    return strcmp(reason, "left") == 0 ? MC_CLUSTER_LEFT : MC_CLUSTER_SILENT;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mc_cluster *)a)->name.s,
                  ((const struct mc_cluster *)b)->name.s);
}

static int read_list(const json_t *list, struct mc_cluster **ret_clusters,
                     size_t *ret_count, struct mcos_diag *diag)
{
    size_t count = json_array_size(list);
    struct mc_cluster *clusters;

    if (!json_is_array(list) || count > MC_MEMBERS_MAX)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "/clusters",
                             "answers without a list of clusters");
    clusters = calloc(count + 1, sizeof(*clusters));
    if (clusters == NULL)
        return MCOS_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(item, "cluster"));
        const char *state = json_string_value(json_object_get(item, "state"));
        const char *reason = json_string_value(json_object_get(item, "reason"));

        if (name == NULL || state == NULL || reason == NULL ||
            !mc_name_set(&clusters[i].name, name)) {
            free(clusters);
            return mcos_diag_set(diag, MCOS_E_FORMAT, "/clusters",
                                 "answers with what is no cluster");
        }
        clusters[i].state = state_of(state, reason);
    }
    qsort(clusters, count, sizeof(*clusters), by_name);
    *ret_clusters = clusters;
    *ret_count = count;
    return 0;
}

int mc_answer_clusters(struct mc_bytes body, struct mc_cluster **ret_clusters,
                       size_t *ret_count, int64_t *ret_confirmed,
                       struct mcos_diag *diag)
{
    int err;
    json_t *doc = parse(body, MC_ANSWER_BYTES_MAX, &err, diag);

    if (doc == NULL)
        return err;
    err = read_list(json_object_get(doc, "clusters"), ret_clusters, ret_count, diag);
    if (err == 0)
        *ret_confirmed =
            read_time(json_string_value(json_object_get(doc, "confirmed")));
    json_decref(doc);
    return err;
}
