/* SPDX-License-Identifier: Apache-2.0 */
/* ring/tree.c -- sorting devices into their tree. */
#include "ring/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *key[MC_TIERS];
    uint32_t device;
};

static int cmp_entry(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    for (unsigned t = 0; t < MC_TIERS; t++) {
        int r = strcmp(x->key[t], y->key[t]);

        if (r != 0)
            return r;
    }
    return (x->device > y->device) - (x->device < y->device);
}

/* The highest tier at which two neighbours differ; MC_TIERS: the same host. */
static unsigned split_tier(const struct entry *a, const struct entry *b)
{
    unsigned t = 0;

    while (t < MC_TIERS && strcmp(a->key[t], b->key[t]) == 0)
        t++;
    return t;
}

/* Nodes stand tier by tier, so the children of one are neighbours. */
static void link_nodes(struct mc_tree *tree, const struct entry *entries,
                       const uint32_t count[MC_TIERS])
{
    uint32_t next[MC_TIERS] = {1, 1 + count[0], 1 + count[0] + count[1]};

    tree->host_first = next[MC_TIER_HOST];
    tree->nodes[0] = (struct mc_tree_node){0, tree->leaf_count, 1, 1 + count[0]};
    for (uint32_t i = 0; i < tree->leaf_count; i++) {
        unsigned from = i == 0 ? 0 : split_tier(&entries[i - 1], &entries[i]);

        for (unsigned t = from; t < MC_TIERS; t++) {
            uint32_t child = t == MC_TIER_HOST ? i : next[t + 1];

            tree->nodes[next[t]++] = (struct mc_tree_node){i, i, child, child};
        }
        tree->device_of[i] = entries[i].device;
        tree->leaf_of[entries[i].device] = i;
        for (unsigned t = 0; t < MC_TIERS; t++) {
            struct mc_tree_node *node = &tree->nodes[next[t] - 1];

            tree->up[i][t] = next[t] - 1;
            node->leaf_end = i + 1;
            node->child_end = t == MC_TIER_HOST ? i + 1 : next[t + 1];
        }
    }
}

int mc_tree_init(struct mc_tree *tree, const struct mc_device *devices, uint32_t count)
{
    struct entry *entries = calloc(count, sizeof(*entries));
    uint32_t tier[MC_TIERS] = {0};

    assert(count > 0);
    *tree = (struct mc_tree){.leaf_count = count, .node_count = 1};
    tree->device_of = calloc(count, sizeof(*tree->device_of));
    tree->leaf_of = calloc(count, sizeof(*tree->leaf_of));
    tree->up = calloc(count, sizeof(*tree->up));
    if (entries == NULL || tree->device_of == NULL || tree->leaf_of == NULL ||
        tree->up == NULL)
        goto nomem;
    for (uint32_t i = 0; i < count; i++) {
        const struct mc_device *d = &devices[i];

        entries[i] = (struct entry){
            {d->region, d->zone, d->host[0] != '\0' ? d->host : d->name}, i};
    }
    qsort(entries, count, sizeof(*entries), cmp_entry);
    for (uint32_t i = 0; i < count; i++) {
        unsigned from = i == 0 ? 0 : split_tier(&entries[i - 1], &entries[i]);

        for (unsigned t = from; t < MC_TIERS; t++)
            tier[t]++;
    }
    tree->node_count += tier[0] + tier[1] + tier[2];
    tree->nodes = calloc(tree->node_count, sizeof(*tree->nodes));
    if (tree->nodes == NULL)
        goto nomem;
    link_nodes(tree, entries, tier);
    free(entries);
    return 0;
nomem:
    free(entries);
    mc_tree_fini(tree);
    return MCOS_E_NOMEM;
}

void mc_tree_fini(struct mc_tree *tree)
{
    free(tree->device_of);
    free(tree->leaf_of);
    free(tree->up);
    free(tree->nodes);
    *tree = (struct mc_tree){0};
}
