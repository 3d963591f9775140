/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/first.c -- a first table, by hierarchical systematic sampling.
 *
 * A node holds some copies of every partition and one more of those in a set.
 * Of the sequence "the set, then all partitions shuffled, then all of them
 * shuffled anew ..." each child takes, beside its own whole copies, the next
 * few; one that reaches from one pass into the next takes there only what it
 * does not have yet. So every quota is exact and every row has floor or ceil of
 * every node, by construction and without a search.
 *
 * It is done twice. Blocks of partitions are dealt out first, as if each were one
 * partition with many replicas: then each block knows how many rows of it each
 * device gets, floor or ceil of its even part. Then each block is dealt out by
 * itself, which takes memory and caches for one block only.
 */
#include "base/rng.h"
#include "ring/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEPTHS     (MC_TIERS + 1u)
#define BLOCK_BITS 11u /* 2^11 rows of three and what goes with them fit into 64 KB */
#define SPLIT_BITS                                                                     \
    5u /* so many blocks, or pairs would hang on how the first is dealt */

/* What is dealt out: parts 0 .. 2^bits - 1, to leaves with quotas. */
struct dealer {
    const struct mc_tree *tree;
    struct mc_rng rng;
    unsigned bits;
    uint64_t *quota; /* of each node */
    uint64_t *leaf_quota;
    bool extras; /* a leaf's whole copies are known: only what is beyond is placed */
    unsigned stride;  /* of rows */
    uint32_t *rows;   /* leaves; part_count * stride */
    uint32_t *filled; /* of each row */
    /* The children of each node in the order in which they take, anew each time: those
     * that share a pass share no row, so it should not always be the same ones. */
    uint32_t *order;
    uint32_t *leaf_order;
    uint64_t *taken;         /* a bit per part */
    uint32_t *pass[DEPTHS];  /* the present shuffle at each depth */
    uint32_t *joint[DEPTHS]; /* the set of a child that reaches over two passes */
    uint64_t placed;
    uint64_t told;
    const struct mc_plan *teller; /* NULL: nobody is told */
};

/* The rest of the sequence a node hands out. */
struct hand {
    unsigned depth;
    const uint32_t *set;
    uint32_t len;
    uint32_t pos;
    uint64_t passes; /* shuffles still to come */
};

static int init_dealer(struct dealer *d, const struct mc_tree *tree, unsigned bits,
                       unsigned stride, struct mc_rng rng)
{
    size_t parts = (size_t)1 << bits;

    *d = (struct dealer){.tree = tree, .rng = rng, .bits = bits, .stride = stride};
    d->quota = calloc(tree->node_count, sizeof(*d->quota));
    d->leaf_quota = calloc(tree->leaf_count, sizeof(*d->leaf_quota));
    d->rows = malloc((parts * stride + 1) * sizeof(*d->rows));
    d->filled = calloc(parts, sizeof(*d->filled));
    d->taken = calloc(parts / 64 + 1, sizeof(*d->taken));
    d->order = malloc(tree->node_count * sizeof(*d->order));
    d->leaf_order = malloc(tree->leaf_count * sizeof(*d->leaf_order));
    if (d->quota == NULL || d->leaf_quota == NULL || d->rows == NULL ||
        d->filled == NULL || d->taken == NULL || d->order == NULL ||
        d->leaf_order == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t v = 0; v < tree->node_count; v++)
        d->order[v] = v;
    for (uint32_t i = 0; i < tree->leaf_count; i++)
        d->leaf_order[i] = i;
    return 0;
}

static void fini_dealer(struct dealer *d)
{
    for (unsigned i = 0; i < DEPTHS; i++) {
        free(d->pass[i]);
        free(d->joint[i]);
    }
    free(d->quota);
    free(d->leaf_quota);
    free(d->rows);
    free(d->filled);
    free(d->taken);
    free(d->order);
    free(d->leaf_order);
}

static uint32_t below(struct mc_rng *rng, uint32_t n)
{
    return (uint32_t)((mc_rng_next(rng) >> 32) * n >> 32);
}

static void shuffle_children(struct mc_rng *rng, uint32_t *a, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = below(rng, i);
        uint32_t x = a[i - 1];

        a[i - 1] = a[j];
        a[j] = x;
    }
}

