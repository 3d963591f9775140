/* SPDX-License-Identifier: Apache-2.0 */
/* service/document.c -- views to JSON, member by member as node/json_ring.c has them.
 */
#include "service/document.h"

#include "service/text.h"

#include <stdio.h>

#define MILLION 1000000u

static const char *state_text(uint32_t state)
{
    switch (state) {
    case MCOS_STATE_ACTIVE:
        return "ACTIVE";
    case MCOS_STATE_SILENT:
    case MCOS_STATE_LEFT:
        return "INACTIVE";
    default:
        return "UNKNOWN";
    }
}

static void put_stamp(const struct mcos_view_info *info, struct mc_buf *b)
{
    mc_text_key(b, "stamp");
    mc_text_string(b, info->stamp);
    mc_text_key(b, "epoch");
    mc_text_number(b, info->epoch);
    mc_text_key(b, "version");
    mc_text_number(b, info->version);
    mc_text_key(b, "digest");
    mc_text_hex(b, info->digest, MCOS_DIGEST_BYTES);
}

static void put_hash(const struct mcos_view_info *info, struct mc_buf *b)
{
    mc_text_key(b, "hash");
    mc_text_string(b, info->hash == MCOS_HASH_XXH3 ? "xxh3" : "swift-md5");
}

static void put_table(const struct mcos_view_info *info, struct mc_buf *b)
{
    mc_text_key(b, "partitions");
    mc_text_number(b, info->partitions);
    put_hash(info, b);
}

/* Of the ring that answers, what every answer tells. */
static void put_ring(const struct mcos_view_info *info,
                     const struct mcos_answer *answer, struct mc_buf *b)
{
    put_table(info, b);
    mc_text_key(b, "confirmed");
    mc_text_time(b, answer->confirmed_at);
}

/* Without the brace at its end. */
static void begin_device(const struct mcos_device *d, struct mc_buf *b)
{
    mc_text_item(b);
    mc_text_raw(b, "{");
    mc_text_key(b, "id");
    mc_text_number(b, d->id);
    mc_text_key(b, "name");
    mc_text_string(b, d->name);
    mc_text_key(b, "cluster");
    mc_text_string(b, d->cluster);
    mc_text_key(b, "region");
    mc_text_string(b, d->region);
    mc_text_key(b, "zone");
    mc_text_string(b, d->zone);
    mc_text_key(b, "host");
    mc_text_string(b, d->host);
    mc_text_key(b, "port");
    mc_text_number(b, d->port);
    mc_text_key(b, "device");
    mc_text_string(b, d->device);
    mc_text_key(b, "state");
    mc_text_string(b, state_text(d->state));
}

static int put_devices(const struct mcos_view *view, const uint32_t *ids, size_t count,
                       struct mc_buf *b)
{
    mc_text_raw(b, "[");
    for (size_t i = 0; i < count; i++) {
        struct mcos_device d;
        int err = mcos_view_device(view, ids[i], &d);

        if (err != 0)
            return err;
        begin_device(&d, b);
        mc_text_raw(b, "}");
    }
    mc_text_raw(b, "]");
    return 0;
}

int mc_doc_lookup(const struct mcos_view *view, const struct mcos_answer *answer,
                  const uint32_t *handoffs, size_t handoff_count, struct mc_buf *b)
{
    const struct mcos_view_info *info = mcos_view_info(view);
    int err;

    mc_text_raw(b, "{");
    mc_text_key(b, "ring");
    mc_text_string(b, info->ring);
    put_stamp(info, b);
    mc_text_key(b, "partition");
    mc_text_number(b, answer->partition);
    put_ring(info, answer, b);
    mc_text_key(b, "devices");
    err = put_devices(view, answer->devices, answer->device_count, b);
    if (err != 0)
        return err;
    mc_text_key(b, "handoffs");
    return put_devices(view, handoffs, handoff_count, b);
}

/* Begins what is told of the version before. False: there is none. */
static bool begin_previous(const struct mcos_view *before, struct mc_buf *b)
{
    mc_text_key(b, "previous");
    mc_text_raw(b, before == NULL ? "null" : "{");
    if (before == NULL)
        return false;
    put_stamp(mcos_view_info(before), b);
    put_table(mcos_view_info(before), b);
    return true;
}

int mc_doc_previous(const struct mcos_view *before, const struct mcos_answer *answer,
                    struct mc_buf *b)
{
    int err;

    if (!begin_previous(before, b))
        return 0;
    mc_text_key(b, "partition");
    mc_text_number(b, answer->partition);
    mc_text_key(b, "devices");
    err = put_devices(before, answer->devices, answer->device_count, b);
    mc_text_raw(b, "}");
    return err;
}

void mc_doc_end(struct mc_buf *b)
{
    mc_text_raw(b, "}\n");
}

/* ---- batches ---- */

void mc_doc_batch_head(const struct mcos_view *view, const struct mcos_answer *any,
                       struct mc_buf *b)
{
    const struct mcos_view_info *info = mcos_view_info(view);

    mc_text_raw(b, "{");
    mc_text_key(b, "ring");
    mc_text_string(b, info->ring);
    put_stamp(info, b);
    put_ring(info, any, b);
    mc_text_key(b, "answers");
    mc_text_raw(b, "[");
}

static void put_answer(const struct mcos_answer *answer, uint8_t *seen,
                       struct mc_buf *b)
{
    mc_text_raw(b, "{");
    mc_text_key(b, "partition");
    mc_text_number(b, answer->partition);
    mc_text_key(b, "devices");
    mc_text_raw(b, "[");
    for (uint32_t i = 0; i < answer->device_count; i++) {
        uint32_t id = answer->devices[i];

        mc_text_item(b);
        mc_text_number(b, id);
        seen[id / 8] |= (uint8_t)(1u << id % 8);
    }
    mc_text_raw(b, "]");
}

