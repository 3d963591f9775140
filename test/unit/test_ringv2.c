/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 2 of Swift's format. Files that Swift's own newest builder wrote give the
 * same record as their twins of version 1; each way such a file can be wrong is made
 * by hand and refused with its code and place.
 */
#define ZLIB_CONST /* zlib promises not to write to its input */

#include "adapter/swift/ringgz.h"
#include "ring/extra.h"
#include "ringload.h"
#include "ringv2make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define DEV0                                                                           \
    "{\"device\": \"sda\", \"id\": 0, \"ip\": \"10.0.0.1\", \"port\": 6200, "          \
    "\"region\": 1, \"weight\": 1.5, \"zone\": 2}"
#define DEV2                                                                           \
    "{\"device\": \"sdb\", \"id\": 2, \"ip\": \"10.0.0.2\", \"port\": 6200, "          \
    "\"region\": 1, \"weight\": 100.0, \"zone\": 2}"
#define DEVICES "[" DEV0 ", null, " DEV2 "]"
/* 2 partitions */
#define METADATA "{\"dev_id_bytes\": 2, \"part_shift\": 31, \"version\": 5}"

static const uint8_t rows_02_20[] = {0, 0, 0, 2, 0, 2, 0, 0};

struct world {
    struct mc_draft draft;
    struct mc_buf extra;
    struct mcos_diag diag;
    int err;
};

static struct mc_bytes text(const char *s)
{
    return (struct mc_bytes){(const uint8_t *)s, strlen(s)};
}

static struct ringv2make good(void)
{
    return (struct ringv2make){.metadata = text(METADATA),
                               .devices = text(DEVICES),
                               .table = {rows_02_20, sizeof(rows_02_20)}};
}

static void begin(struct world *w)
{
    *w = (struct world){.diag = {.offset = -1}};
    mc_draft_init(&w->draft);
}

static void end(struct world *w)
{
    mc_draft_fini(&w->draft);
    mc_buf_fini(&w->extra);
}

static void read_plain(struct world *w, const uint8_t *ptr, size_t len)
{
    begin(w);
    w->err = mc_ringgz_decode_plain((struct mc_bytes){ptr, len}, NULL, &w->draft,
                                    &w->extra, &w->diag);
}

static void read_parts(struct world *w, const struct ringv2make *parts)
{
    struct mc_buf b = {0};

    ringv2make(&b, parts);
    read_plain(w, b.ptr, b.len);
    mc_buf_fini(&b);
}

static void want(const struct ringv2make *parts, int err, const char *field)
{
    struct world w;

    read_parts(&w, parts);
    if (w.err != err || strcmp(w.diag.field, field) != 0)
        print_message("%d, not %d: %s: %s\n", w.err, err, w.diag.field, w.diag.text);
    assert_int_equal(w.err, err);
    assert_string_equal(w.diag.field, field);
    end(&w);
}

/* ---- Swift's own ---- */

static const char *path_of(const char *name, const char *file)
{
    static char path[4096];
    const char *source = getenv("MCOS_SOURCE");

    (void)snprintf(path, sizeof(path), "%s/test/data/swift/%s/%s",
                   source == NULL ? "." : source, name, file);
    return path;
}

static void both_versions_of_swifts_rings_give_one_record(void **state)
{
    static const char *const names[] = {"g1", "g2"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mc_ring *one = NULL;
        struct mc_ring *two = NULL;
        struct mcos_diag diag;

        assert_int_equal(
            ringload_swift(path_of(names[i], "object.ring.gz"), NULL, &one, &diag), 0);
        assert_int_equal(
            ringload_swift(path_of(names[i], "object.v2.ring.gz"), NULL, &two, &diag),
            0);
        assert_memory_equal(mc_ring_head(one)->digest, mc_ring_head(two)->digest,
                            MC_DIGEST_BYTES);
        mc_ring_unref(one);
        mc_ring_unref(two);
    }
}

