/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/cmd_import.c -- mcos ring import-swift: a `.ring.gz` to an agent, or with
 * --out to a record in a file.
 */
#include "app/change.h"
#include "app/file.h"
#include "app/offline.h"

#include "adapter/swift/builderjson.h"

#include <string.h>

#define UNCHECKED_ONLINE                                                               \
    "without --swift-conf the ring carries no check of Swift's hash prefix and "       \
    "suffix, "                                                                         \
    "unless the agent that was asked has a swift_conf: an agent with wrong ones then " \
    "gives wrong places, and no error"
#define NEXT                                                                           \
    "every agent needs swift_conf, the swift.conf with these hash prefix and suffix, " \
    "to look names up in it"

/* Python's pickle begins so, from its second version on. */
static bool is_pickle(struct mc_bytes bytes)
{
    return bytes.len > 1 && bytes.ptr[0] == 0x80 && bytes.ptr[1] >= 2 &&
           bytes.ptr[1] <= 5;
}

/* Both as they are read here: what an agent would refuse is refused in the same words.
 */
static int decode(struct mc_cli *cli, struct mc_bytes gz, struct mc_bytes builder,
                  const char *name, const struct mc_secret *secret,
                  struct mc_draft *draft, struct mc_buf *extra)
{
    int rc = mc_offline_import(cli, gz, name, secret, draft, extra);

    if (rc < 0)
        return mc_file_blame(cli->args.params[0], rc, &cli->diag);
    if (builder.len != 0)
        rc = mc_builderjson_read(builder, draft, &cli->diag);
    return rc < 0 ? mc_file_blame(mc_cli_opt(cli, "builder-json"), rc, &cli->diag) : 0;
}

static int check(struct mc_cli *cli, struct mc_bytes gz, struct mc_bytes builder,
                 const char *name, const struct mc_secret *secret)
{
    struct mc_draft draft;
    struct mc_buf extra = {0};
    int rc;

    mc_draft_init(&draft);
    rc = decode(cli, gz, builder, name, secret, &draft, &extra);
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
    return rc;
}

static int import_offline(struct mc_cli *cli, struct mc_bytes gz,
                          struct mc_bytes builder, const char *name,
                          const struct mc_secret *secret, const char *out_path)
{
    struct mc_draft draft;
    struct mc_buf extra = {0};
    struct mc_blob *blob = NULL;
    struct mc_head head;
    char stamp[64];
    char digest[2 * MC_DIGEST_BYTES + 1];
    int rc;

    mc_draft_init(&draft);
    rc = decode(cli, gz, builder, name, secret, &draft, &extra);
    if (rc == 0)
        rc = mc_offline_finish(cli, &draft, NULL, 0, &blob);
    if (rc == 0)
        rc = mc_file_write(out_path, mc_blob_get(blob), &cli->diag);
    if (rc == 0)
        rc = mc_head_decode(mc_blob_get(blob), &head, &cli->diag);
    if (rc < 0)
        goto out;
    mc_offline_stamp(&head, stamp);
    mc_hex(digest, head.digest, MC_DIGEST_BYTES);
    if (secret == NULL && !cli->out.json)
        (void)fprintf(stderr, "mcos: warning: " MC_OFFLINE_UNCHECKED "\n");
    if (cli->out.json)
        rc = mc_out_json(json_pack(
            "{s:s, s:s, s:I, s:s, s:s, s:I, s:i, s:I, s:i, s:s*}", "ring", name,
            "stamp", stamp, "version", (json_int_t)head.version, "digest", digest,
            "out", out_path, "bytes", (json_int_t)mc_blob_get(blob).len,
            "partition_power", (int)head.part_power, "assignments",
            (json_int_t)head.assignments, "device_slots", (int)head.device_count,
            "warning", secret == NULL ? MC_OFFLINE_UNCHECKED : NULL));
    else
        (void)printf("%s %s -> %s   2^%u partitions, %llu replicas, %u device slots\n",
                     name, stamp, out_path, head.part_power,
                     (unsigned long long)head.assignments, head.device_count);
out:
    mc_blob_unref(blob);
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
    return rc;
}

