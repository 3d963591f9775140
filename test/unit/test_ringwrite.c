/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings as files for Swift. What Swift wrote comes out again byte for byte; whatever a
 * ring file can say comes back as the same record; and what it cannot say is refused.
 * The parts of version 2 are found as Swift finds them, by their compressed places.
 */
#define ZLIB_CONST /* zlib promises not to write to its input */

#include "adapter/swift/ringwrite.h"

#include "ring/extra.h"
#include "ringload.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static const char *path_of(const char *name, const char *file)
{
    static char path[4096];
    const char *source = getenv("MCOS_SOURCE");

    (void)snprintf(path, sizeof(path), "%s/test/data/swift/%s/%s",
                   source == NULL ? "." : source, name, file);
    return path;
}

/* All of a gzip file (bits > 15), or of what deflate ends with a flush; yours. */
static struct mc_buf inflated(const uint8_t *from, size_t n, int bits)
{
    struct mc_buf b = {0};
    z_stream z = {.next_in = from, .avail_in = (uInt)n};
    int rc;

    assert_int_equal(inflateInit2(&z, bits), Z_OK);
    do {
        uint8_t *room = mc_buf_reserve(&b, 1u << 16);

        assert_non_null(room);
        z.next_out = room;
        z.avail_out = 1u << 16;
        rc = inflate(&z, Z_NO_FLUSH);
        b.len -= z.avail_out;
    } while (rc == Z_OK && z.avail_out == 0);
    assert_true(rc == Z_STREAM_END || (bits < 0 && (rc == Z_OK || rc == Z_BUF_ERROR)));
    (void)inflateEnd(&z);
    return b;
}

static struct mc_buf gunzipped(const struct mc_buf *gz)
{
    return inflated(gz->ptr, gz->len, 16 + MAX_WBITS);
}

static void encode(const struct mc_ring *ring, unsigned version, struct mc_buf *b)
{
    struct mcos_diag diag = {.offset = -1};
    unsigned written = 0;
    int err = mc_ringgz_encode(ring, version, b, &written, &diag);

    if (err != 0)
        print_message("%s: %s\n", diag.field, diag.text);
    assert_int_equal(err, 0);
    assert_true(version == MC_RINGGZ_FITTING || written == version);
}

static struct mc_ring *decoded(const struct mc_buf *gz)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_buf extra = {0};
    struct mc_draft draft;
    struct mc_ring *ring = NULL;
    int err;

    mc_draft_init(&draft);
    err = mc_ringgz_decode((struct mc_bytes){gz->ptr, gz->len}, NULL, &draft, &extra,
                           &diag);
    if (err == 0)
        err = ringload_draft(&draft, &ring, &diag);
    if (err != 0)
        print_message("%s: %s\n", diag.field, diag.text);
    assert_int_equal(err, 0);
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
    return ring;
}

static void want_same(const struct mc_ring *a, const struct mc_ring *b)
{
    assert_memory_equal(mc_ring_head(a)->digest, mc_ring_head(b)->digest,
                        MC_DIGEST_BYTES);
}

static struct mc_ring *golden(const char *name, const char *file)
{
    struct mcos_diag diag;
    struct mc_ring *ring = NULL;

    assert_int_equal(ringload_swift(path_of(name, file), NULL, &ring, &diag), 0);
    return ring;
}

