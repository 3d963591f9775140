/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/build.c -- from spec and old ring to a draft: names to ids, the plan's
 * leaves to ids and back, last moves.
 */
#include "ring/built.h"
#include "ring/raise.h"

#include "ring/measure.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A ring keeps the least version of the builder that can rebalance it by its rule. */
#define ALGORITHM      2u /* of this builder */
#define ALGORITHM_CEIL 1u /* that it takes without the strict rule */

static int check_old(const struct mc_build_input *in, const struct mc_ring *old,
                     struct mcos_diag *diag)
{
    const struct mc_head *head = mc_ring_head(old);

    if (mc_ring_builder(old)->algorithm > ALGORITHM)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, "",
                             "the ring needs builder %u to be changed, this one is %u; "
                             "look-ups go on",
                             mc_ring_builder(old)->algorithm, ALGORITHM);
    if (head->part_power > in->spec->part_power)
        return mcos_diag_set(diag, MCOS_E_PARTPOWER, "/partition_power",
                             "the ring has %u: a partition can be split, and cannot be "
                             "joined with others, so %u is the least",
                             head->part_power, head->part_power);
    if (head->hash != in->spec->hash)
        return mcos_diag_set(diag, MCOS_E_VALUE, "/hash",
                             "the ring has \"%s\"; it cannot be changed",
                             head->hash == MC_HASH_XXH3 ? "xxh3" : "swift-md5");
    return mc_raise_check(in->spec, head, diag);
}

/* Ids by name; a name that is new or was removed gets the next one. */
static int give_ids(struct mc_built *b, struct mcos_diag *diag)
{
    const struct mc_spec *spec = b->in->spec;
    uint32_t slots = b->old != NULL ? mc_ring_head(b->old)->device_count : 0;

    b->id_of = calloc(spec->device_count, sizeof(*b->id_of));
    b->index_of = malloc(((size_t)slots + spec->device_count) * sizeof(*b->index_of));
    b->had = calloc((size_t)slots + spec->device_count, sizeof(*b->had));
    if (b->id_of == NULL || b->index_of == NULL || b->had == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t id = 0; id < slots; id++)
        b->index_of[id] = MC_DEVICE_NONE;
    for (uint32_t i = 0; i < spec->device_count; i++) {
        uint32_t id = MC_DEVICE_NONE;

        if (b->old != NULL)
            id = mc_ring_device_find(b->old, spec->devices[i].name);
        b->id_of[i] = id != MC_DEVICE_NONE ? id : slots++;
        b->index_of[b->id_of[i]] = i;
    }
    b->draft->device_count = slots;
    if (slots > MC_DEVICES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "/devices",
                             "with removed devices there would be more than %u",
                             MC_DEVICES_MAX);
    return 0;
}

/* Copies a device of the spec into the draft's memory. */
static int copy_device(struct mc_draft *draft, struct mc_device *to,
                       const struct mc_device *from)
{
    *to = *from;
    to->removed = false;
    to->weight_text = mc_draft_text(draft, from->weight_text);
    to->name = mc_draft_text(draft, from->name);
    to->cluster = mc_draft_text(draft, from->cluster);
    to->region = mc_draft_text(draft, from->region);
    to->zone = mc_draft_text(draft, from->zone);
    to->host = mc_draft_text(draft, from->host);
    to->replication_host = mc_draft_text(draft, from->replication_host);
    to->device = mc_draft_text(draft, from->device);
    to->meta = mc_draft_text(draft, from->meta);
    if (to->weight_text == NULL || to->name == NULL || to->cluster == NULL ||
        to->region == NULL || to->zone == NULL || to->host == NULL ||
        to->replication_host == NULL || to->device == NULL || to->meta == NULL)
        return MCOS_E_NOMEM;
    return 0;
}

/* The spec's devices in their slots; what is left of the old ones is removed. */
static int fill_devices(struct mc_built *b)
{
    struct mc_draft *draft = b->draft;
    uint32_t old_count = b->old != NULL ? mc_ring_head(b->old)->device_count : 0;
    struct mc_device *devices =
        realloc(draft->devices, draft->device_count * sizeof(*devices));

    if (devices == NULL)
        return MCOS_E_NOMEM;
    draft->devices = devices;
    for (uint32_t id = 0; id < draft->device_count; id++) {
        uint32_t i = b->index_of[id];
        uint32_t incarnation = id < old_count ? devices[id].incarnation : 0;

        if (i == MC_DEVICE_NONE) {
            devices[id].removed = true;
            continue;
        }
        if (copy_device(draft, &devices[id], &b->in->spec->devices[i]) < 0)
            return MCOS_E_NOMEM;
        devices[id].incarnation = incarnation;
    }
    return 0;
}

static int ids_to_leaves(struct mc_built *b, size_t places)
{
    uint32_t slots = b->draft->device_count;
    uint32_t *leaf_of = malloc(slots * sizeof(*leaf_of));

    if (leaf_of == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t id = 0; id < slots; id++) {
        uint32_t i = b->index_of[id];

        leaf_of[id] = i == MC_DEVICE_NONE ? i : b->plan.tree.leaf_of[i];
    }
    for (size_t i = 0; i < places; i++) {
        if (b->before[i] != MC_DEVICE_NONE)
            b->before[i] = leaf_of[b->before[i]];
    }
    free(leaf_of);
    return 0;
}

