/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_ring_build.c -- mcos ring build: from a spec to a record, offline. */
#include "app/file.h"
#include "app/offline.h"

#include "node/spec.h"
#include "ring/build.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct build {
    const char *spec_path;
    const char *out_path;
    unsigned long long seed;
    unsigned long long now_s; /* 0: the clock */
    struct mc_buf text;
    struct mc_spec_doc *spec;
    struct mc_ring *old; /* NULL: a first build */
    struct mc_draft draft;
    struct mc_build_report report;
    double cpu_seconds; /* of the builder alone */
    struct mc_blob *blob;
};

static double cpu_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Options, spec and the version before. */
static int read_input(struct mc_cli *cli, struct build *b)
{
    const char *seed = mc_cli_opt(cli, "seed");
    const char *now = mc_cli_opt(cli, "now");
    const char *from = mc_cli_opt(cli, "from");
    int rc = 0;

    b->spec_path = mc_cli_opt(cli, "spec");
    b->out_path = mc_cli_opt(cli, "out");
    if (b->spec_path == NULL || b->out_path == NULL)
        return mcos_diag_set(
            &cli->diag, MCOS_E_USAGE, b->spec_path == NULL ? "spec" : "out",
            "usage: mcos ring build --spec FILE [--from OLD] --out FILE");
    if (seed != NULL)
        rc = mc_args_number(seed, "seed", 0, UINT64_MAX, &b->seed, &cli->diag);
    if (rc == 0 && now != NULL)
        rc = mc_args_number(now, "now", 1, UINT32_MAX, &b->now_s, &cli->diag);
    if (rc == 0)
        rc = mc_file_read(b->spec_path, MC_SPEC_BYTES_MAX, &b->text, &cli->diag);
    if (rc == 0)
        rc = mc_spec_parse((struct mc_bytes){b->text.ptr, b->text.len}, &b->spec,
                           &cli->diag);
    if (rc == 0 && from != NULL)
        rc = mc_offline_open(cli, from, NULL, &b->old);
    return rc;
}

static int choose_name(struct mc_cli *cli, struct build *b)
{
    const char *name = mc_cli_opt(cli, "name");

    if (name != NULL && !mc_name_set(&b->draft.head.name, name))
        return mc_cli_ring_name(cli, name);
    if (name == NULL && b->old != NULL)
        b->draft.head.name = mc_ring_head(b->old)->name;
    else if (name == NULL)
        mc_offline_name(b->out_path, &b->draft.head.name);
    return 0;
}

static int build(struct mc_cli *cli, struct build *b)
{
    struct mc_build_input in = {
        .spec = mc_spec_doc_get(b->spec),
        .old = b->old,
        .now_s = b->now_s != 0 ? (uint32_t)b->now_s : (uint32_t)time(NULL),
        .seed = b->seed,
    };
    double before;
    int rc = choose_name(cli, b);

    if (rc < 0)
        return rc;
    before = cpu_now();
    rc = mc_build(&in, &b->draft, &b->report, &cli->diag);
    b->cpu_seconds = cpu_now() - before;
    if (rc < 0)
        return rc;
    (void)snprintf(b->draft.head.note, sizeof(b->draft.head.note), "%s", in.spec->note);
    rc = mc_offline_finish(cli, &b->draft, b->old, b->now_s * 1000000000ull, &b->blob);
    if (rc == 0)
        rc = mc_file_write(b->out_path, mc_blob_get(b->blob), &cli->diag);
    return rc;
}

static int print(struct mc_cli *cli, const struct build *b)
{
    const struct mc_build_report *r = &b->report;
    struct mc_bytes bytes = mc_blob_get(b->blob);
    struct mc_head head;
    struct rusage usage = {0};
    char stamp[64];
    char digest[2 * MC_DIGEST_BYTES + 1];
    int rc = mc_head_decode(bytes, &head, &cli->diag);

    if (rc < 0)
        return rc;
    (void)getrusage(RUSAGE_SELF, &usage);
    mc_offline_stamp(&head, stamp);
    mc_hex(digest, head.digest, MC_DIGEST_BYTES);
    if (cli->out.json)
        return mc_out_json(json_pack(
            "{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I, "
            "s:I, "
            "s:f, s:f, s:I}",
            "ring", head.name.s, "stamp", stamp, "version", (json_int_t)head.version,
            "digest", digest, "out", b->out_path, "bytes", (json_int_t)bytes.len,
            "assignments", (json_int_t)r->assignments, "moved", (json_int_t)r->moved,
            "moved_lower_bound", (json_int_t)r->moved_lower_bound, "held_back",
            (json_int_t)r->held_back, "balance", r->balance, "max_deviation",
            r->max_deviation, "dispersion", r->dispersion, "violations",
            (json_int_t)r->violations, "below_floor", (json_int_t)r->below_floor,
            "cpu_seconds", b->cpu_seconds, "total_cpu_seconds", cpu_now(), "peak_kb",
            (json_int_t)usage.ru_maxrss));
    (void)printf("%s %s -> %s   %zu bytes\n", head.name.s, stamp, b->out_path,
                 bytes.len);
    (void)printf("  %llu replicas, %llu moved (least possible %llu), %llu held back\n",
                 (unsigned long long)r->assignments, (unsigned long long)r->moved,
                 (unsigned long long)r->moved_lower_bound,
                 (unsigned long long)r->held_back);
    (void)printf("  balance %.2f %%  largest deviation %.2f  dispersion %.2f %%  "
                 "violations %llu   %.3f s of CPU\n",
                 r->balance, r->max_deviation, r->dispersion,
                 (unsigned long long)r->violations, b->cpu_seconds);
    return 0;
}

int mc_cmd_ring_build(struct mc_cli *cli)
{
    struct build b = {0};
    int rc;

    mc_draft_init(&b.draft);
    rc = read_input(cli, &b);
    if (rc == 0)
        rc = build(cli, &b);
    if (rc == 0)
        rc = print(cli, &b);
    mc_blob_unref(b.blob);
    mc_draft_fini(&b.draft);
    mc_ring_unref(b.old);
    mc_spec_doc_free(b.spec);
    mc_buf_fini(&b.text);
    return rc;
}
