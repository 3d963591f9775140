/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/check.c -- reads the sections of a record and checks what they mean.
 *
 * Bytes come from anywhere: nothing here is more than n log n in their length,
 * and nothing is allocated that their length does not already pay for.
 */
#include "ring/layout.h"
#include "ring/ring_in.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_device(struct mc_reader *r, uint32_t id, struct mc_device *ret,
                       struct mcos_diag *diag)
{
    char field[64];
    uint8_t flags;

    ret->incarnation = mc_reader_u32(r);
    flags = mc_reader_u8(r);
    ret->port = mc_reader_u16(r);
    ret->replication_port = mc_reader_u16(r);
    ret->weight = mc_reader_u64(r);
    ret->removed = (flags & MC_DEVICE_REMOVED) != 0;
    for (unsigned i = 0; i < MC_DEVICE_TEXTS; i++) {
        const struct mc_device_text *t = &mc_device_texts[i];
        const char *text;
        int err = mc_read_text(r, t->max, t->field, &text, diag);

        if (err != 0) {
            snprintf(field, sizeof(field), "/devices/%u/%s", id, t->field);
            return mcos_diag_set(diag, err, field, "cut short, too long or not UTF-8");
        }
        memcpy((char *)ret + t->at, &text, sizeof(text));
    }
    snprintf(field, sizeof(field), "/devices/%u", id);
    if ((flags & ~MC_DEVICE_REMOVED) != 0)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, field, "unknown flags 0x%x", flags);
    if (ret->weight > MC_WEIGHT_MAX)
        return mcos_diag_set(diag, MCOS_E_VALUE, field, "weight is out of range");
    if (!ret->removed && ret->name[0] == '\0')
        return mcos_diag_set(diag, MCOS_E_DEVICE, field, "a device without a name");
    return 0;
}

static int cmp_names(const void *a, const void *b)
{
    const struct mc_device *const *x = a;
    const struct mc_device *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int index_names(struct mc_ring *ring, struct mcos_diag *diag)
{
    size_t n = 0;

    for (uint32_t i = 0; i < ring->head.device_count; i++) {
        if (!ring->devices[i].removed)
            ring->by_name[n++] = &ring->devices[i];
    }
    ring->by_name_count = n;
    qsort(ring->by_name, n, sizeof(struct mc_device *), cmp_names);
    for (size_t i = 1; i < n; i++) {
        if (cmp_names(&ring->by_name[i - 1], &ring->by_name[i]) == 0)
            return mcos_diag_set(diag, MCOS_E_DEVICE, "devices",
                                 "%.100s is there twice", ring->by_name[i]->name);
    }
    return 0;
}

int mc_ring_read_slots(struct mc_ring *ring, struct mc_bytes in, struct mcos_diag *diag)
{
    struct mc_reader r = mc_reader_init(in);
    uint32_t count = ring->head.device_count;

    if (count == 0)
        return 0;
    ring->devices = calloc(count, sizeof(*ring->devices));
    if (ring->devices == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        int err = read_device(&r, i, &ring->devices[i], diag);

        if (err != 0)
            return err;
    }
    if (mc_reader_left(&r) != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "devices",
                             "bytes after the last one");
    return 0;
}

int mc_ring_read_devices(struct mc_ring *ring, struct mc_bytes in,
                         struct mcos_diag *diag)
{
    int err = mc_ring_read_slots(ring, in, diag);

    if (err != 0 || ring->head.device_count == 0)
        return err;
    ring->by_name = calloc(ring->head.device_count, sizeof(*ring->by_name));
    return ring->by_name == NULL ? MCOS_E_NOMEM : index_names(ring, diag);
}

static int read_ancestors(struct mc_ring *ring, struct mc_reader *r, uint32_t count,
                          struct mcos_diag *diag)
{
    if (count > MC_ANCESTORS_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "ancestors", "%u, at most %u", count,
                             MC_ANCESTORS_MAX);
    if (mc_reader_left(r) / MC_ANCESTOR_BYTES < count)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "ancestors", "cut short");
    if (count == 0)
        return 0;
    ring->ancestors = calloc(count, sizeof(*ring->ancestors));
    if (ring->ancestors == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct mc_ancestor *a = &ring->ancestors[i];

        a->version = mc_reader_u64(r);
        a->epoch = mc_reader_u16(r);
        memcpy(a->digest8, mc_reader_take(r, 8).ptr, 8);
        if (a->version < 1 || a->version > MC_VERSION_MAX)
            return mcos_diag_set(diag, MCOS_E_VALUE, "ancestors",
                                 "version of number %u", i);
        if (i > 0 && mc_ancestor_cmp(a, a - 1) >= 0)
            return mcos_diag_set(diag, MCOS_E_FORMAT, "ancestors", "not newest first");
    }
    ring->builder.ancestors = ring->ancestors;
    ring->builder.ancestor_count = count;
    return 0;
}

