/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings that Swift's own builder made, with the answers that Swift's own Ring
 * class gave (test/data/swift): partition, primaries and handoffs of 600 names,
 * the full handoff order of 128 partitions and the SHA-256 of every table row.
 * Equal answers are the whole point, so nothing is recomputed here.
 */
#include "adapter/swift/swiftconf.h"
#include "base/hash.h"
#include "ring/batch.h"
#include "ring/extra.h"
#include "ring/handoff.h"
#include "ringload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_HANDOFFS 10u

struct golden {
    const char *name;
    unsigned part_power;
    uint32_t slots;
    struct mc_swiftconf *conf;
    struct mc_secret secret;
    struct mc_ring *ring;
    struct mc_tiers *tiers;
};

static struct golden goldens[] = {
    {.name = "g1", .part_power = 8, .slots = 12},
    {.name = "g2", .part_power = 12, .slots = 37},
};
#define GOLDENS (sizeof(goldens) / sizeof(goldens[0]))

static const char *path_of(const struct golden *g, const char *file)
{
    static char path[4096];
    const char *source = getenv("MCOS_SOURCE");

    snprintf(path, sizeof(path), "%s/test/data/swift/%s/%s",
             source == NULL ? "." : source, g->name, file);
    return path;
}

static int open_goldens(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        struct golden *g = &goldens[i];
        struct mcos_diag diag = {.text = ""};
        int err = mc_swiftconf_open(path_of(g, "swift.conf"), &g->conf, &diag);

        if (err == 0) {
            g->secret = mc_swiftconf_secret(g->conf);
            err = ringload_swift(path_of(g, "object.ring.gz"), &g->secret, &g->ring,
                                 &diag);
        }
        if (err == 0)
            err = mc_tiers_new(g->ring, &g->tiers);
        if (err != 0) {
            print_message("%s: %d %s %s\n", g->name, err, diag.field, diag.text);
            return -1;
        }
    }
    return 0;
}

static int close_goldens(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        mc_tiers_free(goldens[i].tiers);
        mc_ring_unref(goldens[i].ring);
        mc_swiftconf_free(goldens[i].conf);
    }
    return 0;
}

static void ids_text(char *dst, size_t cap, const uint32_t *ids, size_t n)
{
    size_t at = 0;

    dst[0] = '\0';
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(dst + at, cap - at, "%s%u", i == 0 ? "" : ",", ids[i]);
}

static struct mc_bytes field(char **at)
{
    char *text = strsep(at, "\t\n");

    assert_non_null(text);
    if (strcmp(text, "\\N") == 0)
        return (struct mc_bytes){NULL, 0};
    return (struct mc_bytes){(uint8_t *)text, strlen(text)};
}

static void check_name(const struct golden *g, char *line)
{
    uint32_t ids[GOLDEN_HANDOFFS];
    uint32_t row[MC_REPLICAS_MAX];
    char text[512];
    struct mc_key key;
    uint32_t part;
    long n;

    key.account = field(&line);
    key.container = field(&line);
    key.object = field(&line);
    (void)field(&line); /* the MD5 */
    assert_int_equal(mc_lookup_part(g->ring, &g->secret, &key, &part), 0);
    assert_int_equal(part, strtoul(strsep(&line, "\t"), NULL, 10));
    ids_text(text, sizeof(text), row, mc_ring_row(g->ring, part, row));
    assert_string_equal(text, strsep(&line, "\t"));
    n = mc_tiers_handoffs(g->tiers, part, ids, GOLDEN_HANDOFFS);
    assert_true(n >= 0);
    ids_text(text, sizeof(text), ids, (size_t)n);
    assert_string_equal(text, strsep(&line, "\t\n"));
}

/* Calls `check` for each line that is not a comment; returns how many. */
static unsigned each_line(const struct golden *g, const char *file,
                          void (*check)(const struct golden *g, char *line))
{
    FILE *in = fopen(path_of(g, file), "r");
    char line[16384];
    unsigned count = 0;

    assert_non_null(in);
    while (fgets(line, sizeof(line), in) != NULL) {
        if (line[0] == '#')
            continue;
        check(g, line);
        count++;
    }
    (void)fclose(in);
    return count;
}

static void names_have_swifts_partition_primaries_and_handoffs(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
        assert_int_equal(each_line(&goldens[i], "lookups.tsv", check_name), 300);
}

/* The keys of lookups.tsv, with the text that they point into. */
struct asked {
    struct mc_key key[300];
    char *line[300];
    char *answer[300]; /* partition<TAB>primaries<TAB>... */
    size_t count;
};

