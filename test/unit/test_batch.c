/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch answers what the single look-up answers, key by key: names of all lengths,
 * parts that are empty or of any bytes, errors among them, every way of MD5.
 */
#include "ring/batch.h"

#include "base/rng.h"
#include "ringload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS_MAX  300u
#define POOL      65536u /* random bytes that names point into */
#define UNTOUCHED 0x5a5a5a5au

static const enum mc_md5_way ways[] = {MC_MD5_BEST, MC_MD5_PORTABLE, MC_MD5_AVX2};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static const struct mc_secret secret = {{(const uint8_t *)"prefix", 6},
                                        {(const uint8_t *)"suffix", 6}};
static const struct mc_secret no_secret;

static uint8_t pool[POOL];

struct shape {
    enum mc_hash_kind hash;
    unsigned power;
    unsigned stride;
    uint32_t devices;
    uint32_t missing; /* replicas that the table lacks */
};

/* Replica r of partition p is on device (7 p + r) % devices. */
static struct mc_ring *ring_of(const struct shape *shape)
{
    const size_t parts = (size_t)1 << shape->power;
    struct mc_ring *ring = NULL;
    struct mcos_diag diag = {.text = ""};
    struct mc_draft d;
    char *names;

    mc_draft_init(&d);
    d.head.part_power = (uint8_t)shape->power;
    d.head.next_part_power = 255;
    d.head.hash = shape->hash;
    d.head.assignments = parts * shape->stride - shape->missing;
    if (shape->hash == MC_HASH_SWIFT_MD5)
        mc_secret_check(&secret, d.head.hash_check);
    d.device_count = shape->devices;
    d.devices = calloc(shape->devices, sizeof(*d.devices));
    d.table = calloc(parts * shape->stride, sizeof(*d.table));
    names = calloc(shape->devices, 12);
    assert_true(d.devices != NULL && d.table != NULL && names != NULL);
    for (uint32_t i = 0; i < shape->devices; i++) {
        (void)snprintf(names + 12 * (size_t)i, 12, "d%u", i);
        d.devices[i] = (struct mc_device){.weight = 1000000,
                                          .weight_text = "1",
                                          .name = names + 12 * (size_t)i,
                                          .cluster = "",
                                          .region = "r",
                                          .zone = "z",
                                          .host = "h",
                                          .replication_host = "",
                                          .device = "",
                                          .meta = ""};
    }
    for (size_t i = 0; i < parts * shape->stride; i++) {
        const size_t part = i / shape->stride;
        const bool full =
            i % shape->stride < shape->stride - 1 || part < parts - shape->missing;

        d.table[i] = full ? (uint32_t)((7 * part + i % shape->stride) % shape->devices)
                          : MC_DEVICE_NONE;
    }
    if (ringload_draft(&d, &ring, &diag) != 0)
        fail_msg("%s %s", diag.field, diag.text);
    mc_draft_fini(&d);
    free(names);
    return ring;
}

static struct mc_bytes any_bytes(struct mc_rng *rng, size_t most)
{
    size_t len = (size_t)mc_rng_below(rng, most + 1);

    return (struct mc_bytes){pool + mc_rng_below(rng, POOL - len), len};
}

/* Short as a rule; now and then long, empty, absent or wrong. */
static struct mc_key any_key(struct mc_rng *rng)
{
    static const size_t most[] = {8, 40, 40, 40, 40, 120, 600, 0};
    struct mc_key key = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    uint64_t kind = mc_rng_below(rng, 200);

    key.account = any_bytes(rng, most[mc_rng_below(rng, 8)]);
    if (kind % 10 != 0)
        key.container = any_bytes(rng, most[mc_rng_below(rng, 8)]);
    if (kind % 7 != 0)
        key.object = any_bytes(rng, kind == 1 ? 20000 : most[mc_rng_below(rng, 8)]);
    return key;
}

