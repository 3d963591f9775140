/* SPDX-License-Identifier: Apache-2.0 */
/* ring/survive.c -- each row against the worst loss of so many nodes. */
#include "ring/survive.h"

#include <stdlib.h>

static uint32_t node_at(const struct mc_tree *tree, uint32_t leaf, unsigned tier)
{
    return tier < MC_TIERS ? tree->up[leaf][tier] : tree->node_count + leaf;
}

/* The nodes of the row; true if they are all different. */
static bool find_nodes(const struct mc_survive *s, const uint32_t *leaves,
                       unsigned width, unsigned tier, uint32_t node[MC_REPLICAS_MAX])
{
    bool apart = true;

    for (unsigned i = 0; i < width; i++) {
        node[i] = node_at(s->tree, leaves[i], tier);
        for (unsigned j = 0; j < i; j++)
            apart = apart && node[j] != node[i];
    }
    return apart;
}

/* How many replicas of the row each node has, the most first; how many nodes. Sorts
 * the nodes along. */
static unsigned group(uint32_t node[MC_REPLICAS_MAX], unsigned width,
                      unsigned held[MC_REPLICAS_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < width; i++) {
        uint32_t v = node[i];
        unsigned j = 0;

        while (j < n && node[j] != v)
            j++;
        if (j == n) {
            node[n] = v;
            held[n++] = 0;
        }
        for (held[j]++; j > 0 && held[j] > held[j - 1]; j--) {
            unsigned x = held[j];
            uint32_t y = node[j];

            held[j] = held[j - 1];
            held[j - 1] = x;
            node[j] = node[j - 1];
            node[j - 1] = y;
        }
    }
    return n;
}

static void note(struct mc_survival *tier, unsigned one, unsigned most, uint32_t rows)
{
    if (one < tier->one) {
        tier->one = one;
        tier->weakest = 0;
    }
    tier->weakest += one == tier->one ? rows : 0;
    tier->most = most < tier->most ? most : tier->most;
}

/* Replicas that may go while a majority stays. */
static unsigned spare(unsigned width)
{
    return (width - 1) / 2;
}

void mc_survive_row(struct mc_survive *s, const uint32_t *leaves, unsigned width)
{
    uint32_t node[MC_REPLICAS_MAX];
    unsigned held[MC_REPLICAS_MAX];

    for (unsigned i = 0; i < width; i++)
        s->seen[s->tree->node_count + leaves[i]] = 1;
    for (unsigned t = 0; t < MC_SURVIVE_TIERS && width != 0; t++) {
        unsigned most = 0;
        unsigned n;

        if (find_nodes(s, leaves, width, t, node)) {
            s->apart[t][width]++;
            return;
        }
        n = group(node, width, held);
        for (unsigned gone = 0; most < n && gone + held[most] <= spare(width);)
            gone += held[most++];
        note(&s->tier[t], n - 1, most, 1);
    }
}

int mc_survive_begin(struct mc_survive *s, const struct mc_tree *tree)
{
    *s = (struct mc_survive){.tree = tree};
    for (unsigned t = 0; t < MC_SURVIVE_TIERS; t++)
        s->tier[t] = (struct mc_survival){.one = UINT32_MAX, .most = UINT32_MAX};
    s->seen = calloc((size_t)tree->node_count + tree->leaf_count, 1);
    return s->seen == NULL ? MCOS_E_NOMEM : 0;
}

static void count_nodes(struct mc_survive *s)
{
    const struct mc_tree *tree = s->tree;

    for (uint32_t leaf = 0; leaf < tree->leaf_count; leaf++) {
        if (s->seen[tree->node_count + leaf] == 0)
            continue;
        for (unsigned t = 0; t < MC_SURVIVE_TIERS; t++) {
            uint32_t v = node_at(tree, leaf, t);

            s->tier[t].nodes += s->seen[v] != 2;
            s->seen[v] = 2;
        }
    }
}

void mc_survive_end(struct mc_survive *s, struct mc_survival ret[MC_SURVIVE_TIERS])
{
    if (s->seen != NULL)
        count_nodes(s);
    for (unsigned t = 0; t < MC_SURVIVE_TIERS; t++) {
        for (unsigned above = 0; above <= t; above++) {
            for (unsigned width = 1; width <= MC_REPLICAS_MAX; width++) {
                if (s->apart[above][width] != 0)
                    note(&s->tier[t], width - 1, spare(width), s->apart[above][width]);
            }
        }
        ret[t] = s->tier[t].nodes != 0 ? s->tier[t] : (struct mc_survival){0};
    }
    free(s->seen);
    *s = (struct mc_survive){0};
}
