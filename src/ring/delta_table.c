/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/delta_table.c -- which cells of a table changed, and to what.
 *
 * First how many cells each device gives, and how many each one gets. Then, cell by
 * cell, whether it is one of those: with g of a device's n cells still to be given,
 * in g of n cases. And for one that changed who gets it: a device that is still to
 * get w of k, in w of k cases. So for given numbers all tables are alike, and no
 * code can be shorter than this one; docs/format.md calls that the floor.
 */
#include "ring/delta_in.h"

#include <stdlib.h>
#include <string.h>

struct cells {
    struct mc_delta *d;
    uint32_t old_none; /* numbers of "none": one past the devices */
    uint32_t new_none;
    uint32_t *held; /* by old number: cells that were on it, then: not looked at yet */
    uint32_t *gives;
    uint32_t *gets; /* by new number: a Fenwick tree when the cells are said */
    uint32_t count; /* changed cells */
};

static inline uint32_t id_at(const uint8_t *table, unsigned id_bytes, size_t i)
{
    uint32_t id;

    if (id_bytes == 4)
        return mc_delta_u32(table + i * 4);
    id = mc_delta_u16(table + i * 2);
    return id == UINT16_MAX ? MC_DEVICE_NONE : id;
}

/* What the parent has in a cell of the child; where it has no such cell, none. */
static inline uint32_t old_at(const struct cells *c, uint32_t row, unsigned replica)
{
    const struct mc_head *was = &c->d->parent->head;
    uint32_t id;

    if (replica >= was->stride)
        return c->old_none;
    id = id_at(c->d->parent->table, was->id_bytes, (size_t)row * was->stride + replica);
    return id == MC_DEVICE_NONE ? c->old_none : id;
}

static inline uint32_t new_at(const struct cells *c, size_t i)
{
    const struct mc_head *is = c->d->head;
    uint32_t id =
        id_at(c->d->from + is->section[MC_SECTION_TABLE].offset, is->id_bytes, i);

    return id == MC_DEVICE_NONE ? c->new_none : id;
}

/* An old number as a new one; who is not there any more keeps nothing. */
static inline uint32_t kept_as(const struct cells *c, uint32_t old)
{
    return old == c->old_none ? c->new_none : old;
}

static inline bool can_keep(const struct cells *c, uint32_t old)
{
    return old == c->old_none || old < c->new_none;
}

static void count_cells(struct cells *c)
{
    const struct mc_head *head = c->d->head;
    uint32_t parts = 1u << head->part_power;
    size_t i = 0;

    for (uint32_t p = 0; p < parts; p++) {
        uint32_t row = mc_delta_row(c->d, p);

        for (unsigned r = 0; r < head->stride; r++, i++) {
            uint32_t old = old_at(c, row, r);
            uint32_t now;

            c->held[old]++;
            if (!c->d->range.writes)
                continue;
            now = new_at(c, i);
            if (can_keep(c, old) && now == kept_as(c, old))
                continue;
            c->gives[old]++;
            c->gets[now]++;
            c->count++;
        }
    }
}

/* ---- how many ---- */

static uint32_t zigzag(int64_t n)
{
    return n < 0 ? (uint32_t)(-2 * n - 1) : (uint32_t)(2 * n);
}

static int64_t unzigzag(uint32_t z)
{
    return (z & 1) != 0 ? -(int64_t)(z / 2) - 1 : (int64_t)(z / 2);
}

/* A number near `about`. */
static uint32_t say_near(struct mc_delta *d, struct mc_number *number, uint64_t about,
                         uint32_t value, uint32_t most)
{
    uint32_t z =
        mc_range_number(&d->range, number, zigzag((int64_t)value - (int64_t)about));
    int64_t got = (int64_t)about + unzigzag(z);

    if (d->range.writes)
        return value;
    if (got < 0 || got > most) {
        d->bad = true;
        return 0;
    }
    return (uint32_t)got;
}

static uint64_t share(uint64_t of, uint64_t weight, uint64_t all)
{
    return all == 0 ? 0 : (of * weight + all / 2) / all;
}

/* Who stays gives about its share; who is removed, all. */
static void say_gives(struct cells *c)
{
    struct mc_delta *d = c->d;
    uint32_t all =
        (uint32_t)(d->head->section[MC_SECTION_TABLE].bytes / d->head->id_bytes);
    struct mc_chance any[3];
    struct mc_chance whole[3];
    struct mc_number number;
    uint32_t left = c->count;

    mc_chance_init(any, 3);
    mc_chance_init(whole, 3);
    mc_number_init(&number);
    for (uint32_t a = 0; a <= c->old_none && !d->bad; a++) {
        uint32_t held = c->held[a];
        unsigned kind = a == c->old_none ? 2 : a >= c->new_none || d->gone[a] != 0;
        uint32_t gives = c->gives[a];

        if (held == 0 || left == 0) {
            gives = 0;
        } else if (left == all || held == all) {
            gives = held == all ? left : held;
        } else if (!mc_range_bit(&d->range, &any[kind], gives != 0)) {
            gives = 0;
        } else if (mc_range_bit(&d->range, &whole[kind], gives == held)) {
            gives = held;
        } else {
            gives = say_near(d, &number, share(left, held, all), gives, held);
        }
        d->bad = d->bad || gives > left || gives > held;
        c->gives[a] = gives;
        left -= d->bad ? 0 : gives;
        all -= held;
    }
    d->bad = d->bad || left != 0;
}