static int read_secret(struct mc_reader *r, struct mc_bytes *ret,
                       struct mcos_diag *diag)
{
    size_t n = mc_reader_u16(r);
    struct mc_bytes b = mc_reader_take(r, n);

    if (r->bad)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "secret", "cut short");
    if (n > MC_SECRET_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "secret", "at most %u bytes",
                             MC_SECRET_MAX);
    *ret = b;
    return 0;
}

/* A secret in the record is the one that its head means. */
static int check_secret(const struct mc_ring *ring, struct mcos_diag *diag)
{
    static const char label[] = "mcos hash check"; /* its NUL is hashed too */
    const struct mc_builder_info *b = &ring->builder;
    uint8_t raw[sizeof(label) + 2 * MC_SECRET_MAX + 1] = {0};
    uint8_t sum[MC_SHA256_BYTES];
    uint8_t *at = raw + sizeof(label);

    memcpy(raw, label, sizeof(label));
    memcpy(at, b->secret_prefix.ptr, b->secret_prefix.len);
    at += b->secret_prefix.len + 1;
    memcpy(at, b->secret_suffix.ptr, b->secret_suffix.len);
    at += b->secret_suffix.len;
    mc_sha256(sum, (struct mc_bytes){raw, (size_t)(at - raw)});
    if (memcmp(sum, ring->head.hash_check, sizeof(ring->head.hash_check)) != 0)
        return mcos_diag_set(diag, MCOS_E_VALUE, "secret", "not the one of hash_check");
    return 0;
}

int mc_ring_read_builder(struct mc_ring *ring, struct mc_bytes in,
                         struct mcos_diag *diag)
{
    struct mc_reader r = mc_reader_init(in);
    struct mc_builder_info *b = &ring->builder;
    uint16_t flags;
    uint32_t ancestor_count;
    int err;

    b->overload = mc_reader_u32(&r);
    b->min_move_seconds = mc_reader_u32(&r);
    b->algorithm = mc_reader_u16(&r);
    flags = mc_reader_u16(&r);
    ancestor_count = mc_reader_u32(&r);
    if ((flags & ~MC_BUILDER_LAST_MOVE) != 0)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, "builder", "unknown flags 0x%x",
                             flags);
    if (b->overload > MC_OVERLOAD_MAX)
        return mcos_diag_set(diag, MCOS_E_VALUE, "overload", "out of range");
    if (ring->head.tombstone && (b->overload != 0 || b->min_move_seconds != 0 ||
                                 b->algorithm != 0 || flags != 0))
        return mcos_diag_set(diag, MCOS_E_FORMAT, "builder",
                             "a tombstone builds nothing");
    if (flags != 0)
        b->last_move = mc_reader_take(&r, (size_t)mc_ring_part_count(ring) * 4).ptr;
    if (r.bad)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "builder", "cut short");
    if ((err = read_ancestors(ring, &r, ancestor_count, diag)) != 0)
        return err;
    if (ring->head.secret_embedded &&
        ((err = read_secret(&r, &b->secret_prefix, diag)) != 0 ||
         (err = read_secret(&r, &b->secret_suffix, diag)) != 0 ||
         (err = check_secret(ring, diag)) != 0))
        return err;
    if (mc_reader_left(&r) != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "builder",
                             "bytes after the last field");
    return 0;
}

static int check_row(const struct mc_ring *ring, uint32_t part, unsigned present,
                     struct mcos_diag *diag)
{
    uint32_t row[MC_REPLICAS_MAX];

    for (unsigned i = 0; i < ring->head.stride; i++) {
        uint32_t id = mc_ring_at(ring, part, i);

        if ((id == MC_DEVICE_NONE) != (i >= present))
            return mcos_diag_set(diag, MCOS_E_FORMAT, "table",
                                 "partition %u does not have %u replicas", part,
                                 present);
        if (id == MC_DEVICE_NONE)
            return 0;
        if (id >= ring->head.device_count || ring->devices[id].removed)
            return mcos_diag_set(diag, MCOS_E_DEVICE, "table",
                                 "partition %u is on device %u, which is not there",
                                 part, id);
        for (unsigned j = 0; j < i; j++) {
            if (row[j] == id)
                return mcos_diag_set(diag, MCOS_E_DEVICE, "table",
                                     "partition %u is on device %u twice", part, id);
        }
        row[i] = id;
    }
    return 0;
}

