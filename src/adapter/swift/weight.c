/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/weight.c -- decimal text to millionths without a float. */
#include "adapter/swift/weight.h"

#include "base/limits.h"
#include "mcos/err.h"

#define MILLIONTH_DIGITS 6
#define EXPONENT_MAX     4096 /* beyond it every number is 0 or too large */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* What stands after the 'e', or 0. */
static long exponent(struct mc_bytes number, size_t at)
{
    bool negative = false;
    long v = 0;

    if (at < number.len && (number.ptr[at] == '+' || number.ptr[at] == '-'))
        negative = number.ptr[at++] == '-';
    for (; at < number.len; at++) {
        if (v < EXPONENT_MAX)
            v = v * 10 + (number.ptr[at] - '0');
    }
    return negative ? -v : v;
}

int mc_weight_of_number(struct mc_bytes number, uint64_t *ret_millionths)
{
    size_t end = 0; /* of the digits and the point */
    long scale = 0; /* digits before the point of millionths */
    bool point = false;
    bool zero = true;
    bool negative = number.len != 0 && number.ptr[0] == '-';
    uint64_t v = 0;
    long taken = 0;
    bool round_up = false;

    for (end = negative; end < number.len; end++) {
        uint8_t c = number.ptr[end];

        if (c == 'e' || c == 'E')
            break;
        point = point || c == '.';
        zero = zero && (c == '.' || c == '0');
        scale += !point;
    }
    if (zero) {
        *ret_millionths = 0;
        return 0;
    }
    if (negative)
        return MCOS_E_WEIGHT;
    scale += MILLIONTH_DIGITS + (end < number.len ? exponent(number, end + 1) : 0);
    for (size_t i = 0; i < end; i++) {
        if (!is_digit(number.ptr[i]))
            continue;
        if (taken == scale)
            round_up = number.ptr[i] >= '5';
        if (taken++ >= scale)
            continue;
        v = v * 10 + (number.ptr[i] - '0');
        if (v > MC_WEIGHT_MAX)
            return MCOS_E_WEIGHT;
    }
    for (; taken < scale; taken++) {
        v *= 10;
        if (v > MC_WEIGHT_MAX)
            return MCOS_E_WEIGHT;
    }
    v += round_up;
    if (v > MC_WEIGHT_MAX)
        return MCOS_E_WEIGHT;
    *ret_millionths = v == 0 ? 1 : v;
    return 0;
}
