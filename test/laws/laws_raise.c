/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A raise of the part power moves nothing: thousands of small random rings by either
 * rule, with and without min_move_seconds and overload, exact ones, some that were held
 * back and some with anybody's table. The quotas in force are counted here from the
 * ring before; what waits is compared with a plain flow (fewest_moves.c) and with what
 * the next build moves; large ones by the certificate (certificate.c).
 *
 *     laws_raise [N]     one N-th of the worlds, all unless told
 */
#include "base/rng.h"
#include "big_world.h"
#include "certificate.h"
#include "fewest_moves.h"
#include "ring/built.h"
#include "ring/explain.h"
#include "ring/extra.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICES_MAX 12u
#define NAMES_MAX   40u
#define WORLDS      1500u

static unsigned one_in = 1;
static char names[NAMES_MAX][8];
static const char *const texts[] = {"a", "b", "c"};

static uint32_t roll(struct mc_rng *rng, uint32_t n)
{
    return (uint32_t)mc_rng_below(rng, n);
}

struct world {
    struct mc_spec spec;
    struct mc_device devices[DEVICES_MAX];
};

static struct mc_device random_device(struct mc_rng *rng, uint32_t name)
{
    static const uint64_t weights[] = {1000000, 1000000, 2000000, 1500000, 9000000};

    (void)snprintf(names[name], sizeof(names[name]), "d%u", name);
    return (struct mc_device){
        .name = names[name],
        .weight = roll(rng, 12) == 0  ? 0
                  : roll(rng, 3) == 0 ? 1 + roll(rng, 5000000)
                                      : weights[roll(rng, roll(rng, 3) == 0 ? 5 : 4)],
        .weight_text = "",
        .cluster = "",
        .region = texts[roll(rng, 3)],
        .zone = texts[roll(rng, 3)],
        .host = roll(rng, 3) == 0 ? "" : texts[roll(rng, 2)],
        .replication_host = "",
        .device = "",
        .meta = ""};
}

static uint32_t live_devices(const struct world *w)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->spec.device_count; i++)
        n += w->devices[i].weight != 0;
    return n;
}

/* There may be too few devices with weight for the replicas. */
static void mend(struct world *w)
{
    uint32_t live = live_devices(w);

    if (live == 0)
        w->devices[0].weight = 1000000;
    live = live == 0 ? 1 : live;
    if (w->spec.replicas > live * 1000000ull)
        w->spec.replicas = live * 1000000ull;
}

static struct world random_world(struct mc_rng *rng)
{
    struct world w = {.spec = {.part_power = roll(rng, 6),
                               .hash = MC_HASH_XXH3,
                               .note = "",
                               .device_count = 2 + roll(rng, DEVICES_MAX - 1)}};

    for (uint32_t i = 0; i < w.spec.device_count; i++)
        w.devices[i] = random_device(rng, i);
    w.spec.replicas = 1000000ull * (1 + roll(rng, 5));
    if (roll(rng, 3) == 0)
        w.spec.replicas += roll(rng, 1000000);
    if (roll(rng, 4) == 0)
        w.spec.overload = 1 + roll(rng, 400000);
    w.spec.strict = roll(rng, 2) == 0;
    w.spec.min_move_seconds = roll(rng, 2) * 3600;
    mend(&w);
    return w;
}

static struct world changed_world(struct mc_rng *rng, const struct world *old)
{
    struct world w = *old;
    uint32_t which = roll(rng, w.spec.device_count);

    if (roll(rng, 3) != 0)
        w.devices[which].weight = roll(rng, 4) * 1000000ull;
    if (roll(rng, 3) == 0 && w.spec.device_count > 2)
        w.devices[which] = w.devices[--w.spec.device_count];
    if (roll(rng, 2) == 0 && w.spec.device_count < DEVICES_MAX)
        w.devices[w.spec.device_count++] =
            random_device(rng, DEVICES_MAX + roll(rng, NAMES_MAX - DEVICES_MAX));
    for (uint32_t i = 0; i + 1 < w.spec.device_count; i++) {
        if (w.devices[i].name == w.devices[w.spec.device_count - 1].name)
            w.devices[i] = w.devices[--w.spec.device_count];
    }
    mend(&w);
    return w;
}

/* ---- a build, with all that is known of it ---- */

struct step {
    struct mc_spec spec;
    struct mc_ring *ring;
    struct mc_build_report report;
    struct mc_explain explain;
    struct mc_draft draft;
    struct mc_built *built;
    struct mc_build_input in;
    uint32_t *table; /* in leaves of the plan */
};

static struct mc_ring *seal(struct mc_draft *draft, const struct mc_ring *old)
{
    struct mc_ring *ring;
    struct mc_blob *blob;

