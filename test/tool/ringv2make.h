/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/tool/ringv2make.h -- ring files of version 2 by hand, uncompressed, whole or
 * wrong in one place; for tests and the fuzzer.
 */
#ifndef MCOS_TEST_RINGV2MAKE_H
#define MCOS_TEST_RINGV2MAKE_H

#include "base/bytes.h"

struct ringv2make {
    struct mc_bytes metadata;
    struct mc_bytes devices;
    struct mc_bytes table;
    const char *method; /* of the checksums; NULL: sha256 */
    const char *from;   /* in the index, this text ... */
    const char *to;     /* ... becomes that one; NULL: it stays */
    int64_t off;        /* added to the place of the index */
};

/* Appends the stream, its checksums right; b->err tells. */
void ringv2make(struct mc_buf *b, const struct ringv2make *parts);

#endif /* MCOS_TEST_RINGV2MAKE_H */
