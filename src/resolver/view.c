/* SPDX-License-Identifier: Apache-2.0 */
/* resolver/view.c -- maps and views: made, and given back. */
#include "resolver/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- maps ---- */

int mc_map_new(struct mc_ring *take_ring, const struct mc_secret *secret,
               const char *source, struct mc_map **ret_map)
{
    const struct mc_head *head = mc_ring_head(take_ring);
    struct mc_map *map = calloc(1, sizeof(*map));
    int err = map == NULL ? MCOS_E_NOMEM : 0;

    if (err == 0 && !head->tombstone)
        err = mc_tiers_new(take_ring, &map->tiers);
    if (err != 0) {
        free(map);
        return err;
    }
    map->refs = 1;
    map->ring = take_ring;
    map->secret_err = mc_lookup_secret(take_ring, secret, &map->secret);
    map->stamp = mc_stamp_of(head);
    mc_stamp_format(&map->stamp, map->stamp_text);
    map->source = source;
    *ret_map = map;
    return 0;
}

struct mc_map *mc_map_ref(struct mc_map *map)
{
    map->refs++;
    return map;
}

void mc_map_unref(struct mc_map *map)
{
    if (map == NULL || --map->refs > 0)
        return;
    mc_tiers_free(map->tiers);
    mc_ring_unref(map->ring);
    free(map);
}

bool mc_map_spoilt(const struct mc_map *map)
{
    return mc_blob_spoilt(mc_ring_blob(map->ring));
}

/* ---- views ---- */

static void fill_info(struct mcos_view *view)
{
    const struct mc_head *head = mc_ring_head(view->map->ring);
    struct mcos_view_info *info = &view->info;

    info->ring = head->name.s;
    info->version = head->version;
    info->timestamp = head->timestamp;
    info->epoch = head->epoch;
    info->deleted = head->tombstone;
    memcpy(info->digest, head->digest, MCOS_DIGEST_BYTES);
    info->stamp = view->map->stamp_text;
    info->source = view->map->source;
    if (head->tombstone)
        return;
    info->partitions = mc_ring_part_count(view->map->ring);
    info->stride = head->stride;
    info->assignments = head->assignments;
    info->device_slots = head->device_count;
    info->hash = head->hash;
}

/* One state after the other: devices of one cluster are often neighbours. */
static void fill_states(struct mcos_view *view, const struct mc_view_parts *parts)
{
    const char *last = "";
    uint8_t state = MC_CLUSTER_UNKNOWN;

    for (uint32_t id = 0; id < view->info.device_slots; id++) {
        const char *name = mc_ring_device(view->map->ring, id)->cluster;
        size_t at;

        if (strcmp(name, last) != 0) {
            state = MC_CLUSTER_UNKNOWN;
            if (mc_name_place(parts->cluster, parts->cluster_count,
                              sizeof(*parts->cluster), name, &at))
                state = parts->cluster[at].state;
            last = name;
        }
        view->states[id] = state;
    }
}

static int make(struct mc_map *map, const struct mc_view_parts *parts,
                struct mcos_view **ret_view)
{
    size_t slots = mc_ring_head(map->ring)->device_count;
    size_t bytes = sizeof(struct mcos_view) + slots;
    struct mcos_view *view;

    bytes = (bytes + MC_SWAP_LINE - 1) / MC_SWAP_LINE * MC_SWAP_LINE;
    view = aligned_alloc(MC_SWAP_LINE, bytes);
    if (view == NULL)
        return MCOS_E_NOMEM;
    memset(view, 0, bytes);
    mc_swap_thing_init(&view->thing);
    view->map = mc_map_ref(map);
    view->times = parts->times;
    fill_info(view);
    fill_states(view, parts);
    *ret_view = view;
    return 0;
}

int mc_view_new(const struct mc_view_parts *parts, struct mcos_view **ret_view)
{
    struct mcos_view *view = NULL;
    int err = make(parts->map, parts, &view);

    if (err == 0 && parts->before != NULL)
        err = make(parts->before, parts, &view->before);
    if (err != 0)
        mc_view_free(view);
    else
        *ret_view = view;
    return err;
}

void mc_view_free(struct mcos_view *view)
{
    if (view == NULL)
        return;
    mc_view_free(view->before);
    mc_map_unref(view->map);
    free(view);
}