static void every_byte_of_swifts_sections_is_under_a_checksum(void **state)
{
    struct mc_buf gz = {0};
    struct mc_buf plain = {.len = 0};
    z_stream z = {.avail_in = 0};
    struct world w;

    (void)state;
    assert_int_equal(ringload_file(path_of("g1", "object.v2.ring.gz"), &gz), 0);
    assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
    assert_non_null(mc_buf_reserve(&plain, 1u << 16));
    z.next_in = gz.ptr;
    z.avail_in = (uInt)gz.len;
    z.next_out = plain.ptr;
    z.avail_out = 1u << 16;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    plain.len = z.total_out;
    (void)inflateEnd(&z);
    read_plain(&w, plain.ptr, plain.len);
    assert_int_equal(w.err, 0);
    end(&w);
    /* 6: the magic; 3444: where the index begins, as test/data/swift says. */
    for (size_t i = 6; i < 3444; i++) {
        plain.ptr[i] ^= 1;
        read_plain(&w, plain.ptr, plain.len);
        /* A length is looked at before its section can be. */
        if (w.err != MCOS_E_FORMAT && w.err != MCOS_E_TOOBIG)
            assert_int_equal(w.err, MCOS_E_DIGEST);
        end(&w);
        plain.ptr[i] ^= 1;
    }
    for (size_t n = 0; n < plain.len; n++) {
        read_plain(&w, plain.ptr, n);
        assert_int_not_equal(w.err, 0);
        end(&w);
    }
    mc_buf_fini(&gz);
    mc_buf_fini(&plain);
}

/* ---- by hand ---- */

static void a_small_ring_is_read(void **state)
{
    const struct ringv2make parts = good();
    const uint32_t table[] = {0, 2, 2, 0};
    struct mc_bytes kept;
    struct world w;

    (void)state;
    read_parts(&w, &parts);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.head.part_power, 1);
    assert_int_equal(w.draft.head.assignments, 4);
    assert_int_equal(w.draft.device_count, 3);
    assert_true(w.draft.devices[1].removed);
    assert_int_equal(w.draft.devices[2].weight, 100000000);
    assert_memory_equal(w.draft.table, table, sizeof(table));
    assert_true(mc_extra_find(w.draft.extra, MC_EXTRA_SWIFT, &kept));
    assert_int_equal(kept.len, strlen("{\"devs\":{},\"ring\":{\"version\":5}}"));
    end(&w);
}

static void each_checksum_that_swift_knows_is_computed(void **state)
{
    static const char *const methods[] = {"md5", "sha1", "sha256", "sha512"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct ringv2make parts = good();

        parts.method = methods[i];
        want(&parts, 0, "");
        parts.from = "\"]";
        parts.to = "0\"]"; /* a digit more */
        want(&parts, MCOS_E_FORMAT, "swift/ring/metadata");
    }
}

static void ids_have_two_four_or_eight_bytes(void **state)
{
    static const unsigned widths[] = {2, 4, 8};
    static const uint8_t ids[] = {0, 2, 2, 0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct ringv2make parts = good();
        struct mc_buf rows = {0};
        char metadata[128];
        struct world w;

        for (size_t k = 0; k < 4; k++) {
            mc_buf_zero(&rows, widths[i] - 1);
            mc_buf_u8(&rows, ids[k]);
        }
        (void)snprintf(metadata, sizeof(metadata),
                       "{\"dev_id_bytes\": %u, \"part_shift\": 31}", widths[i]);
        parts.metadata = text(metadata);
        parts.table = (struct mc_bytes){rows.ptr, rows.len};
        read_parts(&w, &parts);
        assert_int_equal(w.err, 0);
        assert_int_equal(w.draft.table[1], 2);
        /* A width that is not the usual one is kept. */
        assert_int_equal(w.draft.extra.len != 0, widths[i] != 2);
        end(&w);
        rows.ptr[0] = 0x80; /* far beyond all devices, also of 32 bits */
        want(&parts, MCOS_E_DEVICE, "/devs");
        mc_buf_fini(&rows);
    }
}

