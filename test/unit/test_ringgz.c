/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring file comes from outside. Here each way it can be wrong is made by hand,
 * one at a time, and must be refused with the code and the place that an operator
 * needs; and the legal oddities (short last row, big-endian, old files) are read.
 */
#define ZLIB_CONST /* zlib promises not to write to its input */

#include "adapter/swift/ringgz.h"

#include "ring/extra.h"

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
#define DEV1                                                                           \
    "{\"device\": \"sdb\", \"id\": 1, \"ip\": \"10.0.0.2\", \"port\": 6200, "          \
    "\"region\": 1, \"weight\": 100.0, \"zone\": 2}"
#define RING(devs, rest) "{\"devs\": [" devs "], " rest "}"
/* 2 partitions, 2 rows, devices 0 and 1 */
#define SHAPE "\"part_shift\": 31, \"replica_count\": 2"
#define GOOD  RING(DEV0 ", " DEV1, SHAPE)

static const uint8_t rows_01_10[] = {0, 0, 1, 0, 1, 0, 0, 0};

struct world {
    struct mc_draft draft;
    struct mc_buf extra;
    struct mcos_diag diag;
    int err;
};

/* R1NG, version, length of the JSON, JSON, rows. */
static void put_ring(struct mc_buf *b, const char *json, const uint8_t *rows, size_t n)
{
    const uint32_t len = (uint32_t)strlen(json);
    const uint8_t head[] = {'R',
                            '1',
                            'N',
                            'G',
                            0,
                            1,
                            (uint8_t)(len >> 24),
                            (uint8_t)(len >> 16),
                            (uint8_t)(len >> 8),
                            (uint8_t)len};

    mc_buf_put(b, head, sizeof(head));
    mc_buf_put(b, json, len);
    mc_buf_put(b, rows, n);
}

static void put_gzip(struct mc_buf *b, const uint8_t *plain, size_t n)
{
    z_stream z = {.next_in = (z_const Bytef *)plain, .avail_in = (uInt)n};
    size_t cap;

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
    cap = deflateBound(&z, n) + 64;
    z.next_out = mc_buf_reserve(b, cap);
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    b->len -= z.avail_out;
    (void)deflateEnd(&z);
}

static void begin(struct world *w)
{
    *w = (struct world){.err = 0};
    mc_draft_init(&w->draft);
}

static void end(struct world *w)
{
    mc_draft_fini(&w->draft);
    mc_buf_fini(&w->extra);
}

static void read_plain(struct world *w, struct mc_buf *b)
{
    begin(w);
    w->err = mc_ringgz_decode_plain((struct mc_bytes){b->ptr, b->len}, NULL, &w->draft,
                                    &w->extra, &w->diag);
    mc_buf_fini(b);
}

static void read_json(struct world *w, const char *json, const uint8_t *rows, size_t n)
{
    struct mc_buf b = {0};

    put_ring(&b, json, rows, n);
    read_plain(w, &b);
}

static void read_gzip(struct world *w, const uint8_t *gz, size_t n)
{
    begin(w);
    w->err = mc_ringgz_decode((struct mc_bytes){gz, n}, NULL, &w->draft, &w->extra,
                              &w->diag);
}

static void a_small_ring_is_read(void **state)
{
    struct world w;

    (void)state;
    read_json(&w, GOOD, rows_01_10, 8);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.head.part_power, 1);
    assert_int_equal(w.draft.head.assignments, 4);
    assert_int_equal(w.draft.device_count, 2);
    assert_int_equal(w.draft.table[0], 0); /* partition-major */
    assert_int_equal(w.draft.table[1], 1);
    assert_int_equal(w.draft.table[2], 1);
    assert_int_equal(w.draft.table[3], 0);
    assert_string_equal(w.draft.devices[0].replication_host, "");
    assert_int_equal(w.draft.extra.len, 0);
    end(&w);
}

