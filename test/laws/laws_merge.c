/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging, on every family of a small world: one root and three further records,
 * each minted by any of the clocks below from any record before it, or settling
 * two of them. Whatever the order in which a cluster meets the four, it ends with
 * the same record and the same losers, and what was built on another is never
 * said to be in conflict with it.
 */
#include "ring/draft.h"
#include "sync/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAMILY 4u
#define CLOCKS 2u

struct family {
    struct mc_ring *ring[FAMILY];
    unsigned line[FAMILY]; /* bit set of ancestors, itself included */
};

static struct mc_ring *mint(const struct mc_ring *held, const struct mc_ring *also,
                            uint64_t wall_ns, unsigned id)
{
    struct mc_draft d;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    mc_draft_init(&d);
    mc_name_set(&d.head.name, "photos");
    snprintf(d.head.note, sizeof(d.head.note), "%u", id);
    d.head.tombstone = true; /* small, and a record like any other */
    assert_int_equal(mc_draft_mint(&d, held, &also, also == NULL ? 0 : 1, wall_ns), 0);
    assert_int_equal(mc_draft_encode(&d, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_NONE, &ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    return ring;
}

/* How many ways there are to make record i: parents (and a second one), clocks. */
static unsigned ways(unsigned i)
{
    return i == 0 ? 1 : i * i * CLOCKS;
}

static int by_stamp(const struct mc_ring *a, const struct mc_ring *b)
{
    struct mc_stamp x = mc_stamp_of(mc_ring_head(a));
    struct mc_stamp y = mc_stamp_of(mc_ring_head(b));

    return mc_stamp_cmp(&x, &y);
}

/* A cluster holds the greater one: the other is a loser that the mint settles. */
static void make(struct family *f, unsigned i, unsigned way)
{
    static const uint64_t clocks[CLOCKS] = {1, 1000};
    unsigned parent = way / CLOCKS % (i == 0 ? 1 : i);
    unsigned other = way / CLOCKS / (i == 0 ? 1 : i);

    if (i == 0) {
        f->ring[0] = mint(NULL, NULL, 500, 0);
        f->line[0] = 1;
        return;
    }
    if (by_stamp(f->ring[other], f->ring[parent]) > 0) {
        unsigned swap = parent;

        parent = other;
        other = swap;
    }
    f->ring[i] = mint(f->ring[parent], other == parent ? NULL : f->ring[other],
                      clocks[way % CLOCKS], i);
    f->line[i] = 1u << i | f->line[parent] | f->line[other];
}

/* Minting: along every line both numbers grow (P2), and nobody is forgotten. */
static void check_lines(const struct family *f)
{
    for (unsigned i = 0; i < FAMILY; i++) {
        for (unsigned j = 0; j < FAMILY; j++) {
            struct mc_stamp a = mc_stamp_of(mc_ring_head(f->ring[i]));
            struct mc_stamp b = mc_stamp_of(mc_ring_head(f->ring[j]));
            struct mc_merge m = mc_merge(f->ring[i], f->ring[j]);
            struct mc_merge back = mc_merge(f->ring[j], f->ring[i]);
            struct mc_merge asked = mc_merge_ask(f->ring[i], &b);
            bool line = (f->line[i] >> j & 1) != 0 || (f->line[j] >> i & 1) != 0;

            if (i != j && (f->line[i] >> j & 1) != 0)
                assert_true(mc_stamp_dominates(&a, &b));
            assert_int_equal(m.relation,
                             line ? MC_RELATION_LINE : MC_RELATION_CONFLICT);
            assert_int_equal(m.relation, back.relation);
            /* The stamp alone tells the same, or that the body must say it. */
            assert_int_equal(asked.verdict, m.verdict);
            assert_int_equal(asked.relation, m.verdict == MC_MERGE_REPLACED
                                                 ? MC_RELATION_UNKNOWN
                                                 : m.relation);
            assert_int_equal(m.verdict, i == j                     ? MC_MERGE_SAME
                                        : mc_stamp_cmp(&b, &a) > 0 ? MC_MERGE_REPLACED
                                                                   : MC_MERGE_OLDER);
        }
    }
}

/* A cluster that meets them in this order: the record it ends with, and losers. */
static unsigned meet(const struct family *f, const unsigned order[FAMILY],
                     unsigned *ret_losers)
{
    const struct mc_ring *held = NULL;
    unsigned held_at = 0;
    unsigned losers = 0;

    for (unsigned n = 0; n < FAMILY; n++) {
        unsigned i = order[n];
        struct mc_merge m = mc_merge(held, f->ring[i]);

        if (m.relation == MC_RELATION_CONFLICT)
            losers |= m.verdict == MC_MERGE_OLDER ? 1u << i : 1u << held_at;
        if (m.verdict == MC_MERGE_ADDED || m.verdict == MC_MERGE_REPLACED) {
            held = f->ring[i];
            held_at = i;
        }
        losers &= ~f->line[held_at];
    }
    *ret_losers = losers;
    return held_at;
}

static void check_meetings(const struct family *f)
{
    unsigned greatest = 0;
    unsigned orders = 0;

    for (unsigned i = 1; i < FAMILY; i++)
        greatest = by_stamp(f->ring[i], f->ring[greatest]) > 0 ? i : greatest;
    for (unsigned p = 0; p < FAMILY * FAMILY * FAMILY * FAMILY; p++) {
        unsigned order[FAMILY] = {p % 4, p / 4 % 4, p / 16 % 4, p / 64};
        unsigned losers;
        unsigned seen = 0;

        for (unsigned i = 0; i < FAMILY; i++)
            seen |= 1u << order[i];
        if (seen != (1u << FAMILY) - 1)
            continue;
        assert_int_equal(meet(f, order, &losers), greatest);
        /* None that is an ancestor of the winner, all that are heads of a line. */
        assert_int_equal(losers & f->line[greatest], 0);
        for (unsigned i = 0; i < FAMILY; i++) {
            bool built_upon = false;

            for (unsigned j = 0; j < FAMILY; j++)
                built_upon = built_upon || (j != i && (f->line[j] >> i & 1) != 0);
            if (!built_upon && i != greatest)
                assert_true((losers >> i & 1) != 0);
        }
        orders++;
    }
    assert_int_equal(orders, 24);
}

static void every_family_ends_the_same_in_every_order(void **state)
{
    unsigned families = 0;

    (void)state;
    for (unsigned a = 0; a < ways(1); a++) {
        for (unsigned b = 0; b < ways(2); b++) {
            for (unsigned c = 0; c < ways(3); c++) {
                struct family f = {0};
                unsigned way[FAMILY] = {0, a, b, c};

                for (unsigned i = 0; i < FAMILY; i++)
                    make(&f, i, way[i]);
                check_lines(&f);
                check_meetings(&f);
                for (unsigned i = 0; i < FAMILY; i++)
                    mc_ring_unref(f.ring[i]);
                families++;
            }
        }
    }
    assert_int_equal(families, 2 * 8 * 18);
}

static void nothing_held_means_added(void **state)
{
    struct mc_ring *r = mint(NULL, NULL, 1, 0);
    struct mc_merge m = mc_merge(NULL, r);

    (void)state;
    assert_int_equal(m.verdict, MC_MERGE_ADDED);
    assert_int_equal(m.relation, MC_RELATION_LINE);
    mc_ring_unref(r);
}

static void beyond_the_horizon_nobody_claims_to_know(void **state)
{
    struct mc_ring *first = mint(NULL, NULL, 1, 0);
    struct mc_ring *held = mc_ring_ref(first);
    struct mc_merge m;

    (void)state;
    for (unsigned i = 0; i < MC_ANCESTORS_MAX + 1; i++) {
        struct mc_ring *next = mint(held, NULL, 1, i);

        mc_ring_unref(held);
        held = next;
    }
    m = mc_merge(held, first);
    assert_int_equal(m.verdict, MC_MERGE_OLDER);
    assert_int_equal(m.relation, MC_RELATION_UNKNOWN);
    mc_ring_unref(first);
    mc_ring_unref(held);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(every_family_ends_the_same_in_every_order),
        cmocka_unit_test(nothing_held_means_added),
        cmocka_unit_test(beyond_the_horizon_nobody_claims_to_know),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
