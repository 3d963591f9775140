/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is what clusters agree on, byte for byte. So: what was encoded is
 * read back; the bytes are fixed by a golden file; whatever is damaged, cut,
 * foreign or not canonical is refused; each limit holds at the edge and not one
 * past it; and no failure of memory does more than fail the call.
 */
#include "record_sample.h"
#include "ring/extra.h"
#include "ring/front.h"
#include "ring/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The n-th allocation from now fails (0: none). */
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

static void draft_new(struct mc_draft *draft)
{
    mc_draft_init(draft);
    assert_true(sample_draft(draft));
}

static struct mc_blob *encode_ok(const struct mc_draft *draft)
{
    struct mc_blob *blob = NULL;
    struct mcos_diag diag = {.text = ""};
    int err = mc_draft_encode(draft, &blob, &diag);

    if (err != 0)
        fail_msg("encode: %s: %s %s", mcos_err_text(err), diag.field, diag.text);
    return blob;
}

static struct mc_ring *ring_of(const struct mc_draft *draft)
{
    struct mc_blob *blob = encode_ok(draft);
    struct mc_ring *ring = NULL;
    struct mcos_diag diag;

    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, &diag), 0);
    mc_blob_unref(blob);
    return ring;
}

/* A copy of exactly this size, so that a sanitizer sees a read past it. */
static int open_bytes(struct mc_bytes bytes, enum mc_ring_check check,
                      uint8_t ret_digest[MC_DIGEST_BYTES])
{
    struct mc_blob *blob;
    struct mc_ring *ring = NULL;
    struct mcos_diag diag;
    int err;

    assert_int_equal(mc_blob_new(bytes, &blob), 0);
    err = mc_ring_open(blob, check, &ring, &diag);
    if (err == 0 && ret_digest != NULL)
        memcpy(ret_digest, mc_ring_head(ring)->digest, MC_DIGEST_BYTES);
    mc_ring_unref(ring);
    mc_blob_unref(blob);
    return err;
}

static void tombstone_new(struct mc_draft *draft)
{
    mc_draft_init(draft);
    memset(draft->head.system, 0x11, MC_UID_BYTES);
    memset(draft->head.uid, 0x22, MC_UID_BYTES);
    memset(draft->head.operation, 0x33, MC_UID_BYTES);
    mc_name_set(&draft->head.name, "photos");
    mc_name_set(&draft->head.origin, "osaka");
    draft->head.version = 8;
    draft->head.timestamp = 1700000000000000008ull;
    draft->head.tombstone = true;
}

static void what_was_encoded_is_read_back(void **state)
{
    struct mc_draft d;
    struct mc_ring *ring;
    const struct mc_head *h;
    const struct mc_builder_info *b;

    (void)state;
    draft_new(&d);
    ring = ring_of(&d);
    h = mc_ring_head(ring);
    b = mc_ring_builder(ring);
    assert_memory_equal(h->system, d.head.system, MC_UID_BYTES);
    assert_memory_equal(h->uid, d.head.uid, MC_UID_BYTES);
    assert_memory_equal(h->operation, d.head.operation, MC_UID_BYTES);
    assert_string_equal(h->name.s, "photos");
    assert_string_equal(h->origin.s, "osaka");
    assert_string_equal(h->author, "ops@example.org");
    assert_string_equal(h->note, "f\xc3\xbcnf");
    assert_int_equal(h->epoch, 1);
    assert_int_equal(h->version, 7);
    assert_true(h->timestamp == 1700000000000000007ull);
    assert_true(mc_head_has_parent(h, d.head.parents[0]));
    assert_false(mc_head_has_parent(h, h->digest));
    assert_int_equal(h->next_part_power, 255);
    assert_int_equal(h->stride, 3);
    assert_int_equal(h->id_bytes, 2);
    assert_int_equal(h->assignments, 10);
    assert_memory_equal(h->hash_check, d.head.hash_check, 8);
    assert_int_equal(h->device_count, 4);
    assert_int_equal(h->section[MC_SECTION_TABLE].offset % 64, 0);
    assert_int_equal(mc_ring_part_count(ring), 4);
    for (uint32_t i = 0; i < 12; i++)
        assert_int_equal(mc_ring_at(ring, i / 3, i % 3), d.table[i]);
    for (uint32_t i = 0; i < 4; i++) {
        const struct mc_device *x = mc_ring_device(ring, i);

        assert_int_equal(x->incarnation, i + 1);
        assert_int_equal(x->removed, i == 2);
        assert_int_equal(x->port, 6200 + i);
        assert_int_equal(x->replication_port, 6300 + i);
        assert_int_equal(x->weight, 1000000 * (i + 1));
        assert_string_equal(x->weight_text, d.devices[i].weight_text);
        assert_string_equal(x->name, d.devices[i].name);
        assert_string_equal(x->cluster, "c");
        assert_string_equal(x->region, "r1");
        assert_string_equal(x->zone, "z1");
        assert_string_equal(x->host, "192.0.2.1");
        assert_string_equal(x->replication_host, "");
        assert_string_equal(x->device, "sdb1");
        assert_string_equal(x->meta, "rack 3");
        assert_int_equal(mc_get_u32(b->last_move + 4 * i), 1600000000u + i);
    }
    assert_int_equal(b->overload, 100000);
    assert_int_equal(b->min_move_seconds, 3600);
    assert_int_equal(b->algorithm, 1);
    assert_int_equal(b->ancestor_count, 2);
    assert_int_equal(b->ancestors[1].version, 9);
    assert_memory_equal(b->secret_prefix.ptr, "pre", 3);
    assert_memory_equal(b->secret_suffix.ptr, "suf", 3);
    assert_int_equal(mc_ring_extra(ring).len, 10);
    mc_ring_unref(ring);
    mc_draft_fini(&d);
}

