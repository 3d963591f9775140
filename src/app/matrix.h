/* SPDX-License-Identifier: Apache-2.0 */
/* app/matrix.h -- clusters down, rings across, in each cell what is held. */
#ifndef MCOS_APP_MATRIX_H
#define MCOS_APP_MATRIX_H

#include "app/out.h"

#include <stdio.h>

/*
 * `clusters` and `convergence` are the arrays of the API's two documents;
 * borrowed. Fails with NOMEM, IO.
 */
int mc_matrix_print(const struct mc_out *out, FILE *to, const json_t *clusters,
                    const json_t *convergence);

/* What one cell says; `cell` is a row of a convergence's clusters, NULL: none. Pure. */
void mc_matrix_cell(const struct mc_out *out, const json_t *cell, char dst[64],
                    enum mc_style *ret_style);

/* One line that says what the glyphs mean. */
void mc_matrix_key(const struct mc_out *out, FILE *to);

#endif /* MCOS_APP_MATRIX_H */
