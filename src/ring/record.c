/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/record.c -- reads the head of a record and refuses what is not canonical.
 *
 * Whatever can be derived (stride, width of ids, offsets) is in the bytes for
 * readers that do not want to derive it, and is compared with what it must be:
 * one draft has one encoding.
 */
#include "ring/record.h"

#include "ring/layout.h"

#include <string.h>

static void take_copy(struct mc_reader *r, uint8_t *dst, size_t n)
{
    struct mc_bytes b = mc_reader_take(r, n);

    if (b.len == n)
        memcpy(dst, b.ptr, n);
}

static int not_in_range(struct mcos_diag *diag, const char *field, uint64_t v,
                        uint64_t lo, uint64_t hi)
{
    return mcos_diag_set(diag, MCOS_E_VALUE, field, "%llu, must be %llu to %llu",
                         (unsigned long long)v, (unsigned long long)lo,
                         (unsigned long long)hi);
}

/* What every format has in common, then ours: magic, format, length. */
static int read_front(struct mc_reader *r, uint32_t *ret_head_bytes,
                      uint16_t *ret_flags, uint16_t *ret_format, struct mcos_diag *diag)
{
    struct mc_bytes magic = mc_reader_take(r, MC_MAGIC_BYTES);
    uint16_t format = mc_reader_u16(r);
    uint16_t flags = mc_reader_u16(r);
    uint32_t head_bytes = mc_reader_u32(r);

    if (magic.len != MC_MAGIC_BYTES || memcmp(magic.ptr, MC_MAGIC, MC_MAGIC_BYTES) != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "", "not a ring record");
    if (r->bad)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "", "cut short in the head");
    if (format == 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "format", "format 0 does not exist");
    if (format > mc_format_max)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, "format",
                             "record of format %u; this program knows %u", format,
                             mc_format_max);
    if ((flags & ~MC_HEAD_FLAGS) != 0)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, "flags", "unknown flags 0x%x",
                             flags);
    if (head_bytes > MC_HEAD_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "head", "%u bytes, at most %u",
                             head_bytes, MC_HEAD_BYTES_MAX);
    if (head_bytes < MC_HEAD_FIXED || head_bytes > r->len)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "head", "cut short in the head");
    *ret_head_bytes = head_bytes;
    *ret_flags = flags;
    *ret_format = format;
    return 0;
}

static int read_fixed(struct mc_reader *r, struct mc_head *head, struct mcos_diag *diag)
{
    uint8_t hash;

    take_copy(r, head->system, sizeof(head->system));
    take_copy(r, head->uid, sizeof(head->uid));
    take_copy(r, head->operation, sizeof(head->operation));
    head->version = mc_reader_u64(r);
    head->timestamp = mc_reader_u64(r);
    head->epoch = mc_reader_u16(r);
    head->parent_count = mc_reader_u8(r);
    head->part_power = mc_reader_u8(r);
    head->next_part_power = mc_reader_u8(r);
    head->stride = mc_reader_u8(r);
    head->id_bytes = mc_reader_u8(r);
    hash = mc_reader_u8(r);
    head->assignments = mc_reader_u64(r);
    take_copy(r, head->hash_check, sizeof(head->hash_check));
    head->device_count = mc_reader_u32(r);
    if (mc_reader_u32(r) != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "head", "reserved bytes not zero");
    for (unsigned i = 0; i < MC_SECTION_COUNT; i++) {
        head->section[i].offset = mc_reader_u64(r);
        head->section[i].bytes = mc_reader_u64(r);
        take_copy(r, head->section[i].sha256, sizeof(head->section[i].sha256));
        take_copy(r, head->section[i].xxh3, sizeof(head->section[i].xxh3));
    }
    if (head->version < 1 || head->version > MC_VERSION_MAX)
        return not_in_range(diag, "version", head->version, 1, MC_VERSION_MAX);
    if (head->timestamp < 1 || head->timestamp > MC_TIMESTAMP_MAX)
        return not_in_range(diag, "timestamp", head->timestamp, 1, MC_TIMESTAMP_MAX);
    if (head->parent_count > MC_PARENTS_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "parents", "%u, at most %u",
                             head->parent_count, MC_PARENTS_MAX);
    if (!head->tombstone && hash == 0)
        return mcos_diag_set(diag, MCOS_E_VALUE, "hash", "no kind of hash");
    if (hash > MC_HASH_SWIFT_MD5)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, "hash", "unknown kind %u", hash);
    head->hash = (enum mc_hash_kind)hash;
    return 0;
}

static int read_texts(struct mc_reader *r, struct mc_head *head, struct mcos_diag *diag)
{
    const char *name;
    const char *origin;
    const char *author;
    const char *note;
    int err;

    if ((err = mc_read_text(r, MC_NAME_MAX, "name", &name, diag)) != 0 ||
        (err = mc_read_text(r, MC_NAME_MAX, "origin", &origin, diag)) != 0 ||
        (err = mc_read_text(r, MC_AUTHOR_MAX, "author", &author, diag)) != 0 ||
        (err = mc_read_text(r, MC_NOTE_MAX, "note", &note, diag)) != 0)
        return err;
#ifdef MC_NEXT
    if (head->format >= MC_NEXT_FORMAT &&
        mc_reader_u64(r) != (head->version ^ head->timestamp))
        return mcos_diag_set(diag, MCOS_E_FORMAT, "head", "not the tail of format 2");
#endif
    if (mc_reader_left(r) != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "head", "bytes after the last field");
    if (!mc_name_set(&head->name, name))
        return mcos_diag_set(diag, MCOS_E_NAME, "name", "not a name");
    if (origin[0] != '\0' && !mc_name_set(&head->origin, origin))
        return mcos_diag_set(diag, MCOS_E_NAME, "origin", "not a name");
    memcpy(head->author, author, strlen(author) + 1);
    memcpy(head->note, note, strlen(note) + 1);
    return 0;
}

