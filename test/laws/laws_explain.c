/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build says of itself, on thousands of small random rings: survival against
 * every possible loss, moves against the two rings device by device, and each reason
 * against the quotas that it is the reason of.
 */
#include "base/rng.h"
#include "ring/explain.h"
#include "ring/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICES_MAX 12u
#define NAMES_MAX   40u

struct world {
    struct mc_spec spec;
    struct mc_device devices[DEVICES_MAX];
};

static char names[NAMES_MAX][8];
static const char *const texts[] = {"a", "b", "c", "d"};

static uint32_t roll(struct mc_rng *rng, uint32_t n)
{
    return (uint32_t)mc_rng_below(rng, n);
}

/* A name is a place: a device that comes again stands where it stood. */
static struct mc_device device(struct mc_rng *rng, uint32_t name, bool heavy)
{
    static const uint64_t weights[] = {1000000, 1000000, 2000000, 1500000, 0};

    (void)snprintf(names[name], sizeof(names[name]), "d%u", name);
    return (struct mc_device){
        .name = names[name],
        .weight = heavy && roll(rng, 5) == 0 ? 9000000 : weights[roll(rng, 5)],
        .weight_text = "",
        .cluster = "",
        .region = texts[name % 3],
        .zone = texts[name / 3 % 2],
        .host = texts[name / 6 % 3],
        .replication_host = "",
        .device = "",
        .meta = ""};
}

static uint64_t parts_of(const struct world *w)
{
    return 1ull << w->spec.part_power;
}

/* As many replicas as it bears, at most four, now and then with a fraction. */
static void choose_replicas(struct mc_rng *rng, struct world *w)
{
    uint32_t live = 0;

    for (uint32_t i = 0; i < w->spec.device_count; i++)
        live += w->devices[i].weight != 0;
    if (live == 0)
        w->devices[0].weight = 1000000;
    live = live < 1 ? 1 : live > 4 ? 4 : live;
    w->spec.replicas = 1000000ull * (1 + roll(rng, live));
    if (w->spec.replicas > 1000000 && roll(rng, 4) == 0)
        w->spec.replicas -= roll(rng, 1000000);
}

static struct world random_world(struct mc_rng *rng)
{
    struct world w = {.spec = {.part_power = roll(rng, 7),
                               .hash = MC_HASH_XXH3,
                               .note = "",
                               .device_count = 1 + roll(rng, DEVICES_MAX)}};
    uint32_t name = 0;

    for (uint32_t i = 0; i < w.spec.device_count; i++) {
        name += 1 + roll(rng, 2);
        w.devices[i] = device(rng, name, true);
    }
    choose_replicas(rng, &w);
    return w;
}

static struct world changed_world(struct mc_rng *rng, const struct world *old)
{
    struct world w = *old;

    for (uint32_t changes = 1 + roll(rng, 2); changes > 0; changes--) {
        uint32_t which = roll(rng, w.spec.device_count);

        switch (roll(rng, 4)) {
        case 0:
            w.devices[which].weight = roll(rng, 3) * 1000000ull;
            break;
        case 1:
            if (w.spec.device_count > 1)
                w.devices[which] = w.devices[--w.spec.device_count];
            break;
        case 2:
            if (w.spec.device_count < DEVICES_MAX)
                w.devices[w.spec.device_count++] =
                    device(rng, 25 + changes + 2 * roll(rng, 5), true);
            break;
        default:
            break;
        }
    }
    choose_replicas(rng, &w);
    return w;
}

/* ---- one build, with all that is known of it ---- */

struct step {
    struct world world;
    struct mc_ring *ring;
    struct mc_build_report report;
    struct mc_explain explain;
};

