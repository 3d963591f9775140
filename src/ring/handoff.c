/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/handoff.c -- the four passes over the scan list of a partition.
 *
 * Swift ends a pass when it has seen every region (zone, host, device) that has
 * a partition. That only saves time: once all are seen a pass can add nothing.
 * So the totals here count every device that is not removed, which needs no
 * walk over the whole table, and the answer is the same.
 */
#include "ring/handoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Region, zone, host, device: a device sees and is seen at each of them. */
#define LEVELS 4u
/* At most so many partitions are looked at in one pass: Swift's figure. */
#define SCAN_MAX 65536u
/* Places in a set of what was seen, at one level; the stack has room for so many. */
#define SEEN_MAX 2048u

struct mc_tiers {
    const struct mc_ring *ring; /* borrowed */
    uint32_t device_count;
    uint32_t *tier[LEVELS - 1]; /* by device id; at the last level it is the id */
    uint32_t tier_count[LEVELS];
};

struct place {
    const struct mc_device *device;
    uint32_t id;
};

/* What one question has seen so far: a set at each level, of numbers plus one, never
 * more than half full. That there are few of them is known: the primaries, and what
 * is wanted. */
struct walk {
    const struct mc_tiers *tiers;
    uint32_t *seen[LEVELS];
    uint32_t places; /* of each set; a power of two */
    uint32_t seen_count[LEVELS];
    uint32_t *ids;
    size_t count;
    size_t want;
};

static int place_cmp(const void *a, const void *b)
{
    const struct mc_device *x = ((const struct place *)a)->device;
    const struct mc_device *y = ((const struct place *)b)->device;
    int cmp = strcmp(x->region, y->region);

    if (cmp == 0)
        cmp = strcmp(x->zone, y->zone);
    if (cmp == 0)
        cmp = strcmp(x->host, y->host);
    return cmp;
}

/* The level at which a device stands in another tier than the one before it. */
static unsigned parting(const struct mc_device *a, const struct mc_device *b)
{
    if (strcmp(a->region, b->region) != 0)
        return 0;
    if (strcmp(a->zone, b->zone) != 0)
        return 1;
    return strcmp(a->host, b->host) != 0 ? 2 : LEVELS - 1;
}

/* Gives equal tiers equal numbers: sorted, they are neighbours. */
static void number_tiers(struct mc_tiers *t, const struct place *places, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        unsigned from = i == 0 ? 0 : parting(places[i - 1].device, places[i].device);

        for (unsigned level = 0; level < LEVELS - 1; level++) {
            if (level >= from)
                t->tier_count[level]++;
            t->tier[level][places[i].id] = t->tier_count[level] - 1;
        }
    }
    t->tier_count[LEVELS - 1] = n;
}

int mc_tiers_new(const struct mc_ring *ring, struct mc_tiers **ret_tiers)
{
    const uint32_t count = mc_ring_head(ring)->device_count;
    struct mc_tiers *t = calloc(1, sizeof(*t));
    struct place *places = NULL;
    uint32_t n = 0;
    int err = MCOS_E_NOMEM;

    if (t == NULL)
        goto out;
    t->ring = ring;
    t->device_count = count;
    for (unsigned level = 0; level < LEVELS - 1; level++) {
        t->tier[level] = calloc((size_t)count + 1, sizeof(uint32_t));
        if (t->tier[level] == NULL)
            goto out;
    }
    places = calloc((size_t)count + 1, sizeof(*places));
    if (places == NULL)
        goto out;
    for (uint32_t id = 0; id < count; id++) {
        const struct mc_device *device = mc_ring_device(ring, id);

        if (!device->removed)
            places[n++] = (struct place){device, id};
    }
    qsort(places, n, sizeof(*places), place_cmp);
    number_tiers(t, places, n);
    *ret_tiers = t;
    t = NULL;
    err = 0;
out:
    free(places);
    mc_tiers_free(t);
    return err;
}

void mc_tiers_free(struct mc_tiers *tiers)
{
    if (tiers == NULL)
        return;
    for (unsigned level = 0; level < LEVELS - 1; level++)
        free(tiers->tier[level]);
    free(tiers);
}

