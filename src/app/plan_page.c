/* SPDX-License-Identifier: Apache-2.0 */
/* app/plan_page.c -- a plan for people: figures, survival, devices, reasons. */
#include "app/plan_page.h"

#include "app/api.h"
#include "app/table.h"
#include "app/wait.h"

#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 24u /* devices that are all listed */
#define NAMES_MAX  60u /* bytes of names before a reason */

/* "every partition is split into 2: 4096 were 2048" */
static void print_split(const json_t *doc)
{
    long long were = mc_doc_int(json_object_get(doc, "before"), "partitions");
    long long are = mc_doc_int(doc, "partitions");

    if (were > 0 && are > were)
        (void)printf("  every partition is split into %lld, which moves nothing: there "
                     "were %lld\n",
                     are / were, were);
}

static void print_held(const json_t *doc)
{
    long long held = mc_doc_int(doc, "held_back");

    (void)printf(", held back by min_move_seconds: %lld", held);
    if (held > 0)
        (void)printf(" (least possible %lld)",
                     mc_doc_int(doc, "held_back_lower_bound"));
}

static void print_moves(const json_t *doc)
{
    const json_t *moving = json_object_get(doc, "moving");
    long long all = mc_doc_int(doc, "assignments");
    long long moved = mc_doc_int(doc, "moved");
    const json_t *m;
    size_t i;

    (void)printf("  moves %lld of %lld replicas (%.1f %%; least possible %lld)", moved,
                 all, all > 0 ? 100.0 * (double)moved / (double)all : 0.0,
                 mc_doc_int(doc, "moved_lower_bound"));
    if (json_is_integer(json_object_get(doc, "next_partition_power")))
        (void)printf(", held back while the part power is raised: %lld",
                     mc_doc_int(doc, "held_back"));
    else if (strcmp(mc_doc_text(doc, "held_by"), "partition_power") == 0)
        (void)printf(", left for the next update: %lld", mc_doc_int(doc, "held_back"));
    else if (mc_doc_int(doc, "min_move_seconds") > 0)
        print_held(doc);
    (void)fputc('\n', stdout);
    json_array_foreach(moving, i, m)(void)
        printf("%s %lld move %lld replica%s", i == 0 ? "  of the partitions" : ",",
               mc_doc_int(m, "partitions"), mc_doc_int(m, "replicas"),
               mc_doc_int(m, "replicas") == 1 ? "" : "s");
    if (json_array_size(moving) > 0)
        (void)printf("; of %lld no majority stays in place\n",
                     mc_doc_int(doc, "at_risk"));
}

static void print_floor(const json_t *doc)
{
    const json_t *floor = json_object_get(doc, "floor");
    long long below = mc_doc_int(floor, "partitions");

    if (below == 0)
        return;
    (void)printf("  %lld partition%s less than floor in a region, zone or host; with "
                 "\"spread\": \"strict\" it would be %lld moves\n",
                 below, below == 1 ? " has" : "s have", mc_doc_int(floor, "moved"));
}

static void print_figures(const json_t *doc)
{
    static const char *const names[] = {"balance", "dispersion"};
    const json_t *before = json_object_get(doc, "before");
    const json_t *after = json_object_get(doc, "after");

    for (unsigned i = 0; i < 2; i++) {
        (void)printf("%s%s ", i == 0 ? "  " : "   ", names[i]);
        if (json_is_object(before))
            (void)printf("%.2f -> ", mc_doc_real(before, names[i]));
        (void)printf("%.2f %%", mc_doc_real(after, names[i]));
    }
    (void)fputc('\n', stdout);
}

static const char *const tiers[] = {"regions", "zones", "hosts", "devices"};

/* "any 2 of 3 regions, 2 of 6 zones". A tier with one node has none to lose; one with
 * as many as the tier above is the same nodes. */
static void print_losses(const char *lead, const json_t *state, const char *figure)
{
    const json_t *survives = json_object_get(state, "survives");
    const char *between = lead;
    long long above = 1;

    for (unsigned t = 0; t < 4; t++) {
        const json_t *s = json_object_get(survives, tiers[t]);

        if (mc_doc_int(s, "of") <= above)
            continue;
        above = mc_doc_int(s, "of");
        (void)printf("%s%lld of %lld %s", between, mc_doc_int(s, figure),
                     mc_doc_int(s, "of"), tiers[t]);
        between = ", ";
    }
    if (between != lead)
        (void)fputc('\n', stdout);
}

static bool survives_alike(const json_t *a, const json_t *b)
{
    for (unsigned t = 0; t < 4; t++) {
        const json_t *x = json_object_get(json_object_get(a, "survives"), tiers[t]);
        const json_t *y = json_object_get(json_object_get(b, "survives"), tiers[t]);

        if (mc_doc_int(x, "any") != mc_doc_int(y, "any") ||
            mc_doc_int(x, "majority") != mc_doc_int(y, "majority"))
            return false;
    }
    return true;
}

static void print_survival(const json_t *doc)
{
    const json_t *before = json_object_get(doc, "before");
    const json_t *after = json_object_get(doc, "after");

    print_losses("  survives the loss of any ", after, "any");
    print_losses("  keeps a majority after that of any ", after, "majority");
    if (!json_is_object(before) || survives_alike(before, after))
        return;
    print_losses("  before, it survived that of any ", before, "any");
    print_losses("  and kept a majority after that of any ", before, "majority");
}

/* ---- devices ---- */

static bool is_listed(const struct mc_out *out, const json_t *d, size_t count,
                      bool first)
{
    return out->verbose || count <= LISTED_MAX ||
           json_array_size(json_object_get(d, "why")) > 0 ||
           (!first && (mc_doc_real(d, "weight") > mc_doc_real(d, "weight_before") ||
                       mc_doc_real(d, "weight") < mc_doc_real(d, "weight_before")));
}

