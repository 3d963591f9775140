/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/memcached/manifest.h -- the small item that says which record is in
 * force and of which pieces it is made (docs/format.md, "In memcached").
 *
 * It carries the record's head, whose SHA-256 is the digest: so one small item
 * can be checked by itself, before any piece is fetched.
 */
#ifndef MCOS_ADAPTER_MEMCACHED_MANIFEST_H
#define MCOS_ADAPTER_MEMCACHED_MANIFEST_H

#include "ring/ring.h"
#include "sync/stamp.h"

/* What we write: a server takes items of 1 MiB and cuts memory in halves of it;
 * 512 bytes are left for key and bookkeeping. */
#define MC_PIECE_BYTES 523776u
/* What we read: a second implementation may cut otherwise. */
#define MC_PIECE_BYTES_MIN 4096u
#define MC_PIECE_BYTES_MAX 1048576u

#define MC_MANIFEST_BYTES_MAX (104u + 3u + MC_NAME_MAX + MC_HEAD_BYTES_MAX)

struct mc_manifest {
    uint8_t system[MC_UID_BYTES];
    struct mc_stamp stamp;
    bool tombstone;
    struct mc_name name;
    uint64_t record_bytes;
    uint32_t piece_bytes; /* of every piece but the last */
    uint32_t piece_count;
    struct mc_bytes head; /* the record's first bytes; decoded: lent by the input */
};

/* The manifest of a ring, cut as we cut; its head is lent by the ring. */
struct mc_manifest mc_manifest_of(const struct mc_ring *ring,
                                  const uint8_t system[MC_UID_BYTES]);
/* Bytes of piece i. */
size_t mc_manifest_piece(const struct mc_manifest *manifest, uint32_t i);

/* Appends its bytes; b->err says if memory was out. */
void mc_manifest_encode(struct mc_buf *b, const struct mc_manifest *manifest);
/*
 * Any input is safe. What is taken says one thing only: every field agrees with
 * the head, and the head with the digest.
 * Fails with FORMAT, DIGEST, UPGRADE (a later format: system and stamp are filled
 * in, the rest is not).
 */
int mc_manifest_decode(struct mc_bytes bytes, struct mc_manifest *ret_manifest);

#endif /* MCOS_ADAPTER_MEMCACHED_MANIFEST_H */
