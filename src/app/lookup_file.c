/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/lookup_file.c -- look-ups in a file, without an agent.
 *
 * With --stdin each input line gets one output line, in order, so that two
 * million answers can be put beside two million questions. A line that is no
 * question gets an answer too: an error that carries its number.
 */
#include "app/lookup_file.h"

#include "app/lookup_explain.h"
#include "app/offline.h"
#include "app/table.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    struct mc_cli *cli;
    const struct mc_ring *ring;
    const struct mc_secret *secret; /* NULL: none given */
    size_t handoffs;
    char **texts; /* devices as JSON, by id; made when first asked for */
};

struct answer {
    uint32_t part;
    uint32_t ids[MC_REPLICAS_MAX];
    unsigned count;
    uint32_t handoffs[MC_LOOKUP_HANDOFFS_MAX];
    long handoff_count;
};

int mc_lookup_line(struct mc_bytes line, struct mc_key *ret_key, struct mcos_diag *diag)
{
    struct mc_bytes parts[3] = {{0}, {0}, {0}};
    size_t start = 0;
    unsigned count = 0;

    for (size_t i = 0; i <= line.len; i++) {
        struct mc_bytes part = {line.ptr + start, i - start};

        if (i < line.len && line.ptr[i] != '\t')
            continue;
        if (count == 3)
            return mcos_diag_set(diag, MCOS_E_VALUE, "",
                                 "more than account, container and object");
        if (part.len == 0 || (part.len == 2 && memcmp(part.ptr, "\\N", 2) == 0))
            part = (struct mc_bytes){0};
        parts[count++] = part;
        start = i + 1;
    }
    if (parts[0].ptr == NULL)
        return mcos_diag_set(diag, MCOS_E_VALUE, "account", "the line has no account");
    if (parts[2].ptr != NULL && parts[1].ptr == NULL)
        return mcos_diag_set(diag, MCOS_E_VALUE, "container",
                             "an object needs a container");
    *ret_key = (struct mc_key){parts[0], parts[1], parts[2]};
    return 0;
}

static int ask(const struct asked *a, const struct mc_key *key, struct answer *ret)
{
    int rc = mc_lookup_part(a->ring, a->secret, key, &ret->part);

    if (rc == MCOS_E_SECRET)
        return mcos_diag_set(
            &a->cli->diag, rc, "swift-conf",
            a->secret == NULL ? "this ring's names need Swift's hash prefix and "
                                "suffix: --swift-conf FILE"
                              : "this prefix and suffix are not those of the ring: is "
                                "it the right --swift-conf?");
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

static void print_ids(const uint32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)printf("%s%u", i > 0 ? "," : "", ids[i]);
}

/* A device as JSON, made once: answers by the million share it. NULL: no memory. */
static const char *device_text(const struct asked *a, uint32_t id)
{
    json_t *item;

    if (a->texts[id] == NULL) {
        item = json_pack("{s:I, s:s}", "id", (json_int_t)id, "name",
                         mc_ring_device(a->ring, id)->name);
        a->texts[id] = item == NULL ? NULL : json_dumps(item, JSON_COMPACT);
        json_decref(item);
    }
    return a->texts[id];
}

static int print_devices(const struct asked *a, const uint32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = device_text(a, ids[i]);

        if (text == NULL)
            return MCOS_E_NOMEM;
        if (i > 0)
            (void)fputc(',', stdout);
        (void)fputs(text, stdout);
    }
    return 0;
}

/* One answer: a document, or `partition<TAB>ids<TAB>handoffs`. */
static int print_line(const struct asked *a, const struct answer *answer)
{
    size_t handoffs = (size_t)answer->handoff_count;
    int rc;

    if (!a->cli->out.json) {
        (void)printf("%u\t", answer->part);
        print_ids(answer->ids, answer->count);
        (void)fputc('\t', stdout);
        print_ids(answer->handoffs, handoffs);
        return fputc('\n', stdout) == EOF ? MCOS_E_IO : 0;
    }
    (void)printf("{\"schema\":\"" MC_SCHEMA "\",\"partition\":%u,\"devices\":[",
                 answer->part);
    rc = print_devices(a, answer->ids, answer->count);
    (void)fputs("],\"handoffs\":[", stdout);
    if (rc == 0)
        rc = print_devices(a, answer->handoffs, handoffs);
    return rc < 0 ? rc : fputs("]}\n", stdout) == EOF ? MCOS_E_IO : 0;
}