static uint32_t tier_of(const struct mc_tiers *t, unsigned level, uint32_t id)
{
    return level == LEVELS - 1 ? id : t->tier[level][id];
}

/* Where a number is in the set of its level, or would be. */
static uint32_t *find_seen(const struct walk *w, unsigned level, uint32_t id)
{
    const uint32_t value = tier_of(w->tiers, level, id) + 1;
    uint32_t at = value * 2654435769u; /* spreads neighbours */

    for (at ^= at >> 16;; at++) {
        uint32_t *place = &w->seen[level][at & (w->places - 1)];

        if (*place == 0 || *place == value)
            return place;
    }
}

static void see(struct walk *w, uint32_t id)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        uint32_t *place = find_seen(w, level, id);

        w->seen_count[level] += *place == 0;
        *place = tier_of(w->tiers, level, id) + 1;
    }
}

static bool pass_done(const struct walk *w, unsigned level)
{
    return w->count == w->want || w->seen_count[level] == w->tiers->tier_count[level];
}

/* Partitions from, from + step .. below end. */
static void scan(struct walk *w, unsigned level, uint64_t from, uint64_t end,
                 uint32_t step)
{
    uint32_t row[MC_REPLICAS_MAX];

    for (uint64_t part = from; part < end; part += step) {
        unsigned n;

        if (pass_done(w, level))
            return;
        n = mc_ring_row(w->tiers->ring, (uint32_t)part, row);
        for (unsigned i = 0; i < n && !pass_done(w, level); i++) {
            /* Somebody may have written into a file that is mapped. */
            if (row[i] >= w->tiers->device_count || *find_seen(w, level, row[i]) != 0)
                continue;
            w->ids[w->count++] = row[i];
            see(w, row[i]);
        }
    }
}

/* MD5 of the partition's number as decimal text; no secret. */
static uint32_t scan_start(uint32_t part, unsigned part_power)
{
    char text[16];
    uint8_t digest[MC_MD5_BYTES];
    int n = snprintf(text, sizeof(text), "%u", part);
    struct mc_bytes bytes = {(const uint8_t *)text, (size_t)n};

    mc_md5(digest, &bytes, 1);
    return mc_part_of_md5(digest, part_power);
}

/* Places for the primaries and `want` handoffs, of as many devices as there are. */
static uint32_t count_places(const struct mc_tiers *tiers, size_t want)
{
    size_t most = want < tiers->device_count ? want + MC_REPLICAS_MAX
                                             : (size_t)tiers->device_count;
    uint32_t places = 8;

    while (places < 2 * most)
        places *= 2;
    return places;
}

long mc_tiers_handoffs(const struct mc_tiers *tiers, uint32_t part, uint32_t *ids,
                       size_t want)
{
    const uint32_t parts = mc_ring_part_count(tiers->ring);
    const uint32_t step = parts / SCAN_MAX == 0 ? 1 : parts / SCAN_MAX;
    struct walk w = {.tiers = tiers, .ids = ids, .want = want};
    uint32_t row[MC_REPLICAS_MAX];
    uint32_t few[LEVELS * SEEN_MAX];
    uint32_t *room = few;
    uint32_t start;
    unsigned n;

    if (part >= parts || want == 0)
        return 0;
    w.places = count_places(tiers, want);
    if (w.places > SEEN_MAX)
        room = malloc(LEVELS * sizeof(*room) * w.places);
    if (room == NULL)
        return MCOS_E_NOMEM;
    memset(room, 0, LEVELS * sizeof(*room) * w.places);
    for (unsigned level = 0; level < LEVELS; level++)
        w.seen[level] = room + (size_t)level * w.places;
    n = mc_ring_row(tiers->ring, part, row);
    for (unsigned i = 0; i < n; i++) {
        if (row[i] < tiers->device_count)
            see(&w, row[i]);
    }
    start = scan_start(part, mc_ring_head(tiers->ring)->part_power);
    for (unsigned level = 0; level < LEVELS; level++) {
        scan(&w, level, start, parts, step);
        /* Swift's quirk: when the first half ends on the last partition, the
         * second begins at `step`, and partition 0 is not looked at. */
        scan(&w, level, step - (parts - start) % step, start, step);
    }
    if (room != few)
        free(room);
    return (long)w.count;
}
