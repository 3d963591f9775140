/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a difference promises, on thousands of random pairs of rings: from the parent
 * it was made with it brings the child's bytes back, whatever the two have in common;
 * from another parent, or damaged, it brings nothing that passes for a record.
 */
#include "base/rng.h"
#include "ring/build.h"
#include "ring/delta.h"
#include "ring/range.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAIRS       1500u
#define DEVICES_MAX 40u
#define POWER_MAX   7u
#define NONE        MC_DEVICE_NONE

static uint32_t roll(struct mc_rng *rng, uint32_t n)
{
    return (uint32_t)mc_rng_below(rng, n);
}

/* ---- rings ---- */

static const char *some_text(struct mc_draft *d, struct mc_rng *rng)
{
    char text[40];

    (void)snprintf(text, sizeof(text), "%.*s%u", (int)roll(rng, 12), "abcdefghijkl",
                   roll(rng, 100));
    return mc_draft_text(d, text);
}

static void make_device(struct mc_draft *d, uint32_t id, struct mc_rng *rng)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "d%u", id);
    d->devices[id] = (struct mc_device){.incarnation = roll(rng, 3),
                                        .port = (uint16_t)roll(rng, 65536),
                                        .weight = 1 + roll(rng, 1000000),
                                        .weight_text = some_text(d, rng),
                                        .name = mc_draft_text(d, name),
                                        .region = some_text(d, rng),
                                        .host = some_text(d, rng),
                                        .meta = some_text(d, rng)};
}

static uint32_t live_count(const struct mc_draft *d)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < d->device_count; i++)
        n += !d->devices[i].removed;
    return n;
}

/* A device that is there and that the row has not got before `until`. */
static uint32_t some_device(const struct mc_draft *d, const uint32_t *row,
                            unsigned until, struct mc_rng *rng)
{
    for (;;) {
        uint32_t id = roll(rng, d->device_count);
        bool used = d->devices[id].removed;

        for (unsigned i = 0; i < until; i++)
            used = used || row[i] == id;
        if (!used)
            return id;
    }
}

/* A table of the draft's shape: `keep` of its cells in a hundred as in the old one. */
static void make_table(struct mc_draft *d, const uint32_t *old, size_t old_stride,
                       unsigned old_power, unsigned keep, struct mc_rng *rng)
{
    uint32_t parts = 1u << d->head.part_power;
    unsigned stride = (unsigned)((d->head.assignments + parts - 1) / parts);
    uint64_t whole = d->head.assignments / parts;
    uint64_t longer = d->head.assignments % parts;
    uint32_t *table = malloc((size_t)parts * stride * sizeof(*table));

    assert_non_null(table);
    for (uint32_t p = 0; p < parts; p++) {
        uint32_t *row = table + (size_t)p * stride;

        for (unsigned r = 0; r < stride; r++) {
            uint32_t was = NONE;
            bool fits = true;

            if (old != NULL && r < old_stride)
                was =
                    d->head.part_power >= old_power
                        ? old[(p >> (d->head.part_power - old_power)) * old_stride + r]
                        : old[(p << (old_power - d->head.part_power)) * old_stride + r];
            fits = was < d->device_count && !d->devices[was].removed &&
                   roll(rng, 100) < keep;
            for (unsigned i = 0; i < r; i++)
                fits = fits && row[i] != was;
            if (r >= whole + (p < longer))
                row[r] = NONE;
            else
                row[r] = fits ? was : some_device(d, row, r, rng);
        }
    }
    free(d->table);
    d->table = table;
}

static void make_moves(struct mc_draft *d, uint32_t parts, struct mc_rng *rng)
{
    d->last_move = malloc((size_t)parts * sizeof(*d->last_move));
    assert_non_null(d->last_move);
    for (uint32_t p = 0; p < parts; p++)
        d->last_move[p] = roll(rng, 3) == 0 ? 0 : 1600000000u + roll(rng, 5);
}

static struct mc_ring *encode(struct mc_draft *d)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    struct mcos_diag diag = {.offset = -1};
    int err = mc_draft_encode(d, &blob, &diag);

    if (err != 0)
        fail_msg("%s: %s", diag.field, diag.text);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, &diag), 0);
    mc_blob_unref(blob);
    mc_draft_fini(d);
    return ring;
}

