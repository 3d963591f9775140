/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/figures.h -- the figures of the rings held (balance, dispersion), measured
 * once for each record. One that is minted here brings its figures along; a small one
 * is measured when somebody asks; larger ones by the worker, one after the other, and
 * until then there is no answer.
 */
#ifndef MCOS_NODE_FIGURES_H
#define MCOS_NODE_FIGURES_H

#include "node/routes_state.h"

/* False for a tombstone, or if they cannot be had, or not yet. */
bool mc_figures_get(struct mc_routes *routes, const struct mc_ring *ring,
                    struct mc_build_report *ret_report);
/* Remembers them; what they say of moves is left aside. */
void mc_figures_put(struct mc_routes *routes, const struct mc_ring *ring,
                    const struct mc_build_report *report);

#endif /* MCOS_NODE_FIGURES_H */
