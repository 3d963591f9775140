/* SPDX-License-Identifier: Apache-2.0 */
/* app/wait.c -- waiting until a ring is everywhere. */
#include "app/wait.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS       150u
#define LINE_EVERY_MS 10000u /* without a terminal, a line at least this often */
#define SHOWN_MAX     16u    /* clusters drawn one by one */
#define TIMEOUT_MS    60000u

struct watcher {
    struct mc_cli *cli;
    const struct mc_wait *wait;
    const json_t *change;
    const char *ring;
    uint64_t start_ms;
    uint64_t line_ms; /* when the last line was printed */
    char said[1024];  /* what it was */
    unsigned drawn;   /* rows on the terminal that are ours */
    struct mc_waited seen;
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

void mc_wait_names(const json_t *names, char *dst, size_t cap)
{
    size_t count = json_array_size(names);
    size_t used = 0;
    size_t i;
    json_t *name;

    dst[0] = '\0';
    json_array_foreach(names, i, name)
    {
        const char *text = json_string_value(name);
        size_t more = i + 1 < count ? sizeof(" and 4294967295 more") : 1;

        if (text == NULL || used + strlen(text) + 2 + more > cap) {
            (void)snprintf(dst + used, cap - used,
                           i > 0 ? " and %zu more" : "%zu clusters", count - i);
            return;
        }
        used +=
            (size_t)snprintf(dst + used, cap - used, "%s%s", i > 0 ? ", " : "", text);
    }
}

void mc_waited_fini(struct mc_waited *waited)
{
    json_decref(waited->convergence);
    json_decref(waited->ring);
    *waited = (struct mc_waited){0};
}

static void say_line(struct watcher *w, const json_t *missing)
{
    const json_t *last = w->seen.convergence;
    const json_t *active = json_object_get(last, "active");
    uint64_t now = mc_api_now_ms();
    char line[1024];
    char names[512];
    char when[32];
    time_t wall = time(NULL);
    struct tm utc;

    mc_wait_names(missing, names, sizeof(names));
    (void)snprintf(line, sizeof(line), "%s %s %lld/%lld active%s%s%s", w->ring,
                   mc_doc_text(last, "stamp"), mc_doc_int(active, "have"),
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

/* ---- on a terminal, in place ---- */

struct size {
    size_t columns;
    size_t rows;
};

static struct size terminal_size(void)
{
    struct winsize w = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0)
        return (struct size){80, 24};
    return (struct size){w.ws_col, w.ws_row};
}

/* Prints as much of it as there are columns left; a character takes one. */
static void put_cut(const char *text, size_t *columns)
{
    for (; *text != '\0'; text++) {
        bool first = ((unsigned char)*text & 0xc0) != 0x80;

        if (first && *columns == 0)
            return;
        *columns -= first;
        (void)fputc(*text, stderr);
    }
}

/* One row, never more: a line that wraps could not be drawn over. */
static void put_row(struct watcher *w, struct size size, enum mc_style style,
                    const char *lead, const char *rest)
{
    const struct mc_out *out = &w->cli->out;
    size_t columns = size.columns - 1;

    (void)fputs(mc_out_style_err(out, style), stderr);
    put_cut(lead, &columns);
    (void)fputs(mc_out_style_err(out, MC_STYLE_PLAIN), stderr);
    put_cut(rest, &columns);
    (void)fputc('\n', stderr);
    w->drawn++;
}

static void draw_cluster(struct watcher *w, struct size size, const json_t *c)
{
    bool active = strcmp(mc_doc_text(c, "state"), "ACTIVE") == 0;
    bool has = mc_doc_bool(c, "has");
    const char *stamp = mc_doc_text(c, "stamp");
    char lead[128];
    char rest[256];

    (void)snprintf(lead, sizeof(lead), "  %s %-20s ",
                   mc_out_glyph(&w->cli->out, has      ? MC_GLYPH_OK
                                              : active ? MC_GLYPH_WAY
                                                       : MC_GLYPH_OFF),
                   mc_doc_text(c, "cluster"));
    if (has)
        (void)snprintf(rest, sizeof(rest), "has it");
    else
        (void)snprintf(rest, sizeof(rest), "%s, holds %s%s",
                       active ? "not yet" : mc_doc_text(c, "state"),
                       stamp[0] != '\0' ? stamp : "none",
                       !active && w->wait->whom == MC_WAIT_ACTIVE
                           ? ": not waited for, gets it when it returns"
                           : "");
    put_row(w, size,
            has      ? MC_STYLE_GOOD
            : active ? MC_STYLE_WARN
                     : MC_STYLE_DIM,
            lead, rest);
}

/* Redrawn in place: up over what we drew, then all of it again. */
static void draw(struct watcher *w, const json_t *missing)
{
    const json_t *last = w->seen.convergence;
    const json_t *active = json_object_get(last, "active");
    const json_t *clusters = json_object_get(last, "clusters");
    struct size size = terminal_size();
    char names[256];
    char text[512];
    size_t i;
    json_t *c;

    if (w->drawn > 0)
        (void)fprintf(stderr, "\033[%uA\033[J", w->drawn);
    w->drawn = 0;
    (void)snprintf(text, sizeof(text), "%s %s  %lld/%lld active  %.1f s%s", w->ring,
                   mc_doc_text(last, "stamp"), mc_doc_int(active, "have"),
                   mc_doc_int(active, "of"),
                   (double)(mc_api_now_ms() - w->start_ms) / 1000,
                   w->silent_agent ? "  (the agent does not answer)" : "");
    put_row(w, size, MC_STYLE_PLAIN, "", text);
    if (json_array_size(clusters) <= SHOWN_MAX &&
        json_array_size(clusters) + 3 <= size.rows)
        json_array_foreach(clusters, i, c) draw_cluster(w, size, c);
    if (json_array_size(missing) > 0) {
        static const char lead[] = "waiting for: ";
        static const char rest[] = ".  Ctrl-C leaves this running.";
        size_t taken = sizeof(lead) + (size.columns > 100 ? sizeof(rest) : 0);
        size_t room = size.columns < 48 + taken ? 48 : size.columns - taken;

        mc_wait_names(missing, names, room < sizeof(names) ? room : sizeof(names));
        (void)snprintf(text, sizeof(text), "%s%s", names, rest);
        put_row(w, size, MC_STYLE_PLAIN, lead, text);
    }
}

/* ---- looking ---- */

/* The ring is at another version than ours: why? */
static int learn_fate(struct watcher *w)
{
    json_t *ring = NULL;
    int rc = mc_api_get(&w->cli->api, &ring, "/v1/rings/%s", w->ring);

    if (rc < 0)
        return rc;
    json_decref(w->seen.ring);
    w->seen.ring = ring;
    w->seen.fate = mc_fate_of(w->change, ring);
    return 0;
}

/* One look: 1 when nobody is waited for any more, CONFLICT when the change lost. */
static int look(struct watcher *w)
{
    json_t *seen = NULL;
    json_t *names;
    size_t missing;
    int rc = mc_api_get(&w->cli->api, &seen, "/v1/rings/%s/convergence", w->ring);

    if (rc == 0 &&
        strcmp(mc_doc_text(seen, "stamp"), mc_doc_text(w->change, "stamp")) != 0)
        rc = learn_fate(w);
    else if (rc == 0)
        w->seen.fate = MC_FATE_IN_FORCE;
    if (rc == 0) {
        json_decref(w->seen.convergence);
        w->seen.convergence = seen;
    } else {
        json_decref(seen);
    }
    if (mc_cli_signal != 0)
        return 0;
    w->silent_agent = rc < 0;
    if (w->seen.fate == MC_FATE_LOST || w->seen.fate == MC_FATE_ELSEWHERE)
        return MCOS_E_CONFLICT;
    if (w->seen.convergence == NULL)
        return 0;
    names = json_array();
    missing = mc_wait_missing(w->seen.convergence, w->wait->whom, names);
    if (!w->cli->out.quiet && w->cli->out.live_err)
        draw(w, names);
    else if (!w->cli->out.quiet)
        say_line(w, names);
    json_decref(names);
    return missing == 0 && !w->silent_agent;
}

int mc_wait_run(struct mc_cli *cli, const json_t *change, const struct mc_wait *wait,
                struct mc_waited *ret)
{
    struct watcher w = {.cli = cli,
                        .wait = wait,
                        .change = change,
                        .ring = mc_doc_text(change, "ring")};
    uint32_t patience_ms = cli->api.patience_ms;
    int rc = 0;

    *ret = w.seen;
    if (wait->whom == MC_WAIT_NONE)
        return 0;
    w.start_ms = mc_api_now_ms();
    cli->api.patience_ms = 0;
    cli->api.connect_ms = 0;
    while ((rc = look(&w)) == 0) {
        if (mc_cli_signal != 0) {
            mc_out_hint(
                &cli->out,
                "interrupted: %s was accepted and goes on by itself; look with: "
                "%s matrix",
                w.ring, mc_out_self);
            rc = 128 + mc_cli_signal;
            break;
        }
        if (mc_api_now_ms() - w.start_ms >= wait->timeout_ms) {
            mc_out_hint(&cli->out,
                        "%s was accepted and is durable, but is not everywhere after "
                        "%.1f s; it goes on by itself; look with: %s matrix",
                        w.ring, (double)wait->timeout_ms / 1000, mc_out_self);
            rc = MC_EXIT_WAITING;
            break;
        }
        mc_api_sleep_ms(POLL_MS);
    }
    cli->api.patience_ms = patience_ms;
    *ret = w.seen;
    return rc == 1 ? 0 : rc;
}