void mc_doc_batch_answer(const struct mcos_answer *answer, uint8_t *seen,
                         struct mc_buf *b)
{
    mc_text_item(b);
    put_answer(answer, seen, b);
}

void mc_doc_batch_answer_previous(const struct mcos_answer *answer, uint8_t *seen,
                                  struct mc_buf *b)
{
    mc_text_key(b, "previous");
    put_answer(answer, seen, b);
    mc_text_raw(b, "}");
}

void mc_doc_batch_answer_end(struct mc_buf *b)
{
    mc_text_raw(b, "}");
}

/* Those that some answer named. */
static int put_seen(const struct mcos_view *view, const uint8_t *seen, struct mc_buf *b)
{
    mc_text_key(b, "devices");
    mc_text_raw(b, "[");
    for (uint32_t id = 0; id < mcos_view_info(view)->device_slots; id++) {
        struct mcos_device d;
        int err;

        if ((seen[id / 8] >> id % 8 & 1u) == 0)
            continue;
        err = mcos_view_device(view, id, &d);
        if (err != 0)
            return err;
        begin_device(&d, b);
        mc_text_raw(b, "}");
    }
    mc_text_raw(b, "]");
    return 0;
}

int mc_doc_batch_tail(const struct mcos_view *view, const uint8_t *seen,
                      struct mc_buf *b)
{
    mc_text_raw(b, "]");
    return put_seen(view, seen, b);
}

int mc_doc_batch_previous(const struct mcos_view *before, const uint8_t *seen,
                          struct mc_buf *b)
{
    int err;

    if (!begin_previous(before, b))
        return 0;
    err = put_seen(before, seen, b);
    mc_text_raw(b, "}");
    return err;
}

/* ---- rings ---- */

static void put_placement(const struct mcos_view_info *info, struct mc_buf *b)
{
    unsigned power = 0;
    char real[32];

    while (power < 32 && 1u << power < info->partitions)
        power++;
    mc_text_key(b, "partition_power");
    mc_text_number(b, power);
    mc_text_key(b, "partitions");
    mc_text_number(b, info->partitions);
    mc_text_key(b, "replicas");
    (void)snprintf(real, sizeof(real), "%.15g",
                   (double)info->assignments / info->partitions);
    mc_text_raw(b, real);
    mc_text_key(b, "assignments");
    mc_text_number(b, info->assignments);
    put_hash(info, b);
}

/* What happened to it, under the names of mcos/resolver.h. */
static void put_stats(const struct mcos_ring_stats *s, struct mc_buf *b)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"looks", s->looks},     {"adopted", s->adopted},    {"missing", s->missing},
        {"away", s->away},       {"damaged", s->damaged},    {"older", s->older},
        {"foreign", s->foreign}, {"unread", s->unread},      {"spoilt", s->spoilt},
        {"views", s->views},     {"unclaimed", s->unclaimed}};

    mc_text_key(b, "stats");
    mc_text_raw(b, "{");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        mc_text_key(b, counts[i].name);
        mc_text_number(b, counts[i].value);
    }
    mc_text_key(b, "adopted_at");
    mc_text_time(b, s->adopted_at);
    mc_text_key(b, "error");
    mc_text_string(b, s->error == 0 ? "" : mcos_err_slug(s->error));
    mc_text_key(b, "trouble");
    mc_text_foreign(b, s->trouble);
    mc_text_raw(b, "}");
}

static int put_all_devices(const struct mcos_view *view, struct mc_buf *b)
{
    mc_text_key(b, "devices");
    mc_text_raw(b, "[");
    for (uint32_t id = 0; id < mcos_view_info(view)->device_slots; id++) {
        struct mcos_device d;
        int err = mcos_view_device(view, id, &d);
        char weight[32];

        if (err == MCOS_E_NOTFOUND)
            continue;
        if (err != 0)
            return err;
        begin_device(&d, b);
        mc_text_key(b, "weight");
        (void)snprintf(weight, sizeof(weight), "%.15g", (double)d.weight / MILLION);
        mc_text_raw(b, weight);
        mc_text_key(b, "meta");
        mc_text_string(b, d.meta);
        mc_text_raw(b, "}");
    }
    mc_text_raw(b, "]");
    return 0;
}

int mc_doc_ring(const char *name, struct mcos_ring *ring, const struct mcos_view *view,
                bool devices, struct mc_buf *b)
{
    struct mcos_ring_stats stats;
    int err = 0;

    mcos_ring_stats(ring, &stats);
    mc_text_raw(b, "{");
    mc_text_key(b, "ring");
    mc_text_string(b, name);
    mc_text_key(b, "held");
    mc_text_bool(b, view != NULL);
    if (view != NULL) {
        const struct mcos_view_info *info = mcos_view_info(view);

        put_stamp(info, b);
        mc_text_key(b, "timestamp");
        mc_text_number(b, info->timestamp);
        mc_text_key(b, "time");
        mc_text_time(b, (int64_t)info->timestamp);
        mc_text_key(b, "deleted");
        mc_text_bool(b, info->deleted != 0);
        if (!info->deleted)
            put_placement(info, b);
        mc_text_key(b, "source");
        mc_text_string(b, info->source);
    }
    mc_text_key(b, "checked");
    mc_text_time(b, stats.checked_at);
    mc_text_key(b, "confirmed");
    mc_text_time(b, stats.confirmed_at);
    put_stats(&stats, b);
    if (devices && view != NULL && !mcos_view_info(view)->deleted)
        err = put_all_devices(view, b);
    mc_text_raw(b, "}");
    return err;
}
