/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/json_scan.h -- a look over JSON text before anything is allocated for it.
 *
 * A parser that builds a tree takes some fifty times the memory of a text like
 * `[[],[],[],...`; the look bounds depth and count of values first. It does not
 * judge the grammar, which is the parser's to do. It also tells where an offset
 * lies, as a JSON pointer.
 */
#ifndef MCOS_BASE_JSON_SCAN_H
#define MCOS_BASE_JSON_SCAN_H

#include "base/bytes.h"
#include "mcos/err.h"

#define MC_JSON_DEPTH_MAX 16u

/* Fails with JSON (nested deeper than `depth` <= MC_JSON_DEPTH_MAX) and TOOBIG
 * (more than `values`), *diag says where. */
int mc_json_scan(struct mc_bytes text, unsigned depth, size_t values,
                 struct mcos_diag *diag);

/* Bytes of the object or list that begins at text.ptr, all of them if it does not end.
 * Fails as mc_json_scan, within it. */
int mc_json_span(struct mc_bytes text, unsigned depth, size_t values, size_t *ret_bytes,
                 struct mcos_diag *diag);

/* Sets field, line and offset of a diag, and leaves its text. */
void mc_json_where(struct mc_bytes text, size_t offset, struct mcos_diag *diag);

/* Appends "/key" to a pointer, escaped; what is not ASCII becomes '?'. */
void mc_json_pointer_add(char *dst, size_t cap, struct mc_bytes key);

#endif /* MCOS_BASE_JSON_SCAN_H */
