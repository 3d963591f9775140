/* SPDX-License-Identifier: Apache-2.0 */
/* Successive shortest paths by Bellman-Ford. */
#include "fewest_moves.h"

#include <stdlib.h>

/* What meeting one unit of a floor is worth: more than all moves together. */
#define FLOOR_WORTH 10000

struct edge {
    uint32_t from;
    uint32_t to;
    int32_t room;
    int32_t cost;
};

struct net {
    struct edge *edges;
    uint32_t count;
    uint32_t cap;
    uint32_t nodes;
};

static void add_edge(struct net *net, uint32_t from, uint32_t to, int32_t room,
                     int32_t cost)
{
    if (net->count + 2 > net->cap) {
        net->cap = 2 * net->cap + 64;
        net->edges = realloc(net->edges, net->cap * sizeof(*net->edges));
    }
    net->edges[net->count++] = (struct edge){from, to, room, cost};
    net->edges[net->count++] = (struct edge){to, from, 0, -cost};
}

/* Sends one unit along a cheapest path from 0 to 1; false if there is none. */
static bool send_one(struct net *net, int64_t *cost)
{
    int32_t *far = malloc(net->nodes * sizeof(*far));
    uint32_t *by = malloc(net->nodes * sizeof(*by));
    bool again = true;
    bool found;

    for (uint32_t i = 0; i < net->nodes; i++)
        far[i] = INT32_MAX / 2;
    far[0] = 0;
    while (again) {
        again = false;
        for (uint32_t i = 0; i < net->count; i++) {
            const struct edge *e = &net->edges[i];

            if (e->room > 0 && far[e->from] + e->cost < far[e->to] &&
                far[e->from] < INT32_MAX / 4) {
                far[e->to] = far[e->from] + e->cost;
                by[e->to] = i;
                again = true;
            }
        }
    }
    found = far[1] < INT32_MAX / 4;
    for (uint32_t at = 1; found && at != 0; at = net->edges[by[at]].from) {
        net->edges[by[at]].room--;
        net->edges[by[at] ^ 1].room++;
    }
    *cost += found ? far[1] : 0;
    free(far);
    free(by);
    return found;
}

bool row_had(const struct mc_plan_old *old, uint32_t part, uint32_t leaf)
{
    for (unsigned i = 0; i < old->stride; i++) {
        if (old->table[(size_t)part * old->stride + i] == leaf)
            return true;
    }
    return false;
}

uint64_t fewest_moves(const struct mc_plan *plan, const struct mc_plan_old *old)
{
    uint32_t n = plan->tree.leaf_count;
    uint32_t nodes = plan->tree.node_count;
    uint32_t first_row = 2 + n;
    struct net net = {.nodes = first_row + plan->part_count * nodes};
    uint64_t sent = 0;
    int64_t floors = 0;
    int64_t cost = 0;

    for (uint32_t leaf = 0; leaf < n; leaf++)
        add_edge(&net, 2 + leaf, 1, (int32_t)plan->quota[leaf], 0);
    for (uint32_t p = 0; p < plan->part_count; p++) {
        uint32_t at = first_row + p * nodes; /* the root of this row's tree */

        add_edge(&net, 0, at, (int32_t)mc_plan_row(plan, p), 0);
        for (uint32_t v = 0; v < nodes; v++) {
            const struct mc_tree_node *node = &plan->tree.nodes[v];
            bool leaves = v >= plan->tree.host_first;

            for (uint32_t c = node->child; c < node->child_end; c++) {
                uint64_t quota = leaves ? plan->quota[c] : plan->node_quota[c];
                int32_t most =
                    (int32_t)((quota + plan->part_count - 1) / plan->part_count);
                int32_t least = plan->strict ? (int32_t)(quota / plan->part_count) : 0;
                int32_t price = leaves && row_had(old, p, c) ? -1 : 0;
                uint32_t to = leaves ? 2 + c : at + c;

                if (least != 0)
                    add_edge(&net, at + v, to, least, price - FLOOR_WORTH);
                if (most > least)
                    add_edge(&net, at + v, to, most - least, price);
                floors += least;
            }
        }
    }
    while (send_one(&net, &cost))
        sent++;
    free(net.edges);
    cost += floors * FLOOR_WORTH; /* all of them are met, or it is far above 0 */
    return sent == plan->assignments && cost <= 0 ? sent - (uint64_t)-cost : UINT64_MAX;
}