static uint64_t get_size(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

/* ---- Swift's own ---- */

static void what_swift_wrote_comes_out_byte_for_byte(void **state)
{
    static const char *const names[] = {"g1", "g2"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const char *name = names[i / 2];
        const unsigned version = 1 + i % 2;
        const char *file = version == 1 ? "object.ring.gz" : "object.v2.ring.gz";
        struct mc_ring *ring = golden(name, "object.ring.gz");
        struct mc_buf swifts_gz = {0};
        struct mc_buf ours_gz = {0};
        struct mc_buf swifts;
        struct mc_buf ours;
        size_t same;

        assert_int_equal(ringload_file(path_of(name, file), &swifts_gz), 0);
        encode(ring, version, &ours_gz);
        swifts = gunzipped(&swifts_gz);
        ours = gunzipped(&ours_gz);
        same = swifts.len;
        if (version == 2) { /* then comes the index, which tells compressed places */
            same = (size_t)get_size(swifts.ptr + swifts.len - 16);
            assert_int_equal(get_size(ours.ptr + ours.len - 16), same);
        } else {
            assert_int_equal(ours.len, swifts.len);
        }
        assert_memory_equal(ours.ptr, swifts.ptr, same);
        mc_buf_fini(&swifts);
        mc_buf_fini(&ours);
        mc_buf_fini(&swifts_gz);
        mc_buf_fini(&ours_gz);
        mc_ring_unref(ring);
    }
}

/* ---- rings by hand ---- */

#define KEPT                                                                           \
    "{\"devs\":{\"0\":{\"a\":[1,-2.5,1e300,true,null],\"z\":{\"b\":{},\"a\":\"\\"      \
    "\"\\\\\\u0001\xc3\xbc\xf0\x9f\x98\x80\x7f\"}},\"3\":{\"x\":0.1}},\"ring\":{"      \
    "\"acme\":{\"devs\":null},\"version\":7,\"zz\":1e-07}}"

static const struct mc_device none = {.weight_text = "",
                                      .name = "",
                                      .cluster = "",
                                      .region = "",
                                      .zone = "",
                                      .host = "",
                                      .replication_host = "",
                                      .device = "",
                                      .meta = ""};

/* 2^2 partitions, 2.5 replicas, four devices in five slots. */
struct hand {
    struct mc_draft draft;
    struct mc_buf extra;
};

static void begin(struct hand *h)
{
    static const uint32_t table[] = {
        0, 1, 3, 1, 3, 4, 3, 4, MC_DEVICE_NONE, 4, 0, MC_DEVICE_NONE};
    struct mc_draft *d = &h->draft;

    *h = (struct hand){.extra = {0}};
    mc_draft_init(d);
    d->head.part_power = 2;
    d->head.next_part_power = 3;
    d->head.assignments = 10;
    d->head.hash = MC_HASH_SWIFT_MD5;
    d->builder.min_move_seconds = MC_RINGGZ_MIN_MOVE_S;
    d->device_count = 5;
    d->devices = calloc(5, sizeof(*d->devices));
    d->table = malloc(sizeof(table));
    assert_non_null(d->devices);
    assert_non_null(d->table);
    memcpy(d->table, table, sizeof(table));
    for (uint32_t i = 0; i < 5; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "10.0.0.%u:%u/sd%u", i, 6200 + i, i);
        d->devices[i] = none;
        d->devices[i].name = mc_draft_text(d, name);
        d->devices[i].host =
            mc_draft_text(d, (snprintf(name, sizeof(name), "10.0.0.%u", i), name));
        d->devices[i].device =
            mc_draft_text(d, (snprintf(name, sizeof(name), "sd%u", i), name));
        d->devices[i].port = (uint16_t)(6200 + i);
        d->devices[i].region = "1";
        d->devices[i].zone = i < 3 ? "0" : "2147483647";
        d->devices[i].weight = 100000000;
        d->devices[i].weight_text = "100.0";
    }
    d->devices[2] = none;
    d->devices[2].removed = true;
    d->devices[3].replication_host = "10.1.0.3";
    d->devices[3].replication_port = 6300;
    d->devices[3].meta = "rack \"3\" \xc3\xbc \xf0\x9f\x98\x80 \\ \x7f";
    d->devices[4].weight = 0;
    d->devices[4].weight_text = "0";
}

static void keep(struct hand *h, const char *json)
{
    mc_extra_put(&h->extra, MC_EXTRA_SWIFT, 0,
                 (struct mc_bytes){(const uint8_t *)json, strlen(json)});
    h->draft.extra = (struct mc_bytes){h->extra.ptr, h->extra.len};
}

static struct mc_ring *finish(struct hand *h)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *ring = NULL;
    int err = ringload_draft(&h->draft, &ring, &diag);

    if (err != 0)
        print_message("%s: %s\n", diag.field, diag.text);
    assert_int_equal(err, 0);
    mc_draft_fini(&h->draft);
    mc_buf_fini(&h->extra);
    return ring;
}

static void want_text(const struct mc_buf *plain, const char *text)
{
    if (memmem(plain->ptr, plain->len, text, strlen(text)) == NULL)
        print_message("no %s in %.*s\n", text, (int)plain->len, (char *)plain->ptr);
    assert_non_null(memmem(plain->ptr, plain->len, text, strlen(text)));
}