static uint64_t assignments_of(const struct mc_built *b)
{
    return b->still ? b->draft->head.assignments : mc_spec_assignments(b->in->spec);
}

static struct mc_plan_input plan_input(const struct mc_built *b)
{
    const struct mc_spec *spec = b->in->spec;

    return (struct mc_plan_input){.devices = spec->devices,
                                  .device_count = spec->device_count,
                                  .part_power = spec->part_power,
                                  .assignments = assignments_of(b),
                                  .overload = spec->overload,
                                  .strict = spec->strict,
                                  .held = b->held};
}

/* The plan; and the old table, which is still the draft's, in leaves of it. */
static int make_plan(struct mc_built *b)
{
    const struct mc_spec *spec = b->in->spec;
    size_t places = (size_t)b->before_stride << spec->part_power;
    struct mc_plan_input in;
    int r;

    if (b->old != NULL) {
        b->held = calloc(spec->device_count, sizeof(*b->held));
        if (b->held == NULL)
            return MCOS_E_NOMEM;
        for (size_t i = 0; i < places; i++) {
            if (b->before[i] != MC_DEVICE_NONE)
                b->had[b->before[i]]++;
        }
        for (uint32_t i = 0; i < spec->device_count; i++)
            b->held[i] = b->had[b->id_of[i]];
    }
    in = plan_input(b);
    r = mc_plan_init(&b->plan, &in);
    if (r < 0)
        return r;
    b->plan.progress = b->in->progress;
    b->id_of_leaf = malloc(spec->device_count * sizeof(*b->id_of_leaf));
    if (b->id_of_leaf == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t i = 0; i < spec->device_count; i++)
        b->id_of_leaf[i] = b->id_of[b->plan.tree.device_of[i]];
    return places == 0 ? 0 : ids_to_leaves(b, places);
}

/* A partition may not move: it did less than min_move_seconds ago. A time far
 * in the future, from a clock that was wrong once, freezes nothing. */
static bool is_frozen(const struct mc_build_input *in, uint32_t last)
{
    uint32_t ago = in->now_s > last ? in->now_s - last : last - in->now_s;

    return last != 0 && ago < in->spec->min_move_seconds;
}

/* ---- a first table: written as the record has it, row by row ---- */

struct first {
    struct mc_measure measure;
    const uint32_t *id_of_leaf;
    struct mc_draft *draft;
    unsigned stride;
};

static void take_rows(void *ctx, uint32_t part, uint32_t count, const uint32_t *rows)
{
    struct first *f = ctx;
    size_t at = (size_t)part * f->stride;

    mc_measure_rows(&f->measure, rows, count);
    mc_draft_pack(f->draft, at, rows, (size_t)count * f->stride, f->id_of_leaf);
}

static int place_first(struct mc_built *b, struct mc_build_report *report)
{
    struct first f = {
        .id_of_leaf = b->id_of_leaf, .draft = b->draft, .stride = b->plan.stride};
    int r = mc_measure_init(&f.measure, &b->plan);

    if (r == 0)
        r = mc_draft_room(b->draft, (size_t)b->plan.part_count * b->plan.stride);
    if (r == 0)
        r = mc_plan_first_rows(&b->plan, b->in->seed, &(struct mc_rows){take_rows, &f});
    if (r == 0)
        mc_measure_report(&f.measure, report);
    mc_measure_fini(&f.measure);
    return r;
}

/* ---- the next one ---- */

static bool row_has(const uint32_t *row, unsigned stride, uint32_t leaf)
{
    for (unsigned i = 0; i < stride; i++) {
        if (row[i] == leaf)
            return true;
    }
    return false;
}

/* Notes which partitions moved now. In a ring that never moved there are none. */
static int note_moves(struct mc_built *b, const uint32_t *table, uint64_t moved)
{
    struct mc_draft *draft = b->draft;
    unsigned stride = b->plan.stride;

    if (moved == 0)
        return 0;
    if (draft->last_move == NULL)
        draft->last_move = calloc(b->plan.part_count, sizeof(*draft->last_move));
    if (draft->last_move == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t p = 0; p < b->plan.part_count; p++) {
        const uint32_t *row = table + (size_t)p * stride;
        const uint32_t *was = b->before + (size_t)p * b->before_stride;

        for (unsigned i = 0; i < stride; i++) {
            if (i < b->before_stride && row[i] == was[i])
                continue;
            if (row[i] != MC_DEVICE_NONE && !row_has(was, b->before_stride, row[i]))
                draft->last_move[p] = b->in->now_s;
        }
    }
    return 0;
}

