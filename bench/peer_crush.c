/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/peer_crush.c -- CRUSH with straw2 buckets, after what is published.
 *
 * Each item of a bucket draws ln(u) / weight, where u is a hash of the name, the item
 * and the attempt, 16 bits wide; the highest draw wins. As where CRUSH is used, the
 * hash is Jenkins's mix (1997), the logarithm a look-up in small tables in fixed
 * point, and the draw one division of 64 bits.
 */
#include "peers.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS   5u /* root, regions, zones, hosts, devices */
#define REPLICAS 3u
#define TRIES    50u
#define ONE      ((int64_t)1 << 44) /* of a logarithm in fixed point */

struct bucket {
    uint32_t id;
    uint64_t weight; /* 16.16 */
    const char *name;
    uint32_t child_count;
    struct bucket *children;
};

struct crush {
    struct bucket root;
    /* log2 of 1 + i / 128, the reciprocal of that, and log2 of 1 + i / 32768 */
    int64_t coarse[128];
    uint32_t reciprocal[128];
    int64_t fine[512];
};

#define MIX(a, b, c)                                                                   \
    do {                                                                               \
        a = (a - b - c) ^ (c >> 13);                                                   \
        b = (b - c - a) ^ (a << 8);                                                    \
        c = (c - a - b) ^ (b >> 13);                                                   \
        a = (a - b - c) ^ (c >> 12);                                                   \
        b = (b - c - a) ^ (a << 16);                                                   \
        c = (c - a - b) ^ (b >> 5);                                                    \
        a = (a - b - c) ^ (c >> 3);                                                    \
        b = (b - c - a) ^ (a << 10);                                                   \
        c = (c - a - b) ^ (b >> 15);                                                   \
    } while (0)

static uint32_t hash3(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t hash = 1315423911u ^ a ^ b ^ c;
    uint32_t x = 231232;
    uint32_t y = 1232;

    MIX(a, b, hash);
    MIX(c, x, hash);
    MIX(y, a, hash);
    MIX(b, x, hash);
    MIX(y, c, hash);
    return hash;
}

/* log2((u + 1) / 65536), which is not above 0. */
static int64_t log_of(const struct crush *c, uint32_t u)
{
    unsigned shift = (unsigned)__builtin_clz(u + 1) - 15; /* to 2^16 .. 2^17 - 1 */
    uint32_t x = (u + 1) << shift;
    uint32_t i = x >> 9 & 127;
    uint64_t rest = (uint64_t)x * c->reciprocal[i] >> 32; /* 2^15 and a little */

    return c->coarse[i] + c->fine[rest & 511] - (int64_t)shift * ONE;
}

static const struct bucket *straw2(const struct crush *c, const struct bucket *in,
                                   uint32_t x, uint32_t r)
{
    const struct bucket *best = NULL;
    int64_t high = 0;

    for (uint32_t i = 0; i < in->child_count; i++) {
        const struct bucket *item = &in->children[i];
        int64_t draw = INT64_MIN;

        if (item->weight != 0)
            draw = log_of(c, hash3(x, item->id, r) & 0xffff) / (int64_t)item->weight;
        if (best == NULL || draw > high) {
            best = item;
            high = draw;
        }
    }
    return best;
}

void crush_find(const struct crush *crush, struct mc_bytes name, uint32_t ids[3])
{
    const uint32_t x = (uint32_t)mc_xxh3_64(name);
    const struct bucket *zones[REPLICAS];

    for (uint32_t rep = 0; rep < REPLICAS; rep++) {
        const struct bucket *at = NULL;

        for (uint32_t failed = 0; failed < TRIES; failed++) {
            bool taken = false;

            at = straw2(crush, &crush->root, x, rep + failed);
            at = straw2(crush, at, x, rep + failed);
            for (uint32_t i = 0; i < rep; i++)
                taken |= zones[i] == at;
            if (!taken)
                break;
        }
        zones[rep] = at;
        while (at->child_count != 0)
            at = straw2(crush, at, x, rep);
        ids[rep] = at->id;
    }
}

/* The child of that name, made if it is not there. */
static struct bucket *child(struct bucket *in, const char *name, uint32_t id)
{
    for (uint32_t i = 0; i < in->child_count; i++) {
        if (strcmp(in->children[i].name, name) == 0)
            return &in->children[i];
    }
    in->children = realloc(in->children, (in->child_count + 1) * sizeof(*in->children));
    if (in->children == NULL)
        abort();
    in->children[in->child_count] = (struct bucket){.id = id, .name = name};
    return &in->children[in->child_count++];
}

struct crush *crush_new(const struct mc_ring *ring)
{
    struct crush *c = calloc(1, sizeof(*c));
    uint32_t next = 1u << 31; /* ids of what is no device */

    if (c == NULL)
        return NULL;
    for (uint32_t i = 0; i < 128; i++) {
        c->coarse[i] = (int64_t)(log2(1 + i / 128.0) * (double)ONE);
        c->reciprocal[i] = (uint32_t)(0x80000000u / (1 + i / 128.0));
    }
    for (uint32_t i = 0; i < 512; i++)
        c->fine[i] = (int64_t)(log2(1 + i / 32768.0) * (double)ONE);
    for (uint32_t id = 0; id < mc_ring_head(ring)->device_count; id++) {
        const struct mc_device *d = mc_ring_device(ring, id);
        const char *const path[] = {d->region, d->zone, d->host, d->name};
        uint64_t weight = (d->weight << 16) / 1000000;
        struct bucket *at = &c->root;

        for (unsigned level = 1; level < LEVELS && !d->removed; level++) {
            at->weight += weight;
            at = child(at, path[level - 1], level == LEVELS - 1 ? id : next++);
        }
        at->weight += weight;
    }
    return c;
}
