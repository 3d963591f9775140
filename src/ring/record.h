/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/record.h -- one version of one ring: its head, and the bytes it is made of.
 *
 * A record is immutable canonical bytes (docs/format.md). Its *head* is small
 * and says everything that merging needs; the digest of a record is the SHA-256
 * of its head's bytes, and the head carries a SHA-256 of each section, so the
 * digest covers all.
 */
#ifndef MCOS_RING_RECORD_H
#define MCOS_RING_RECORD_H

#include "base/bytes.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/name.h"
#include "base/version.h"
#include "mcos/err.h"

#include <stdbool.h>
#include <stdint.h>

#define MC_DIGEST_BYTES MC_SHA256_BYTES
#define MC_DEVICE_NONE  UINT32_MAX /* no device in this place of a table */

enum mc_hash_kind {
    MC_HASH_XXH3 = 1,     /* XXH3-64 of account [/ container [/ object]] */
    MC_HASH_SWIFT_MD5 = 2 /* Swift's: MD5 of prefix / account ... suffix */
};

enum mc_section {
    MC_SECTION_TABLE, /* what look-ups need; first, so a reader maps the front */
    MC_SECTION_DEVICES,
    MC_SECTION_BUILDER, /* what only the builder needs */
    MC_SECTION_EXTRA,   /* fields kept verbatim */
    MC_SECTION_COUNT
};

struct mc_section_info {
    uint64_t offset; /* from the first byte of the record; a multiple of 64 */
    uint64_t bytes;
    uint8_t sha256[MC_SHA256_BYTES];
    uint8_t xxh3[16];
};

/* A version that this record descends from, nearest first. */
struct mc_ancestor {
    uint64_t version;
    uint16_t epoch;
    uint8_t digest8[8]; /* first 8 bytes of its digest */
};

#define MC_NO_NEXT_PART_POWER 255u

/*
 * The head, decoded: a plain value without pointers. In a tombstone there is
 * no table and no device; part_power and the rest of the placement are 0.
 */
struct mc_head {
    uint16_t format; /* of the bytes; 0 in a draft: MC_FORMAT_FIRST */
    /* who and when */
    uint8_t system[MC_UID_BYTES]; /* all zero: made offline, belongs to no system */
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES]; /* of the ring: new when a deleted name is made again */
    uint16_t epoch;
    uint64_t version;   /* 1 .. MC_VERSION_MAX */
    uint64_t timestamp; /* ns since 1970, 1 .. MC_TIMESTAMP_MAX */
    uint8_t operation[MC_UID_BYTES];
    bool tombstone;
    struct mc_name origin; /* cluster that minted it; "" offline */
    char author[MC_AUTHOR_MAX + 1];
    char note[MC_NOTE_MAX + 1];
    unsigned parent_count;
    uint8_t parents[MC_PARENTS_MAX][MC_DIGEST_BYTES];
    /* placement */
    uint8_t part_power;      /* 2^part_power partitions */
    uint8_t next_part_power; /* Swift's; 255: none */
    uint8_t stride;          /* ids per table row: ceil(assignments / partitions) */
    uint8_t id_bytes;        /* 2 or 4 */
    uint64_t assignments;    /* exact number of (partition, replica) pairs */
    enum mc_hash_kind hash;
    bool secret_embedded;  /* prefix and suffix are in the builder section */
    uint8_t hash_check[8]; /* of the secret; zero for xxh3 */
    uint32_t device_count; /* slots, removed ones included */
    /* layout */
    struct mc_section_info section[MC_SECTION_COUNT];
    /* derived when decoding or encoding */
    uint8_t digest[MC_DIGEST_BYTES];
    uint32_t head_bytes;
    uint64_t record_bytes; /* all of it, padding included */
};

/* Devices. Texts are UTF-8 without NUL, "" when not given, never NULL. */
struct mc_device {
    uint32_t incarnation; /* raised when Swift re-used the id */
    bool removed;         /* the slot stays, ids are never re-used */
    uint16_t port;
    uint16_t replication_port;
    uint64_t weight;         /* millionths */
    const char *weight_text; /* as the operator wrote it */
    const char *name;
    const char *cluster;
    const char *region;
    const char *zone;
    const char *host;
    const char *replication_host;
    const char *device;
    const char *meta;
};

/* What only a builder reads. */
struct mc_builder_info {
    uint32_t overload; /* millionths */
    uint32_t min_move_seconds;
    uint16_t algorithm; /* least builder that can change it; 0: the table is not ours */
    const uint8_t
        *last_move; /* u32 LE seconds since 1970 for each partition; NULL: none */
    size_t ancestor_count;
    const struct mc_ancestor *ancestors;
    struct mc_bytes secret_prefix; /* only when embedded */
    struct mc_bytes secret_suffix;
};

/*
 * Reads a head from the front of a record; bytes may be cut after the head.
 * Checks every limit and that the sections lie one after the other inside
 * record_bytes. Any input is safe. *ret_head is a value.
 * Fails with FORMAT, UPGRADE, TOOBIG, NAME, VALUE.
 */
int mc_head_decode(struct mc_bytes bytes, struct mc_head *ret_head,
                   struct mcos_diag *diag);

/* True if digest (all of it) names a parent of this head. */
bool mc_head_has_parent(const struct mc_head *head,
                        const uint8_t digest[MC_DIGEST_BYTES]);

#endif /* MCOS_RING_RECORD_H */
