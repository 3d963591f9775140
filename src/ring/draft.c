/* SPDX-License-Identifier: Apache-2.0 */
/* ring/draft.c -- a record in the making: its memory, and copies into it. */
#include "ring/draft.h"

#include "ring/extra.h"
#include "ring/layout.h"
#include "ring/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void mc_draft_init(struct mc_draft *draft)
{
    memset(draft, 0, sizeof(*draft));
    draft->head.next_part_power = MC_NO_NEXT_PART_POWER;
    draft->head.hash = MC_HASH_XXH3;
}

void mc_draft_fini(struct mc_draft *draft)
{
    free(draft->devices);
    free(draft->table);
    free(draft->last_move);
    free(draft->ancestors);
    free(draft->secret);
    mc_text_free(draft->texts);
    memset(draft, 0, sizeof(*draft));
}

static const uint8_t *keep(struct mc_draft *draft, const void *src, size_t n)
{
    uint8_t *room = mc_text_room(&draft->texts, n);

    if (room != NULL && n != 0)
        memcpy(room, src, n);
    return room;
}

const char *mc_draft_text(struct mc_draft *draft, const char *s)
{
    return (const char *)keep(draft, s, strlen(s) + 1);
}

static int copy_devices(struct mc_draft *draft, const struct mc_ring *ring)
{
    uint32_t count = mc_ring_head(ring)->device_count;

    if (count == 0)
        return 0;
    draft->devices = calloc(count, sizeof(*draft->devices));
    if (draft->devices == NULL)
        return MCOS_E_NOMEM;
    draft->device_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct mc_device *d = &draft->devices[i];

        *d = *mc_ring_device(ring, i);
        for (unsigned t = 0; t < MC_DEVICE_TEXTS; t++) {
            char *at = (char *)d + mc_device_texts[t].at;
            const char *text;

            memcpy(&text, at, sizeof(text));
            text = mc_draft_text(draft, text);
            if (text == NULL)
                return MCOS_E_NOMEM;
            memcpy(at, &text, sizeof(text));
        }
    }
    return 0;
}

static int copy_table(struct mc_draft *draft, const struct mc_ring *ring)
{
    const uint8_t *last_move = mc_ring_builder(ring)->last_move;
    size_t parts = mc_ring_part_count(ring);
    unsigned stride = mc_ring_head(ring)->stride;

    if (parts == 0)
        return 0;
    draft->table = malloc(parts * stride * sizeof(*draft->table));
    if (draft->table == NULL)
        return MCOS_E_NOMEM;
    for (size_t p = 0; p < parts; p++) {
        for (unsigned i = 0; i < stride; i++)
            draft->table[p * stride + i] = mc_ring_at(ring, (uint32_t)p, i);
    }
    if (last_move == NULL)
        return 0;
    draft->last_move = malloc(parts * sizeof(*draft->last_move));
    if (draft->last_move == NULL)
        return MCOS_E_NOMEM;
    for (size_t p = 0; p < parts; p++)
        draft->last_move[p] = mc_get_u32(last_move + p * 4);
    return 0;
}

static void clear_table(struct mc_draft *draft)
{
    free(draft->devices);
    free(draft->table);
    free(draft->last_move);
    draft->devices = NULL;
    draft->device_count = 0;
    draft->table = NULL;
    draft->last_move = NULL;
}

int mc_draft_from_ring(struct mc_draft *draft, const struct mc_ring *ring)
{
    const struct mc_head *from = mc_ring_head(ring);
    const struct mc_builder_info *info = mc_ring_builder(ring);
    struct mc_bytes extra = mc_ring_extra(ring);
    const uint8_t *extra_copy;
    int err;

    clear_table(draft);
    draft->head.tombstone = from->tombstone;
    draft->head.part_power = from->part_power;
    draft->head.next_part_power = from->next_part_power;
    draft->head.assignments = from->assignments;
    draft->head.hash = from->hash;
    draft->head.secret_embedded = false;
    memcpy(draft->head.hash_check, from->hash_check, sizeof(from->hash_check));
    draft->builder.overload = info->overload;
    draft->builder.min_move_seconds = info->min_move_seconds;
    draft->builder.algorithm = info->algorithm;
    if ((err = copy_devices(draft, ring)) != 0 || (err = copy_table(draft, ring)) != 0)
        return err;
    if (from->secret_embedded) {
        err = mc_draft_embed_secret(draft, info->secret_prefix, info->secret_suffix);
        if (err != 0)
            return err;
    }
    extra_copy = keep(draft, extra.ptr, extra.len);
    if (extra_copy == NULL)
        return MCOS_E_NOMEM;
    draft->extra = (struct mc_bytes){extra_copy, extra.len};
    return 0;
}

int mc_draft_split(struct mc_draft *draft, unsigned power)
{
    unsigned more = power - draft->head.part_power;
    size_t parts = (size_t)1 << draft->head.part_power;
    size_t stride = (draft->head.assignments + parts - 1) / parts;
    uint32_t *table = draft->table;
    uint32_t *last_move = draft->last_move;

    assert(power >= draft->head.part_power && table != NULL);
    if (more == 0)
        return 0;
    parts <<= more;
    table = realloc(table, parts * stride * sizeof(*table));
    if (table == NULL)
        return MCOS_E_NOMEM;
    draft->table = table;
    if (last_move != NULL) {
        last_move = realloc(last_move, parts * sizeof(*last_move));
        if (last_move == NULL)
            return MCOS_E_NOMEM;
        draft->last_move = last_move;
    }
    /* From the end: what a row is copied from is not written to before. */
    for (size_t p = parts; p-- > 0;) {
        memmove(table + p * stride, table + (p >> more) * stride,
                stride * sizeof(*table));
        if (last_move != NULL)
            last_move[p] = last_move[p >> more];
    }
    draft->head.part_power = (uint8_t)power;
    draft->head.assignments <<= more;
    return 0;
}

int mc_draft_set_strict(struct mc_draft *draft, bool strict)
{
    static const uint8_t rule = MC_RULE_STRICT;
    struct mc_buf b = {0};
    const uint8_t *copy = NULL;
    int err;

    if (mc_extra_strict(draft->extra) == strict)
        return 0;
    mc_extra_copy_without(&b, draft->extra, MC_EXTRA_RULE);
    if (strict)
        mc_extra_put(&b, MC_EXTRA_RULE, 0, (struct mc_bytes){&rule, sizeof(rule)});
    err = b.err;
    if (err == 0) {
        copy = keep(draft, b.ptr, b.len);
        err = copy == NULL ? MCOS_E_NOMEM : 0;
    }
    if (err == 0)
        draft->extra = (struct mc_bytes){copy, b.len};
    mc_buf_fini(&b);
    return err;
}

int mc_draft_embed_secret(struct mc_draft *draft, struct mc_bytes prefix,
                          struct mc_bytes suffix)
{
    uint8_t *copy;

    if (prefix.len > MC_SECRET_MAX || suffix.len > MC_SECRET_MAX)
        return MCOS_E_TOOBIG;
    copy = malloc(prefix.len + suffix.len + 1);
    if (copy == NULL)
        return MCOS_E_NOMEM;
    if (prefix.len != 0)
        memcpy(copy, prefix.ptr, prefix.len);
    if (suffix.len != 0)
        memcpy(copy + prefix.len, suffix.ptr, suffix.len);
    free(draft->secret);
    draft->secret = copy;
    draft->builder.secret_prefix = (struct mc_bytes){copy, prefix.len};
    draft->builder.secret_suffix = (struct mc_bytes){copy + prefix.len, suffix.len};
    draft->head.secret_embedded = true;
    return 0;
}
