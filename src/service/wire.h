/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service/wire.h -- a batch of look-ups as bytes (docs/protocol.md, "Batches of
 * look-ups"): names in one piece in, columns of numbers out.
 *
 * The question is read a few names at a time, and nothing of it is copied.
 */
#ifndef MCOS_SERVICE_WIRE_H
#define MCOS_SERVICE_WIRE_H

#include "base/bytes.h"
#include "mcos/resolver.h"

#define MC_WIRE_TYPE          "application/vnd.mcos.lookup"
#define MC_WIRE_NAMES_MAX     65536u      /* of a batch */
#define MC_WIRE_QUESTION_MAX  (16u << 20) /* bytes of a question */
#define MC_WIRE_QUESTION_HEAD 16u
#define MC_WIRE_ANSWER_HEAD   72u
#define MC_WIRE_ACTIVE_FIRST  1u /* the only flag */

/* A question while it is read. */
struct mc_wire_question {
    uint32_t count;
    uint32_t flags; /* MCOS_ACTIVE_FIRST, or 0 */
    uint32_t done;  /* names that were read */
    struct mc_bytes lengths;
    struct mc_bytes names; /* those that were not read */
};

/* Lent by the body. Fails with FORMAT, UPGRADE, TOOBIG, VALUE; diag says where. */
int mc_wire_open(struct mc_bytes body, struct mc_wire_question *ret,
                 struct mcos_diag *diag);

/*
 * The next names, at most `most`, into keys; *ret_count is 0 at the end. Each was seen
 * to have an account, and a container if it has an object, and is given whole as the
 * account of its key: so it lies, so it is hashed, and nobody has to join it. Fails
 * with VALUE, FORMAT; diag says which name, and where.
 */
int mc_wire_next(struct mc_wire_question *q, size_t most, struct mcos_key *keys,
                 size_t *ret_count, struct mcos_diag *diag);

/* Appends an answer's head and room for its columns. *ret_columns is lent until the
 * buffer changes: first `count` partitions, then `count * stride` devices. */
struct mc_wire_columns {
    uint8_t *partitions;
    uint8_t *devices;
};
int mc_wire_answer(const struct mcos_view_info *info, int64_t checked_at,
                   int64_t confirmed_at, uint32_t count, struct mc_buf *b,
                   struct mc_wire_columns *ret_columns);

#endif /* MCOS_SERVICE_WIRE_H */