static void check(enum mc_md5_way way, const struct mc_ring *ring,
                  const struct mc_key *keys, size_t count)
{
    const struct mc_secret *s =
        mc_ring_head(ring)->hash == MC_HASH_SWIFT_MD5 ? &secret : &no_secret;
    const size_t stride = mc_ring_head(ring)->stride;
    static uint32_t parts[KEYS_MAX + 1];
    static uint32_t ids[(KEYS_MAX + 1) * MC_REPLICAS_MAX];
    static int errs[KEYS_MAX + 1];
    size_t failed = 0;

    memset(parts, 0x5a, sizeof(parts));
    memset(ids, 0x5a, sizeof(ids));
    memset(errs, 0x5a, sizeof(errs));
    assert_true(count <= KEYS_MAX);
    failed = mc_batch_lookup_by(way, ring, s, keys, count, parts, ids, errs);
    for (size_t i = 0; i < count; i++) {
        uint32_t row[MC_REPLICAS_MAX];
        uint32_t part = MC_PART_NONE;
        unsigned n = 0;
        int err = mc_lookup_part_fast(ring, s, &keys[i], &part);

        if (err == 0)
            n = mc_ring_row(ring, part, row);
        while (n < stride)
            row[n++] = MC_DEVICE_NONE;
        failed -= err != 0;
        if (errs[i] != err || parts[i] != part)
            fail_msg("way %u, key %zu of %zu: partition %u, error %d; must be %u, %d",
                     way, i, count, parts[i], errs[i], part, err);
        assert_memory_equal(ids + i * stride, row, stride * sizeof(*row));
    }
    assert_int_equal(failed, 0);
    assert_int_equal(parts[count], UNTOUCHED);
    assert_int_equal(errs[count], UNTOUCHED);
    assert_int_equal(ids[count * stride], UNTOUCHED);
}

static void random_keys_have_the_answers_of_the_single_look_up(void **state)
{
    static const struct shape shapes[] = {
        {MC_HASH_XXH3, 16, 3, 100, 0},       {MC_HASH_SWIFT_MD5, 16, 3, 100, 0},
        {MC_HASH_XXH3, 0, 1, 1, 0},          {MC_HASH_SWIFT_MD5, 0, 1, 1, 0},
        {MC_HASH_XXH3, 8, 16, 40, 100},      {MC_HASH_SWIFT_MD5, 10, 3, 40, 500},
        {MC_HASH_SWIFT_MD5, 8, 2, 70000, 9}, {MC_HASH_XXH3, 8, 3, 70000, 9},
        {MC_HASH_SWIFT_MD5, 20, 2, 9, 0},
    };
    struct mc_rng rng = mc_rng_init(5);

    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct mc_ring *ring = ring_of(&shapes[i]);

        for (unsigned round = 0; round < 60; round++) {
            size_t count = (size_t)mc_rng_below(&rng, KEYS_MAX + 1);
            struct mc_key keys[KEYS_MAX];

            for (size_t k = 0; k < count; k++)
                keys[k] = any_key(&rng);
            for (unsigned w = 0; w < WAYS; w++) {
                if (mc_md5_has(ways[w]))
                    check(ways[w], ring, keys, count);
            }
        }
        mc_ring_unref(ring);
    }
}

/* Every length of a name's last part, and around what a chunk's room holds. */
static void every_length(void **state)
{
    static const struct shape shapes[] = {{MC_HASH_XXH3, 16, 3, 100, 0},
                                          {MC_HASH_SWIFT_MD5, 16, 3, 100, 0}};
    struct mc_key keys[KEYS_MAX];

    (void)state;
    for (unsigned s = 0; s < 2; s++) {
        struct mc_ring *ring = ring_of(&shapes[s]);

        for (size_t bytes = 0; bytes <= 8400; bytes += bytes == 600 ? 7400 : 1) {
            const size_t i = bytes % 100;

            keys[i] = (struct mc_key){{pool + 1, 1}, {pool, 2}, {pool + i, bytes}};
            if (i < 99)
                continue;
            for (unsigned w = 0; w < WAYS; w++) {
                if (mc_md5_has(ways[w]))
                    check(ways[w], ring, keys, 100);
            }
        }
        mc_ring_unref(ring);
    }
}

/* The parts of a key lie at the end of memory: not a byte more is read. */
static void parts_are_read_to_their_end_and_no_further(void **state)
{
    static const struct shape shapes[] = {{MC_HASH_XXH3, 16, 3, 100, 0},
                                          {MC_HASH_SWIFT_MD5, 16, 3, 100, 0}};

    (void)state;
    for (unsigned s = 0; s < 2; s++) {
        struct mc_ring *ring = ring_of(&shapes[s]);

        for (size_t bytes = 1; bytes < 80; bytes++) {
            uint8_t *memory = malloc(bytes);
            struct mc_key key = {{memory, bytes}, {memory, bytes}, {memory, bytes}};

            assert_non_null(memory);
            memcpy(memory, pool, bytes);
            check(MC_MD5_BEST, ring, &key, 1);
            free(memory);
        }
        mc_ring_unref(ring);
    }
}

