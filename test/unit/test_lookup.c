/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges of look-up that no golden ring has: xxh3, part powers 0 and 20, long
 * names, the rules about secrets, and the partition that Swift's scan leaves out.
 */
#include "ring/lookup.h"

#include "base/hash.h"
#include "ringload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mc_bytes bytes(const char *s)
{
    return (struct mc_bytes){(const uint8_t *)s, strlen(s)};
}

static struct mc_key key_of(const char *account, const char *container,
                            const char *object)
{
    struct mc_key key = {bytes(account), {NULL, 0}, {NULL, 0}};

    if (container != NULL)
        key.container = bytes(container);
    if (object != NULL)
        key.object = bytes(object);
    return key;
}

static const struct mc_secret secret = {{(const uint8_t *)"pre", 3},
                                        {(const uint8_t *)"suf", 3}};

/* One replica; partition p is on device p % devices. */
static void fill(struct mc_draft *d, enum mc_hash_kind hash, unsigned power,
                 uint32_t devices)
{
    static const char *const names[] = {"d0", "d1", "d2", "d3", "d4", "d5"};
    const size_t parts = (size_t)1 << power;

    mc_draft_init(d);
    d->head.part_power = (uint8_t)power;
    d->head.next_part_power = 255;
    d->head.hash = hash;
    d->head.assignments = parts;
    if (hash == MC_HASH_SWIFT_MD5)
        mc_secret_check(&secret, d->head.hash_check);
    d->devices = calloc(devices, sizeof(*d->devices));
    d->table = calloc(parts, sizeof(*d->table));
    assert_non_null(d->devices);
    assert_non_null(d->table);
    d->device_count = devices;
    for (uint32_t i = 0; i < devices; i++)
        d->devices[i] = (struct mc_device){.weight = 1000000,
                                           .weight_text = "1",
                                           .name = names[i],
                                           .cluster = "",
                                           .region = "r",
                                           .zone = "z",
                                           .host = "h",
                                           .replication_host = "",
                                           .device = "",
                                           .meta = ""};
    for (size_t part = 0; part < parts; part++)
        d->table[part] = (uint32_t)part % devices;
}

static struct mc_ring *open_ring(struct mc_draft *d)
{
    struct mc_ring *ring = NULL;
    struct mcos_diag diag = {.text = ""};
    int err = ringload_draft(d, &ring, &diag);

    if (err != 0)
        print_message("%d %s %s\n", err, diag.field, diag.text);
    assert_int_equal(err, 0);
    mc_draft_fini(d);
    return ring;
}

static struct mc_ring *ring_of(enum mc_hash_kind hash, unsigned power)
{
    struct mc_draft d;

    fill(&d, hash, power, 1);
    return open_ring(&d);
}

static uint32_t part_of(const struct mc_ring *ring, struct mc_key key)
{
    uint32_t part = UINT32_MAX;

    assert_int_equal(mc_lookup_part(ring, &secret, &key, &part), 0);
    return part;
}

/* The hash is what `xxhsum -H3` prints. */
static void xxh3_places_by_the_top_bits_of_the_joined_name(void **state)
{
    struct mc_ring *ring = ring_of(MC_HASH_XXH3, 16);

    (void)state;
    assert_int_equal(part_of(ring, key_of("a", NULL, NULL)), 0xe6c6);
    assert_int_equal(part_of(ring, key_of("a", "c", "o")), 0xc3a54407bbb659e2ull >> 48);
    assert_int_equal(part_of(ring, key_of("a/c", "o", NULL)),
                     0xc3a54407bbb659e2ull >> 48);
    mc_ring_unref(ring);
}

static void an_empty_container_or_object_counts_as_absent(void **state)
{
    struct mc_ring *ring = ring_of(MC_HASH_XXH3, 16);

    (void)state;
    assert_int_equal(part_of(ring, key_of("a", "", "")),
                     part_of(ring, key_of("a", NULL, NULL)));
    assert_int_equal(part_of(ring, key_of("a", "c", "")),
                     part_of(ring, key_of("a", "c", NULL)));
    mc_ring_unref(ring);
}

