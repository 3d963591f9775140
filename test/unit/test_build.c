/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a spec to a record and on to the next one: ids by name that are never
 * used again, what a rebalance notes and what it refuses. The placement itself
 * has its own laws (test/laws/laws_build.c).
 */
#include "ring/explain.h"
#include "ring/extra.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 12u

/* Memory fails at the n-th time it is asked for; 0: never. */
static long fail_at;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t each);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t each);
void *__wrap_realloc(void *p, size_t n);

static bool fails_now(void)
{
    return fail_at > 0 && --fail_at == 0;
}

void *__wrap_malloc(size_t n)
{
    return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t each)
{
    return fails_now() ? NULL : __real_calloc(n, each);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails_now() ? NULL : __real_realloc(p, n);
}

static struct mc_device devices[COUNT];
static char names[COUNT][16];

/* Twelve devices in three zones of one region. */
static struct mc_spec make_spec(void)
{
    static const char *const zones[] = {"x", "y", "z"};

    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "d%u", i);
        devices[i] = (struct mc_device){.weight = 1000000,
                                        .weight_text = "1.0",
                                        .name = names[i],
                                        .cluster = "",
                                        .region = "r",
                                        .zone = zones[i % 3],
                                        .host = "",
                                        .replication_host = "",
                                        .device = "sda",
                                        .meta = ""};
    }
    return (struct mc_spec){.part_power = 10,
                            .replicas = 3000000,
                            .hash = MC_HASH_XXH3,
                            .note = "a note",
                            .devices = devices,
                            .device_count = COUNT};
}