static void build(struct step *s, const struct world *w, const struct mc_ring *old)
{
    struct mc_build_input in = {.old = old, .now_s = 1000, .seed = 3};
    struct mc_draft draft;
    struct mc_built *built;
    struct mc_blob *blob;

    s->world = *w;
    s->world.spec.devices = s->world.devices;
    in.spec = &s->world.spec;
    mc_draft_init(&draft);
    assert_int_equal(mc_build_run(&in, &draft, &s->report, &built, NULL), 0);
    assert_int_equal(mc_explain_init(&s->explain, built), 0);
    mc_built_free(built);
    assert_true(mc_name_set(&draft.head.name, "photos"));
    assert_int_equal(mc_draft_mint(&draft, old, NULL, 0, 1000), 0);
    assert_int_equal(mc_draft_encode(&draft, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_NONE, &s->ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(&draft);
}

static void fini(struct step *s)
{
    mc_explain_fini(&s->explain);
    mc_ring_unref(s->ring);
}

/* ---- survival ---- */

static bool same_node(const struct mc_device *a, const struct mc_device *b, unsigned t)
{
    return strcmp(a->region, b->region) == 0 &&
           (t < MC_TIER_ZONE || strcmp(a->zone, b->zone) == 0) &&
           (t < MC_TIER_HOST || strcmp(a->host, b->host) == 0) &&
           (t < MC_SURVIVE_DEVICE || strcmp(a->name, b->name) == 0);
}

/* Numbers the nodes of a tier that hold something; node[id] is a device's. */
static uint32_t number_nodes(const struct mc_ring *ring, unsigned t, uint32_t *node)
{
    uint32_t count = 0;

    for (uint32_t id = 0; id < mc_ring_head(ring)->device_count; id++) {
        bool holds = false;

        node[id] = MC_DEVICE_NONE;
        for (uint32_t p = 0; p < mc_ring_part_count(ring) && !holds; p++) {
            for (unsigned i = 0; i < mc_ring_head(ring)->stride; i++)
                holds = holds || mc_ring_at(ring, p, i) == id;
        }
        for (uint32_t e = 0; e < id && holds && node[id] == MC_DEVICE_NONE; e++) {
            if (node[e] != MC_DEVICE_NONE &&
                same_node(mc_ring_device(ring, id), mc_ring_device(ring, e), t))
                node[id] = node[e];
        }
        if (holds && node[id] == MC_DEVICE_NONE)
            node[id] = count++;
    }
    return count;
}

/* Tries every loss there is: `lost` is a set of nodes. */
static struct mc_survival survival(const struct mc_ring *ring, unsigned t)
{
    uint32_t node[NAMES_MAX];
    struct mc_survival s = {.nodes = number_nodes(ring, t, node)};
    bool dies[DEVICES_MAX + 1] = {false};
    bool minor[DEVICES_MAX + 1] = {false};
    bool weak[64] = {false};

    assert_true(s.nodes <= DEVICES_MAX);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t lost = 1; lost < 1u << s.nodes; lost++) {
            unsigned n = (unsigned)__builtin_popcount(lost);

            for (uint32_t p = 0; p < mc_ring_part_count(ring); p++) {
                uint32_t row[MC_REPLICAS_MAX];
                unsigned width = mc_ring_row(ring, p, row);
                unsigned left = 0;

                for (unsigned i = 0; i < width; i++)
                    left += (lost >> node[row[i]] & 1) == 0;
                dies[n] = dies[n] || left == 0;
                minor[n] = minor[n] || 2 * left <= width;
                if (pass == 1 && n == s.one + 1 && left == 0)
                    weak[p] = true;
            }
        }
        while (s.one < s.nodes && !dies[s.one + 1])
            s.one++;
        while (s.most < s.nodes && !minor[s.most + 1])
            s.most++;
    }
    for (uint32_t p = 0; p < mc_ring_part_count(ring); p++)
        s.weakest += weak[p];
    return s;
}

static void check_survival(const struct mc_ring *ring, const struct mc_survival *said)
{
    for (unsigned t = 0; t < MC_SURVIVE_TIERS; t++) {
        struct mc_survival s = survival(ring, t);

        assert_int_equal(said[t].nodes, s.nodes);
        assert_int_equal(said[t].one, s.one);
        assert_int_equal(said[t].most, s.most);
        assert_int_equal(said[t].weakest, s.weakest);
    }
}

