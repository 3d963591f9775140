/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/encode.c -- from a draft to canonical bytes.
 *
 * What is valid is said once, in the decoder: the bytes made here are opened
 * before they are handed out, so nothing leaves that another cluster would
 * refuse. Checked here is only what could not be written or would not fit.
 */
#include "ring/draft.h"

#include "ring/extra.h"
#include "ring/layout.h"

#include <stdio.h>
#include <string.h>

struct encoder {
    const struct mc_draft *draft;
    struct mc_head head; /* with everything derived */
    struct mc_buf out;
    struct mcos_diag *diag;
};

static int too_long(struct encoder *e, const char *field, size_t max)
{
    return mcos_diag_set(e->diag, MCOS_E_TOOBIG, field, "longer than %zu bytes", max);
}

/* Placement as it follows from the draft; none for a tombstone. */
static int derive(struct encoder *e)
{
    const struct mc_draft *d = e->draft;
    struct mc_head *h = &e->head;
    uint64_t parts;

    *h = d->head;
    if (h->format == 0)
        h->format = MC_FORMAT_FIRST;
    if (h->format > mc_format_max)
        return mcos_diag_set(e->diag, MCOS_E_UPGRADE, "format",
                             "format %u; this program writes %u at most", h->format,
                             mc_format_max);
    h->device_count = d->device_count;
    if (h->tombstone) {
        if (d->table != NULL || d->packed != NULL || d->device_count != 0)
            return mcos_diag_set(e->diag, MCOS_E_VALUE, "",
                                 "a tombstone has no table and no device");
        h->part_power = 0;
        h->next_part_power = 0;
        h->stride = 0;
        h->id_bytes = 0;
        h->assignments = 0;
        h->hash = 0;
        h->secret_embedded = false;
        memset(h->hash_check, 0, sizeof(h->hash_check));
        return 0;
    }
    if (h->part_power > MC_PART_POWER_MAX)
        return mcos_diag_set(e->diag, MCOS_E_VALUE, "part_power", "%u, at most %u",
                             h->part_power, MC_PART_POWER_MAX);
    parts = 1ull << h->part_power;
    if (h->assignments < parts || h->assignments > parts * MC_REPLICAS_MAX)
        return mcos_diag_set(e->diag, MCOS_E_VALUE, "assignments",
                             "%llu is not 1 to %u replicas",
                             (unsigned long long)h->assignments, MC_REPLICAS_MAX);
    if ((d->table == NULL && d->packed == NULL) || d->devices == NULL)
        return mcos_diag_set(e->diag, MCOS_E_VALUE, "", "no table or no device");
    if (d->device_count > MC_DEVICES_MAX)
        return mcos_diag_set(e->diag, MCOS_E_TOOBIG, "devices", "%u, at most %u",
                             d->device_count, MC_DEVICES_MAX);
    h->stride = (uint8_t)((h->assignments + parts - 1) / parts);
    h->id_bytes = mc_id_bytes(d->device_count);
    return 0;
}

static int put_table(struct encoder *e)
{
    const struct mc_head *h = &e->head;
    const uint32_t *id = e->draft->table;
    size_t count;
    uint8_t *at;

    if (h->tombstone)
        return 0;
    count = ((size_t)1 << h->part_power) * h->stride;
    at = mc_buf_reserve(&e->out, count * h->id_bytes);
    if (at == NULL)
        return e->out.err;
    if (e->draft->packed != NULL) {
        memcpy(at, e->draft->packed, count * h->id_bytes);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (id[i] != MC_DEVICE_NONE && id[i] >= h->device_count)
            return mcos_diag_set(e->diag, MCOS_E_DEVICE, "table",
                                 "partition %zu is on device %u, which is not there",
                                 i / h->stride, id[i]);
        if (h->id_bytes == 4)
            mc_set_u32(at + i * 4, id[i]);
        else
            mc_set_u16(at + i * 2, (uint16_t)id[i]);
    }
    return 0;
}

static int put_devices(struct encoder *e)
{
    for (uint32_t i = 0; i < e->head.device_count; i++) {
        const struct mc_device *d = &e->draft->devices[i];

        mc_buf_u32(&e->out, d->incarnation);
        mc_buf_u8(&e->out, d->removed ? MC_DEVICE_REMOVED : 0);
        mc_buf_u16(&e->out, d->port);
        mc_buf_u16(&e->out, d->replication_port);
        mc_buf_u64(&e->out, d->weight);
        for (unsigned t = 0; t < MC_DEVICE_TEXTS; t++) {
            const struct mc_device_text *what = &mc_device_texts[t];
            const char *text;

            memcpy(&text, (const char *)d + what->at, sizeof(text));
            if (text == NULL)
                text = "";
            if (strnlen(text, what->max + 1) > what->max) {
                char field[64];

                snprintf(field, sizeof(field), "/devices/%u/%s", i, what->field);
                return too_long(e, field, what->max);
            }
            mc_put_text(&e->out, text);
        }
    }
    return 0;
}

