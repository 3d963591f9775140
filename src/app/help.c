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

static json_t *json_opts(const struct mc_opt *opts)
{
    json_t *list = json_array();

    for (; opts != NULL && opts->name != NULL; opts++) {
        json_t *o = json_pack("{s:s, s:s}", "name", opts->name, "summary", opts->help);

        if (opts->value != NULL)
            (void)json_object_set_new(o, "value", json_string(opts->value));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static bool begins_with_words(const char *name, const char *words)
{
    size_t len = strlen(words);

    return len == 0 ||
           (strncmp(name, words, len) == 0 && (name[len] == '\0' || name[len] == ' '));
}

int mc_help_json(const char *words)
{
    json_t *list = json_array();

    for (const struct mc_command *c = mc_cli_commands; c->name != NULL; c++) {
        if (begins_with_words(c->name, words))
            (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name",
                                                        c->name, "usage", c->params,
                                                        "summary", c->summary,
                                                        "options", json_opts(c->opts)));
    }
    return mc_out_json(json_pack("{s:o, s:o}", "commands", list, "options",
                                 json_opts(mc_cli_globals)));
}

int mc_cmd_help(struct mc_cli *cli)
{
    char words[64] = "";

    if (cli->args.param_count > 0)
        (void)snprintf(words, sizeof(words), "%s%s%s", cli->args.params[0],
                       cli->args.param_count > 1 ? " " : "",
                       cli->args.param_count > 1 ? cli->args.params[1] : "");
    for (const struct mc_command *c = mc_cli_commands; c->name != NULL; c++) {
        if (!begins_with_words(c->name, words))
            continue;
        if (cli->out.json)
            return mc_help_json(words);
        if (words[0] == '\0')
            mc_help_all(stdout);
        else if (strcmp(c->name, words) == 0)
            mc_help_command(stdout, c);
        else
            mc_help_noun(stdout, c->name);
        return 0;
    }
    return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "",
                         "there is no command \"%s\": `mcos help` lists them", words);
}

int mc_cmd_version(struct mc_cli *cli)
{
    if (cli->out.json)
        return mc_out_json(json_pack("{s:s}", "version", MCOS_VERSION));
    (void)printf("mcos %s\n", MCOS_VERSION);
    return 0;
}
