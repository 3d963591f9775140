/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_act.c -- clusters that start, changes that are asked for. */
#include "app/demo_act.h"

#include "app/file.h"

#include "adapter/swift/swiftconf.h"
#include "base/limits.h"

#include <string.h>

/* A PUT to one cluster; the version that came of it. A failure is a promise broken. */
static bool put(struct mc_demo *demo, unsigned number, const struct mc_request *request,
                struct mc_target *target)
{
    struct mc_site *site = mc_demo_site(demo, number);
    json_t *doc = NULL;
    double start = mc_demo_log_now(&demo->log);
    char moved[96];
    int rc;

    site->api.patience_ms = MC_DEMO_SOON_MS;
    rc = mc_api_call(&site->api, request, &doc);
    if (rc < 0) {
        if (mc_cli_signal == 0)
            mc_demo_promise(
                &demo->log, false, 0, "%s takes %s: %s", site->name, target->ring,
                site->api.problem != NULL ? mc_doc_text(site->api.problem, "detail")
                                          : site->api.diag.text);
        return false;
    }
    (void)snprintf(target->stamp, sizeof(target->stamp), "%s",
                   mc_doc_text(doc, "stamp"));
    (void)snprintf(target->digest, sizeof(target->digest), "%s",
                   mc_doc_text(doc, "digest"));
    if (request->if_match != NULL)
        (void)snprintf(moved, sizeof(moved),
                       "%lld of %lld replicas moved, least possible %lld",
                       mc_doc_int(doc, "moved"), mc_doc_int(doc, "assignments"),
                       mc_doc_int(doc, "moved_lower_bound"));
    else
        (void)snprintf(moved, sizeof(moved), "%lld replicas",
                       mc_doc_int(doc, "assignments"));
    mc_demo_promise(&demo->log, true, mc_demo_log_now(&demo->log) - start,
                    "%s %s durable on %s, %s", target->ring, target->stamp, site->name,
                    moved);
    target->distributed = mc_doc_bool(doc, "distributed");
    json_decref(doc);
    return true;
}

bool mc_demo_put_spec(struct mc_demo *demo, unsigned number, const char *file,
                      const char *etag, struct mc_target *target)
{
    char path[MC_DEMO_PATH_MAX + 32];
    char url[MC_NAME_MAX + 16];
    struct mc_buf spec = {0};
    struct mcos_diag diag = {.offset = -1};
    bool ok = false;

    (void)snprintf(path, sizeof(path), "%s/%s", demo->world.examples, file);
    (void)snprintf(url, sizeof(url), "/v1/rings/%s", target->ring);
    if (mc_file_read(path, MC_SPEC_BYTES_MAX, &spec, &diag) < 0)
        mc_demo_promise(&demo->log, false, 0, "the example is there: %s", diag.text);
    else
        ok = put(demo, number,
                 &(struct mc_request){.method = "PUT",
                                      .path = url,
                                      .if_match = etag,
                                      .if_none_match = etag == NULL ? "*" : NULL,
                                      .content_type = "application/json",
                                      .body = {spec.ptr, spec.len}},
                 target);
    mc_buf_fini(&spec);
    return ok;
}

bool mc_demo_update(struct mc_demo *demo, unsigned number, const char *file,
                    struct mc_target *target)
{
    struct mc_api *api = &mc_demo_site(demo, number)->api;
    char etag[MC_CLIENT_ETAG_MAX];

    if (mc_api_get(api, NULL, "/v1/rings/%s", target->ring) < 0)
        return false;
    memcpy(etag, api->response.etag, sizeof(etag));
    return mc_demo_put_spec(demo, number, file, etag, target);
}

bool mc_demo_import(struct mc_demo *demo, unsigned number, struct mc_target *target)
{
    char path[MC_DEMO_PATH_MAX + 32];
    struct mc_buf gz = {0};
    struct mc_buf url = {0};
    struct mc_swiftconf *conf = NULL;
    struct mc_secret secret;
    struct mcos_diag diag = {.offset = -1};
    bool ok = false;

    (void)snprintf(path, sizeof(path), "%s/swift.conf", demo->world.examples);
    if (mc_swiftconf_open(path, &conf, &diag) < 0)
        goto out;
    (void)snprintf(path, sizeof(path), "%s/swift-object.ring.gz", demo->world.examples);
    if (mc_file_read(path, MC_IMPORT_BYTES_MAX, &gz, &diag) < 0)
        goto out;
    secret = mc_swiftconf_secret(conf);
    (void)snprintf(path, sizeof(path), "/v1/rings/%s/import?prefix=", target->ring);
    mc_buf_put(&url, path, strlen(path));
    mc_client_escape(&url, secret.prefix);
    mc_buf_put(&url, "&suffix=", 8);
    mc_client_escape(&url, secret.suffix);
    mc_buf_u8(&url, 0);
    if (url.err == 0)
        ok = put(demo, number,
                 &(struct mc_request){.method = "PUT",
                                      .path = (const char *)url.ptr,
                                      .if_none_match = "*",
                                      .content_type = "application/octet-stream",
                                      .body = {gz.ptr, gz.len}},
                 target);
out:
    if (diag.text[0] != '\0')
        mc_demo_promise(&demo->log, false, 0, "the example is there: %s", diag.text);
    mc_swiftconf_free(conf);
    mc_buf_fini(&gz);
    mc_buf_fini(&url);
    return ok;
}

bool mc_demo_start(struct mc_demo *demo, unsigned set)
{
    struct mcos_diag diag = {.offset = -1};

    for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
        if ((set & MC_SITE_BIT(n)) != 0 &&
            mc_site_start(&demo->world, mc_demo_site(demo, n), &diag) < 0) {
            mc_demo_promise(&demo->log, false, 0, "%s starts: %s",
                            mc_demo_site(demo, n)->name, diag.text);
            return false;
        }
    }
    return true;
}
