/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/range.c -- the range coder (Martin, 1979), with carries as in LZMA.
 *
 * The interval is [low, low + range) of 2^56; when it has become small its upper
 * byte goes out. A byte ff, and the one before it, wait until it is known whether
 * a carry comes.
 */
#include "ring/range.h"

#include <string.h>

#define SHIFT    48u
#define BYTES    7u   /* that low holds */
#define SEEN_MAX 250u /* bits after which a chance learns no slower */

struct mc_range mc_range_writer(struct mc_buf *out)
{
    return (struct mc_range){
        .writes = true, .range = MC_RANGE_TOP, .out = out, .start = out->len};
}

static uint8_t next_byte(struct mc_range *r)
{
    uint8_t byte = r->pos < r->in.len ? r->in.ptr[r->pos] : 0;

    r->pos++;
    return byte;
}

struct mc_range mc_range_reader(struct mc_bytes in)
{
    struct mc_range r = {.range = MC_RANGE_TOP, .in = in};

    for (unsigned i = 0; i < BYTES; i++)
        r.low = r.low << 8 | next_byte(&r);
    return r;
}

/* The upper byte of low is settled, or waits for a carry. */
static void shift_out(struct mc_range *r)
{
    unsigned carry = r->low >= MC_RANGE_TOP;
    uint8_t upper = (uint8_t)(r->low >> SHIFT);

    if (carry == 0 && upper == 0xff) {
        r->waiting++;
    } else {
        if (r->begun)
            mc_buf_u8(r->out, (uint8_t)(r->held + carry));
        for (; r->waiting > 0; r->waiting--)
            mc_buf_u8(r->out, (uint8_t)(0xff + carry));
        r->held = upper;
        r->begun = true;
    }
    r->low = (r->low & (MC_RANGE_LEAST - 1)) << 8;
}

void mc_range_shift(struct mc_range *r)
{
    while (r->range < MC_RANGE_LEAST) {
        if (r->writes)
            shift_out(r);
        else
            r->low = r->low << 8 | next_byte(r);
        r->range <<= 8;
    }
}

/* Of all values in the interval the one that ends in most zeros, which need not be
 * written. */
static void settle(struct mc_range *r)
{
    uint64_t last = r->low + r->range - 1;
    uint64_t mask = MC_RANGE_TOP - 1;

    while ((last & ~mask) < r->low)
        mask >>= 8;
    r->low = last & ~mask;
}

bool mc_range_close(struct mc_range *r)
{
    if (!r->writes)
        return r->pos >= r->in.len;
    settle(r);
    for (unsigned i = 0; i <= BYTES; i++)
        shift_out(r);
    if (r->out->err != 0)
        return false;
    while (r->out->len > r->start && r->out->ptr[r->out->len - 1] == 0)
        r->out->len--;
    return true;
}

/* ---- values ---- */

uint32_t mc_range_where(const struct mc_range *r, uint32_t total)
{
    uint64_t at = r->low / (r->range / total);

    return at < total ? (uint32_t)at : total - 1;
}

void mc_range_take(struct mc_range *r, uint32_t from, uint32_t count, uint32_t total)
{
    uint64_t unit = r->range / total;

    if (r->writes)
        r->low += unit * from;
    else
        r->low -= unit * from;
    /* What division leaves over goes to the last one. */
    r->range = from + count == total ? r->range - unit * from : unit * count;
    mc_range_shift(r);
}

void mc_chance_init(struct mc_chance *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        list[i] = (struct mc_chance){.one = 1u << 15};
}

bool mc_range_bit(struct mc_range *r, struct mc_chance *chance, bool bit)
{
    bit = mc_range_coin(r, chance->one, 1u << 16, bit);
    if (bit)
        chance->one =
            (uint16_t)(chance->one + (65536u - chance->one) / (chance->seen + 2u));
    else
        chance->one = (uint16_t)(chance->one - chance->one / (chance->seen + 2u));
    if (chance->one == 0)
        chance->one = 1;
    if (chance->seen < SEEN_MAX)
        chance->seen++;
    return bit;
}

uint32_t mc_range_bits(struct mc_range *r, uint32_t value, unsigned n)
{
    uint32_t out = 0;

    while (n > 0) {
        unsigned step = n < 16 ? n : 16;
        uint32_t part = value >> (n - step) & ((1u << step) - 1);

        if (!r->writes)
            part = mc_range_where(r, 1u << step);
        mc_range_take(r, part, 1, 1u << step);
        out = out << step | part;
        n -= step;
    }
    return out;
}

void mc_number_init(struct mc_number *number)
{
    mc_chance_init(number->length, 33);
    mc_chance_init(number->upper[0], 33 * MC_NUMBER_UPPER);
}

static unsigned length_of(uint32_t value)
{
    unsigned n = 0;

    for (; value != 0; value >>= 1)
        n++;
    return n;
}

uint32_t mc_range_number(struct mc_range *r, struct mc_number *number, uint32_t value)
{
    unsigned wanted = length_of(value);
    unsigned n = 0;
    uint32_t out = 1;
    unsigned upper;

    while (n < 32 && mc_range_bit(r, &number->length[n], n < wanted))
        n++;
    if (n < 2)
        return n;
    upper = n - 1 < MC_NUMBER_UPPER ? n - 1 : MC_NUMBER_UPPER;
    for (unsigned i = 0; i < upper; i++)
        out = out << 1 |
              mc_range_bit(r, &number->upper[n][i], (value >> (n - 2 - i) & 1) != 0);
    n -= 1 + upper; /* bits that are left */
    return n == 0 ? out : out << n | mc_range_bits(r, value, n);
}