static int put_secret(struct encoder *e, struct mc_bytes part)
{
    if (part.len > MC_SECRET_MAX)
        return too_long(e, "secret", MC_SECRET_MAX);
    mc_buf_u16(&e->out, (uint16_t)part.len);
    mc_buf_put(&e->out, part.ptr, part.len);
    return 0;
}

static int put_builder(struct encoder *e)
{
    const struct mc_draft *d = e->draft;
    const struct mc_builder_info *info = &d->builder;
    bool lives = !e->head.tombstone;
    bool moves = lives && d->last_move != NULL;
    int err = 0;

    if (d->ancestor_count > MC_ANCESTORS_MAX)
        return mcos_diag_set(e->diag, MCOS_E_TOOBIG, "ancestors", "%zu, at most %u",
                             d->ancestor_count, MC_ANCESTORS_MAX);
    mc_buf_u32(&e->out, lives ? info->overload : 0);
    mc_buf_u32(&e->out, lives ? info->min_move_seconds : 0);
    mc_buf_u16(&e->out, lives ? info->algorithm : 0);
    mc_buf_u16(&e->out, moves ? MC_BUILDER_LAST_MOVE : 0);
    mc_buf_u32(&e->out, (uint32_t)d->ancestor_count);
    if (moves) {
        size_t parts = (size_t)1 << e->head.part_power;
        uint8_t *at = mc_buf_reserve(&e->out, parts * 4);

        for (size_t p = 0; at != NULL && p < parts; p++)
            mc_set_u32(at + p * 4, d->last_move[p]);
    }
    for (size_t i = 0; i < d->ancestor_count; i++) {
        mc_buf_u64(&e->out, d->ancestors[i].version);
        mc_buf_u16(&e->out, d->ancestors[i].epoch);
        mc_buf_put(&e->out, d->ancestors[i].digest8, sizeof(d->ancestors[i].digest8));
    }
    if (e->head.secret_embedded && (err = put_secret(e, info->secret_prefix)) == 0)
        err = put_secret(e, info->secret_suffix);
    return err;
}

static int put_extra(struct encoder *e)
{
    if (e->draft->extra.len > MC_EXTRA_MAX)
        return too_long(e, "extra", MC_EXTRA_MAX);
    mc_buf_put(&e->out, e->draft->extra.ptr, e->draft->extra.len);
#ifdef MC_NEXT
    struct mc_bytes known;

    if (!e->head.tombstone && !mc_extra_find(e->draft->extra, MC_NEXT_TAG, &known))
        mc_extra_put(&e->out, MC_NEXT_TAG, 0,
                     (struct mc_bytes){(const uint8_t *)"next", 4});
#endif
    return 0;
}

static void put_head(const struct mc_head *h, struct mc_buf *out)
{
    uint16_t flags = 0;

    if (h->tombstone)
        flags |= MC_HEAD_TOMBSTONE;
    if (h->secret_embedded)
        flags |= MC_HEAD_SECRET;
    mc_buf_put(out, MC_MAGIC, MC_MAGIC_BYTES);
    mc_buf_u16(out, h->format);
    mc_buf_u16(out, flags);
    mc_buf_u32(out, h->head_bytes);
    mc_buf_put(out, h->system, sizeof(h->system));
    mc_buf_put(out, h->uid, sizeof(h->uid));
    mc_buf_put(out, h->operation, sizeof(h->operation));
    mc_buf_u64(out, h->version);
    mc_buf_u64(out, h->timestamp);
    mc_buf_u16(out, h->epoch);
    mc_buf_u8(out, (uint8_t)h->parent_count);
    mc_buf_u8(out, h->part_power);
    mc_buf_u8(out, h->next_part_power);
    mc_buf_u8(out, h->stride);
    mc_buf_u8(out, h->id_bytes);
    mc_buf_u8(out, (uint8_t)h->hash);
    mc_buf_u64(out, h->assignments);
    mc_buf_put(out, h->hash_check, sizeof(h->hash_check));
    mc_buf_u32(out, h->device_count);
    mc_buf_u32(out, 0);
    for (unsigned i = 0; i < MC_SECTION_COUNT; i++) {
        mc_buf_u64(out, h->section[i].offset);
        mc_buf_u64(out, h->section[i].bytes);
        mc_buf_put(out, h->section[i].sha256, sizeof(h->section[i].sha256));
        mc_buf_put(out, h->section[i].xxh3, sizeof(h->section[i].xxh3));
    }
    for (unsigned i = 0; i < h->parent_count; i++)
        mc_buf_put(out, h->parents[i], MC_DIGEST_BYTES);
    mc_put_text(out, h->name.s);
    mc_put_text(out, h->origin.s);
    mc_put_text(out, h->author);
    mc_put_text(out, h->note);
#ifdef MC_NEXT
    if (h->format >= MC_NEXT_FORMAT)
        mc_buf_u64(out, h->version ^ h->timestamp);
#endif
}

