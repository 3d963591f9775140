/* SPDX-License-Identifier: Apache-2.0 */
/* app/table.c -- a table for people or for tools. */
#include "app/table.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct cell {
    char *text;
    enum mc_style style;
};

struct mc_table {
    const struct mc_out *out;
    struct cell *cells; /* titles are row 0 */
    size_t cell_count;
    size_t cell_cap;
    size_t column_count;
    size_t at; /* next cell */
    bool *right;
    int err;
};

int mc_table_new(const struct mc_out *out, struct mc_table **ret_table)
{
    struct mc_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return MCOS_E_NOMEM;
    t->out = out;
    *ret_table = t;
    return 0;
}

void mc_table_free(struct mc_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->cell_count; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t->right);
    free(t);
}

static bool grow(struct mc_table *t, size_t count)
{
    struct cell *more;
    size_t cap = t->cell_cap;

    while (cap < count)
        cap = cap == 0 ? 64 : cap * 2;
    if (cap == t->cell_cap)
        return true;
    more = realloc(t->cells, cap * sizeof(*more));
    if (more == NULL) {
        t->err = MCOS_E_NOMEM;
        return false;
    }
    t->cells = more;
    t->cell_cap = cap;
    return true;
}

void mc_table_column(struct mc_table *t, const char *title, bool right)
{
    bool *more;

    if (t->err < 0 || t->column_count == MC_COLUMNS_MAX || !grow(t, t->cell_count + 1))
        return;
    more = realloc(t->right, t->column_count + 1);
    if (more == NULL) {
        t->err = MCOS_E_NOMEM;
        return;
    }
    t->right = more;
    t->right[t->column_count++] = right;
    t->cells[t->cell_count++] = (struct cell){.text = strdup(title)};
}

void mc_table_row(struct mc_table *t)
{
    if (t->err < 0 || !grow(t, t->cell_count + t->column_count))
        return;
    t->at = t->cell_count;
    for (size_t i = 0; i < t->column_count; i++)
        t->cells[t->cell_count++] = (struct cell){.text = NULL};
}

void mc_table_cell(struct mc_table *t, enum mc_style style, const char *fmt, ...)
{
    va_list args;

    if (t->err < 0 || t->at >= t->cell_count)
        return;
    va_start(args, fmt);
    if (vasprintf(&t->cells[t->at].text, fmt, args) < 0) {
        t->cells[t->at].text = NULL;
        t->err = MCOS_E_NOMEM;
    }
    va_end(args);
    t->cells[t->at++].style = style;
}

void mc_table_plain(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            (void)fprintf(to, "\\x%02x", (unsigned char)*text);
        else
            (void)fputc(*text, to);
    }
}

static void print_plain(const struct mc_table *t, FILE *to)
{
    for (size_t i = t->out->no_header ? t->column_count : 0; i < t->cell_count; i++) {
        mc_table_plain(to, t->cells[i].text == NULL ? "" : t->cells[i].text);
        (void)fputc((i + 1) % t->column_count == 0 ? '\n' : '\t', to);
    }
}

static int print_people(const struct mc_table *t, FILE *to)
{
    static const char *const colors[] = {NULL, "green", "brown", "red", "darkgray"};
    struct libscols_table *s = scols_new_table();
    int rc = MCOS_E_NOMEM;

    if (s == NULL)
        return rc;
    (void)scols_table_set_stream(s, to);
    (void)scols_table_enable_colors(s, t->out->color_out);
    (void)scols_table_enable_ascii(s, !t->out->utf8);
    (void)scols_table_enable_noheadings(s, t->out->no_header);
    for (size_t i = 0; i < t->column_count; i++) {
        if (scols_table_new_column(s, t->cells[i].text, 0,
                                   t->right[i] ? SCOLS_FL_RIGHT : 0) == NULL)
            goto out;
    }
    for (size_t i = t->column_count; i < t->cell_count; i += t->column_count) {
        struct libscols_line *line = scols_table_new_line(s, NULL);

        if (line == NULL)
            goto out;
        for (size_t j = 0; j < t->column_count; j++) {
            const struct cell *cell = &t->cells[i + j];

            if (cell->text == NULL)
                continue;
            if (scols_line_set_data(line, j, cell->text) != 0)
                goto out;
            if (t->out->color_out && cell->style != MC_STYLE_PLAIN)
                (void)scols_cell_set_color(scols_line_get_cell(line, j),
                                           colors[cell->style]);
        }
    }
    rc = scols_print_table(s) == 0 ? 0 : MCOS_E_IO;
out:
    scols_unref_table(s);
    return rc;
}

int mc_table_print(struct mc_table *t, FILE *to)
{
    if (t->err < 0)
        return t->err;
    if (t->column_count == 0)
        return 0;
    if (t->out->plain)
        print_plain(t, to);
    else if (t->cell_count > t->column_count || !t->out->no_header)
        return print_people(t, to);
    return ferror(to) ? MCOS_E_IO : 0;
}
