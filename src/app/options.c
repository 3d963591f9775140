/* SPDX-License-Identifier: Apache-2.0 */
/* app/options.c -- a table of options, and the four places they come from. */
#include "app/options.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHOWN_MAX (2 * MC_VALUE_TEXT_MAX)

static unsigned most_of(const struct mc_option *row)
{
    return row->most == 0 ? 1 : row->most;
}

static void drop(struct mc_option_value *v)
{
    while (v->count > 0)
        free(v->text[--v->count]);
}

int mc_options_set(struct mc_options *options, unsigned option, const char *text,
                   const char *from)
{
    const struct mc_option *row = &options->table->rows[option];
    struct mc_option_value *v = &options->values[option];

    if (strcmp(v->from, from) != 0 || most_of(row) == 1)
        drop(v); /* a later place replaces an earlier one's list */
    (void)snprintf(v->from, sizeof(v->from), "%s", from);
    if (v->count == most_of(row))
        return mc_options_refuse(options, option, "given too often");
    if (strlen(text) >= MC_VALUE_TEXT_MAX)
        return mc_options_refuse(options, option, "too long");
    v->text[v->count] = strdup(text);
    if (v->text[v->count] == NULL)
        return MCOS_E_NOMEM;
    v->count++;
    return 0;
}

void mc_options_fini(struct mc_options *options)
{
    for (unsigned i = 0; i < options->table->count; i++)
        drop(&options->values[i]);
}

static void show(const struct mc_options *o, unsigned option, const char *text,
                 char dst[SHOWN_MAX])
{
    if (o->table->show != NULL)
        o->table->show(option, text, dst, SHOWN_MAX);
    else
        (void)snprintf(dst, SHOWN_MAX, "%s", text);
}

int mc_options_refuse(struct mc_options *options, unsigned option, const char *why)
{
    const struct mc_option_value *v = &options->values[option];
    const char *key = options->table->rows[option].key;
    char text[SHOWN_MAX] = "";

    if (v->count > 0)
        show(options, option, v->text[v->count - 1], text);
    return mcos_diag_set(options->diag, MCOS_E_CONFIG, key, "%s: %s: \"%.80s\": %s",
                         v->from, key, text, why);
}

void mc_options_print(const struct mc_options *options)
{
    for (unsigned i = 0; i < options->table->count; i++) {
        const struct mc_option_value *v = &options->values[i];
        const bool list = most_of(&options->table->rows[i]) > 1;

        (void)printf("%s = %s", options->table->rows[i].key, list ? "{" : "");
        for (unsigned k = 0; k < v->count; k++) {
            char text[SHOWN_MAX];

            show(options, i, v->text[k], text);
            (void)printf("%s\"%s\"", k > 0 ? ", " : "", text);
        }
        (void)printf("%s    # %s\n", list ? "}" : "",
                     v->from[0] == '\0' ? "built-in" : v->from);
    }
}

/* ---- file ---- */

static struct mc_options
    *confuse_loader; /* libconfuse's error callback has no context */

static void on_confuse_error(cfg_t *cfg, const char *fmt, va_list args)
{
    char text[200];

    (void)vsnprintf(text, sizeof(text), fmt, args);
    (void)mcos_diag_set(confuse_loader->diag, MCOS_E_CONFIG, "config", "%s:%d: %s",
                        cfg->filename == NULL ? confuse_loader->file : cfg->filename,
                        cfg->line, text);
    if (confuse_loader->diag != NULL)
        confuse_loader->diag->line = cfg->line;
}

/* Called after each value: libconfuse keeps no line of its own beside one. */
static int note_line(cfg_t *cfg, cfg_opt_t *opt)
{
    struct mc_options *l = confuse_loader;

    for (unsigned i = 0; i < l->table->count; i++) {
        if (strcmp(opt->name, l->table->rows[i].key) == 0)
            l->lines[i] = cfg->line;
    }
    return 0;
}