/* 0 .. n - 1, shuffled. Two numbers from each draw: a count of partitions is far below
 * 2^32, so the bias is too small to see. */
static void shuffle(struct mc_rng *rng, uint32_t *a, uint32_t n)
{
    struct mc_rng r = *rng;
    uint64_t random = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t j;

        random = i % 2 == 0 ? mc_rng_next(&r) : random << 32;
        j = (uint32_t)((random >> 32) * (i + 1) >> 32);
        a[i] = a[j];
        a[j] = i;
    }
    *rng = r;
}

static void place(struct dealer *d, uint32_t part, uint32_t leaf)
{
    assert(d->filled[part] < d->stride);
    d->rows[(size_t)part * d->stride + d->filled[part]++] = leaf;
}

static int buffer(const struct dealer *d, uint32_t **buf)
{
    if (*buf == NULL)
        *buf = malloc(sizeof(**buf) << d->bits);
    return *buf == NULL ? MCOS_E_NOMEM : 0;
}

static void mark(struct dealer *d, const uint32_t *set, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        d->taken[set[i] / 64] ^= 1ull << set[i] % 64;
}

/* The next `want` of the sequence, all different, into *ret_set. */
static int take(struct dealer *d, struct hand *h, uint32_t want,
                const uint32_t **ret_set)
{
    uint32_t first = h->len - h->pos;
    uint32_t *pass;
    uint32_t *joint;

    if (want <= first) {
        *ret_set = first == 0 ? h->set : h->set + h->pos; /* no set yet: none wanted */
        h->pos += want;
        return 0;
    }
    if (buffer(d, &d->pass[h->depth]) < 0 || buffer(d, &d->joint[h->depth]) < 0)
        return MCOS_E_NOMEM;
    pass = d->pass[h->depth];
    joint = d->joint[h->depth];
    if (first != 0)
        memcpy(joint, h->set + h->pos, first * sizeof(*joint));
    assert(h->passes > 0);
    h->passes--;
    h->set = pass;
    h->len = 1u << d->bits;
    h->pos = 0;
    shuffle(&d->rng, pass, h->len);
    mark(d, joint, first);
    for (uint32_t i = 0; h->pos < want - first; i++) {
        uint32_t x = pass[i];

        if ((d->taken[x / 64] >> x % 64 & 1) != 0)
            continue;
        pass[i] = pass[h->pos];
        pass[h->pos++] = x;
    }
    mark(d, joint, first);
    memcpy(joint + first, pass, h->pos * sizeof(*joint));
    *ret_set = joint;
    return 0;
}

/* Tells now and then. */
static int tell(struct dealer *d, uint64_t more)
{
    uint64_t all = d->teller != NULL ? d->teller->assignments : 0;

    d->placed += more;
    if (d->teller == NULL || (d->placed - d->told < all / 256 && d->placed < all))
        return 0;
    d->told = d->placed;
    return mc_plan_tell(d->teller, d->placed, all);
}

static int place_leaf(struct dealer *d, uint32_t leaf, const uint32_t *set,
                      uint32_t len)
{
    uint64_t quota = d->leaf_quota[leaf];

    if (!d->extras && quota >> d->bits != 0) {
        for (uint32_t p = 0; p < 1u << d->bits; p++)
            place(d, p, leaf);
    }
    for (uint32_t i = 0; i < len; i++)
        place(d, set[i], leaf);
    return tell(d, quota);
}

