/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/layout.h -- where each field of a record lies (docs/format.md), for the
 * encoder and the decoder of this room and nobody else.
 */
#ifndef MCOS_RING_LAYOUT_H
#define MCOS_RING_LAYOUT_H

#include "ring/record.h"

#define MC_MAGIC        "\x89MCRING\n"
#define MC_MAGIC_BYTES  8u
#define MC_ALIGN        64u
#define MC_SECTION_INFO 64u  /* bytes of one row of the section table */
#define MC_HEAD_FIXED   368u /* bytes before the parents */

/*
 * What the version after this one has more, so that there is something to be
 * upgraded to (base/version.h): after the note, from format 2 on, version and
 * timestamp XORed; and an optional field in `extra`.
 */
#define MC_NEXT_FORMAT 2u
#define MC_NEXT_TAIL   8u
#define MC_NEXT_TAG    65001u

#define MC_HEAD_TOMBSTONE 1u
#define MC_HEAD_SECRET    2u
#define MC_HEAD_FLAGS     (MC_HEAD_TOMBSTONE | MC_HEAD_SECRET)

#define MC_DEVICE_REMOVED 1u
#define MC_DEVICE_TEXTS   9u
#define MC_DEVICE_FIXED   17u /* bytes of a slot before its texts */
#define MC_DEVICE_MIN     (MC_DEVICE_FIXED + MC_DEVICE_TEXTS * 3u)

#define MC_BUILDER_FIXED     16u
#define MC_BUILDER_LAST_MOVE 1u
#define MC_ANCESTOR_BYTES    18u

/* The texts of a device, in the order of the bytes. */
struct mc_device_text {
    const char *field;
    size_t at; /* of the pointer in struct mc_device */
    size_t max;
};
extern const struct mc_device_text mc_device_texts[MC_DEVICE_TEXTS];

static inline uint64_t mc_align(uint64_t n)
{
    return (n + (MC_ALIGN - 1)) & ~(uint64_t)(MC_ALIGN - 1);
}

/* Bytes of one id: all-ones must not be a slot. */
static inline uint8_t mc_id_bytes(uint32_t device_count)
{
    return device_count <= UINT16_MAX ? 2 : 4;
}

/* Well-formed UTF-8 (no overlong form, no surrogate) without NUL. */
bool mc_utf8_ok(struct mc_bytes in);

/* (epoch, version, digest8): negative if a is older. */
int mc_ancestor_cmp(const struct mc_ancestor *a, const struct mc_ancestor *b);

/* The row of ancestors that names this record. */
struct mc_ancestor mc_ancestor_of(const struct mc_head *head);

/*
 * u16 length, the bytes, one zero. *ret_text is lent by the input. Fails with
 * FORMAT, TOOBIG (longer than max), VALUE (not UTF-8, or NUL inside).
 */
int mc_read_text(struct mc_reader *r, size_t max, const char *field,
                 const char **ret_text, struct mcos_diag *diag);
void mc_put_text(struct mc_buf *b, const char *s);

#endif /* MCOS_RING_LAYOUT_H */
