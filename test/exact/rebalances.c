/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds many small rings, one change after another, as a spec asks: the builder's
 * side of the comparison with an exact solver (test/exact/test_exact.py has the
 * other). Reads words from standard input, writes a line for each build:
 *
 *     new                                         forget the ring
 *     build POWER REPLICAS OVERLOAD MIN_MOVE STRICT NOW SEED COUNT
 *           then COUNT times NUMBER REGION ZONE HOST WEIGHT
 *                    replicas, overload, weights in millionths; a device is called
 *                    dNUMBER; hosts of "-" are none
 *     table WIDTH COUNT      then COUNT times NUMBER, or -1
 *                    of the next build: rebalanced from this table in place of the
 *                    ring's, whatever is wrong with it
 *     edit COUNT             then COUNT times PLACE NUMBER
 *                    of the next build: rebalanced from the ring's table after that
 *
 *     MOVED BOUND HELD_BACK HELD_BOUND BELOW_FLOOR STRIDE  quotas  prices  table
 *
 * quotas and prices are in the order of the devices given, the table has numbers of
 * devices and -1 where a row is short; one line, blanks between.
 */
#include "ring/built.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 64u

struct input {
    struct mc_spec spec;
    uint32_t now;
    uint64_t seed;
    struct mc_device devices[COUNT_MAX];
    long number[COUNT_MAX];
    char texts[COUNT_MAX][4][16];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "rebalances: %s\n", what);
    exit(1);
}

static long number(void)
{
    long n;

    if (scanf("%ld", &n) != 1)
        die("a number is missing");
    return n;
}

static void read_build(struct input *in)
{
    *in = (struct input){.spec = {.hash = MC_HASH_XXH3, .note = ""}};
    in->spec.devices = in->devices;
    in->spec.part_power = (unsigned)number();
    in->spec.replicas = (uint64_t)number();
    in->spec.overload = (uint32_t)number();
    in->spec.min_move_seconds = (uint32_t)number();
    in->spec.strict = number() != 0;
    in->now = (uint32_t)number();
    in->seed = (uint64_t)number();
    in->spec.device_count = (uint32_t)number();
    if (in->spec.device_count > COUNT_MAX)
        die("too many devices");
    for (uint32_t i = 0; i < in->spec.device_count; i++) {
        char(*t)[16] = in->texts[i];

        in->number[i] = number();
        (void)snprintf(t[0], sizeof(t[0]), "d%ld", in->number[i]);
        if (scanf("%15s %15s %15s", t[1], t[2], t[3]) != 3)
            die("a device is cut short");
        in->devices[i] = (struct mc_device){.name = t[0],
                                            .region = t[1],
                                            .zone = t[2],
                                            .host = strcmp(t[3], "-") != 0 ? t[3] : "",
                                            .weight = (uint64_t)number(),
                                            .weight_text = "",
                                            .cluster = "",
                                            .replication_host = "",
                                            .device = "",
                                            .meta = ""};
    }
}

/* A table of numbers of devices. */
static uint32_t *read_table(unsigned *ret_width)
{
    unsigned width = (unsigned)number();
    size_t places = (size_t)number();
    uint32_t *table = malloc(places * sizeof(*table));

    for (size_t i = 0; i < places; i++)
        table[i] = (uint32_t)number();
    *ret_width = width;
    return table;
}

/* The ring's, edited. */
static uint32_t *read_edits(const struct mc_ring *ring, unsigned *ret_width)
{
    unsigned stride = mc_ring_head(ring)->stride;
    size_t places = (size_t)mc_ring_part_count(ring) * stride;
    uint32_t *table = malloc(places * sizeof(*table));

    for (size_t i = 0; i < places; i++) {
        uint32_t id = mc_ring_at(ring, (uint32_t)(i / stride), (unsigned)(i % stride));

        table[i] =
            id == MC_DEVICE_NONE
                ? id
                : (uint32_t)strtoul(mc_ring_device(ring, id)->name + 1, NULL, 10);
    }
    for (long n = number(); n > 0; n--) {
        size_t place = (size_t)number();

        if (place >= places)
            die("an edit beyond the table");
        table[place] = (uint32_t)number();
    }
    *ret_width = stride;
    return table;
}

static uint32_t leaf_of(const struct input *in, const struct mc_plan *plan, uint32_t n)
{
    for (uint32_t i = 0; i < in->spec.device_count; i++) {
        if ((uint32_t)in->number[i] == n)
            return plan->tree.leaf_of[i];
    }
    return MC_DEVICE_NONE;
}