static int read_file(struct mc_options *l, bool must_exist)
{
    cfg_opt_t opts[MC_OPTIONS_MAX + 1];
    struct stat st;
    char from[sizeof(l->file) + 64];
    cfg_t *cfg;
    int err = 0;
    int rc;

    if (stat(l->file, &st) != 0) {
        if (!must_exist)
            return 0;
        return mcos_diag_set(l->diag, MCOS_E_CONFIG, "config", "%s: %s", l->file,
                             strerror(errno));
    }
    if (!S_ISREG(st.st_mode))
        return mcos_diag_set(l->diag, MCOS_E_CONFIG, "config", "%s: not a file",
                             l->file);
    for (unsigned i = 0; i < l->table->count; i++) {
        cfg_opt_t one = CFG_STR(l->table->rows[i].key, NULL, CFGF_NODEFAULT);
        cfg_opt_t many = CFG_STR_LIST(l->table->rows[i].key, NULL, CFGF_NODEFAULT);

        opts[i] = most_of(&l->table->rows[i]) > 1 ? many : one;
    }
    opts[l->table->count] = (cfg_opt_t)CFG_END();
    cfg = cfg_init(opts, CFGF_NONE);
    if (cfg == NULL)
        return MCOS_E_NOMEM;
    confuse_loader = l;
    (void)cfg_set_error_function(cfg, on_confuse_error);
    for (unsigned i = 0; i < l->table->count; i++)
        (void)cfg_set_validate_func(cfg, l->table->rows[i].key, note_line);
    rc = cfg_parse(cfg, l->file);
    if (rc == CFG_FILE_ERROR)
        err = mcos_diag_set(l->diag, MCOS_E_CONFIG, "config", "%s: %s", l->file,
                            strerror(errno));
    else if (rc != CFG_SUCCESS)
        err = MCOS_E_CONFIG;
    for (unsigned i = 0; err == 0 && i < l->table->count; i++) {
        (void)snprintf(from, sizeof(from), "%s:%d", l->file, l->lines[i]);
        for (unsigned k = 0; err == 0 && k < cfg_size(cfg, l->table->rows[i].key);
             k++) {
            const char *text = cfg_getnstr(cfg, l->table->rows[i].key, k);

            if (text != NULL)
                err = mc_options_set(l, (unsigned)i, text, from);
        }
    }
    (void)cfg_free(cfg);
    return err;
}

/* ---- environment ---- */

static int read_environment(struct mc_options *l)
{
    int err = 0;

    for (unsigned i = 0; err == 0 && i < l->table->count; i++) {
        size_t begin = strlen(l->table->variables);
        char name[64];
        const char *text;

        (void)snprintf(name, sizeof(name), "%s", l->table->variables);
        for (size_t k = 0; l->table->rows[i].key[k] != '\0'; k++)
            name[begin + k] = (char)toupper((unsigned char)l->table->rows[i].key[k]);
        name[begin + strlen(l->table->rows[i].key)] = '\0';
        text = getenv(name);
        if (text != NULL && text[0] != '\0')
            err = mc_options_set(l, (unsigned)i, text, name);
    }
    return err;
}

/* ---- flags ---- */

enum { FLAG_CONFIG = 1000, FLAG_CHECK, FLAG_PRINT, FLAG_HELP, FLAG_VERSION };

static void flag_name(const char *key, char dst[32])
{
    size_t n = 0;

    for (; key[n] != '\0' && n < 31; n++)
        dst[n] = key[n] == '_' ? '-' : key[n];
    dst[n] = '\0';
}

static void print_help(const struct mc_options *l)
{
    const struct mc_option_table *t = l->table;

    (void)printf("%s -- %s\n\nusage: %s [flags]\n\n", t->program, t->about, t->program);
    for (unsigned i = 0; i < t->count; i++) {
        char name[32];
        char left[64];
        char text[MC_VALUE_TEXT_MAX] = "";
        const char *builtin = t->rows[i].builtin;

        if (builtin == NULL) {
            if (t->compute != NULL)
                t->compute(i, text, sizeof(text));
            builtin = text;
        }
        flag_name(t->rows[i].key, name);
        (void)snprintf(left, sizeof(left), "--%s %s", name,
                       t->rows[i].value == NULL ? "" : t->rows[i].value);
        (void)printf("  %-32s %s", left, t->rows[i].help);
        if (builtin[0] != '\0')
            (void)printf(" [%s]", builtin);
        (void)printf("\n");
    }
    (void)printf("  %-32s read this file [%s if it is there]\n", "--config FILE",
                 t->file);
    (void)printf("  %-32s %s\n  %-32s %s\n  %-32s %s\n\n%s", "--check-config",
                 "check the configuration and end", "--print-config",
                 "show each value and where it comes from, and end", "--version",
                 "print the version and end", t->after);
}

