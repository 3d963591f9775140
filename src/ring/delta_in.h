/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/delta_in.h -- a difference while it is written or read, for ring/delta*.c.
 *
 * Both directions run the same code (ring/range.h): what is written comes from the
 * child's record, what is read goes into it. Nothing is used before it was said.
 */
#ifndef MCOS_RING_DELTA_IN_H
#define MCOS_RING_DELTA_IN_H

#include "ring/layout.h"
#include "ring/range.h"
#include "ring/ring_in.h"

/* How a stretch of bytes differs: so many as before in front and at the end, and new
 * ones between. */
struct mc_edit {
    struct mc_chance same;
    struct mc_number front;
    struct mc_number back;
    struct mc_number middle;
};

struct mc_delta {
    struct mc_range range;
    const struct mc_ring *parent;
    const struct mc_head *head; /* the child's */
    const uint8_t *from;        /* writing: the child's record */
    uint8_t *to;                /* reading: room for it */
    /* Reading: this is no difference from this parent. Writing: it would be too long.
     */
    bool bad;
    uint64_t literals; /* bytes said one by one */
    uint8_t *gone;     /* the child's slots: 1 if removed */
    uint8_t *changed;  /* a bit for each row with a changed cell */
    uint64_t changed_rows;
    struct mc_edit edit;
    struct mc_chance literal[256];
    struct mc_number count;
};

/* As mc_get_u16 and mc_get_u32, in the inner loops. */
static inline uint32_t mc_delta_u16(const uint8_t *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static inline uint32_t mc_delta_u32(const uint8_t *p)
{
    return mc_delta_u16(p) | mc_delta_u16(p + 2) << 16;
}

/* The bytes at `at` of the child's record, known by now. */
static inline const uint8_t *mc_delta_child(const struct mc_delta *d, uint64_t at)
{
    return (d->range.writes ? d->from : d->to) + at;
}

/* Of the parent's power: the row that a row of the child comes from. */
static inline uint32_t mc_delta_row(const struct mc_delta *d, uint32_t part)
{
    unsigned was = d->parent->head.part_power;
    unsigned is = d->head->part_power;

    return is >= was ? part >> (is - was) : part << (was - is);
}

static inline bool mc_delta_changed(const struct mc_delta *d, uint32_t part)
{
    return (d->changed[part / 8] >> (part % 8) & 1) != 0;
}

/* Says the table, after the devices. NOMEM is the only way to fail. */
int mc_delta_table(struct mc_delta *d);

#endif /* MCOS_RING_DELTA_IN_H */
