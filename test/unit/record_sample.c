/* SPDX-License-Identifier: Apache-2.0 */
/* record_sample.c -- the small ring of docs/format.md, "Test vectors". */
#include "record_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t table[4 * 3] = {
    0, 1, 3, /* the first two partitions hold the extra half */
    1, 3, 0, 3, 0, MC_DEVICE_NONE, 0, 1, MC_DEVICE_NONE,
};

static void fill_head(struct mc_head *h)
{
    static const uint8_t secret[] = "mcos hash check\0pre\0suf";
    uint8_t sum[MC_SHA256_BYTES];

    memset(h->system, 0x11, sizeof(h->system));
    memset(h->uid, 0x22, sizeof(h->uid));
    memset(h->operation, 0x33, sizeof(h->operation));
    mc_name_set(&h->name, "photos");
    mc_name_set(&h->origin, "osaka");
    h->epoch = 1;
    h->version = 7;
    h->timestamp = 1700000000000000007ull;
    snprintf(h->author, sizeof(h->author), "ops@example.org");
    snprintf(h->note, sizeof(h->note), "f\xc3\xbcnf");
    h->parent_count = 1;
    memset(h->parents[0], 0x44, MC_DIGEST_BYTES);
    h->part_power = 2;
    h->assignments = 10;
    h->hash = MC_HASH_SWIFT_MD5;
    mc_sha256(sum, (struct mc_bytes){secret, sizeof(secret) - 1});
    memcpy(h->hash_check, sum, sizeof(h->hash_check));
}

bool sample_draft(struct mc_draft *draft)
{
    static const uint8_t extra[] = {1, 0, 1, 0, 2, 0, 0, 0, '{', '}'};
    static const struct mc_ancestor line[2] = {
        {.version = 6,
         .epoch = 1,
         .digest8 = {0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44}},
        {.version = 9, .epoch = 0, .digest8 = {1, 2, 3, 4, 5, 6, 7, 8}},
    };
    static const char *const names[4] = {"osaka", "tokyo", "kyoto", "nagoya"};

    fill_head(&draft->head);
    draft->devices = calloc(4, sizeof(*draft->devices));
    draft->table = malloc(sizeof(table));
    draft->last_move = malloc(4 * sizeof(*draft->last_move));
    draft->ancestors = malloc(sizeof(line));
    if (draft->devices == NULL || draft->table == NULL || draft->last_move == NULL ||
        draft->ancestors == NULL)
        return false;
    draft->device_count = 4;
    memcpy(draft->table, table, sizeof(table));
    memcpy(draft->ancestors, line, sizeof(line));
    draft->ancestor_count = 2;
    for (uint32_t i = 0; i < 4; i++) {
        struct mc_device *d = &draft->devices[i];

        draft->last_move[i] = 1600000000u + i;
        d->incarnation = i + 1;
        d->removed = i == 2;
        d->port = (uint16_t)(6200 + i);
        d->replication_port = (uint16_t)(6300 + i);
        d->weight = 1000000ull * (i + 1);
        d->weight_text = mc_draft_text(draft, i == 0 ? "1" : "2.0");
        d->name = mc_draft_text(draft, names[i]);
        d->cluster = "c";
        d->region = "r1";
        d->zone = "z1";
        d->host = "192.0.2.1";
        d->replication_host = "";
        d->device = "sdb1";
        d->meta = "rack 3";
        if (d->weight_text == NULL || d->name == NULL)
            return false;
    }
    draft->builder.overload = 100000;
    draft->builder.min_move_seconds = 3600;
    draft->builder.algorithm = 1;
    draft->extra = (struct mc_bytes){extra, sizeof(extra)};
    return mc_draft_embed_secret(draft, (struct mc_bytes){(const uint8_t *)"pre", 3},
                                 (struct mc_bytes){(const uint8_t *)"suf", 3}) == 0;
}