static void what_a_file_can_say_comes_back_as_the_same_record(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 2; version++) {
        struct mc_buf gz = {0};
        struct mc_buf again = {0};
        struct mc_buf plain;
        struct mc_ring *back;
        struct mc_ring *ring;
        struct mc_ring *third;
        struct hand h;

        begin(&h);
        keep(&h, KEPT);
        ring = finish(&h);
        encode(ring, version, &gz);
        back = decoded(&gz);
        /* The text of an import is written in one way, which ours is not quite. */
        encode(back, version, &again);
        assert_int_equal(gz.len, again.len);
        assert_memory_equal(gz.ptr, again.ptr, gz.len);
        third = decoded(&again);
        want_same(back, third);
        assert_int_equal(mc_ring_head(back)->next_part_power, 3);
        assert_int_equal(mc_ring_head(back)->assignments, 10);
        for (uint32_t slot = 0; slot < 5; slot++) {
            const struct mc_device *a = mc_ring_device(ring, slot);
            const struct mc_device *b = mc_ring_device(back, slot);

            assert_int_equal(a->removed, b->removed);
            assert_int_equal(a->weight, b->weight);
            assert_string_equal(a->weight_text, b->weight_text);
            assert_string_equal(a->name, b->name);
            assert_string_equal(a->region, b->region);
            assert_string_equal(a->zone, b->zone);
            assert_string_equal(a->replication_host, b->replication_host);
            assert_int_equal(a->replication_port, b->replication_port);
            assert_string_equal(a->meta, b->meta);
        }
        for (uint32_t part = 0; part < 4; part++) {
            for (unsigned i = 0; i < 3; i++)
                assert_int_equal(mc_ring_at(ring, part, i), mc_ring_at(back, part, i));
        }
        plain = gunzipped(&gz);
        want_text(&plain, "\"a\": [1, -2.5, 1e+300, true, null]");
        want_text(&plain, "\"z\": {\"a\": \"\\\"\\\\\\u0001\\u00fc\\ud83d\\ude00"
                          "\\u007f\", \"b\": {}}");
        want_text(&plain, "\"acme\": {\"devs\": null}");
        want_text(&plain, "\"version\": 7, \"zz\": 1e-07}");
        mc_buf_fini(&plain);
        mc_buf_fini(&gz);
        mc_buf_fini(&again);
        mc_ring_unref(ring);
        mc_ring_unref(back);
        mc_ring_unref(third);
    }
}

/* The whole file of version 1, as it is meant. */
static void the_bytes_are_these(void **state)
{
    static const char json[] =
        "{\"byteorder\": \"little\", \"devs\": [{\"device\": \"sd0\", \"id\": 0, "
        "\"ip\": "
        "\"10.0.0.0\", \"meta\": \"\", \"port\": 6200, \"region\": 1, \"weight\": "
        "100.0, \"zone\": 0}, {\"device\": \"sd1\", \"id\": 1, \"ip\": \"10.0.0.1\", "
        "\"meta\": \"\", \"port\": 6201, \"region\": 1, \"weight\": 100.0, \"zone\": "
        "0}, null, {\"device\": \"sd3\", \"id\": 3, \"ip\": \"10.0.0.3\", \"meta\": "
        "\"rack \\\"3\\\" \\u00fc \\ud83d\\ude00 \\\\ \\u007f\", \"port\": 6203, "
        "\"region\": 1, \"replication_ip\": \"10.1.0.3\", \"replication_port\": 6300, "
        "\"weight\": 100.0, \"zone\": 2147483647}, {\"device\": \"sd4\", \"id\": 4, "
        "\"ip\": \"10.0.0.4\", \"meta\": \"\", \"port\": 6204, \"region\": 1, "
        "\"weight\": 0, \"zone\": 2147483647}], \"next_part_power\": 3, "
        "\"part_shift\": 30, \"replica_count\": 3}";
    static const uint8_t rows[] = {0, 0, 1, 0, 3, 0, 4, 0, 1, 0,
                                   3, 0, 4, 0, 0, 0, 3, 0, 4, 0};
    static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255,
                                   /* a block of six bytes, then a flush */
                                   0, 6, 0, 0xf9, 0xff, 'R', '1', 'N', 'G', 0, 1, 0, 0,
                                   0, 0xff, 0xff};
    struct mc_buf gz = {0};
    struct mc_buf plain;
    struct mc_ring *ring;
    struct hand h;

    (void)state;
    begin(&h);
    ring = finish(&h);
    encode(ring, MC_RINGGZ_V1, &gz);
    assert_memory_equal(gz.ptr, head, sizeof(head));
    plain = gunzipped(&gz);
    assert_int_equal(plain.len, 10 + sizeof(json) - 1 + sizeof(rows));
    assert_memory_equal(plain.ptr + 10, json, sizeof(json) - 1);
    assert_memory_equal(plain.ptr + 10 + sizeof(json) - 1, rows, sizeof(rows));
    mc_buf_fini(&plain);
    mc_buf_fini(&gz);
    mc_ring_unref(ring);
}

