/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dearest of many changes: rings of all shapes and changes of all kinds are made up
 * from seeds, each is rebalanced once, and the dearest some times more. CPU time of the
 * builder alone.
 *
 *     bench_worst [--all] POWER DEVICES [CHANGES [SEED [REPLICAS]]]
 *
 * DEVICES at first, about; REPLICAS at most (5). Change i has seed SEED + i: CHANGES of
 * 1 and that seed are that change again. --all prints each, not only the dearest.
 */
#include "base/rng.h"
#include "ring/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MILLION 1000000u
#define DEAREST 12u
#define RUNS    5u

struct place {
    unsigned region;
    unsigned zone;
    unsigned host;
};

struct world {
    unsigned power;
    unsigned most; /* replicas */
    uint64_t replicas;
    uint32_t overload;
    unsigned regions;
    unsigned zones; /* in each region */
    unsigned hosts; /* in each zone */
    uint32_t count;
    uint32_t cap;
    uint32_t made; /* devices so far */
    struct place *place;
    uint64_t *weight;
    uint32_t *id; /* number of each device; never used again */
};

struct ring {
    struct mc_plan plan;
    uint32_t *table;
    uint32_t *leaf_of; /* by number of the device */
    uint32_t made;
};

struct result {
    uint64_t seed;
    double ms;
    char what[192];
    struct mc_plan_moves moves;
};

static struct mc_rng rng;

static uint32_t below(uint32_t n)
{
    return (uint32_t)mc_rng_below(&rng, n);
}

/* from .. to */
static uint32_t between(uint32_t from, uint32_t to)
{
    return from + below(to - from + 1);
}

static void *room(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);

    if (p == NULL)
        abort();
    return p;
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- worlds ---- */

static uint64_t any_weight(void)
{
    static const uint64_t sizes[] = {1, 1, 1, 2, 4, 8};

    return below(4) == 0 ? between(MILLION / 2, 9 * MILLION)
                         : sizes[below(6)] * MILLION;
}

static void add_device(struct world *w, struct place at, uint64_t weight)
{
    if (w->count == w->cap)
        return;
    w->place[w->count] = at;
    w->weight[w->count] = weight;
    w->id[w->count++] = w->made++;
}

static struct place any_place(const struct world *w)
{
    return (struct place){below(w->regions), below(w->zones), below(w->hosts)};
}

static uint64_t any_replicas(const struct world *w)
{
    uint64_t whole = below(2) == 0 && w->most >= 3 ? 3 : between(1, w->most);

    return whole * MILLION + (below(4) == 0 && whole < w->most ? below(MILLION) : 0);
}

static uint32_t any_overload(void)
{
    static const uint32_t some[] = {0, 20000, 100000, 400000, 2000000};

    return some[below(5)];
}

static struct world any_world(unsigned power, uint32_t devices, unsigned most)
{
    struct world w = {.power = power, .most = most, .cap = 3 * devices};
    unsigned style = below(4);

    w.place = room(w.cap, sizeof(*w.place));
    w.weight = room(w.cap, sizeof(*w.weight));
    w.id = room(w.cap, sizeof(*w.id));
    w.regions = between(1, below(2) == 0 ? 3 : 10);
    w.zones = between(1, 5);
    w.hosts = between(1, 1 + devices / (w.regions * w.zones));
    w.replicas = any_replicas(&w);
    w.overload = below(4) == 0 ? any_overload() : 0;
    for (uint32_t i = 0; i < devices; i++) {
        struct place at = any_place(&w);
        uint64_t weight = MILLION;

        if (style == 1)
            weight = (100 + 7 * at.region) * MILLION / 100 << below(3);
        if (style == 2)
            weight = any_weight();
        if (style == 3)
            weight = (100 + at.region + at.zone) * MILLION / 100;
        add_device(&w, at, weight);
    }
    return w;
}

static struct world copy(const struct world *w)
{
    struct world c = *w;

    c.place = room(w->cap, sizeof(*w->place));
    c.weight = room(w->cap, sizeof(*w->weight));
    c.id = room(w->cap, sizeof(*w->id));
    memcpy(c.place, w->place, w->count * sizeof(*w->place));
    memcpy(c.weight, w->weight, w->count * sizeof(*w->weight));
    memcpy(c.id, w->id, w->count * sizeof(*w->id));
    return c;
}

