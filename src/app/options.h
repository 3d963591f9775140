/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/options.h -- the options of a daemon from the four places they come from:
 * built-in values, then the file, then the environment, then the flags; each later one
 * wins.
 *
 * One table gives the flag --announce-interval, the file's key announce_interval, the
 * variable MCOSD_ANNOUNCE_INTERVAL, the help and --print-config.
 */
#ifndef MCOS_APP_OPTIONS_H
#define MCOS_APP_OPTIONS_H

#include "mcos/err.h"

#include <stddef.h>

#define MC_OPTIONS_MAX    32u   /* in a table */
#define MC_VALUES_MAX     256u  /* of one option */
#define MC_VALUE_TEXT_MAX 4104u /* bytes of one, with its NUL */

struct mc_option {
    const char *key;     /* in the file; the flag has - for _ */
    const char *value;   /* what the help calls it; NULL: the flag takes none */
    const char *builtin; /* NULL: none, or computed by the program */
    const char *help;
    unsigned most; /* values it may have; 0: one */
};

struct mc_option_table {
    const char *program;
    const char *about;     /* the help's first line, after the program's name */
    const char *after;     /* the help's last lines */
    const char *variables; /* what names in the environment begin with */
    const char *file;      /* read if it is there */
    const struct mc_option *rows;
    unsigned count; /* MC_OPTIONS_MAX at most */
    /* For the help: what a built-in value that is NULL comes to; dst is "" before. */
    void (*compute)(unsigned option, char *dst, size_t cap);
    /* A value for people: a password in it is shown to nobody. NULL: as it is. */
    void (*show)(unsigned option, const char *text, char *dst, size_t cap);
};

/* The values of one option as texts, and where they came from. */
struct mc_option_value {
    char *text[MC_VALUES_MAX];
    unsigned count;
    char from[1100];
};

enum mc_config_want {
    MC_CONFIG_RUN,
    MC_CONFIG_CHECK, /* --check-config: say that all is well and end */
    MC_CONFIG_PRINT, /* --print-config: to be printed (mc_options_print) */
    MC_CONFIG_HELP,  /* --help or --version: was printed */
};

/* Begins as {.table = …, .diag = …}. */
struct mc_options {
    const struct mc_option_table *table;
    struct mc_option_value values[MC_OPTIONS_MAX];
    char file[1024];
    int lines[MC_OPTIONS_MAX]; /* of the file, where a key stands */
    enum mc_config_want want;
    struct mcos_diag *diag;
};

/* Fills the values and `want`; with MC_CONFIG_HELP the values are not all there. Fails
 * with CONFIG, USAGE, NOMEM; diag says which option, from where, why. Give the texts
 * back with fini, whatever it returned. */
int mc_options_load(struct mc_options *options, int argc, char **argv);
void mc_options_fini(struct mc_options *options);

/* One value more; those from an earlier place go. */
int mc_options_set(struct mc_options *options, unsigned option, const char *text,
                   const char *from);
/* Fills diag: which option, from where, why. Returns CONFIG. */
int mc_options_refuse(struct mc_options *options, unsigned option, const char *why);
/* Each value and where it comes from, on standard output. */
void mc_options_print(const struct mc_options *options);

#endif /* MCOS_APP_OPTIONS_H */