static int import_online(struct mc_cli *cli, struct mc_bytes gz,
                         struct mc_bytes builder, const char *name,
                         const struct mc_secret *secret)
{
    const char *if_match = mc_cli_opt(cli, "if-match");
    struct mc_wait wait;
    struct mc_buf path = {0};
    struct mc_buf both = {.max = MC_IMPORT_BYTES_MAX};
    char etag[MC_CLIENT_ETAG_MAX];
    struct mc_change change = {.ring = name,
                               .verb = "imported",
                               .warning = secret == NULL ? UNCHECKED_ONLINE : NULL,
                               .next = NEXT,
                               .taken = "with --replace the file takes its place",
                               .doing = "importing"};
    char start[MC_NAME_MAX + 32];
    int rc = mc_wait_parse(cli, &wait);

    if (rc == 0 && builder.len != 0) /* it becomes a part of the request's own JSON */
        rc = check(cli, gz, builder, name, secret);
    if (rc == 0)
        rc = mc_cli_connect(cli);
    if (rc < 0)
        return rc;
    change.request = (struct mc_request){
        .method = "PUT", .content_type = "application/octet-stream", .body = gz};
    if (builder.len != 0) {
        mc_builderjson_join(&both, gz, builder);
        change.request.content_type = "application/json";
        change.request.body = (struct mc_bytes){both.ptr, both.len};
        rc = both.err;
    }
    if (rc < 0)
        goto out;
    if (if_match != NULL)
        rc = mc_change_quote(cli, if_match, etag);
    else if (mc_cli_has(cli, "replace"))
        rc = mc_change_etag(cli, name, etag);
    else
        change.request.if_none_match = "*";
    if (rc < 0)
        goto out;
    change.request.if_match = change.request.if_none_match == NULL ? etag : NULL;
    (void)snprintf(start, sizeof(start), "/v1/rings/%s/import", name);
    mc_buf_put(&path, start, strlen(start));
    if (secret != NULL) {
        mc_buf_put(&path, "?prefix=", 8);
        mc_client_escape(&path, secret->prefix);
        mc_buf_put(&path, "&suffix=", 8);
        mc_client_escape(&path, secret->suffix);
    }
    mc_buf_u8(&path, 0);
    rc = path.err;
    if (rc == 0) {
        change.request.path = (const char *)path.ptr;
        rc = mc_change_run(cli, &change, &wait);
    }
out:
    mc_buf_fini(&path);
    mc_buf_fini(&both);
    return rc;
}

int mc_cmd_ring_import(struct mc_cli *cli)
{
    const char *name = mc_cli_opt(cli, "name");
    const char *out_path = mc_cli_opt(cli, "out");
    struct mc_swiftconf *conf = NULL;
    struct mc_secret secret = {0};
    const char *builder_path = mc_cli_opt(cli, "builder-json");
    struct mc_buf gz = {0};
    struct mc_buf text = {0};
    struct mc_bytes builder;
    char shown[MC_SHOWN_MAX];
    int rc;

    if (name == NULL)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "name",
                             "what shall the ring be called? --name NAME");
    rc = mc_cli_ring_name(cli, name);
    if (rc == 0)
        rc = mc_offline_secret(cli, &conf);
    if (rc == 0)
        rc = mc_file_read(cli->args.params[0], MC_IMPORT_BYTES_MAX, &gz, &cli->diag);
    if (rc == 0 && builder_path != NULL)
        rc = mc_file_read(builder_path, MC_BUILDERJSON_BYTES_MAX, &text, &cli->diag);
    if (rc == 0 && builder_path != NULL && text.len == 0)
        rc =
            mcos_diag_set(&cli->diag, MCOS_E_JSON, "builder-json", "the file is empty");
    builder = (struct mc_bytes){text.ptr, text.len};
    if (rc == 0 && is_pickle((struct mc_bytes){gz.ptr, gz.len}))
        rc = mcos_diag_set(&cli->diag, MCOS_E_FORMAT, "",
                           "%.120s: this is Swift's builder: give the .ring.gz",
                           mc_file_shown(cli->args.params[0], shown));
    if (rc == 0 && is_pickle(builder))
        rc = mcos_diag_set(&cli->diag, MCOS_E_JSON, "builder-json",
                           "%.120s: this is the pickle: print it as JSON, see "
                           "docs/cli.md, \"Swift\"",
                           mc_file_shown(builder_path, shown));
    if (rc < 0)
        goto out;
    if (conf != NULL)
        secret = mc_swiftconf_secret(conf);
    if (out_path != NULL)
        rc = import_offline(cli, (struct mc_bytes){gz.ptr, gz.len}, builder, name,
                            conf != NULL ? &secret : NULL, out_path);
    else
        rc = import_online(cli, (struct mc_bytes){gz.ptr, gz.len}, builder, name,
                           conf != NULL ? &secret : NULL);
out:
    mc_swiftconf_free(conf);
    mc_buf_fini(&gz);
    mc_buf_fini(&text);
    return rc;
}
