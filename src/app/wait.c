/* SPDX-License-Identifier: Apache-2.0 */
/* app/wait.c -- waiting until a ring is everywhere. */
#include "app/wait.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define POLL_MS       150u
#define LINE_EVERY_MS 10000u /* without a terminal, a line at least this often */
#define SHOWN_MAX     16u    /* clusters drawn one by one */
#define TIMEOUT_MS    60000u

struct watcher {
    struct mc_cli *cli;
    const struct mc_wait *wait;
    const char *ring;
    uint64_t start_ms;
    uint64_t line_ms;  /* when the last line was printed */
    char said[1024];   /* what it was */
    unsigned drawn;    /* lines on the terminal that are ours */
    json_t *last;      /* convergence */
    bool silent_agent; /* the agent did not answer last time */
};

int mc_wait_parse(struct mc_cli *cli, struct mc_wait *ret)
{
    const char *whom = mc_cli_opt(cli, "wait");
    const char *timeout = mc_cli_opt(cli, "wait-timeout");
    struct mc_wait wait = {MC_WAIT_ACTIVE, TIMEOUT_MS};
    unsigned long long ms = TIMEOUT_MS;
    int rc;

    if (whom != NULL && strcmp(whom, "all") == 0)
        wait.whom = MC_WAIT_ALL;
    else if (whom != NULL && strcmp(whom, "none") == 0)
        wait.whom = MC_WAIT_NONE;
    else if (whom != NULL && strcmp(whom, "active") != 0)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "wait",
                             "--wait is active, all or none, not \"%.60s\"", whom);
    if (timeout != NULL) {
        rc = mc_args_duration(timeout, "wait-timeout", &ms, &cli->diag);
        if (rc < 0)
            return rc;
    }
    wait.timeout_ms = ms;
    *ret = wait;
    return 0;
}

size_t mc_wait_missing(const json_t *convergence, enum mc_wait_whom whom, json_t *names)
{
    size_t count = 0;
    size_t i;
    json_t *cluster;

    if (whom == MC_WAIT_NONE)
        return 0;
    json_array_foreach(json_object_get(convergence, "clusters"), i, cluster)
    {
        bool active = strcmp(mc_doc_text(cluster, "state"), "ACTIVE") == 0;

        if (mc_doc_bool(cluster, "has") || (!active && whom == MC_WAIT_ACTIVE))
            continue;
        count++;
        if (names != NULL)
            (void)json_array_append(names, json_object_get(cluster, "cluster"));
    }
    return count;
}

/* "a, b and 3 more", as far as it fits. */
static void join_names(const json_t *names, char *dst, size_t cap)
{
    size_t used = 0;
    size_t i;
    json_t *name;

    dst[0] = '\0';
    json_array_foreach(names, i, name)
    {
        const char *text = json_string_value(name);

        if (text == NULL || used + strlen(text) + 24 > cap) {
            (void)snprintf(dst + used, cap - used, " and %zu more",
                           json_array_size(names) - i);
            return;
        }
        used +=
            (size_t)snprintf(dst + used, cap - used, "%s%s", i > 0 ? ", " : "", text);
    }
}

static void say_line(struct watcher *w, const char *names)
{
    const json_t *active = json_object_get(w->last, "active");
    uint64_t now = mc_api_now_ms();
    char line[1024];
    char when[32];
    time_t wall = time(NULL);
    struct tm utc;

    (void)snprintf(line, sizeof(line), "%s %s %lld/%lld active%s%s%s", w->ring,
                   mc_doc_text(w->last, "stamp"), mc_doc_int(active, "have"),
                   mc_doc_int(active, "of"), names[0] != '\0' ? ", waiting for: " : "",
                   names, w->silent_agent ? " (the agent does not answer)" : "");
    if (strcmp(line, w->said) == 0 && now - w->line_ms < LINE_EVERY_MS)
        return;
    (void)snprintf(w->said, sizeof(w->said), "%s", line);
    w->line_ms = now;
    (void)gmtime_r(&wall, &utc);
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)fprintf(stderr, "%s %s\n", when, line);
}

static void draw_cluster(const struct mc_out *out, const json_t *c,
                         enum mc_wait_whom whom)
{
    bool active = strcmp(mc_doc_text(c, "state"), "ACTIVE") == 0;
    bool has = mc_doc_bool(c, "has");
    const char *stamp = mc_doc_text(c, "stamp");

