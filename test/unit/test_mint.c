/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of descent: each child is newer by both numbers, knows its parents in
 * full and its ancestors in short, and beyond the horizon nobody claims to know.
 */
#include "ring/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void draft_new(struct mc_draft *d, const char *note)
{
    mc_draft_init(d);
    mc_name_set(&d->head.name, "photos");
    snprintf(d->head.note, sizeof(d->head.note), "%s", note);
    d->head.assignments = 1;
    d->table = calloc(1, sizeof(*d->table));
    d->devices = calloc(1, sizeof(*d->devices));
    assert_non_null(d->table);
    assert_non_null(d->devices);
    d->device_count = 1;
    d->devices[0].name = "a";
}

static struct mc_ring *encode(struct mc_draft *d)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    assert_int_equal(mc_draft_encode(d, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(d);
    return ring;
}

static struct mc_ring *child(const struct mc_ring *held, const struct mc_ring *also,
                             uint64_t wall, const char *note)
{
    struct mc_draft d;

    draft_new(&d, note);
    assert_int_equal(mc_draft_mint(&d, held, &also, also == NULL ? 0 : 1, wall), 0);
    return encode(&d);
}

static void a_child_is_newer_by_both_numbers(void **state)
{
    struct mc_ring *first = child(NULL, NULL, 1000, "");
    struct mc_ring *slow = child(first, NULL, 10, ""); /* a clock that is behind */
    struct mc_ring *fast = child(slow, NULL, 5000, "");

    (void)state;
    assert_int_equal(mc_ring_head(first)->version, 1);
    assert_int_equal(mc_ring_head(first)->timestamp, 1000);
    assert_int_equal(mc_ring_head(slow)->version, 2);
    assert_int_equal(mc_ring_head(slow)->timestamp, 1001);
    assert_int_equal(mc_ring_head(fast)->version, 3);
    assert_int_equal(mc_ring_head(fast)->timestamp, 5000);
    assert_memory_equal(mc_ring_head(first)->uid, mc_ring_head(fast)->uid, 16);
    assert_int_equal(mc_ring_builder(fast)->ancestor_count, 2);
    assert_int_equal(mc_ring_builder(fast)->ancestors[0].version, 2);
    assert_int_equal(mc_ring_head(fast)->parent_count, 1);
    assert_true(mc_head_has_parent(mc_ring_head(fast), mc_ring_head(slow)->digest));
    assert_int_equal(mc_ring_descends(fast, mc_ring_head(first)), MC_DESCENT_YES);
    assert_int_equal(mc_ring_descends(fast, mc_ring_head(slow)), MC_DESCENT_YES);
    assert_int_equal(mc_ring_descends(fast, mc_ring_head(fast)), MC_DESCENT_SAME);
    assert_int_equal(mc_ring_descends(first, mc_ring_head(fast)), MC_DESCENT_NO);
    mc_ring_unref(first);
    mc_ring_unref(slow);
    mc_ring_unref(fast);
}

static void two_sides_of_a_cut_are_settled_by_a_common_child(void **state)
{
    struct mc_ring *root = child(NULL, NULL, 1, "");
    struct mc_ring *left = child(root, NULL, 2, "left");
    struct mc_ring *right = child(root, NULL, 900, "right"); /* a clock far ahead */
    struct mc_ring *both = child(left, right, 3, "");

    (void)state;
    assert_int_equal(mc_ring_head(both)->timestamp, 901); /* above both it settles */
    assert_int_equal(mc_ring_descends(left, mc_ring_head(right)), MC_DESCENT_NO);
    assert_int_equal(mc_ring_descends(both, mc_ring_head(left)), MC_DESCENT_YES);
    assert_int_equal(mc_ring_descends(both, mc_ring_head(right)), MC_DESCENT_YES);
    assert_int_equal(mc_ring_descends(both, mc_ring_head(root)), MC_DESCENT_YES);
    assert_int_equal(mc_ring_head(both)->parent_count, 2);
    assert_int_equal(mc_ring_builder(both)->ancestor_count, 3); /* root once */
    mc_ring_unref(root);
    mc_ring_unref(left);
    mc_ring_unref(right);
    mc_ring_unref(both);
}

static void a_name_made_again_has_a_new_uid_and_the_next_version(void **state)
{
    struct mc_ring *first = child(NULL, NULL, 1, "");
    struct mc_draft d;
    struct mc_ring *grave;
    struct mc_ring *again;

    (void)state;
    mc_draft_init(&d);
    mc_name_set(&d.head.name, "photos");
    d.head.tombstone = true;
    assert_int_equal(mc_draft_mint(&d, first, NULL, 0, 1), 0);
    grave = encode(&d);
    again = child(grave, NULL, 1, "");
    assert_memory_equal(mc_ring_head(grave)->uid, mc_ring_head(first)->uid, 16);
    assert_memory_not_equal(mc_ring_head(again)->uid, mc_ring_head(first)->uid, 16);
    assert_int_equal(mc_ring_head(again)->version, 3);
    assert_int_equal(mc_ring_descends(again, mc_ring_head(first)), MC_DESCENT_YES);
    mc_ring_unref(first);
    mc_ring_unref(grave);
    mc_ring_unref(again);
}

static void at_a_limit_it_asks_for_force(void **state)
{
    struct mc_draft d;
    struct mc_ring *last;

    (void)state;
    draft_new(&d, "");
    d.head.version = MC_VERSION_MAX;
    d.head.timestamp = 1;
    last = encode(&d);
    draft_new(&d, "");
    assert_int_equal(mc_draft_mint(&d, last, NULL, 0, 1), MCOS_E_FORCE);
    mc_draft_fini(&d);
    mc_ring_unref(last);
    draft_new(&d, "");
    d.head.version = MC_VERSION_MAX - 1;
    d.head.timestamp = MC_TIMESTAMP_MAX;
    last = encode(&d);
    draft_new(&d, "");
    assert_int_equal(mc_draft_mint(&d, last, NULL, 0, 1), MCOS_E_FORCE);
    mc_draft_fini(&d);
    mc_ring_unref(last);
    draft_new(&d, "");
    assert_int_equal(mc_draft_mint(&d, NULL, NULL, 0, MC_TIMESTAMP_MAX + 1),
                     MCOS_E_FORCE);
    assert_int_equal(mc_draft_mint(&d, NULL, NULL, 0, MC_TIMESTAMP_MAX), 0);
    mc_draft_fini(&d);
}

static void beyond_the_horizon_descent_is_unknown(void **state)
{
    struct mc_ring *first = child(NULL, NULL, 1, "");
    struct mc_ring *stranger = child(NULL, NULL, 2, "stranger");
    struct mc_ring *held = mc_ring_ref(first);

    (void)state;
    for (unsigned i = 0; i < MC_ANCESTORS_MAX; i++) {
        struct mc_ring *next = child(held, NULL, 1, "");

        mc_ring_unref(held);
        held = next;
    }
    /* The list is full and reaches back to the first, but one cannot know that. */
    assert_int_equal(mc_ring_descends(held, mc_ring_head(first)), MC_DESCENT_YES);
    for (unsigned i = 0; i < 2; i++) {
        struct mc_ring *next = child(held, NULL, 1, "");

        mc_ring_unref(held);
        held = next;
    }
    assert_int_equal(mc_ring_builder(held)->ancestor_count, MC_ANCESTORS_MAX);
    assert_int_equal(mc_ring_descends(held, mc_ring_head(first)), MC_DESCENT_UNKNOWN);
    assert_int_equal(mc_ring_descends(held, mc_ring_head(stranger)),
                     MC_DESCENT_UNKNOWN);
    mc_ring_unref(first);
    mc_ring_unref(stranger);
    mc_ring_unref(held);
}

/* Two partitions, two replicas, devices by these names. */
static struct mc_ring *table_of(const char *const names[3], const uint32_t ids[4],
                                uint8_t part_power)
{
    struct mc_draft d;

    mc_draft_init(&d);
    mc_name_set(&d.head.name, "photos");
    d.head.version = 1;
    d.head.timestamp = 1;
    d.head.part_power = part_power;
    d.head.assignments = 4;
    d.table = malloc(4 * sizeof(*d.table));
    d.devices = calloc(3, sizeof(*d.devices));
    assert_non_null(d.table);
    assert_non_null(d.devices);
    memcpy(d.table, ids, 4 * sizeof(*ids));
    d.device_count = 3;
    for (unsigned i = 0; i < 3; i++)
        d.devices[i].name = names[i];
    return encode(&d);
}

static void divergence_counts_replicas_by_the_name_of_their_device(void **state)
{
    static const char *const abc[3] = {"a", "b", "c"};
    static const char *const cab[3] = {"c", "a", "b"};
    static const uint32_t ab_bc[4] = {0, 1, 1, 2};
    static const uint32_t ba_cb[4] = {2, 1, 0, 2}; /* the same, in other slots */
    static const uint32_t aa_cc[4] = {0, 0, 2, 2};
    static const uint32_t cb_ba[4] = {2, 1, 1, 0};
    static const uint32_t ab_ab[4] = {0, 1, 0, 1};
    struct mc_ring *one = table_of(abc, ab_bc, 1);
    struct mc_ring *same = table_of(cab, ba_cb, 1);
    struct mc_ring *other = table_of(abc, ab_ab, 1);
    struct mc_ring *finer = table_of(abc, aa_cc, 2);
    struct mc_ring *crossed = table_of(abc, cb_ba, 2);

    (void)state;
    assert_int_equal(mc_ring_divergence(one, one), 0);
    assert_int_equal(mc_ring_divergence(one, same), 0);
    assert_int_equal(mc_ring_divergence(one, other), 1);
    assert_int_equal(mc_ring_divergence(other, one), 1);
    /* Each of the two is split: a name is where it was. */
    assert_int_equal(mc_ring_divergence(one, finer), 0);
    assert_int_equal(mc_ring_divergence(one, crossed), 2);
    assert_int_equal(mc_ring_divergence(finer, one), 4);
    mc_ring_unref(one);
    mc_ring_unref(same);
    mc_ring_unref(other);
    mc_ring_unref(finer);
    mc_ring_unref(crossed);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_child_is_newer_by_both_numbers),
        cmocka_unit_test(two_sides_of_a_cut_are_settled_by_a_common_child),
        cmocka_unit_test(a_name_made_again_has_a_new_uid_and_the_next_version),
        cmocka_unit_test(at_a_limit_it_asks_for_force),
        cmocka_unit_test(beyond_the_horizon_descent_is_unknown),
        cmocka_unit_test(divergence_counts_replicas_by_the_name_of_their_device),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