static int place_next(struct mc_built *b, struct mc_build_report *report,
                      struct mcos_diag *diag)
{
    struct mc_draft *draft = b->draft;
    uint32_t parts = b->plan.part_count;
    size_t places = (size_t)parts * b->plan.stride;
    struct mc_plan_old old = {.table = b->before,
                              .stride = b->before_stride,
                              .gentle = b->in->spec->min_move_seconds != 0,
                              .price = b->price};
    struct mc_plan_moves moves = {0};
    uint32_t *table = malloc(places * sizeof(*table));
    int r = MCOS_E_NOMEM;

    if (table == NULL)
        goto out;
    if (old.gentle && draft->last_move != NULL) {
        b->frozen = malloc(parts);
        if (b->frozen == NULL)
            goto out;
        for (uint32_t p = 0; p < parts; p++)
            b->frozen[p] = is_frozen(b->in, draft->last_move[p]);
        old.frozen = b->frozen;
    }
    if (b->still)
        r = mc_raise_hold(b, table, diag);
    else
        r = mc_plan_rebalance(&b->plan, &old, b->in->seed, table, &moves);
    if (r == 0)
        r = mc_plan_measure(&b->plan, table, NULL, report);
    if (r == 0 && b->still) {
        const struct mc_plan_input in = plan_input(b);

        r = mc_raise_settle(b, &in, &moves.held_back);
        moves.held_bound = moves.held_back;
    }
    report->moved = moves.moved;
    report->moved_lower_bound = moves.bound;
    report->held_back = moves.held_back;
    report->held_back_lower_bound = moves.held_bound;
    if (r == 0)
        r = note_moves(b, table, report->moved);
    if (r == 0)
        r = mc_draft_room(draft, places);
    if (r == 0)
        mc_draft_pack(draft, 0, table, places, b->id_of_leaf);
out:
    free(table);
    return r;
}

static int fill_head(struct mc_built *b)
{
    const struct mc_spec *spec = b->in->spec;
    struct mc_draft *draft = b->draft;

    draft->head.part_power = (uint8_t)spec->part_power;
    draft->head.next_part_power = spec->next_part_power != 0
                                      ? (uint8_t)spec->next_part_power
                                      : MC_NO_NEXT_PART_POWER;
    draft->head.assignments = b->plan.assignments;
    draft->head.hash = spec->hash;
    (void)snprintf(draft->head.note, sizeof(draft->head.note), "%s", spec->note);
    draft->builder.overload = spec->overload;
    draft->builder.min_move_seconds = spec->min_move_seconds;
    draft->builder.algorithm = spec->strict ? ALGORITHM : ALGORITHM_CEIL;
    return mc_draft_set_strict(draft, spec->strict);
}

static int run(struct mc_built *b, struct mc_build_report *ret_report,
               struct mcos_diag *diag)
{
    struct mc_build_report report = {0};
    int r = 0;

    if (b->old != NULL) {
        r = check_old(b->in, b->old, diag);
        if (r < 0)
            return r;
        b->still = mc_raise_holds(b->in->spec, b->old);
        r = mc_draft_from_ring(b->draft, b->old);
        if (r == 0)
            r = mc_draft_split(b->draft, b->in->spec->part_power);
        if (r < 0)
            return r;
        b->before = b->draft->table;
        b->before_stride = mc_ring_head(b->old)->stride;
        b->draft->table = NULL;
    }
    r = give_ids(b, diag);
    if (r == 0)
        r = fill_devices(b);
    if (r == 0)
        r = make_plan(b);
    if (r == 0) {
        b->price = calloc(b->plan.tree.leaf_count, sizeof(*b->price));
        r = b->price == NULL ? MCOS_E_NOMEM : 0;
    }
    if (r == 0)
        r = b->old == NULL ? place_first(b, &report) : place_next(b, &report, diag);
    if (r == MCOS_E_EMPTY)
        return mcos_diag_set(diag, r, "", "the build was stopped");
    if (r == 0)
        r = fill_head(b);
    if (r < 0)
        return r;
    *ret_report = report;
    return 0;
}

int mc_build_run(const struct mc_build_input *in, struct mc_draft *draft,
                 struct mc_build_report *ret_report, struct mc_built **ret_built,
                 struct mcos_diag *diag)
{
    struct mc_built *b;
    int r = mc_spec_check(in->spec, diag);

    if (r < 0)
        return r;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return MCOS_E_NOMEM;
    b->in = in;
    b->draft = draft;
    if (in->old != NULL && !mc_ring_head(in->old)->tombstone)
        b->old = in->old;
    r = run(b, ret_report, diag);
    if (r < 0)
        mc_built_free(b);
    else
        *ret_built = b;
    return r;
}

void mc_built_free(struct mc_built *b)
{
    if (b == NULL)
        return;
    mc_plan_fini(&b->plan);
    mc_plan_fini(&b->due);
    free(b->id_of);
    free(b->id_of_leaf);
    free(b->index_of);
    free(b->had);
    free(b->held);
    free(b->before);
    free(b->frozen);
    free(b->price);
    free(b);
}

int mc_build(const struct mc_build_input *in, struct mc_draft *draft,
             struct mc_build_report *ret_report, struct mcos_diag *diag)
{
    struct mc_built *built;
    int r = mc_build_run(in, draft, ret_report, &built, diag);

    if (r == 0)
        mc_built_free(built);
    return r;
}