static struct asked asked;

static void note_name(const struct golden *g, char *line)
{
    char *at = strdup(line);
    struct mc_key *key = &asked.key[asked.count];

    (void)g;
    assert_non_null(at);
    asked.line[asked.count] = at;
    key->account = field(&at);
    key->container = field(&at);
    key->object = field(&at);
    (void)field(&at); /* the MD5 */
    asked.answer[asked.count++] = at;
}

static void a_batch_has_swifts_partitions_and_primaries(void **state)
{
    static const enum mc_md5_way ways[] = {MC_MD5_BEST, MC_MD5_PORTABLE, MC_MD5_AVX2};
    static uint32_t ids[300 * MC_REPLICAS_MAX];
    uint32_t parts[300];
    char text[512];

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        const struct golden *g = &goldens[i];
        const size_t stride = mc_ring_head(g->ring)->stride;

        asked.count = 0;
        assert_int_equal(each_line(g, "lookups.tsv", note_name), 300);
        for (size_t w = 0; w < 3; w++) {
            if (!mc_md5_has(ways[w]))
                continue;
            assert_int_equal(mc_batch_lookup_by(ways[w], g->ring, &g->secret, asked.key,
                                                300, parts, ids, NULL),
                             0);
            for (size_t k = 0; k < 300; k++) {
                const uint32_t *row = ids + k * stride;
                size_t n = stride;
                int len;

                while (n > 0 && row[n - 1] == MC_DEVICE_NONE)
                    n--;
                len = snprintf(text, sizeof(text), "%u\t", parts[k]);
                ids_text(text + len, sizeof(text) - (size_t)len, row, n);
                len = (int)strlen(text);
                assert_memory_equal(text, asked.answer[k], len);
                assert_int_equal(asked.answer[k][len], '\t');
            }
        }
        while (asked.count > 0)
            free(asked.line[--asked.count]);
    }
}

static void check_handoffs(const struct golden *g, char *line)
{
    uint32_t part = (uint32_t)strtoul(strsep(&line, "\t"), NULL, 10);
    uint32_t ids[64];
    uint32_t row[MC_REPLICAS_MAX];
    char text[512];
    long n;

    ids_text(text, sizeof(text), row, mc_ring_row(g->ring, part, row));
    assert_string_equal(text, strsep(&line, "\t"));
    n = mc_lookup_handoffs(g->ring, part, ids, 64);
    assert_true(n >= 0);
    ids_text(text, sizeof(text), ids, (size_t)n);
    assert_string_equal(text, strsep(&line, "\t\n"));
}

static void the_full_handoff_order_is_swifts(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
        assert_int_equal(each_line(&goldens[i], "handoffs_full.tsv", check_handoffs),
                         64);
}

static void check_row(const struct golden *g, char *line)
{
    struct mc_buf b = {0};
    uint8_t digest[MC_SHA256_BYTES];
    char want[2 * MC_SHA256_BYTES + 1];
    char hex[2 * MC_SHA256_BYTES + 1];
    unsigned row;
    size_t len;

    assert_int_equal(sscanf(line, "row %u len %zu sha256 %64s", &row, &len, want), 3);
    for (uint32_t part = 0; part < mc_ring_part_count(g->ring); part++) {
        uint32_t id = mc_ring_at(g->ring, part, row);

        if (id != MC_DEVICE_NONE)
            mc_buf_u16(&b, (uint16_t)id);
    }
    assert_int_equal(b.len, 2 * len);
    mc_sha256(digest, (struct mc_bytes){b.ptr, b.len});
    mc_hex(hex, digest, sizeof(digest));
    assert_string_equal(hex, want);
    mc_buf_fini(&b);
}

static void every_row_of_the_table_is_swifts(void **state)
{
    (void)state;
    assert_int_equal(each_line(&goldens[0], "table.sha256", check_row), 3);
    assert_int_equal(each_line(&goldens[1], "table.sha256", check_row), 2);
}

static void slots_shape_and_defaults_are_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        const struct golden *g = &goldens[i];
        const struct mc_head *head = mc_ring_head(g->ring);

        assert_int_equal(head->part_power, g->part_power);
        assert_int_equal(head->device_count, g->slots);
        assert_int_equal(head->next_part_power, 255);
        assert_int_equal(head->hash, MC_HASH_SWIFT_MD5);
        assert_false(head->secret_embedded);
        assert_int_equal(mc_ring_builder(g->ring)->min_move_seconds, 3600);
        assert_int_equal(mc_ring_builder(g->ring)->overload, 0);
    }
    assert_true(mc_ring_device(goldens[0].ring, 0)->removed);
    assert_true(mc_ring_device(goldens[0].ring, 11)->removed);
    assert_true(mc_ring_device(goldens[1].ring, 20)->removed);
}

