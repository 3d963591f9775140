/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/table.h -- a table for people (libsmartcols) or, with --plain, for tools:
 * tab-separated, control characters as \xNN.
 */
#ifndef MCOS_APP_TABLE_H
#define MCOS_APP_TABLE_H

#include "app/out.h"

#include <stddef.h>
#include <stdio.h>

#define MC_COLUMNS_MAX 4098u

struct mc_table;

/* On success *ret_table is yours. Fails with NOMEM. */
int mc_table_new(const struct mc_out *out, struct mc_table **ret_table);
void mc_table_free(struct mc_table *table); /* NULL is fine */

/* Columns first, then rows. Errors stick and are returned by print. */
void mc_table_column(struct mc_table *table, const char *title, bool right);
void mc_table_row(struct mc_table *table);
/* The next cell of the row; copied. Cells beyond the last column are dropped. */
void mc_table_cell(struct mc_table *table, enum mc_style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails with NOMEM, IO. */
int mc_table_print(struct mc_table *table, FILE *to);

/* Tabs, newlines and other control characters as \xNN. */
void mc_table_plain(FILE *to, const char *text);

#endif /* MCOS_APP_TABLE_H */
