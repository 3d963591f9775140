/* SPDX-License-Identifier: Apache-2.0 */
/* base/decimal.c -- digits counted, not multiplied: see decimal.h. */
#include "base/decimal.h"

#include "mcos/err.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define EXPONENT_MAX 100000 /* beyond it every number is 0 or too large */
#define PLACES       6      /* a millionth */
#define EXACT_PLACES 22     /* 2^54 * 10^22 has 128 bits */

__extension__ typedef unsigned __int128 wide;

/* 0.d1d2d3... times 10^point; d1 is not 0. The digits are those of the text, so
 * they are read through `at`, which skips the point. */
struct number {
    const char *digits; /* first significant digit in the text */
    size_t count;       /* significant digits */
    long point;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads [e[+-]digits] at the end of a number; false if it is not one. */
static bool read_exponent(const char *p, long *ret)
{
    bool minus = false;
    long value = 0;

    *ret = 0;
    if (*p == '\0')
        return true;
    if (*p != 'e' && *p != 'E')
        return false;
    p++;
    if (*p == '+' || *p == '-')
        minus = *p++ == '-';
    if (!is_digit(*p))
        return false;
    for (; is_digit(*p); p++) {
        if (value < EXPONENT_MAX)
            value = value * 10 + (*p - '0');
    }
    *ret = minus ? -value : value;
    return *p == '\0';
}

static bool read_number(const char *p, struct number *ret)
{
    struct number n = {0};
    long exponent;
    long whole = 0; /* significant digits before the point */
    long zeros = 0; /* zeros right after it, before the first other digit */
    bool some = false;

    if (*p == '-') {
        n.negative = true;
        p++;
    }
    for (; is_digit(*p); p++) {
        some = true;
        if (n.count == 0 && *p == '0')
            continue;
        if (n.count++ == 0)
            n.digits = p;
        whole++;
    }
    if (*p == '.') {
        p++;
        if (!some || !is_digit(*p))
            return false;
        for (; is_digit(*p); p++) {
            if (n.count == 0 && *p == '0') {
                zeros++;
                continue;
            }
            if (n.count++ == 0)
                n.digits = p;
        }
    }
    if (!some || !read_exponent(p, &exponent))
        return false;
    n.point = whole - zeros + exponent;
    *ret = n;
    return true;
}

/* The next digit of the text, the point skipped; 0 when there are no more. */
static unsigned next_digit(const char **p, size_t *left)
{
    if (*left == 0)
        return 0;
    if (**p == '.')
        (*p)++;
    (*left)--;
    return (unsigned)(*(*p)++ - '0');
}

int mc_decimal_parse(const char *text, uint64_t max, uint64_t *ret_millionths)
{
    struct number n;
    const char *p;
    size_t left;
    uint64_t value = 0;
    unsigned next;
    bool more = false;

    if (!read_number(text, &n))
        return MCOS_E_FORMAT;
    if (n.count == 0) {
        *ret_millionths = 0;
        return 0;
    }
    if (n.negative || n.point > 19 - PLACES)
        return MCOS_E_VALUE;
    if (n.point + PLACES < 0)
        return MCOS_E_VALUE; /* it is not zero and must not become it */
    p = n.digits;
    left = n.count;
    for (long i = 0; i < n.point + PLACES; i++)
        value = value * 10 + next_digit(&p, &left);
    next = next_digit(&p, &left);
    while (left > 0) {
        if (next_digit(&p, &left) != 0)
            more = true;
    }
    if (next > 5 || (next == 5 && (more || value % 2 == 1)))
        value++;
    if (value == 0 || value > max)
        return MCOS_E_VALUE;
    *ret_millionths = value;
    return 0;
}

void mc_decimal_format(uint64_t millionths, char dst[MC_DECIMAL_TEXT_MAX])
{
    size_t len;

    if (millionths % 1000000 == 0) {
        (void)snprintf(dst, MC_DECIMAL_TEXT_MAX, "%" PRIu64, millionths / 1000000);
        return;
    }
    (void)snprintf(dst, MC_DECIMAL_TEXT_MAX, "%" PRIu64 ".%06" PRIu64,
                   millionths / 1000000, millionths % 1000000);
    len = strlen(dst);
    while (dst[len - 1] == '0')
        dst[--len] = '\0';
}

/*
 * Is value, rounded to that many digits, nearer to it than to its neighbours? Then
 * the digits read back as value. In whole numbers: with value = m / 2^shift and the
 * digits = d / 10^places, |d * 2^shift - m * 10^places| is under half of 10^places.
 * False too where 128 bits do not hold these. (Under a power of two the neighbour is
 * closer than that; no power in reach has digits to round there.)
 */
static bool reads_back(double value, int digits)
{
    char text[MC_DECIMAL_TEXT_MAX];
    const char *p = text;
    uint64_t bits;
    uint64_t m;
    uint64_t d = 0;
    int shift;
    long exponent;
    long places;
    wide half = 1;
    wide a;
    wide b;

    memcpy(&bits, &value, sizeof(bits));
    m = (bits & ((1ull << 52) - 1)) | 1ull << 52;
    shift = 1075 - (int)(bits >> 52 & 0x7ff);
    (void)snprintf(text, sizeof(text), "%.*e", digits - 1, value);
    for (; *p != 'e' && *p != '\0'; p++) {
        if (is_digit(*p))
            d = d * 10 + (uint64_t)(*p - '0');
    }
    if (!read_exponent(p, &exponent))
        return false;
    places = digits - 1 - exponent;
    if (d == 0 || shift < 0 || places < 0 || places > EXACT_PLACES)
        return false;
    for (long i = 0; i < places; i++)
        half *= 10;
    a = (wide)d << (shift + 1);
    b = (wide)m * 2 * half;
    return (a > b ? a - b : b - a) < half;
}

void mc_decimal_of_double(double value, char dst[MC_DECIMAL_TEXT_MAX])
{
    int digits = 15;
    bool whole = true;

    while (digits < 17 && !reads_back(value, digits))
        digits++;
    (void)snprintf(dst, MC_DECIMAL_TEXT_MAX, "%.*g", digits, value);
    for (char *p = dst; *p != '\0'; p++) {
        if (!is_digit(*p) && strchr("+-einfa", *p) == NULL)
            *p = '.';
        whole = whole && (is_digit(*p) || *p == '-');
    }
    if (whole)
        (void)memcpy(dst + strlen(dst), ".0", 3);
}