static void the_last_row_ends_where_the_table_does(void **state)
{
    struct ringv2make parts = good();
    struct world w;

    (void)state;
    parts.table.len = 6;
    read_parts(&w, &parts);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.head.assignments, 3);
    assert_int_equal(w.draft.table[3], MC_DEVICE_NONE);
    end(&w);
    parts.metadata = text("{\"dev_id_bytes\": 2, \"part_shift\": 31, "
                          "\"replica_count\": 1.5, \"next_part_power\": 2}");
    read_parts(&w, &parts);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.head.next_part_power, 2);
    end(&w);
    parts.table.len = 8;
    want(&parts, MCOS_E_FORMAT, "/replica_count");
    parts.table.len = 7;
    want(&parts, MCOS_E_FORMAT, "swift/ring/assignments");
    parts.table.len = 0;
    want(&parts, MCOS_E_FORMAT, "swift/ring/assignments");
    parts.metadata = text(METADATA);
    parts.table.len = 2; /* not even one whole row */
    want(&parts, MCOS_E_FORMAT, "swift/ring/assignments");
}

struct bad {
    const char *text;
    int err;
    const char *field;
};

static void bad_metadata_is_refused_with_its_place(void **state)
{
    static const struct bad table[] = {
        {"", MCOS_E_JSON, ""},
        {"[]", MCOS_E_JSON, ""},
        {"{}", MCOS_E_FIELD, ""},
        {"{\"part_shift\": 31}", MCOS_E_FIELD, ""},
        {"{\"dev_id_bytes\": 2}", MCOS_E_FIELD, ""},
        {"{\"dev_id_bytes\": 3, \"part_shift\": 31}", MCOS_E_VALUE, "/dev_id_bytes"},
        {"{\"dev_id_bytes\": 0, \"part_shift\": 31}", MCOS_E_VALUE, "/dev_id_bytes"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 7}", MCOS_E_PARTPOWER, "/part_shift"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 33}", MCOS_E_VALUE, "/part_shift"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 31, \"replica_count\": 0}",
         MCOS_E_VALUE, "/replica_count"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 31, \"replica_count\": \"2\"}",
         MCOS_E_VALUE, "/replica_count"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 31, \"replica_count\": 3}",
         MCOS_E_FORMAT, "/replica_count"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 31, \"replica_count\": 1e300}",
         MCOS_E_FORMAT, "/replica_count"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 31, \"next_part_power\": 3}",
         MCOS_E_VALUE, "/next_part_power"},
        {"{\"dev_id_bytes\": 2, \"part_shift\": 31, \"a\": [[[[[[[[[[[[[[[[1]]]]]]]]]]]"
         "]]]]]}",
         MCOS_E_JSON, "/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ringv2make parts = good();

        parts.metadata = text(table[i].text);
        want(&parts, table[i].err, table[i].field);
    }
}

