/* SPDX-License-Identifier: Apache-2.0 */
/* ring/ring.c -- opens a record, keeps it, answers about devices and rows. */
#include "ring/ring.h"

#include "ring/extra.h"
#include "ring/layout.h"
#include "ring/ring_in.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct mc_bytes section_of(const struct mc_ring *ring, enum mc_section s)
{
    const struct mc_section_info *info = &ring->head.section[s];

    return (struct mc_bytes){mc_blob_get(ring->blob).ptr + info->offset,
                             (size_t)info->bytes};
}

/*
 * From outside both are checked: a record whose SHA-256 is right and whose XXH3
 * is not would be taken here and refused when its file is opened.
 */
static int check_section(const struct mc_ring *ring, enum mc_section s,
                         enum mc_ring_check check, struct mcos_diag *diag)
{
    const struct mc_section_info *info = &ring->head.section[s];
    uint8_t sum[MC_SHA256_BYTES];

    if (check == MC_CHECK_NONE)
        return 0;
    mc_xxh3_128(sum, section_of(ring, s));
    if (memcmp(sum, info->xxh3, sizeof(info->xxh3)) != 0)
        return mcos_diag_set(diag, MCOS_E_DIGEST, "sections", "XXH3 of section %u", s);
    if (check != MC_CHECK_SHA256)
        return 0;
    mc_sha256(sum, section_of(ring, s));
    if (memcmp(sum, info->sha256, sizeof(info->sha256)) != 0)
        return mcos_diag_set(diag, MCOS_E_DIGEST, "sections", "SHA-256 of section %u",
                             s);
    return 0;
}

static int check_padding(const struct mc_ring *ring, struct mcos_diag *diag)
{
    struct mc_bytes all = mc_blob_get(ring->blob);
    uint64_t at = ring->head.head_bytes;

    for (unsigned i = 0; i <= MC_SECTION_COUNT; i++) {
        uint64_t end = mc_align(at);

        for (; at < end; at++) {
            if (all.ptr[at] != 0)
                return mcos_diag_set(diag, MCOS_E_FORMAT, "",
                                     "padding is not zero at byte %llu",
                                     (unsigned long long)at);
        }
        if (i < MC_SECTION_COUNT)
            at += ring->head.section[i].bytes;
    }
    return 0;
}

/* The part of it that look-ups need. */
static int read_for_lookup(struct mc_ring *ring, struct mcos_diag *diag)
{
    enum mc_section last =
        ring->head.secret_embedded ? MC_SECTION_BUILDER : MC_SECTION_DEVICES;
    int err = 0;

    for (unsigned s = 0; err == 0 && s <= last; s++)
        err = check_section(ring, (enum mc_section)s, MC_CHECK_LOOKUP, diag);
    if (err == 0)
        err = check_section(ring, MC_SECTION_EXTRA, MC_CHECK_LOOKUP, diag);
    if (err == 0)
        err = mc_extra_check(section_of(ring, MC_SECTION_EXTRA), diag);
    if (err == 0)
        err = mc_ring_read_slots(ring, section_of(ring, MC_SECTION_DEVICES), diag);
    if (err == 0 && last == MC_SECTION_BUILDER)
        err = mc_ring_read_builder(ring, section_of(ring, MC_SECTION_BUILDER), diag);
    return err;
}

static int read_all(struct mc_ring *ring, enum mc_ring_check check,
                    struct mcos_diag *diag)
{
    struct mc_bytes all = mc_blob_get(ring->blob);
    int err = mc_head_decode(all, &ring->head, diag);

    if (err != 0)
        return err;
    if (all.len != ring->head.record_bytes)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "", "%zu bytes, must be %llu",
                             all.len, (unsigned long long)ring->head.record_bytes);
    ring->table = section_of(ring, MC_SECTION_TABLE).ptr;
    ring->extra = section_of(ring, MC_SECTION_EXTRA);
    if ((err = check_padding(ring, diag)) != 0)
        return err;
    if (check == MC_CHECK_LOOKUP)
        return read_for_lookup(ring, diag);
    for (unsigned s = 0; s < MC_SECTION_COUNT; s++) {
        if ((err = check_section(ring, (enum mc_section)s, check, diag)) != 0)
            return err;
    }
    if ((err = mc_extra_check(ring->extra, diag)) != 0)
        return err;
    err = mc_ring_read_devices(ring, section_of(ring, MC_SECTION_DEVICES), diag);
    if (err != 0)
        return err;
    err = mc_ring_read_builder(ring, section_of(ring, MC_SECTION_BUILDER), diag);
    if (err != 0)
        return err;
    return mc_ring_check_table(ring, diag);
}

