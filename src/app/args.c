/* SPDX-License-Identifier: Apache-2.0 */
/* app/args.c -- argv by tables. */
#include "app/args.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX     31u
#define DURATION_MAX 86400000.0 /* ms: a day */

struct parser {
    const struct mc_command *commands;
    const struct mc_opt *globals;
    struct mc_args *args;
    struct mcos_diag *diag;
    char words[2 * WORD_MAX + 2]; /* of the command, as far as they are read */
    char noun[WORD_MAX + 1];      /* for a suggestion */
};

static int take_word(struct parser *p, const char *word);
static int take_option(struct parser *p, int argc, char *const *argv, int *i);
static int check_end(struct parser *p);

int mc_args_parse(const struct mc_command *commands, const struct mc_opt *globals,
                  int argc, char *const *argv, struct mc_args *ret,
                  struct mcos_diag *diag)
{
    struct parser p = {commands, globals, ret, diag, "", ""};
    bool only_params = false;
    int rc = 0;

    *ret = (struct mc_args){0};
    for (int i = 1; i < argc && rc == 0; i++) {
        const char *arg = argv[i];

        if (!only_params && strcmp(arg, "--") == 0)
            only_params = true;
        else if (!only_params && arg[0] == '-' && arg[1] != '\0')
            rc = take_option(&p, argc, argv, &i);
        else
            rc = take_word(&p, arg);
    }
    return rc == 0 ? check_end(&p) : rc;
}

const char *mc_args_get(const struct mc_args *args, const char *name)
{
    for (unsigned i = args->set_count; i > 0; i--) {
        if (strcmp(args->set[i - 1].name, name) == 0)
            return args->set[i - 1].value;
    }
    return NULL;
}

unsigned mc_args_distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_len];
}

int mc_args_number(const char *text, const char *name, unsigned long long min,
                   unsigned long long max, unsigned long long *ret,
                   struct mcos_diag *diag)
{
    unsigned long long n;
    char *end;

    errno = 0;
    n = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n < min ||
        n > max)
        return mcos_diag_set(
            diag, MCOS_E_USAGE, name,
            "--%s takes a whole number from %llu to %llu, not \"%.60s\"", name, min,
            max, text);
    *ret = n;
    return 0;
}

int mc_args_duration(const char *text, const char *name, unsigned long long *ret_ms,
                     struct mcos_diag *diag)
{
    double n = -1;
    char *end = NULL;

    if ((text[0] >= '0' && text[0] <= '9') || text[0] == '.')
        n = strtod(text, &end);
    if (n >= 0 && strcmp(end, "m") == 0)
        n *= 60000;
    else if (n >= 0 && (*end == '\0' || strcmp(end, "s") == 0))
        n *= 1000;
    else if (n < 0 || strcmp(end, "ms") != 0)
        n = -1;
    if (!(n >= 1 && n <= DURATION_MAX))
        return mcos_diag_set(
            diag, MCOS_E_USAGE, name,
            "--%s takes a time such as 30, 1.5s, 500ms or 2m, at most a "
            "day, not \"%.60s\"",
            name, text);
    *ret_ms = (unsigned long long)n;
    return 0;
}

/* The nearest of two names so far; far ones are no suggestion. */
static void consider(const char *word, const char *candidate, const char **best,
                     unsigned *distance)
{
    unsigned d = mc_args_distance(word, candidate);
    size_t len = strlen(word);

    if (d < *distance && d <= (len < 4 ? 1u : len < 8 ? 2u : 3u)) {
        *best = candidate;
        *distance = d;
    }
}

static int unknown_command(struct parser *p)
{
    const char *best = NULL;
    unsigned distance = WORD_MAX;

    for (const struct mc_command *c = p->commands; c->name != NULL; c++) {
        size_t noun = strcspn(c->name, " ");
        unsigned before;

        consider(p->words, c->name, &best, &distance);
        if (c->name[noun] == '\0' || strchr(p->words, ' ') != NULL)
            continue;
        (void)snprintf(p->noun, sizeof(p->noun), "%.*s", (int)noun, c->name);
        before = distance;
        consider(p->words, p->noun, &best, &distance);
        if (distance < before)
            break; /* p->noun must stay what it is */
    }
    if (best == NULL)
        return mcos_diag_set(p->diag, MCOS_E_USAGE, "",
                             "there is no command \"%s\": `mcos help` lists them",
                             p->words);
    return mcos_diag_set(p->diag, MCOS_E_USAGE, "",
                         "there is no command \"%s\": did you mean `mcos %s`?",
                         p->words, best);
}