static void rows_and_names_answer_and_beyond_the_end_is_nothing(void **state)
{
    struct mc_draft d;
    struct mc_ring *ring;
    uint32_t ids[MC_REPLICAS_MAX];

    (void)state;
    draft_new(&d);
    ring = ring_of(&d);
    assert_int_equal(mc_ring_row(ring, 1, ids), 3);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[2], 0);
    assert_int_equal(mc_ring_row(ring, 2, ids), 2);
    assert_int_equal(mc_ring_row(ring, 4, ids), 0);
    assert_int_equal(mc_ring_at(ring, 0, 3), MC_DEVICE_NONE);
    assert_int_equal(mc_ring_device_find(ring, "nagoya"), 3);
    assert_int_equal(mc_ring_device_find(ring, "kyoto"), MC_DEVICE_NONE); /* removed */
    assert_int_equal(mc_ring_device_find(ring, ""), MC_DEVICE_NONE);
    assert_null(mc_ring_device(ring, 4));
    mc_ring_unref(ring);
    mc_draft_fini(&d);
}

static void a_copy_of_a_ring_encodes_to_the_same_bytes(void **state)
{
    struct mc_draft d;
    struct mc_draft copy;
    struct mc_ring *ring;
    struct mc_blob *again;

    (void)state;
    draft_new(&d);
    ring = ring_of(&d);
    mc_draft_init(&copy);
    assert_int_equal(mc_draft_from_ring(&copy, ring), 0);
    copy.head = *mc_ring_head(ring);
    copy.ancestors = d.ancestors;
    copy.ancestor_count = d.ancestor_count;
    again = encode_ok(&copy);
    assert_int_equal(mc_blob_get(again).len, mc_blob_get(mc_ring_blob(ring)).len);
    assert_memory_equal(mc_blob_get(again).ptr, mc_blob_get(mc_ring_blob(ring)).ptr,
                        mc_blob_get(again).len);
    copy.ancestors = NULL;
    mc_blob_unref(again);
    mc_ring_unref(ring);
    mc_draft_fini(&copy);
    mc_draft_fini(&d);
}

static void a_tombstone_has_ancestors_and_nothing_to_look_up(void **state)
{
    struct mc_draft d;
    struct mc_ring *ring;

    (void)state;
    tombstone_new(&d);
    ring = ring_of(&d);
    assert_true(mc_ring_head(ring)->tombstone);
    assert_int_equal(mc_ring_part_count(ring), 0);
    assert_int_equal(mc_ring_at(ring, 0, 0), MC_DEVICE_NONE);
    assert_null(mc_ring_device(ring, 0));
    assert_int_equal(mc_ring_device_find(ring, "osaka"), MC_DEVICE_NONE);
    mc_ring_unref(ring);
    mc_draft_fini(&d);
}

/* Each line of the file: "name digest" then the record in hex, 32 bytes a line. */
static void check_golden(const char *file, struct mc_draft *d)
{
    char path[512];
    char *text;
    size_t used = 0;
    size_t n;
    struct mc_blob *blob = encode_ok(d);
    struct mc_bytes bytes = mc_blob_get(blob);
    struct mc_head head;
    FILE *f;

    assert_int_equal(mc_head_decode(bytes, &head, NULL), 0);
    text = malloc(bytes.len * 3 + 128);
    assert_non_null(text);
    mc_hex(text, head.digest, MC_DIGEST_BYTES);
    used = 64;
    text[used++] = '\n';
    for (size_t at = 0; at < bytes.len; at += 32) {
        mc_hex(text + used, bytes.ptr + at, 32);
        used += 64;
        text[used++] = '\n';
    }
    snprintf(path, sizeof(path), "%s/test/golden/%s", getenv("MCOS_SOURCE"), file);
    if (getenv("MCOS_BLESS") != NULL) {
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, used, f), used);
        assert_int_equal(fclose(f), 0);
    }
    f = fopen(path, "r");
    assert_non_null(f);
    {
        char *held = malloc(used + 1);

        assert_non_null(held);
        n = fread(held, 1, used + 1, f);
        fclose(f);
        assert_int_equal(n, used);
        assert_memory_equal(held, text, used);
        free(held);
    }
    free(text);
    mc_blob_unref(blob);
}

