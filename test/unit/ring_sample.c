/* SPDX-License-Identifier: Apache-2.0 */
/* unit/ring_sample.c -- rings made without a builder. */
#include "ring_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WALL_NS 1700000000000000000ull

uint32_t ring_sample_at(uint64_t version, uint32_t part, unsigned replica)
{
    unsigned step = version % 2 == 0 ? 1 : 3;

    return (uint32_t)((part * 5u + version * 3u + replica * step) % SAMPLE_DEVICES);
}

static const char *text(struct mc_draft *draft, const char *letter, unsigned number)
{
    char word[16];

    (void)snprintf(word, sizeof(word), "%s%u", letter, number);
    return mc_draft_text(draft, word);
}

static void fill_devices(struct mc_draft *draft)
{
    draft->device_count = SAMPLE_DEVICES;
    draft->devices = calloc(SAMPLE_DEVICES, sizeof(*draft->devices));
    assert_non_null(draft->devices);
    for (unsigned i = 0; i < SAMPLE_DEVICES; i++)
        draft->devices[i] = (struct mc_device){.port = (uint16_t)(6200 + i),
                                               .weight = 1000000,
                                               .weight_text = "",
                                               .name = text(draft, "d", i),
                                               .cluster = text(draft, "c", i % 4),
                                               .region = text(draft, "r", i % 2),
                                               .zone = text(draft, "z", i % 4),
                                               .host = text(draft, "h", i),
                                               .replication_host = "",
                                               .device = "",
                                               .meta = ""};
}

static void fill(struct mc_draft *draft, const struct sample *sample)
{
    const uint32_t parts = 1u << sample->part_power;

    fill_devices(draft);
    draft->head.part_power = sample->part_power;
    draft->head.assignments = (uint64_t)parts * SAMPLE_REPLICAS;
    draft->head.hash = sample->hash == 0 ? MC_HASH_XXH3 : sample->hash;
    if (draft->head.hash == MC_HASH_SWIFT_MD5)
        mc_secret_check(&sample->secret, draft->head.hash_check);
    draft->table = calloc((size_t)parts * SAMPLE_REPLICAS, sizeof(*draft->table));
    assert_non_null(draft->table);
    for (uint32_t p = 0; p < parts; p++) {
        for (unsigned r = 0; r < SAMPLE_REPLICAS; r++)
            draft->table[p * SAMPLE_REPLICAS + r] =
                ring_sample_at(sample->version, p, r);
    }
}

struct mc_ring *ring_sample(const struct sample *sample)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    struct mc_draft draft;

    mc_draft_init(&draft);
    assert_true(mc_name_set(&draft.head.name, sample->name));
    draft.head.version = sample->version;
    draft.head.timestamp = WALL_NS + sample->version;
    memset(draft.head.system, sample->system, MC_UID_BYTES);
    if (sample->tombstone) {
        draft.head.tombstone = true;
        draft.head.next_part_power = 0;
        draft.head.hash = (enum mc_hash_kind)0;
    } else {
        fill(&draft, sample);
    }
    assert_int_equal(mc_draft_encode(&draft, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(&draft);
    return ring;
}
