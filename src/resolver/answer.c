/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver/answer.c -- what is asked of a view (mcos/resolver.h).
 *
 * A ring lies in a file that somebody might write into, though nobody may: so every id
 * is looked at before it is used, and the last thing before an answer is given is
 * to ask whether the bytes could be believed.
 */
#include "resolver/view.h"

#include "ring/batch.h"

#include <stddef.h>
#include <string.h>

_Static_assert(MCOS_REPLICAS_MAX == MC_REPLICAS_MAX, "one limit");
_Static_assert(MCOS_RINGS_MAX == MC_RINGS_MAX, "one limit");
_Static_assert(MCOS_HANDOFFS_MAX <= MC_TIERS_WANT_MAX, "without allocating");
_Static_assert(MCOS_DIGEST_BYTES == MC_DIGEST_BYTES, "one size");
_Static_assert(MCOS_NONE == MC_DEVICE_NONE, "one word for none");
_Static_assert((int)MCOS_STATE_ACTIVE == MC_CLUSTER_ACTIVE &&
                   (int)MCOS_STATE_SILENT == MC_CLUSTER_SILENT &&
                   (int)MCOS_STATE_LEFT == MC_CLUSTER_LEFT,
               "states are the port's");
_Static_assert((int)MCOS_HASH_XXH3 == MC_HASH_XXH3 &&
                   (int)MCOS_HASH_SWIFT_MD5 == MC_HASH_SWIFT_MD5,
               "hashes are the record's");

/* A key is the core's, and an array of them too. */
_Static_assert(sizeof(struct mcos_key) == sizeof(struct mc_key) &&
                   offsetof(struct mcos_key, container) ==
                       offsetof(struct mc_key, container) &&
                   offsetof(struct mcos_key, object) ==
                       offsetof(struct mc_key, object) &&
                   offsetof(struct mcos_bytes, len) == offsetof(struct mc_bytes, len),
               "one layout");

void mcos_view_release(const struct mcos_view *view)
{
    /* The count is no part of what does not change. */
    if (view != NULL)
        mc_swap_let_go((struct mc_swap_thing *)(uintptr_t)&view->thing);
}

const struct mcos_view_info *mcos_view_info(const struct mcos_view *view)
{
    return &view->info;
}

const struct mcos_view *mcos_view_previous(const struct mcos_view *view)
{
    return view->before;
}

static struct mc_bytes bytes_of(struct mcos_bytes b)
{
    return (struct mc_bytes){b.ptr, b.len};
}

/* Fails with VALUE, DELETED, SECRET. */
static int find_partition(const struct mcos_view *view, const struct mcos_key *key,
                          uint32_t *ret_partition)
{
    struct mc_key k = {bytes_of(key->account), bytes_of(key->container),
                       bytes_of(key->object)};

    if (view->info.deleted)
        return MCOS_E_DELETED;
    if (view->map->secret_err != 0)
        return view->map->secret_err;
    return mc_lookup_part_fast(view->map->ring, &view->map->secret, &k, ret_partition);
}

/* The row of a partition that there is. Fails with DIGEST. */
static int read_row(const struct mcos_view *view, uint32_t partition,
                    uint32_t ids[MC_REPLICAS_MAX], unsigned *ret_count)
{
    unsigned count = mc_ring_row(view->map->ring, partition, ids);

    for (unsigned i = 0; i < count; i++) {
        if (ids[i] >= view->info.device_slots)
            return MCOS_E_DIGEST;
    }
    if (count == 0)
        return MCOS_E_DIGEST;
    *ret_count = count;
    return 0;
}

/* Devices of ACTIVE clusters first, in their order; then the others, in theirs. */
static void put_devices(const struct mcos_view *view, const uint32_t *ids,
                        unsigned count, unsigned flags, struct mcos_answer *answer)
{
    unsigned n = 0;

    if ((flags & MCOS_ACTIVE_FIRST) == 0) {
        for (; n < count; n++) {
            answer->devices[n] = ids[n];
            answer->states[n] = view->states[ids[n]];
        }
        return;
    }
    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < count; i++) {
            uint8_t state = view->states[ids[i]];

            if ((state == MCOS_STATE_ACTIVE) != (turn == 0))
                continue;
            answer->devices[n] = ids[i];
            answer->states[n++] = state;
        }
    }
}

