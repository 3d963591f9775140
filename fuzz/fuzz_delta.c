/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes may come as a difference: which of a few rings is the parent, the length
 * of a head, the head, the difference. What comes of them is as long as the head
 * says; if it opens as a record (its digests are not checked, or nothing would get
 * past them), its own difference from that parent brings the same bytes back.
 */
#include "ring/delta.h"
#include "ring/draft.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FAMILY    4u
#define BYTES_MAX (1u << 20) /* of a record: a larger one is only slower */

static struct mc_ring *family[FAMILY];

static void fill(struct mc_draft *d, unsigned power, uint32_t devices, uint32_t salt)
{
    uint32_t parts = 1u << power;

    d->head.part_power = (uint8_t)power;
    d->head.hash = MC_HASH_XXH3;
    d->head.assignments = 2ull * parts + parts / 2;
    d->device_count = devices;
    d->devices = calloc(devices, sizeof(*d->devices));
    d->table = calloc((size_t)parts * 3, sizeof(*d->table));
    d->last_move = calloc(parts, sizeof(*d->last_move));
    assert(d->devices != NULL && d->table != NULL && d->last_move != NULL);
    for (uint32_t i = 0; i < devices; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "d%u", (unsigned)i);
        d->devices[i].name = mc_draft_text(d, name);
        d->devices[i].weight = 1000000 + i * salt;
    }
    for (uint32_t p = 0; p < parts; p++) {
        for (uint32_t r = 0; r < 3; r++)
            d->table[p * 3 + r] = r < 2 || p < parts / 2
                                      ? (p + r + (p % 5 == 0 ? salt : 0)) % devices
                                      : MC_DEVICE_NONE;
        d->last_move[p] = p % 5 == 0 ? 1700000000u + salt : 0;
    }
}

static struct mc_ring *mint(const struct mc_ring *held, unsigned power,
                            uint32_t devices, uint32_t salt)
{
    struct mc_draft d;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int err;

    mc_draft_init(&d);
    mc_name_set(&d.head.name, "photos");
    d.head.tombstone = devices == 0;
    if (devices != 0)
        fill(&d, power, devices, salt);
    err = mc_draft_mint(&d, held, NULL, 0, 1000);
    if (err == 0)
        err = mc_draft_encode(&d, &blob, NULL);
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_NONE, &ring, NULL);
    assert(err == 0);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    return ring;
}

static void make_family(void)
{
    family[0] = mint(NULL, 4, 5, 0);
    family[1] = mint(family[0], 4, 6, 1);
    family[2] = mint(family[1], 5, 6, 2);
    family[3] = mint(family[2], 0, 0, 0);
}

static void back_again(const struct mc_ring *parent, const struct mc_ring *child,
                       struct mc_bytes head)
{
    struct mc_bytes want = mc_blob_get(mc_ring_blob(child));
    struct mc_blob *blob = NULL;
    struct mc_buf delta = {0};

    if (mc_delta_make(parent, child, &delta) == 0) {
        assert(mc_delta_apply(parent, head, (struct mc_bytes){delta.ptr, delta.len},
                              &blob, NULL) == 0);
        assert(mc_blob_get(blob).len == want.len);
        assert(memcmp(mc_blob_get(blob).ptr, want.ptr, want.len) == 0);
        mc_blob_unref(blob);
    }
    mc_buf_fini(&delta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_reader r = mc_reader_init((struct mc_bytes){data, size});
    const struct mc_ring *parent;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    struct mcos_diag diag;
    struct mc_bytes head_bytes;
    struct mc_bytes delta;
    struct mc_head head;

    if (family[0] == NULL)
        make_family();
    parent = family[mc_reader_u8(&r) % FAMILY];
    head_bytes = mc_reader_take(&r, mc_reader_u16(&r));
    delta = mc_reader_take(&r, mc_reader_left(&r));
    if (mc_head_decode(head_bytes, &head, &diag) == 0 && head.record_bytes > BYTES_MAX)
        return 0;
    if (mc_delta_apply(parent, head_bytes, delta, &blob, &diag) != 0)
        return 0;
    assert(mc_blob_get(blob).len == head.record_bytes);
    if (mc_ring_open(blob, MC_CHECK_NONE, &ring, &diag) == 0) {
        back_again(parent, ring, head_bytes);
        mc_ring_unref(ring);
    }
    mc_blob_unref(blob);
    return 0;
}