/* Who gives gets nothing, as a rule; the others get by what they had. */
static void say_gets(struct cells *c)
{
    struct mc_delta *d = c->d;
    struct mc_chance any[2][2];
    struct mc_number number;
    uint32_t left = c->count;
    uint64_t all = 0;

    mc_chance_init(any[0], 4);
    mc_number_init(&number);
    for (uint32_t b = 0; b < c->new_none && b < c->old_none; b++)
        all += c->gives[b] == 0 ? c->held[b] : 0;
    for (uint32_t b = 0; b <= c->new_none && !d->bad && left != 0; b++) {
        uint32_t old = b == c->new_none ? c->old_none : b;
        bool known = b == c->new_none || b < c->old_none;
        bool giver = known && c->gives[old] != 0;
        uint32_t held = known && !giver && b != c->new_none ? c->held[old] : 0;
        uint32_t gets = c->gets[b];

        if (b < c->new_none && d->gone[b] != 0)
            gets = 0;
        else if (b == c->new_none)
            gets = left;
        else if (!mc_range_bit(&d->range, &any[giver][held == 0], gets != 0))
            gets = 0;
        else
            gets = say_near(d, &number, share(left, held, all), gets, left);
        c->gets[b] = gets;
        left -= gets;
        all -= held;
    }
}

/* ---- which, and to whom ---- */

static void make_tree(uint32_t *list, uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        uint32_t up = i + (i & -i);

        if (up <= count)
            list[up - 1] += list[i - 1];
    }
}

/* How many are before b. */
static uint32_t sum_before(const uint32_t *tree, uint32_t b)
{
    uint32_t sum = 0;

    for (; b > 0; b &= b - 1)
        sum += tree[b - 1];
    return sum;
}

/* Whose place `at` is. */
static uint32_t owner_of(const uint32_t *tree, uint32_t count, uint32_t at)
{
    uint32_t b = 0;
    uint32_t step = 1;

    while (step <= count / 2)
        step *= 2;
    for (; step > 0; step /= 2) {
        if (b + step <= count && tree[b + step - 1] <= at) {
            b += step;
            at -= tree[b - 1];
        }
    }
    return b;
}

static uint32_t say_getter(struct cells *c, uint32_t now)
{
    struct mc_range *range = &c->d->range;
    uint32_t count = c->new_none + 1;
    uint32_t from;
    uint32_t gets;

    if (!range->writes)
        now = owner_of(c->gets, count, mc_range_where(range, c->count));
    from = sum_before(c->gets, now);
    gets = sum_before(c->gets, now + 1) - from;
    mc_range_take(range, from, gets, c->count);
    c->count--;
    for (uint32_t i = now + 1; i <= count; i += i & -i)
        c->gets[i - 1]--;
    return now;
}

static void put_cell(struct cells *c, size_t i, uint32_t now)
{
    const struct mc_head *head = c->d->head;
    uint8_t *table = c->d->to + head->section[MC_SECTION_TABLE].offset;

    now = now == c->new_none ? UINT32_MAX : now;
    if (head->id_bytes == 4) {
        mc_set_u32(table + i * 4, now);
        return;
    }
    table[i * 2] = (uint8_t)now;
    table[i * 2 + 1] = (uint8_t)(now >> 8);
}

/* One cell; true if it changed. */
static inline bool say_cell(struct cells *c, uint32_t row, unsigned replica, size_t i)
{
    struct mc_delta *d = c->d;
    uint32_t old = old_at(c, row, replica);
    uint32_t now = d->range.writes ? new_at(c, i) : 0;
    uint32_t held = c->held[old]--;
    uint32_t gives = c->gives[old];
    bool changed = gives != 0;

    if (changed && gives != held)
        changed = mc_range_coin(&d->range, gives, held,
                                !can_keep(c, old) || now != kept_as(c, old));
    if (changed) {
        c->gives[old]--;
        now = say_getter(c, now);
    } else if (!d->range.writes) {
        now = kept_as(c, old);
        d->bad = d->bad || !can_keep(c, old);
    }
    if (!d->range.writes)
        put_cell(c, i, now);
    return changed;
}

static void say_cells(struct cells *c)
{
    struct mc_delta *d = c->d;
    uint32_t parts = 1u << d->head->part_power;
    size_t i = 0;

    for (uint32_t p = 0; p < parts && !d->bad; p++) {
        uint32_t row = mc_delta_row(d, p);
        bool changed = false;

        for (unsigned r = 0; r < d->head->stride; r++, i++)
            changed |= say_cell(c, row, r, i);
        if (changed) {
            d->changed[p / 8] |= (uint8_t)(1u << p % 8);
            d->changed_rows++;
        }
        d->bad = d->bad || (d->range.writes && d->range.out->err != 0);
    }
}

int mc_delta_table(struct mc_delta *d)
{
    struct cells c = {.d = d,
                      .old_none = d->parent->head.device_count,
                      .new_none = d->head->device_count};
    int err = MCOS_E_NOMEM;

    if (d->head->tombstone)
        return 0;
    c.held = calloc(c.old_none + 1u, sizeof(*c.held));
    c.gives = calloc(c.old_none + 1u, sizeof(*c.gives));
    c.gets = calloc(c.new_none + 1u, sizeof(*c.gets));
    if (c.held == NULL || c.gives == NULL || c.gets == NULL)
        goto out;
    count_cells(&c);
    c.count = mc_range_number(&d->range, &d->count, c.count);
    d->bad = c.count > MC_DELTA_CELLS_MAX ||
             c.count > d->head->section[MC_SECTION_TABLE].bytes / d->head->id_bytes;
    err = 0;
    if (!d->bad)
        say_gives(&c);
    if (!d->bad)
        say_gets(&c);
    if (!d->bad) {
        make_tree(c.gets, c.new_none + 1);
        say_cells(&c);
    }
out:
    free(c.held);
    free(c.gives);
    free(c.gets);
    return err;
}