static void survival_is_what_every_loss_leaves(void **state)
{
    struct mc_rng rng = mc_rng_init(11);
    unsigned two = 0; /* rings that survive any two regions or zones */

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        struct world w = random_world(&rng);
        struct world next;
        struct step a;
        struct step b;
        struct mc_survival again[MC_SURVIVE_TIERS];
        struct mc_build_report report;

        build(&a, &w, NULL);
        check_survival(a.ring, a.explain.survives);
        next = changed_world(&rng, &w);
        build(&b, &next, a.ring);
        check_survival(b.ring, b.explain.survives);
        assert_memory_equal(b.explain.survived, a.explain.survives, sizeof(again));
        assert_int_equal(mc_explain_ring(b.ring, &report, again), 0);
        assert_true(report.violations == b.report.violations);
        assert_memory_equal(b.explain.survives, again, sizeof(again));
        two += b.explain.survives[MC_TIER_ZONE].one >= 2;
        fini(&a);
        fini(&b);
    }
    assert_true(two > 20);
}

/* ---- moves ---- */

static bool holds(const struct mc_ring *ring, uint32_t p, const char *name)
{
    uint32_t row[MC_REPLICAS_MAX];
    unsigned width = mc_ring_row(ring, p, row);

    for (unsigned i = 0; i < width; i++) {
        if (strcmp(mc_ring_device(ring, row[i])->name, name) == 0)
            return true;
    }
    return false;
}

static void check_moves(const struct step *a, const struct step *b)
{
    const struct mc_explain *x = &b->explain;
    uint32_t moving[MC_REPLICAS_MAX + 1] = {0};
    uint32_t of_part[64] = {0};
    uint64_t at_risk = 0;
    uint64_t moved = 0;
    uint64_t has = 0;
    uint64_t had = 0;

    for (uint32_t i = 0; i < x->device_count; i++) {
        const struct mc_explain_device *d = &x->devices[i];
        const char *name = mc_ring_device(b->ring, d->id)->name;
        uint64_t in = 0;
        uint64_t out = 0;
        uint64_t before = 0;

        for (uint32_t p = 0; p < mc_ring_part_count(b->ring); p++) {
            bool now = !d->removed && holds(b->ring, p, name);
            bool was = holds(a->ring, p, name);

            in += now && !was;
            out += was && !now;
            before += was;
            of_part[p] += now && !was;
        }
        assert_int_equal(d->moves_in, in);
        assert_int_equal(d->moves_out, out);
        assert_int_equal(d->had, before);
        assert_int_equal(d->has, d->had + in - out);
        assert_int_equal(d->added,
                         mc_ring_device_find(a->ring, name) == MC_DEVICE_NONE);
        assert_int_equal(d->removed,
                         mc_ring_device_find(b->ring, name) == MC_DEVICE_NONE);
        moved += in;
        has += d->has;
        had += d->had;
    }
    for (uint32_t p = 0; p < mc_ring_part_count(b->ring); p++) {
        uint32_t row[MC_REPLICAS_MAX];
        unsigned width = mc_ring_row(b->ring, p, row);
        unsigned stay = width - of_part[p];

        moving[of_part[p]]++;
        at_risk += of_part[p] > 0 && stay < width / 2 + 1;
    }
    assert_int_equal(x->at_risk, at_risk);
    assert_memory_equal(x->moving, moving, sizeof(moving));
    assert_int_equal(moved, b->report.moved);
    assert_int_equal(has, mc_ring_head(b->ring)->assignments);
    assert_int_equal(had, mc_ring_head(a->ring)->assignments);
}

static void moves_are_those_between_the_rings(void **state)
{
    struct mc_rng rng = mc_rng_init(12);
    uint64_t removed = 0;

    (void)state;
    for (unsigned i = 0; i < 1500; i++) {
        struct world w = random_world(&rng);
        struct world next;
        struct mc_build_report was;
        struct step a;
        struct step b;

        build(&a, &w, NULL);
        assert_true(a.explain.first);
        next = changed_world(&rng, &w);
        next.spec.min_move_seconds = roll(&rng, 2) * 3600;
        build(&b, &next, a.ring);
        assert_false(b.explain.first);
        check_moves(&a, &b);
        assert_int_equal(mc_build_measure(a.ring, NULL, &was), 0);
        assert_memory_equal(&b.explain.was, &was, sizeof(was));
        for (uint32_t k = 0; k < b.explain.device_count; k++)
            removed += b.explain.devices[k].removed;
        fini(&a);
        fini(&b);
    }
    assert_true(removed > 100);
}