/* Node v has `whole` copies of every part and one more of each in set. */
static int deal(struct dealer *d, unsigned depth, uint32_t v, uint64_t whole,
                const uint32_t *set, uint32_t len)
{
    const struct mc_tree_node *node = &d->tree->nodes[v];
    bool leaves = v >= d->tree->host_first;
    const uint64_t *quotas = leaves ? d->leaf_quota : d->quota;
    uint32_t *order = (leaves ? d->leaf_order : d->order) + node->child;
    uint32_t children = node->child_end - node->child;
    struct hand h = {.depth = depth, .set = set, .len = len, .passes = whole};
    int r = 0;

    for (uint32_t c = node->child; c < node->child_end; c++)
        h.passes -= quotas[c] >> d->bits;
    shuffle_children(&d->rng, order, children);
    for (uint32_t i = 0; i < children && r == 0; i++) {
        uint32_t c = order[i];
        uint32_t more = (uint32_t)(quotas[c] & ((1ull << d->bits) - 1));
        const uint32_t *part = NULL;

        if (quotas[c] == 0)
            continue;
        r = take(d, &h, more, &part);
        if (r == 0)
            r = leaves ? place_leaf(d, c, part, more)
                       : deal(d, depth + 1, c, quotas[c] >> d->bits, part, more);
    }
    assert(r < 0 || (h.pos == h.len && h.passes == 0));
    return r;
}

/* Puts the i-th, by a random number, into its place among the first i. */
static inline void settle(uint32_t *row, unsigned i, uint64_t *random)
{
    mc_u128 product = (mc_u128)*random * i;
    unsigned j = (unsigned)(product >> 64);
    uint32_t x = row[i - 1];

    *random = (uint64_t)product;
    row[i - 1] = row[j];
    row[j] = x;
}

/* The same of three, without a branch that nobody can foresee. */
static inline void shuffle_three(uint32_t *row, uint32_t random)
{
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const uint8_t *from = orders[(uint64_t)random * 6 >> 32];
    uint32_t first = row[from[0]];
    uint32_t second = row[from[1]];
    uint32_t third = row[from[2]];

    row[0] = first;
    row[1] = second;
    row[2] = third;
}

/* Otherwise the first region in the tree would have most of the first places. */
static void shuffle_rows(struct dealer *d, uint32_t count)
{
    struct mc_rng rng = d->rng;
    uint64_t random = 0;

    for (uint32_t p = 0; p < count; p++) {
        uint32_t *row = d->rows + (size_t)p * d->stride;

        if (d->stride == 3 && d->filled[p] == 3) {
            random = p % 2 == 0 ? mc_rng_next(&rng) : random << 32;
            shuffle_three(row, (uint32_t)(random >> 32));
            continue;
        }
        random = mc_rng_next(&rng);
        for (unsigned i = d->filled[p]; i > 1; i--)
            settle(row, i, &random);
    }
    d->rng = rng;
}

/* A block that has been dealt out, to whoever wants the rows. */
static int give_rows(struct dealer *d, uint32_t first, const struct mc_rows *to)
{
    uint32_t count = 1u << d->bits;

    for (uint32_t p = 0; p < count; p++) {
        uint32_t *row = d->rows + (size_t)p * d->stride;

        assert(d->filled[p] == mc_plan_row(d->teller, first + p));
        for (unsigned i = d->filled[p]; i < d->stride; i++)
            row[i] = MC_DEVICE_NONE;
    }
    shuffle_rows(d, count);
    to->take(to->ctx, first, count, d->rows);
    memset(d->filled, 0, count * sizeof(*d->filled));
    return 0;
}

/* All at once. Long rows come first, so that only where all are alike are blocks. */
static int deal_whole(const struct mc_plan *plan, unsigned bits, struct mc_rng rng,
                      const struct mc_rows *to)
{
    uint32_t more = (uint32_t)(plan->assignments % plan->part_count);
    uint32_t *set = malloc((more + 1u) * sizeof(*set));
    struct dealer d;
    int r = init_dealer(&d, &plan->tree, bits, plan->stride, rng);

    if (set == NULL)
        r = MCOS_E_NOMEM;
    if (r < 0)
        goto out;
    d.teller = plan;
    for (uint32_t v = 0; v < plan->tree.node_count; v++)
        d.quota[v] = plan->node_quota[v];
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++)
        d.leaf_quota[i] = plan->quota[i];
    shuffle(&d.rng, set, more);
    r = deal(&d, 0, 0, plan->assignments / plan->part_count, set, more);
    if (r == 0)
        r = give_rows(&d, 0, to);
out:
    fini_dealer(&d);
    free(set);
    return r;
}

/* Blocks as parts: beyond its even share, rounded down, in which blocks a leaf has one
 * row more. */
