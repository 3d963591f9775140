/* SPDX-License-Identifier: Apache-2.0 */
/* contract/records.c -- records minted for tests, without a builder. */
#include "contract/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WALL_NS 1700000000000000000ull

struct mc_name record_name(const char *name)
{
    struct mc_name n;

    assert_true(mc_name_set(&n, name));
    return n;
}

bool record_same(const struct mc_ring *a, const struct mc_ring *b)
{
    return memcmp(mc_ring_head(a)->digest, mc_ring_head(b)->digest, MC_DIGEST_BYTES) ==
           0;
}

static struct mc_ring *finish(struct mc_draft *draft, const struct mc_ring *held,
                              const struct mc_ring *also)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    assert_int_equal(mc_draft_mint(draft, held, &also, also == NULL ? 0 : 1, WALL_NS),
                     0);
    assert_int_equal(mc_draft_encode(draft, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(draft);
    return ring;
}

struct mc_ring *record_mint(const char *name, const struct mc_ring *held,
                            const struct mc_ring *also, const char *note,
                            unsigned part_power)
{
    static const struct mc_device blank = {.weight = 1000000,
                                           .weight_text = "",
                                           .name = "",
                                           .cluster = "",
                                           .region = "",
                                           .zone = "",
                                           .host = "",
                                           .replication_host = "",
                                           .device = "",
                                           .meta = ""};
    size_t parts = (size_t)1 << part_power;
    struct mc_draft draft;

    mc_draft_init(&draft);
    draft.head.name = record_name(name);
    draft.head.part_power = (uint8_t)part_power;
    draft.head.assignments = parts;
    memcpy(draft.head.note, note, strnlen(note, MC_NOTE_MAX));
    draft.devices = calloc(2, sizeof(*draft.devices));
    draft.table = calloc(parts, sizeof(*draft.table));
    assert_non_null(draft.devices);
    assert_non_null(draft.table);
    draft.device_count = 2;
    draft.devices[0] = blank;
    draft.devices[0].name = "one";
    draft.devices[1] = blank;
    draft.devices[1].name = "two";
    for (size_t i = 0; i < parts; i++)
        draft.table[i] = (uint32_t)(i % 2);
    return finish(&draft, held, also);
}

struct mc_ring *record_tombstone(const struct mc_ring *held)
{
    struct mc_draft draft;

    mc_draft_init(&draft);
    draft.head.name = mc_ring_head(held)->name;
    draft.head.tombstone = true;
    draft.head.next_part_power = 0;
    draft.head.hash = (enum mc_hash_kind)0;
    return finish(&draft, held, NULL);
}
