/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/mcos.c -- the command line: the tables of commands and options, and main.
 *
 * Help, suggestions for typos and parsing all come from the tables here.
 */
#include "app/cli.h"

#include <stdlib.h>
#include <string.h>

#define SERVER_DEFAULT "http://127.0.0.1:8471"
#define TIMEOUT_MS     30000u

const struct mc_opt mc_cli_globals[] = {
    {"server", 0, "URL",
     "the agent to ask: http://HOST:PORT or unix:PATH (MCOS_SERVER)"},
    {"timeout", 0, "TIME", "how long one request may take, 30s"},
    {"json", 0, NULL, "one JSON document, on failure too"},
    {"plain", 0, NULL, "tables with tabs between columns"},
    {"no-header", 0, NULL, "tables without their first line"},
    {"color", 0, "WHEN", "auto, always or never (NO_COLOR)"},
    {"quiet", 'q', NULL, "no progress and no hints"},
    {"verbose", 'v', NULL, "more columns and reasons"},
    {"yes", 0, NULL, "do not ask before a change"},
    {"no-input", 0, NULL, "never ask; a needed answer is an error"},
    {NULL, 0, NULL, NULL},
};

#define WAIT_OPTS                                                                      \
    {"wait", 0, "WHOM",                                                                \
     "active (default): until every ACTIVE cluster has it; all; none"},                \
    {                                                                                  \
        "wait-timeout", 0, "TIME", "give up waiting (exit 5), 60s"                     \
    }

#define PLAN_OPT                                                                       \
    {                                                                                  \
        "plan", 0, "TOKEN", "only if what comes out is this plan (exit 4)"             \
    }

