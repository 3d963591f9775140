/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/tree.h -- devices as a tree: root, regions, zones, hosts, devices.
 *
 * Devices are its leaves, numbered so that every node is a run of leaves and
 * the children of a node are a run of nodes. A zone belongs to its region and a
 * host to its zone, so the same text under another parent is another node. A
 * device without host is a host of its own.
 */
#ifndef MCOS_RING_TREE_H
#define MCOS_RING_TREE_H

#include "ring/record.h"

enum { MC_TIER_REGION, MC_TIER_ZONE, MC_TIER_HOST, MC_TIERS };

struct mc_tree_node {
    uint32_t leaf; /* first leaf below */
    uint32_t leaf_end;
    uint32_t child; /* first child: a node, or below a host a leaf */
    uint32_t child_end;
};

struct mc_tree {
    uint32_t leaf_count;
    uint32_t node_count;        /* node 0 is the root */
    uint32_t host_first;        /* nodes from here on have leaves as children */
    uint32_t *device_of;        /* leaf -> index in the list given */
    uint32_t *leaf_of;          /* and back */
    uint32_t (*up)[MC_TIERS];   /* leaf -> its region, zone and host node */
    struct mc_tree_node *nodes; /* parents before children */
};

/* Removed devices count as well: leave them out of the list. Fails with NOMEM. */
int mc_tree_init(struct mc_tree *tree, const struct mc_device *devices, uint32_t count);
void mc_tree_fini(struct mc_tree *tree);

#endif /* MCOS_RING_TREE_H */