static void the_bytes_are_the_ones_of_the_golden_files(void **state)
{
    struct mc_draft d;

    (void)state;
    draft_new(&d);
    check_golden("record_v1.hex", &d);
    mc_draft_fini(&d);
    tombstone_new(&d);
    check_golden("tombstone_v1.hex", &d);
    mc_draft_fini(&d);
}

static void cut_anywhere_it_is_refused(void **state)
{
    struct mc_draft d;
    struct mc_blob *blob;
    struct mc_bytes all;
    struct mc_head head;
    uint8_t longer[4096] = {0};

    (void)state;
    draft_new(&d);
    blob = encode_ok(&d);
    all = mc_blob_get(blob);
    assert_int_equal(mc_head_decode(all, &head, NULL), 0);
    for (size_t n = 0; n < all.len; n++) {
        assert_int_not_equal(
            open_bytes((struct mc_bytes){all.ptr, n}, MC_CHECK_NONE, NULL), 0);
        assert_int_equal(mc_head_decode((struct mc_bytes){all.ptr, n}, &head, NULL) ==
                             0,
                         n >= head.head_bytes);
    }
    assert_true(all.len + 64 <= sizeof(longer));
    memcpy(longer, all.ptr, all.len);
    assert_int_equal(
        open_bytes((struct mc_bytes){longer, all.len + 1}, MC_CHECK_SHA256, NULL),
        MCOS_E_FORMAT);
    assert_int_equal(
        open_bytes((struct mc_bytes){longer, all.len + 64}, MC_CHECK_SHA256, NULL),
        MCOS_E_FORMAT);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
}