/* Length of the head, once its texts are known to end inside their arrays. */
static int measure_head(struct encoder *e)
{
    struct mc_head *h = &e->head;

    if (strnlen(h->name.s, sizeof(h->name.s)) > MC_NAME_MAX)
        return too_long(e, "name", MC_NAME_MAX);
    if (strnlen(h->origin.s, sizeof(h->origin.s)) > MC_NAME_MAX)
        return too_long(e, "origin", MC_NAME_MAX);
    if (strnlen(h->author, sizeof(h->author)) > MC_AUTHOR_MAX)
        return too_long(e, "author", MC_AUTHOR_MAX);
    if (strnlen(h->note, sizeof(h->note)) > MC_NOTE_MAX)
        return too_long(e, "note", MC_NOTE_MAX);
    if (h->parent_count > MC_PARENTS_MAX)
        return mcos_diag_set(e->diag, MCOS_E_TOOBIG, "parents", "%u, at most %u",
                             h->parent_count, MC_PARENTS_MAX);
    h->head_bytes = (uint32_t)(MC_HEAD_FIXED + h->parent_count * MC_DIGEST_BYTES +
                               4 * 3 + strlen(h->name.s) + strlen(h->origin.s) +
                               strlen(h->author) + strlen(h->note));
#ifdef MC_NEXT
    h->head_bytes += h->format >= MC_NEXT_FORMAT ? MC_NEXT_TAIL : 0;
#endif
    return 0;
}

static int put_sections(struct encoder *e)
{
    static int (*const put[MC_SECTION_COUNT])(struct encoder *) = {
        put_table, put_devices, put_builder, put_extra};

    mc_buf_zero(&e->out, (size_t)mc_align(e->head.head_bytes));
    for (unsigned s = 0; s < MC_SECTION_COUNT; s++) {
        struct mc_section_info *info = &e->head.section[s];
        size_t start = e->out.len;
        struct mc_bytes bytes;
        int err = put[s](e);

        if (err != 0)
            return err;
        if (e->out.err != 0)
            return e->out.err;
        bytes = (struct mc_bytes){e->out.ptr + start, e->out.len - start};
        info->offset = start;
        info->bytes = bytes.len;
        mc_sha256(info->sha256, bytes);
        mc_xxh3_128(info->xxh3, bytes);
        mc_buf_zero(&e->out, (size_t)mc_align(bytes.len) - bytes.len);
    }
    return e->out.err;
}

static int encode(struct encoder *e)
{
    struct mc_buf head = {.max = MC_HEAD_BYTES_MAX};
    int err;

    if ((err = derive(e)) != 0 || (err = measure_head(e)) != 0 ||
        (err = put_sections(e)) != 0)
        goto out;
    put_head(&e->head, &head);
    err = head.err;
    if (err == 0)
        memcpy(e->out.ptr, head.ptr, head.len);

out:
    mc_buf_fini(&head);
    return err;
}

int mc_draft_encode(const struct mc_draft *draft, struct mc_blob **ret_blob,
                    struct mcos_diag *diag)
{
    struct encoder e = {
        .draft = draft, .out = {.max = MC_RECORD_BYTES_MAX}, .diag = diag};
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int err = encode(&e);

    if (err == MCOS_E_TOOBIG && e.out.err == MCOS_E_TOOBIG)
        mcos_diag_set(diag, err, "", "more than %u bytes", MC_RECORD_BYTES_MAX);
    if (err != 0)
        goto out;
    if ((err = mc_blob_from_buf(&e.out, &blob)) != 0 ||
        (err = mc_ring_open(blob, MC_CHECK_NONE, &ring, diag)) != 0)
        goto out;
    *ret_blob = blob;
    blob = NULL;

out:
    mc_ring_unref(ring);
    mc_blob_unref(blob);
    mc_buf_fini(&e.out);
    return err;
}