static void ids_are_read_in_the_order_of_bytes_that_is_named(void **state)
{
    const uint8_t big[] = {0, 0, 0, 1, 0, 1, 0, 0};
    struct world w;

    (void)state;
    read_json(&w, RING(DEV0 ", " DEV1, SHAPE ", \"byteorder\": \"big\""), big, 8);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.table[1], 1);
    end(&w);
    read_json(&w, RING(DEV0 ", " DEV1, SHAPE ", \"byteorder\": \"odd\""), big, 8);
    assert_int_equal(w.err, MCOS_E_VALUE);
    assert_string_equal(w.diag.field, "/byteorder");
    end(&w);
}

static void the_last_row_may_be_short_or_empty(void **state)
{
    struct world w;

    (void)state;
    read_json(&w, GOOD, rows_01_10, 6);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.head.assignments, 3);
    assert_int_equal(w.draft.table[1], 1);
    assert_int_equal(w.draft.table[3], MC_DEVICE_NONE);
    end(&w);
    read_json(&w, GOOD, rows_01_10, 4);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.draft.head.assignments, 2);
    assert_int_equal(w.draft.table[0], 0); /* one id per partition is left */
    assert_int_equal(w.draft.table[1], 1);
    end(&w);
}

static void rows_that_are_cut_or_too_many_are_refused(void **state)
{
    const uint8_t more[9] = {0, 0, 1, 0, 1, 0, 0, 0, 0};
    const size_t wrong[] = {0, 1, 2, 3, 5, 7, 9};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct world w;

        read_json(&w, GOOD, more, wrong[i]);
        assert_int_equal(w.err, MCOS_E_FORMAT);
        assert_true(w.diag.text[0] != '\0');
        end(&w);
    }
}

static void ids_that_are_not_there_are_refused_with_their_partition(void **state)
{
    const uint8_t beyond[] = {0, 0, 1, 0, 1, 0, 2, 0};
    const uint8_t none[] = {0, 0, 1, 0, 1, 0, 0xff, 0xff};
    const uint8_t twice[] = {0, 0, 1, 0, 1, 0, 1, 0};
    struct world w;

    (void)state;
    read_json(&w, GOOD, beyond, 8);
    assert_int_equal(w.err, MCOS_E_DEVICE);
    assert_non_null(strstr(w.diag.text, "partition 1 is on device 2"));
    assert_int_equal(w.diag.offset, 10 + strlen(GOOD) + 6); /* its own byte */
    end(&w);
    read_json(&w, GOOD, none, 8);
    assert_int_equal(w.err, MCOS_E_DEVICE);
    end(&w);
    read_json(&w, GOOD, twice, 8);
    assert_int_equal(w.err, MCOS_E_DEVICE);
    assert_non_null(strstr(w.diag.text, "partition 1 is on device 1 twice"));
    end(&w);
    read_json(&w, RING("null, " DEV1, SHAPE), rows_01_10, 8);
    assert_int_equal(w.err, MCOS_E_DEVICE);
    assert_non_null(strstr(w.diag.text, "partition 0 is on device 0"));
    end(&w);
}

static void more_replicas_than_devices_are_refused_before_memory_is_taken(void **state)
{
    struct world w;

    (void)state;
    read_json(&w, RING(DEV0, "\"part_shift\": 31, \"replica_count\": 3"), rows_01_10,
              8);
    assert_int_equal(w.err, MCOS_E_DEVICE);
    assert_string_equal(w.diag.field, "/replica_count");
    assert_null(w.draft.table);
    end(&w);
}

struct bad {
    const char *json;
    int err;
    const char *field;
};

