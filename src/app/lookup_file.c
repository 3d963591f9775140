/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/lookup_file.c -- look-ups in a ring that is here: in a file, or an agent's
 * record.
 */
#include "app/lookup_file.h"

#include "app/fetch.h"
#include "app/lookup_explain.h"
#include "app/offline.h"
#include "ring/handoff.h"

struct asked {
    struct mc_cli *cli;
    const struct mc_ring *ring;
    struct mc_secret secret; /* that of the ring */
    size_t handoffs;
};

struct answer {
    uint32_t part;
    uint32_t ids[MC_REPLICAS_MAX];
    unsigned count;
    uint32_t handoffs[MC_LOOKUP_HANDOFFS_MAX];
    long handoff_count;
};

/* The ring's secret, or what is missing. */
static int take_secret(struct asked *a, const struct mc_secret *given)
{
    int rc = mc_lookup_secret(a->ring, given, &a->secret);

    if (rc == MCOS_E_SECRET)
        return mcos_diag_set(
            &a->cli->diag, rc, "swift-conf",
            given == NULL ? "this ring's names need Swift's hash prefix and "
                            "suffix: --swift-conf FILE"
                          : "this prefix and suffix are not those of the ring: is "
                            "it the right --swift-conf?");
    if (rc == 0 && mc_ring_head(a->ring)->tombstone)
        rc = MCOS_E_DELETED;
    return rc < 0 ? mcos_diag_set(&a->cli->diag, rc, "", "%s", mcos_err_text(rc)) : 0;
}

static int ask(const struct asked *a, const struct mc_key *key, struct answer *ret)
{
    int rc = mc_lookup_part_fast(a->ring, &a->secret, key, &ret->part);

    if (rc == MCOS_E_VALUE)
        return mcos_diag_set(&a->cli->diag, rc, "container",
                             "an object needs a container");
    if (rc < 0)
        return mcos_diag_set(&a->cli->diag, rc, "", "%s", mcos_err_text(rc));
    ret->count = mc_ring_row(a->ring, ret->part, ret->ids);
    ret->handoff_count = 0;
    if (a->handoffs > 0)
        ret->handoff_count =
            mc_lookup_handoffs(a->ring, ret->part, ret->handoffs, a->handoffs);
    return ret->handoff_count < 0 ? (int)ret->handoff_count : 0;
}

static json_t *device_list(const struct mc_ring *ring, const uint32_t *ids,
                           size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        const struct mc_device *d = mc_ring_device(ring, ids[i]);

        (void)json_array_append_new(
            list, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "id",
                            (json_int_t)ids[i], "name", d->name, "cluster", d->cluster,
                            "region", d->region, "zone", d->zone, "host", d->host,
                            "port", (int)d->port, "device", d->device));
    }
    return list;
}

static json_t *answer_doc(const struct asked *a, const struct answer *answer)
{
    return json_pack(
        "{s:I, s:o, s:o}", "partition", (json_int_t)answer->part, "devices",
        device_list(a->ring, answer->ids, answer->count), "handoffs",
        device_list(a->ring, answer->handoffs, (size_t)answer->handoff_count));
}

static int one(const struct asked *a)
{
    static struct answer answer;
    const struct mc_args *args = &a->cli->args;
    const struct mc_head *head = mc_ring_head(a->ring);
    struct mc_key key = {{0}, {0}, {0}};
    char stamp[64];
    json_t *doc;
    int rc;

    if (args->param_count < 1 || args->param_count > 3 || args->params[0][0] == '\0')
        return mcos_diag_set(&a->cli->diag, MCOS_E_USAGE, "",
                             "usage: mcos lookup --file FILE ACCOUNT [CONTAINER "
                             "[OBJECT]], or --stdin");
    mc_lookup_key(args->params, args->param_count, &key);
    rc = ask(a, &key, &answer);
    if (rc < 0)
        return rc;
    mc_offline_stamp(head, stamp);
    doc = json_pack("{s:s, s:s, s:I, s:s}", "ring", head->name.s, "stamp", stamp,
                    "partitions", (json_int_t)mc_ring_part_count(a->ring), "hash",
                    head->hash == MC_HASH_XXH3 ? "xxh3" : "swift-md5");
    (void)json_object_update_new(doc, answer_doc(a, &answer));
    if (mc_cli_has(a->cli, "explain"))
        rc = mc_explain_add(doc, &key, mc_cli_opt(a->cli, "file"));
    if (rc == 0)
        return mc_lookup_tell(&a->cli->out, doc);
    json_decref(doc);
    return rc;
}

static int check_words(struct mc_cli *cli)
{
    const bool lines = mc_cli_has(cli, "stdin");
    const bool file = mc_cli_has(cli, "file");

    if (mc_cli_has(cli, "at") || mc_cli_has(cli, "everywhere"))
        return lines ? mcos_diag_set(&cli->diag, MCOS_E_USAGE, "stdin",
                                     "--at and --everywhere are of one name: not with "
                                     "--stdin")
                     : mcos_diag_set(&cli->diag, MCOS_E_USAGE, "file",
                                     "--at and --everywhere ask an agent: not with "
                                     "--file");
    if (mc_cli_has(cli, "explain") && lines)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "explain",
                             "--explain is of one name: not with --stdin");
    if (lines && cli->args.param_count != (file ? 0 : 1))
        return mcos_diag_set(
            &cli->diag, MCOS_E_USAGE, "stdin",
            "names come from standard input: mcos lookup RING --stdin, "
            "or --file FILE --stdin");
    return file ? 0 : mc_cli_ring_name(cli, cli->args.params[0]);
}

int mc_lookup_here(struct mc_cli *cli)
{
    struct asked a = {.cli = cli};
    struct mc_swiftconf *conf = NULL;
    struct mc_secret given = {0};
    struct mc_ring *ring = NULL;
    unsigned long long handoffs = 0;
    int rc = check_words(cli);

    if (rc == 0)
        rc = mc_lookup_want(cli, &handoffs);
    if (rc == 0)
        rc = mc_offline_secret(cli, &conf);
    if (rc < 0)
        goto out;
    if (conf != NULL)
        given = mc_swiftconf_secret(conf);
    rc = mc_cli_has(cli, "file") ? mc_offline_open(cli, mc_cli_opt(cli, "file"),
                                                   conf == NULL ? NULL : &given, &ring)
                                 : mc_fetch_ring(cli, cli->args.params[0], &ring);
    if (rc < 0)
        goto out;
    a.ring = ring;
    a.handoffs = handoffs;
    rc = take_secret(&a, conf == NULL ? NULL : &given);
    if (rc == 0)
        rc = mc_cli_has(cli, "stdin") ? mc_lookup_lines(cli, ring, &a.secret, handoffs)
                                      : one(&a);
out:
    mc_ring_unref(ring);
    mc_swiftconf_free(conf);
    return rc;
}