static void put_extra(struct mc_draft *d, uint8_t extra[64], struct mc_rng *rng)
{
    uint32_t n = roll(rng, 40);

    if (roll(rng, 3) == 0)
        return;
    mc_set_u16(extra, 900);
    mc_set_u16(extra + 2, 0);
    mc_set_u32(extra + 4, n);
    for (uint32_t i = 0; i < n; i++)
        extra[8 + i] = (uint8_t)roll(rng, 4);
    d->extra = (struct mc_bytes){extra, 8 + n};
}

static struct mc_ring *first_ring(struct mc_rng *rng)
{
    uint8_t extra[64];
    struct mc_draft d;
    uint32_t parts;
    uint64_t most;

    mc_draft_init(&d);
    (void)mc_name_set(&d.head.name, "photos");
    d.head.part_power = (uint8_t)roll(rng, POWER_MAX + 1);
    d.head.hash = MC_HASH_XXH3;
    parts = 1u << d.head.part_power;
    d.device_count = 1 + roll(rng, DEVICES_MAX);
    d.devices = calloc(d.device_count, sizeof(*d.devices));
    assert_non_null(d.devices);
    for (uint32_t i = 0; i < d.device_count; i++) {
        make_device(&d, i, rng);
        d.devices[i].removed = i > 0 && roll(rng, 10) == 0;
    }
    most = live_count(&d) < 5 ? live_count(&d) : 5;
    d.head.assignments = parts + roll(rng, (uint32_t)(parts * (most - 1)) + 1);
    make_table(&d, NULL, 0, 0, 0, rng);
    if (roll(rng, 2) == 0)
        make_moves(&d, parts, rng);
    put_extra(&d, extra, rng);
    assert_int_equal(mc_draft_mint(&d, NULL, NULL, 0, 1 + roll(rng, 1000)), 0);
    return encode(&d);
}

static void more_devices(struct mc_draft *d, uint32_t more, struct mc_rng *rng)
{
    struct mc_device *grown =
        realloc(d->devices, (d->device_count + more) * sizeof(*grown));

    assert_non_null(grown);
    d->devices = grown;
    for (; more > 0; more--)
        make_device(d, d->device_count++, rng);
}

/* Some changes at once, as operators, builders and imports make them. */
static struct mc_ring *changed_ring(const struct mc_ring *old, struct mc_rng *rng)
{
    static const unsigned keeps[] = {100, 99, 90, 50, 0};
    unsigned old_power = mc_ring_head(old)->part_power;
    size_t old_stride = mc_ring_head(old)->stride;
    unsigned changes = 1 + roll(rng, 3);
    bool had_moves;
    uint8_t extra[64];
    struct mc_draft d;
    uint32_t *before;
    uint32_t parts;
    uint64_t most;

    mc_draft_init(&d);
    assert_int_equal(mc_draft_from_ring(&d, old), 0);
    (void)mc_name_set(&d.head.name, "photos");
    while (changes-- > 0) {
        uint32_t which = roll(rng, d.device_count);

        switch (roll(rng, 6)) {
        case 0:
            more_devices(&d, 1 + roll(rng, 3), rng);
            break;
        case 1:
            d.devices[which].removed = live_count(&d) > 5;
            break;
        case 2:
            d.devices[which].weight = roll(rng, 1000000);
            d.devices[which].weight_text = some_text(&d, rng);
            break;
        case 3:
            d.head.part_power = (uint8_t)roll(rng, POWER_MAX + 1);
            break;
        case 4:
            d.head.assignments = 0;
            break;
        default:
            d.devices[which].meta = some_text(&d, rng);
        }
    }
    parts = 1u << d.head.part_power;
    most = live_count(&d) < 5 ? live_count(&d) : 5;
    if (d.head.assignments < parts || d.head.assignments > parts * most)
        d.head.assignments = parts + roll(rng, (uint32_t)(parts * (most - 1)) + 1);
    before = d.table;
    d.table = NULL;
    make_table(&d, before, old_stride, old_power, keeps[roll(rng, 5)], rng);
    free(before);
    had_moves = d.last_move != NULL;
    if (d.head.part_power != old_power || roll(rng, 4) == 0) {
        free(d.last_move);
        d.last_move = NULL;
        if (roll(rng, 2) == 0)
            make_moves(&d, parts, rng);
    } else if (had_moves && roll(rng, 2) == 0) {
        d.last_move[roll(rng, parts)] = roll(rng, 2000000000);
    }
    if (roll(rng, 3) == 0)
        put_extra(&d, extra, rng);
    assert_int_equal(mc_draft_mint(&d, old, NULL, 0, 1 + roll(rng, 100000)), 0);
    return encode(&d);
}