static void devices_keep_what_swift_says_of_them(void **state)
{
    const struct mc_device *a = mc_ring_device(goldens[0].ring, 1);
    const struct mc_device *b = mc_ring_device(goldens[1].ring, 0);

    (void)state;
    assert_false(a->removed);
    assert_string_equal(a->name, "192.0.2.22:6200/sdb");
    assert_string_equal(a->host, "192.0.2.22");
    assert_string_equal(a->region, "1");
    assert_string_equal(a->zone, "1");
    assert_string_equal(a->device, "sdb");
    assert_string_equal(a->cluster, "");
    assert_string_equal(a->replication_host, "198.51.100.2");
    assert_int_equal(a->port, 6200);
    assert_int_equal(a->replication_port, 6300);
    assert_true(a->weight == 125000000u);
    assert_string_equal(a->weight_text, "125.0");
    assert_string_equal(a->meta, "rack 1; \"q\" \\ \xc3\xbc");
    assert_string_equal(b->name, "2001:db8:1:0::1:6200/nvme0n1");
    assert_string_equal(b->zone, "0");
    assert_true(b->weight == 333250000u);
    assert_string_equal(b->weight_text, "333.25");
    assert_true(mc_ring_device(goldens[1].ring, 7)->weight == 0);
}

static void swifts_own_counter_is_kept(void **state)
{
    static const char want[] = "{\"devs\":{},\"ring\":{\"version\":17}}";
    struct mc_bytes text = {NULL, 0};

    (void)state;
    assert_true(mc_extra_find(mc_ring_extra(goldens[0].ring), MC_EXTRA_SWIFT, &text));
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.ptr, want, text.len);
}

static void another_secret_is_an_error_not_a_wrong_answer(void **state)
{
    const struct mc_key key = {{(const uint8_t *)"a", 1}, {NULL, 0}, {NULL, 0}};
    const struct mc_secret none = {{NULL, 0}, {NULL, 0}};
    uint32_t part = 77;

    (void)state;
    assert_int_equal(mc_lookup_part(goldens[0].ring, &goldens[1].secret, &key, &part),
                     MCOS_E_SECRET);
    assert_int_equal(mc_lookup_part(goldens[0].ring, NULL, &key, &part), MCOS_E_SECRET);
    assert_int_equal(mc_lookup_part(goldens[0].ring, &none, &key, &part),
                     MCOS_E_SECRET);
    assert_int_equal(part, 77);
}

static void a_ring_that_came_without_its_secret_takes_any_but_none(void **state)
{
    const struct mc_key key = {{(const uint8_t *)"a", 1}, {NULL, 0}, {NULL, 0}};
    const struct mc_secret none = {{NULL, 0}, {NULL, 0}};
    struct mc_ring *ring = NULL;
    uint32_t a;
    uint32_t b;

    (void)state;
    assert_int_equal(
        ringload_swift(path_of(&goldens[0], "object.ring.gz"), NULL, &ring, NULL), 0);
    assert_int_equal(mc_lookup_part(ring, &goldens[0].secret, &key, &a), 0);
    assert_int_equal(mc_lookup_part(goldens[0].ring, &goldens[0].secret, &key, &b), 0);
    assert_int_equal(a, b);
    assert_int_equal(mc_lookup_part(ring, NULL, &key, &a), MCOS_E_SECRET);
    assert_int_equal(mc_lookup_part(ring, &none, &key, &a), MCOS_E_SECRET);
    mc_ring_unref(ring);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(names_have_swifts_partition_primaries_and_handoffs),
        cmocka_unit_test(a_batch_has_swifts_partitions_and_primaries),
        cmocka_unit_test(the_full_handoff_order_is_swifts),
        cmocka_unit_test(every_row_of_the_table_is_swifts),
        cmocka_unit_test(slots_shape_and_defaults_are_as_documented),
        cmocka_unit_test(devices_keep_what_swift_says_of_them),
        cmocka_unit_test(swifts_own_counter_is_kept),
        cmocka_unit_test(another_secret_is_an_error_not_a_wrong_answer),
        cmocka_unit_test(a_ring_that_came_without_its_secret_takes_any_but_none),
    };

    return cmocka_run_group_tests(cases, open_goldens, close_goldens);
}