/* In the head a flip is refused or makes another record; elsewhere it is refused. */
static void flip_every_bit(struct mc_draft *d, enum mc_ring_check check)
{
    struct mc_blob *blob = encode_ok(d);
    struct mc_bytes all = mc_blob_get(blob);
    struct mc_head head;
    uint8_t *copy = malloc(all.len);

    assert_non_null(copy);
    assert_int_equal(mc_head_decode(all, &head, NULL), 0);
    memcpy(copy, all.ptr, all.len);
    for (size_t bit = 0; bit < all.len * 8; bit++) {
        uint8_t digest[MC_DIGEST_BYTES];
        int err;

        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err = open_bytes((struct mc_bytes){copy, all.len}, check, digest);
        if (bit / 8 >= head.head_bytes)
            assert_int_not_equal(err, 0);
        else if (err == 0)
            assert_memory_not_equal(digest, head.digest, MC_DIGEST_BYTES);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(copy);
    mc_blob_unref(blob);
}

static void no_single_bit_can_change_unseen(void **state)
{
    struct mc_draft d;

    (void)state;
    draft_new(&d);
    flip_every_bit(&d, MC_CHECK_SHA256);
    flip_every_bit(&d, MC_CHECK_XXH3);
    flip_every_bit(&d, MC_CHECK_LOOKUP); /* the builder too: it has a secret */
    mc_draft_fini(&d);
    tombstone_new(&d);
    flip_every_bit(&d, MC_CHECK_SHA256);
    mc_draft_fini(&d);
}

/* A weight changed, and one of the two sums of its section made to fit. */
static int open_forged(enum mc_ring_check check, bool fix_sha256, bool fix_xxh3)
{
    struct mc_draft d;
    struct mc_blob *blob;
    struct mc_head head;
    uint8_t copy[2048];
    uint8_t *row = copy + 112 + MC_SECTION_DEVICES * MC_SECTION_INFO;
    struct mc_bytes section;
    size_t len;
    int err;

    draft_new(&d);
    blob = encode_ok(&d);
    len = mc_blob_get(blob).len;
    assert_true(len <= sizeof(copy));
    memcpy(copy, mc_blob_get(blob).ptr, len);
    assert_int_equal(mc_head_decode(mc_blob_get(blob), &head, NULL), 0);
    section = (struct mc_bytes){copy + head.section[MC_SECTION_DEVICES].offset,
                                head.section[MC_SECTION_DEVICES].bytes};
    copy[head.section[MC_SECTION_DEVICES].offset + 9] ^= 1;
    if (fix_sha256)
        mc_sha256(row + 16, section);
    if (fix_xxh3)
        mc_xxh3_128(row + 48, section);
    err = open_bytes((struct mc_bytes){copy, len}, check, NULL);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    return err;
}

static void from_outside_both_sums_must_be_right(void **state)
{
    (void)state;
    assert_int_equal(open_forged(MC_CHECK_SHA256, true, true), 0);
    assert_int_equal(open_forged(MC_CHECK_SHA256, false, true), MCOS_E_DIGEST);
    assert_int_equal(open_forged(MC_CHECK_SHA256, true, false), MCOS_E_DIGEST);
    assert_int_equal(open_forged(MC_CHECK_XXH3, true, false), MCOS_E_DIGEST);
    assert_int_equal(open_forged(MC_CHECK_LOOKUP, true, false), MCOS_E_DIGEST);
    assert_int_equal(open_forged(MC_CHECK_XXH3, false, true), 0);
    assert_int_equal(open_forged(MC_CHECK_NONE, false, false), 0);
}

/* Opens a good record with some bytes set to one value. */
static int open_patched(size_t at, uint8_t value, size_t len)
{
    struct mc_draft d;
    struct mc_blob *blob;
    struct mc_bytes all;
    uint8_t *copy;
    int err;

    draft_new(&d);
    blob = encode_ok(&d);
    all = mc_blob_get(blob);
    copy = malloc(all.len);
    assert_non_null(copy);
    memcpy(copy, all.ptr, all.len);
    assert_true(at + len <= all.len);
    memset(copy + at, value, len);
    err = open_bytes((struct mc_bytes){copy, all.len}, MC_CHECK_NONE, NULL);
    free(copy);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    return err;
}

static void foreign_newer_and_not_canonical_are_told_apart(void **state)
{
    struct mc_draft d;
    struct mc_blob *blob;
    struct mc_head head;

    (void)state;
    draft_new(&d);
    blob = encode_ok(&d);
    assert_int_equal(mc_head_decode(mc_blob_get(blob), &head, NULL), 0);
    assert_int_equal(open_patched(0, 'X', 1), MCOS_E_FORMAT);    /* magic */
    assert_int_equal(open_patched(8, 0, 1), MCOS_E_FORMAT);      /* format 0 */
    assert_int_equal(open_patched(8, 2, 1), MCOS_E_UPGRADE);     /* format 2 */
    assert_int_equal(open_patched(10, 0x80, 1), MCOS_E_UPGRADE); /* flags */
    assert_int_equal(open_patched(12, 0xff, 4), MCOS_E_TOOBIG);  /* head_bytes */
    assert_int_equal(open_patched(64, 0, 8), MCOS_E_VALUE);      /* version */
    assert_int_equal(open_patched(72, 0, 8), MCOS_E_VALUE);      /* timestamp */
    assert_int_equal(open_patched(82, 3, 1), MCOS_E_TOOBIG);     /* parents */
    assert_int_equal(open_patched(83, 25, 1), MCOS_E_VALUE);     /* part power */
    assert_int_equal(open_patched(84, 25, 1), MCOS_E_VALUE);     /* next part power */
    assert_int_equal(open_patched(84, 24, 1), 0);
    assert_int_equal(open_patched(85, 4, 1), MCOS_E_FORMAT);  /* stride */
    assert_int_equal(open_patched(86, 4, 1), MCOS_E_FORMAT);  /* width of ids */
    assert_int_equal(open_patched(87, 3, 1), MCOS_E_UPGRADE); /* hash */
    assert_int_equal(open_patched(87, 0, 1), MCOS_E_VALUE);
    assert_int_equal(open_patched(87, 1, 1), MCOS_E_FORMAT);  /* xxh3, a secret */
    assert_int_equal(open_patched(108, 1, 1), MCOS_E_FORMAT); /* reserved */
    assert_int_equal(open_patched(112, 1, 1), MCOS_E_FORMAT); /* offset */
    assert_int_equal(open_patched(head.head_bytes, 1, 1), MCOS_E_FORMAT); /* padding */
    for (unsigned s = 0; s < MC_SECTION_COUNT; s++) {
        uint64_t end = head.section[s].offset + head.section[s].bytes;

        assert_true(end % 64 != 0);
        assert_int_equal(open_patched(end, 1, 1), MCOS_E_FORMAT);
        assert_int_equal(open_patched(mc_align(end) - 1, 1, 1), MCOS_E_FORMAT);
    }
    mc_blob_unref(blob);
    mc_draft_fini(&d);
}

static void the_front_is_read_whatever_the_format(void **state)
{
    struct mc_draft d;
    struct mc_blob *blob;
    struct mc_front front = {0};
    struct mc_head head;
    struct mc_bytes all;
    uint8_t *copy;

    (void)state;
    draft_new(&d);
    blob = encode_ok(&d);
    all = mc_blob_get(blob);
    assert_int_equal(mc_head_decode(all, &head, NULL), 0);
    assert_int_equal(head.format, 1);
    assert_int_equal(mc_front_decode(all, &front), 0);
    assert_int_equal(front.format, 1);
    assert_memory_equal(front.digest, head.digest, MC_DIGEST_BYTES);
    copy = malloc(all.len);
    assert_non_null(copy);
    memcpy(copy, all.ptr, all.len);
    mc_set_u16(copy + 8, 777);
    memset(copy + 82, 0xff, head.head_bytes - 82); /* what the others may change */
    assert_int_equal(mc_front_decode((struct mc_bytes){copy, head.head_bytes}, &front),
                     0);
    assert_int_equal(front.format, 777);
    assert_true(front.version == head.version && front.timestamp == head.timestamp &&
                front.epoch == head.epoch);
    assert_memory_equal(front.system, head.system, MC_UID_BYTES);
    for (size_t n = 0; n < head.head_bytes; n++)
        assert_int_equal(mc_front_decode((struct mc_bytes){copy, n}, &front),
                         MCOS_E_FORMAT);
    mc_set_u32(copy + 12, 81); /* shorter than the front */
    assert_int_equal(mc_front_decode((struct mc_bytes){copy, all.len}, &front),
                     MCOS_E_FORMAT);
    mc_set_u32(copy + 12, MC_HEAD_BYTES_MAX + 1);
    assert_int_equal(mc_front_decode((struct mc_bytes){copy, all.len}, &front),
                     MCOS_E_TOOBIG);
    mc_set_u32(copy + 12, head.head_bytes);
    mc_set_u64(copy + 64, 0);
    assert_int_equal(mc_front_decode((struct mc_bytes){copy, all.len}, &front),
                     MCOS_E_VALUE);
    free(copy);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
}

static int encode_err(const struct mc_draft *draft)
{
    struct mc_blob *blob = NULL;
    struct mcos_diag diag;
    int err = mc_draft_encode(draft, &blob, &diag);

    mc_blob_unref(blob);
    return err;
}

static void an_extra_that_must_be_understood_is_not_passed_over(void **state)
{
    struct mc_draft d;
    struct mc_buf extra = {0};
    struct mc_bytes found;
    const struct mc_bytes value = {(const uint8_t *)"abc", 3};

    (void)state;
    draft_new(&d);
    mc_extra_put(&extra, 77, 0, value);
    mc_extra_put(&extra, MC_EXTRA_SWIFT, MC_EXTRA_MUST, value);
    d.extra = (struct mc_bytes){extra.ptr, extra.len};
    assert_int_equal(encode_err(&d), 0);
    assert_true(mc_extra_find(d.extra, MC_EXTRA_SWIFT, &found));
    assert_memory_equal(found.ptr, "abc", 3);
    assert_false(mc_extra_find(d.extra, 78, &found));
    d.extra.len--;
    assert_int_equal(encode_err(&d), MCOS_E_FORMAT);
    mc_buf_clear(&extra);
    mc_extra_put(&extra, 77, MC_EXTRA_MUST, value);
    d.extra = (struct mc_bytes){extra.ptr, extra.len};
    assert_int_equal(encode_err(&d), MCOS_E_UPGRADE);
    mc_buf_clear(&extra);
    mc_extra_put(&extra, 77, 2, value);
    d.extra = (struct mc_bytes){extra.ptr, extra.len};
    assert_int_equal(encode_err(&d), MCOS_E_UPGRADE);
    d.extra.len = 0;
    assert_int_equal(encode_err(&d), 0);
    d.head.format = (uint16_t)(mc_format_max + 1);
    assert_int_equal(encode_err(&d), MCOS_E_UPGRADE);
    mc_buf_fini(&extra);
    mc_draft_fini(&d);
}

static void the_table_must_mean_something(void **state)
{
    struct mc_draft d;

    (void)state;
    draft_new(&d);
    d.table[0] = 4;
    assert_int_equal(encode_err(&d), MCOS_E_DEVICE); /* no such slot */
    d.table[0] = 2;
    assert_int_equal(encode_err(&d), MCOS_E_DEVICE); /* removed */
    d.table[0] = 1;
    assert_int_equal(encode_err(&d), MCOS_E_DEVICE); /* twice in a row */
    d.table[0] = MC_DEVICE_NONE;
    assert_int_equal(encode_err(&d), MCOS_E_FORMAT); /* a hole */
    d.table[0] = 0;
    d.table[5] = MC_DEVICE_NONE; /* the extra half on the first and third */
    d.table[8] = 1;
    assert_int_equal(encode_err(&d), MCOS_E_FORMAT);
    d.table[5] = 0;
    assert_int_equal(encode_err(&d), MCOS_E_FORMAT); /* one too many */
    d.table[8] = MC_DEVICE_NONE;
    assert_int_equal(encode_err(&d), 0);
    d.devices[3].name = "osaka";
    assert_int_equal(encode_err(&d), MCOS_E_DEVICE); /* a name twice */
    d.devices[3].name = "kyoto";
    assert_int_equal(encode_err(&d), 0); /* again after its slot was removed */
    d.devices[3].name = "";
    assert_int_equal(encode_err(&d), MCOS_E_DEVICE);
    d.devices[3].name = "\xff";
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    mc_draft_fini(&d);
}

static void fill(char *s, size_t n)
{
    memset(s, 'a', n);
    s[n] = '\0';
}

static int open_err(struct mc_blob *blob)
{
    struct mc_ring *ring = NULL;
    int err = mc_ring_open(blob, MC_CHECK_NONE, &ring, NULL);

    mc_ring_unref(ring);
    return err;
}

/* Wherever it is in a table that is looked at in blocks, and however it is wrong. */
#define BLOCKS_POWER   10u
#define BLOCKS_DEVICES 7u

static void draft_of_three_replicas(struct mc_draft *d)
{
    static uint32_t table[3u << BLOCKS_POWER];
    static struct mc_device devices[BLOCKS_DEVICES];
    static const char *const names[BLOCKS_DEVICES] = {"a", "b", "c", "d",
                                                      "e", "f", "g"};

    for (uint32_t i = 0; i < BLOCKS_DEVICES; i++)
        devices[i] = (struct mc_device){.name = names[i],
                                        .weight_text = "",
                                        .cluster = "",
                                        .region = "",
                                        .zone = "",
                                        .host = "",
                                        .replication_host = "",
                                        .device = "",
                                        .meta = ""};
    for (uint32_t i = 0; i < 3u << BLOCKS_POWER; i++)
        table[i] = i % BLOCKS_DEVICES;
    mc_draft_init(d);
    (void)mc_name_set(&d->head.name, "blocks");
    d->head.version = 1;
    d->head.timestamp = 1;
    d->head.hash = MC_HASH_XXH3;
    d->head.part_power = BLOCKS_POWER;
    d->head.next_part_power = 255;
    d->head.assignments = 3u << BLOCKS_POWER;
    d->devices = devices;
    d->device_count = BLOCKS_DEVICES;
    d->table = table;
}

static void each_row_is_looked_at_wherever_it_is(void **state)
{
    /* Eight in a row: each place of a step of the fast way. */
    static const uint32_t rows[] = {0,   1,   2,   3,   4,   5,   6,    7,   255,
                                    256, 257, 511, 512, 767, 768, 1022, 1023};
    static const uint16_t no_ids[] = {BLOCKS_DEVICES, 255, 256, 0x7fff, 0x8000, 0xfffe};
    struct mc_draft d;
    struct mc_blob *blob;
    struct mc_head head;
    uint8_t *table;

    (void)state;
    draft_of_three_replicas(&d);
    blob = encode_ok(&d);
    assert_int_equal(mc_head_decode(mc_blob_get(blob), &head, NULL), 0);
    table = (uint8_t *)(uintptr_t)mc_blob_get(blob).ptr +
            head.section[MC_SECTION_TABLE].offset;
    for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
        for (unsigned i = 0; i < 3; i++) {
            uint8_t *id = table + ((size_t)rows[r] * 3 + i) * 2;
            uint16_t good = mc_get_u16(id);

            for (size_t n = 0; n < sizeof(no_ids) / sizeof(*no_ids); n++) {
                mc_set_u16(id, no_ids[n]);
                assert_int_equal(open_err(blob), MCOS_E_DEVICE);
            }
            for (unsigned j = 1; j < 3; j++) {
                mc_set_u16(id,
                           mc_get_u16(table + ((size_t)rows[r] * 3 + (i + j) % 3) * 2));
                assert_int_equal(open_err(blob), MCOS_E_DEVICE);
            }
            mc_set_u16(id, 0xffff);
            assert_int_equal(open_err(blob), MCOS_E_FORMAT);
            mc_set_u16(id, good);
            assert_int_equal(open_err(blob), 0);
        }
    }
    mc_blob_unref(blob);
}