/* As Swift's own reader goes: 31 bytes from the end, no history needed. */
static void sections_are_found_by_their_compressed_places(void **state)
{
    static const uint8_t two_flushes[] = {0, 0, 0, 0xff, 0xff, 0, 0, 0, 0xff, 0xff};
    struct mc_ring *ring = golden("g2", "object.ring.gz");
    struct mc_buf gz = {0};
    struct mc_buf tail;
    struct mc_buf index;
    struct mc_buf plain;
    json_t *doc;
    const char *name;
    json_t *entry;
    uint64_t at;

    (void)state;
    encode(ring, MC_RINGGZ_V2, &gz);
    assert_null(memmem(gz.ptr, gz.len, two_flushes, sizeof(two_flushes)));
    plain = gunzipped(&gz);
    tail = inflated(gz.ptr + gz.len - 31, 31 - 8, -MAX_WBITS);
    assert_int_equal(tail.len, 8);
    at = get_size(tail.ptr);
    index = inflated(gz.ptr + at, gz.len - at - 8, -MAX_WBITS);
    doc = json_loadb((char *)index.ptr + 8, get_size(index.ptr), 0, NULL);
    assert_int_equal(json_object_size(doc), 3);
    json_object_foreach(doc, name, entry)
    {
        int64_t place[4];
        struct mc_buf section;
        uint8_t digest[EVP_MAX_MD_SIZE];
        char hex[65];

        for (size_t i = 0; i < 4; i++)
            place[i] = json_integer_value(json_array_get(entry, i));
        section =
            inflated(gz.ptr + place[0], (size_t)(place[2] - place[0]), -MAX_WBITS);
        assert_int_equal(section.len, place[3] - place[1]);
        assert_memory_equal(section.ptr, plain.ptr + place[1], section.len);
        assert_int_equal(get_size(section.ptr), section.len - 8);
        assert_int_equal(
            EVP_Digest(section.ptr, section.len, digest, NULL, EVP_sha256(), NULL), 1);
        mc_hex(hex, digest, 32);
        assert_string_equal(json_string_value(json_array_get(entry, 4)), "sha256");
        assert_string_equal(json_string_value(json_array_get(entry, 5)), hex);
        mc_buf_fini(&section);
    }
    json_decref(doc);
    mc_buf_fini(&tail);
    mc_buf_fini(&index);
    mc_buf_fini(&plain);
    mc_buf_fini(&gz);
    mc_ring_unref(ring);
}

static void a_width_of_ids_that_came_is_kept(void **state)
{
    struct mc_buf gz = {0};
    struct mc_buf plain;
    struct mc_ring *ring;
    struct mc_ring *back;
    struct hand h;

    (void)state;
    begin(&h);
    keep(&h, "{\"devs\":{},\"ring\":{\"dev_id_bytes\":4}}");
    ring = finish(&h);
    encode(ring, MC_RINGGZ_V2, &gz);
    plain = gunzipped(&gz);
    want_text(&plain,
              "{\"dev_id_bytes\": 4, \"next_part_power\": 3, \"part_shift\": 30, "
              "\"replica_count\": 2.5}");
    back = decoded(&gz);
    want_same(ring, back);
    mc_buf_fini(&plain);
    mc_buf_clear(&gz);
    encode(ring, MC_RINGGZ_V1, &gz); /* which has two bytes and does not say so */
    plain = gunzipped(&gz);
    assert_null(memmem(plain.ptr, plain.len, "dev_id_bytes", 12));
    mc_buf_fini(&plain);
    mc_buf_fini(&gz);
    mc_ring_unref(ring);
    mc_ring_unref(back);
}

/* ---- what is ours ---- */