static struct mc_ring *seal(struct mc_draft *draft, const struct mc_ring *held)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    assert_true(mc_name_set(&draft->head.name, "photos"));
    assert_int_equal(mc_draft_mint(draft, held, NULL, 0, 1000), 0);
    assert_int_equal(mc_draft_encode(draft, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(draft);
    return ring;
}

static struct mc_ring *build_at(const struct mc_spec *spec, const struct mc_ring *old,
                                uint32_t now_s, struct mc_build_report *report)
{
    struct mc_build_input in = {.spec = spec, .old = old, .now_s = now_s, .seed = 5};
    struct mc_draft draft;

    mc_draft_init(&draft);
    assert_int_equal(mc_build(&in, &draft, report, NULL), 0);
    return seal(&draft, old);
}

static int build_fails(const struct mc_spec *spec, const struct mc_ring *old,
                       struct mcos_diag *diag)
{
    struct mc_build_input in = {.spec = spec, .old = old, .seed = 5};
    struct mc_build_report report;
    struct mc_draft draft;
    int r;

    mc_draft_init(&draft);
    r = mc_build(&in, &draft, &report, diag);
    mc_draft_fini(&draft);
    return r;
}

static uint64_t held_by(const struct mc_ring *ring, uint32_t id)
{
    uint64_t n = 0;

    for (uint32_t p = 0; p < mc_ring_part_count(ring); p++) {
        for (unsigned s = 0; s < mc_ring_head(ring)->stride; s++)
            n += mc_ring_at(ring, p, s) == id;
    }
    return n;
}

static void a_first_ring_carries_what_the_spec_says(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *ring;
    struct mc_ring *again;

    (void)state;
    spec.replicas = 3250000;
    spec.overload = 100000;
    spec.min_move_seconds = 60;
    ring = build_at(&spec, NULL, 100, &report);
    assert_int_equal(mc_ring_head(ring)->assignments, 3 * 1024 + 256);
    assert_int_equal(mc_ring_head(ring)->stride, 4);
    assert_string_equal(mc_ring_head(ring)->note, "a note");
    assert_int_equal(mc_ring_builder(ring)->overload, 100000);
    assert_int_equal(mc_ring_builder(ring)->min_move_seconds, 60);
    assert_int_equal(mc_ring_builder(ring)->algorithm, 1);
    assert_null(mc_ring_builder(ring)->last_move);
    assert_int_equal(report.moved, 0);
    assert_int_equal(report.violations, 0);
    assert_true(report.max_deviation < 1);
    for (uint32_t id = 0; id < COUNT; id++) {
        assert_string_equal(mc_ring_device(ring, id)->name, names[id]);
        assert_string_equal(mc_ring_device(ring, id)->device, "sda");
        assert_true(held_by(ring, id) >= (3 * 1024 + 256) / COUNT);
    }
    again = build_at(&spec, NULL, 200, &report);
    assert_memory_equal(mc_ring_head(ring)->section[MC_SECTION_TABLE].sha256,
                        mc_ring_head(again)->section[MC_SECTION_TABLE].sha256, 32);
    mc_ring_unref(ring);
    mc_ring_unref(again);
}

static void ids_follow_names_and_are_never_used_again(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a = build_at(&spec, NULL, 100, &report);
    struct mc_ring *b;
    struct mc_ring *c;

    (void)state;
    /* Without d0, the others in another order. */
    spec.devices = devices + 1;
    spec.device_count = COUNT - 1;
    devices[1].name = names[11];
    devices[11].name = names[1];
    devices[1].meta = "changed";
    b = build_at(&spec, a, 200, &report);
    assert_int_equal(mc_ring_head(b)->device_count, COUNT);
    assert_true(mc_ring_device(b, 0)->removed);
    assert_string_equal(mc_ring_device(b, 0)->name, "d0");
    assert_string_equal(mc_ring_device(b, 11)->meta, "changed");
    assert_int_equal(mc_ring_device_find(b, "d1"), 1);
    assert_int_equal(held_by(b, 0), 0);
    assert_true(report.moved >= 256);
    assert_int_equal(report.moved, report.moved_lower_bound);
    spec = make_spec();
    c = build_at(&spec, b, 300, &report);
    assert_int_equal(mc_ring_head(c)->device_count, COUNT + 1);
    assert_true(mc_ring_device(c, 0)->removed);
    assert_int_equal(mc_ring_device_find(c, "d0"), COUNT);
    assert_int_equal(held_by(c, 0), 0);
    assert_int_equal(held_by(c, COUNT), 256);
    mc_ring_unref(a);
    mc_ring_unref(b);
    mc_ring_unref(c);
}

static void the_same_spec_again_moves_nothing(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a = build_at(&spec, NULL, 100, &report);
    struct mc_ring *b = build_at(&spec, a, 200, &report);

    (void)state;
    assert_int_equal(report.moved, 0);
    assert_int_equal(report.moved_lower_bound, 0);
    assert_null(mc_ring_builder(b)->last_move);
    assert_int_equal(mc_ring_divergence(a, b), 0);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

/* 277 1/3 replicas each: who has the 278th must not hang on the order. */
static void the_order_of_the_list_moves_nothing(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a;
    struct mc_ring *b;

    (void)state;
    spec.replicas = 3250000;
    for (uint32_t i = 0; i < COUNT; i++)
        devices[i].host = "h";
    a = build_at(&spec, NULL, 100, &report);
    for (uint32_t i = 0; i < COUNT / 2; i++) {
        struct mc_device d = devices[i];

        devices[i] = devices[COUNT - 1 - i];
        devices[COUNT - 1 - i] = d;
    }
    b = build_at(&spec, a, 200, &report);
    assert_int_equal(report.moved, 0);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

static void partitions_that_moved_stay_for_min_move_seconds(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a;
    struct mc_ring *b;
    struct mc_ring *c;
    struct mc_ring *d;

    (void)state;
    spec.min_move_seconds = 3600;
    a = build_at(&spec, NULL, 1000, &report);
    devices[0].weight = 3000000;
    b = build_at(&spec, a, 2000, &report);
    assert_true(report.moved > 0);
    assert_int_equal(report.held_back, 0);
    for (uint32_t p = 0; p < 1024; p++) {
        const uint8_t *last = mc_ring_builder(b)->last_move + (size_t)p * 4;
        unsigned moved = 0;

        for (unsigned s = 0; s < 3; s++)
            moved += mc_ring_at(a, p, s) != mc_ring_at(b, p, s);
        assert_true(moved <= 1);
        assert_int_equal(mc_get_u32(last), moved != 0 ? 2000 : 0);
    }
    devices[0].weight = 100000;  /* must give up what came to it just now; */
    devices[3].weight = 3900000; /* what its zone is due stays */
    c = build_at(&spec, b, 5599, &report);
    assert_true(report.held_back > 0);
    for (uint32_t p = 0; p < 1024; p++) {
        if (mc_get_u32(mc_ring_builder(b)->last_move + (size_t)p * 4) == 0)
            continue;
        for (unsigned s = 0; s < 3; s++)
            assert_int_equal(mc_ring_at(b, p, s), mc_ring_at(c, p, s));
    }
    d = build_at(&spec, b, 5600, &report);
    assert_int_equal(report.held_back, 0);
    assert_true(report.max_deviation < 1);
    mc_ring_unref(a);
    mc_ring_unref(b);
    mc_ring_unref(c);
    mc_ring_unref(d);
}

/* The last move of a partition, or 0. */
static uint32_t moved_at(const struct mc_ring *ring, uint32_t part)
{
    const uint8_t *last = mc_ring_builder(ring)->last_move;

    return last == NULL ? 0 : mc_get_u32(last + (size_t)part * 4);
}

static void want_split(const struct mc_ring *ring, const struct mc_ring *from,
                       unsigned more)
{
    unsigned stride = mc_ring_head(from)->stride;

    assert_int_equal(mc_ring_head(ring)->assignments,
                     mc_ring_head(from)->assignments << more);
    assert_int_equal(mc_ring_part_count(ring), mc_ring_part_count(from) << more);
    assert_int_equal(mc_ring_head(ring)->stride, stride);
    for (uint32_t p = 0; p < mc_ring_part_count(ring); p++) {
        for (unsigned s = 0; s < stride; s++)
            assert_int_equal(mc_ring_at(ring, p, s), mc_ring_at(from, p >> more, s));
        assert_int_equal(moved_at(ring, p), moved_at(from, p >> more));
    }
    assert_int_equal(mc_ring_divergence(from, ring), 0);
}

/* What a raise leaves waits for the next change, whatever that is. */
static void a_raise_moves_nothing_and_the_next_build_what_quotas_ask(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_build_report seen;
    struct mc_ring *a;
    struct mc_ring *b;
    struct mc_ring *c;
    struct mc_ring *d;
    uint64_t waits;

    (void)state;
    spec.replicas = 3250000;
    a = build_at(&spec, NULL, 1000, &report);
    devices[0].weight = 1500000;
    b = build_at(&spec, a, 2000, &report);
    assert_true(report.moved > 0);
    spec.part_power = 12;
    spec.min_move_seconds = 3600; /* says nothing of shares */
    spec.note = "more";
    c = build_at(&spec, b, 3000, &report);
    want_split(c, b, 2);
    assert_int_equal(report.moved, 0);
    assert_int_equal(report.moved_lower_bound, 0);
    waits = report.held_back;
    assert_true(waits > 0 && waits <= COUNT * 4);
    assert_true(report.max_deviation > 1 && report.max_deviation < 4);
    assert_int_equal(mc_build_measure(c, b, &seen), 0);
    assert_int_equal(seen.moved, 0);
    assert_memory_equal(&seen.balance, &report.balance, sizeof(seen.balance));
    spec.min_move_seconds = 0;
    d = build_at(&spec, c, 4000, &report);
    assert_int_equal(report.moved, waits);
    assert_int_equal(report.moved, report.moved_lower_bound);
    assert_int_equal(report.held_back, 0);
    assert_true(report.max_deviation < 1);
    mc_ring_unref(c);
    c = build_at(&spec, d, 5000, &report);
    assert_int_equal(report.moved, 0);
    mc_ring_unref(c);
    mc_ring_unref(d);
    /* And if anything else changes it is the same change that moves. */
    devices[1].weight = 1100000;
    c = build_at(&spec, b, 3000, &report);
    assert_true(report.moved > waits);
    assert_int_equal(report.held_back, 0);
    assert_true(report.max_deviation < 1);
    mc_ring_unref(a);
    mc_ring_unref(b);
    mc_ring_unref(c);
}

static void what_says_something_of_shares_is_no_raise(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a;
    struct mc_ring *b;

    (void)state;
    devices[0].weight = 1500000;
    spec.part_power = 5;
    a = build_at(&spec, NULL, 1000, &report);
    for (unsigned i = 0; i < 10; i++) {
        struct mc_spec next = spec;
        struct mc_device was[COUNT];

        memcpy(was, devices, sizeof(was));
        next.part_power = 6;
        next.strict = i == 1;
        next.overload = i == 2 ? 1000 : 0;
        next.replicas += i == 3 ? 50000 : 0;
        next.device_count -= i == 4;
        devices[0].weight += i == 5;
        devices[0].region = i == 6 ? "s" : "r";
        devices[1].zone = i == 7 ? "w" : devices[1].zone;
        devices[1].host = i == 8 ? "h" : i == 9 ? names[1] : "";
        devices[2].port = 77;
        b = build_at(&next, a, 2000, &report);
        assert_int_equal(report.held_back != 0, i == 0 || i == 9);
        assert_int_equal(report.max_deviation < 1, i != 0 && i != 9);
        if (i == 0 || i == 9)
            want_split(b, a, 1);
        mc_ring_unref(b);
        memcpy(devices, was, sizeof(was));
    }
    /* One name for another is not the same devices, however many there are. */
    spec.part_power = 6;
    devices[3].name = "d99";
    b = build_at(&spec, a, 2000, &report);
    assert_true(report.moved > 0);
    assert_int_equal(report.held_back, 0);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

/* 2.3125 replicas of 8 partitions are 18, of 16 they are 37. */
static void a_fraction_that_the_split_does_not_give_waits(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a;
    struct mc_ring *b;

    (void)state;
    spec.part_power = 3;
    spec.replicas = 2312500;
    a = build_at(&spec, NULL, 1000, &report);
    assert_int_equal(report.assignments, 18);
    spec.part_power = 4;
    b = build_at(&spec, a, 2000, &report);
    assert_int_equal(report.assignments, 36);
    assert_true(report.held_back > 0);
    want_split(b, a, 1);
    mc_ring_unref(a);
    a = build_at(&spec, b, 3000, &report);
    assert_int_equal(report.assignments, 37);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

/* What was split may move at once, but not what moved a moment before. */
static void a_split_partition_keeps_its_last_move(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a = build_at(&spec, NULL, 1000, &report);
    struct mc_ring *b;
    struct mc_ring *c;

    (void)state;
    spec.min_move_seconds = 3600;
    devices[0].weight = 3000000;
    b = build_at(&spec, a, 2000, &report);
    devices[0].weight = 100000;
    devices[3].weight = 3900000; /* what its zone is due stays */
    spec.part_power = 11;
    c = build_at(&spec, b, 3000, &report);
    assert_true(report.moved > 0);
    for (uint32_t p = 0; p < 2048; p++) {
        if (moved_at(b, p / 2) == 0)
            continue;
        assert_int_equal(moved_at(c, p), 2000);
        for (unsigned s = 0; s < 3; s++)
            assert_int_equal(mc_ring_at(c, p, s), mc_ring_at(b, p / 2, s));
    }
    mc_ring_unref(a);
    mc_ring_unref(b);
    mc_ring_unref(c);
}

static struct mc_ring *raise_step(const struct mc_spec *like, unsigned power,
                                  unsigned next, struct mc_ring *take_old)
{
    struct mc_build_report report;
    struct mc_spec spec = *like;
    struct mc_ring *ring;

    spec.part_power = power;
    spec.next_part_power = next;
    ring = build_at(&spec, take_old, 2000, &report);
    assert_int_equal(mc_ring_head(ring)->next_part_power,
                     next != 0 ? next : MC_NO_NEXT_PART_POWER);
    if (next != 0) {
        assert_int_equal(report.moved, 0);
        assert_true(report.held_back > 0);
        assert_int_equal(mc_ring_divergence(take_old, ring), 0);
        for (uint32_t p = 0; p < mc_ring_part_count(ring); p++)
            assert_int_equal(moved_at(ring, p),
                             moved_at(take_old, p * mc_ring_part_count(take_old) /
                                                    mc_ring_part_count(ring)));
    } else {
        assert_true(report.moved > 0);
        assert_true(report.max_deviation < 1);
    }
    mc_ring_unref(take_old);
    return ring;
}

static void raise_fails(const struct mc_spec *like, unsigned power, unsigned next,
                        const struct mc_ring *old)
{
    struct mcos_diag diag = {{0}, 0, 0, {0}};
    struct mc_spec spec = *like;

    spec.part_power = power;
    spec.next_part_power = next;
    assert_int_equal(build_fails(&spec, old, &diag), MCOS_E_PARTPOWER);
    assert_string_equal(diag.field, "/next_partition_power");
}

static void
swifts_steps_are_taken_in_order_and_move_nothing_until_the_last(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a = build_at(&spec, NULL, 1000, &report);
    struct mcos_diag diag = {{0}, 0, 0, {0}};

    (void)state;
    devices[0].weight = 3000000; /* is for later, until the raise is over */
    raise_fails(&spec, 10, 10, a);
    raise_fails(&spec, 11, 11, a);
    raise_fails(&spec, 11, 12, a);
    raise_fails(&spec, 10, 12, a);
    a = raise_step(&spec, 10, 11, a);
    a = raise_step(&spec, 10, 11, a);
    raise_fails(&spec, 10, 0, a);
    raise_fails(&spec, 11, 0, a);
    raise_fails(&spec, 11, 12, a);
    raise_fails(&spec, 12, 12, a);
    spec.next_part_power = 11;
    spec.device_count--;
    assert_int_equal(build_fails(&spec, a, &diag), MCOS_E_DEVICE);
    assert_string_equal(diag.field, "/devices");
    spec.device_count++;
    spec.replicas += 500000;
    assert_int_equal(build_fails(&spec, a, &diag), MCOS_E_VALUE);
    assert_string_equal(diag.field, "/replicas");
    spec.replicas -= 500000;
    /* Called off, and again. */
    a = raise_step(&spec, 10, 10, a);
    raise_fails(&spec, 10, 11, a);
    a = raise_step(&spec, 10, 0, a);
    devices[0].weight = 1000000;
    a = raise_step(&spec, 10, 11, a);
    a = raise_step(&spec, 11, 11, a);
    raise_fails(&spec, 11, 12, a);
    a = raise_step(&spec, 11, 11, a);
    a = raise_step(&spec, 11, 0, a);
    assert_int_equal(mc_ring_part_count(a), 2048);
    mc_ring_unref(a);
}

static void replicas_may_grow_and_shrink(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a = build_at(&spec, NULL, 100, &report);
    struct mc_ring *b;
    struct mc_ring *c;

    (void)state;
    spec.replicas = 4500000;
    b = build_at(&spec, a, 200, &report);
    assert_int_equal(report.moved, 1024 + 512);
    assert_int_equal(report.violations, 0);
    spec.replicas = 2000000;
    c = build_at(&spec, b, 300, &report);
    assert_int_equal(report.moved, report.moved_lower_bound);
    assert_int_equal(mc_ring_head(c)->stride, 2);
    assert_int_equal(report.violations, 0);
    mc_ring_unref(a);
    mc_ring_unref(b);
    mc_ring_unref(c);
}

/* Two replicas; zone x is due one of every partition once d0 weighs as much as 3.15. */
static struct mc_spec spec_across_a_floor(void)
{
    struct mc_spec spec = make_spec();

    for (uint32_t i = 0; i < COUNT; i++)
        devices[i].weight = i % 3 == 0 ? 1850000 : 1000000;
    spec.replicas = 2000000;
    return spec;
}

static void strict_is_the_rings_rule_until_a_spec_says_otherwise(void **state)
{
    struct mc_spec spec = spec_across_a_floor();
    struct mc_build_report report;
    struct mc_ring *a = build_at(&spec, NULL, 100, &report);
    struct mc_ring *b;
    struct mc_ring *c;

    (void)state;
    assert_false(mc_extra_strict(mc_ring_extra(a)));
    devices[0].weight = 3150000;
    b = build_at(&spec, a, 200, &report);
    assert_true(report.below_floor > 0);
    spec.strict = true;
    c = build_at(&spec, a, 200, &report);
    assert_int_equal(report.below_floor, 0);
    assert_int_equal(report.moved, report.moved_lower_bound);
    assert_true(mc_extra_strict(mc_ring_extra(c)));
    assert_int_equal(mc_ring_builder(c)->algorithm, 2);
    mc_ring_unref(c);
    /* What is below floor now moves up, and nothing else. */
    c = build_at(&spec, b, 300, &report);
    assert_int_equal(report.below_floor, 0);
    assert_true(report.moved > 0);
    mc_ring_unref(b);
    spec.strict = false;
    b = build_at(&spec, c, 400, &report);
    assert_int_equal(report.moved, 0);
    assert_int_equal(mc_ring_extra(b).len, 0);
    assert_int_equal(mc_ring_builder(b)->algorithm, 1);
    mc_ring_unref(a);
    mc_ring_unref(b);
    mc_ring_unref(c);
}

/* The other fields of extra stay as they are. */
static void the_rule_is_one_field_among_others(void **state)
{
    static const uint8_t bytes[] = {9, 8, 7};
    struct mc_bytes value = {bytes, sizeof(bytes)};
    struct mc_buf extra = {0};
    struct mc_draft draft;

    (void)state;
    mc_extra_put(&extra, MC_EXTRA_SWIFT, MC_EXTRA_MUST, value);
    mc_extra_put(&extra, 900, 0, value);
    mc_draft_init(&draft);
    draft.extra = (struct mc_bytes){extra.ptr, extra.len};
    assert_int_equal(mc_draft_set_strict(&draft, true), 0);
    assert_int_equal(draft.extra.len, extra.len + 9);
    assert_memory_equal(draft.extra.ptr, extra.ptr, extra.len);
    assert_true(mc_extra_strict(draft.extra));
    assert_int_equal(mc_extra_check(draft.extra, NULL), 0);
    assert_int_equal(mc_draft_set_strict(&draft, false), 0);
    assert_int_equal(draft.extra.len, extra.len);
    assert_memory_equal(draft.extra.ptr, extra.ptr, extra.len);
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
}

static void what_cannot_be_built_from_is_refused(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a = build_at(&spec, NULL, 100, &report);
    struct mcos_diag diag = {{0}, 0, 0, {0}};
    struct mc_ring *newer;
    struct mc_draft draft;

    (void)state;
    spec.part_power = 9;
    assert_int_equal(build_fails(&spec, a, &diag), MCOS_E_PARTPOWER);
    assert_string_equal(diag.field, "/partition_power");
    spec = make_spec();
    spec.hash = MC_HASH_SWIFT_MD5;
    assert_int_equal(build_fails(&spec, a, &diag), MCOS_E_VALUE);
    assert_string_equal(diag.field, "/hash");
    spec = make_spec();
    spec.devices[3].weight = MC_WEIGHT_MAX + 1;
    assert_int_equal(build_fails(&spec, NULL, &diag), MCOS_E_WEIGHT);
    assert_string_equal(diag.field, "/devices/3/weight");
    mc_draft_init(&draft);
    assert_int_equal(mc_draft_from_ring(&draft, a), 0);
    draft.builder.algorithm = 3;
    newer = seal(&draft, a);
    spec = make_spec();
    assert_int_equal(build_fails(&spec, newer, &diag), MCOS_E_UPGRADE);
    mc_ring_unref(newer);
    mc_ring_unref(a);
}

static void any_ring_can_be_measured(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report built;
    struct mc_build_report seen;
    struct mc_ring *a = build_at(&spec, NULL, 100, &built);
    struct mc_ring *b;
    struct mc_draft draft;
    uint32_t *at;

    (void)state;
    assert_int_equal(mc_build_measure(a, NULL, &seen), 0);
    assert_memory_equal(&seen, &built, sizeof(seen));
    spec.device_count = COUNT - 1;
    b = build_at(&spec, a, 200, &built);
    assert_int_equal(mc_build_measure(b, a, &seen), 0);
    assert_int_equal(seen.moved, built.moved);
    assert_true(seen.moved_lower_bound <= seen.moved);
    assert_int_equal(seen.violations, 0);
    mc_ring_unref(b);
    /* Two replicas of a partition in one zone, by hand: d0 and d3 are in x. */
    mc_draft_init(&draft);
    assert_int_equal(mc_draft_from_ring(&draft, a), 0);
    at = draft.table;
    while (at[0] != 0 && at[1] != 0 && at[2] != 0)
        at += 3;
    for (unsigned s = 0; s < 3; s++) {
        if (at[s] % 3 == 1) {
            at[s] = 3;
            break;
        }
    }
    b = seal(&draft, a);
    assert_int_equal(mc_build_measure(b, a, &seen), 0);
    assert_int_equal(seen.moved, 1);
    assert_int_equal(seen.violations, 1);
    assert_int_equal(seen.below_floor, 1);
    assert_true(seen.max_deviation > 0.99);
    mc_ring_unref(b);
    mc_ring_unref(a);
}

struct ear {
    unsigned heard;
    unsigned last;
    bool back; /* it went back */
    unsigned stop_at;
};

static bool hear(void *ctx, unsigned thousandths)
{
    struct ear *ear = ctx;

    assert_true(thousandths <= 1000);
    ear->back = ear->back || thousandths < ear->last;
    ear->last = thousandths;
    return ++ear->heard != ear->stop_at;
}

static void progress_is_told_and_may_end_a_build(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *old = NULL;

    (void)state;
    for (unsigned again = 0; again < 2; again++) {
        struct ear ear = {0};
        const struct mc_progress progress = {hear, &ear};
        struct mc_build_input in = {
            .spec = &spec, .old = old, .seed = 5, .progress = &progress};
        struct mc_draft draft;
        struct mcos_diag diag;
        unsigned all;

        mc_draft_init(&draft);
        assert_int_equal(mc_build(&in, &draft, &report, NULL), 0);
        mc_draft_fini(&draft);
        assert_true(ear.heard > 3 && ear.last == 1000 && !ear.back);
        all = ear.heard;
        for (unsigned n = 1; n <= all; n++) {
            ear = (struct ear){.stop_at = n};
            mc_draft_init(&draft);
            assert_int_equal(mc_build(&in, &draft, &report, &diag), MCOS_E_EMPTY);
            mc_draft_fini(&draft);
            assert_int_equal(ear.heard, n);
        }
        if (old == NULL)
            old = build_at(&spec, NULL, 100, &report);
        devices[3].weight = 0;
        devices[5].weight = 3000000;
    }
    mc_ring_unref(old);
}

/* Every allocation of a build and of what explains it fails once; returns how many
 * there are. */
static long out_of_memory(const struct mc_spec *spec, const struct mc_ring *old)
{
    for (long n = 1;; n++) {
        struct mc_build_input in = {.spec = spec, .old = old, .now_s = 100, .seed = 5};
        struct mc_build_report report;
        struct mc_built *built = NULL;
        struct mc_explain explain = {0};
        struct mc_draft draft;
        bool done;
        int r;

        mc_draft_init(&draft);
        fail_at = n;
        r = mc_build_run(&in, &draft, &report, &built, NULL);
        if (r == 0)
            r = mc_explain_init(&explain, built);
        done = fail_at > 0;
        fail_at = 0;
        mc_explain_fini(&explain);
        mc_built_free(built);
        mc_draft_fini(&draft);
        assert_int_equal(r, done ? 0 : MCOS_E_NOMEM);
        if (done)
            return n - 1;
    }
}

static void a_build_survives_every_failed_allocation(void **state)
{
    struct mc_spec spec = make_spec();
    struct mc_build_report report;
    struct mc_ring *a;
    struct mc_ring *b;

    (void)state;
    spec.part_power = 5;
    spec.overload = 100000;
    assert_true(out_of_memory(&spec, NULL) > 20);
    a = build_at(&spec, NULL, 50, &report);
    spec.min_move_seconds = 10;
    spec.strict = true;
    spec.device_count = COUNT - 1;
    spec.part_power = 6;
    devices[0].weight = 3000000;
    assert_true(out_of_memory(&spec, a) > 40);
    b = build_at(&spec, a, 60, &report);
    for (long n = 1; n < 1000; n++) {
        int r;

        fail_at = n;
        r = mc_build_measure(b, a, &report);
        if (fail_at > 0) {
            assert_int_equal(r, 0);
            break;
        }
        assert_int_equal(r, MCOS_E_NOMEM);
    }
    fail_at = 0;
    mc_ring_unref(a);
    spec.replicas = 3007813; /* of 64 partitions 192, of 128 one more than twice that */
    a = build_at(&spec, b, 70, &report);
    spec.part_power = 7;
    assert_true(out_of_memory(&spec, a) > 60);
    mc_ring_unref(a);
    mc_ring_unref(b);
    /* Where something is held back. */
    spec = make_spec();
    spec.part_power = 5;
    spec.min_move_seconds = 3600;
    a = build_at(&spec, NULL, 50, &report);
    devices[0].weight = 3000000;
    b = build_at(&spec, a, 60, &report);
    devices[0].weight = 200000; /* must give up what came to it just now */
    mc_ring_unref(a);
    a = build_at(&spec, b, 100, &report);
    assert_true(report.held_back > 0);
    assert_int_equal(report.held_back_lower_bound, report.held_back);
    assert_true(out_of_memory(&spec, b) > 40);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_is_told_and_may_end_a_build),
        cmocka_unit_test(a_first_ring_carries_what_the_spec_says),
        cmocka_unit_test(ids_follow_names_and_are_never_used_again),
        cmocka_unit_test(the_same_spec_again_moves_nothing),
        cmocka_unit_test(the_order_of_the_list_moves_nothing),
        cmocka_unit_test(partitions_that_moved_stay_for_min_move_seconds),
        cmocka_unit_test(a_raise_moves_nothing_and_the_next_build_what_quotas_ask),
        cmocka_unit_test(what_says_something_of_shares_is_no_raise),
        cmocka_unit_test(a_fraction_that_the_split_does_not_give_waits),
        cmocka_unit_test(a_split_partition_keeps_its_last_move),
        cmocka_unit_test(
            swifts_steps_are_taken_in_order_and_move_nothing_until_the_last),
        cmocka_unit_test(replicas_may_grow_and_shrink),
        cmocka_unit_test(strict_is_the_rings_rule_until_a_spec_says_otherwise),
        cmocka_unit_test(the_rule_is_one_field_among_others),
        cmocka_unit_test(what_cannot_be_built_from_is_refused),
        cmocka_unit_test(any_ring_can_be_measured),
        cmocka_unit_test(a_build_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