/* ---- reasons ---- */

static double weights_of(const struct world *w)
{
    double sum = 0;

    for (uint32_t i = 0; i < w->spec.device_count; i++)
        sum += (double)w->devices[i].weight;
    return sum;
}

/* Shares by weight, none above one of each partition: in floating point, anew. */
static void capped_shares(const struct world *w, double *share)
{
    double left = (double)mc_spec_assignments(&w->spec);
    double parts = (double)parts_of(w);
    double sum = weights_of(w);
    bool full[DEVICES_MAX] = {false};
    bool again = true;

    while (again) {
        again = false;
        for (uint32_t i = 0; i < w->spec.device_count; i++) {
            double weight = (double)w->devices[i].weight;

            if (full[i] || weight <= 0 || weight * left < parts * sum)
                continue;
            full[i] = again = true;
            share[i] = parts;
            left -= parts;
            sum -= weight;
        }
    }
    for (uint32_t i = 0; i < w->spec.device_count; i++) {
        double weight = (double)w->devices[i].weight;

        if (!full[i])
            share[i] = weight > 0 ? weight * left / sum : 0;
    }
}

static const struct mc_explain_device *find(const struct step *s, const char *name)
{
    for (uint32_t i = 0; i < s->explain.device_count; i++) {
        const struct mc_explain_device *d = &s->explain.devices[i];

        if (strcmp(mc_ring_device(s->ring, d->id)->name, name) == 0 && !d->removed)
            return d;
    }
    return NULL;
}

/* What the node of device i at a tier (-1: the root) has of a figure; NULL: quota. */
static double node_sum(const struct step *s, uint32_t i, int tier, const double *share)
{
    double sum = 0;

    for (uint32_t k = 0; k < s->world.spec.device_count; k++) {
        if (tier < 0 ||
            same_node(&s->world.devices[i], &s->world.devices[k], (unsigned)tier))
            sum += share != NULL ? share[k]
                                 : (double)find(s, s->world.devices[k].name)->quota;
    }
    return sum;
}

/* Is there a neighbour in the same parent that stands at a bound and is due more (or
 * gets less) than by weight? With overload enough it must be exactly there. */
static bool neighbour_bound(const struct step *s, uint32_t i, int t, bool more,
                            const double *share)
{
    double parts = (double)parts_of(&s->world);
    double grown = node_sum(s, i, t - 1, NULL) / node_sum(s, i, t - 1, share);

    for (uint32_t k = 0; k < s->world.spec.device_count; k++) {
        const struct mc_device *a = &s->world.devices[i];
        const struct mc_device *b = &s->world.devices[k];
        double now = node_sum(s, k, t, NULL);
        double by_weight = node_sum(s, k, t, share) * grown;
        uint64_t whole = (uint64_t)(now / parts);

        if ((t == 0 || same_node(a, b, (unsigned)t - 1)) &&
            !same_node(a, b, (unsigned)t) && (double)whole * parts == now &&
            (more ? now > by_weight - 1e-3 : now < by_weight + 1e-3) && now > 0)
            return true;
    }
    return false;
}

static void check_overload(const struct step *s, uint32_t i, const struct mc_why *why,
                           const double *share)
{
    int t = (int)why->tier;
    double parts = (double)parts_of(&s->world);
    double now = node_sum(s, i, t, NULL);
    double of = node_sum(s, i, t - 1, NULL);
    double by_weight = node_sum(s, i, t, share) * of / node_sum(s, i, t - 1, share);

    assert_true(s->world.spec.overload != 0);
    switch ((int)why->kind) {
    case MC_WHY_AT_MOST:
        assert_true(now < by_weight + 1.1);
        break;
    case MC_WHY_AT_LEAST:
        assert_true(now > by_weight - 1.1);
        break;
    case MC_WHY_GIVES:
        assert_true(now < by_weight + 1.1);
        if (s->world.spec.overload == MC_OVERLOAD_MAX)
            assert_true(neighbour_bound(s, i, t, true, share));
        return;
    default:
        assert_int_equal(why->kind, MC_WHY_TAKES);
        assert_true(now > by_weight - 1.1);
        if (s->world.spec.overload == MC_OVERLOAD_MAX)
            assert_true(neighbour_bound(s, i, t, false, share));
        return;
    }
    /* With overload enough the bound is reached, exactly. */
    if (s->world.spec.overload == MC_OVERLOAD_MAX)
        assert_true(now == why->limit * parts);
}

