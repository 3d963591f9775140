/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/args.h -- from argv to a command, its parameters and its options.
 *
 * Commands and options are rows of tables; parsing, help and suggestions for
 * typos are made from the same rows. A command's name is one or two words.
 * Options may stand anywhere after the words they belong to; `--name value`,
 * `--name=value`, `-n value`, and `--` ends them. Pure.
 */
#ifndef MCOS_APP_ARGS_H
#define MCOS_APP_ARGS_H

#include "mcos/err.h"

#include <stdbool.h>
#include <stddef.h>

#define MC_PARAMS_MAX 4u
#define MC_SET_MAX    32u

struct mc_cli;

/* A row of an option table; a row without name ends it. */
struct mc_opt {
    const char *name;  /* without dashes */
    char letter;       /* 0: none */
    const char *value; /* what its value is called; NULL: a switch */
    const char *help;
};

/* A row of the command table; a row without name ends it. */
struct mc_command {
    const char *name;    /* "ring create" */
    const char *params;  /* "NAME -f SPEC", for the help */
    const char *summary; /* one line */
    const char *more;    /* paragraphs for its own help; NULL: none */
    const struct mc_opt *opts;
    unsigned params_min;
    unsigned params_max; /* at most MC_PARAMS_MAX */
    int (*run)(struct mc_cli *cli);
};

/* Strings are borrowed from argv and from the tables. */
struct mc_args {
    const struct mc_command *command; /* NULL: none was named in full */
    const char *noun; /* first word of commands, if only that was given */
    bool help;        /* -h or --help */
    bool version;     /* --version */
    const char *params[MC_PARAMS_MAX];
    unsigned param_count;
    struct {
        const char *name;
        const char *value; /* "" for a switch */
    } set[MC_SET_MAX];
    unsigned set_count;
};

/*
 * Fails with USAGE; diag->text says what was meant, if one is near. *ret is
 * filled as far as was understood, on failure too.
 */
int mc_args_parse(const struct mc_command *commands, const struct mc_opt *globals,
                  int argc, char *const *argv, struct mc_args *ret,
                  struct mcos_diag *diag);

/* The last value given, "" for a switch, NULL if not given. */
const char *mc_args_get(const struct mc_args *args, const char *name);

/* How many letters to put in, take out or replace; words longer than 31 are far. */
unsigned mc_args_distance(const char *a, const char *b);

/* A whole decimal number in [min, max]. Fails with USAGE, diag names the option. */
int mc_args_number(const char *text, const char *name, unsigned long long min,
                   unsigned long long max, unsigned long long *ret,
                   struct mcos_diag *diag);

/* Seconds, with a fraction and an "s", "m" or "ms" allowed, as milliseconds. */
int mc_args_duration(const char *text, const char *name, unsigned long long *ret_ms,
                     struct mcos_diag *diag);

#endif /* MCOS_APP_ARGS_H */
