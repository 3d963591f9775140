/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_ring_change.c -- mcos ring create, update, delete. */
#include "app/change.h"
#include "app/file.h"

#include "base/limits.h"

#include <string.h>
#include <unistd.h>

struct job {
    struct mc_wait wait;
    struct mc_buf spec;
    char etag[MC_CLIENT_ETAG_MAX];
    struct mc_buf path;
    char doing[MC_NAME_MAX + 32];
    struct mc_change change;
};

/* With the plan that is to come out, if one is named. */
static int set_path(struct mc_cli *cli, struct job *job)
{
    const char *plan = mc_cli_opt(cli, "plan");
    struct mc_buf *b = &job->path;

    mc_buf_put(b, "/v1/rings/", strlen("/v1/rings/"));
    mc_buf_put(b, job->change.ring, strlen(job->change.ring));
    if (plan != NULL) {
        mc_buf_put(b, "?plan=", strlen("?plan="));
        mc_client_escape(b, (struct mc_bytes){(const uint8_t *)plan, strlen(plan)});
    }
    mc_buf_u8(b, 0);
    return b->err;
}

static void fini(struct job *job)
{
    mc_buf_fini(&job->spec);
    mc_buf_fini(&job->path);
}

/* What all three need before anything is sent. */
static int prepare(struct mc_cli *cli, struct job *job, const char *method,
                   const char *verb, bool with_spec)
{
    const char *file = mc_cli_opt(cli, "file");
    int rc;

    *job = (struct job){.change = {.ring = cli->args.params[0], .verb = verb}};
    rc = mc_cli_ring_name(cli, job->change.ring);
    if (rc == 0)
        rc = mc_wait_parse(cli, &job->wait);
    if (rc < 0)
        return rc;
    if (with_spec && file == NULL)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "file",
                             "which spec? name it with -f FILE, or -f - for standard "
                             "input");
    if (with_spec)
        rc = mc_file_read(file, MC_SPEC_BYTES_MAX, &job->spec, &cli->diag);
    if (rc < 0)
        return rc;
    rc = set_path(cli, job);
    if (rc < 0)
        return rc;
    (void)snprintf(job->doing, sizeof(job->doing), "building %s", job->change.ring);
    job->change.doing = with_spec ? job->doing : NULL;
    job->change.request = (struct mc_request){
        .method = method,
        .path = (const char *)job->path.ptr,
        .content_type = with_spec ? "application/json" : NULL,
        .body = {job->spec.ptr, job->spec.len},
    };
    return mc_cli_connect(cli);
}

static int with_etag(struct mc_cli *cli, struct job *job)
{
    const char *given = mc_cli_opt(cli, "if-match");
    int rc = given != NULL ? mc_change_quote(cli, given, job->etag)
                           : mc_change_etag(cli, job->change.ring, job->etag);

    job->change.request.if_match = job->etag;
    return rc;
}

int mc_cmd_ring_create(struct mc_cli *cli)
{
    struct job job;
    char taken[MC_NAME_MAX + 40] = "";
    int rc = prepare(cli, &job, "PUT", "created", true);

    if (rc == 0)
        (void)snprintf(taken, sizeof(taken), "`mcos ring update %s` changes it",
                       job.change.ring);
    job.change.taken = taken;
    job.change.request.if_none_match = "*";
    if (rc == 0)
        rc = mc_change_run(cli, &job.change, &job.wait);
    fini(&job);
    return rc;
}

int mc_cmd_ring_update(struct mc_cli *cli)
{
    struct job job;
    int rc = prepare(cli, &job, "PUT", "updated", true);

    if (rc == 0)
        rc = with_etag(cli, &job);
    if (rc == 0)
        rc = mc_change_run(cli, &job.change, &job.wait);
    fini(&job);
    return rc;
}

/* The name once more: by --confirm, or typed at a terminal. */
static int confirm(struct mc_cli *cli, const char *ring)
{
    const char *given = mc_cli_opt(cli, "confirm");
    char line[MC_NAME_MAX + 3] = "";

    if (given == NULL) {
        if (cli->no_input || isatty(STDIN_FILENO) == 0)
            return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "confirm",
                                 "deleting needs the name once more: --confirm %s",
                                 ring);
        (void)fprintf(stderr,
                      "This deletes %s on every cluster. Type its name: ", ring);
        if (fgets(line, sizeof(line), stdin) == NULL)
            line[0] = '\0';
        line[strcspn(line, "\n")] = '\0';
        given = line;
    }
    if (strcmp(given, ring) == 0)
        return 0;
    return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "confirm",
                         "\"%.80s\" is not \"%s\": nothing was deleted", given, ring);
}

int mc_cmd_ring_delete(struct mc_cli *cli)
{
    struct job job;
    int rc = prepare(cli, &job, "DELETE", "deleted", false);

    if (rc == 0)
        rc = confirm(cli, job.change.ring);
    if (rc == 0)
        rc = with_etag(cli, &job);
    if (rc == 0)
        rc = mc_change_run(cli, &job.change, &job.wait);
    fini(&job);
    return rc;
}
