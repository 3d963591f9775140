/* SPDX-License-Identifier: Apache-2.0 */
/* node/json_plan.c -- moves, survival and reasons, as JSON and as words. */
#include "node/json_plan.h"

#include "node/json_out.h"

#include "ring/extra.h"

#include <inttypes.h>
#include <stdio.h>

#define MILLION 1000000.0

static const char *const tiers[MC_SURVIVE_TIERS] = {"region", "zone", "host", "device"};
static const char *const tiers_many[MC_SURVIVE_TIERS] = {"regions", "zones", "hosts",
                                                         "devices"};
static const char *const reasons[MC_WHY_KINDS] = {
    [MC_WHY_REMOVED] = "removed",       [MC_WHY_NO_WEIGHT] = "no-weight",
    [MC_WHY_DRAINED] = "drained",       [MC_WHY_FULL] = "full",
    [MC_WHY_TAKES_OVER] = "takes-over", [MC_WHY_AT_MOST] = "at-most",
    [MC_WHY_AT_LEAST] = "at-least",     [MC_WHY_GIVES] = "gives",
    [MC_WHY_TAKES] = "takes",           [MC_WHY_KEEPS] = "keeps",
    [MC_WHY_WAITS] = "waits",
};

/* As a plan names them, and as reasons do. */
static const char *const holders[] = {
    [MC_HOLDER_GENTLE] = "min_move_seconds",
    [MC_HOLDER_ANNOUNCE] = "next_partition_power",
    [MC_HOLDER_RAISE] = "partition_power",
};
static const char *const keepers[] = {
    [MC_HOLDER_GENTLE] = "min_move_seconds",
    [MC_HOLDER_ANNOUNCE] = "next_partition_power",
    [MC_HOLDER_RAISE] = "the raise of partition_power",
};

static bool by_overload(const struct mc_why *why)
{
    return why->kind >= MC_WHY_AT_MOST && why->kind <= MC_WHY_TAKES;
}

/* "eu", "eu/1", "eu/1/h3", "d7": the device's node of a tier. */
static void put_place(const struct mc_device *d, unsigned tier,
                      char dst[MC_WHY_TEXT_MAX])
{
    const char *host = d->host[0] != '\0' ? d->host : d->name;

    if (tier == MC_SURVIVE_DEVICE)
        (void)snprintf(dst, MC_WHY_TEXT_MAX, "%s", d->name);
    else
        (void)snprintf(
            dst, MC_WHY_TEXT_MAX, "%s%s%s%s%s", d->region,
            tier >= MC_TIER_ZONE ? "/" : "", tier >= MC_TIER_ZONE ? d->zone : "",
            tier >= MC_TIER_HOST ? "/" : "", tier >= MC_TIER_HOST ? host : "");
}

static void format_overload(const struct mc_why *why, const struct mc_device *d,
                            char dst[MC_WHY_TEXT_MAX])
{
    char place[MC_WHY_TEXT_MAX];
    const char *tier = tiers[why->tier];

    put_place(d, why->tier, place);
    if (why->kind == MC_WHY_AT_MOST)
        (void)snprintf(dst, MC_WHY_TEXT_MAX,
                       "overload: %s %.850s is to hold at most %u replica%s of a "
                       "partition",
                       tier, place, why->limit, why->limit == 1 ? "" : "s");
    else if (why->kind == MC_WHY_AT_LEAST)
        (void)snprintf(dst, MC_WHY_TEXT_MAX,
                       "overload: %s %.850s is due %u replica%s of every partition",
                       tier, place, why->limit, why->limit == 1 ? "" : "s");
    else if (why->kind == MC_WHY_GIVES)
        (void)snprintf(dst, MC_WHY_TEXT_MAX,
                       "overload: %s %.850s gives what other %s beside it are due",
                       tier, place, tiers_many[why->tier]);
    else
        (void)snprintf(dst, MC_WHY_TEXT_MAX,
                       "overload: %s %.850s takes what other %s beside it are not to "
                       "hold",
                       tier, place, tiers_many[why->tier]);
}

