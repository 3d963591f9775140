/* SPDX-License-Identifier: Apache-2.0 */
/* app/change.c -- a change of a ring: asked for, reported, waited for. */
#include "app/change.h"

#include <string.h>

int mc_change_etag(struct mc_cli *cli, const char *ring,
                   char ret_etag[MC_CLIENT_ETAG_MAX])
{
    json_t *doc = NULL;
    bool deleted;
    int rc = mc_api_get(&cli->api, &doc, "/v1/rings/%s", ring);

    if (rc < 0)
        return rc;
    deleted = mc_doc_bool(doc, "deleted");
    json_decref(doc);
    if (deleted)
        return mcos_diag_set(&cli->diag, MCOS_E_DELETED, "",
                             "the ring %s was deleted: `mcos ring create %s` makes it "
                             "again",
                             ring, ring);
    if (cli->api.response.etag[0] == '\0')
        return mcos_diag_set(&cli->diag, MCOS_E_UNREACHABLE, "ETag",
                             "the agent did not say which version it holds");
    memcpy(ret_etag, cli->api.response.etag, MC_CLIENT_ETAG_MAX);
    return 0;
}

int mc_change_quote(struct mc_cli *cli, const char *etag,
                    char ret_etag[MC_CLIENT_ETAG_MAX])
{
    const char *quote = etag[0] == '"' ? "" : "\"";

    if (etag[0] == '\0' || strlen(etag) > MC_CLIENT_ETAG_MAX - 3 ||
        strpbrk(etag, "\r\n\t ") != NULL)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "if-match",
                             "--if-match takes an ETag such as 7-91d0aa02");
    (void)snprintf(ret_etag, MC_CLIENT_ETAG_MAX, "%s%s%s", quote, etag, quote);
    return 0;
}

static void report(const struct mc_cli *cli, const struct mc_change *change,
                   const json_t *doc)
{
    const struct mc_out *out = &cli->out;
    long long all = mc_doc_int(doc, "assignments");

    (void)printf("%s%s%s %s %s %s: durable on %s%s\n", mc_out_style(out, MC_STYLE_GOOD),
                 mc_out_glyph(out, MC_GLYPH_OK), mc_out_style(out, MC_STYLE_PLAIN),
                 change->ring, mc_doc_text(doc, "stamp"), change->verb,
                 cli->api.response.answered_by[0] != '\0'
                     ? cli->api.response.answered_by
                     : "the agent",
                 mc_doc_bool(doc, "distributed")
                     ? ""
                     : ", not sent yet: the bus is away, it goes out when it returns");
    if (all > 0 && strcmp(change->verb, "updated") == 0)
        (void)printf("  %lld of %lld replicas moved (least possible %lld), held back "
                     "%lld\n",
                     mc_doc_int(doc, "moved"), all,
                     mc_doc_int(doc, "moved_lower_bound"),
                     mc_doc_int(doc, "held_back"));
    else if (all > 0)
        (void)printf("  %lld replicas placed\n", all);
    if (all > 0)
        (void)printf("  balance %.2f %%  largest deviation %.2f  dispersion %.2f %%  "
                     "violations %lld\n",
                     mc_doc_real(doc, "balance"), mc_doc_real(doc, "max_deviation"),
                     mc_doc_real(doc, "dispersion"), mc_doc_int(doc, "violations"));
    (void)fflush(stdout);
}

static void report_end(const struct mc_cli *cli, const struct mc_change *change,
                       const struct mc_waited *waited)
{
    const struct mc_out *out = &cli->out;
    const json_t *seen = waited->convergence;
    size_t pending = json_array_size(json_object_get(seen, "inactive_pending"));

    if (waited->fate == MC_FATE_REPLACED)
        (void)printf("  replaced meanwhile by %s, made by %s on %s\n",
                     mc_doc_text(seen, "stamp"), mc_doc_text(waited->ring, "author"),
                     mc_doc_text(waited->ring, "origin"));
    if (strcmp(mc_doc_text(seen, "state"), "alone") == 0)
        (void)printf("%s no other cluster is known: they get it when they join\n",
                     mc_out_glyph(out, MC_GLYPH_OK));
    else
        (void)printf(
            "%s%s%s %s %s%s is on all %lld ACTIVE clusters; %zu INACTIVE pending\n",
            mc_out_style(out, MC_STYLE_GOOD), mc_out_glyph(out, MC_GLYPH_OK),
            mc_out_style(out, MC_STYLE_PLAIN), change->ring, mc_doc_text(seen, "stamp"),
            mc_doc_bool(seen, "deleted") ? " (deleted)" : "",
            mc_doc_int(json_object_get(seen, "active"), "of"), pending);
    if (mc_doc_int(seen, "conflicts") > 0)
        mc_out_hint(out,
                    "%lld other change(s) of %s lost and are kept: %s ring show %s "
                    "lists them",
                    mc_doc_int(seen, "conflicts"), change->ring, mc_out_self,
                    change->ring);
}

