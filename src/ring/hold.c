/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/hold.c -- what a gentle rebalance must hold back, whatever it does.
 *
 * Take any set of devices. By what a row may lose it has at least so many replicas on
 * them; what all rows have there at least, beyond the quotas of the set, is held back
 * by every table. So any set proves its number, and how it was found does not matter.
 *
 * It is looked for from the devices that hold too much. A row that could give a replica
 * of theirs to others, and has not, must not be able to: either those others join the
 * set, or, where the row gave a replica that is none of the set's, the device that had
 * it, so that the row has given one of the set's. Which of the two is right is not
 * always to be seen from one row; both orders are tried.
 */
#include "ring/flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_MAX 24u
#define TELL_ROWS  65536u

/* Sets of leaves with a quota (mc_flow_set). */
enum { OUTSIDE, INSIDE };

struct hold {
    struct mc_flow *f;
    uint8_t *in;    /* of each leaf: it is in the set */
    int64_t beyond; /* what the set holds beyond its quotas: it can show no more */
    bool grown;     /* since the pass began */
    bool by_giver;  /* rather who gave joins than those who could take */
};

static void join(struct hold *h, uint32_t leaf)
{
    struct mc_flow *f = h->f;

    if (h->in[leaf] != 0)
        return;
    h->in[leaf] = 1;
    h->grown = true;
    h->beyond += f->excess[leaf];
    mc_leafset_remove(mc_flow_set(f, OUTSIDE), leaf);
    (void)mc_flow_set_add(f, INSIDE, leaf);
}

static bool live(const struct mc_flow *f, uint32_t leaf)
{
    return leaf < f->vacant && f->plan->quota[leaf] != 0;
}

static uint32_t any_of(const struct mc_flow *f, size_t key, const uint32_t *row,
                       unsigned skip)
{
    const struct mc_leafset *set = mc_flow_set(f, key);
    struct mc_span spans[MC_SPANS_MAX];
    unsigned n;

    if (set == NULL)
        return MC_DEVICE_NONE;
    n = mc_row_closed(f->plan, row, skip, spans);
    return mc_row_find(set, spans, n, 0);
}

/* A device outside the set that may have that place, or none. */
static uint32_t outside(const struct hold *h, const uint32_t *row, unsigned skip)
{
    return any_of(h->f, OUTSIDE, row, skip);
}

struct old_row {
    uint32_t leaf[MC_REPLICAS_MAX];
    unsigned count;
};

static struct old_row old_of(const struct mc_flow *f, uint32_t part)
{
    const uint32_t *old = f->old->table + (size_t)part * f->old->stride;
    struct old_row o = {.count = 0};

    for (unsigned i = 0; i < f->old->stride; i++) {
        unsigned j = 0;

        if (!live(f, old[i]))
            continue;
        while (j < o.count && o.leaf[j] != old[i])
            j++;
        if (j == o.count)
            o.leaf[o.count++] = old[i];
    }
    return o;
}

/* True if nothing has to leave the row and nothing has to come. */
static bool is_whole(const struct mc_flow *f, uint32_t part, const struct old_row *o,
                     uint32_t *row)
{
    unsigned width = mc_plan_row(f->plan, part);

    if (o->count != width)
        return false;
    for (unsigned i = 0; i < f->plan->stride; i++)
        row[i] = i < width ? o->leaf[i] : MC_DEVICE_NONE;
    return mc_row_ok(f->plan, row);
}

static unsigned count_in(const struct hold *h, const uint32_t *row, unsigned n)
{
    unsigned count = 0;

    for (unsigned i = 0; i < n; i++)
        count += h->in[row[i]];
    return count;
}

/* The fewest in the set of a row that must keep as many old ones as it can. */
static unsigned least_of_forced(const struct hold *h, uint32_t part,
                                const struct old_row *o)
{
    const struct mc_flow *f = h->f;
    unsigned width = mc_plan_row(f->plan, part);
    uint32_t row[MC_REPLICAS_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < f->plan->stride; i++)
        row[i] = i < width ? f->vacant : MC_DEVICE_NONE;
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < o->count && n < width; i++) {
            if (h->in[o->leaf[i]] == k &&
                mc_row_fits(f->plan, row, f->plan->stride, o->leaf[i]))
                row[n++] = o->leaf[i];
        }
    }
    for (; n < width; n++) {
        uint32_t e = outside(h, row, n);

        row[n] = e != MC_DEVICE_NONE ? e : any_of(f, INSIDE, row, n);
        assert(row[n] != MC_DEVICE_NONE);
    }
    return count_in(h, row, width);
}

static unsigned least(const struct hold *h, uint32_t part)
{
    const struct mc_flow *f = h->f;
    struct old_row o = old_of(f, part);
    uint32_t row[MC_REPLICAS_MAX];
    unsigned n;

    if (!is_whole(f, part, &o, row))
        return least_of_forced(h, part, &o);
    n = count_in(h, o.leaf, o.count);
    if (f->may_lose[part] == 0)
        return n;
    for (unsigned i = 0; i < o.count; i++) {
        if (h->in[row[i]] && outside(h, row, i) != MC_DEVICE_NONE)
            return n - 1;
    }
    return n;
}