    assert_true(mc_name_set(&draft->head.name, "photos"));
    assert_int_equal(mc_draft_mint(draft, old, NULL, 0, 1000), 0);
    assert_int_equal(mc_draft_encode(draft, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_NONE, &ring, NULL), 0);
    mc_blob_unref(blob);
    return ring;
}

/* s stays where it is. */
static void build(struct step *s, const struct mc_spec *spec, struct mc_device *devices,
                  const struct mc_ring *old, uint32_t now_s)
{
    size_t places;

    memset(s, 0, sizeof(*s));
    s->spec = *spec;
    s->spec.devices = devices;
    s->in = (struct mc_build_input){
        .spec = &s->spec, .old = old, .now_s = now_s, .seed = 3};
    mc_draft_init(&s->draft);
    assert_int_equal(mc_build_run(&s->in, &s->draft, &s->report, &s->built, NULL), 0);
    assert_int_equal(mc_explain_init(&s->explain, s->built), 0);
    places = (size_t)s->built->plan.part_count * s->built->plan.stride;
    s->table = malloc(places * sizeof(*s->table));
    for (size_t i = 0; i < places; i++) {
        uint32_t id = mc_draft_at(&s->draft, i);

        s->table[i] = id == MC_DEVICE_NONE
                          ? id
                          : s->built->plan.tree.leaf_of[s->built->index_of[id]];
    }
    s->ring = seal(&s->draft, old);
}

static void fini(struct step *s)
{
    mc_explain_fini(&s->explain);
    mc_built_free(s->built);
    mc_draft_fini(&s->draft);
    mc_ring_unref(s->ring);
    free(s->table);
}

/* The ring with somebody else's table: any distinct devices, of any weight. */
static struct mc_ring *foreign(struct mc_rng *rng, const struct mc_ring *ring)
{
    unsigned stride = mc_ring_head(ring)->stride;
    struct mc_ring *other;
    struct mc_draft draft;

    mc_draft_init(&draft);
    assert_int_equal(mc_draft_from_ring(&draft, ring), 0);
    draft.builder.algorithm = 0;
    for (uint32_t p = 0; p < mc_ring_part_count(ring); p++) {
        uint32_t *row = draft.table + (size_t)p * stride;

        for (unsigned i = 0; i < stride && row[i] != MC_DEVICE_NONE; i++) {
            uint32_t id = roll(rng, draft.device_count);
            bool there = draft.devices[id].removed;

            for (unsigned k = 0; k < stride; k++)
                there = there || row[k] == id;
            if (!there)
                row[i] = id;
        }
    }
    other = seal(&draft, ring);
    mc_draft_fini(&draft);
    return other;
}

/* ---- a raise ---- */

static uint32_t moved_at(const struct mc_ring *ring, uint32_t part)
{
    const uint8_t *last = mc_ring_builder(ring)->last_move;

    return last == NULL ? 0 : mc_get_u32(last + (size_t)part * 4);
}

static void check_split(const struct mc_ring *ring, const struct mc_ring *from,
                        unsigned more)
{
    const struct mc_head *head = mc_ring_head(ring);
    const struct mc_head *was = mc_ring_head(from);

    assert_int_equal(head->part_power, was->part_power + more);
    assert_int_equal(head->assignments, was->assignments << more);
    assert_int_equal(head->stride, was->stride);
    for (uint32_t p = 0; p < mc_ring_part_count(ring); p++) {
        for (unsigned s = 0; s < head->stride; s++)
            assert_int_equal(mc_ring_at(ring, p, s), mc_ring_at(from, p >> more, s));
        assert_int_equal(moved_at(ring, p), moved_at(from, p >> more));
    }
}

static uint64_t held(const struct mc_ring *ring, uint32_t id)
{
    uint64_t n = 0;

    for (uint32_t p = 0; p < mc_ring_part_count(ring); p++) {
        for (unsigned s = 0; s < mc_ring_head(ring)->stride; s++)
            n += mc_ring_at(ring, p, s) == id;
    }
    return n;
}

/* The quotas in force are twice what the ring before says; where that was exact, and so
 * within its rule, the split table is within the same rule of them, and proved. */