void mc_why_format(const struct mc_why *why, const struct mc_device *device,
                   char dst[MC_WHY_TEXT_MAX])
{
    const char *keeper = keepers[why->holder];
    const char *text = "";

    switch (why->kind) {
    case MC_WHY_REMOVED:
        text = "removed: its replicas leave";
        break;
    case MC_WHY_NO_WEIGHT:
        text = "weight 0: it holds nothing";
        break;
    case MC_WHY_DRAINED:
        text = "drained (weight 0): its replicas leave";
        break;
    case MC_WHY_FULL:
        text = "full: one replica of every partition is all that a device holds";
        break;
    case MC_WHY_TAKES_OVER:
        (void)snprintf(dst, MC_WHY_TEXT_MAX,
                       "takes what %" PRIu32 " full device%s cannot hold", why->devices,
                       why->devices == 1 ? "" : "s");
        return;
    case MC_WHY_KEEPS:
        (void)snprintf(dst, MC_WHY_TEXT_MAX,
                       "%s keeps %" PRIu64 " replica%s here for now", keeper,
                       why->replicas, why->replicas == 1 ? "" : "s");
        return;
    case MC_WHY_WAITS:
        (void)snprintf(dst, MC_WHY_TEXT_MAX,
                       "%s keeps %" PRIu64 " replica%s of it elsewhere for now", keeper,
                       why->replicas, why->replicas == 1 ? "" : "s");
        return;
    default:
        format_overload(why, device, dst);
        return;
    }
    (void)snprintf(dst, MC_WHY_TEXT_MAX, "%s", text);
}

static json_t *json_why(const struct mc_why *why, const struct mc_device *d)
{
    char text[MC_WHY_TEXT_MAX];
    json_t *o = json_object();

    mc_json_put_text(o, "reason", reasons[why->kind]);
    if (by_overload(why)) {
        put_place(d, why->tier, text);
        mc_json_put_text(o, "tier", tiers[why->tier]);
        mc_json_put_text(o, "place", text);
    }
    if (why->kind == MC_WHY_AT_MOST || why->kind == MC_WHY_AT_LEAST)
        mc_json_put_int(o, "limit", why->limit);
    if (why->kind == MC_WHY_TAKES_OVER)
        mc_json_put_int(o, "devices", why->devices);
    if (why->kind == MC_WHY_KEEPS || why->kind == MC_WHY_WAITS)
        mc_json_put_int(o, "replicas", why->replicas);
    mc_why_format(why, d, text);
    mc_json_put_text(o, "text", text);
    return o;
}

static json_t *json_device(const struct mc_explain_device *x, const struct mc_device *d)
{
    json_t *o = json_object();
    json_t *why = json_array();

    mc_json_put_int(o, "id", x->id);
    mc_json_put_text(o, "name", d->name);
    mc_json_put_text(o, "region", d->region);
    mc_json_put_text(o, "zone", d->zone);
    mc_json_put_text(o, "host", d->host);
    mc_json_put_text(o, "change", x->removed ? "removed" : x->added ? "added" : "");
    mc_json_put_real(o, "weight", x->removed ? 0.0 : (double)d->weight / MILLION);
    mc_json_put_real(o, "weight_before", (double)x->weight_before / MILLION);
    mc_json_put_real(o, "wants", x->wants);
    mc_json_put_int(o, "quota", x->quota);
    mc_json_put_int(o, "had", x->had);
    mc_json_put_int(o, "has", x->has);
    mc_json_put_int(o, "moves_in", x->moves_in);
    mc_json_put_int(o, "moves_out", x->moves_out);
    for (unsigned i = 0; i < x->why_count; i++)
        (void)json_array_append_new(why, json_why(&x->why[i], d));
    (void)json_object_set_new(o, "why", why);
    return o;
}