static void end_world(struct world *w)
{
    free(w->place);
    free(w->weight);
    free(w->id);
}

/* ---- changes ---- */

static void remove_device(struct world *w, uint32_t i)
{
    uint32_t last = --w->count;

    w->place[i] = w->place[last];
    w->weight[i] = w->weight[last];
    w->id[i] = w->id[last];
}

static void more(struct world *w)
{
    for (uint32_t n = between(1, w->count / 4 + 1); n > 0; n--)
        add_device(w, any_place(w), any_weight());
}

static void fewer(struct world *w)
{
    for (uint32_t n = between(1, w->count / 4 + 1); n > 0 && w->count > 1; n--)
        remove_device(w, below(w->count));
}

static void less_region(struct world *w)
{
    unsigned region = w->place[below(w->count)].region;

    for (uint32_t i = w->count; i-- > 0;) {
        if (w->place[i].region == region)
            remove_device(w, i);
    }
}

static void less_zone(struct world *w)
{
    struct place at = w->place[below(w->count)];

    for (uint32_t i = w->count; i-- > 0;) {
        if (w->place[i].region == at.region && w->place[i].zone == at.zone)
            remove_device(w, i);
    }
}

static void more_region(struct world *w)
{
    uint32_t n = w->count / w->regions / (1u << below(3)) + 1;

    w->regions++;
    for (; n > 0; n--)
        add_device(w, (struct place){w->regions - 1, below(w->zones), below(w->hosts)},
                   any_weight());
}

static void more_zone(struct world *w)
{
    uint32_t n = w->count / w->regions / w->zones / (1u << below(3)) + 1;
    unsigned region = below(w->regions);

    w->zones++;
    for (; n > 0; n--)
        add_device(w, (struct place){region, w->zones - 1, below(w->hosts)},
                   any_weight());
}

static void reweight_some(struct world *w)
{
    unsigned every = between(1, 10);

    for (uint32_t i = 0; i < w->count; i++) {
        if (below(every) == 0)
            w->weight[i] += w->weight[i] / 4;
    }
}

static void reweight_all(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        w->weight[i] = w->weight[i] / 1000 * between(500, 2000);
}

static void reweight_little(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        w->weight[i] = w->weight[i] / 1000 * between(950, 1050);
}

static void reweight_region(struct world *w)
{
    unsigned region = w->place[below(w->count)].region;
    unsigned by = between(300, 3000);

    for (uint32_t i = 0; i < w->count; i++) {
        if (w->place[i].region == region)
            w->weight[i] = w->weight[i] / 1000 * by;
    }
}

static void drain(struct world *w)
{
    for (uint32_t n = between(1, w->count / 5 + 1); n > 0; n--)
        w->weight[below(w->count)] = 0;
}

static void replicas(struct world *w)
{
    w->replicas = any_replicas(w);
}

static void replicas_a_little(struct world *w)
{
    uint64_t to = w->replicas + below(800000);

    w->replicas = to < 1400000 ? MILLION : to - 400000;
}

static void overload(struct world *w)
{
    w->overload = any_overload();
}

/* Devices that are moved to another place, as they are. */
static void elsewhere(struct world *w)
{
    for (uint32_t n = between(1, w->count / 10 + 1); n > 0; n--)
        w->place[below(w->count)] = any_place(w);
}

static const struct {
    const char *name;
    void (*make)(struct world *w);
} kinds[] = {
    {"devices more", more},
    {"devices fewer", fewer},
    {"- region", less_region},
    {"- zone", less_zone},
    {"+ region", more_region},
    {"+ zone", more_zone},
    {"reweight some", reweight_some},
    {"reweight all", reweight_all},
    {"reweight a little", reweight_little},
    {"reweight a region", reweight_region},
    {"drain", drain},
    {"replicas", replicas},
    {"replicas a little", replicas_a_little},
    {"overload", overload},
    {"elsewhere", elsewhere},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What can be built: somebody with weight for each replica. */
static void mend(struct world *w)
{
    uint32_t live = 0;

    for (uint32_t i = 0; i < w->count; i++)
        live += w->weight[i] != 0;
    for (; live < w->most; live++)
        add_device(w, any_place(w), MILLION);
    if (w->replicas > w->most * (uint64_t)MILLION)
        w->replicas = w->most * (uint64_t)MILLION;
}

/* One change, or two or three at once; says what in `what`. */
static struct world next_world(const struct world *old, char *what, size_t len)
{
    struct world w = copy(old);
    unsigned n = below(4) == 0 ? between(2, 3) : 1;

    what[0] = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned kind = below(KINDS);
        size_t at = strlen(what);

        kinds[kind].make(&w);
        mend(&w);
        (void)snprintf(what + at, len - at, "%s%s", i == 0 ? "" : ", ",
                       kinds[kind].name);
    }
    return w;
}