static void check_wrong_keys(enum mc_hash_kind hash)
{
    const struct shape shape = {hash, 8, 2, 4, 0};
    const struct mc_key good = {{pool, 5}, {pool + 9, 4}, {pool + 20, 7}};
    const struct mc_key wrong = {{pool, 5}, {NULL, 0}, {pool + 20, 7}};
    const struct mc_key nobody = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    const struct mc_key keys[] = {good, wrong, good, nobody};
    struct mc_ring *ring = ring_of(&shape);
    uint32_t parts[4];
    uint32_t ids[8];
    int errs[4];
    uint32_t part;

    assert_int_equal(mc_batch_lookup(ring, &secret, keys, 4, parts, ids, errs), 2);
    assert_int_equal(mc_lookup_part(ring, &secret, &good, &part), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(errs[i], i % 2 == 0 ? 0 : MCOS_E_VALUE);
        assert_int_equal(parts[i], i % 2 == 0 ? part : MC_PART_NONE);
        assert_int_equal(ids[2 * i] == MC_DEVICE_NONE, i % 2);
    }
    /* Rows and errors are for those who want them. */
    memset(parts, 0, sizeof(parts));
    assert_int_equal(mc_batch_lookup(ring, &secret, keys, 4, parts, NULL, NULL), 2);
    assert_int_equal(parts[0], part);
    assert_int_equal(parts[3], MC_PART_NONE);
    assert_int_equal(mc_batch_lookup(ring, &secret, NULL, 0, NULL, NULL, NULL), 0);
    mc_ring_unref(ring);
}

static void a_wrong_key_fails_alone(void **state)
{
    (void)state;
    check_wrong_keys(MC_HASH_SWIFT_MD5);
    check_wrong_keys(MC_HASH_XXH3);
}

static void a_tombstone_has_no_answer_for_any_key(void **state)
{
    const struct mc_key keys[] = {{{pool, 5}, {NULL, 0}, {NULL, 0}},
                                  {{pool, 5}, {NULL, 0}, {pool, 1}}};
    struct mc_ring *ring = NULL;
    struct mcos_diag diag;
    struct mc_draft d;
    uint32_t parts[2];
    int errs[2];

    (void)state;
    mc_draft_init(&d);
    d.head.tombstone = true;
    assert_int_equal(ringload_draft(&d, &ring, &diag), 0);
    mc_draft_fini(&d);
    assert_int_equal(mc_ring_head(ring)->stride, 0);
    assert_int_equal(mc_batch_lookup(ring, &no_secret, keys, 2, parts, NULL, errs), 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(errs[i], MCOS_E_DELETED);
        assert_int_equal(parts[i], MC_PART_NONE);
    }
    mc_ring_unref(ring);
}

static void check_secret(const struct mc_ring *ring, const struct mc_secret *longer)
{
    struct mc_key keys[100];
    uint32_t parts[100];

    for (size_t i = 0; i < 100; i++)
        keys[i] = (struct mc_key){{pool, i + 1}, {NULL, 0}, {NULL, 0}};
    assert_int_equal(mc_batch_lookup(ring, longer, keys, 100, parts, NULL, NULL), 0);
    for (size_t i = 0; i < 100; i++) {
        uint32_t part;

        assert_int_equal(mc_lookup_part_fast(ring, longer, &keys[i], &part), 0);
        if (parts[i] != part)
            fail_msg("prefix of %zu bytes, suffix of %zu, name of %zu",
                     longer->prefix.len, longer->suffix.len, i + 1);
    }
}

/* Short, as long as a ring's own may be, and longer, with names of all lengths. */
static void secrets_of_all_lengths(void **state)
{
    static const size_t long_ones[] = {500, MC_SECRET_MAX - 1, MC_SECRET_MAX,
                                       MC_SECRET_MAX + 1, 9000};
    const struct shape shape = {MC_HASH_SWIFT_MD5, 16, 1, 3, 0};
    struct mc_ring *ring = ring_of(&shape);

    (void)state;
    for (size_t i = 0; i < 140 + 5; i++) {
        const struct mc_bytes some = {pool + i, i < 140 ? i : long_ones[i - 140]};
        const struct mc_bytes one = {pool + 3, 1};

        check_secret(ring, &(struct mc_secret){some, one});
        check_secret(ring, &(struct mc_secret){one, some});
        check_secret(ring, &(struct mc_secret){some, some});
    }
    mc_ring_unref(ring);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(random_keys_have_the_answers_of_the_single_look_up),
        cmocka_unit_test(every_length),
        cmocka_unit_test(parts_are_read_to_their_end_and_no_further),
        cmocka_unit_test(a_wrong_key_fails_alone),
        cmocka_unit_test(a_tombstone_has_no_answer_for_any_key),
        cmocka_unit_test(secrets_of_all_lengths),
    };
    struct mc_rng rng = mc_rng_init(6);

    for (size_t i = 0; i < POOL; i++)
        pool[i] = (uint8_t)mc_rng_next(&rng);
    return cmocka_run_group_tests(cases, NULL, NULL);
}