static void check_in_force(const struct step *s, const struct mc_ring *from,
                           unsigned more, bool exact)
{
    const struct mc_plan *plan = &s->built->plan;
    int64_t all = (int64_t)plan->assignments;

    for (uint32_t i = 0; i < s->spec.device_count; i++) {
        uint32_t id = mc_ring_device_find(from, s->spec.devices[i].name);

        assert_int_equal(plan->quota[plan->tree.leaf_of[i]], held(from, id) << more);
    }
    for (uint32_t v = 0; v < plan->tree.node_count; v++) {
        uint64_t sum = 0;

        for (uint32_t i = plan->tree.nodes[v].leaf; i < plan->tree.nodes[v].leaf_end;
             i++)
            sum += plan->quota[i];
        assert_int_equal(plan->node_quota[v], sum);
    }
    assert_true(has_quotas(plan, s->table));
    assert_int_equal(kept(plan, s->built->before, s->built->before_stride, s->table),
                     all);
    if (exact) {
        assert_true(within_rule(plan, s->table, s->spec.strict));
        assert_int_equal(most_kept(plan, s->built->before, s->built->before_stride,
                                   s->built->price, s->spec.strict),
                         all);
    }
    assert_int_equal(s->report.moved, 0);
    assert_int_equal(s->report.moved_lower_bound, 0);
}

/* What the ring has of its weights is what others find in the record. */
static void check_figures(const struct step *s, const struct mc_ring *from)
{
    struct mc_build_report seen;

    assert_int_equal(mc_build_measure(s->ring, from, &seen), 0);
    assert_int_equal(seen.moved, 0);
    assert_int_equal(seen.violations, s->report.violations);
    assert_true(fabs(seen.max_deviation - s->report.max_deviation) < 1e-6);
    assert_true(fabs(seen.balance - s->report.balance) < 1e-6);
}

static void check_reasons(const struct step *s)
{
    uint64_t beyond = 0;
    uint64_t below = 0;
    uint64_t quotas = 0;

    assert_int_equal(s->explain.holder, MC_HOLDER_RAISE);
    for (uint32_t i = 0; i < s->explain.device_count; i++) {
        const struct mc_explain_device *d = &s->explain.devices[i];

        assert_int_equal(d->has, d->had);
        assert_int_equal(d->moves_in + d->moves_out, 0);
        beyond += d->has > d->quota ? d->has - d->quota : 0;
        below += d->has < d->quota ? d->quota - d->has : 0;
        quotas += d->quota;
        if (fabs((double)d->has - d->wants) > 1 + 1e-6)
            assert_true(d->why_count != 0);
        for (unsigned k = 0; k < d->why_count; k++) {
            const struct mc_why *why = &d->why[k];

            if (why->kind == MC_WHY_KEEPS)
                assert_int_equal(d->has, d->quota + why->replicas);
            else if (why->kind == MC_WHY_WAITS)
                assert_int_equal(d->has + why->replicas, d->quota);
            else
                continue;
            assert_int_equal(why->holder, MC_HOLDER_RAISE);
        }
    }
    assert_int_equal(quotas, mc_spec_assignments(&s->spec));
    assert_true(s->report.held_back >= beyond && s->report.held_back >= below);
}

struct seen {
    unsigned raises;
    unsigned waiting; /* raises after which something is left to move */
    unsigned exact;   /* raises of exact rings */
    unsigned crossed; /* ... whose quotas are not the spec's by two of a device */
    unsigned more;    /* replicas of a fraction that come with the next build */
    unsigned drained; /* weightless devices that still hold something */
};

/* The next build of the same spec moves what waited, the fewest, and is exact. */
static void check_next(const struct step *raised, struct mc_device *devices)
{
    struct mc_spec spec = raised->spec;
    struct step next;
    struct step again;

    spec.min_move_seconds = 0;
    build(&next, &spec, devices, raised->ring, 3000);
    assert_int_equal(next.report.moved, raised->report.held_back);
    assert_int_equal(next.report.held_back, 0);
    assert_int_equal(next.report.violations, 0);
    assert_true(next.report.max_deviation < 1);
    assert_int_equal(mc_ring_head(next.ring)->assignments, mc_spec_assignments(&spec));
    if (next.built->plan.part_count <= 32) {
        const struct mc_plan_old was = {.table = next.built->before,
                                        .stride = next.built->before_stride};

        assert_int_equal(next.report.moved, fewest_moves(&next.built->plan, &was));
    }
    assert_memory_equal(next.built->plan.quota, raised->built->due.quota,
                        spec.device_count * sizeof(uint32_t));
    build(&again, &spec, devices, next.ring, 4000);
    assert_int_equal(again.report.moved, 0);
    assert_int_equal(again.report.held_back, 0);
    fini(&again);
    fini(&next);
}

