/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/limits.h -- every bound of the formats and of the conversation, by name.
 *
 * A limit of the *format* is part of what "valid" means: every cluster has the
 * same, or they would disagree for ever. It is checked where a record is made
 * and where one is decoded, before anything is allocated.
 */
#ifndef MCOS_BASE_LIMITS_H
#define MCOS_BASE_LIMITS_H

/* Names: rings and clusters. */
#define MC_NAME_MAX 64u /* characters, without the NUL */

/* Stamps. */
#define MC_VERSION_MAX   ((1ull << 53) - 1)
#define MC_TIMESTAMP_MAX ((1ull << 62) - 1) /* nanoseconds */
#define MC_EPOCH_MAX     65535u

/* Rings. */
#define MC_PART_POWER_MAX   24u
#define MC_REPLICAS_MAX     16u
#define MC_DEVICES_MAX      (1u << 20)
#define MC_TEXT_MAX         255u         /* bytes of any one text field of a device */
#define MC_META_MAX         4096u        /* bytes of a device's meta */
#define MC_NOTE_MAX         512u         /* bytes of a record's note */
#define MC_AUTHOR_MAX       128u         /* bytes */
#define MC_ANCESTORS_MAX    1024u        /* entries kept in a record */
#define MC_PARENTS_MAX      2u           /* full digests kept in a record */
#define MC_EXTRA_MAX        (1u << 20)   /* bytes of verbatim fields */
#define MC_HEAD_BYTES_MAX   4096u        /* encoded header */
#define MC_RECORD_BYTES_MAX (256u << 20) /* canonical bytes */
#define MC_PACKED_BYTES_MAX (96u << 20)  /* on the wire */
#define MC_WEIGHT_MAX       1000000000000000ull /* millionths: 10^9 of weight */
#define MC_OVERLOAD_MAX     1000000000u         /* millionths: 1000 times */
#define MC_LOSERS_MAX       16u                 /* unresolved conflicts kept per ring */
#define MC_SECRET_MAX       1024u /* bytes of an embedded prefix, and of a suffix */

/* Differences between records: bounds of what a reader does for them. */
#define MC_DELTA_CELLS_MAX    (1u << 22) /* changed cells of the table */
#define MC_DELTA_LITERALS_MAX (1u << 22) /* new bytes of everything else */
#define MC_DELTA_GROWTH       4u         /* times as long as its parent at most, */
#define MC_DELTA_FREE_BYTES   (1u << 20) /* and this */

/* The conversation. */
#define MC_MEMBERS_MAX    4096u  /* clusters an agent remembers */
#define MC_RINGS_MAX      4096u  /* rings an agent holds */
#define MC_TALK_BYTES_MAX 65536u /* an announcement, want or leave */
#define MC_AGENTS_MAX     16u    /* agents of one cluster */
#define MC_INFLIGHT_MAX   4u     /* record messages not yet acknowledged */

/* Input of people. */
#define MC_SPEC_BYTES_MAX     (64u << 20)  /* a spec file or request body */
#define MC_IMPORT_BYTES_MAX   (64u << 20)  /* a .ring.gz as it comes */
#define MC_INFLATED_BYTES_MAX (768u << 20) /* the same, inflated */

#endif /* MCOS_BASE_LIMITS_H */
