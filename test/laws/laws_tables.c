/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equal input gives equal tables, whoever compiled the builder and how: digests of
 * quotas, tables and prices, kept in test/golden/builds.txt. The same test runs with
 * gcc and clang, optimized, not optimized, and under the sanitizers.
 *
 *     laws_tables FILE         compares
 *     laws_tables --print      the file as it would be: for a builder that was changed
 *                             on purpose
 */
#include "base/hash.h"
#include "big_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POWER 11u
#define COUNT 60u

static struct mc_buf out;

static void say(const char *mode, const char *what, const struct big_ring *r)
{
    size_t places = (size_t)r->plan.part_count * r->plan.stride;
    uint8_t digest[MC_DIGEST_BYTES];
    struct mc_buf b = {0};
    char line[128];

    for (uint32_t i = 0; i < r->plan.tree.leaf_count; i++) {
        mc_buf_u32(&b, r->plan.quota[i]);
        mc_buf_u32(&b, r->price[i]);
    }
    for (size_t i = 0; i < places; i++)
        mc_buf_u32(&b, r->table[i]);
    mc_sha256(digest, (struct mc_bytes){b.ptr, b.len});
    (void)snprintf(line, sizeof(line),
                   "%02x%02x%02x%02x%02x%02x%02x%02x %6llu %s, %s\n", digest[0],
                   digest[1], digest[2], digest[3], digest[4], digest[5], digest[6],
                   digest[7], (unsigned long long)r->moves.moved, mode, what);
    mc_buf_put(&out, line, strlen(line));
    mc_buf_fini(&b);
}

static void changes(const char *mode, const struct big_ring *first, bool gentle)
{
    say(mode, "first build", first);
    for (int change = BIG_MORE; change < BIG_CHANGES; change++) {
        struct big_ring r = big_rebalance(first, (enum big_change)change, gentle, 7);

        say(mode, big_names[change], &r);
        big_ring_fini(&r);
    }
}

static void all(void)
{
    struct big_ring first = big_build(big_first(POWER, COUNT, true), 1);

    changes("ceil", &first, false);
    changes("one at a time", &first, true);
    first.world.strict = true;
    changes("strict", &first, false);
    big_ring_fini(&first);
    first = big_build(big_first(POWER, COUNT, false), 2);
    changes("alike", &first, false);
    big_ring_fini(&first);
}

int main(int argc, char **argv)
{
    static char kept[1 << 16];
    size_t len;
    FILE *f;

    all();
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        (void)fwrite(out.ptr, 1, out.len, stdout);
        mc_buf_fini(&out);
        return 0;
    }
    f = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (f == NULL) {
        fprintf(stderr, "laws_tables: give test/golden/builds.txt, or --print\n");
        return 2;
    }
    len = fread(kept, 1, sizeof(kept), f);
    (void)fclose(f);
    if (len == out.len && memcmp(kept, out.ptr, len) == 0) {
        mc_buf_fini(&out);
        return 0;
    }
    fprintf(stderr, "other tables than %s says; these are:\n", argv[1]);
    (void)fwrite(out.ptr, 1, out.len, stderr);
    mc_buf_fini(&out);
    return 1;
}