static struct mc_ring *grave(const struct mc_ring *old)
{
    struct mc_draft d;

    mc_draft_init(&d);
    (void)mc_name_set(&d.head.name, "photos");
    d.head.tombstone = true;
    assert_int_equal(mc_draft_mint(&d, old, NULL, 0, 1), 0);
    return encode(&d);
}

/* ---- there and back ---- */

static struct mc_bytes head_of(const struct mc_ring *ring)
{
    return (struct mc_bytes){mc_blob_get(mc_ring_blob(ring)).ptr,
                             mc_ring_head(ring)->head_bytes};
}

static struct mc_buf make(const struct mc_ring *parent, const struct mc_ring *child)
{
    struct mc_buf b = {0};

    assert_int_equal(mc_delta_make(parent, child, &b), 0);
    return b;
}

static size_t there_and_back(const struct mc_ring *parent, const struct mc_ring *child)
{
    struct mc_buf b = make(parent, child);
    struct mc_bytes want = mc_blob_get(mc_ring_blob(child));
    struct mc_blob *blob = NULL;
    size_t len = b.len;
    struct mcos_diag diag;

    assert_int_equal(mc_delta_apply(parent, head_of(child),
                                    (struct mc_bytes){b.ptr, b.len}, &blob, &diag),
                     0);
    assert_int_equal(mc_blob_get(blob).len, want.len);
    assert_memory_equal(mc_blob_get(blob).ptr, want.ptr, want.len);
    mc_blob_unref(blob);
    mc_buf_fini(&b);
    return len;
}

/* What comes of these bytes, if anything: only ever the child itself. */
static bool refused_or(const struct mc_ring *child, const struct mc_ring *parent,
                       struct mc_bytes delta)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    struct mcos_diag diag;
    int err = mc_delta_apply(parent, head_of(child), delta, &blob, &diag);
    bool refused;

    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_SHA256, &ring, &diag);
    refused = err != 0;
    if (refused)
        assert_true(err == MCOS_E_DIGEST || err == MCOS_E_UPGRADE);
    else
        assert_memory_equal(mc_ring_head(ring)->digest, mc_ring_head(child)->digest,
                            MC_DIGEST_BYTES);
    mc_ring_unref(ring);
    mc_blob_unref(blob);
    return refused;
}

static void any_pair_comes_back(void **state)
{
    struct mc_rng rng = mc_rng_init(1);

    (void)state;
    for (unsigned i = 0; i < PAIRS; i++) {
        struct mc_ring *a = first_ring(&rng);
        struct mc_ring *b = changed_ring(a, &rng);
        struct mc_ring *c = changed_ring(b, &rng);
        struct mc_ring *far = first_ring(&rng);
        struct mc_ring *dead = grave(c);

        there_and_back(a, b);
        there_and_back(b, a);
        there_and_back(a, c);
        there_and_back(a, a);
        there_and_back(far, a);
        there_and_back(a, dead);
        there_and_back(dead, a);
        there_and_back(dead, dead);
        mc_ring_unref(a);
        mc_ring_unref(b);
        mc_ring_unref(c);
        mc_ring_unref(far);
        mc_ring_unref(dead);
    }
}

