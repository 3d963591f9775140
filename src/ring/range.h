/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/range.h -- a range coder: numbers of known chances into few bytes, and back.
 *
 * One and the same calls write and read: each takes the value to be written and
 * returns the value that is there, which is the one given when writing (what is
 * given when reading does not matter). So whoever describes something by these
 * calls has said both directions. docs/format.md has the arithmetic.
 *
 * Reading never fails in between: past its end the input is zeros, and any bytes
 * give some values. The reader checks what it gets, and mc_range_close says
 * whether all bytes were used.
 */
#ifndef MCOS_RING_RANGE_H
#define MCOS_RING_RANGE_H

#include "base/bytes.h"

#define MC_RANGE_TOP   (1ull << 56)
#define MC_RANGE_LEAST (1ull << 48)

struct mc_range {
    bool writes;
    uint64_t range;
    uint64_t low; /* writing: the interval's lower end; reading: where in it we are */
    /* writing */
    struct mc_buf *out; /* borrowed; its err says when it is full */
    size_t start;       /* of our bytes in it */
    bool begun;
    uint8_t held;     /* the last byte, while a carry may still change it, */
    uint64_t waiting; /* and so many ff after it */
    /* reading */
    struct mc_bytes in;
    size_t pos; /* may be past the end */
};

/* The chance of a bit, learnt from those that came: n of them, at most. */
struct mc_chance {
    uint16_t one; /* of 65536 */
    uint8_t seen;
};

/* Chances of a number below 2^32 by its length in bits, and its upper bits. */
#define MC_NUMBER_UPPER 4u
struct mc_number {
    struct mc_chance length[33];
    struct mc_chance upper[33][MC_NUMBER_UPPER];
};

struct mc_range mc_range_writer(struct mc_buf *out);
struct mc_range mc_range_reader(struct mc_bytes in);
/* The end. False: writing, out is full; reading, bytes were left over. */
bool mc_range_close(struct mc_range *r);

void mc_chance_init(struct mc_chance *list, size_t count);
void mc_number_init(struct mc_number *number);

bool mc_range_bit(struct mc_range *r, struct mc_chance *chance, bool bit);
uint32_t mc_range_number(struct mc_range *r, struct mc_number *number, uint32_t value);
/* The lowest n bits (at most 32), all values alike. */
uint32_t mc_range_bits(struct mc_range *r, uint32_t value, unsigned n);

/*
 * A value that takes [from, from + count) of `total`, at most 2^30. Reading: first
 * ask where in [0, total) the input points, then say whose place that is.
 */
uint32_t mc_range_where(const struct mc_range *r, uint32_t total);
void mc_range_take(struct mc_range *r, uint32_t from, uint32_t count, uint32_t total);

void mc_range_shift(struct mc_range *r);

/* True in `hits` cases of `of`; 0 < hits < of <= 2^30. Inline: it is the inner loop. */
static inline bool mc_range_coin(struct mc_range *r, uint32_t hits, uint32_t of,
                                 bool hit)
{
    uint64_t part = r->range / of * hits;

    if (!r->writes)
        hit = r->low < part;
    if (hit) {
        r->range = part;
    } else {
        if (r->writes)
            r->low += part;
        else
            r->low -= part;
        r->range -= part;
    }
    if (r->range < MC_RANGE_LEAST)
        mc_range_shift(r);
    return hit;
}

#endif /* MCOS_RING_RANGE_H */