static void bad_json_is_refused_with_its_place(void **state)
{
    static const struct bad table[] = {
        {"", MCOS_E_JSON, ""},
        {"[]", MCOS_E_JSON, ""},
        {"{}", MCOS_E_FIELD, ""},
        {"{\"devs\": []} x", MCOS_E_JSON, ""},
        {"{\"devs\": [],}", MCOS_E_JSON, ""},
        {"{\"devs\": [] \"a\": 1}", MCOS_E_JSON, "/devs"},
        {"{'devs': []}", MCOS_E_JSON, ""},
        {"{\"devs\": [1]}", MCOS_E_JSON, "/devs/0"},
        {"{\"devs\": [nul]}", MCOS_E_JSON, "/devs/0"},
        {"{\"devs\": [{}]}", MCOS_E_FIELD, "/devs/0"},
        {"{\"devs\": [], \"devs\": []}", MCOS_E_JSON, "/devs"},
        {"{\"x\": 1, \"\\u0078\": 2}", MCOS_E_JSON, "/\\u0078"},
        {"{\"x\": \"\\ud800\"}", MCOS_E_JSON, "/x"},
        {"{\"x\": \"\\q\"}", MCOS_E_JSON, "/x"},
        {"{\"x\": \"\xff\"}", MCOS_E_JSON, "/x"},
        {"{\"x\": \"\xc0\xaf\"}", MCOS_E_JSON, "/x"},
        {"{\"x\": \"\n\"}", MCOS_E_JSON, "/x"},
        {"{\"x\": \"", MCOS_E_JSON, "/x"},
        {"{\"x\": \"\\", MCOS_E_JSON, "/x"},
        {"{\"x\": NaN}", MCOS_E_JSON, "/x"},
        {"{\"x\": 01}", MCOS_E_JSON, "/x"},
        {"{\"x\": 1.}", MCOS_E_JSON, "/x"},
        {"{\"x\": 1e}", MCOS_E_JSON, "/x"},
        {"{\"x\": -}", MCOS_E_JSON, "/x"},
        {"{\"part_shift\": 33}", MCOS_E_VALUE, "/part_shift"},
        {"{\"part_shift\": -1}", MCOS_E_VALUE, "/part_shift"},
        {"{\"part_shift\": 8.0}", MCOS_E_VALUE, "/part_shift"},
        {"{\"part_shift\": 7}", MCOS_E_PARTPOWER, "/part_shift"},
        {"{\"replica_count\": 0}", MCOS_E_VALUE, "/replica_count"},
        {"{\"replica_count\": 17}", MCOS_E_VALUE, "/replica_count"},
        {"{\"replica_count\": 99999999999999999999}", MCOS_E_VALUE, "/replica_count"},
        {RING(DEV1, SHAPE), MCOS_E_DEVICE, "/devs/0/id"},
        {RING("{\"weight\": -1}", SHAPE), MCOS_E_WEIGHT, "/devs/0/weight"},
        {RING("{\"weight\": 1e10}", SHAPE), MCOS_E_WEIGHT, "/devs/0/weight"},
        {RING("{\"weight\": NaN}", SHAPE), MCOS_E_JSON, "/devs/0/weight"},
        {RING("{\"weight\": \"1\"}", SHAPE), MCOS_E_JSON, "/devs/0/weight"},
        {RING("{\"port\": 65536}", SHAPE), MCOS_E_VALUE, "/devs/0/port"},
        {RING("{\"ip\": \"a\\u0000b\"}", SHAPE), MCOS_E_VALUE, "/devs/0/ip"},
        {RING("{\"ip\": 1}", SHAPE), MCOS_E_JSON, "/devs/0/ip"},
        {RING("{\"zone\": 1, \"zone\": 1}", SHAPE), MCOS_E_JSON, "/devs/0/zone"},
        {RING(DEV0, SHAPE ", \"next_part_power\": 3"), MCOS_E_VALUE,
         "/next_part_power"},
        {RING("{\"weight\": 1e999}", SHAPE), MCOS_E_VALUE, "/devs/0/weight"},
        {"{\"devs\": 1, " SHAPE "}", MCOS_E_JSON, "/devs"},
        {RING("{\"meta\": [[1]]}", SHAPE), MCOS_E_JSON, "/devs/0/meta"},
        {RING("{\"zone\": null}", SHAPE), MCOS_E_JSON, "/devs/0/zone"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct world w;

        read_json(&w, table[i].json, rows_01_10, 8);
        if (w.err != table[i].err || strcmp(w.diag.field, table[i].field) != 0)
            print_message("%s: %d at %s: %s\n", table[i].json, w.err, w.diag.field,
                          w.diag.text);
        assert_int_equal(w.err, table[i].err);
        assert_string_equal(w.diag.field, table[i].field);
        end(&w);
    }
}

/* A member "x" whose value is `depth` arrays, one in the other. */
static void read_nested(struct world *w, size_t depth)
{
    struct mc_buf json = {0};

    mc_buf_put(&json, "{\"x\": ", 6);
    memset(mc_buf_reserve(&json, depth), '[', depth);
    memset(mc_buf_reserve(&json, depth), ']', depth);
    mc_buf_put(&json, ", \"devs\": [" DEV0 ", " DEV1 "], " SHAPE "}",
               sizeof(", \"devs\": [" DEV0 ", " DEV1 "], " SHAPE "}"));
    read_json(w, (const char *)json.ptr, rows_01_10, 8);
    mc_buf_fini(&json);
}

static void depth_is_bounded(void **state)
{
    struct world w;

    (void)state;
    read_nested(&w, MC_RINGGZ_DEPTH_MAX - 1); /* and the ring's object */
    assert_int_equal(w.err, 0);
    end(&w);
    read_nested(&w, MC_RINGGZ_DEPTH_MAX);
    assert_int_equal(w.err, MCOS_E_JSON);
    assert_memory_equal(w.diag.field, "/x/0/0", 6);
    end(&w);
    read_nested(&w, 1000000);
    assert_int_equal(w.err, MCOS_E_JSON);
    end(&w);
}

/* `first` and then `more` again and again, `count` values in all, as the devices. */
static void read_many(struct world *w, const char *first, const char *more,
                      unsigned count)
{
    struct mc_buf json = {0};

    mc_buf_put(&json, "{\"devs\": [", 10);
    mc_buf_put(&json, first, strlen(first));
    for (unsigned i = 1; i < count; i++)
        mc_buf_put(&json, more, strlen(more));
    mc_buf_put(&json, "], " SHAPE "}", sizeof("], " SHAPE "}"));
    read_json(w, (const char *)json.ptr, rows_01_10, 8);
    mc_buf_fini(&json);
}

static void slots_are_bounded_by_the_ids_that_exist(void **state)
{
    struct world w;

    (void)state;
    read_many(&w, "null", ",null", 65535);
    assert_int_equal(w.err, MCOS_E_DEVICE); /* none of them is there */
    assert_int_equal(w.draft.device_count, 65535);
    end(&w);
    read_many(&w, "null", ",null", 65536);
    assert_int_equal(w.err, MCOS_E_TOOBIG);
    assert_string_equal(w.diag.field, "/devs");
    assert_null(w.draft.devices);
    end(&w);
}

/* A tree of them would take a hundred times their text; they are counted before. */
static void more_values_than_a_ring_has_are_refused(void **state)
{
    struct world w;

    (void)state;
    read_many(&w, "[]", ",[]", 12u << 20);
    assert_int_equal(w.err, MCOS_E_TOOBIG);
    assert_non_null(strstr(w.diag.text, "values"));
    end(&w);
}

static void as_many_devices_as_there_are_ids_with_sixteen_keys_are_read(void **state)
{
    static const char device[] =
        ", {\"device\": \"d\", \"ip\": \"h\", \"port\": 1, \"weight\": 100.0, "
        "\"zone\": 0, \"region\": 1, \"meta\": \"\", \"replication_ip\": \"h\", "
        "\"replication_port\": 1, \"a\": 1, \"b\": 1, \"c\": 1, \"d\": 1, \"e\": 1, "
        "\"f\": 1, \"g\": 1}";
    struct world w;

    (void)state;
    /* The kept keys of so many are too much, and that is found in the end. */
    read_many(&w, device + 2, device, 65535);
    assert_int_equal(w.err, MCOS_E_TOOBIG);
    assert_non_null(strstr(w.diag.text, "unknown keys"));
    assert_int_equal(w.draft.device_count, 65535);
    assert_string_equal(w.draft.devices[65534].weight_text, "100.0");
    end(&w);
}

static void texts_are_bounded_in_bytes(void **state)
{
    char text[300];
    char json[1024];
    struct world w;

    (void)state;
    for (int n = 255; n <= 256; n++) {
        memset(text, 'x', (size_t)n);
        text[n] = '\0';
        snprintf(json, sizeof(json), "{\"devs\": [{\"ip\": \"%s\"}]}", text);
        read_json(&w, json, NULL, 0);
        assert_int_equal(w.err, n == 255 ? MCOS_E_FIELD : MCOS_E_TOOBIG);
        end(&w);
    }
}

static void unknown_keys_are_kept_in_one_way_of_writing(void **state)
{
    static const char want[] = "{\"devs\":{\"1\":{\"x\":100.0,\"y\":null}},"
                               "\"ring\":{\"ab\":[1.5,{},\"\\u0000\"],\"version\":7}}";
    struct mc_bytes text = {NULL, 0};
    struct world w;

    (void)state;
    read_json(&w,
              RING(DEV0 ", {\"x\": 1e2, \"device\": \"b\", \"ip\": \"h\", \"port\": 1, "
                        "\"weight\": 0, \"zone\": 0, \"y\": null}",
                   SHAPE ", \"version\": 7, \"a\\u0062\": [1.50, {}, \"\\u0000\"]"),
              rows_01_10, 8);
    assert_int_equal(w.err, 0);
    assert_string_equal(w.draft.devices[1].region, "1"); /* an old file */
    assert_true(mc_extra_find(w.draft.extra, MC_EXTRA_SWIFT, &text));
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.ptr, want, text.len);
    end(&w);
}