static void what_lies_is_refused(void **state)
{
    struct mc_rng rng = mc_rng_init(2);
    unsigned refused = 0;

    (void)state;
    for (unsigned i = 0; i < PAIRS; i++) {
        struct mc_ring *a = first_ring(&rng);
        struct mc_ring *b = changed_ring(a, &rng);
        struct mc_ring *far = first_ring(&rng);
        struct mc_buf delta = make(a, b);
        size_t at = 1 + roll(&rng, (uint32_t)delta.len);
        size_t len = delta.len;

        mc_buf_zero(&delta, 64);
        assert_true(refused_or(b, a, (struct mc_bytes){delta.ptr, delta.len}));
        delta.len = len;
        refused += refused_or(b, far, (struct mc_bytes){delta.ptr, delta.len});
        refused += refused_or(b, a, (struct mc_bytes){delta.ptr, at - 1});
        delta.ptr[at - 1] ^= (uint8_t)(1 + roll(&rng, 255));
        refused += refused_or(b, a, (struct mc_bytes){delta.ptr, delta.len});
        mc_buf_fini(&delta);
        mc_ring_unref(a);
        mc_ring_unref(b);
        mc_ring_unref(far);
    }
    /* Nearly all; the few others still gave the child: two that agree in all they say.
     */
    assert_in_range(refused, 3 * PAIRS - PAIRS / 20, 3 * PAIRS);
}

static void what_is_as_before_costs_nothing(void **state)
{
    struct mc_rng rng = mc_rng_init(3);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct mc_ring *a = first_ring(&rng);
        struct mc_draft d;
        struct mc_ring *b;

        mc_draft_init(&d);
        assert_int_equal(mc_draft_from_ring(&d, a), 0);
        (void)mc_name_set(&d.head.name, "photos");
        d.extra = mc_ring_extra(a);
        (void)snprintf(d.head.note, sizeof(d.head.note), "no change");
        assert_int_equal(mc_draft_mint(&d, a, NULL, 0, 5000), 0);
        b = encode(&d);
        assert_in_range(there_and_back(a, b), 1, 24);
        mc_ring_unref(a);
        mc_ring_unref(b);
    }
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
    struct mc_rng rng = mc_rng_init(4);
    struct mc_ring *a = first_ring(&rng);
    struct mc_ring *b = changed_ring(a, &rng);
    struct mc_buf whole = make(a, b);

    (void)state;
    assert_true(whole.len > 4);
    /* Zeros at the end are left away once they are there: so a few bytes more. */
    for (size_t max = 1; max < whole.len + 10; max++) {
        struct mc_buf out = {.max = max + 3};
        int err;

        mc_buf_put(&out, "abc", 3);
        err = mc_delta_make(a, b, &out);
        if (max < whole.len || max >= whole.len + 8)
            assert_int_equal(err, max < whole.len ? MCOS_E_TOOBIG : 0);
        assert_int_equal(out.err, 0);
        assert_memory_equal(out.ptr, "abc", 3);
        if (err == 0)
            assert_memory_equal(out.ptr + 3, whole.ptr, whole.len);
        else
            assert_int_equal(out.len, 3);
        mc_buf_fini(&out);
    }
    mc_buf_fini(&whole);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

/* More devices than two bytes can number. */
static struct mc_ring *wide_ring(uint32_t devices, uint32_t salt)
{
    struct mc_draft d;

    mc_draft_init(&d);
    (void)mc_name_set(&d.head.name, "photos");
    d.head.part_power = 10;
    d.head.hash = MC_HASH_XXH3;
    d.head.assignments = 2048;
    d.device_count = devices;
    d.devices = calloc(devices, sizeof(*d.devices));
    d.table = calloc(2048, sizeof(*d.table));
    assert_true(d.devices != NULL && d.table != NULL);
    for (uint32_t i = 0; i < devices; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "d%u", i);
        d.devices[i].name = mc_draft_text(&d, name);
    }
    for (uint32_t i = 0; i < 2048; i++)
        d.table[i] = (i * 31 + (i % 7 == 0 ? salt : 0)) % devices;
    assert_int_equal(mc_draft_mint(&d, NULL, NULL, 0, 1), 0);
    return encode(&d);
}

static void ids_of_two_and_of_four_bytes_mix(void **state)
{
    struct mc_ring *narrow = wide_ring(65000, 0);
    struct mc_ring *wide = wide_ring(66000, 1);
    struct mc_ring *wider = wide_ring(66001, 40);

    (void)state;
    there_and_back(narrow, wide);
    there_and_back(wide, narrow);
    there_and_back(wide, wider);
    mc_ring_unref(narrow);
    mc_ring_unref(wide);
    mc_ring_unref(wider);
}

