/* SPDX-License-Identifier: Apache-2.0 */
/* app/help.c -- help, made from the tables of commands and options. */
#include "app/cli.h"

#include <string.h>

static void print_opts(FILE *to, const struct mc_opt *opts)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        char left[64];

        (void)snprintf(
            left, sizeof(left), "%c%c%s--%s%s%s", opts->letter != 0 ? '-' : ' ',
            opts->letter != 0 ? opts->letter : ' ', opts->letter != 0 ? ", " : "  ",
            opts->name, opts->value != NULL ? " " : "",
            opts->value != NULL ? opts->value : "");
        (void)fprintf(to, "  %-26s %s\n", left, opts->help);
    }
}

void mc_help_all(FILE *to)
{
    (void)fputs(
        "mcos -- rings, held by every cluster\n\nusage: mcos COMMAND [OPTIONS]\n\n",
        to);
    for (const struct mc_command *c = mc_cli_commands; c->name != NULL; c++)
        (void)fprintf(to, "  %-18s %s\n", c->name, c->summary);
    (void)fputs("\noptions of every command:\n", to);
    print_opts(to, mc_cli_globals);
    (void)fputs(
        "\nexit status: 0 done, 1 the answer is no, 2 usage, 3 no such thing,\n"
        "4 somebody else was first, 5 accepted but not yet everywhere, 6 no agent\n"
        "reached, 8 refused by a check, 9 the agent failed, 130 interrupted\n",
        to);
}

void mc_help_noun(FILE *to, const char *noun_of)
{
    size_t len = strcspn(noun_of, " ");

    (void)fprintf(to, "usage: mcos %.*s VERB\n\n", (int)len, noun_of);
    for (const struct mc_command *c = mc_cli_commands; c->name != NULL; c++) {
        if (strncmp(c->name, noun_of, len + 1) == 0)
            (void)fprintf(to, "  %-18s %s\n", c->name, c->summary);
    }
}

void mc_help_command(FILE *to, const struct mc_command *command)
{
    (void)fprintf(to, "mcos %s -- %s\n\nusage: mcos %s %s\n", command->name,
                  command->summary, command->name, command->params);
    if (command->more != NULL)
        (void)fprintf(to, "\n%s\n", command->more);
    if (command->opts != NULL) {
        (void)fputs("\noptions:\n", to);
        print_opts(to, command->opts);
    }
    (void)fputs("\noptions of every command:\n", to);
    print_opts(to, mc_cli_globals);
}

int mc_cmd_help(struct mc_cli *cli)
{
    char name[64];

    if (cli->out.json) {
        json_t *list = json_array();

        for (const struct mc_command *c = mc_cli_commands; c->name != NULL; c++)
            (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name",
                                                        c->name, "usage", c->params,
                                                        "summary", c->summary));
        return mc_out_json(json_pack("{s:o}", "commands", list));
    }
    if (cli->args.param_count == 0) {
        mc_help_all(stdout);
        return 0;
    }
    (void)snprintf(name, sizeof(name), "%s%s%s", cli->args.params[0],
                   cli->args.param_count > 1 ? " " : "",
                   cli->args.param_count > 1 ? cli->args.params[1] : "");
    for (const struct mc_command *c = mc_cli_commands; c->name != NULL; c++) {
        size_t len = strlen(name);

        if (strcmp(c->name, name) == 0) {
            mc_help_command(stdout, c);
            return 0;
        }
        if (strncmp(c->name, name, len) == 0 && c->name[len] == ' ') {
            mc_help_noun(stdout, c->name);
            return 0;
        }
    }
    return mcos_diag_set(&cli->diag, MCOS_E_NOTFOUND, "",
                         "there is no command \"%s\": `mcos help` lists them", name);
}

int mc_cmd_version(struct mc_cli *cli)
{
    if (cli->out.json)
        return mc_out_json(json_pack("{s:s}", "version", MCOS_VERSION));
    (void)printf("mcos %s\n", MCOS_VERSION);
    return 0;
}