/* ---- rings ---- */

static const char *text(char form, unsigned n)
{
    static char texts[64][256][8];
    char *s = texts[form % 64][n % 256];

    (void)snprintf(s, 8, "%c%u", form, n % 256);
    return s;
}

static struct ring start_ring(const struct world *w, const struct ring *old,
                              bool strict)
{
    struct mc_device *devices = room(w->count, sizeof(*devices));
    uint32_t *held = room(w->count, sizeof(*held));
    struct mc_plan_input in = {.devices = devices,
                               .device_count = w->count,
                               .part_power = w->power,
                               .assignments = (w->replicas << w->power) / MILLION,
                               .overload = w->overload,
                               .strict = strict,
                               .held = old != NULL ? held : NULL};
    struct ring r = {.made = w->made};

    for (uint32_t i = 0; i < w->count; i++) {
        devices[i] = (struct mc_device){.region = text('r', w->place[i].region),
                                        .zone = text('z', w->place[i].zone),
                                        .host = text('h', w->place[i].host),
                                        .weight = w->weight[i]};
        if (old != NULL && w->id[i] < old->made &&
            old->leaf_of[w->id[i]] != MC_DEVICE_NONE)
            held[i] = old->plan.quota[old->leaf_of[w->id[i]]];
    }
    if (mc_plan_init(&r.plan, &in) < 0)
        abort();
    r.table = malloc((size_t)r.plan.part_count * r.plan.stride * sizeof(*r.table));
    r.leaf_of = room(w->made, sizeof(*r.leaf_of));
    if (r.table == NULL)
        abort();
    memset(r.leaf_of, 0xff, w->made * sizeof(*r.leaf_of));
    for (uint32_t i = 0; i < w->count; i++)
        r.leaf_of[w->id[i]] = r.plan.tree.leaf_of[i];
    free(devices);
    free(held);
    return r;
}

static void end_ring(struct ring *r)
{
    mc_plan_fini(&r->plan);
    free(r->table);
    free(r->leaf_of);
}

/* The old table in leaves of the new plan. */
static uint32_t *translate(const struct ring *old, const struct ring *r)
{
    size_t places = (size_t)old->plan.part_count * old->plan.stride;
    uint32_t *before = room(places, sizeof(*before));
    uint32_t *leaf = room(old->plan.tree.leaf_count, sizeof(*leaf));

    for (uint32_t id = 0; id < old->made; id++) {
        if (old->leaf_of[id] != MC_DEVICE_NONE)
            leaf[old->leaf_of[id]] = r->leaf_of[id];
    }
    for (size_t i = 0; i < places; i++)
        before[i] =
            old->table[i] == MC_DEVICE_NONE ? MC_DEVICE_NONE : leaf[old->table[i]];
    free(leaf);
    return before;
}

static double rebalance(const struct ring *old, struct ring *r, bool gentle,
                        uint8_t *frozen, struct mc_plan_moves *moves)
{
    uint32_t *before = translate(old, r);
    struct mc_plan_old was = {.table = before,
                              .stride = old->plan.stride,
                              .gentle = gentle,
                              .frozen = frozen};
    double start = now_ms();

    if (mc_plan_rebalance(&r->plan, &was, 1, r->table, moves) < 0)
        abort();
    start = now_ms() - start;
    free(before);
    return start;
}

/* Rows that the change from old to r touched. */
static uint8_t *touched(const struct ring *old, const struct ring *r)
{
    uint32_t *before = translate(old, r);
    uint8_t *rows = room(r->plan.part_count, 1);

    for (uint32_t p = 0; p < r->plan.part_count; p++) {
        for (unsigned i = 0; i < r->plan.stride; i++)
            rows[p] |=
                i >= old->plan.stride || before[(size_t)p * old->plan.stride + i] !=
                                             r->table[(size_t)p * r->plan.stride + i];
    }
    free(before);
    return rows;
}

