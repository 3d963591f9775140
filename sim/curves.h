/* SPDX-License-Identifier: Apache-2.0 */
/* sim/curves.h -- what the conversation costs, over the number of clusters. */
#ifndef MCOS_SIM_CURVES_H
#define MCOS_SIM_CURVES_H

#include <stdint.h>

/* Prints a table in Markdown for 2, 10, 100, 1000 clusters up to max. 0, or 1 when
 * something did not come to its end. */
int sim_curves_print(uint32_t max);

#endif /* MCOS_SIM_CURVES_H */
