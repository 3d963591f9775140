/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/jscan.h -- reads JSON front to back, without a tree.
 *
 * A ring file's JSON comes from outside and may be large. The scanner holds no
 * more than its place in the text, so no text can make it need memory; and it
 * gives numbers and unknown values as the very bytes that were written.
 *
 * The first error sticks (`err`, and `diag` with the place) and from then on all
 * calls yield nothing, so a caller checks once.
 */
#ifndef MCOS_ADAPTER_SWIFT_JSCAN_H
#define MCOS_ADAPTER_SWIFT_JSCAN_H

#include "base/bytes.h"
#include "mcos/err.h"

#define MC_JSCAN_DEPTH_MAX 16u /* nesting of a value that is skipped */
#define MC_JSCAN_KEY_MAX   255u

struct mc_jscan {
    const uint8_t *ptr;
    size_t len;
    size_t pos;
    size_t base; /* offset of the text in its file, for the diag */
    int err;
    struct mcos_diag *diag; /* may be NULL */
    char where[128];        /* JSON pointer of what is being read; the caller's */
};

struct mc_jscan mc_jscan_init(struct mc_bytes text, size_t base,
                              struct mcos_diag *diag);

/* Sets err and diag, unless an error stands already. */
void mc_jscan_fail(struct mc_jscan *j, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* First byte of the next value, or 0 at the end or after an error. */
uint8_t mc_jscan_peek(struct mc_jscan *j);

/* Takes the opening '{' or '['; another byte is an error. */
void mc_jscan_enter(struct mc_jscan *j, char open);

/*
 * Whether another member or element follows; takes the comma or the closing
 * byte. `count` is how many have been read.
 */
bool mc_jscan_more(struct mc_jscan *j, char close, size_t count);

/* A key, unescaped into dst, and the colon after it. Returns the key as it is
 * written, with its quotes; lent by the text. */
struct mc_bytes mc_jscan_key(struct mc_jscan *j, char dst[MC_JSCAN_KEY_MAX + 1]);

/* A text as UTF-8 of fewer than cap bytes (else TOOBIG), without NUL (else VALUE). */
void mc_jscan_text(struct mc_jscan *j, char *dst, size_t cap);

/* A number as it is written; lent by the text. */
struct mc_bytes mc_jscan_number(struct mc_jscan *j);
/* A whole number of 0 .. max (else VALUE). */
uint64_t mc_jscan_whole(struct mc_jscan *j, uint64_t max);

/* Any value; lent by the text, checked to be JSON, at most MC_JSCAN_DEPTH_MAX deep. */
struct mc_bytes mc_jscan_value(struct mc_jscan *j);

/* Nothing but white space may be left. */
void mc_jscan_end(struct mc_jscan *j);

#endif /* MCOS_ADAPTER_SWIFT_JSCAN_H */
