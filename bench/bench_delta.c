/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as its difference from its parent: bytes, beside the whole record as it
 * travels, beside the floor (docs/format.md) and beside zstd with the parent's bytes
 * as its prefix, which is what zstd --patch-from does; and the time to make and to
 * apply it, best of some.
 *
 *     bench_delta [PART_POWER...]
 */
#include "node/pack.h"
#include "ring/build.h"
#include "ring/delta.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#define DEVICES   1000u
#define ZSTD_BEST 19
#define WALL_NS   1700000000000000000ull
#define ROUNDS    5

struct list {
    struct mc_device devices[DEVICES + 64];
    uint32_t count;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int err, const char *what)
{
    if (err == 0)
        return;
    (void)fprintf(stderr, "bench_delta: %s: %s\n", what, mcos_err_text(err));
    exit(1);
}

static const char *text(const char *form, unsigned n)
{
    char *s = NULL;

    if (asprintf(&s, "%s%u", form, n) < 0)
        abort();
    return s; /* for the life of the process */
}

static struct mc_device make_device(unsigned i)
{
    return (struct mc_device){.name = text("d", i),
                              .cluster = "",
                              .region = text("r", i % 3),
                              .zone = text("z", i / 3 % 4),
                              .host = text("10.0.0.", i / 12),
                              .replication_host = "",
                              .device = text("sd", i % 12),
                              .meta = "",
                              .port = 6200,
                              .weight = 100000000,
                              .weight_text = "100"};
}

static struct mc_ring *build(const struct list *list, unsigned power,
                             const struct mc_ring *old, unsigned minute)
{
    struct mc_spec spec = {.part_power = power,
                           .replicas = 3000000,
                           .hash = MC_HASH_XXH3,
                           .note = "",
                           .devices = (struct mc_device *)(uintptr_t)list->devices,
                           .device_count = list->count};
    struct mc_build_input in = {
        .spec = &spec, .old = old, .now_s = 1700000000u + 60 * minute, .seed = 1};
    struct mc_build_report report;
    struct mcos_diag diag = {.offset = -1};
    struct mc_draft draft;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    mc_draft_init(&draft);
    (void)mc_name_set(&draft.head.name, "photos");
    must(mc_build(&in, &draft, &report, &diag), diag.text);
    must(mc_draft_mint(&draft, old, NULL, 0, WALL_NS + minute * 60000000000ull),
         "mint");
    must(mc_draft_encode(&draft, &blob, &diag), diag.text);
    must(mc_ring_open(blob, MC_CHECK_NONE, &ring, &diag), diag.text);
    mc_blob_unref(blob);
    mc_draft_fini(&draft);
    return ring;
}

/* ---- the floor ---- */

static double log2_factorial(double n)
{
    return lgamma(n + 1) / log(2);
}

/*
 * In bits: of how many tables this one is one, when the parent's is known, and how
 * many cells each device gives and gets. *ret_free: the same when it is not known
 * who gives.
 */
static double floor_bits(const struct mc_ring *a, const struct mc_ring *b,
                         uint64_t *ret_changed, double *ret_free)
{
    uint32_t n = mc_ring_head(b)->device_count;
    uint32_t *held = calloc(n, sizeof(*held));
    uint32_t *gives = calloc(n, sizeof(*gives));
    uint32_t *gets = calloc(n, sizeof(*gets));
    double cells = 3.0 * mc_ring_part_count(b);
    double to_whom;
    double known = 0;
    uint64_t k = 0;

    for (uint32_t p = 0; p < mc_ring_part_count(b); p++) {
        for (unsigned r = 0; r < 3; r++) {
            uint32_t was = mc_ring_at(a, p, r);
            uint32_t is = mc_ring_at(b, p, r);

            held[was]++;
            gives[was] += was != is;
            gets[is] += was != is;
            k += was != is;
        }
    }
    to_whom = log2_factorial((double)k);
    for (uint32_t i = 0; i < n; i++) {
        known += log2_factorial(held[i]) - log2_factorial(gives[i]) -
                 log2_factorial(held[i] - gives[i]);
        to_whom -= log2_factorial(gets[i]);
    }
    *ret_changed = k;
    *ret_free = to_whom + log2_factorial(cells) - log2_factorial((double)k) -
                log2_factorial(cells - (double)k);
    free(held);
    free(gives);
    free(gets);
    return known + to_whom;
}

/* ---- the peer ---- */

static size_t patch_from(const struct mc_ring *a, const struct mc_ring *b, int level,
                         double *ret_ms)
{
    struct mc_bytes was = mc_blob_get(mc_ring_blob(a));
    struct mc_bytes is = mc_blob_get(mc_ring_blob(b));
    ZSTD_CCtx *z = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(is.len);
    void *out = malloc(room);
    unsigned window = 10;
    double start = now_ms();
    size_t n;

    while (window < 27 && (size_t)1 << window < was.len + is.len)
        window++;
    (void)ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level);
    (void)ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, (int)window);
    (void)ZSTD_CCtx_setParameter(z, ZSTD_c_enableLongDistanceMatching, 1);
    (void)ZSTD_CCtx_refPrefix(z, was.ptr, was.len);
    n = ZSTD_compress2(z, out, room, is.ptr, is.len);
    *ret_ms = now_ms() - start;
    if (ZSTD_isError(n))
        must(MCOS_E_NOMEM, ZSTD_getErrorName(n));
    ZSTD_freeCCtx(z);
    free(out);
    return n;
}