static void bad_lists_of_devices_are_refused_with_their_place(void **state)
{
    static const struct bad table[] = {
        {"", MCOS_E_JSON, "/devs"},
        {"{}", MCOS_E_JSON, "/devs"},
        {"[", MCOS_E_JSON, "/devs"},
        {"[,]", MCOS_E_JSON, "/devs"},
        {"[1]", MCOS_E_JSON, "/devs"},
        {"[nul]", MCOS_E_JSON, "/devs"},
        {"[" DEV0 ", null " DEV2 "]", MCOS_E_JSON, "/devs"},
        {"[" DEV0 ", null, " DEV2 ",]", MCOS_E_JSON, "/devs"},
        {"[" DEV0 ", null, " DEV2 "", MCOS_E_JSON, "/devs"},
        {"[" DEV0 ", null, " DEV2 "] x", MCOS_E_JSON, "/devs"},
        {"[" DEV0 ", null, {\"id\": 2, \"id\": 2}]", MCOS_E_JSON, "/devs/2/id"},
        {"[" DEV0 ", null, {\"id\": 2", MCOS_E_JSON, "/devs/2/id"},
        {"[" DEV0 ", " DEV2 "]", MCOS_E_DEVICE, "/devs/1/id"},
        {"[" DEV0 ", null, {\"id\": 2}]", MCOS_E_FIELD, "/devs/2"},
        {"[" DEV0 ", {\"a\": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}]", MCOS_E_JSON,
         "/devs/1/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0"},
        {"[]", MCOS_E_DEVICE, "/replica_count"},
        {"[null, " DEV2, MCOS_E_DEVICE, "/devs/1/id"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ringv2make parts = good();

        parts.devices = text(table[i].text);
        want(&parts, table[i].err, table[i].field);
    }
}

static void unknown_keys_are_kept_up_to_their_bound(void **state)
{
    static const char want_kept[] =
        "\"devs\":{\"2\":{\"x\":{\"a\":\"\xc3\xbc\",\"b\":1.5}}}";
    struct ringv2make parts = good();
    struct mc_buf devices = {0};
    struct world w;

    (void)state;
    parts.devices = text("[" DEV0 ", null, {\"device\": \"b\", \"ip\": \"h\", \"x\": {"
                         "\"b\": 1.50, \"a\": \"\\u00fc\"}, \"port\": 1, \"zone\": 1, "
                         "\"weight\": 0}]");
    read_parts(&w, &parts);
    assert_int_equal(w.err, 0);
    assert_non_null(
        memmem(w.draft.extra.ptr, w.draft.extra.len, want_kept, sizeof(want_kept) - 1));
    end(&w);
    /* More than can be kept, a little on each of many devices. */
    mc_buf_put(&devices, "[", 1);
    for (unsigned i = 0; i < 1200; i++) {
        char one[1200];

        (void)snprintf(one, sizeof(one),
                       "%s{\"device\": \"d%u\", \"ip\": \"h\", \"x\": \"%01000d\", "
                       "\"port\": 1, \"zone\": 1, \"weight\": 1}",
                       i > 0 ? "," : "", i, 7);
        mc_buf_put(&devices, one, strlen(one));
    }
    mc_buf_put(&devices, "]", 1);
    parts.devices = (struct mc_bytes){devices.ptr, devices.len};
    read_parts(&w, &parts);
    assert_int_equal(w.err, MCOS_E_TOOBIG);
    /* Where it became too much, not when all of it was in memory. */
    assert_memory_equal(w.diag.field, "/devs/10", 8);
    end(&w);
    mc_buf_fini(&devices);
}

static void a_device_has_so_many_values_and_no_more(void **state)
{
    struct ringv2make parts = good();
    struct mc_buf devices = {0};

    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        /* the object, seven keys, and a list of the rest */
        const unsigned commas = MC_RINGGZ_ONE_VALUES_MAX - 1 - 7 - 1 + more;

        mc_buf_clear(&devices);
        mc_buf_put(&devices, "[" DEV0 ",null,", strlen("[" DEV0 ",null,"));
        mc_buf_put(&devices, DEV2, strlen(DEV2) - 1);
        mc_buf_put(&devices, ",\"x\":[0", 7);
        for (unsigned i = 0; i < commas; i++)
            mc_buf_put(&devices, ",0", 2);
        mc_buf_put(&devices, "]}]", 3);
        parts.devices = (struct mc_bytes){devices.ptr, devices.len};
        want(&parts, more == 0 ? 0 : MCOS_E_TOOBIG, more == 0 ? "" : "/devs/2/x");
    }
    mc_buf_fini(&devices);
}

struct edit {
    const char *from;
    const char *to;
    int err;
    const char *field;
};