static const struct mc_opt plan_opts[] = {
    {"file", 'f', "SPEC", "the spec, JSON; - is standard input"},
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt create_opts[] = {
    {"file", 'f', "SPEC", "the spec, JSON; - is standard input"},
    PLAN_OPT,
    WAIT_OPTS,
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt update_opts[] = {
    {"file", 'f', "SPEC", "the spec, JSON; - is standard input"},
    PLAN_OPT,
    {"if-match", 0, "ETAG", "the version to replace; without it, the one held now"},
    WAIT_OPTS,
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt delete_opts[] = {
    {"confirm", 0, "NAME", "the ring's name once more, instead of being asked for it"},
    {"if-match", 0, "ETAG", "the version to delete; without it, the one held now"},
    WAIT_OPTS,
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt show_opts[] = {
    {"devices", 0, NULL, "one line for each device"},
    {"output", 'o', "FORM", "wide: devices with ids and addresses"},
    {"spec", 0, NULL, "the spec it was made from"},
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt build_opts[] = {
    {"spec", 'f', "FILE", "what to build, JSON; - is standard input"},
    {"from", 0, "FILE", "the version before; few replicas move from it"},
    {"out", 0, "FILE", "where the record goes"},
    {"dry-run", 0, NULL, "say what it would do, and why; write nothing"},
    {"swift-conf", 0, "FILE", "where Swift's hash prefix and suffix are"},
    {"name", 0, "NAME", "of the ring; without it, that of --from or the file's name"},
    {"seed", 0, "N", "same input and seed, same table, 0"},
    {"now", 0, "SECONDS", "time of the build, since 1970; makes it repeatable"},
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt import_opts[] = {
    {"name", 0, "NAME", "of the ring"},
    {"swift-conf", 0, "FILE", "where Swift's hash prefix and suffix are"},
    {"builder-json", 0, "FILE", "what its builder knows besides; see docs/cli.md"},
    {"out", 0, "FILE", "offline: write the record here, ask no agent"},
    {"replace", 0, NULL, "replace the ring of that name"},
    {"if-match", 0, "ETAG", "replace this version of it"},
    WAIT_OPTS,
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt export_opts[] = {
    {"out", 'o', "FILE", "where the file goes; - is standard output"},
    {"format", 0, "N", "version of Swift's format, 1 or 2; else the first that fits"},
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt lookup_opts[] = {
    {"file", 0, "FILE", "offline: look in this record or .ring.gz"},
    {"swift-conf", 0, "FILE", "where Swift's hash prefix and suffix are"},
    {"stdin", 0, NULL, "names from standard input: account<TAB>container<TAB>object"},
    {"handoffs", 0, "N", "up to so many handoffs, 0"},
    {"at", 0, "VERSION", "what an earlier version said"},
    {"explain", 0, NULL, "how the answer came about"},
    {"everywhere", 0, NULL, "what each cluster answers now, and which differ"},
    {NULL, 0, NULL, NULL},
};

static const struct mc_opt demo_opts[] = {
    {"full", 0, NULL,
     "on RabbitMQ, Redis and memcached, started for it and ended with it"},
    {"keep", 0, NULL, "leave the clusters running"},
    {NULL, 0, NULL, NULL},
};

const struct mc_command mc_cli_commands[] = {
    {"status", "", "is all well? exit 1 if not", NULL, NULL, 0, 0, mc_cmd_status},
    {"matrix", "", "which cluster holds which version of which ring", NULL, NULL, 0, 0,
     mc_cmd_matrix},
    {"ring list", "", "every ring", NULL, NULL, 0, 0, mc_cmd_ring_list},
    {"ring show", "NAME [--devices | -o wide | --spec]", "one ring", NULL, show_opts, 1,
     1, mc_cmd_ring_show},
    {"ring plan", "NAME -f SPEC", "what a create or an update would do, and why",
     "Nothing is changed. Says which replicas move, which losses the ring survives, "
     "and\n"
     "why a device gets another share than its weight says. The last line applies it.",
     plan_opts, 1, 1, mc_cmd_ring_plan},
    {"ring create", "NAME -f SPEC", "make a ring from a spec",
     "The agent builds, stores and sends it; then the command waits until every "
     "ACTIVE\n"
     "cluster has it, and says for whom. Ctrl-C ends the waiting, not the change.",
     create_opts, 1, 1, mc_cmd_ring_create},
    {"ring update", "NAME -f SPEC", "make the next version of a ring",
     "Refused (exit 4) if somebody changed the ring since it was read.", update_opts, 1,
     1, mc_cmd_ring_update},
    {"ring delete", "NAME [--confirm NAME]", "delete a ring everywhere", NULL,
     delete_opts, 1, 1, mc_cmd_ring_delete},
    {"ring build", "--spec FILE [--from OLD] --out FILE | --dry-run",
     "build a ring offline",
     "Asks no agent. Says how many replicas moved, the fewest possible, and how good\n"
     "the table is.",
     build_opts, 0, 0, mc_cmd_ring_build},
    {"ring import-swift", "FILE.ring.gz --name NAME", "take over a ring of Swift",
     "The hash prefix and suffix are not sent further than the agent that is asked,\n"
     "which keeps a check value of them only.",
     import_opts, 1, 1, mc_cmd_ring_import},
    {"ring export-swift", "RING-OR-FILE -o FILE.ring.gz", "a ring as a file for Swift",
     "A name is a ring of the agent; what has a slash or a dot in it is a file, a\n"
     "record or a .ring.gz. The same ring gives the same bytes on every machine.",
     export_opts, 1, 1, mc_cmd_ring_export},
    {"cluster list", "", "every cluster, with its state", NULL, NULL, 0, 0,
     mc_cmd_cluster_list},
    {"lookup", "RING ACCOUNT [CONTAINER [OBJECT]] | RING --stdin | --file FILE ...",
     "where a name lives",
     "With --file: mcos lookup --file FILE ACCOUNT [CONTAINER [OBJECT]]. With --stdin "
     "a\n"
     "line has one name and gets one answer, all by one version that is read first. "
     "An\n"
     "empty part and \\N mean that it is absent. --everywhere ends with 1 if a "
     "cluster\n"
     "answers other devices.",
     lookup_opts, 0, 4, mc_cmd_lookup},
    {"demo", "[--full] [--keep]", "five clusters on this machine tell the story", NULL,
     demo_opts, 0, 0, mc_cmd_demo},
    {"version", "", "of this program", NULL, NULL, 0, 0, mc_cmd_version},
    {"help", "[COMMAND]", "this, or the help of one command", NULL, NULL, 0, 2,
     mc_cmd_help},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL},
};

/* Known before the options are understood, so that a wrong one is told right. */
static bool wants_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

static int read_globals(struct mc_cli *cli)
{
    const char *color = mc_cli_opt(cli, "color");
    const char *timeout = mc_cli_opt(cli, "timeout");
    enum mc_color_mode mode = MC_COLOR_AUTO;
    unsigned long long ms = TIMEOUT_MS;
    int rc = 0;

    if (color != NULL && strcmp(color, "always") == 0)
        mode = MC_COLOR_ALWAYS;
    else if (color != NULL && strcmp(color, "never") == 0)
        mode = MC_COLOR_NEVER;
    else if (color != NULL && strcmp(color, "auto") != 0)
        rc = mcos_diag_set(&cli->diag, MCOS_E_USAGE, "color",
                           "--color is auto, always or never, not \"%.60s\"", color);
    mc_out_init(&cli->out, mode);
    if (rc == 0 && timeout != NULL)
        rc = mc_args_duration(timeout, "timeout", &ms, &cli->diag);
    cli->timeout_ms = (uint32_t)ms;
    cli->server = mc_cli_opt(cli, "server");
    if (cli->server == NULL)
        cli->server = getenv("MCOS_SERVER");
    cli->server_default = cli->server == NULL || cli->server[0] == '\0';
    if (cli->server_default)
        cli->server = SERVER_DEFAULT;
    cli->out.plain = mc_cli_has(cli, "plain");
    cli->out.no_header = mc_cli_has(cli, "no-header");
    cli->out.quiet = mc_cli_has(cli, "quiet");
    cli->out.verbose = mc_cli_has(cli, "verbose");
    cli->yes = mc_cli_has(cli, "yes");
    cli->no_input = mc_cli_has(cli, "no-input");
    return rc;
}

static const char *noun_of(const char *name, char dst[32])
{
    (void)snprintf(dst, 32, "%.*s", (int)strcspn(name, " "), name);
    return dst;
}

static int run(struct mc_cli *cli, int argc, char *const *argv)
{
    char noun[32];
    int rc = mc_args_parse(mc_cli_commands, mc_cli_globals, argc, argv, &cli->args,
                           &cli->diag);
    int globals = read_globals(cli);

    if (rc == 0)
        rc = globals;
    if (rc < 0)
        return rc;
    if (cli->args.version)
        return mc_cmd_version(cli);
    if (cli->args.help && cli->out.json)
        return mc_help_json(cli->args.command != NULL ? cli->args.command->name
                            : cli->args.noun != NULL  ? noun_of(cli->args.noun, noun)
                                                      : "");
    if (cli->args.command != NULL && cli->args.help)
        mc_help_command(stdout, cli->args.command);
    else if (cli->args.help && cli->args.noun != NULL)
        mc_help_noun(stdout, cli->args.noun);
    else if (cli->args.help)
        mc_help_all(stdout);
    else if (cli->args.command != NULL)
        return cli->args.command->run(cli);
    else if (cli->out.json)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "", "no command was given");
    else if (cli->args.noun != NULL)
        mc_help_noun(stderr, cli->args.noun);
    else
        mc_help_all(stderr);
    return cli->args.help ? 0 : MC_EXIT_USAGE;
}

/* Whatever came of the command: an answer that could not be given is no success. */
static int check_output(int rc)
{
    if ((fflush(stdout) == 0 && ferror(stdout) == 0) || rc > 128)
        return rc;
    (void)fprintf(stderr, "mcos: the answer could not be written to standard output\n"
                          "  code: store-failed\n");
    return mcos_err_exit(MCOS_E_IO);
}

int main(int argc, char **argv)
{
    struct mc_cli cli = {
        .argv = argv, .out = {.json = wants_json(argc, argv)}, .diag = {.offset = -1}};
    int rc;

    if (argc > 0)
        mc_out_name_self(argv[0]);
    rc = run(&cli, argc, argv);
    if (rc < 0 && mc_cli_signal != 0) {
        if (cli.out.json)
            (void)mc_out_json(json_pack("{s:b}", "interrupted", 1));
        mc_out_hint(&cli.out, "mcos: interrupted");
        rc = 128 + mc_cli_signal;
    } else if (rc < 0 && ferror(stdout) == 0) {
        const struct mcos_diag *diag =
            cli.api.diag.text[0] != '\0' ? &cli.api.diag : &cli.diag;

        rc = mc_out_fail(&cli.out, rc, diag, cli.api.problem);
    }
    mc_api_fini(&cli.api);
    return check_output(rc);
}