static int read_flags(struct mc_options *l, int argc, char **argv, bool only_file)
{
    struct option_names {
        char name[32];
    } names[MC_OPTIONS_MAX];
    struct option opts[MC_OPTIONS_MAX + 6];
    const unsigned count = l->table->count;
    int err = 0;
    int c;

    for (unsigned i = 0; i < count; i++) {
        flag_name(l->table->rows[i].key, names[i].name);
        opts[i] = (struct option){names[i].name,
                                  l->table->rows[i].value == NULL ? no_argument
                                                                  : required_argument,
                                  NULL, (int)i + 1};
    }
    opts[count] = (struct option){"config", required_argument, NULL, FLAG_CONFIG};
    opts[count + 1] = (struct option){"check-config", no_argument, NULL, FLAG_CHECK};
    opts[count + 2] = (struct option){"print-config", no_argument, NULL, FLAG_PRINT};
    opts[count + 3] = (struct option){"help", no_argument, NULL, FLAG_HELP};
    opts[count + 4] = (struct option){"version", no_argument, NULL, FLAG_VERSION};
    opts[count + 5] = (struct option){NULL, 0, NULL, 0};
    optind = 1;
    opterr = 0;
    while (err == 0 && (c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
        if (c == FLAG_CONFIG) {
            if (strlen(optarg) >= sizeof(l->file))
                return mcos_diag_set(l->diag, MCOS_E_USAGE, "--config",
                                     "the path is too long");
            (void)snprintf(l->file, sizeof(l->file), "%s", optarg);
        } else if (c == FLAG_CHECK) {
            l->want = MC_CONFIG_CHECK;
        } else if (c == FLAG_PRINT) {
            l->want = MC_CONFIG_PRINT;
        } else if (c == FLAG_HELP || c == FLAG_VERSION) {
            if (c == FLAG_HELP)
                print_help(l);
            else
                (void)printf("%s %s\n", l->table->program, MCOS_VERSION);
            l->want = MC_CONFIG_HELP;
            return 0;
        } else if (c == '?') {
            return mcos_diag_set(
                l->diag, MCOS_E_USAGE, argv[optind - 1],
                "unknown flag or missing value: %.100s (%s --help lists them)",
                argv[optind - 1], l->table->program);
        } else if (!only_file) {
            err = mc_options_set(l, (unsigned)(c - 1), optarg == NULL ? "yes" : optarg,
                                 "flag");
        }
    }
    if (err == 0 && optind < argc)
        return mcos_diag_set(l->diag, MCOS_E_USAGE, argv[optind],
                             "%s takes flags only, not \"%.100s\"", l->table->program,
                             argv[optind]);
    return err;
}

int mc_options_load(struct mc_options *options, int argc, char **argv)
{
    struct mc_options *l = options;
    int err = 0;

    for (unsigned i = 0; err == 0 && i < l->table->count; i++) {
        if (l->table->rows[i].builtin != NULL)
            err = mc_options_set(l, i, l->table->rows[i].builtin, "built-in");
    }
    if (err == 0)
        err = read_flags(l, argc, argv, true); /* for --config and --help alone */
    if (err != 0 || l->want == MC_CONFIG_HELP)
        return err;
    if (l->file[0] != '\0') {
        err = read_file(l, true);
    } else {
        (void)snprintf(l->file, sizeof(l->file), "%s", l->table->file);
        err = read_file(l, false);
    }
    if (err == 0)
        err = read_environment(l);
    if (err == 0)
        err = read_flags(l, argc, argv, false);
    return err;
}