/* The last place of the list of ancestors falls off: that is foretold too. */
static void a_full_list_of_ancestors_costs_nothing(void **state)
{
    struct mc_rng rng = mc_rng_init(6);
    struct mc_ring *a = NULL;
    struct mc_ring *b;
    struct mc_draft d;

    (void)state;
    mc_draft_init(&d);
    (void)mc_name_set(&d.head.name, "photos");
    d.head.hash = MC_HASH_XXH3;
    d.head.assignments = 1;
    d.head.version = 5000;
    d.head.timestamp = 5000;
    d.device_count = 1;
    d.devices = calloc(1, sizeof(*d.devices));
    d.table = calloc(1, sizeof(*d.table));
    d.ancestors = calloc(MC_ANCESTORS_MAX, sizeof(*d.ancestors));
    assert_true(d.devices != NULL && d.table != NULL && d.ancestors != NULL);
    make_device(&d, 0, &rng);
    d.ancestor_count = MC_ANCESTORS_MAX;
    for (uint64_t i = 0; i < MC_ANCESTORS_MAX; i++) {
        d.ancestors[i].version = 4999 - i;
        mc_set_u64(d.ancestors[i].digest8, mc_rng_next(&rng));
    }
    a = encode(&d);
    mc_draft_init(&d);
    assert_int_equal(mc_draft_from_ring(&d, a), 0);
    (void)mc_name_set(&d.head.name, "photos");
    assert_int_equal(mc_draft_mint(&d, a, NULL, 0, 5001), 0);
    assert_int_equal(d.ancestor_count, MC_ANCESTORS_MAX);
    b = encode(&d);
    assert_in_range(there_and_back(a, b), 1, 3);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

/* ---- how short ---- */

static double log2_of(double n) /* of n factorial */
{
    return lgamma(n + 1) / log(2);
}

/* The floor of docs/format.md, in bytes. */
static double floor_of(const struct mc_ring *a, const struct mc_ring *b)
{
    uint32_t held[256] = {0};
    uint32_t gives[256] = {0};
    uint32_t gets[256] = {0};
    double bits = 0;
    uint32_t k = 0;

    assert_true(mc_ring_head(b)->device_count <= 256);
    for (uint32_t p = 0; p < mc_ring_part_count(b); p++) {
        for (unsigned r = 0; r < mc_ring_head(b)->stride; r++) {
            uint32_t was = mc_ring_at(a, p, r);
            uint32_t is = mc_ring_at(b, p, r);

            held[was]++;
            gives[was] += was != is;
            gets[is] += was != is;
            k += was != is;
        }
    }
    assert_true(k > 500);
    for (unsigned i = 0; i < 256; i++)
        bits += log2_of(held[i]) - log2_of(gives[i]) - log2_of(held[i] - gives[i]) -
                log2_of(gets[i]);
    return (bits + log2_of(k)) / 8;
}

static struct mc_ring *build(struct mc_device *devices, uint32_t count,
                             const struct mc_ring *old)
{
    struct mc_spec spec = {.part_power = 14,
                           .replicas = 3000000,
                           .hash = MC_HASH_XXH3,
                           .note = "",
                           .devices = devices,
                           .device_count = count};
    struct mc_build_input in = {
        .spec = &spec, .old = old, .now_s = old == NULL ? 1000 : 2000, .seed = 1};
    struct mc_build_report report;
    struct mc_draft d;

    mc_draft_init(&d);
    assert_int_equal(mc_build(&in, &d, &report, NULL), 0);
    (void)mc_name_set(&d.head.name, "photos");
    assert_int_equal(mc_draft_mint(&d, old, NULL, 0, 1), 0);
    return encode(&d);
}

static void the_builders_changes_cost_little_more_than_the_floor(void **state)
{
    struct mc_device devices[51] = {0};
    char names[51][8];
    char zones[51][8];

    (void)state;
    for (unsigned i = 0; i < 51; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "d%u", i);
        (void)snprintf(zones[i], sizeof(zones[i]), "z%u", i % 7);
        devices[i].name = names[i];
        devices[i].zone = zones[i];
        devices[i].region = devices[i].host = devices[i].weight_text = "";
        devices[i].cluster = devices[i].replication_host = "";
        devices[i].device = devices[i].meta = "";
        devices[i].weight = (i % 3 + 1) * 1000000u;
    }
    for (unsigned change = 0; change < 4; change++) {
        struct mc_ring *old = build(devices, 50, NULL);
        struct mc_device saved = devices[10];
        struct mc_ring *now;

        if (change == 1)
            devices[10].weight = 3500000;
        else if (change == 2)
            devices[10].weight = 10000;
        else if (change == 3)
            devices[10] = devices[49];
        now = build(devices, change == 0 ? 51 : change == 3 ? 49 : 50, old);
        devices[10] = saved;
        /* Beside the table: who gives and gets, a device, a time. */
        assert_true((double)there_and_back(old, now) < floor_of(old, now) + 40);
        mc_ring_unref(old);
        mc_ring_unref(now);
    }
}