static int print_bad_line(const struct asked *a, int code, long number)
{
    json_t *problem;

    a->cli->diag.line = number;
    if (!a->cli->out.json) {
        (void)fprintf(stderr, "mcos: line %ld: %s\n", number, a->cli->diag.text);
        return fputs("error\t\t\n", stdout) == EOF ? MCOS_E_IO : 0;
    }
    problem = mc_out_problem(code, &a->cli->diag);
    return mc_out_json(json_pack("{s:o}", "error", problem));
}

/* A broken line is answered and passed over; what breaks all of them ends the run. */
static bool line_only(int code)
{
    return code == MCOS_E_VALUE || code == MCOS_E_TOOBIG;
}

static int one_line(const struct asked *a, struct mc_bytes line, long number, bool *bad)
{
    static struct answer answer;
    struct mc_key key;
    int rc;

    a->cli->diag = (struct mcos_diag){.offset = -1};
    if (line.len > MC_LOOKUP_LINE_MAX)
        rc = mcos_diag_set(&a->cli->diag, MCOS_E_TOOBIG, "",
                           "the line is longer than %u bytes", MC_LOOKUP_LINE_MAX);
    else
        rc = mc_lookup_line(line, &key, &a->cli->diag);
    if (rc == 0)
        rc = ask(a, &key, &answer);
    if (rc == 0)
        return print_line(a, &answer);
    if (!line_only(rc))
        return rc;
    *bad = true;
    return print_bad_line(a, rc, number);
}

/* The next line without its end; one byte more than the limit stands for too long. */
static bool read_line(FILE *from, uint8_t *line, size_t *ret_len)
{
    size_t len = 0;
    int c;

    while ((c = getc_unlocked(from)) != EOF && c != '\n') {
        if (len <= MC_LOOKUP_LINE_MAX)
            line[len++] = (uint8_t)c;
    }
    *ret_len = len;
    return c != EOF || len > 0;
}

static int lines(struct asked *a)
{
    uint32_t device_count = mc_ring_head(a->ring)->device_count;
    uint8_t *line = malloc(MC_LOOKUP_LINE_MAX + 1);
    bool bad = false;
    long number = 0;
    size_t len;
    int rc = MCOS_E_NOMEM;

    a->texts = calloc((size_t)device_count + 1, sizeof(*a->texts));
    if (line == NULL || a->texts == NULL)
        goto out;
    rc = 0;
    while (rc == 0 && read_line(stdin, line, &len))
        rc = one_line(a, (struct mc_bytes){line, len}, ++number, &bad);
    if (rc == 0 && ferror(stdin))
        rc = mcos_diag_set(&a->cli->diag, MCOS_E_IO, "",
                           "reading standard input failed");
    if (rc == 0 && bad)
        rc = mcos_err_exit(MCOS_E_VALUE);
out:
    for (uint32_t i = 0; a->texts != NULL && i < device_count; i++)
        free(a->texts[i]);
    free(a->texts);
    free(line);
    return rc;
}

int mc_lookup_file(struct mc_cli *cli)
{
    struct asked a = {.cli = cli};
    struct mc_swiftconf *conf = NULL;
    struct mc_secret secret = {0};
    struct mc_ring *ring = NULL;
    unsigned long long handoffs = 0;
    int rc = mc_lookup_want(cli, &handoffs);

    if (mc_cli_has(cli, "at") || mc_cli_has(cli, "everywhere"))
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "file",
                             "--at and --everywhere ask an agent: not with --file");
    if (mc_cli_has(cli, "explain") && mc_cli_has(cli, "stdin"))
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "explain",
                             "--explain is of one name: not with --stdin");
    if (rc == 0)
        rc = mc_offline_secret(cli, &conf);
    if (rc < 0)
        goto out;
    if (conf != NULL) {
        secret = mc_swiftconf_secret(conf);
        a.secret = &secret;
    }
    rc = mc_offline_open(cli, mc_cli_opt(cli, "file"), a.secret, &ring);
    if (rc < 0)
        goto out;
    a.ring = ring;
    a.handoffs = handoffs;
    rc = mc_cli_has(cli, "stdin") ? lines(&a) : one(&a);
out:
    mc_ring_unref(ring);
    mc_swiftconf_free(conf);
    return rc;
}