/* ---- whole tables, quickly: one is checked whenever a ring is opened ---- */

#define ROWS_AT_ONCE 256u

/*
 * Whether a row of any width, without gaps, names devices that are there, each once.
 */
static bool row_is_good(const struct mc_ring *ring, const uint8_t *row,
                        bool any_removed)
{
    const uint32_t devices = ring->head.device_count;
    const unsigned stride = ring->head.stride;
    uint32_t ids[MC_REPLICAS_MAX];
    unsigned bad = 0;

    for (unsigned i = 0; i < stride; i++) {
        ids[i] = (uint32_t)(row[2 * i] | row[2 * i + 1] << 8);
        bad |= ids[i] >= devices;
        for (unsigned j = 0; j < i; j++)
            bad |= ids[i] == ids[j];
    }
    for (unsigned i = 0; i < stride && any_removed && bad == 0; i++)
        bad |= ring->devices[ids[i]].removed;
    return bad == 0;
}

/*
 * The same of three replicas, the usual: eight rows are 24 ids, three vectors. Each id
 * is compared with the one after it and the one after that, as far as they are of its
 * row.
 */
typedef uint16_t ids8 __attribute__((vector_size(16)));

#define ROWS_IN_THREE 8u

static ids8 load_ids(const uint8_t *at)
{
    ids8 v;

    memcpy(&v, at, sizeof(v));
    return v;
}

/* Lanes that are not zero are bad. Reads two ids beyond the eight rows. */
static ids8 bad_in_rows(const uint8_t *rows, ids8 devices)
{
    static const ids8 next[3] = {
        {1, 1, 0, 1, 1, 0, 1, 1}, {0, 1, 1, 0, 1, 1, 0, 1}, {1, 0, 1, 1, 0, 1, 1, 0}};
    static const ids8 over[3] = {
        {1, 0, 0, 1, 0, 0, 1, 0}, {0, 1, 0, 0, 1, 0, 0, 1}, {0, 0, 1, 0, 0, 1, 0, 0}};
    ids8 bad = {0};

    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *at = rows + i * sizeof(ids8);
        ids8 v = load_ids(at);

        bad |= (ids8)(v == load_ids(at + 2)) & next[i];
        bad |= (ids8)(v == load_ids(at + 4)) & over[i];
        bad |= (ids8)(v >= devices);
    }
    return bad;
}

/* How many rows of three are surely good; the last ones are left to others, for reading
 * goes beyond. */
static uint32_t count_good_threes(const uint8_t *table, uint32_t full, uint32_t devices)
{
    const ids8 all = (ids8){0} + (uint16_t)devices; /* of two bytes, so at most 65535 */
    uint32_t p = 0;

    if (htole16(1) != 1) /* the table is little-endian */
        return 0;
    while (full - p > ROWS_AT_ONCE) {
        ids8 bad = {0};
        uint64_t two[2];

        for (uint32_t i = 0; i < ROWS_AT_ONCE; i += ROWS_IN_THREE)
            bad |= bad_in_rows(table + (size_t)(p + i) * 6, all);
        memcpy(two, &bad, sizeof(two));
        if ((two[0] | two[1]) != 0)
            break;
        p += ROWS_AT_ONCE;
    }
    return p;
}

/* How many of the first `full` rows, which have no gaps, are surely good. */
static uint32_t count_good_rows(const struct mc_ring *ring, uint32_t full)
{
    const uint32_t devices = ring->head.device_count;
    const unsigned stride = ring->head.stride;
    bool any_removed = false;
    uint32_t p = 0;

    if (ring->head.id_bytes != 2)
        return 0;
    for (uint32_t id = 0; id < devices; id++)
        any_removed = any_removed || ring->devices[id].removed;
    if (stride == 3 && !any_removed)
        p = count_good_threes(ring->table, full, devices);
    while (p < full &&
           row_is_good(ring, ring->table + (size_t)p * stride * 2, any_removed))
        p++;
    return p;
}

int mc_ring_check_table(const struct mc_ring *ring, struct mcos_diag *diag)
{
    uint32_t parts = mc_ring_part_count(ring);
    uint64_t whole;
    uint64_t longer;

    if (parts == 0)
        return 0;
    whole = ring->head.assignments / parts;
    longer = ring->head.assignments % parts;
    for (uint32_t p = count_good_rows(ring, longer == 0 ? parts : (uint32_t)longer);
         p < parts; p++) {
        int err = check_row(ring, p, (unsigned)whole + (p < longer), diag);

        if (err != 0)
            return err;
    }
    return 0;
}
