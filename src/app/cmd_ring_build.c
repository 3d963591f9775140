/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_ring_build.c -- mcos ring build: from a spec to a record, offline. */
#include "app/file.h"
#include "app/offline.h"
#include "app/plan_page.h"
#include "app/progress.h"

#include "node/json_plan.h"
#include "node/spec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct build {
    const char *spec_path;
    const char *out_path; /* NULL: nothing is written */
    unsigned long long seed;
    unsigned long long now_s; /* 0: the clock */
    struct mc_buf text;
    struct mc_spec_doc *spec;
    struct mc_swiftconf *conf; /* NULL: not given */
    struct mc_ring *old;       /* NULL: a first build */
    struct mc_draft draft;
    struct mc_build_report report;
    json_t *plan;       /* what it does and why; NULL if nobody asked */
    double cpu_seconds; /* of the builder alone */
    struct mc_bar bar;
    char doing[MC_NAME_MAX + 32];
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
    struct mc_secret secret = {0};
    int rc = 0;

    b->spec_path = mc_cli_opt(cli, "spec");
    b->out_path = mc_cli_opt(cli, "out");
    if (b->out_path != NULL && mc_cli_has(cli, "dry-run"))
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "out",
                             "--dry-run writes nothing: leave out --out");
    if (b->spec_path == NULL || (b->out_path == NULL) != mc_cli_has(cli, "dry-run"))
        return mcos_diag_set(
            &cli->diag, MCOS_E_USAGE, b->spec_path == NULL ? "spec" : "out",
            "usage: mcos ring build --spec FILE [--from OLD], and --out FILE or "
            "--dry-run");
    if (seed != NULL)
        rc = mc_args_number(seed, "seed", 0, UINT64_MAX, &b->seed, &cli->diag);
    if (rc == 0 && now != NULL)
        rc = mc_args_number(now, "now", 1, UINT32_MAX, &b->now_s, &cli->diag);
    if (rc == 0)
        rc = mc_file_read(b->spec_path, MC_SPEC_BYTES_MAX, &b->text, &cli->diag);
    if (rc == 0) {
        rc = mc_spec_parse((struct mc_bytes){b->text.ptr, b->text.len}, &b->spec,
                           &cli->diag);
        rc = rc < 0 ? mc_file_blame(b->spec_path, rc, &cli->diag) : 0;
    }
    if (rc == 0)
        rc = mc_offline_secret(cli, &b->conf);
    if (rc == 0 && b->conf != NULL)
        secret = mc_swiftconf_secret(b->conf);
    if (rc == 0 && from != NULL)
        rc = mc_offline_open(cli, from, b->conf != NULL ? &secret : NULL, &b->old);
    return rc;
}

/* A record by whose names nobody would notice a wrong secret. */
static bool is_unchecked(const struct mc_head *head)
{
    static const uint8_t none[sizeof(head->hash_check)];

    return head->hash == MC_HASH_SWIFT_MD5 &&
           memcmp(head->hash_check, none, sizeof(none)) == 0;
}

/* The version before has handed its check on; one without gets that of --swift-conf. */
static int set_check(struct mc_cli *cli, struct build *b)
{
    struct mc_head *head = &b->draft.head;
    uint8_t check[sizeof(head->hash_check)];
    struct mc_secret secret;

    if (b->conf == NULL || head->hash != MC_HASH_SWIFT_MD5)
        return 0;
    secret = mc_swiftconf_secret(b->conf);
    mc_secret_check(&secret, check);
    if (!is_unchecked(head) && memcmp(head->hash_check, check, sizeof(check)) != 0)
        return mcos_diag_set(&cli->diag, MCOS_E_SECRET, "swift-conf",
                             "%.120s: not the hash prefix and suffix that --from was "
                             "made with",
                             mc_cli_opt(cli, "swift-conf"));
    memcpy(head->hash_check, check, sizeof(check));
    return 0;
}

static int choose_name(struct mc_cli *cli, struct build *b)
{
    const char *name = mc_cli_opt(cli, "name");

    if (name != NULL && !mc_name_set(&b->draft.head.name, name))
        return mc_cli_ring_name(cli, name);
    if (name == NULL && b->old != NULL)
        b->draft.head.name = mc_ring_head(b->old)->name;
    else if (name == NULL)
        mc_offline_name(b->out_path != NULL ? b->out_path : b->spec_path,
                        &b->draft.head.name);
    return 0;
}

static bool tell(void *ctx, unsigned thousandths)
{
    struct build *b = ctx;

    mc_bar_tell(&b->bar, thousandths);
    return mc_cli_signal == 0;
}

static int explain(struct build *b, const struct mc_built *built)
{
    struct mc_explain explain = {0};
    int rc = mc_explain_init(&explain, built);

    if (rc == 0 && b->out_path == NULL)
        rc = mc_explain_strict(&explain, built);
    if (rc < 0)
        goto out;
    b->plan = json_object();
    mc_json_plan(b->plan, &explain, &b->report, &b->draft);
    if (b->plan == NULL)
        rc = MCOS_E_NOMEM;
out:
    mc_explain_fini(&explain);
    return rc;
}

