/* SPDX-License-Identifier: Apache-2.0 */
/* node/decimal.c -- digits counted, not multiplied: see decimal.h. */
#include "node/decimal.h"

#include "mcos/err.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPONENT_MAX 100000 /* beyond it every number is 0 or too large */
#define PLACES       6      /* a millionth */

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

void mc_decimal_of_double(double value, char dst[MC_DECIMAL_TEXT_MAX])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(dst, MC_DECIMAL_TEXT_MAX, "%.*g", digits, value);
        if (strtod(dst, NULL) == value)
            break;
    }
    for (char *p = dst; *p != '\0'; p++) {
        if (!is_digit(*p) && strchr("+-einfa", *p) == NULL)
            *p = '.';
    }
}
