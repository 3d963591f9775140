/* SPDX-License-Identifier: Apache-2.0 */
/* Rings and letters made by hand; see machine_kit.h. */
#include "machine_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- rings ---- */

struct mc_ring *kit_ring(const char *name, const struct mc_ring *held,
                         const struct mc_ring *also, uint64_t wall_ns, const char *note,
                         bool tombstone)
{
    struct mc_draft d;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    mc_draft_init(&d);
    mc_name_set(&d.head.name, name);
    d.head.system[0] = KIT_SYSTEM;
    snprintf(d.head.note, sizeof(d.head.note), "%s", note);
    d.head.tombstone = tombstone;
    if (!tombstone) {
        d.head.assignments = 1;
        d.table = calloc(1, sizeof(*d.table));
        d.devices = calloc(1, sizeof(*d.devices));
        d.device_count = 1;
        d.devices[0].name = "a";
    }
    assert_int_equal(mc_draft_mint(&d, held, &also, also == NULL ? 0 : 1, wall_ns), 0);
    assert_int_equal(mc_draft_encode(&d, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_NONE, &ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    return ring;
}

void kit_put_ring(struct mc_buf *b, const struct mc_ring *ring)
{
    struct mc_bytes all = mc_blob_get(mc_ring_blob(ring));
    size_t head = mc_ring_head(ring)->head_bytes;
    struct mc_wire_record r = {.head = {all.ptr, head},
                               .rest_bytes = all.len - head,
                               .packed = {all.ptr + head, all.len - head}};

    mc_wire_record_encode(b, &r);
}

/* ---- letters by hand ---- */

size_t kit_open(struct mc_buf *b, const struct kit_sender *from, enum mc_wire_kind kind)
{
    struct mc_envelope e = {.protocol = 1,
                            .kind = kind,
                            .incarnation = from->incarnation,
                            .sequence = from->sequence,
                            .sent_ns = from->sent_ns,
                            .directed = from->directed};
    size_t start = b->len;

    e.system[0] = KIT_SYSTEM;
    e.uid[0] = 200;
    memcpy(e.uid + 1, from->cluster,
           strlen(from->cluster) < 15 ? strlen(from->cluster) : 15);
    mc_name_set(&e.cluster, from->cluster);
    mc_envelope_encode(b, &e);
    return start;
}

struct mc_entry kit_entry(const struct mc_ring *ring)
{
    const struct mc_head *h = mc_ring_head(ring);
    struct mc_entry e = {.name = h->name,
                         .epoch = h->epoch,
                         .version = h->version,
                         .timestamp = h->timestamp,
                         .tombstone = h->tombstone};

    memcpy(e.digest8, h->digest, 8);
    return e;
}

void kit_announcement(struct mc_buf *b, const struct kit_sender *from,
                      const struct mc_entry *entries, size_t count, uint32_t uptime_ms)
{
    struct mc_announce a = {.interval_ms = 10000,
                            .whole = true,
                            .uptime_ms = uptime_ms,
                            .ring_count = (uint32_t)count};
    struct mc_sum sums[MC_BUCKETS] = {0};
    size_t start = kit_open(b, from, MC_WIRE_ANNOUNCE);
    size_t at;

    for (size_t i = 0; i < count; i++) {
        struct mc_sum s = mc_entry_sum(&entries[i]);

        sums[mc_bucket_of(&entries[i].name)].lane[0] += s.lane[0];
        sums[mc_bucket_of(&entries[i].name)].lane[1] += s.lane[1];
    }
    mc_sums_digest(sums, a.digest);
    at = mc_announce_open(b, &a);
    for (size_t i = 0; i < count; i++)
        mc_entry_encode(b, &entries[i]);
    mc_announce_close(b, at, &a);
    mc_envelope_seal(b, start);
}

void kit_record(struct mc_buf *b, const struct kit_sender *from,
                const struct mc_ring *ring)
{
    (void)kit_open(b, from, MC_WIRE_RECORD);
    kit_put_ring(b, ring);
}

unsigned kit_give(struct kit *k, bool records, const struct mc_buf *b)
{
    uint64_t delivery = ++k->delivery;

    assert_int_equal(b->err, 0);
    kit_deliver(k, k->watched, records, false, 0, delivery,
                (struct mc_bytes){b->ptr, b->len});
    return (unsigned)delivery;
}
