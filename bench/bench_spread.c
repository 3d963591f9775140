/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How even a ring is in what its quotas leave open (test/laws/spread.h): after a first
 * build, after each kind of change to it, and after a long chain of changes.
 *
 *     bench_spread [PART_POWER DEVICES]
 */
#include "laws/big_world.h"
#include "laws/spread.h"

#include <stdio.h>
#include <stdlib.h>

#define CHAIN 40

static void show(const char *what, const struct big_ring *r)
{
    struct spread s = measure_spread(&r->plan, r->table, r->before, r->before_stride);

    printf("%-24s %9llu %7.2f %7.1f %7.3f %7.3f %7.2f %7.2f %7.2f %7.2f\n", what,
           (unsigned long long)r->moves.moved, s.primaries, s.primaries_worst, s.width,
           s.width_worst, s.pairs, s.pair_most, s.ranges, s.moved_ranges);
}

static void run(unsigned power, uint32_t count)
{
    struct big_ring first = big_build(big_first(power, count, true), 1);
    struct big_ring r;

    printf("2^%u x 3, %u devices; 1 is what chance gives\n", power, count);
    printf("%-24s %9s %7s %7s %7s %7s %7s %7s %7s %7s\n", "change", "moved", "first",
           "worst", "width", "least", "pairs", "most", "ranges", "moved");
    show("first build", &first);
    for (int change = BIG_MORE; change < BIG_CHANGES; change++) {
        r = big_rebalance(&first, (enum big_change)change, false, 7);
        show(big_names[change], &r);
        big_ring_fini(&r);
    }
    r = first;
    for (int i = 1; i <= CHAIN; i++) {
        static const enum big_change chain[] = {BIG_MORE, BIG_WEIGHTS, BIG_FEWER,
                                                BIG_MORE_ZONE, BIG_LESS_ZONE};
        struct big_ring next = big_rebalance(&r, chain[i % 5], false, (uint64_t)i);

        big_ring_fini(&r);
        r = next;
        if (i % 10 == 0) {
            char what[32];

            (void)snprintf(what, sizeof(what), "%d changes", i);
            show(what, &r);
        }
    }
    big_ring_fini(&r);
    printf("\n");
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        run((unsigned)strtoul(argv[1], NULL, 10), (uint32_t)strtoul(argv[2], NULL, 10));
        return 0;
    }
    run(14, 60);
    run(16, 100);
    run(18, 300);
    return 0;
}