/* ---- the coder by itself ---- */

struct chances {
    struct mc_chance bit[4];
    struct mc_number number;
};

/* The same random things, said or heard. */
static void talk(struct mc_range *r, uint64_t seed)
{
    struct mc_rng rng = mc_rng_init(seed);
    struct chances *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    mc_chance_init(c->bit, 4);
    mc_number_init(&c->number);
    for (unsigned n = roll(&rng, 400); n > 0; n--) {
        uint32_t value = (uint32_t)mc_rng_next(&rng) >> roll(&rng, 32);
        uint32_t total = 2 + roll(&rng, 1u << (1 + roll(&rng, 29)));
        uint32_t from = roll(&rng, total);
        uint32_t got;
        bool bit = value % 7 == 0;

        switch (roll(&rng, 5)) {
        case 0:
            assert_int_equal(mc_range_number(r, &c->number, r->writes ? value : 0),
                             value);
            break;
        case 1:
            assert_int_equal(mc_range_bit(r, &c->bit[value % 4], r->writes && bit),
                             bit);
            break;
        case 2:
            assert_int_equal(mc_range_bits(r, r->writes ? value : 0, 32), value);
            break;
        case 3:
            bit = from % 2 == 0;
            assert_int_equal(
                mc_range_coin(r, 1 + from % (total - 1), total, r->writes && bit), bit);
            break;
        default:
            got = r->writes ? from : mc_range_where(r, total);
            assert_int_equal(got, from);
            mc_range_take(r, from, 1, total);
        }
    }
    free(c);
}

static void what_was_said_is_heard(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct mc_buf b = {0};
        struct mc_range r;

        mc_buf_zero(&b, 3); /* somebody else's */
        r = mc_range_writer(&b);
        talk(&r, seed);
        assert_true(mc_range_close(&r));
        assert_true(b.len >= 3);
        r = mc_range_reader((struct mc_bytes){b.ptr + 3, b.len - 3});
        talk(&r, seed);
        assert_true(mc_range_close(&r));
        mc_buf_fini(&b);
    }
}

/* Of one partition, with more text of its own than a difference may bring. */
static struct mc_ring *wordy_ring(struct mc_rng *rng, const struct mc_ring *parent)
{
    struct mc_draft d;
    char meta[MC_META_MAX + 1];

    mc_draft_init(&d);
    (void)mc_name_set(&d.head.name, "photos");
    d.head.hash = MC_HASH_XXH3;
    d.head.assignments = 1;
    d.table = calloc(1, sizeof(*d.table));
    assert_non_null(d.table);
    more_devices(&d, MC_DELTA_LITERALS_MAX / MC_META_MAX + 1, rng);
    for (uint32_t i = 0; i < d.device_count; i++) {
        for (unsigned n = 0; n < MC_META_MAX; n++)
            meta[n] = (char)('a' + roll(rng, 26));
        meta[MC_META_MAX] = '\0';
        d.devices[i].meta = mc_draft_text(&d, meta);
    }
    assert_int_equal(mc_draft_mint(&d, parent, NULL, 0, 1), 0);
    return encode(&d);
}

