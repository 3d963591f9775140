/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table is checked in bulk where it can be, row by row where it must be. Both
 * must refuse the same: here each place of each row is spoilt in turn, in rings of
 * every shape that takes another way through the check.
 */
#include "ring/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICES 6u
#define POWER   3u

struct shape {
    unsigned replicas; /* of the rows of the first half */
    bool fraction;     /* the second half has one less */
    bool removed;      /* the last device is not there any more */
};

static struct mc_blob *make(const struct shape *shape)
{
    const uint32_t parts = 1u << POWER;
    char names[DEVICES][8];
    struct mc_blob *blob = NULL;
    struct mc_draft draft;

    mc_draft_init(&draft);
    assert_true(mc_name_set(&draft.head.name, "t"));
    draft.head.part_power = POWER;
    draft.devices = calloc(DEVICES, sizeof(*draft.devices));
    draft.table = calloc((size_t)parts * shape->replicas, sizeof(*draft.table));
    draft.device_count = DEVICES;
    for (unsigned i = 0; i < DEVICES; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "d%u", i);
        draft.devices[i] =
            (struct mc_device){.removed = shape->removed && i == DEVICES - 1,
                               .weight_text = "",
                               .name = names[i],
                               .cluster = "",
                               .region = "",
                               .zone = "",
                               .host = "",
                               .replication_host = "",
                               .device = "",
                               .meta = ""};
    }
    for (uint32_t p = 0; p < parts; p++) {
        for (unsigned i = 0; i < shape->replicas; i++) {
            bool absent = shape->fraction && p >= parts / 2 && i == shape->replicas - 1;

            draft.table[p * shape->replicas + i] =
                absent ? MC_DEVICE_NONE : (p + i) % (DEVICES - 1);
            draft.head.assignments += !absent;
        }
    }
    assert_int_equal(mc_draft_mint(&draft, NULL, NULL, 0, 1), 0);
    assert_int_equal(mc_draft_encode(&draft, &blob, NULL), 0);
    mc_draft_fini(&draft);
    return blob;
}

static int open_bytes(struct mc_bytes bytes)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int err;

    assert_int_equal(mc_blob_new(bytes, &blob), 0);
    err = mc_ring_open(blob, MC_CHECK_NONE, &ring, NULL);
    mc_blob_unref(blob);
    mc_ring_unref(ring);
    return err;
}

static void spoil_each_place(const struct shape *shape)
{
    struct mc_blob *blob = make(shape);
    struct mc_bytes good = mc_blob_get(blob);
    uint8_t *bytes = malloc(good.len);
    struct mc_head head;

    assert_non_null(bytes);
    memcpy(bytes, good.ptr, good.len);
    assert_int_equal(mc_head_decode(good, &head, NULL), 0);
    assert_int_equal(open_bytes(good), 0);
    for (unsigned at = 0; at < head.section[MC_SECTION_TABLE].bytes / 2; at++) {
        uint8_t *id = bytes + head.section[MC_SECTION_TABLE].offset + at * 2;
        uint16_t was = mc_get_u16(id);

        mc_set_u16(id, DEVICES);
        assert_int_not_equal(open_bytes((struct mc_bytes){bytes, good.len}), 0);
        mc_set_u16(id, was == UINT16_MAX ? 0 : UINT16_MAX);
        assert_int_not_equal(open_bytes((struct mc_bytes){bytes, good.len}), 0);
        if (shape->removed) {
            mc_set_u16(id, DEVICES - 1);
            assert_int_not_equal(open_bytes((struct mc_bytes){bytes, good.len}), 0);
        }
        for (unsigned other = 0; other < shape->replicas && was != UINT16_MAX;
             other++) {
            unsigned there = at / shape->replicas * shape->replicas + other;
            uint16_t twin =
                mc_get_u16(bytes + head.section[MC_SECTION_TABLE].offset + there * 2);

            if (there == at)
                continue;
            mc_set_u16(id, twin);
            assert_int_not_equal(open_bytes((struct mc_bytes){bytes, good.len}), 0);
        }
        mc_set_u16(id, was);
    }
    assert_int_equal(open_bytes((struct mc_bytes){bytes, good.len}), 0);
    free(bytes);
    mc_blob_unref(blob);
}

static void no_place_may_hold_what_is_not_there_or_is_there_twice(void **state)
{
    (void)state;
    for (unsigned replicas = 1; replicas <= DEVICES - 1; replicas++) {
        for (unsigned way = 0; way < 4; way++) {
            const struct shape shape = {replicas, (way & 1) != 0 && replicas > 1,
                                        (way & 2) != 0};

            spoil_each_place(&shape);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_place_may_hold_what_is_not_there_or_is_there_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