static void a_bad_index_is_refused(void **state)
{
    static const struct edit table[] = {
        {"swift/ring/metadata", "swift/ring/other", MCOS_E_FORMAT,
         "swift/ring/metadata"},
        {"swift/ring/devices", "swift/ring/metadata", MCOS_E_JSON, ""},
        {"sha256", "crc32", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"\"sha256\"", "null", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"\"sha256\"", "1", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"[0, 6, ", "[0, 6, 1, ", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"[0, 6, ", "[0, -6, ", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"[0, 6, ", "[0, 6.5, ", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"[0, 6, 0, ", "[0, 6, 0, \"a\", ", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"[0, 6, 0, ", "[0, 6, 0, 1", MCOS_E_FORMAT, "swift/ring/metadata"},
        {"[0, 6, ", "[0, 9223372036854775807, ", MCOS_E_FORMAT, ""},
        {"{", "[", MCOS_E_JSON, ""},
        {"{", "{{", MCOS_E_JSON, ""},
        {"[0, 6, ", "[[[[]]], 6, ", MCOS_E_JSON, "/swift~1ring~1metadata/0/0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct ringv2make parts = good();

        parts.from = table[i].from;
        parts.to = table[i].to;
        want(&parts, table[i].err, table[i].field);
    }
    for (int64_t off = -60; off <= 60; off++) {
        struct ringv2make parts = good();

        parts.off = off;
        want(&parts, off == 0 ? 0 : MCOS_E_FORMAT, "");
    }
}

/* An end that is not said, places in the compressed file that are wrong, sections that
 * nobody knows: all that is legal. */
static void what_swift_leaves_open_is_open(void **state)
{
    struct ringv2make parts = good();
    char from[64];

    (void)state;
    (void)snprintf(from, sizeof(from), "[0, 6, 0, %zu, ", 6 + 8 + strlen(METADATA));
    parts.from = from;
    parts.to = "[99, 6, null, null, ";
    want(&parts, 0, "");
    parts.from = "{";
    parts.to = "{\"acme/notes\": [0, 0, 0, 0, \"crc\", \"\"], ";
    want(&parts, 0, "");
}

static void what_has_its_checksum_is_told_from_what_has_not(void **state)
{
    static const uint8_t wrong[] = {0, 0, 0, 1, 0, 2, 0, 0}; /* a removed device */
    struct ringv2make parts = good();
    struct mc_buf b = {0};
    struct world w;

    (void)state;
    parts.table.ptr = wrong;
    want(&parts, MCOS_E_DEVICE, "/devs");
    parts = good();
    ringv2make(&b, &parts);
    /* The same wrong id, but nobody meant it. */
    b.ptr[6 + 8 + strlen(METADATA) + 8 + strlen(DEVICES) + 8 + 3] = 1;
    read_plain(&w, b.ptr, b.len);
    assert_int_equal(w.err, MCOS_E_DIGEST);
    assert_string_equal(w.diag.field, "swift/ring/assignments");
    end(&w);
    mc_buf_fini(&b);
}

static void seventy_thousand_slots_are_read(void **state)
{
    struct ringv2make parts = good();
    struct mc_buf devices = {0};
    const uint8_t rows[] = {0, 1, 0x11, 0x6f, 0, 0, 0xff, 0xff}; /* 69999, 65535 */
    struct world w;

    (void)state;
    mc_buf_put(&devices, "[", 1);
    for (unsigned i = 0; i < 70000; i++) {
        char one[128];

        (void)snprintf(one, sizeof(one),
                       "%s{\"device\": \"d%u\", \"ip\": \"h\", \"port\": 1, \"zone\": "
                       "1, \"weight\": 1}",
                       i > 0 ? ", " : "", i);
        mc_buf_put(&devices, one, strlen(one));
    }
    mc_buf_put(&devices, "]", 1);
    parts.metadata = text("{\"dev_id_bytes\": 4, \"part_shift\": 31}");
    parts.devices = (struct mc_bytes){devices.ptr, devices.len};
    parts.table = (struct mc_bytes){rows, sizeof(rows)};
    read_parts(&w, &parts);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.device_count, 70000);
    assert_int_equal(w.draft.table[0], 69999);
    assert_int_equal(w.draft.table[1], 65535);
    assert_int_equal(w.draft.extra.len, 0); /* four bytes are what we would choose */
    end(&w);
    mc_buf_fini(&devices);
}