static int answer_partition(const struct mcos_view *view, uint32_t partition,
                            unsigned flags, struct mcos_answer *ret)
{
    uint32_t ids[MC_REPLICAS_MAX];
    unsigned count;
    int err = read_row(view, partition, ids, &count);

    if (err != 0)
        return err;
    if (mc_map_spoilt(view->map))
        return MCOS_E_DIGEST;
    ret->version = view->info.version;
    ret->epoch = view->info.epoch;
    ret->partition = partition;
    ret->device_count = count;
    put_devices(view, ids, count, flags, ret);
    memcpy(ret->digest, view->info.digest, MCOS_DIGEST_BYTES);
    ret->checked_at = atomic_load_explicit(&view->times->checked, memory_order_relaxed);
    ret->confirmed_at =
        atomic_load_explicit(&view->times->confirmed, memory_order_relaxed);
    return 0;
}

int mcos_view_lookup(const struct mcos_view *view, const struct mcos_key *key,
                     unsigned flags, struct mcos_answer *ret_answer)
{
    uint32_t partition;
    int err = find_partition(view, key, &partition);

    return err != 0 ? err : answer_partition(view, partition, flags, ret_answer);
}

int mcos_view_partition(const struct mcos_view *view, uint32_t partition,
                        unsigned flags, struct mcos_answer *ret_answer)
{
    if (view->info.deleted)
        return MCOS_E_DELETED;
    if (partition >= view->info.partitions)
        return MCOS_E_VALUE;
    return answer_partition(view, partition, flags, ret_answer);
}

int mcos_view_lookup_many(const struct mcos_view *view, const struct mcos_key *keys,
                          size_t count, uint32_t *ret_partitions, uint32_t *ret_devices)
{
    const unsigned stride = view->info.stride;
    uint32_t beyond = 0;

    if (view->info.deleted)
        return MCOS_E_DELETED;
    if (view->map->secret_err != 0)
        return view->map->secret_err;
    (void)mc_batch_lookup(view->map->ring, &view->map->secret,
                          (const struct mc_key *)(const void *)keys, count,
                          ret_partitions, ret_devices, NULL);
    /* None is all ones: plus one, it is below every other id. */
    for (size_t i = 0; i < count * stride; i++)
        beyond |= (uint32_t)(ret_devices[i] + 1u > view->info.device_slots);
    return beyond != 0 || mc_map_spoilt(view->map) ? MCOS_E_DIGEST : 0;
}

int mcos_view_handoffs(const struct mcos_view *view, uint32_t partition, size_t want,
                       uint32_t *ret_devices)
{
    long count;

    if (view->info.deleted)
        return MCOS_E_DELETED;
    if (partition >= view->info.partitions)
        return MCOS_E_VALUE;
    count = mc_tiers_handoffs(view->map->tiers, partition, ret_devices,
                              want < MCOS_HANDOFFS_MAX ? want : MCOS_HANDOFFS_MAX);
    return count >= 0 && mc_map_spoilt(view->map) ? MCOS_E_DIGEST : (int)count;
}

int mcos_view_device(const struct mcos_view *view, uint32_t id,
                     struct mcos_device *ret_device)
{
    const struct mc_device *d = mc_ring_device(view->map->ring, id);

    if (d == NULL || d->removed)
        return MCOS_E_NOTFOUND;
    if (mc_map_spoilt(view->map))
        return MCOS_E_DIGEST;
    *ret_device = (struct mcos_device){.id = id,
                                       .state = view->states[id],
                                       .weight = d->weight,
                                       .port = d->port,
                                       .replication_port = d->replication_port,
                                       .name = d->name,
                                       .cluster = d->cluster,
                                       .region = d->region,
                                       .zone = d->zone,
                                       .host = d->host,
                                       .replication_host = d->replication_host,
                                       .device = d->device,
                                       .meta = d->meta};
    return 0;
}
