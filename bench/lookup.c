/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/lookup.c -- our half of bench/bench_lookup.py: names per CPU second.
 *
 *     bench-lookup FILE.ring.gz SWIFT.CONF NAMES SECONDS
 *
 * NAMES has one account<TAB>container<TAB>object per line. Prints one JSON object:
 * the partition and the devices of a name with the secret checked once, with it
 * checked at each call, with the first handoff too, and by xxh3 instead of MD5.
 */
#include "adapter/swift/swiftconf.h"
#include "names.h"
#include "ring/handoff.h"
#include "ringload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench {
    struct mc_ring *ring;
    struct mc_ring *xxh3;
    struct mc_tiers *tiers;
    struct mc_secret secret;
    struct mc_key *keys;
    size_t key_count;
    double seconds;
    uint64_t sum; /* keeps the work from being optimised away */
};

static double cpu_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ask(struct bench *b, const struct mc_ring *ring, const struct mc_key *key,
                bool checked)
{
    uint32_t row[MC_REPLICAS_MAX];
    uint32_t part = 0;
    unsigned n;

    if (checked)
        (void)mc_lookup_part(ring, &b->secret, key, &part);
    else
        (void)mc_lookup_part_fast(ring, &b->secret, key, &part);
    n = mc_ring_row(ring, part, row);
    b->sum += row[n - 1];
}

static void ask_fast(struct bench *b, const struct mc_key *key)
{
    ask(b, b->ring, key, false);
}

static void ask_checked(struct bench *b, const struct mc_key *key)
{
    ask(b, b->ring, key, true);
}

static void ask_xxh3(struct bench *b, const struct mc_key *key)
{
    ask(b, b->xxh3, key, false);
}

static void ask_handoff(struct bench *b, const struct mc_key *key)
{
    uint32_t part = 0;
    uint32_t id = 0;

    (void)mc_lookup_part_fast(b->ring, &b->secret, key, &part);
    (void)mc_tiers_handoffs(b->tiers, part, &id, 1);
    b->sum += id;
}

static double rate(struct bench *b, void (*one)(struct bench *, const struct mc_key *))
{
    double began = cpu_seconds();
    double spent;
    double count = 0;

    do {
        for (size_t i = 0; i < b->key_count; i++)
            one(b, &b->keys[i]);
        count += (double)b->key_count;
        spent = cpu_seconds() - began;
    } while (spent < b->seconds);
    return count / spent;
}

int main(int argc, char **argv)
{
    struct bench b = {.ring = NULL};
    struct mc_swiftconf *conf = NULL;
    struct mc_buf names = {0};
    struct mcos_diag diag = {.text = ""};
    double began;
    double load;
    int err;

    if (argc != 5)
        return 2;
    b.seconds = strtod(argv[4], NULL);
    err = mc_swiftconf_open(argv[2], &conf, &diag);
    if (err != 0)
        goto out;
    b.secret = mc_swiftconf_secret(conf);
    began = cpu_seconds();
    err = ringload_swift(argv[1], &b.secret, &b.ring, &diag);
    load = cpu_seconds() - began;
    if (err == 0)
        err = names_xxh3(b.ring, &b.xxh3);
    if (err == 0)
        err = mc_tiers_new(b.ring, &b.tiers);
    if (err == 0)
        err = names_read(argv[3], &names, &b.keys, &b.key_count);
    if (err != 0)
        goto out;
    printf("{\"import_seconds\": %.6f, ", load);
    printf("\"nodes\": %.0f, ", rate(&b, ask_fast));
    printf("\"nodes_secret_checked_each_time\": %.0f, ", rate(&b, ask_checked));
    printf("\"first_handoff\": %.0f, ", rate(&b, ask_handoff));
    printf("\"nodes_xxh3\": %.0f, \"sum\": %llu}\n", rate(&b, ask_xxh3),
           (unsigned long long)b.sum);
out:
    if (err != 0)
        fprintf(stderr, "bench-lookup: %s: %s %s\n", mcos_err_text(err), diag.field,
                diag.text);
    mc_tiers_free(b.tiers);
    mc_ring_unref(b.xxh3);
    mc_ring_unref(b.ring);
    mc_swiftconf_free(conf);
    mc_buf_fini(&names);
    free(b.keys);
    return err == 0 ? 0 : 1;
}