static void escapes_and_surrogates_become_utf8(void **state)
{
    struct world w;

    (void)state;
    read_json(&w,
              RING("{\"device\": \"\\ud83d\\ude00\\/\\t\", \"ip\": \"\xc3\xa9\", "
                   "\"port\": 1, \"weight\": 0, \"zone\": 0, \"meta\": null}",
                   "\"part_shift\": 32, \"replica_count\": 1, \"next_part_power\": 1"),
              rows_01_10, 2);
    assert_int_equal(w.err, 0);
    assert_string_equal(w.draft.devices[0].device, "\xf0\x9f\x98\x80/\t");
    assert_string_equal(w.draft.devices[0].name, "\xc3\xa9:1/\xf0\x9f\x98\x80/\t");
    assert_int_equal(w.draft.head.part_power, 0);
    assert_int_equal(w.draft.head.next_part_power, 1);
    end(&w);
}

static void weights_are_exact_millionths_and_swifts_own_text(void **state)
{
    static const struct {
        const char *json;
        int err;
        uint64_t want;
        const char *text;
    } table[] = {
        {"0", 0, 0, "0"},
        {"-0.0", 0, 0, "-0.0"},
        {"0e999", 0, 0, "0.0"},
        {"1", 0, 1000000, "1"},
        {"100.0", 0, 100000000, "100.0"},
        {"100.00", 0, 100000000, "100.0"},
        {"333.25", 0, 333250000, "333.25"},
        {"0.30000000000000004", 0, 300000, "0.30000000000000004"},
        {"0.0000005", 0, 1, NULL}, /* not drained */
        {"1e-300", 0, 1, NULL},
        {"0.0000014", 0, 1, "1.4e-06"},
        {"0.0000015", 0, 2, "1.5e-06"},
        {"1e-05", 0, 10, "1e-05"},
        {"1.5E+2", 0, 150000000, "150.0"},
        {"1000000000", 0, MC_WEIGHT_MAX, "1000000000"},
        {"1e9", 0, MC_WEIGHT_MAX, "1000000000.0"},
        {"1000000000.000001", MCOS_E_WEIGHT, 0, NULL},
        {"1e10", MCOS_E_WEIGHT, 0, NULL},
        {"9223372036854775807", MCOS_E_WEIGHT, 0, NULL},
        {"-1e-9", MCOS_E_WEIGHT, 0, NULL},
        {"-1", MCOS_E_WEIGHT, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char json[512];
        struct world w;

        snprintf(json, sizeof(json),
                 RING("{\"device\": \"d\", \"ip\": \"h\", \"port\": 1, \"zone\": 0, "
                      "\"weight\": %s}, " DEV1,
                      SHAPE),
                 table[i].json);
        read_json(&w, json, rows_01_10, 8);
        if (w.err != table[i].err)
            print_message("%s: %d\n", table[i].json, w.err);
        assert_int_equal(w.err, table[i].err);
        if (w.err == 0)
            assert_true(w.draft.devices[0].weight == table[i].want);
        if (table[i].text != NULL)
            assert_string_equal(w.draft.devices[0].weight_text, table[i].text);
        end(&w);
    }
}

static void heads_of_no_version_that_is_known_are_refused(void **state)
{
    struct world w;
    struct mc_buf b = {0};

    (void)state;
    mc_buf_put(&b, "\x80\x02}q\x00(X\x04", 8); /* a pickle */
    read_plain(&w, &b);
    assert_int_equal(w.err, MCOS_E_FORMAT);
    end(&w);
    mc_buf_put(&b, "R1NG\0\3\0\0\0\0", 10);
    read_plain(&w, &b);
    assert_int_equal(w.err, MCOS_E_UPGRADE);
    end(&w);
    mc_buf_put(&b, "R1NG\0\1\0\0\0", 9);
    read_plain(&w, &b);
    assert_int_equal(w.err, MCOS_E_FORMAT);
    end(&w);
    mc_buf_put(&b, "R1NG\0\1\x04\0\0\1", 10); /* one byte of JSON too many */
    read_plain(&w, &b);
    assert_int_equal(w.err, MCOS_E_TOOBIG);
    end(&w);
}

static void a_gzip_file_cut_anywhere_or_followed_by_a_byte_is_refused(void **state)
{
    struct mc_buf plain = {0};
    struct mc_buf gz = {0};
    long long come = 0;
    struct world w;

    (void)state;
    put_ring(&plain, GOOD, rows_01_10, 8);
    put_gzip(&gz, plain.ptr, plain.len);
    read_gzip(&w, gz.ptr, gz.len);
    assert_int_equal(w.err, 0);
    end(&w);
    for (size_t n = 0; n < gz.len; n++) {
        read_gzip(&w, gz.ptr, n);
        assert_int_equal(w.err, MCOS_E_FORMAT);
        assert_true(w.diag.offset >= come); /* how far it came */
        come = w.diag.offset;
        end(&w);
    }
    assert_int_equal(come, plain.len);
    mc_buf_u8(&gz, 0);
    read_gzip(&w, gz.ptr, gz.len);
    assert_int_equal(w.err, MCOS_E_FORMAT);
    end(&w);
    mc_buf_fini(&plain);
    mc_buf_fini(&gz);
}

/* Compressed, the size of the rows is not known before they are read. */
static void only_the_last_of_compressed_rows_may_be_short(void **state)
{
    struct world w;

    (void)state;
    for (size_t n = 0; n <= 8; n++) {
        struct mc_buf plain = {0};
        struct mc_buf gz = {0};

        put_ring(&plain, GOOD, rows_01_10, n);
        put_gzip(&gz, plain.ptr, plain.len);
        read_gzip(&w, gz.ptr, gz.len);
        assert_int_equal(w.err, n >= 4 && n % 2 == 0 ? 0 : MCOS_E_FORMAT);
        end(&w);
        mc_buf_fini(&plain);
        mc_buf_fini(&gz);
    }
}

static void a_flipped_bit_never_passes_as_another_ring(void **state)
{
    const uint32_t table[] = {0, 1, 1, 0};
    struct mc_buf plain = {0};
    struct mc_buf gz = {0};
    unsigned passed = 0;
    struct world w;

    (void)state;
    put_ring(&plain, GOOD, rows_01_10, 8);
    put_gzip(&gz, plain.ptr, plain.len);
    for (size_t bit = 10 * 8; bit < gz.len * 8; bit++) { /* after the gzip head */
        gz.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        read_gzip(&w, gz.ptr, gz.len);
        if (w.err == 0) { /* a bit between the last code and the sum */
            passed++;
            assert_memory_equal(w.draft.table, table, sizeof(table));
        }
        end(&w);
        gz.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(passed < 8);
    mc_buf_fini(&plain);
    mc_buf_fini(&gz);
}

/* 1 MiB of zeros after a good ring, and a claim of 2^24 partitions in 1 KiB. */
static void a_bomb_stops_where_the_head_says_the_ring_ends(void **state)
{
    struct mc_buf plain = {0};
    struct mc_buf gz = {0};
    struct world w;

    (void)state;
    put_ring(&plain, GOOD, rows_01_10, 8);
    mc_buf_zero(&plain, 1u << 20);
    put_gzip(&gz, plain.ptr, plain.len);
    read_gzip(&w, gz.ptr, gz.len);
    assert_int_equal(w.err, MCOS_E_FORMAT);
    assert_true(w.diag.offset < (long long)(plain.len - (1u << 20) + 16));
    end(&w);
    mc_buf_clear(&plain);
    mc_buf_clear(&gz);
    put_ring(&plain, RING(DEV0 ", " DEV1, "\"part_shift\": 8, \"replica_count\": 3"),
             NULL, 0);
    put_gzip(&gz, plain.ptr, plain.len);
    read_gzip(&w, gz.ptr, gz.len);
    assert_int_equal(w.err, MCOS_E_FORMAT);
    assert_null(w.draft.table); /* nothing was taken for it */
    end(&w);
    mc_buf_fini(&plain);
    mc_buf_fini(&gz);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_small_ring_is_read),
        cmocka_unit_test(ids_are_read_in_the_order_of_bytes_that_is_named),
        cmocka_unit_test(the_last_row_may_be_short_or_empty),
        cmocka_unit_test(rows_that_are_cut_or_too_many_are_refused),
        cmocka_unit_test(ids_that_are_not_there_are_refused_with_their_partition),
        cmocka_unit_test(more_replicas_than_devices_are_refused_before_memory_is_taken),
        cmocka_unit_test(bad_json_is_refused_with_its_place),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(slots_are_bounded_by_the_ids_that_exist),
        cmocka_unit_test(more_values_than_a_ring_has_are_refused),
        cmocka_unit_test(as_many_devices_as_there_are_ids_with_sixteen_keys_are_read),
        cmocka_unit_test(texts_are_bounded_in_bytes),
        cmocka_unit_test(unknown_keys_are_kept_in_one_way_of_writing),
        cmocka_unit_test(escapes_and_surrogates_become_utf8),
        cmocka_unit_test(weights_are_exact_millionths_and_swifts_own_text),
        cmocka_unit_test(heads_of_no_version_that_is_known_are_refused),
        cmocka_unit_test(a_gzip_file_cut_anywhere_or_followed_by_a_byte_is_refused),
        cmocka_unit_test(only_the_last_of_compressed_rows_may_be_short),
        cmocka_unit_test(a_flipped_bit_never_passes_as_another_ring),
        cmocka_unit_test(a_bomb_stops_where_the_head_says_the_ring_ends),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