static void put_weight(struct mc_table *table, const json_t *d, bool first)
{
    const char *change = mc_doc_text(d, "change");
    double weight = mc_doc_real(d, "weight");
    double before = mc_doc_real(d, "weight_before");

    if (strcmp(change, "removed") == 0)
        mc_table_cell(table, MC_STYLE_WARN, "%.6g -> gone", before);
    else if (strcmp(change, "added") == 0 && !first)
        mc_table_cell(table, MC_STYLE_GOOD, "new %.6g", weight);
    else if ((weight > before || weight < before) && !first)
        mc_table_cell(table, MC_STYLE_PLAIN, "%.6g -> %.6g", before, weight);
    else
        mc_table_cell(table, MC_STYLE_PLAIN, "%.6g", weight);
}

static void put_device(struct mc_table *table, const json_t *d, bool first)
{
    mc_table_row(table);
    mc_table_cell(table, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "name"));
    mc_table_cell(table, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "region"));
    mc_table_cell(table, MC_STYLE_PLAIN, "%s", mc_doc_text(d, "zone"));
    put_weight(table, d, first);
    mc_table_cell(table, MC_STYLE_PLAIN, "%.1f", mc_doc_real(d, "wants"));
    if (!first)
        mc_table_cell(table, MC_STYLE_PLAIN, "%lld", mc_doc_int(d, "had"));
    mc_table_cell(table, MC_STYLE_PLAIN, "%lld", mc_doc_int(d, "has"));
    if (first)
        return;
    mc_table_cell(table, MC_STYLE_PLAIN, "%lld", mc_doc_int(d, "moves_in"));
    mc_table_cell(table, MC_STYLE_PLAIN, "%lld", mc_doc_int(d, "moves_out"));
}

static int print_devices(const struct mc_out *out, const json_t *doc)
{
    static const struct {
        const char *title;
        bool right;
        bool of_moves;
    } columns[] = {
        {"DEVICE", false, false}, {"REGION", false, false}, {"ZONE", false, false},
        {"WEIGHT", true, false},  {"WANTS", true, false},   {"HAD", true, true},
        {"HAS", true, false},     {"MOVES IN", true, true}, {"MOVES OUT", true, true},
    };
    const json_t *devices = json_object_get(doc, "devices");
    bool first = !json_is_object(json_object_get(doc, "before"));
    struct mc_table *table = NULL;
    long long others = 0;
    bool all;
    long long in = 0;
    long long outward = 0;
    const json_t *d;
    size_t i;
    int rc = mc_table_new(out, &table);

    if (rc < 0)
        return rc;
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
        if (!first || !columns[c].of_moves)
            mc_table_column(table, columns[c].title, columns[c].right);
    }
    json_array_foreach(devices, i, d)
    {
        if (is_listed(out, d, json_array_size(devices), first)) {
            put_device(table, d, first);
            continue;
        }
        others++;
        in += mc_doc_int(d, "moves_in");
        outward += mc_doc_int(d, "moves_out");
    }
    all = others == (long long)json_array_size(devices);
    if (!all)
        rc = mc_table_print(table, stdout);
    mc_table_free(table);
    if (others > 0)
        (void)printf("  %lld %sdevices hold what their weight says", others,
                     all ? "" : "other ");
    if (others > 0 && !first)
        (void)printf(": %lld in, %lld out", in, outward);
    if (others > 0)
        (void)fputs(" (-v lists them)\n", stdout);
    return rc;
}

/* ---- reasons ---- */

/* Device names by reason: one line for each sentence, however many it is true of. */
static void print_reasons(const json_t *doc)
{
    json_t *by_text = json_object();
    const json_t *d;
    const char *text;
    json_t *names;
    size_t i;

    json_array_foreach(json_object_get(doc, "devices"), i, d)
    {
        const json_t *why;
        size_t k;

        json_array_foreach(json_object_get(d, "why"), k, why)
        {
            text = mc_doc_text(why, "text");
            if (json_object_get(by_text, text) == NULL)
                (void)json_object_set_new(by_text, text, json_array());
            (void)json_array_append(json_object_get(by_text, text),
                                    json_object_get(d, "name"));
        }
    }
    json_object_foreach(by_text, text, names)
    {
        char shown[NAMES_MAX];

        mc_wait_names(names, shown, sizeof(shown));
        (void)fputs("  why ", stdout);
        mc_table_plain(stdout, shown);
        (void)fputs(": ", stdout);
        mc_table_plain(stdout, text);
        (void)fputc('\n', stdout);
    }
    json_decref(by_text);
}

int mc_plan_page(const struct mc_out *out, const json_t *doc)
{
    bool first = !json_is_object(json_object_get(doc, "before"));
    int rc;

    (void)printf("%s  %s%s   %lld partitions x %.6g replicas = %lld\n",
                 mc_doc_text(doc, "ring"), first ? "a first ring" : "from ",
                 first ? "" : mc_doc_text(doc, "stamp"), mc_doc_int(doc, "partitions"),
                 mc_doc_real(doc, "replicas"), mc_doc_int(doc, "assignments"));
    if (!first) {
        print_split(doc);
        print_moves(doc);
    }
    print_floor(doc);
    print_figures(doc);
    print_survival(doc);
    rc = print_devices(out, doc);
    if (rc == 0)
        print_reasons(doc);
    if (rc == 0 && mc_doc_text(doc, "plan")[0] != '\0')
        (void)printf("  plan %s\n", mc_doc_text(doc, "plan"));
    return rc;
}