static void a_long_name_hashes_as_a_short_one_does(void **state)
{
    struct mc_ring *rings[2] = {ring_of(MC_HASH_XXH3, 20),
                                ring_of(MC_HASH_SWIFT_MD5, 20)};
    char joined[2048];
    char text[1024];
    uint8_t digest[MC_MD5_BYTES];

    (void)state;
    for (size_t n = 500; n <= 520; n++) { /* around the size that is joined */
        struct mc_bytes all;

        memset(text, 'x', n);
        text[n] = '\0';
        snprintf(joined, sizeof(joined), "pre/a/c/%ssuf", text);
        all = (struct mc_bytes){(uint8_t *)joined + 4, n + 4};
        assert_int_equal(part_of(rings[0], key_of("a", "c", text)),
                         mc_xxh3_64(all) >> 44);
        all = bytes(joined);
        mc_md5(digest, &all, 1);
        assert_int_equal(part_of(rings[1], key_of("a", "c", text)),
                         digest[0] << 12 | digest[1] << 4 | digest[2] >> 4);
    }
    mc_ring_unref(rings[0]);
    mc_ring_unref(rings[1]);
}

static void part_power_0_has_one_partition(void **state)
{
    struct mc_ring *rings[2] = {ring_of(MC_HASH_XXH3, 0),
                                ring_of(MC_HASH_SWIFT_MD5, 0)};
    uint32_t ids[4];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(part_of(rings[i], key_of("a", "c", "o")), 0);
        assert_int_equal(mc_lookup_handoffs(rings[i], 0, ids, 4), 0);
        mc_ring_unref(rings[i]);
    }
}

static void what_is_no_name_is_an_error(void **state)
{
    struct mc_ring *ring = ring_of(MC_HASH_XXH3, 4);
    struct mc_key key = key_of("a", NULL, "o");
    struct mc_key nobody = key_of("", "c", "o");
    uint32_t part = 77;

    (void)state;
    assert_int_equal(mc_lookup_part(ring, NULL, &key, &part), MCOS_E_VALUE);
    assert_int_equal(mc_lookup_part(ring, NULL, &nobody, &part), MCOS_E_VALUE);
    assert_int_equal(part, 77);
    mc_ring_unref(ring);
}

static void a_secret_is_needed_for_swift_and_only_there(void **state)
{
    struct mc_ring *md5 = ring_of(MC_HASH_SWIFT_MD5, 4);
    struct mc_ring *xxh3 = ring_of(MC_HASH_XXH3, 4);
    const struct mc_secret swapped = {secret.suffix, secret.prefix};
    const struct mc_secret shifted = {bytes("pres"), bytes("uf")};
    struct mc_key key = key_of("a", "c", "o");
    uint32_t part;

    (void)state;
    assert_int_equal(mc_lookup_part(md5, NULL, &key, &part), MCOS_E_SECRET);
    assert_int_equal(mc_lookup_part(md5, &swapped, &key, &part), MCOS_E_SECRET);
    assert_int_equal(mc_lookup_part(md5, &shifted, &key, &part), MCOS_E_SECRET);
    assert_int_equal(mc_lookup_part(md5, &secret, &key, &part), 0);
    assert_int_equal(mc_lookup_part(xxh3, NULL, &key, &part), 0);
    mc_ring_unref(md5);
    mc_ring_unref(xxh3);
}

static void an_embedded_secret_is_used_and_no_other_asked_for(void **state)
{
    struct mc_ring *given = ring_of(MC_HASH_SWIFT_MD5, 16);
    struct mc_key key = key_of("a", "c", "o");
    struct mc_ring *ring;
    struct mc_draft d;
    uint32_t part;

    (void)state;
    fill(&d, MC_HASH_SWIFT_MD5, 16, 1);
    assert_int_equal(mc_draft_embed_secret(&d, secret.prefix, secret.suffix), 0);
    ring = open_ring(&d);
    assert_int_equal(mc_lookup_part(ring, NULL, &key, &part), 0);
    assert_int_equal(part, part_of(given, key));
    mc_ring_unref(ring);
    mc_ring_unref(given);
}