static int deal_blocks(const struct mc_plan *plan, unsigned bits, unsigned block_bits,
                       struct mc_rng rng, struct dealer *blocks)
{
    unsigned count_bits = bits - block_bits;
    uint64_t extras = (uint64_t)plan->stride << block_bits;
    int r;

    for (uint32_t i = 0; i < plan->tree.leaf_count; i++)
        extras -= plan->quota[i] >> count_bits;
    r = init_dealer(blocks, &plan->tree, count_bits, (unsigned)extras, rng);
    if (r < 0)
        return r;
    blocks->extras = true;
    for (uint32_t v = 0; v < plan->tree.node_count; v++)
        blocks->quota[v] = plan->node_quota[v];
    for (uint32_t i = 0; i < plan->tree.leaf_count; i++)
        blocks->leaf_quota[i] = plan->quota[i];
    return deal(blocks, 0, 0, (uint64_t)plan->stride << block_bits, NULL, 0);
}

/* One row more for, or (-1) no more for, the leaves that have an extra one. */
static void add_extras(struct dealer *d, const uint32_t *leaves, uint32_t count,
                       uint64_t one)
{
    for (uint32_t i = 0; i < count; i++) {
        d->leaf_quota[leaves[i]] += one;
        for (unsigned t = 0; t < MC_TIERS; t++)
            d->quota[d->tree->up[leaves[i]][t]] += one;
    }
}

static int deal_in_blocks(const struct mc_plan *plan, unsigned bits,
                          unsigned block_bits, struct mc_rng rng,
                          const struct mc_rows *to)
{
    const struct mc_tree *tree = &plan->tree;
    struct dealer d = {0};
    struct dealer blocks;
    int r = deal_blocks(plan, bits, block_bits, rng, &blocks);

    if (r == 0)
        r = init_dealer(&d, tree, block_bits, plan->stride, blocks.rng);
    for (uint32_t i = 0; r == 0 && i < tree->leaf_count; i++) {
        d.leaf_quota[i] = plan->quota[i] >> (bits - block_bits);
        for (unsigned t = 0; t < MC_TIERS; t++)
            d.quota[tree->up[i][t]] += d.leaf_quota[i];
    }
    d.teller = plan;
    for (uint32_t b = 0; r == 0 && b < 1u << (bits - block_bits); b++) {
        const uint32_t *more = blocks.rows + (size_t)b * blocks.stride;

        assert(blocks.filled[b] == blocks.stride);
        add_extras(&d, more, blocks.stride, 1);
        r = deal(&d, 0, 0, plan->stride, NULL, 0);
        if (r == 0)
            r = give_rows(&d, b << block_bits, to);
        add_extras(&d, more, blocks.stride, UINT64_MAX);
    }
    fini_dealer(&d);
    fini_dealer(&blocks);
    return r;
}

int mc_plan_first_rows(const struct mc_plan *plan, uint64_t seed,
                       const struct mc_rows *to)
{
    unsigned bits = (unsigned)__builtin_ctz(plan->part_count);
    unsigned block_bits = bits < SPLIT_BITS ? 0 : bits - SPLIT_BITS;

    if (block_bits > BLOCK_BITS)
        block_bits = BLOCK_BITS;
    /* Many devices with an extra row in each of many blocks take memory. */
    while (block_bits < bits && plan->tree.leaf_count > 1u << block_bits >> 1)
        block_bits++;
    if (block_bits >= bits || plan->long_rows != plan->part_count)
        return deal_whole(plan, bits, mc_rng_init(seed), to);
    return deal_in_blocks(plan, bits, block_bits, mc_rng_init(seed), to);
}

struct copy {
    uint32_t *table;
    unsigned stride;
};

static void copy_rows(void *ctx, uint32_t first, uint32_t count, const uint32_t *rows)
{
    const struct copy *copy = ctx;

    memcpy(copy->table + (size_t)first * copy->stride, rows,
           (size_t)count * copy->stride * sizeof(*rows));
}

int mc_plan_first(const struct mc_plan *plan, uint64_t seed, uint32_t *table)
{
    struct copy copy = {table, plan->stride};

    return mc_plan_first_rows(plan, seed, &(struct mc_rows){copy_rows, &copy});
}
