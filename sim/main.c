/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcos-sim -- small worlds: plays, random runs by seed, and curves.
 *
 *     mcos-sim [--bless] [--expect-only MODE] FILE.play ...
 *     mcos-sim [--mixed] --seed N [--runs K]
 *                                      one run with its trace, or K of them
 *     mcos-sim --curves [MAX]          a table in Markdown
 */
#include "sim/chaos.h"
#include "sim/curves.h"
#include "sim/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEAT_EVERY 16u /* seeds: one of so many is run twice */

static int usage(void)
{
    (void)fputs("mcos-sim [--bless] [--expect-only digest|full] FILE.play ...\n"
                "mcos-sim [--mixed] --seed N [--runs K]\n"
                "mcos-sim --curves [MAX]\n",
                stderr);
    return 2;
}

static bool number(const char *text, uint64_t *ret)
{
    char *end = NULL;

    *ret = text == NULL ? 0 : strtoull(text, &end, 10);
    return text != NULL && end != text && *end == '\0';
}

/* What was given, so that a line that fails can be run again. */
static const char *name_of(bool mixed)
{
    return mixed ? "mcos-sim --mixed" : "mcos-sim";
}

static int run_seeds(uint64_t seed, uint64_t runs, bool mixed)
{
    uint64_t faults = 0;
    uint64_t minted = 0;
    uint64_t virtual_ms = 0;
    uint64_t slowest_ms = 0;

    for (uint64_t i = 0; i < runs; i++) {
        struct sim_chaos_result r;
        struct sim_chaos_result again;

        sim_chaos_run(seed + i, mixed, false, &r);
        if (r.violation[0] != '\0') {
            printf("%s --seed %llu  # %s\n", name_of(mixed),
                   (unsigned long long)(seed + i), r.violation);
            return 1;
        }
        if (i % REPEAT_EVERY == 0) {
            sim_chaos_run(seed + i, mixed, false, &again);
            if (again.hash != r.hash) {
                printf("%s --seed %llu  # two runs, two traces\n", name_of(mixed),
                       (unsigned long long)(seed + i));
                return 1;
            }
        }
        faults += r.faults;
        minted += r.minted;
        virtual_ms += r.virtual_ms;
        slowest_ms = r.healed_ms > slowest_ms ? r.healed_ms : slowest_ms;
    }
    printf("%llu seeds from %llu: %llu faults, %llu records minted, %llu s of virtual "
           "time; slowest agreement %llu ms after healing\n",
           (unsigned long long)runs, (unsigned long long)seed,
           (unsigned long long)faults, (unsigned long long)minted,
           (unsigned long long)(virtual_ms / 1000), (unsigned long long)slowest_ms);
    return 0;
}

static int show_seed(uint64_t seed, bool mixed)
{
    struct sim_chaos_result r;

    sim_chaos_run(seed, mixed, true, &r);
    printf("seed %llu: trace %016llx, %llu faults, %llu minted, agreed %llu ms after "
           "healing\n",
           (unsigned long long)seed, (unsigned long long)r.hash,
           (unsigned long long)r.faults, (unsigned long long)r.minted,
           (unsigned long long)r.healed_ms);
    if (r.violation[0] == '\0')
        return 0;
    printf("%s --seed %llu  # %s\n", name_of(mixed), (unsigned long long)seed,
           r.violation);
    return 1;
}

int main(int argc, char **argv)
{
    struct sim_play_options options = {0};
    uint64_t seed = 0;
    uint64_t runs = 0;
    uint64_t max = 1000;
    bool have_seed = false;
    bool curves = false;
    bool mixed = false;
    int bad = 0;
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--bless") == 0) {
            options.bless = true;
        } else if (strcmp(argv[i], "--expect-only") == 0) {
            options.no_trace = true;
            options.change_mode = true;
            options.mode =
                strcmp(value, "full") == 0 ? MC_ANNOUNCE_FULL : MC_ANNOUNCE_DIGEST;
            i++;
        } else if (strcmp(argv[i], "--mixed") == 0) {
            mixed = true;
        } else if (strcmp(argv[i], "--seed") == 0 && number(value, &seed)) {
            have_seed = true;
            i++;
        } else if (strcmp(argv[i], "--runs") == 0 && number(value, &runs)) {
            i++;
        } else if (strcmp(argv[i], "--curves") == 0) {
            curves = true;
            i += number(value, &max);
        } else {
            return usage();
        }
    }
    if (curves)
        return sim_curves_print((uint32_t)max);
    if (have_seed)
        return runs == 0 ? show_seed(seed, mixed) : run_seeds(seed, runs, mixed);
    if (i == argc)
        return usage();
    for (; i < argc; i++)
        bad |= sim_play_run(argv[i], &options);
    return bad;
}