static void print(const struct input *in, const struct mc_built *b,
                  const struct mc_build_report *report, const uint32_t *table)
{
    const struct mc_plan *plan = &b->plan;

    printf("%llu %llu %llu %llu %llu %u", (unsigned long long)report->moved,
           (unsigned long long)report->moved_lower_bound,
           (unsigned long long)report->held_back,
           (unsigned long long)report->held_back_lower_bound,
           (unsigned long long)report->below_floor, plan->stride);
    for (uint32_t i = 0; i < in->spec.device_count; i++)
        printf(" %u", plan->quota[plan->tree.leaf_of[i]]);
    for (uint32_t i = 0; i < in->spec.device_count; i++)
        printf(" %u", b->price[plan->tree.leaf_of[i]]);
    for (size_t i = 0; i < (size_t)plan->part_count * plan->stride; i++) {
        if (table[i] == MC_DEVICE_NONE)
            printf(" -1");
        else
            printf(" %ld", in->number[plan->tree.device_of[table[i]]]);
    }
    printf("\n");
}

/* The draft's ids are leaves again. */
static uint32_t *draft_leaves(const struct mc_built *b)
{
    size_t places = (size_t)b->plan.part_count * b->plan.stride;
    uint32_t *table = malloc(places * sizeof(*table));

    for (size_t i = 0; i < places; i++) {
        uint32_t id = mc_draft_at(b->draft, i);

        table[i] = id == MC_DEVICE_NONE ? id : b->plan.tree.leaf_of[b->index_of[id]];
    }
    return table;
}

/* From a table that no ring could have: the plan's rebalance alone. */
static void from_table(const struct input *in, struct mc_built *b,
                       struct mc_build_report *report, uint32_t *old, unsigned width,
                       uint32_t *table)
{
    struct mc_plan_old was = {.table = old,
                              .stride = width,
                              .gentle = in->spec.min_move_seconds != 0,
                              .price = b->price};
    struct mc_plan_moves moves;

    for (size_t i = 0; i < (size_t)b->plan.part_count * width; i++)
        old[i] = leaf_of(in, &b->plan, old[i]);
    if (mc_plan_rebalance(&b->plan, &was, in->seed, table, &moves) < 0 ||
        mc_plan_measure(&b->plan, table, &was, report) < 0)
        die("out of memory");
    report->moved_lower_bound = moves.bound;
    report->held_back = moves.held_back;
    report->held_back_lower_bound = moves.held_bound;
}

static struct mc_ring *build(const struct input *in, struct mc_ring *old,
                             uint32_t *old_table, unsigned width)
{
    struct mc_build_input bi = {
        .spec = &in->spec, .old = old, .now_s = in->now, .seed = in->seed};
    struct mcos_diag diag = {0};
    struct mc_build_report report;
    struct mc_built *built;
    struct mc_blob *blob;
    struct mc_ring *ring;
    struct mc_draft draft;
    uint32_t *table;

    mc_draft_init(&draft);
    if (mc_build_run(&bi, &draft, &report, &built, &diag) < 0)
        die(diag.text);
    table = draft_leaves(built);
    if (old_table != NULL)
        from_table(in, built, &report, old_table, width, table);
    print(in, built, &report, table);
    free(table);
    if (!mc_name_set(&draft.head.name, "r") ||
        mc_draft_mint(&draft, old, NULL, 0, 1000) < 0 ||
        mc_draft_encode(&draft, &blob, &diag) < 0 ||
        mc_ring_open(blob, MC_CHECK_SHA256, &ring, &diag) < 0)
        die(diag.text);
    mc_blob_unref(blob);
    mc_built_free(built);
    mc_draft_fini(&draft);
    return ring;
}

int main(void)
{
    struct mc_ring *ring = NULL;
    uint32_t *table = NULL;
    unsigned width = 0;
    char word[16];

    while (scanf("%15s", word) == 1) {
        if (strcmp(word, "new") == 0) {
            mc_ring_unref(ring);
            ring = NULL;
        } else if (strcmp(word, "table") == 0) {
            free(table);
            table = read_table(&width);
        } else if (strcmp(word, "edit") == 0 && ring != NULL) {
            free(table);
            table = read_edits(ring, &width);
        } else if (strcmp(word, "build") == 0) {
            struct mc_ring *next;
            struct input in;

            read_build(&in);
            next = build(&in, ring, table, width);
            mc_ring_unref(ring);
            ring = next;
            free(table);
            table = NULL;
        } else {
            die(word);
        }
    }
    mc_ring_unref(ring);
    return 0;
}