/* What the row could give to from place i joins. */
static void close_place(struct hold *h, const uint32_t *row, unsigned i)
{
    for (;;) {
        uint32_t e = outside(h, row, i);

        if (e == MC_DEVICE_NONE)
            return;
        join(h, e);
    }
}

static bool has(const uint32_t *row, unsigned n, uint32_t leaf)
{
    for (unsigned i = 0; i < n; i++) {
        if (row[i] == leaf)
            return true;
    }
    return false;
}

/* A row of which nothing must move, and that may give one up. */
static void close_whole(struct hold *h, uint32_t part, const struct old_row *o,
                        const uint32_t *was)
{
    const struct mc_flow *f = h->f;
    const uint32_t *row = f->table + (size_t)part * f->plan->stride;
    uint32_t gave = MC_DEVICE_NONE; /* by the one move that it made, if it did */
    uint32_t took = MC_DEVICE_NONE;

    for (unsigned i = 0; i < o->count; i++) {
        if (!has(row, o->count, was[i]))
            gave = was[i];
        if (!has(was, o->count, row[i]))
            took = row[i];
    }
    if (took != MC_DEVICE_NONE && h->in[took])
        join(h, gave);
    if (f->may_lose[part] == 0 ||
        (took != MC_DEVICE_NONE && h->in[gave] && h->in[took] == 0))
        return;
    for (unsigned i = 0; i < o->count; i++) {
        uint32_t e;

        if (h->in[was[i]] == 0)
            continue;
        e = outside(h, was, i);
        if (e == MC_DEVICE_NONE)
            continue;
        if (took != MC_DEVICE_NONE && h->in[gave] == 0 &&
            (h->by_giver ? f->excess[gave] >= 0 : f->excess[e] < 0)) {
            join(h, gave);
            return;
        }
        close_place(h, was, i);
    }
}

/* Exchanges that keep as many old ones. */
static void close_forced(struct hold *h, uint32_t part, const struct old_row *o)
{
    const struct mc_flow *f = h->f;
    const uint32_t *row = f->table + (size_t)part * f->plan->stride;
    unsigned width = mc_plan_row(f->plan, part);

    for (unsigned i = 0; i < width; i++) {
        if (h->in[row[i]] == 0)
            continue;
        for (unsigned j = 0; j < o->count; j++) {
            if (!h->in[o->leaf[j]] && mc_row_fits(f->plan, row, i, o->leaf[j]))
                join(h, o->leaf[j]);
        }
        if (!has(o->leaf, o->count, row[i]))
            close_place(h, row, i);
    }
}

/* The set, closed; false if it shows nothing: what it has beyond its quotas now is as
 * much as it can show. */
static bool close_set(struct hold *h)
{
    struct mc_flow *f = h->f;

    h->grown = true;
    for (unsigned pass = 0; h->grown && pass < PASSES_MAX; pass++) {
        h->grown = false;
        for (uint32_t p = 0; p < f->plan->part_count; p++) {
            struct old_row o = old_of(f, p);
            uint32_t was[MC_REPLICAS_MAX];

            if (p % TELL_ROWS == 0)
                mc_flow_tell(f, f->plan->part_count);
            if (h->beyond <= (int64_t)f->must_hold || f->err != 0)
                return false;
            if (is_whole(f, p, &o, was))
                close_whole(h, p, &o, was);
            else
                close_forced(h, p, &o);
        }
    }
    return true;
}

/* What the set shows, whatever it is. */
static int64_t count_held(const struct hold *h)
{
    const struct mc_plan *plan = h->f->plan;
    int64_t sum = 0;

    for (uint32_t i = 0; i < h->f->vacant; i++)
        sum -= h->in[i] != 0 ? plan->quota[i] : 0;
    for (uint32_t p = 0; p < plan->part_count; p++)
        sum += least(h, p);
    return sum;
}

static void try_set(struct hold *h, bool by_giver)
{
    struct mc_flow *f = h->f;
    int64_t shown;

    h->by_giver = by_giver;
    h->beyond = 0;
    memset(h->in, 0, f->vacant);
    if (mc_flow_sets_reset(f, 2) < 0)
        return;
    for (uint32_t i = 0; i < f->vacant && f->err == 0; i++) {
        if (f->plan->quota[i] != 0)
            (void)mc_flow_set_add(f, OUTSIDE, i);
    }
    for (uint32_t i = 0; i < f->vacant && f->err == 0; i++) {
        if (f->excess[i] > 0)
            join(h, i);
    }
    if (f->err != 0 || !close_set(h))
        return;
    shown = count_held(h);
    if (shown > (int64_t)f->must_hold) {
        f->must_hold = (uint64_t)shown;
        memcpy(f->tight, h->in, f->vacant);
    }
}

int mc_flow_must_hold(struct mc_flow *f)
{
    struct hold h = {.f = f, .in = calloc(f->vacant, 1)};

    if (f->tight == NULL)
        f->tight = calloc(f->vacant, 1);
    if (h.in == NULL || f->tight == NULL) {
        f->err = MCOS_E_NOMEM;
    } else {
        try_set(&h, true);
        try_set(&h, false);
    }
    free(h.in);
    return f->err;
}