static int place(struct mc_cli *cli, struct build *b)
{
    const struct mc_progress progress = {tell, b};
    const struct mc_build_input in = {
        .spec = mc_spec_doc_get(b->spec),
        .old = b->old,
        .now_s = b->now_s != 0 ? (uint32_t)b->now_s : (uint32_t)time(NULL),
        .seed = b->seed,
        .progress = &progress,
    };
    struct mc_built *built = NULL;
    double before = cpu_now();
    int rc;

    (void)snprintf(b->doing, sizeof(b->doing), "building %s", b->draft.head.name.s);
    mc_bar_begin(&b->bar, &cli->out, b->doing);
    rc = mc_build_run(&in, &b->draft, &b->report, &built, &cli->diag);
    b->cpu_seconds = cpu_now() - before;
    mc_bar_end(&b->bar);
    if (rc == 0 && (cli->out.json || b->out_path == NULL))
        rc = explain(b, built);
    mc_built_free(built);
    (void)snprintf(b->draft.head.note, sizeof(b->draft.head.note), "%s", in.spec->note);
    return rc;
}

/* Ctrl-C is looked at until the record is written: then it is there, and whole. */
static int build(struct mc_cli *cli, struct build *b)
{
    int rc = choose_name(cli, b);

    if (rc == 0)
        rc = place(cli, b);
    if (rc == 0)
        rc = set_check(cli, b);
    if (rc == 0)
        rc = mc_offline_finish(cli, &b->draft, b->old, b->now_s * 1000000000ull,
                               &b->blob);
    if (rc == 0 && mc_cli_signal != 0)
        rc = MCOS_E_EMPTY;
    if (rc == 0 && b->out_path != NULL)
        rc = mc_file_write(b->out_path, mc_blob_get(b->blob), &cli->diag);
    return rc;
}

/* What a dry run tells is what a plan of an agent tells. */
static int print_plan(struct mc_cli *cli, struct build *b)
{
    char stamp[64];

    (void)json_object_set_new(b->plan, "ring", json_string(b->draft.head.name.s));
    if (b->old != NULL) {
        mc_offline_stamp(mc_ring_head(b->old), stamp);
        (void)json_object_set_new(b->plan, "stamp", json_string(stamp));
    }
    if (cli->out.json)
        return mc_out_json(json_incref(b->plan));
    return mc_plan_page(&cli->out, b->plan);
}

/* The most memory this process had. What getrusage says is of its parent too. */
static long peak_kb(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    struct rusage usage = {0};
    long kb = 0;

    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    }
    if (status != NULL)
        (void)fclose(status);
    if (kb == 0 && getrusage(RUSAGE_SELF, &usage) == 0)
        kb = usage.ru_maxrss;
    return kb;
}

static int print(struct mc_cli *cli, const struct build *b)
{
    const struct mc_build_report *r = &b->report;
    struct mc_bytes bytes = mc_blob_get(b->blob);
    struct mc_head head;
    char stamp[64];
    char digest[2 * MC_DIGEST_BYTES + 1];
    int rc = mc_head_decode(bytes, &head, &cli->diag);

    if (rc < 0)
        return rc;
    if (is_unchecked(&head) && !cli->out.json)
        (void)fprintf(stderr, "mcos: warning: " MC_OFFLINE_UNCHECKED "\n");
    mc_offline_stamp(&head, stamp);
    mc_hex(digest, head.digest, MC_DIGEST_BYTES);
    if (cli->out.json) {
        /* The figures of before and after are in the plan; these are the record's. */
        json_t *doc = json_pack(
            "{s:s, s:s, s:I, s:s, s:s, s:I, s:f, s:f, s:f, s:I, s:f, s:f, s:I, s:s*}",
            "ring", head.name.s, "stamp", stamp, "version", (json_int_t)head.version,
            "digest", digest, "out", b->out_path, "bytes", (json_int_t)bytes.len,
            "balance", r->balance, "max_deviation", r->max_deviation, "dispersion",
            r->dispersion, "violations", (json_int_t)r->violations, "cpu_seconds",
            b->cpu_seconds, "total_cpu_seconds", cpu_now(), "peak_kb",
            (json_int_t)peak_kb(), "warning",
            is_unchecked(&head) ? MC_OFFLINE_UNCHECKED : NULL);

        (void)json_object_update(doc, b->plan);
        return mc_out_json(doc);
    }
    (void)printf("%s %s -> %s   %zu bytes\n", head.name.s, stamp, b->out_path,
                 bytes.len);
    (void)printf("  %llu replicas, %llu moved (least possible %llu), %llu held back\n",
                 (unsigned long long)r->assignments, (unsigned long long)r->moved,
                 (unsigned long long)r->moved_lower_bound,
                 (unsigned long long)r->held_back);
    (void)printf("  balance %.2f %%  largest deviation %.2f  dispersion %.2f %%  "
                 "violations %llu   %.3f s of CPU, %ld MB at most\n",
                 r->balance, r->max_deviation, r->dispersion,
                 (unsigned long long)r->violations, b->cpu_seconds, peak_kb() / 1024);
    return 0;
}

int mc_cmd_ring_build(struct mc_cli *cli)
{
    struct build b = {0};
    int rc;

    mc_draft_init(&b.draft);
    rc = read_input(cli, &b);
    if (rc == 0) {
        mc_cli_catch();
        rc = build(cli, &b);
    }
    if (rc == 0)
        rc = b.out_path != NULL ? print(cli, &b) : print_plan(cli, &b);
    json_decref(b.plan);
    mc_blob_unref(b.blob);
    mc_draft_fini(&b.draft);
    mc_ring_unref(b.old);
    mc_spec_doc_free(b.spec);
    mc_swiftconf_free(b.conf);
    mc_buf_fini(&b.text);
    return rc;
}
