/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/draft.h -- a record in the making: fill it in, encode it once.
 *
 * The builder and the Swift import end in a draft; minting gives it version,
 * timestamp and ancestors; encoding makes the canonical bytes, which are the
 * same on every machine for the same draft.
 */
#ifndef MCOS_RING_DRAFT_H
#define MCOS_RING_DRAFT_H

#include "ring/ring.h"

/*
 * head:      everything but what is derived (stride, id_bytes, layout, digest,
 *            device_count): encode computes these. hash_check is the caller's.
 * devices:   slot by slot; device_count of them.
 * table:     part_count * stride ids, partition-major, MC_DEVICE_NONE where
 *            absent; NULL for a tombstone. stride = ceil(assignments / part_count).
 * last_move: part_count seconds since 1970, or NULL.
 * texts:     owns the memory of device strings; see mc_draft_text.
 */
struct mc_draft {
    struct mc_head head;
    struct mc_builder_info builder; /* last_move is ignored: the array below counts */
    struct mc_device *devices;
    uint32_t device_count;
    uint32_t *table;
    uint32_t *last_move;
    struct mc_ancestor
        *ancestors; /* yours through the draft; builder.ancestors is ignored */
    size_t ancestor_count;
    struct mc_bytes extra; /* borrowed until encode; see docs/format.md for its TLV */
    struct mc_text *texts;
    uint8_t *secret; /* copy of an embedded prefix and suffix, if any */
};

void mc_draft_init(struct mc_draft *draft);
void mc_draft_fini(struct mc_draft *draft);

/* A copy of s that lives as long as the draft, or NULL when memory is out. */
const char *mc_draft_text(struct mc_draft *draft, const char *s);

/* Copies placement, devices, builder fields, table and last moves of a ring. */
int mc_draft_from_ring(struct mc_draft *draft, const struct mc_ring *ring);

/*
 * Splits every partition into 2^(power - part_power), whose rows and last moves are
 * its own: no name changes its devices. power is not below part_power. Fails with
 * NOMEM.
 */
int mc_draft_split(struct mc_draft *draft, unsigned power);

/* Says in `extra` by which rule a rebalance goes: ceil, or strict. */
int mc_draft_set_strict(struct mc_draft *draft, bool strict);

/* Adds embedded secret parts (copied). */
int mc_draft_embed_secret(struct mc_draft *draft, struct mc_bytes prefix,
                          struct mc_bytes suffix);

/*
 * Makes the child of `held` (NULL: the first of its name): version and
 * timestamp by the minting rule (docs/protocol.md), ancestors and parents from
 * held and from `also`, records that this one settles (losers of a conflict;
 * each of them becomes an ancestor). Keeps held's uid unless held is a tombstone.
 * wall_ns is the clock of who mints; the timestamp is above those of held and
 * of every record in `also`, so that it grows along every line of descent.
 * Fails with FORCE when a number is at its limit, NOMEM.
 */
int mc_draft_mint(struct mc_draft *draft, const struct mc_ring *held,
                  const struct mc_ring *const *also, size_t also_count,
                  uint64_t wall_ns);

/* Fails with TOOBIG, VALUE, DEVICE, NAME, NOMEM; diag says where. *ret_blob is yours.
 */
int mc_draft_encode(const struct mc_draft *draft, struct mc_blob **ret_blob,
                    struct mcos_diag *diag);

#endif /* MCOS_RING_DRAFT_H */
