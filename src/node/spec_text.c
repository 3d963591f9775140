/* SPDX-License-Identifier: Apache-2.0 */
/* node/spec_text.c -- from a ring back to the spec that it was made from. */
#include "base/decimal.h"
#include "node/spec.h"
#include "ring/extra.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct mc_buf *b, const char *s)
{
    mc_buf_put(b, s, strlen(s));
}

static void put_string(struct mc_buf *b, const char *s)
{
    char escape[8];

    put(b, "\"");
    for (; *s != '\0'; s++) {
        uint8_t c = (uint8_t)*s;

        if (c == '"' || c == '\\') {
            mc_buf_u8(b, '\\');
            mc_buf_u8(b, c);
        } else if (c < 0x20 || c == 0x7f) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", c);
            put(b, escape);
        } else {
            mc_buf_u8(b, c);
        }
    }
    put(b, "\"");
}

static void put_text(struct mc_buf *b, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    put(b, ", \"");
    put(b, name);
    put(b, "\": ");
    put_string(b, value);
}

static void put_decimal(struct mc_buf *b, uint64_t millionths)
{
    char text[MC_DECIMAL_TEXT_MAX];

    mc_decimal_format(millionths, text);
    put(b, text);
}

/*
 * The weight as it was written. As a number only if reading that number gives
 * this very text again ("1.50" would come back as "1.5", so it goes in quotes).
 */
static void put_weight(struct mc_buf *b, const struct mc_device *d)
{
    char text[MC_DECIMAL_TEXT_MAX];
    uint64_t value = 0;

    if (mc_decimal_parse(d->weight_text, MC_WEIGHT_MAX, &value) != 0 ||
        value != d->weight) {
        put_decimal(b, d->weight);
        return;
    }
    if (strpbrk(d->weight_text, ".eE") == NULL)
        mc_decimal_format(value, text);
    else
        mc_decimal_of_double(strtod(d->weight_text, NULL), text);
    if (strcmp(text, d->weight_text) == 0 &&
        (strpbrk(text, ".e") != NULL || strlen(text) < 18))
        put(b, text);
    else
        put_string(b, d->weight_text);
}

static void put_device(struct mc_buf *b, const struct mc_device *d)
{
    char text[32];

    put(b, "    {\"name\": ");
    put_string(b, d->name);
    if (strcmp(d->cluster, d->name) != 0)
        put_text(b, "cluster", d->cluster);
    put_text(b, "region", d->region);
    put_text(b, "zone", d->zone);
    if (strcmp(d->host, d->name) != 0)
        put_text(b, "host", d->host);
    if (d->port != 0) {
        (void)snprintf(text, sizeof(text), ", \"port\": %u", d->port);
        put(b, text);
    }
    put_text(b, "replication_host", d->replication_host);
    if (d->replication_port != 0) {
        (void)snprintf(text, sizeof(text), ", \"replication_port\": %u",
                       d->replication_port);
        put(b, text);
    }
    put_text(b, "device", d->device);
    put(b, ", \"weight\": ");
    put_weight(b, d);
    put_text(b, "meta", d->meta);
    put(b, "}");
}

/* floor(2^power * replicas) is what a record keeps; the least replicas that give it. */
static uint64_t replicas_of(const struct mc_head *head)
{
    uint64_t parts = 1ull << head->part_power;

    return (head->assignments * 1000000ull + parts - 1) / parts;
}

int mc_spec_of_ring(const struct mc_ring *ring, struct mc_buf *b)
{
    const struct mc_head *head = mc_ring_head(ring);
    const struct mc_builder_info *info = mc_ring_builder(ring);
    const char *between = "";
    char text[96];

    if (head->tombstone)
        return MCOS_E_DELETED;
    (void)snprintf(text, sizeof(text), "{\n  \"partition_power\": %u,\n",
                   head->part_power);
    put(b, text);
    if (head->next_part_power == head->part_power ||
        head->next_part_power == head->part_power + 1u) {
        (void)snprintf(text, sizeof(text), "  \"next_partition_power\": %u,\n",
                       head->next_part_power);
        put(b, text);
    }
    put(b, "  \"replicas\": ");
    put_decimal(b, replicas_of(head));
    put(b, ",\n  \"overload\": ");
    put_decimal(b, info->overload);
    (void)snprintf(text, sizeof(text), ",\n  \"min_move_seconds\": %" PRIu32 ",\n",
                   info->min_move_seconds);
    put(b, text);
    if (mc_extra_strict(mc_ring_extra(ring)))
        put(b, "  \"spread\": \"strict\",\n");
    put(b, head->hash == MC_HASH_XXH3 ? "  \"hash\": \"xxh3\","
                                      : "  \"hash\": \"swift-md5\",");
    if (head->note[0] != '\0') {
        put(b, "\n  \"note\": ");
        put_string(b, head->note);
        put(b, ",");
    }
    put(b, "\n  \"devices\": [");
    for (uint32_t i = 0; i < head->device_count; i++) {
        const struct mc_device *d = mc_ring_device(ring, i);

        if (d->removed)
            continue;
        put(b, between);
        put(b, "\n");
        put_device(b, d);
        between = ",";
    }
    put(b, "\n  ]\n}\n");
    return b->err;
}
