/* SPDX-License-Identifier: Apache-2.0 */
/* app/out.c -- how `mcos` speaks. */
#include "app/out.h"

#include "app/table.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *mc_out_self = "mcos";

void mc_out_name_self(const char *argv0)
{
    if (strchr(argv0, '/') != NULL &&
        strspn(argv0, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                      "/._+-") == strlen(argv0))
        mc_out_self = argv0;
}

bool mc_out_color(enum mc_color_mode mode, const struct mc_surroundings *around)
{
    if (mode != MC_COLOR_AUTO)
        return mode == MC_COLOR_ALWAYS;
    if (around->no_color != NULL && around->no_color[0] != '\0')
        return false;
    return around->terminal && around->term != NULL && around->term[0] != '\0' &&
           strcmp(around->term, "dumb") != 0;
}

void mc_out_init(struct mc_out *out, enum mc_color_mode mode)
{
    struct mc_surroundings around = {getenv("NO_COLOR"), getenv("TERM"), false};

    (void)setlocale(LC_CTYPE, "");
    out->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    around.terminal = isatty(STDOUT_FILENO) != 0;
    out->color_out = mc_out_color(mode, &around);
    around.terminal = isatty(STDERR_FILENO) != 0;
    out->color_err = mc_out_color(mode, &around);
    out->live_err =
        around.terminal && around.term != NULL && strcmp(around.term, "dumb") != 0;
}

const char *mc_out_glyph(const struct mc_out *out, enum mc_glyph glyph)
{
    static const char *const fine[] = {"✓", "…", "▲", "✗", "○", "-"};
    static const char *const ascii[] = {"+", ".", "^", "x", "o", "-"};

    return (out->utf8 ? fine : ascii)[glyph];
}

static const char *style_of(bool color, enum mc_style style)
{
    static const char *const codes[] = {"\033[0m", "\033[32m", "\033[33m", "\033[31m",
                                        "\033[2m"};

    return color ? codes[style] : "";
}

const char *mc_out_style(const struct mc_out *out, enum mc_style style)
{
    return style_of(out->color_out, style);
}

const char *mc_out_style_err(const struct mc_out *out, enum mc_style style)
{
    return style_of(out->color_err, style);
}

int mc_out_json(json_t *take_doc)
{
    json_t *doc = json_object();
    int rc = MCOS_E_NOMEM;

    if (doc == NULL || take_doc == NULL ||
        json_object_set_new(doc, "schema", json_string(MC_SCHEMA)) != 0 ||
        json_object_update(doc, take_doc) != 0 ||
        json_object_set_new(doc, "schema", json_string(MC_SCHEMA)) != 0)
        goto out;
    rc = json_dumpf(doc, stdout, JSON_COMPACT) == 0 && fputc('\n', stdout) != EOF &&
                 fflush(stdout) == 0
             ? 0
             : MCOS_E_IO;
out:
    json_decref(doc);
    json_decref(take_doc);
    return rc;
}

void mc_out_hint(const struct mc_out *out, const char *fmt, ...)
{
    va_list args;

    if (out->quiet)
        return;
    (void)fflush(stdout); /* what is hinted at stands above it */
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

json_t *mc_out_problem(int code, const struct mcos_diag *diag)
{
    bool said = diag != NULL && diag->text[0] != '\0';
    char type[64];
    json_t *p;

    (void)snprintf(type, sizeof(type), "/problems/%s", mcos_err_slug(code));
    p = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title",
                  mcos_err_text(code), "status", mcos_err_http(code), "code",
                  mcos_err_slug(code), "detail",
                  said ? diag->text : mcos_err_text(code));
    if (p == NULL) /* a text that is not UTF-8 */
        p = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title",
                      mcos_err_text(code), "status", mcos_err_http(code), "code",
                      mcos_err_slug(code), "detail", mcos_err_text(code));
    if (p != NULL && said && diag->field[0] != '\0')
        (void)json_object_set_new(p, "field", json_string(diag->field));
    if (p != NULL && said && diag->line > 0)
        (void)json_object_set_new(p, "line", json_integer(diag->line));
    if (p != NULL && said && diag->offset >= 0)
        (void)json_object_set_new(p, "offset", json_integer(diag->offset));
    return p;
}

static const char *text_of(const json_t *doc, const char *key)
{
    const char *text = json_string_value(json_object_get(doc, key));

    return text == NULL ? "" : text;
}

static void print_problem(const struct mc_out *out, const json_t *problem)
{
    const char *detail = text_of(problem, "detail");
    const char *field = text_of(problem, "field");
    const char *hint = text_of(problem, "hint");
    const char *stamp = text_of(problem, "stamp");
    json_int_t line = json_integer_value(json_object_get(problem, "line"));
    const json_t *offset = json_object_get(problem, "offset");

    (void)fprintf(stderr, "%smcos:%s ", mc_out_style_err(out, MC_STYLE_BAD),
                  mc_out_style_err(out, MC_STYLE_PLAIN));
    mc_table_plain(stderr, detail[0] != '\0' ? detail : text_of(problem, "title"));
    if (line > 0)
        (void)fprintf(stderr, " (line %lld)", (long long)line);
    (void)fputc('\n', stderr);
    if (field[0] == '/' && json_is_integer(offset))
        (void)fprintf(stderr, "  at: %s, byte %lld\n", field,
                      (long long)json_integer_value(offset));
    else if (field[0] == '/')
        (void)fprintf(stderr, "  at: %s\n", field);
    else if (json_is_integer(offset))
        (void)fprintf(stderr, "  at: byte %lld\n",
                      (long long)json_integer_value(offset));
    if (stamp[0] != '\0')
        (void)fprintf(stderr, "  held: %s by %s, %s\n", stamp,
                      text_of(problem, "author"), text_of(problem, "time"));
    if (hint[0] != '\0')
        (void)fprintf(stderr, "  hint: %s\n", hint);
    (void)fprintf(stderr, "  code: %s\n", text_of(problem, "code"));
}

int mc_out_fail(const struct mc_out *out, int code, const struct mcos_diag *diag,
                const json_t *problem)
{
    json_t *own = problem == NULL ? mc_out_problem(code, diag) : NULL;
    const json_t *shown = problem == NULL ? own : problem;

    if (shown == NULL)
        (void)fprintf(stderr, "mcos: %s\n", mcos_err_text(code));
    else if (out->json)
        (void)mc_out_json(json_pack("{s:O}", "error", shown));
    else
        print_problem(out, shown);
    json_decref(own);
    return mcos_err_exit(code);
}

void mc_out_age(char dst[16], double s)
{
    if (s < 0)
        s = 0;
    if (s < 10)
        (void)snprintf(dst, 16, "%.1fs", s);
    else if (s < 60)
        (void)snprintf(dst, 16, "%.0fs", s);
    else if (s < 3600)
        (void)snprintf(dst, 16, "%dm%02ds", (int)s / 60, (int)s % 60);
    else if (s < 86400)
        (void)snprintf(dst, 16, "%dh%02dm", (int)s / 3600, (int)s % 3600 / 60);
    else
        (void)snprintf(dst, 16, "%ldd", s < 1e12 ? (long)(s / 86400) : 9999999l);
}