static void too_much_text_makes_no_difference(void **state)
{
    struct mc_rng rng = mc_rng_init(7);
    struct mc_ring *a = wordy_ring(&rng, NULL);
    struct mc_ring *b = wordy_ring(&rng, a);
    struct mc_buf out = {0};

    (void)state;
    assert_int_equal(mc_delta_make(a, b, &out), MCOS_E_TOOBIG);
    mc_buf_fini(&out);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

/* Two replicas on the devices `from` and `from` + 1, of four. */
static struct mc_ring *striped_ring(struct mc_rng *rng, const struct mc_ring *parent,
                                    unsigned part_power, uint32_t from)
{
    uint32_t cells = 2u << part_power;
    struct mc_draft d;

    mc_draft_init(&d);
    (void)mc_name_set(&d.head.name, "photos");
    d.head.part_power = (uint8_t)part_power;
    d.head.hash = MC_HASH_XXH3;
    d.head.assignments = cells;
    d.device_count = 4;
    d.devices = calloc(4, sizeof(*d.devices));
    d.table = malloc(cells * sizeof(*d.table));
    assert_true(d.devices != NULL && d.table != NULL);
    for (uint32_t i = 0; i < 4; i++)
        make_device(&d, i, rng);
    for (uint32_t i = 0; i < cells; i++)
        d.table[i] = i % 2 + from;
    assert_int_equal(mc_draft_mint(&d, parent, NULL, 0, 1), 0);
    return encode(&d);
}

static void past_its_limits_there_is_no_difference(void **state)
{
    struct mc_rng rng = mc_rng_init(5);
    struct mc_ring *a = striped_ring(&rng, NULL, 22, 0);
    struct mc_ring *b = striped_ring(&rng, a, 22, 2); /* more cells than may change */
    struct mc_buf out = {0};

    (void)state;
    assert_int_equal(mc_delta_make(a, b, &out), MCOS_E_TOOBIG);
    assert_int_equal(out.len, 0);
    mc_buf_fini(&out);
    mc_ring_unref(a);
    mc_ring_unref(b);
}

/* A short letter about a small ring cannot name a long record. */
static void what_outgrows_its_parent_is_no_difference(void **state)
{
    struct mc_rng rng = mc_rng_init(5);
    struct mc_ring *a = striped_ring(&rng, NULL, 4, 0);

    (void)state;
    for (unsigned power = 18; power <= 20; power += 2) {
        bool fits = power == 18; /* ids of two bytes: 1 MB; and 4 MB */
        struct mc_ring *b = striped_ring(&rng, a, power, 0);
        struct mc_bytes head = {mc_blob_get(mc_ring_blob(b)).ptr,
                                mc_ring_head(b)->head_bytes};
        struct mc_buf out = {0};
        struct mc_blob *made = NULL;
        int err = mc_delta_make(a, b, &out);

        assert_int_equal(err, fits ? 0 : MCOS_E_TOOBIG);
        if (!fits)
            mc_buf_put(&out, "\1abc", 4);
        err = mc_delta_apply(a, head, (struct mc_bytes){out.ptr, out.len}, &made, NULL);
        assert_int_equal(err, fits ? 0 : MCOS_E_TOOBIG);
        mc_blob_unref(made);
        mc_buf_fini(&out);
        mc_ring_unref(b);
    }
    mc_ring_unref(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_pair_comes_back),
        cmocka_unit_test(what_lies_is_refused),
        cmocka_unit_test(what_is_as_before_costs_nothing),
        cmocka_unit_test(a_full_buffer_is_left_as_it_was),
        cmocka_unit_test(ids_of_two_and_of_four_bytes_mix),
        cmocka_unit_test(a_full_list_of_ancestors_costs_nothing),
        cmocka_unit_test(the_builders_changes_cost_little_more_than_the_floor),
        cmocka_unit_test(what_was_said_is_heard),
        cmocka_unit_test(too_much_text_makes_no_difference),
        cmocka_unit_test(past_its_limits_there_is_no_difference),
        cmocka_unit_test(what_outgrows_its_parent_is_no_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