/* What follows is compressed as a whole, as gzip would: Swift refuses that. */
static void a_file_that_was_compressed_anew_is_read(void **state)
{
    struct ringv2make parts = good();
    struct mc_buf plain = {0};
    struct mc_buf gz = {0};
    z_stream z = {.avail_in = 0};
    struct world w;

    (void)state;
    ringv2make(&plain, &parts);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
    z.next_in = plain.ptr;
    z.avail_in = (uInt)plain.len;
    z.next_out = mc_buf_reserve(&gz, 4096);
    z.avail_out = 4096;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    gz.len -= z.avail_out;
    (void)deflateEnd(&z);
    for (size_t n = 0; n <= gz.len; n++) {
        begin(&w);
        w.err = mc_ringgz_decode((struct mc_bytes){gz.ptr, n}, NULL, &w.draft, &w.extra,
                                 &w.diag);
        assert_int_equal(w.err, n < gz.len ? MCOS_E_FORMAT : 0);
        end(&w);
    }
    mc_buf_fini(&plain);
    mc_buf_fini(&gz);
}

static void a_bomb_is_refused_by_its_bound(void **state)
{
    const uint64_t zeros = (uint64_t)MC_INFLATED_BYTES_MAX + 1;
    struct mc_buf gz = {0};
    uint8_t chunk[65536] = "R1NG\0\2";
    z_stream z = {.avail_in = 0};
    struct world w;

    (void)state;
    assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
    z.next_out = mc_buf_reserve(&gz, 8u << 20);
    z.avail_out = 8u << 20;
    for (uint64_t done = 0; done < zeros; done += sizeof(chunk)) {
        z.next_in = chunk;
        z.avail_in = sizeof(chunk);
        assert_int_equal(deflate(&z, Z_NO_FLUSH), Z_OK);
        memset(chunk, 0, sizeof(chunk));
    }
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    gz.len -= z.avail_out;
    (void)deflateEnd(&z);
    begin(&w);
    w.err = mc_ringgz_decode((struct mc_bytes){gz.ptr, gz.len}, NULL, &w.draft,
                             &w.extra, &w.diag);
    assert_int_equal(w.err, MCOS_E_TOOBIG);
    end(&w);
    mc_buf_fini(&gz);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(both_versions_of_swifts_rings_give_one_record),
        cmocka_unit_test(every_byte_of_swifts_sections_is_under_a_checksum),
        cmocka_unit_test(a_small_ring_is_read),
        cmocka_unit_test(each_checksum_that_swift_knows_is_computed),
        cmocka_unit_test(ids_have_two_four_or_eight_bytes),
        cmocka_unit_test(the_last_row_ends_where_the_table_does),
        cmocka_unit_test(bad_metadata_is_refused_with_its_place),
        cmocka_unit_test(bad_lists_of_devices_are_refused_with_their_place),
        cmocka_unit_test(unknown_keys_are_kept_up_to_their_bound),
        cmocka_unit_test(a_device_has_so_many_values_and_no_more),
        cmocka_unit_test(a_bad_index_is_refused),
        cmocka_unit_test(what_swift_leaves_open_is_open),
        cmocka_unit_test(what_has_its_checksum_is_told_from_what_has_not),
        cmocka_unit_test(seventy_thousand_slots_are_read),
        cmocka_unit_test(a_file_that_was_compressed_anew_is_read),
        cmocka_unit_test(a_bomb_is_refused_by_its_bound),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
