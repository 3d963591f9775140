/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/pack.h -- a record for the wire and back: its head as it is, the rest
 * by zstd. Bounded both ways; a packed record is never trusted before its
 * sections' digests are checked.
 */
#ifndef MCOS_NODE_PACK_H
#define MCOS_NODE_PACK_H

#include "ring/ring.h"
#include "sync/wire.h"

/* Appends what follows the envelope (sync/wire.h). Fails with NOMEM, TOOBIG. */
int mc_pack(const struct mc_ring *ring, struct mc_buf *b);

/*
 * From a record message's body to a ring whose SHA-256 sums were checked.
 * *ret_ring is yours. Stops unpacking at the size the head states, plus one.
 * Fails with FORMAT, TOOBIG, DIGEST, NOMEM and as mc_ring_open.
 */
int mc_unpack(struct mc_bytes body, struct mc_ring **ret_ring, struct mcos_diag *diag);

/*
 * The same as its difference from a parent (P20a): appends what follows the envelope.
 * b->max bounds it. Fails with TOOBIG, NOMEM; b then keeps what was in it.
 */
int mc_pack_difference(const struct mc_ring *parent, const struct mc_ring *ring,
                       struct mc_buf *b);
/* From a difference to a ring whose SHA-256 sums were checked. *ret_ring is yours.
 * Fails with DIGEST (it is from another parent, or damaged), and as mc_unpack. */
int mc_unpack_difference(const struct mc_wire_difference *difference,
                         const struct mc_ring *parent, struct mc_ring **ret_ring,
                         struct mcos_diag *diag);

#endif /* MCOS_NODE_PACK_H */