/* Which kinds there were, to see that each of them is met. */
static unsigned met[MC_WHY_KINDS];

static void check_device(const struct step *s, uint32_t i, const double *share)
{
    const struct world *w = &s->world;
    const struct mc_device *device = &w->devices[i];
    const struct mc_explain_device *d = find(s, device->name);
    double wants =
        (double)device->weight * (double)mc_spec_assignments(&w->spec) / weights_of(w);
    double parts = (double)parts_of(w);
    bool off = (double)d->has > wants + 0.999999 || (double)d->has < wants - 0.999999;

    assert_true(d->wants > wants - 1e-6 && d->wants < wants + 1e-6);
    if (device->weight == 0) {
        assert_int_equal(d->why_count, 1);
        assert_int_equal(d->has, 0);
        assert_int_equal(d->why[0].kind, d->had != 0 || d->weight_before != 0
                                             ? MC_WHY_DRAINED
                                             : MC_WHY_NO_WEIGHT);
        met[d->why[0].kind]++;
        return;
    }
    assert_int_equal(off, d->why_count != 0);
    for (unsigned k = 0; k < d->why_count; k++) {
        const struct mc_why *why = &d->why[k];

        met[why->kind]++;
        switch (why->kind) {
        case MC_WHY_FULL:
            assert_true(wants > parts && share[i] > parts - 1e-6);
            assert_true(why->devices > 0);
            break;
        case MC_WHY_TAKES_OVER:
            assert_true(share[i] > wants && why->devices > 0);
            break;
        case MC_WHY_KEEPS:
            assert_int_equal(d->has, d->quota + why->replicas);
            assert_true(w->spec.min_move_seconds != 0);
            break;
        case MC_WHY_WAITS:
            assert_int_equal(d->has + why->replicas, d->quota);
            assert_true(w->spec.min_move_seconds != 0);
            break;
        default:
            check_overload(s, i, why, share);
            break;
        }
    }
    /* All that is between the quota and what it holds, and nothing else. */
    assert_int_equal(d->has != d->quota && d->why_count != 0,
                     d->why_count != 0 &&
                         (d->why[d->why_count - 1].kind == MC_WHY_KEEPS ||
                          d->why[d->why_count - 1].kind == MC_WHY_WAITS));
}

static void a_reason_is_given_where_a_share_is_not_the_weights(void **state)
{
    struct mc_rng rng = mc_rng_init(13);

    (void)state;
    for (unsigned i = 0; i < 6000; i++) {
        struct world w = random_world(&rng);
        struct step steps[2];

        for (unsigned k = 0; k < 2; k++) {
            struct step *s = &steps[k];
            double share[DEVICES_MAX];

            if (k == 1)
                w = changed_world(&rng, &w);
            w.spec.overload = roll(&rng, 2) == 0   ? 0
                              : roll(&rng, 2) == 0 ? MC_OVERLOAD_MAX
                                                   : 1 + roll(&rng, 300000);
            w.spec.min_move_seconds = roll(&rng, 2) * 3600;
            build(s, &w, k == 0 ? NULL : steps[0].ring);
            capped_shares(&s->world, share);
            for (uint32_t d = 0; d < s->world.spec.device_count; d++)
                check_device(s, d, share);
            for (uint32_t d = 0; d < s->explain.device_count; d++) {
                const struct mc_explain_device *e = &s->explain.devices[d];

                if (!e->removed)
                    continue;
                met[MC_WHY_REMOVED]++;
                assert_int_equal(e->why_count, 1);
                assert_int_equal(e->why[0].kind, MC_WHY_REMOVED);
            }
        }
        fini(&steps[0]);
        fini(&steps[1]);
    }
    for (unsigned k = 0; k < MC_WHY_KINDS; k++)
        assert_true(met[k] > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survival_is_what_every_loss_leaves),
        cmocka_unit_test(moves_are_those_between_the_rings),
        cmocka_unit_test(a_reason_is_given_where_a_share_is_not_the_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