/* A deleted ring has a builder section (ancestors) and no placement. */
static int check_tombstone(const struct mc_head *head, struct mcos_diag *diag)
{
    static const uint8_t none[sizeof(head->hash_check)];

    if (head->part_power != 0 || head->next_part_power != 0 || head->stride != 0 ||
        head->id_bytes != 0 || head->hash != 0 || head->assignments != 0 ||
        head->device_count != 0 || head->secret_embedded ||
        memcmp(head->hash_check, none, sizeof(none)) != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "", "a tombstone with a placement");
    if (head->section[MC_SECTION_TABLE].bytes != 0 ||
        head->section[MC_SECTION_DEVICES].bytes != 0)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "", "a tombstone with a table");
    return 0;
}

static int check_placement(const struct mc_head *head, struct mcos_diag *diag)
{
    static const uint8_t none[sizeof(head->hash_check)];
    uint64_t parts;

    if (head->part_power > MC_PART_POWER_MAX)
        return not_in_range(diag, "part_power", head->part_power, 0, MC_PART_POWER_MAX);
    if (head->next_part_power > MC_PART_POWER_MAX &&
        head->next_part_power != MC_NO_NEXT_PART_POWER)
        return not_in_range(diag, "next_part_power", head->next_part_power, 0,
                            MC_PART_POWER_MAX);
    parts = 1ull << head->part_power;
    if (head->assignments < parts || head->assignments > parts * MC_REPLICAS_MAX)
        return not_in_range(diag, "assignments", head->assignments, parts,
                            parts * MC_REPLICAS_MAX);
    if (head->device_count < 1 || head->device_count > MC_DEVICES_MAX)
        return not_in_range(diag, "devices", head->device_count, 1, MC_DEVICES_MAX);
    if (head->stride != (head->assignments + parts - 1) / parts ||
        head->id_bytes != mc_id_bytes(head->device_count))
        return mcos_diag_set(diag, MCOS_E_FORMAT, "table",
                             "%u ids of %u bytes is not the canonical form",
                             head->stride, head->id_bytes);
    if (head->hash == MC_HASH_XXH3 &&
        (head->secret_embedded || memcmp(head->hash_check, none, sizeof(none)) != 0))
        return mcos_diag_set(diag, MCOS_E_FORMAT, "hash", "xxh3 has no secret");
    if (head->section[MC_SECTION_TABLE].bytes != parts * head->stride * head->id_bytes)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "table", "size does not agree");
    if (head->section[MC_SECTION_DEVICES].bytes / MC_DEVICE_MIN < head->device_count)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "devices", "size does not agree");
    return 0;
}

/* One after the other, each at the next multiple of 64; an empty one too. */
static int check_sections(struct mc_head *head, struct mcos_diag *diag)
{
    uint64_t at = mc_align(head->head_bytes);

    for (unsigned i = 0; i < MC_SECTION_COUNT; i++) {
        const struct mc_section_info *s = &head->section[i];

        if (s->bytes > MC_RECORD_BYTES_MAX - at)
            return mcos_diag_set(diag, MCOS_E_TOOBIG, "", "more than %u bytes",
                                 MC_RECORD_BYTES_MAX);
        if (s->offset != at)
            return mcos_diag_set(diag, MCOS_E_FORMAT, "sections",
                                 "section %u is not where it must be", i);
        at = mc_align(at + s->bytes);
    }
    if (head->section[MC_SECTION_BUILDER].bytes < MC_BUILDER_FIXED)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "builder", "cut short");
    if (head->section[MC_SECTION_EXTRA].bytes > MC_EXTRA_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "extra", "at most %u bytes",
                             MC_EXTRA_MAX);
    head->record_bytes = at;
    return 0;
}

int mc_head_decode(struct mc_bytes bytes, struct mc_head *ret_head,
                   struct mcos_diag *diag)
{
    struct mc_head head = {.epoch = 0};
    struct mc_reader r = mc_reader_init(bytes);
    uint16_t flags = 0;
    int err;

    err = read_front(&r, &head.head_bytes, &flags, &head.format, diag);
    if (err != 0)
        return err;
    head.tombstone = (flags & MC_HEAD_TOMBSTONE) != 0;
    head.secret_embedded = (flags & MC_HEAD_SECRET) != 0;
    r.len = head.head_bytes;
    if ((err = read_fixed(&r, &head, diag)) != 0)
        return err;
    for (unsigned i = 0; i < head.parent_count; i++)
        take_copy(&r, head.parents[i], MC_DIGEST_BYTES);
    if (head.parent_count == 2 &&
        memcmp(head.parents[0], head.parents[1], MC_DIGEST_BYTES) == 0)
        return mcos_diag_set(diag, MCOS_E_VALUE, "parents", "the same twice");
    if ((err = read_texts(&r, &head, diag)) != 0)
        return err;
    err = head.tombstone ? check_tombstone(&head, diag) : check_placement(&head, diag);
    if (err != 0 || (err = check_sections(&head, diag)) != 0)
        return err;
    mc_sha256(head.digest, (struct mc_bytes){bytes.ptr, head.head_bytes});
    *ret_head = head;
    return 0;
}

bool mc_head_has_parent(const struct mc_head *head,
                        const uint8_t digest[MC_DIGEST_BYTES])
{
    for (unsigned i = 0; i < head->parent_count; i++) {
        if (memcmp(head->parents[i], digest, MC_DIGEST_BYTES) == 0)
            return true;
    }
    return false;
}