    (void)fprintf(stderr, "  %s%s %-20s%s ",
                  mc_out_style_err(out, has      ? MC_STYLE_GOOD
                                        : active ? MC_STYLE_WARN
                                                 : MC_STYLE_DIM),
                  mc_out_glyph(out, has      ? MC_GLYPH_OK
                                    : active ? MC_GLYPH_WAY
                                             : MC_GLYPH_OFF),
                  mc_doc_text(c, "cluster"), mc_out_style_err(out, MC_STYLE_PLAIN));
    if (has)
        (void)fputs("has it\n", stderr);
    else
        (void)fprintf(stderr, "%s, holds %s%s\n",
                      active ? "not yet" : mc_doc_text(c, "state"),
                      stamp[0] != '\0' ? stamp : "none",
                      !active && whom == MC_WAIT_ACTIVE
                          ? ": not waited for, gets it when it returns"
                          : "");
}

/* Redrawn in place: up over what we drew, then all of it again. */
static void draw(struct watcher *w, const char *names)
{
    const struct mc_out *out = &w->cli->out;
    const json_t *active = json_object_get(w->last, "active");
    const json_t *clusters = json_object_get(w->last, "clusters");
    size_t i;
    json_t *c;

    if (w->drawn > 0)
        (void)fprintf(stderr, "\033[%uA\033[J", w->drawn);
    (void)fprintf(stderr, "%s %s  %lld/%lld active  %.1f s%s\n", w->ring,
                  mc_doc_text(w->last, "stamp"), mc_doc_int(active, "have"),
                  mc_doc_int(active, "of"),
                  (double)(mc_api_now_ms() - w->start_ms) / 1000,
                  w->silent_agent ? "  (the agent does not answer)" : "");
    w->drawn = 1;
    if (json_array_size(clusters) <= SHOWN_MAX) {
        json_array_foreach(clusters, i, c)
        {
            draw_cluster(out, c, w->wait->whom);
            w->drawn++;
        }
    }
    if (names[0] != '\0') {
        (void)fprintf(stderr, "waiting for: %.200s.  Ctrl-C leaves this running.\n",
                      names);
        w->drawn++;
    }
}

/* One look: true when nobody is waited for any more. */
static bool look(struct watcher *w)
{
    json_t *seen = NULL;
    json_t *names = json_array();
    char text[512] = "";
    size_t missing = 1;

    w->silent_agent =
        mc_api_get(&w->cli->api, &seen, "/v1/rings/%s/convergence", w->ring) < 0;
    if (seen != NULL) {
        json_decref(w->last);
        w->last = seen;
    }
    if (w->last != NULL) {
        missing = mc_wait_missing(w->last, w->wait->whom, names);
        join_names(names, text, sizeof(text));
        if (!w->cli->out.quiet && w->cli->out.live_err)
            draw(w, text);
        else if (!w->cli->out.quiet)
            say_line(w, text);
    }
    json_decref(names);
    return missing == 0 && !w->silent_agent;
}

int mc_wait_run(struct mc_cli *cli, const char *ring, const struct mc_wait *wait,
                json_t **ret_convergence)
{
    struct watcher w = {.cli = cli, .wait = wait, .ring = ring};
    uint32_t patience_ms = cli->api.patience_ms;
    int rc = 0;

    *ret_convergence = NULL;
    if (wait->whom == MC_WAIT_NONE)
        return 0;
    w.start_ms = mc_api_now_ms();
    cli->api.patience_ms = 0;
    while (!look(&w)) {
        if (mc_cli_signal != 0) {
            mc_out_hint(
                &cli->out,
                "interrupted: %s was accepted and goes on by itself; look with: "
                "mcos matrix",
                ring);
            rc = 128 + mc_cli_signal;
            break;
        }
        if (mc_api_now_ms() - w.start_ms >= wait->timeout_ms) {
            mc_out_hint(&cli->out,
                        "%s was accepted and is durable, but is not everywhere after "
                        "%.1f s; it goes on by itself; look with: mcos matrix",
                        ring, (double)wait->timeout_ms / 1000);
            rc = MC_EXIT_WAITING;
            break;
        }
        mc_api_sleep_ms(POLL_MS);
    }
    cli->api.patience_ms = patience_ms;
    *ret_convergence = w.last;
    return rc;
}