static void limits_of_the_head_hold_at_the_edge(void **state)
{
    struct mc_draft d;

    (void)state;
    draft_new(&d);
    d.head.version = MC_VERSION_MAX;
    d.head.timestamp = MC_TIMESTAMP_MAX;
    d.head.epoch = MC_EPOCH_MAX;
    fill(d.head.name.s, MC_NAME_MAX);
    fill(d.head.origin.s, MC_NAME_MAX);
    fill(d.head.author, MC_AUTHOR_MAX);
    fill(d.head.note, MC_NOTE_MAX);
    assert_int_equal(encode_err(&d), 0);
    d.head.version = MC_VERSION_MAX + 1;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.version = 0;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.version = 1;
    d.head.timestamp = MC_TIMESTAMP_MAX + 1;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.timestamp = 0;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.timestamp = 1;
    assert_int_equal(encode_err(&d), 0);
    d.head.name.s[MC_NAME_MAX] = 'a'; /* no end inside the array */
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    d.head.name.s[0] = '\0';
    assert_int_equal(encode_err(&d), MCOS_E_NAME);
    fill(d.head.name.s, 1);
    d.head.origin.s[0] = '-';
    assert_int_equal(encode_err(&d), MCOS_E_NAME);
    d.head.origin.s[0] = '\0';
    d.head.author[MC_AUTHOR_MAX] = 'a';
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    d.head.author[0] = '\0';
    d.head.note[MC_NOTE_MAX] = 'a';
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    d.head.note[0] = '\0';
    d.head.parent_count = 2;
    memset(d.head.parents[1], 0x44, MC_DIGEST_BYTES);
    assert_int_equal(encode_err(&d), MCOS_E_VALUE); /* the same twice */
    d.head.parents[1][0] = 1;
    assert_int_equal(encode_err(&d), 0);
    d.head.parent_count = 3;
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    mc_draft_fini(&d);
}

