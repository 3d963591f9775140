/* SPDX-License-Identifier: Apache-2.0 */
/* node/json_ring.c -- rings for readers. Doubles here show, they never decide. */
#include "node/json_ring.h"

#include "node/converge.h"
#include "node/figures.h"

#include "ring/extra.h"

#include <stdlib.h>
#include <string.h>

#define MILLION 1000000.0

static void put_figure(json_t *o, const char *name, bool known, double value)
{
    if (known)
        mc_json_put_real(o, name, value);
    else
        (void)json_object_set_new(o, name, json_null());
}

static void put_placement(struct mc_routes *routes, json_t *o,
                          const struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);
    const struct mc_builder_info *info = mc_ring_builder(ring);
    struct mc_build_report figures = {0};
    bool known;
    uint32_t parts = mc_ring_part_count(ring);
    uint64_t live = 0;

    for (uint32_t i = 0; i < head->device_count; i++)
        live += !mc_ring_device(ring, i)->removed;
    mc_json_put_int(o, "partition_power", head->part_power);
    mc_json_put_next_power(o, head);
    mc_json_put_int(o, "partitions", parts);
    mc_json_put_real(o, "replicas", (double)head->assignments / parts);
    mc_json_put_int(o, "assignments", head->assignments);
    mc_json_put_real(o, "overload", info->overload / MILLION);
    mc_json_put_int(o, "min_move_seconds", info->min_move_seconds);
    mc_json_put_text(o, "spread",
                     mc_extra_strict(mc_ring_extra(ring)) ? "strict" : "ceil");
    mc_json_put_text(o, "hash", head->hash == MC_HASH_XXH3 ? "xxh3" : "swift-md5");
    mc_json_put_int(o, "bytes", head->record_bytes);
    known = mc_figures_get(routes, ring, &figures);
    put_figure(o, "balance", known, figures.balance);
    put_figure(o, "max_deviation", known, figures.max_deviation);
    put_figure(o, "dispersion", known, figures.dispersion);
    if (known)
        mc_json_put_int(o, "violations", figures.violations);
    else
        (void)json_object_set_new(o, "violations", json_null());
    mc_json_put_int(o, "device_count", live);
}

/* A greater record that cannot be read here, or null. */
static void put_unread(json_t *o, const struct mc_routes *routes, const char *ring)
{
    struct mc_stamp stamp;
    char text[MC_STAMP_TEXT_MAX];

    if (mc_machine_find_unread(mc_agent_machine(routes->agent), ring, &stamp)) {
        mc_stamp_format(&stamp, text);
        mc_json_put_text(o, "unread", text);
    } else {
        (void)json_object_set_new(o, "unread", json_null());
    }
}

json_t *mc_json_ring(struct mc_routes *routes, const struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_spread spread = mc_spread_of(routes->agent, ring);
    json_t *o = json_object();
    json_t *converged = json_object();

    mc_json_put_text(o, "ring", head->name.s);
    mc_json_put_stamp(o, head);
    mc_json_put_int(o, "format", head->format);
    put_unread(o, routes, head->name.s);
    mc_json_put_int(o, "timestamp", head->timestamp);
    mc_json_put_time(o, "time", head->timestamp);
    mc_json_put_bool(o, "deleted", head->tombstone);
    mc_json_put_text(o, "origin", head->origin.s);
    mc_json_put_text(o, "author", head->author);
    mc_json_put_text(o, "note", head->note);
    if (!head->tombstone)
        put_placement(routes, o, ring);
    mc_json_put_int(o, "conflicts", mc_agent_loser_count(routes->agent, head->name.s));
    mc_json_put_int(converged, "active", spread.active_have);
    mc_json_put_int(converged, "of_active", spread.active);
    mc_json_put_int(converged, "inactive_pending", spread.inactive_pending);
    (void)json_object_set_new(o, "converged", converged);
    return o;
}

/* ---- devices ---- */

static void put_device(struct mc_routes *routes, json_t *o, const struct mc_ring *ring,
                       uint32_t id)
{
    const struct mc_device *d = mc_ring_device(ring, id);

    mc_json_put_int(o, "id", id);
    mc_json_put_text(o, "name", d->name);
    mc_json_put_text(o, "cluster", d->cluster);
    mc_json_put_text(o, "region", d->region);
    mc_json_put_text(o, "zone", d->zone);
    mc_json_put_text(o, "host", d->host);
    mc_json_put_int(o, "port", d->port);
    mc_json_put_text(o, "device", d->device);
    mc_json_put_text(o, "state", mc_cluster_state(routes->agent, d->cluster));
}

json_t *mc_json_device(struct mc_routes *routes, const struct mc_ring *ring,
                       uint32_t id)
{
    json_t *o = json_object();

    put_device(routes, o, ring, id);
    return o;
}

/*
 * What each device should hold by weight, in replicas. None holds more than one
 * replica of a partition: what is above that goes to the others, by weight.
 */
static void share_out(const struct mc_ring *ring, double *wants)
{
    const struct mc_head *head = mc_ring_head(ring);
    double most = mc_ring_part_count(ring);
    double left = (double)head->assignments;
    bool again = true;

    for (uint32_t i = 0; i < head->device_count; i++)
        wants[i] = -1.0;
    while (again) {
        double weight = 0.0;
        double share;

        again = false;
        for (uint32_t i = 0; i < head->device_count; i++) {
            if (wants[i] < 0.0 && !mc_ring_device(ring, i)->removed)
                weight += (double)mc_ring_device(ring, i)->weight;
        }
        share = weight > 0.0 ? left / weight : 0.0;
        for (uint32_t i = 0; i < head->device_count; i++) {
            if (wants[i] < 0.0 && !mc_ring_device(ring, i)->removed &&
                (double)mc_ring_device(ring, i)->weight * share > most) {
                wants[i] = most;
                left -= most;
                again = true;
            }
        }
        for (uint32_t i = 0; !again && i < head->device_count; i++) {
            if (wants[i] < 0.0)
                wants[i] = (double)mc_ring_device(ring, i)->weight * share;
        }
    }
}

static void count_held(const struct mc_ring *ring, uint64_t *has)
{
    uint32_t ids[MC_REPLICAS_MAX];

    for (uint32_t part = 0; part < mc_ring_part_count(ring); part++) {
        unsigned n = mc_ring_row(ring, part, ids);

        for (unsigned i = 0; i < n; i++)
            has[ids[i]]++;
    }
}

json_t *mc_json_devices(struct mc_routes *routes, const struct mc_ring *ring)
{
    uint32_t count = mc_ring_head(ring)->device_count;
    double *wants = calloc(count, sizeof(*wants));
    uint64_t *has = calloc(count, sizeof(*has));
    json_t *list = json_array();

    if (wants == NULL || has == NULL)
        goto out;
    share_out(ring, wants);
    count_held(ring, has);
    for (uint32_t i = 0; i < count; i++) {
        const struct mc_device *d = mc_ring_device(ring, i);
        json_t *o;

        if (d->removed)
            continue;
        o = mc_json_device(routes, ring, i);
        mc_json_put_real(o, "weight", (double)d->weight / MILLION);
        mc_json_put_text(o, "meta", d->meta);
        mc_json_put_real(o, "wants", wants[i]);
        mc_json_put_int(o, "has", has[i]);
        if (wants[i] > 0.0)
            mc_json_put_real(o, "balance", (double)has[i] / wants[i] - 1.0);
        else
            (void)json_object_set_new(o, "balance", json_null());
        (void)json_array_append_new(list, o);
    }
out:
    free(wants);
    free(has);
    return list;
}