/* One document: the change, and why it is not all done if it is not. */
static int print_doc(const struct mc_wait *wait, json_t *take_doc,
                     const struct mc_waited *waited, json_t *lost, int rc)
{
    static const char *const fates[] = {
        [MC_FATE_IN_FORCE] = "in-force",
        [MC_FATE_REPLACED] = "replaced",
        [MC_FATE_LOST] = "lost",
        [MC_FATE_ELSEWHERE] = "not-in-force",
    };

    if (waited->convergence != NULL) {
        (void)json_object_set(take_doc, "convergence", waited->convergence);
        (void)json_object_set_new(take_doc, "fate", json_string(fates[waited->fate]));
    }
    if (lost != NULL)
        (void)json_object_set(take_doc, "error", lost);
    if (rc == MC_EXIT_WAITING) {
        json_t *names = json_array();
        json_t *problem = mc_out_problem(MCOS_E_TIMEOUT, NULL);

        (void)mc_wait_missing(waited->convergence, wait->whom, names);
        (void)json_object_set_new(problem, "waiting_for", names);
        (void)json_object_set_new(take_doc, "error", problem);
    }
    if (rc >= 128)
        (void)json_object_set_new(take_doc, "interrupted", json_true());
    return mc_out_json(take_doc);
}

/* Waits and says how it ended. Returns an exit status or a failure to print. */
static int watch(struct mc_cli *cli, const struct mc_change *change,
                 const struct mc_wait *wait, json_t *doc)
{
    struct mc_waited waited;
    json_t *lost = NULL;
    int printed = 0;
    int rc = mc_wait_run(cli, doc, wait, &waited);

    if (rc < 0) {
        lost = mc_fate_problem(waited.fate, doc, waited.ring);
        rc = mcos_err_exit(rc);
    }
    if (cli->out.json)
        printed = print_doc(wait, json_incref(doc), &waited, lost, rc);
    else if (lost != NULL)
        (void)mc_out_fail(&cli->out, MCOS_E_CONFLICT, NULL, lost);
    else if (rc == 0 && waited.convergence != NULL)
        report_end(cli, change, &waited);
    if (!cli->out.json && rc == 0)
        mc_out_hint(&cli->out, "  next: %s ring show %s   %s matrix", mc_out_self,
                    change->ring, mc_out_self);
    json_decref(lost);
    mc_waited_fini(&waited);
    return printed < 0 ? printed : rc;
}

/* The agent speaks of headers; who sits at a shell has commands for it. */
static void hint_at_commands(struct mc_cli *cli, const struct mc_change *change,
                             int err)
{
    char hint[2 * MC_NAME_MAX + 160] = "";

    if (err == MCOS_E_EXISTS && change->taken != NULL)
        (void)snprintf(hint, sizeof(hint), "%s; or take another name", change->taken);
    else if (err == MCOS_E_STALE)
        (void)snprintf(hint, sizeof(hint),
                       "look at it with `mcos ring show %s`, then try again; with "
                       "--if-match, on the version that you looked at",
                       change->ring);
    else if (err == MCOS_E_DELETED)
        (void)snprintf(hint, sizeof(hint), "`mcos ring create %s` makes it again",
                       change->ring);
    if (hint[0] != '\0' && json_is_object(cli->api.problem))
        (void)json_object_set_new(cli->api.problem, "hint", json_string(hint));
}

int mc_change_run(struct mc_cli *cli, const struct mc_change *change,
                  const struct mc_wait *wait)
{
    json_t *doc = NULL;
    int rc;

    mc_cli_catch();
    cli->api.doing = change->doing;
    rc = mc_api_call(&cli->api, &change->request, &doc);
    cli->api.doing = NULL;
    if (rc < 0) {
        if (mc_cli_signal != 0)
            mc_out_hint(
                &cli->out,
                "whether the change of %s was accepted is not known; look with: "
                "%s ring show %s",
                change->ring, mc_out_self, change->ring);
        if (!cli->out.json)
            hint_at_commands(cli, change, rc);
        return rc;
    }
    if (cli->out.json && change->warning != NULL)
        (void)json_object_set_new(doc, "warning", json_string(change->warning));
    if (!cli->out.json)
        report(cli, change, doc);
    if (!cli->out.json && change->warning != NULL)
        (void)fprintf(stderr, "mcos: warning: %s\n", change->warning);
    if (!cli->out.json && change->next != NULL)
        mc_out_hint(&cli->out, "  %s", change->next);
    rc = watch(cli, change, wait, doc);
    json_decref(doc);
    return rc;
}