/* A word is one more of the command's name, or a parameter of it. */
static int take_word(struct parser *p, const char *word)
{
    size_t used = strlen(p->words);
    size_t len;

    if (p->args->command != NULL) {
        if (p->args->param_count == p->args->command->params_max)
            return mcos_diag_set(p->diag, MCOS_E_USAGE, "",
                                 "`mcos %s` takes no \"%.80s\": usage: mcos %s %s",
                                 p->args->command->name, word, p->args->command->name,
                                 p->args->command->params);
        p->args->params[p->args->param_count++] = word;
        return 0;
    }
    (void)snprintf(p->words + used, sizeof(p->words) - used, "%s%.31s",
                   used > 0 ? " " : "", word);
    len = strlen(p->words);
    p->args->noun = NULL;
    for (const struct mc_command *c = p->commands; c->name != NULL; c++) {
        if (strcmp(c->name, p->words) == 0)
            p->args->command = c;
        else if (strncmp(c->name, p->words, len) == 0 && c->name[len] == ' ')
            p->args->noun = c->name;
    }
    if (p->args->command == NULL && p->args->noun == NULL)
        return unknown_command(p);
    return 0;
}

static const struct mc_opt *find_option(const struct mc_opt *table, const char *name,
                                        size_t len, char letter)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (letter != 0
                ? table->letter == letter
                : strlen(table->name) == len && strncmp(table->name, name, len) == 0)
            return table;
    }
    return NULL;
}

static int unknown_option(struct parser *p, const char *arg)
{
    const struct mc_command *c = p->args->command;
    const char *best = NULL;
    unsigned distance = WORD_MAX;
    char word[WORD_MAX + 1];

    (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
    if (arg[1] == '-') {
        for (const struct mc_opt *o = p->globals; o->name != NULL; o++)
            consider(word, o->name, &best, &distance);
        for (const struct mc_opt *o = c == NULL ? NULL : c->opts;
             o != NULL && o->name != NULL; o++)
            consider(word, o->name, &best, &distance);
    }
    if (best != NULL)
        return mcos_diag_set(p->diag, MCOS_E_USAGE, "",
                             "no option %.40s here: did you mean --%s?", arg, best);
    return mcos_diag_set(p->diag, MCOS_E_USAGE, "",
                         "no option %.40s here: `mcos help%s%s` lists them", arg,
                         c == NULL ? "" : " ", c == NULL ? "" : c->name);
}

static int take_option(struct parser *p, int argc, char *const *argv, int *i)
{
    const char *arg = argv[*i];
    bool is_long = arg[1] == '-';
    const char *name = arg + 2;
    size_t len = is_long ? strcspn(name, "=") : 0;
    char letter = is_long ? (char)0 : arg[1];
    const char *value = is_long ? (name[len] == '=' ? name + len + 1 : NULL)
                                : (arg[2] != '\0' ? arg + 2 : NULL);
    const struct mc_opt *opt = NULL;

    if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
        p->args->help = true;
        return 0;
    }
    if (strcmp(arg, "--version") == 0) {
        p->args->version = true;
        return 0;
    }
    if (p->args->command != NULL)
        opt = find_option(p->args->command->opts, name, len, letter);
    if (opt == NULL)
        opt = find_option(p->globals, name, len, letter);
    if (opt == NULL)
        return unknown_option(p, arg);
    if (opt->value == NULL && value != NULL)
        return mcos_diag_set(p->diag, MCOS_E_USAGE, opt->name,
                             "--%s is a switch: it takes no value", opt->name);
    if (opt->value != NULL && value == NULL) {
        if (*i + 1 >= argc)
            return mcos_diag_set(p->diag, MCOS_E_USAGE, opt->name, "--%s needs a %s",
                                 opt->name, opt->value);
        value = argv[++*i];
    }
    if (p->args->set_count == MC_SET_MAX)
        return mcos_diag_set(p->diag, MCOS_E_USAGE, "", "more than %u options",
                             MC_SET_MAX);
    p->args->set[p->args->set_count].name = opt->name;
    p->args->set[p->args->set_count].value = value == NULL ? "" : value;
    p->args->set_count++;
    return 0;
}

static int check_end(struct parser *p)
{
    const struct mc_command *c = p->args->command;

    if (p->args->help || p->args->version || c == NULL ||
        p->args->param_count >= c->params_min)
        return 0;
    return mcos_diag_set(p->diag, MCOS_E_USAGE, "",
                         "something is missing: usage: mcos %s %s", c->name, c->params);
}