int mc_ring_open(struct mc_blob *blob, enum mc_ring_check check,
                 struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    struct mc_ring *ring = calloc(1, sizeof(*ring));
    int err;

    if (ring == NULL)
        return MCOS_E_NOMEM;
    atomic_init(&ring->refs, 1u);
    ring->blob = mc_blob_ref(blob);
    err = read_all(ring, check, diag);
    if (err != 0) {
        mc_ring_unref(ring);
        return err;
    }
    *ret_ring = ring;
    return 0;
}

struct mc_ring *mc_ring_ref(struct mc_ring *ring)
{
    unsigned before = atomic_fetch_add_explicit(&ring->refs, 1u, memory_order_relaxed);

    assert(before > 0);
    (void)before;
    return ring;
}

void mc_ring_unref(struct mc_ring *ring)
{
    if (ring == NULL ||
        atomic_fetch_sub_explicit(&ring->refs, 1u, memory_order_acq_rel) > 1)
        return;
    mc_blob_unref(ring->blob);
    free(ring->devices);
    free(ring->by_name);
    free(ring->ancestors);
    free(ring);
}

bool mc_ring_alone(const struct mc_ring *ring)
{
    return atomic_load_explicit(&ring->refs, memory_order_acquire) == 1;
}

const struct mc_head *mc_ring_head(const struct mc_ring *ring)
{
    return &ring->head;
}

struct mc_blob *mc_ring_blob(const struct mc_ring *ring)
{
    return ring->blob;
}

const struct mc_builder_info *mc_ring_builder(const struct mc_ring *ring)
{
    return &ring->builder;
}

struct mc_bytes mc_ring_extra(const struct mc_ring *ring)
{
    return ring->extra;
}

const struct mc_device *mc_ring_device(const struct mc_ring *ring, uint32_t id)
{
    return id < ring->head.device_count ? &ring->devices[id] : NULL;
}

uint32_t mc_ring_device_find(const struct mc_ring *ring, const char *name)
{
    size_t lo = 0;
    size_t hi = ring->by_name_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(name, ring->by_name[mid]->name);

        if (order == 0)
            return (uint32_t)(ring->by_name[mid] - ring->devices);
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return MC_DEVICE_NONE;
}

uint32_t mc_ring_part_count(const struct mc_ring *ring)
{
    return ring->head.tombstone ? 0 : 1u << ring->head.part_power;
}

uint32_t mc_ring_at(const struct mc_ring *ring, uint32_t part, unsigned replica)
{
    size_t at;

    if (part >= mc_ring_part_count(ring) || replica >= ring->head.stride)
        return MC_DEVICE_NONE;
    at = (size_t)part * ring->head.stride + replica;
    if (ring->head.id_bytes == 4)
        return mc_get_u32(ring->table + at * 4);
    at = mc_get_u16(ring->table + at * 2);
    return at == UINT16_MAX ? MC_DEVICE_NONE : (uint32_t)at;
}

void mc_ring_ids(const struct mc_ring *ring, uint32_t *to)
{
    size_t places = (size_t)mc_ring_part_count(ring) * ring->head.stride;

    for (size_t i = 0; i < places && ring->head.id_bytes == 4; i++)
        to[i] = mc_get_u32(ring->table + i * 4);
    for (size_t i = 0; i < places && ring->head.id_bytes == 2; i++) {
        uint32_t id = (uint32_t)(ring->table[2 * i] | ring->table[2 * i + 1] << 8);

        to[i] = id == UINT16_MAX ? MC_DEVICE_NONE : id;
    }
}

unsigned mc_ring_row(const struct mc_ring *ring, uint32_t part,
                     uint32_t ids[MC_REPLICAS_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < ring->head.stride; i++) {
        uint32_t id = mc_ring_at(ring, part, i);

        if (id != MC_DEVICE_NONE)
            ids[n++] = id;
    }
    return n;
}
