/* SPDX-License-Identifier: Apache-2.0 */
/* sim/rings.c -- see rings.h. */
#include "sim/rings.h"

#include "base/rng.h"
#include "sim/agenda.h"

#include <stdio.h>

#define DEVICES  5u
#define REPLICAS 3u
#define LARGE    8u  /* part power from which tables are irregular */
#define EVERY    64u /* and one row of so many follows the salt */

static uint32_t first_device(uint32_t part, unsigned salt, unsigned part_power)
{
    struct mc_rng rng;

    if (part_power < LARGE)
        return part + salt;
    rng = mc_rng_init(part % EVERY == salt % EVERY ? part + ((uint64_t)salt << 32)
                                                   : part);
    return (uint32_t)mc_rng_below(&rng, DEVICES);
}

void sim_ring_draft(struct mc_draft *draft, const char *name, bool tombstone,
                    unsigned salt, unsigned part_power)
{
    uint32_t parts = 1u << part_power;

    mc_draft_init(draft);
    (void)mc_name_set(&draft->head.name, name);
    (void)snprintf(draft->head.author, sizeof(draft->head.author), "sim");
    (void)snprintf(draft->head.note, sizeof(draft->head.note), "change %u", salt);
    draft->head.tombstone = tombstone;
    if (tombstone) {
        draft->head.next_part_power = 0;
        draft->head.hash = 0;
        return;
    }
    draft->head.part_power = (uint8_t)part_power;
    draft->head.assignments = (uint64_t)parts * REPLICAS;
    draft->devices = sim_alloc(DEVICES * sizeof(*draft->devices));
    draft->device_count = DEVICES;
    for (uint32_t i = 0; i < DEVICES; i++) {
        char text[8];

        (void)snprintf(text, sizeof(text), "d%u", (unsigned)i + 1);
        draft->devices[i] = (struct mc_device){.weight = 1000000,
                                               .weight_text = "1",
                                               .name = mc_draft_text(draft, text),
                                               .cluster = "c1",
                                               .region = "r1",
                                               .zone = "z1",
                                               .host = "",
                                               .replication_host = "",
                                               .device = "",
                                               .meta = ""};
    }
    draft->table = sim_alloc((size_t)parts * REPLICAS * sizeof(*draft->table));
    for (uint32_t p = 0; p < parts; p++) {
        uint32_t first = first_device(p, salt, part_power);

        for (uint32_t r = 0; r < REPLICAS; r++)
            draft->table[p * REPLICAS + r] = (first + r) % DEVICES;
    }
}