static void limits_of_the_placement_hold_at_the_edge(void **state)
{
    struct mc_draft d;

    (void)state;
    draft_new(&d);
    d.head.part_power = MC_PART_POWER_MAX + 1;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.part_power = 2;
    d.head.next_part_power = MC_PART_POWER_MAX + 1;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.next_part_power = MC_PART_POWER_MAX;
    assert_int_equal(encode_err(&d), 0);
    d.head.assignments = 3;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.assignments = 4 * MC_REPLICAS_MAX + 1;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.head.assignments = 10;
    d.devices[0].weight = MC_WEIGHT_MAX;
    d.builder.overload = MC_OVERLOAD_MAX;
    assert_int_equal(encode_err(&d), 0);
    d.devices[0].weight = MC_WEIGHT_MAX + 1;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    d.devices[0].weight = 0;
    d.builder.overload = MC_OVERLOAD_MAX + 1;
    assert_int_equal(encode_err(&d), MCOS_E_VALUE);
    mc_draft_fini(&d);
}

static void limits_of_texts_and_lists_hold_at_the_edge(void **state)
{
    static char text[MC_META_MAX + 2];
    struct mc_draft d;
    struct mc_buf extra = {0};

    (void)state;
    draft_new(&d);
    fill(text, MC_TEXT_MAX);
    d.devices[0].zone = text;
    assert_int_equal(encode_err(&d), 0);
    fill(text, MC_TEXT_MAX + 1);
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    d.devices[0].zone = "";
    fill(text, MC_META_MAX);
    d.devices[0].meta = text;
    assert_int_equal(encode_err(&d), 0);
    fill(text, MC_META_MAX + 1);
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    d.devices[0].meta = "";
    free(d.ancestors);
    d.ancestors = calloc(MC_ANCESTORS_MAX + 1, sizeof(*d.ancestors));
    assert_non_null(d.ancestors);
    for (unsigned i = 0; i <= MC_ANCESTORS_MAX; i++)
        d.ancestors[i].version = MC_ANCESTORS_MAX + 1 - i;
    d.ancestor_count = MC_ANCESTORS_MAX;
    assert_int_equal(encode_err(&d), 0);
    d.ancestor_count++;
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    d.ancestor_count = 2;
    d.ancestors[1].version = d.ancestors[0].version;
    assert_int_equal(encode_err(&d), MCOS_E_FORMAT); /* the same twice */
    d.ancestor_count = 0;
    mc_buf_u32(&extra, 77);
    mc_buf_u32(&extra, MC_EXTRA_MAX - 8);
    mc_buf_zero(&extra, MC_EXTRA_MAX - 8);
    d.extra = (struct mc_bytes){extra.ptr, extra.len};
    assert_int_equal(encode_err(&d), 0);
    d.extra.len++;
    assert_int_equal(encode_err(&d), MCOS_E_TOOBIG);
    mc_buf_fini(&extra);
    mc_draft_fini(&d);
}