/* ---- rows ---- */

static void row(const char *what, const struct mc_ring *a, const struct mc_ring *b)
{
    struct mc_bytes head = {mc_blob_get(mc_ring_blob(b)).ptr,
                            mc_ring_head(b)->head_bytes};
    struct mc_buf whole = {0};
    struct mc_buf delta = {0};
    double make_ms = 1e9;
    double apply_ms = 1e9;
    double peer_ms[2];
    size_t peer[2];
    uint64_t changed;
    double unknown;
    double floor_bytes = floor_bits(a, b, &changed, &unknown) / 8;

    must(mc_pack(b, &whole), "pack");
    for (int i = 0; i < ROUNDS; i++) {
        struct mc_blob *blob = NULL;
        struct mc_bytes bytes;
        double start = now_ms();

        mc_buf_clear(&delta);
        must(mc_delta_make(a, b, &delta), "make");
        make_ms = fmin(make_ms, now_ms() - start);
        bytes = (struct mc_bytes){delta.ptr, delta.len};
        start = now_ms();
        must(mc_delta_apply(a, head, bytes, &blob, NULL), "apply");
        apply_ms = fmin(apply_ms, now_ms() - start);
        bytes = mc_blob_get(blob);
        if (bytes.len != mc_blob_get(mc_ring_blob(b)).len ||
            memcmp(bytes.ptr, mc_blob_get(mc_ring_blob(b)).ptr, bytes.len) != 0)
            must(MCOS_E_DIGEST, "apply");
        mc_blob_unref(blob);
    }
    peer[0] = patch_from(a, b, 3, &peer_ms[0]);
    peer[1] = patch_from(a, b, ZSTD_BEST, &peer_ms[1]);
    printf(
        "  %-14s %7llu %9zu %8zu %8.0f %6.2f %8.0f %6.2f %6.1f %6.1f %9zu %7.0f %9zu "
        "%7.0f\n",
        what, (unsigned long long)changed, whole.len, delta.len, floor_bytes,
        (double)delta.len / floor_bytes, unknown / 8, (double)delta.len / unknown * 8,
        make_ms, apply_ms, peer[0], peer_ms[0], peer[1], peer_ms[1]);
    mc_buf_fini(&whole);
    mc_buf_fini(&delta);
}

static void run(unsigned power)
{
    static struct list list;
    static struct list next;
    struct mc_ring *first;
    struct mc_ring *old;
    struct mc_ring *now;

    list.count = DEVICES;
    for (unsigned i = 0; i < DEVICES; i++)
        list.devices[i] = make_device(i);
    first = build(&list, power, NULL, 0);
    /* A ring that has lived: it has last moves. */
    list.devices[7].weight = 110000000;
    list.devices[7].weight_text = "110";
    old = build(&list, power, first, 1);
    printf("2^%u x 3, %u devices, record %zu bytes, head %u\n", power, DEVICES,
           mc_blob_get(mc_ring_blob(old)).len, mc_ring_head(old)->head_bytes);
    printf("  %-14s %7s %9s %8s %8s %6s %8s %6s %6s %6s %9s %7s %9s %7s\n", "change",
           "cells", "whole", "differ.", "floor", "ratio", "(who?)", "ratio", "make",
           "apply", "zstd -3", "ms", "zstd -19", "ms");
    row("the second", first, old);

    next = list;
    next.devices[next.count++] = make_device(DEVICES);
    now = build(&next, power, old, 2);
    row("add one", old, now);
    mc_ring_unref(now);

    next = list;
    next.devices[500].weight = 200000000;
    next.devices[500].weight_text = "200";
    now = build(&next, power, old, 2);
    row("weight x 2", old, now);
    mc_ring_unref(now);

    next = list;
    next.devices[500].weight = 50000000;
    next.devices[500].weight_text = "50";
    now = build(&next, power, old, 2);
    row("weight / 2", old, now);
    mc_ring_unref(now);

    next = list;
    next.devices[500] = next.devices[--next.count];
    now = build(&next, power, old, 2);
    row("remove one", old, now);
    mc_ring_unref(now);

    next = list;
    for (unsigned i = 0; i < 50; i++)
        next.devices[next.count++] = make_device(DEVICES + i);
    now = build(&next, power, old, 2);
    row("add fifty", old, now);
    mc_ring_unref(now);
    mc_ring_unref(old);
    mc_ring_unref(first);
}

int main(int argc, char **argv)
{
    printf("bytes; milliseconds of CPU, best of %d; the floor of the table alone\n",
           ROUNDS);
    for (int i = 1; i < argc; i++)
        run((unsigned)strtoul(argv[i], NULL, 10));
    if (argc == 1) {
        run(16);
        run(20);
    }
    return 0;
}
