/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/decimal.h -- decimal text to millionths and back, without floats.
 *
 * A weight that an operator writes as 0.1 is 100000 millionths on every machine,
 * so the digits are counted, never multiplied in binary. Up to six decimals are
 * kept; more are rounded to the nearest millionth, an exact half to the even one.
 */
#ifndef MCOS_BASE_DECIMAL_H
#define MCOS_BASE_DECIMAL_H

#include <stdint.h>

#define MC_DECIMAL_TEXT_MAX 40u /* of a formatted number, with its NUL */

/*
 * Reads `digits[.digits][e[+-]digits]`, a minus sign allowed only before zero.
 * Fails with FORMAT (not a number: also nan and inf) and VALUE (negative, beyond
 * max millionths, or so small that it would become zero).
 */
int mc_decimal_parse(const char *text, uint64_t max, uint64_t *ret_millionths);

/* "3", "3.25": the shortest text of it. */
void mc_decimal_format(uint64_t millionths, char dst[MC_DECIMAL_TEXT_MAX]);

/*
 * A double as Python writes it: "0.1", "100.0", "1e-05", with a point whatever the
 * locale. From 1e-6 to 10^15 the shortest text that reads back as the same double;
 * outside of that one that does.
 */
void mc_decimal_of_double(double value, char dst[MC_DECIMAL_TEXT_MAX]);

#endif /* MCOS_BASE_DECIMAL_H */