static void check_raise(struct mc_rng *rng, struct world *w, const struct mc_ring *from,
                        const struct mc_build_report *was, struct seen *seen)
{
    unsigned more = 1 + (roll(rng, 4) == 0) + (roll(rng, 8) == 0);
    bool exact = was != NULL && was->held_back == 0;
    struct mc_spec spec = w->spec;
    struct step s;

    spec.part_power += more;
    build(&s, &spec, w->devices, from, 2100);
    seen->raises++;
    seen->waiting += s.report.held_back != 0;
    seen->more += mc_spec_assignments(&spec) > s.report.assignments;
    check_split(s.ring, from, more);
    check_in_force(&s, from, more, exact);
    check_figures(&s, from);
    check_reasons(&s);
    if (exact) {
        double times = (double)(1u << more);
        uint64_t others = s.built->due.assignments - s.report.assignments;

        seen->exact++;
        assert_true(was->max_deviation < 1);
        assert_true(fabs(s.report.max_deviation - times * was->max_deviation) < 1e-5);
        assert_true(fabs(s.report.balance - was->balance) < 1e-5);
        assert_true(within_rule(&s.built->plan, s.table, was->below_floor == 0));
        for (uint32_t i = 0; i < spec.device_count; i++) {
            uint32_t due = s.built->due.quota[i];
            uint32_t has = s.built->plan.quota[i];
            uint32_t apart = due > has ? due - has : has - due;

            assert_true(apart <= (1u << more) + others);
            seen->crossed += apart >= 2;
        }
    }
    for (uint32_t i = 0; i < spec.device_count; i++)
        seen->drained += w->devices[i].weight == 0 &&
                         s.built->plan.quota[s.built->plan.tree.leaf_of[i]] != 0;
    check_next(&s, w->devices);
    fini(&s);
}

static void a_raise_moves_nothing_and_the_next_build_the_fewest(void **state)
{
    struct mc_rng rng = mc_rng_init(31);
    struct seen seen = {0};
    unsigned held_back = 0;

    (void)state;
    for (unsigned i = 0; i < WORLDS / one_in; i++) {
        struct world w = random_world(&rng);
        struct step first;
        struct step second;

        build(&first, &w.spec, w.devices, NULL, 1000);
        if (i % 3 == 0) {
            check_raise(&rng, &w, first.ring, &first.report, &seen);
        } else if (i % 3 == 1) {
            struct world next = changed_world(&rng, &w);

            build(&second, &next.spec, next.devices, first.ring, 2000);
            held_back += second.report.held_back != 0;
            check_raise(&rng, &next, second.ring, &second.report, &seen);
            fini(&second);
        } else {
            struct mc_ring *ring = foreign(&rng, first.ring);

            check_raise(&rng, &w, ring, NULL, &seen);
            mc_ring_unref(ring);
        }
        fini(&first);
    }
    assert_true(seen.waiting * 3 > seen.raises);
    assert_true(seen.exact * 2 > seen.raises);
    assert_true(seen.crossed > 0 && seen.more > 0 && seen.drained > 0 && held_back > 0);
}

/* ---- large rings ---- */

static void a_large_raise_is_proved_and_so_is_the_next_build(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct big_world w = big_first(11, 60, i % 2 == 0);
        struct mc_spec spec = {.part_power = 11,
                               .replicas = i < 2 ? 3000000 : 3300000,
                               .strict = i == 1 || i == 2,
                               .hash = MC_HASH_XXH3,
                               .note = "",
                               .device_count = w.count};
        char(*name)[16] = calloc(w.count, sizeof(*name));
        struct step a;
        struct step b;
        struct step c;

        for (uint32_t d = 0; d < w.count; d++) {
            struct mc_device *to = &w.devices[d];

            (void)snprintf(name[d], sizeof(name[d]), "d%u", d);
            to->name = name[d];
            to->weight_text = to->cluster = to->replication_host = "";
            to->device = to->meta = "";
        }
        build(&a, &spec, w.devices, NULL, 1000);
        spec.part_power++;
        build(&b, &spec, w.devices, a.ring, 2000);
        check_split(b.ring, a.ring, 1);
        check_in_force(&b, a.ring, 1, true);
        assert_true(within_rule(&b.built->plan, b.table, true));
        assert_true(b.report.held_back > 0 &&
                    b.report.held_back <= 2ull * spec.device_count);
        build(&c, &spec, w.devices, b.ring, 3000);
        assert_true(has_quotas(&c.built->plan, c.table));
        assert_true(within_rule(&c.built->plan, c.table, spec.strict));
        assert_int_equal(c.report.moved, b.report.held_back);
        assert_int_equal((int64_t)(c.report.assignments - c.report.moved),
                         most_kept(&c.built->plan, c.built->before,
                                   c.built->before_stride, c.built->price,
                                   spec.strict));
        fini(&a);
        fini(&b);
        fini(&c);
        big_fini(&w);
        free(name);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raise_moves_nothing_and_the_next_build_the_fewest),
        cmocka_unit_test(a_large_raise_is_proved_and_so_is_the_next_build),
    };

    if (argc > 1)
        one_in = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