static void regions_that_are_no_numbers_get_one_that_stays(void **state)
{
    static const char *const regions[] = {"eu", "2", "", "us", "eu"};
    struct mc_buf gz = {0};
    struct mc_ring *ring;
    struct mc_ring *back;
    struct hand h;

    (void)state;
    begin(&h);
    for (uint32_t i = 0; i < 5; i++)
        h.draft.devices[i].region = regions[i];
    h.draft.devices[0].zone = "01"; /* not as Swift writes a number */
    h.draft.devices[1].zone = "2147483648";
    h.draft.devices[2].zone = "";
    ring = finish(&h);
    encode(ring, MC_RINGGZ_V1, &gz);
    back = decoded(&gz);
    assert_string_equal(mc_ring_device(back, 0)->region, "1");
    assert_string_equal(mc_ring_device(back, 1)->region, "2");
    assert_string_equal(mc_ring_device(back, 3)->region, "3");
    assert_string_equal(mc_ring_device(back, 4)->region, "1");
    assert_string_equal(mc_ring_device(back, 0)->zone, "1");
    assert_string_equal(mc_ring_device(back, 1)->zone, "2");
    assert_string_equal(mc_ring_device(back, 3)->zone, "2147483647");
    mc_ring_unref(ring);
    mc_ring_unref(back);
    mc_buf_clear(&gz);
    /* A removed device keeps its region's number for the others. */
    begin(&h);
    for (uint32_t i = 0; i < 5; i++)
        h.draft.devices[i].region = "us";
    h.draft.devices[0].region = "ap";
    h.draft.devices[2].region = "eu";
    h.draft.devices[4].region = "sa";
    ring = finish(&h);
    encode(ring, MC_RINGGZ_V1, &gz);
    back = decoded(&gz);
    assert_string_equal(mc_ring_device(back, 0)->region, "1");
    assert_string_equal(mc_ring_device(back, 3)->region, "2");
    assert_string_equal(mc_ring_device(back, 4)->region, "4");
    mc_ring_unref(ring);
    mc_ring_unref(back);
    mc_buf_fini(&gz);
}

static void a_device_without_device_is_called_by_its_name(void **state)
{
    struct mc_buf gz = {0};
    struct mc_ring *ring;
    struct mc_ring *back;
    struct hand h;

    (void)state;
    begin(&h);
    h.draft.devices[1].name = "eu-west";
    h.draft.devices[1].device = "";
    ring = finish(&h);
    encode(ring, MC_RINGGZ_V1, &gz);
    back = decoded(&gz);
    assert_string_equal(mc_ring_device(back, 1)->device, "eu-west");
    mc_ring_unref(ring);
    mc_ring_unref(back);
    mc_buf_fini(&gz);
}

