/* SPDX-License-Identifier: Apache-2.0 */
/* ring/report.c -- the builder's figures for a ring that somebody made. */
#include "ring/explain.h"
#include "ring/plan.h"

#include <stdlib.h>

struct view {
    const struct mc_ring *ring;
    struct mc_device *devices; /* those that are not removed; texts are the ring's */
    uint32_t count;
    uint32_t *index_of; /* id -> place in devices, or MC_DEVICE_NONE */
    uint32_t *table;    /* leaves */
    struct mc_plan plan;
};

static void fini_view(struct view *v)
{
    mc_plan_fini(&v->plan);
    free(v->devices);
    free(v->index_of);
    free(v->table);
}

/* The devices; all of equal weight if those with one cannot hold a row. */
static int take_devices(struct view *v)
{
    const struct mc_head *head = mc_ring_head(v->ring);
    uint32_t weighted = 0;

    v->devices = calloc(head->device_count + 1u, sizeof(*v->devices));
    v->index_of = malloc((head->device_count + 1u) * sizeof(*v->index_of));
    if (v->devices == NULL || v->index_of == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t id = 0; id < head->device_count; id++) {
        const struct mc_device *d = mc_ring_device(v->ring, id);

        v->index_of[id] = MC_DEVICE_NONE;
        if (d->removed)
            continue;
        v->index_of[id] = v->count;
        v->devices[v->count++] = *d;
        weighted += d->weight != 0;
    }
    for (uint32_t i = 0; i < v->count && weighted < head->stride; i++)
        v->devices[i].weight = 1;
    return 0;
}

static int take_table(struct view *v)
{
    const struct mc_head *head = mc_ring_head(v->ring);
    uint32_t parts = mc_ring_part_count(v->ring);
    uint32_t *held = calloc(v->count + 1u, sizeof(*held));
    struct mc_plan_input in = {.devices = v->devices,
                               .device_count = v->count,
                               .part_power = head->part_power,
                               .assignments = head->assignments,
                               .overload = mc_ring_builder(v->ring)->overload,
                               .held = held};
    int r = MCOS_E_NOMEM;

    v->table = malloc((size_t)parts * head->stride * sizeof(*v->table));
    if (held == NULL || v->table == NULL)
        goto out;
    for (uint32_t p = 0; p < parts; p++) {
        for (unsigned s = 0; s < head->stride; s++) {
            uint32_t id = mc_ring_at(v->ring, p, s);
            uint32_t i = id == MC_DEVICE_NONE ? id : v->index_of[id];

            v->table[(size_t)p * head->stride + s] = i;
            if (i != MC_DEVICE_NONE)
                held[i]++;
        }
    }
    r = mc_plan_init(&v->plan, &in);
    if (r < 0)
        goto out;
    for (size_t i = 0; i < (size_t)parts * head->stride; i++) {
        if (v->table[i] != MC_DEVICE_NONE)
            v->table[i] = v->plan.tree.leaf_of[v->table[i]];
    }
out:
    free(held);
    return r;
}

/* The old table, split, in leaves of the view's plan, by the names of the devices. */
static int take_old(const struct view *v, const struct mc_ring *old, uint32_t **ret)
{
    const struct mc_head *head = mc_ring_head(old);
    unsigned more = mc_ring_head(v->ring)->part_power - head->part_power;
    uint32_t parts = mc_ring_part_count(v->ring);
    uint32_t *table = malloc((size_t)parts * head->stride * sizeof(*table));
    uint32_t *leaf = malloc((head->device_count + 1u) * sizeof(*leaf));

    if (table == NULL || leaf == NULL) {
        free(table);
        free(leaf);
        return MCOS_E_NOMEM;
    }
    for (uint32_t id = 0; id < head->device_count; id++) {
        const struct mc_device *d = mc_ring_device(old, id);
        uint32_t now =
            d->removed ? MC_DEVICE_NONE : mc_ring_device_find(v->ring, d->name);

        leaf[id] = now == MC_DEVICE_NONE ? now : v->plan.tree.leaf_of[v->index_of[now]];
    }
    for (uint32_t p = 0; p < parts; p++) {
        for (unsigned s = 0; s < head->stride; s++) {
            uint32_t id = mc_ring_at(old, p >> more, s);

            table[(size_t)p * head->stride + s] = id == MC_DEVICE_NONE ? id : leaf[id];
        }
    }
    free(leaf);
    *ret = table;
    return 0;
}

static int survive(const struct view *v, struct mc_survival ret[MC_SURVIVE_TIERS])
{
    unsigned stride = mc_ring_head(v->ring)->stride;
    struct mc_survive s;
    int r = mc_survive_begin(&s, &v->plan.tree);

    for (uint32_t p = 0; r == 0 && p < mc_ring_part_count(v->ring); p++) {
        const uint32_t *row = v->table + (size_t)p * stride;
        uint32_t leaves[MC_REPLICAS_MAX];
        unsigned width = 0;

        for (unsigned i = 0; i < stride; i++) {
            if (row[i] != MC_DEVICE_NONE)
                leaves[width++] = row[i];
        }
        mc_survive_row(&s, leaves, width);
    }
    mc_survive_end(&s, ret);
    return r;
}

int mc_explain_ring(const struct mc_ring *ring, struct mc_build_report *ret_report,
                    struct mc_survival ret_survives[MC_SURVIVE_TIERS])
{
    const struct mc_head *head = mc_ring_head(ring);
    struct view v = {.ring = ring};
    int r = 0;

    *ret_report = (struct mc_build_report){0};
    for (unsigned t = 0; t < MC_SURVIVE_TIERS; t++)
        ret_survives[t] = (struct mc_survival){0};
    if (head->tombstone || head->assignments == 0)
        return 0;
    r = take_devices(&v);
    if (r == 0)
        r = take_table(&v);
    if (r == 0)
        r = mc_plan_measure(&v.plan, v.table, NULL, ret_report);
    if (r == 0)
        r = survive(&v, ret_survives);
    fini_view(&v);
    return r;
}

int mc_build_measure(const struct mc_ring *ring, const struct mc_ring *old,
                     struct mc_build_report *ret_report)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct view v = {.ring = ring};
    struct mc_build_report report = {0};
    struct mc_plan_old was = {0};
    uint32_t *before = NULL;
    int r = 0;

    if (head->tombstone || head->assignments == 0)
        goto out;
    r = take_devices(&v);
    if (r == 0)
        r = take_table(&v);
    if (r < 0)
        goto out;
    if (old != NULL && mc_ring_part_count(old) != 0 &&
        mc_ring_part_count(old) <= mc_ring_part_count(ring)) {
        r = take_old(&v, old, &before);
        if (r < 0)
            goto out;
        was =
            (struct mc_plan_old){.table = before, .stride = mc_ring_head(old)->stride};
    }
    r = mc_plan_measure(&v.plan, v.table, before != NULL ? &was : NULL, &report);
    if (r == 0 && old != NULL && before == NULL && mc_ring_part_count(old) != 0)
        report.moved = report.moved_lower_bound = report.assignments;
out:
    fini_view(&v);
    free(before);
    if (r == 0)
        *ret_report = report;
    return r;
}