static json_t *json_state(uint64_t parts, const struct mc_build_report *r,
                          const struct mc_survival *s)
{
    json_t *o = json_object();
    json_t *survives = json_object();

    mc_json_put_int(o, "partitions", parts);
    mc_json_put_real(o, "balance", r->balance);
    mc_json_put_real(o, "max_deviation", r->max_deviation);
    mc_json_put_real(o, "dispersion", r->dispersion);
    mc_json_put_int(o, "violations", r->violations);
    for (unsigned t = 0; t < MC_SURVIVE_TIERS; t++) {
        json_t *tier = json_object();

        mc_json_put_int(tier, "of", s[t].nodes);
        mc_json_put_int(tier, "any", s[t].one);
        mc_json_put_int(tier, "majority", s[t].most);
        mc_json_put_int(tier, "weakest", s[t].weakest);
        (void)json_object_set_new(survives, tiers_many[t], tier);
    }
    (void)json_object_set_new(o, "survives", survives);
    return o;
}

static json_t *json_moving(const struct mc_explain *explain)
{
    json_t *list = json_array();

    for (unsigned n = 1; n <= MC_REPLICAS_MAX; n++) {
        json_t *o;

        if (explain->moving[n] == 0)
            continue;
        o = json_object();
        mc_json_put_int(o, "replicas", n);
        mc_json_put_int(o, "partitions", explain->moving[n]);
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *json_floor(const struct mc_explain *explain)
{
    json_t *o;

    if (explain->holder == MC_HOLDER_ANNOUNCE || explain->holder == MC_HOLDER_RAISE)
        return json_null();
    o = json_object();
    mc_json_put_int(o, "partitions", explain->below_floor);
    if (explain->strict_known)
        mc_json_put_int(o, "moved", explain->strict_moves);
    else
        (void)json_object_set_new(o, "moved", json_null());
    return o;
}

void mc_json_plan(json_t *o, const struct mc_explain *explain,
                  const struct mc_build_report *report, const struct mc_draft *draft)
{
    uint64_t parts = 1ull << draft->head.part_power;
    json_t *devices = json_array();

    mc_json_put_int(o, "partitions", parts);
    mc_json_put_next_power(o, &draft->head);
    mc_json_put_real(o, "replicas", (double)draft->head.assignments / (double)parts);
    mc_json_put_int(o, "assignments", report->assignments);
    mc_json_put_int(o, "moved", report->moved);
    mc_json_put_int(o, "moved_lower_bound", report->moved_lower_bound);
    mc_json_put_int(o, "held_back", report->held_back);
    mc_json_put_int(o, "held_back_lower_bound", report->held_back_lower_bound);
    if (report->held_back != 0)
        mc_json_put_text(o, "held_by", holders[explain->holder]);
    else
        (void)json_object_set_new(o, "held_by", json_null());
    mc_json_put_int(o, "below_floor", report->below_floor);
    (void)json_object_set_new(o, "floor", json_floor(explain));
    mc_json_put_text(o, "spread", mc_extra_strict(draft->extra) ? "strict" : "ceil");
    mc_json_put_int(o, "min_move_seconds", draft->builder.min_move_seconds);
    mc_json_put_real(o, "overload", draft->builder.overload / MILLION);
    (void)json_object_set_new(o, "moving", json_moving(explain));
    mc_json_put_int(o, "at_risk", explain->at_risk);
    (void)json_object_set_new(
        o, "before",
        explain->first
            ? json_null()
            : json_state(explain->parts_before, &explain->was, explain->survived));
    (void)json_object_set_new(o, "after", json_state(parts, report, explain->survives));
    for (uint32_t i = 0; i < explain->device_count; i++)
        (void)json_array_append_new(
            devices,
            json_device(&explain->devices[i], &draft->devices[explain->devices[i].id]));
    (void)json_object_set_new(o, "devices", devices);
}