static void the_check_value_is_of_label_prefix_and_suffix(void **state)
{
    uint8_t check[8];
    char hex[17];

    (void)state;
    mc_secret_check(&secret, check);
    mc_hex(hex, check, sizeof(check));
    assert_string_equal(hex, "6446cb3eb76fce16");
}

static void a_tombstone_has_no_partition(void **state)
{
    struct mc_key key = key_of("a", NULL, NULL);
    struct mc_ring *ring;
    struct mc_draft d;
    uint32_t ids[4];
    uint32_t part;

    (void)state;
    mc_draft_init(&d);
    d.head.tombstone = true;
    ring = open_ring(&d);
    assert_int_equal(mc_lookup_part(ring, NULL, &key, &part), MCOS_E_DELETED);
    assert_int_equal(mc_lookup_handoffs(ring, 0, ids, 4), 0);
    mc_ring_unref(ring);
}

/* With 4 partitions each scan starts at 3: then 1 and 2, and never 0. */
static void swifts_scan_leaves_partition_0_out(void **state)
{
    struct mc_draft d;
    struct mc_ring *ring;
    uint32_t ids[4] = {9, 9, 9, 9};

    (void)state;
    fill(&d, MC_HASH_SWIFT_MD5, 2, 4);
    ring = open_ring(&d);
    assert_int_equal(mc_lookup_handoffs(ring, 1, ids, 4), 2);
    assert_int_equal(ids[0], 3);
    assert_int_equal(ids[1], 2);
    assert_int_equal(mc_lookup_handoffs(ring, 3, ids, 4), 2);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 2);
    mc_ring_unref(ring);
}

static void handoffs_stop_at_what_is_wanted_and_at_what_there_is(void **state)
{
    struct mc_draft d;
    struct mc_ring *ring;
    uint32_t ids[6];

    (void)state;
    fill(&d, MC_HASH_XXH3, 4, 6);
    ring = open_ring(&d);
    assert_int_equal(mc_lookup_handoffs(ring, 0, ids, 0), 0);
    assert_int_equal(mc_lookup_handoffs(ring, 0, ids, 2), 2);
    assert_int_equal(mc_lookup_handoffs(ring, 0, ids, 6), 5);
    assert_int_equal(mc_lookup_handoffs(ring, 15, ids, 6), 5);
    assert_int_equal(mc_lookup_handoffs(ring, 16, ids, 6), 0);
    mc_ring_unref(ring);
}

/* d1 is in another zone, d2 on another host, d3 in another region. */
static void new_regions_come_before_zones_before_hosts_before_devices(void **state)
{
    struct mc_draft d;
    struct mc_ring *ring;
    uint32_t ids[5];

    (void)state;
    fill(&d, MC_HASH_XXH3, 8, 5);
    d.devices[1].zone = "z1";
    d.devices[2].host = "h2";
    d.devices[3].region = "r3";
    ring = open_ring(&d);
    assert_int_equal(mc_lookup_handoffs(ring, 0, ids, 5), 4);
    assert_int_equal(ids[0], 3);
    assert_int_equal(ids[1], 1);
    assert_int_equal(ids[2], 2);
    assert_int_equal(ids[3], 4);
    mc_ring_unref(ring);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(xxh3_places_by_the_top_bits_of_the_joined_name),
        cmocka_unit_test(an_empty_container_or_object_counts_as_absent),
        cmocka_unit_test(a_long_name_hashes_as_a_short_one_does),
        cmocka_unit_test(part_power_0_has_one_partition),
        cmocka_unit_test(what_is_no_name_is_an_error),
        cmocka_unit_test(a_secret_is_needed_for_swift_and_only_there),
        cmocka_unit_test(an_embedded_secret_is_used_and_no_other_asked_for),
        cmocka_unit_test(the_check_value_is_of_label_prefix_and_suffix),
        cmocka_unit_test(a_tombstone_has_no_partition),
        cmocka_unit_test(swifts_scan_leaves_partition_0_out),
        cmocka_unit_test(handoffs_stop_at_what_is_wanted_and_at_what_there_is),
        cmocka_unit_test(new_regions_come_before_zones_before_hosts_before_devices),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