static void weights_are_numbers_of_json(void **state)
{
    static const struct {
        uint64_t weight;
        const char *text;
        const char *want;
    } table[] = {
        {100000000, "100", "\"weight\": 100,"},
        {100000000, "1e2", "\"weight\": 100.0,"},
        {7000000, "007", "\"weight\": 7,"}, /* no number in JSON */
        {7000000, "", "\"weight\": 7,"},
        {7000000, "8", "\"weight\": 7,"}, /* says something else */
        {7500000, "7.50", "\"weight\": 7.5,"},
        {1, "1e-09", "\"weight\": 1e-09,"}, /* counts as a millionth */
        {333250000, "null", "\"weight\": 333.25,"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct mc_buf gz = {0};
        struct mc_buf plain;
        struct mc_ring *ring;
        struct hand h;

        begin(&h);
        h.draft.devices[1].weight = table[i].weight;
        h.draft.devices[1].weight_text = table[i].text;
        ring = finish(&h);
        encode(ring, MC_RINGGZ_V1, &gz);
        plain = gunzipped(&gz);
        want_text(&plain, table[i].want);
        mc_buf_fini(&plain);
        mc_buf_fini(&gz);
        mc_ring_unref(ring);
    }
}

static void the_counter_grows_with_what_is_built_here(void **state)
{
    static const struct {
        unsigned algorithm;
        const char *kept;
        const char *want; /* NULL: no counter */
    } table[] = {
        {0, "{\"devs\":{},\"ring\":{}}", NULL},
        {0, "{\"devs\":{},\"ring\":{\"version\":41}}", "\"version\": 41}"},
        {1, "{\"devs\":{},\"ring\":{\"version\":41}}", "\"version\": 42}"},
        {1, "{\"devs\":{},\"ring\":{}}", "\"version\": 1}"},
        {1, "{\"devs\":{},\"ring\":{\"version\":9223372036854775807}}",
         "\"version\": 1}"},
        {1, "{\"devs\":{},\"ring\":{\"version\":\"x\"}}", "\"version\": 1}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct mc_buf gz = {0};
        struct mc_buf plain;
        struct mc_ring *ring;
        struct hand h;

        begin(&h);
        h.draft.builder.algorithm = (uint16_t)table[i].algorithm;
        keep(&h, table[i].kept);
        ring = finish(&h);
        encode(ring, MC_RINGGZ_V1, &gz);
        plain = gunzipped(&gz);
        if (table[i].want != NULL)
            want_text(&plain, table[i].want);
        else
            assert_null(memmem(plain.ptr, plain.len, "version", 7));
        mc_buf_fini(&plain);
        mc_buf_fini(&gz);
        mc_ring_unref(ring);
    }
}

/* ---- what is refused ---- */

enum wrong {
    XXH3,
    NO_HOST,
    NAME_WITH_SLASH,
    HOST_WITH_SPACE,
    HOST_IN_BRACKETS,
    NO_PORT,
    DEVICE_ABOVE,
    DEVICE_IS_UP,
    DEVICE_WITH_SPACE,
    DEVICE_WITH_UMLAUT,
    OTHER_HOST_WITH_SLASH,
    ONE_PLACE,
    TOO_LONG,
    NO_JSON,
    NO_OBJECT,
    WRONGS
};

static char long_text[MC_TEXT_MAX + 1];

static void make_wrong(struct hand *h, enum wrong wrong)
{
    struct mc_device *d = &h->draft.devices[3];

    switch (wrong) {
    case XXH3:
        h->draft.head.hash = MC_HASH_XXH3;
        break;
    case NO_HOST:
        d->host = "";
        break;
    case NAME_WITH_SLASH:
        d->device = "";
        break;
    case HOST_WITH_SPACE:
        d->host = "a b";
        break;
    case HOST_IN_BRACKETS:
        d->host = "[::1]";
        break;
    case NO_PORT:
        d->port = 0;
        break;
    case DEVICE_ABOVE:
        d->device = "../x";
        break;
    case DEVICE_IS_UP:
        d->device = "..";
        break;
    case DEVICE_WITH_SPACE:
        d->device = "sd 1";
        break;
    case DEVICE_WITH_UMLAUT:
        d->device = "sd\xc3\xa4";
        break;
    case OTHER_HOST_WITH_SLASH:
        d->replication_host = "10.0.0.1/8";
        break;
    case ONE_PLACE:
        d->host = "10.0.0.1";
        d->port = 6201;
        d->device = "sd1";
        break;
    case TOO_LONG:
        memset(long_text, 'x', MC_TEXT_MAX);
        d->host = long_text;
        break;
    case NO_JSON:
        keep(h, "{\"devs\":");
        break;
    case NO_OBJECT:
        keep(h, "[]");
        break;
    case WRONGS:
        break;
    }
}

static void what_swift_cannot_say_is_refused_with_its_place(void **state)
{
    static const struct {
        int err;
        const char *field;
    } want[WRONGS] = {
        [XXH3] = {MCOS_E_VALUE, "/hash"},
        [NO_HOST] = {MCOS_E_VALUE, "/devices/3/host"},
        [NAME_WITH_SLASH] = {MCOS_E_VALUE, "/devices/3/device"},
        [HOST_WITH_SPACE] = {MCOS_E_VALUE, "/devices/3/host"},
        [HOST_IN_BRACKETS] = {MCOS_E_VALUE, "/devices/3/host"},
        [NO_PORT] = {MCOS_E_VALUE, "/devices/3/port"},
        [DEVICE_ABOVE] = {MCOS_E_VALUE, "/devices/3/device"},
        [DEVICE_IS_UP] = {MCOS_E_VALUE, "/devices/3/device"},
        [DEVICE_WITH_SPACE] = {MCOS_E_VALUE, "/devices/3/device"},
        [DEVICE_WITH_UMLAUT] = {MCOS_E_VALUE, "/devices/3/device"},
        [OTHER_HOST_WITH_SLASH] = {MCOS_E_VALUE, "/devices/3/replication_host"},
        [ONE_PLACE] = {MCOS_E_DEVICE, "/devices/3"},
        [TOO_LONG] = {MCOS_E_TOOBIG, "/devices/3/host"},
        [NO_JSON] = {MCOS_E_FORMAT, "extra"},
        [NO_OBJECT] = {MCOS_E_FORMAT, "extra"},
    };

    (void)state;
    for (enum wrong i = 0; i < WRONGS; i++) {
        struct mcos_diag diag = {.offset = -1};
        struct mc_buf b = {0};
        struct mc_ring *ring;
        struct hand h;

        begin(&h);
        make_wrong(&h, i);
        ring = finish(&h);
        assert_int_equal(mc_ringgz_encode(ring, 0, &b, NULL, &diag), want[i].err);
        assert_string_equal(diag.field, want[i].field);
        if (strncmp(diag.field, "/devices", 8) == 0)
            assert_non_null(strstr(diag.text, mc_ring_device(ring, 3)->name));
        mc_buf_fini(&b);
        mc_ring_unref(ring);
    }
}

static void a_deleted_ring_and_an_unknown_version_are_refused(void **state)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_ring *ring = NULL;
    struct mc_buf b = {0};
    struct mc_draft draft;
    struct hand h;

    (void)state;
    mc_draft_init(&draft);
    draft.head.tombstone = true;
    assert_int_equal(ringload_draft(&draft, &ring, &diag), 0);
    mc_draft_fini(&draft);
    assert_int_equal(mc_ringgz_encode(ring, 0, &b, NULL, &diag), MCOS_E_DELETED);
    mc_ring_unref(ring);
    begin(&h);
    ring = finish(&h);
    assert_int_equal(mc_ringgz_encode(ring, 3, &b, NULL, &diag), MCOS_E_VALUE);
    mc_ring_unref(ring);
    mc_buf_fini(&b);
}

/* 65535 slots have ids in version 1; one more has not. */
static void more_slots_than_version_1_has_ids_for_need_version_2(void **state)
{
    (void)state;
    for (uint32_t slots = MC_RINGGZ_DEVICES_MAX; slots <= MC_RINGGZ_DEVICES_MAX + 1;
         slots++) {
        const bool fits = slots == MC_RINGGZ_DEVICES_MAX;
        struct mcos_diag diag = {.offset = -1};
        struct mc_buf b = {0};
        unsigned version = 0;
        struct mc_ring *ring;
        struct mc_ring *back;
        struct hand h;
        struct mc_device *grown;

        begin(&h);
        grown = realloc(h.draft.devices, slots * sizeof(*grown));
        assert_non_null(grown);
        h.draft.devices = grown;
        for (uint32_t i = 5; i < slots; i++) {
            grown[i] = none;
            grown[i].removed = true;
        }
        grown[slots - 1] = grown[1];
        grown[slots - 1].name = "10.0.0.9:6201/sd1";
        grown[slots - 1].host = "10.0.0.9";
        h.draft.device_count = slots;
        h.draft.table[0] = slots - 1;
        ring = finish(&h);
        assert_int_equal(mc_ringgz_encode(ring, MC_RINGGZ_V1, &b, NULL, &diag),
                         fits ? 0 : MCOS_E_TOOBIG);
        mc_buf_clear(&b);
        assert_int_equal(mc_ringgz_encode(ring, 0, &b, &version, &diag), 0);
        assert_int_equal(version, fits ? 1 : 2);
        back = decoded(&b);
        want_same(ring, back);
        mc_ring_unref(ring);
        mc_ring_unref(back);
        mc_buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_swift_wrote_comes_out_byte_for_byte),
        cmocka_unit_test(what_a_file_can_say_comes_back_as_the_same_record),
        cmocka_unit_test(the_bytes_are_these),
        cmocka_unit_test(sections_are_found_by_their_compressed_places),
        cmocka_unit_test(a_width_of_ids_that_came_is_kept),
        cmocka_unit_test(regions_that_are_no_numbers_get_one_that_stays),
        cmocka_unit_test(a_device_without_device_is_called_by_its_name),
        cmocka_unit_test(weights_are_numbers_of_json),
        cmocka_unit_test(the_counter_grows_with_what_is_built_here),
        cmocka_unit_test(what_swift_cannot_say_is_refused_with_its_place),
        cmocka_unit_test(a_deleted_ring_and_an_unknown_version_are_refused),
        cmocka_unit_test(more_slots_than_version_1_has_ids_for_need_version_2),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
