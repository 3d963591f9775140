/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/clusters.h -- the `clusters` file: which clusters there are and how they
 * are, one per line, for resolvers, for people, and for the next start.
 *
 *     # mcos clusters 1
 *     name TAB uid TAB state TAB region TAB zone TAB address
 *
 * state is ACTIVE, silent or left. Texts have no tab or newline: such a
 * character is written as a space.
 */
#ifndef MCOS_NODE_CLUSTERS_H
#define MCOS_NODE_CLUSTERS_H

#include "sync/machine.h"

/* Appends the file's text. b->err says if memory was out. */
void mc_clusters_format(const struct mc_machine *machine, struct mc_buf *b);

/*
 * Reads the text into the machine's memory of clusters, all but `self`. A line
 * that cannot be understood is passed over: the file is a help, not a truth.
 * Returns how many were taken.
 */
size_t mc_clusters_parse(struct mc_bytes text, const struct mc_name *self,
                         struct mc_machine *machine);

#endif /* MCOS_NODE_CLUSTERS_H */