/* ---- the search ---- */

static struct result try(unsigned power, uint32_t devices, unsigned most, uint64_t seed,
                         unsigned runs)
{
    struct result res = {.seed = seed, .ms = 1e9};
    bool gentle;
    bool strict;
    struct world w;
    struct world next;
    struct ring old;
    uint8_t *frozen = NULL;
    char what[96];

    rng = mc_rng_init(seed);
    w = any_world(power, devices, most);
    mend(&w);
    gentle = below(3) == 0;
    strict = below(3) == 0;
    old = start_ring(&w, NULL, strict);
    if (mc_plan_first(&old.plan, seed, old.table) < 0)
        abort();
    if (below(3) == 0) { /* a ring that has changed before */
        struct mc_plan_moves moves;
        struct ring r;

        next = next_world(&w, what, sizeof(what));
        r = start_ring(&next, &old, strict);
        (void)rebalance(&old, &r, gentle, NULL, &moves);
        if (gentle && below(2) == 0)
            frozen = touched(&old, &r);
        end_ring(&old);
        end_world(&w);
        old = r;
        w = next;
    }
    next = next_world(&w, what, sizeof(what));
    for (unsigned i = 0; i < runs; i++) {
        struct ring r = start_ring(&next, &old, strict);
        double ms = rebalance(&old, &r, gentle, frozen, &res.moves);

        res.ms = ms < res.ms ? ms : res.ms;
        end_ring(&r);
    }
    (void)snprintf(res.what, sizeof(res.what),
                   "%s%s%s%s; %.2f -> %.2f replicas, %u regions, %u devices", what,
                   strict ? "; strict" : "", gentle ? "; gentle" : "",
                   frozen != NULL ? ", some frozen" : "", (double)w.replicas / MILLION,
                   (double)next.replicas / MILLION, next.regions, next.count);
    free(frozen);
    end_ring(&old);
    end_world(&w);
    end_world(&next);
    return res;
}

static int dearest_first(const void *a, const void *b)
{
    double x = ((const struct result *)a)->ms;
    double y = ((const struct result *)b)->ms;

    return (x < y) - (x > y);
}

static void show(const struct result *r)
{
    printf("%9.1f %8llu %9llu %9llu %9llu %6u  %s\n", r->ms,
           (unsigned long long)r->seed, (unsigned long long)r->moves.moved,
           (unsigned long long)r->moves.bound, (unsigned long long)r->moves.held_back,
           r->moves.rounds, r->what);
}

static unsigned long argument(int argc, char **argv, int i, unsigned long otherwise)
{
    return i < argc ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
    int at = all ? 2 : 1;
    unsigned power = (unsigned)argument(argc, argv, at, 16);
    uint32_t devices = (uint32_t)argument(argc, argv, at + 1, 100);
    uint32_t count = (uint32_t)argument(argc, argv, at + 2, 200);
    uint64_t seed = argument(argc, argv, at + 3, 1);
    unsigned most = (unsigned)argument(argc, argv, at + 4, 5);
    uint32_t dear = count < DEAREST ? count : DEAREST;
    struct result *results = room(count, sizeof(*results));

    printf("2^%u, about %u devices: %u changes from seed %llu on\n", power, devices,
           count, (unsigned long long)seed);
    printf("%9s %8s %9s %9s %9s %6s  %s\n", "ms", "seed", "moved", "bound", "held back",
           "rounds", "change");
    for (uint32_t i = 0; i < count; i++) {
        results[i] = try(power, devices, most, seed + i, 1);
        if (all)
            show(&results[i]);
    }
    qsort(results, count, sizeof(*results), dearest_first);
    for (uint32_t i = 0; i < dear; i++)
        results[i] = try(power, devices, most, results[i].seed, RUNS);
    qsort(results, dear, sizeof(*results), dearest_first);
    for (uint32_t i = 0; i < dear && !all; i++)
        show(&results[i]);
    printf("%9.1f median, %.1f of 9 in 10 (one run), %.1f dearest (best of %u)\n",
           results[count / 2].ms, results[count / 10].ms, results[0].ms, RUNS);
    free(results);
    return 0;
}