static void a_secret_is_bounded_and_only_for_swift(void **state)
{
    static uint8_t raw[MC_SECRET_MAX + 1];
    uint8_t label[16 + 2 * MC_SECRET_MAX + 1] = "mcos hash check";
    uint8_t sum[MC_SHA256_BYTES];
    struct mc_draft d;

    (void)state;
    draft_new(&d);
    assert_int_equal(mc_draft_embed_secret(&d, (struct mc_bytes){raw, MC_SECRET_MAX},
                                           (struct mc_bytes){raw, MC_SECRET_MAX}),
                     0);
    assert_int_equal(encode_err(&d), MCOS_E_VALUE); /* not that of hash_check */
    mc_sha256(sum, (struct mc_bytes){label, sizeof(label)});
    memcpy(d.head.hash_check, sum, sizeof(d.head.hash_check));
    assert_int_equal(encode_err(&d), 0);
    assert_int_equal(mc_draft_embed_secret(&d,
                                           (struct mc_bytes){raw, MC_SECRET_MAX + 1},
                                           (struct mc_bytes){NULL, 0}),
                     MCOS_E_TOOBIG);
    d.head.hash = MC_HASH_XXH3;
    assert_int_equal(encode_err(&d), MCOS_E_FORMAT);
    d.head.secret_embedded = false;
    assert_int_equal(encode_err(&d),
                     MCOS_E_FORMAT); /* its check value is still there */
    memset(d.head.hash_check, 0, sizeof(d.head.hash_check));
    assert_int_equal(encode_err(&d), 0);
    mc_draft_fini(&d);
}

static void many_devices(uint32_t count, int expect, unsigned id_bytes)
{
    struct mc_draft d;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    char name[16];

    mc_draft_init(&d);
    mc_name_set(&d.head.name, "wide");
    d.head.version = 1;
    d.head.timestamp = 1;
    d.head.assignments = 1;
    d.table = malloc(sizeof(*d.table));
    d.devices = calloc(count, sizeof(*d.devices));
    assert_non_null(d.table);
    assert_non_null(d.devices);
    d.table[0] = count - 1;
    d.device_count = count;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "d%u", count - i);
        d.devices[i].name = mc_draft_text(&d, name);
        assert_non_null(d.devices[i].name);
    }
    assert_int_equal(mc_draft_encode(&d, &blob, NULL), expect);
    if (expect == 0) {
        assert_int_equal(mc_ring_open(blob, MC_CHECK_XXH3, &ring, NULL), 0);
        assert_int_equal(mc_ring_head(ring)->id_bytes, id_bytes);
        assert_int_equal(mc_ring_at(ring, 0, 0), count - 1);
        assert_int_equal(mc_ring_device_find(ring, "d1"), count - 1);
        assert_string_equal(mc_ring_device(ring, 0)->zone, "");
    }
    mc_ring_unref(ring);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
}

static void ids_widen_where_two_bytes_end_and_devices_have_a_limit(void **state)
{
    (void)state;
    many_devices(65535, 0, 2);
    many_devices(65536, 0, 4);
    many_devices(MC_DEVICES_MAX, 0, 4);
    many_devices(MC_DEVICES_MAX + 1, MCOS_E_TOOBIG, 0);
}

static void any_memory_that_fails_only_fails_the_call(void **state)
{
    long n = 1;
    int err = MCOS_E_NOMEM;

    (void)state;
    for (; err != 0; n++) {
        struct mc_draft d;
        struct mc_draft copy;
        struct mc_blob *blob = NULL;
        struct mc_ring *ring = NULL;
        struct mc_ring *untouched = NULL;

        mc_draft_init(&d);
        mc_draft_init(&copy);
        fail_at = n;
        err = sample_draft(&d) ? 0 : MCOS_E_NOMEM;
        if (err == 0)
            err = mc_draft_encode(&d, &blob, NULL);
        if (err == 0)
            err = mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL);
        if (err == 0)
            err = mc_draft_from_ring(&copy, ring);
        if (err == 0) {
            const struct mc_ring *also = ring;

            assert_int_equal(mc_ring_divergence(ring, ring), 0);
            err = mc_draft_mint(&copy, ring, &also, 1, 1);
        }
        if (err != 0) {
            assert_int_equal(err, MCOS_E_NOMEM);
            assert_null(untouched);
        }
        if (err == 0 && fail_at > 0) {
            fail_at = 0; /* ran to the end before the n-th: done */
        } else {
            err = MCOS_E_NOMEM;
        }
        mc_ring_unref(ring);
        mc_blob_unref(blob);
        mc_draft_fini(&copy);
        mc_draft_fini(&d);
    }
    assert_true(n > 15);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(what_was_encoded_is_read_back),
        cmocka_unit_test(rows_and_names_answer_and_beyond_the_end_is_nothing),
        cmocka_unit_test(a_copy_of_a_ring_encodes_to_the_same_bytes),
        cmocka_unit_test(a_tombstone_has_ancestors_and_nothing_to_look_up),
        cmocka_unit_test(the_bytes_are_the_ones_of_the_golden_files),
        cmocka_unit_test(cut_anywhere_it_is_refused),
        cmocka_unit_test(no_single_bit_can_change_unseen),
        cmocka_unit_test(from_outside_both_sums_must_be_right),
        cmocka_unit_test(foreign_newer_and_not_canonical_are_told_apart),
        cmocka_unit_test(the_front_is_read_whatever_the_format),
        cmocka_unit_test(an_extra_that_must_be_understood_is_not_passed_over),
        cmocka_unit_test(the_table_must_mean_something),
        cmocka_unit_test(each_row_is_looked_at_wherever_it_is),
        cmocka_unit_test(limits_of_the_head_hold_at_the_edge),
        cmocka_unit_test(limits_of_the_placement_hold_at_the_edge),
        cmocka_unit_test(limits_of_texts_and_lists_hold_at_the_edge),
        cmocka_unit_test(a_secret_is_bounded_and_only_for_swift),
        cmocka_unit_test(ids_widen_where_two_bytes_end_and_devices_have_a_limit),
        cmocka_unit_test(any_memory_that_fails_only_fails_the_call),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
