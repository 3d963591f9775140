/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/source.h -- the uncompressed stream of a ring file, read in bounded
 * steps, compressed or not.
 *
 * A step never makes more than was asked for, so a bomb stops at the first byte too
 * many. Positions count uncompressed bytes.
 */
#ifndef MCOS_ADAPTER_SWIFT_SOURCE_H
#define MCOS_ADAPTER_SWIFT_SOURCE_H

#define ZLIB_CONST /* zlib promises not to write to its input */

#include "base/bytes.h"
#include "mcos/err.h"

#include <openssl/evp.h>
#include <zlib.h>

struct mc_source {
    struct mc_bytes bytes; /* all of the file, borrowed */
    bool gz;
    bool ended; /* of the gzip member */
    z_stream z;
    uint64_t pos;       /* of the next byte */
    uint64_t limit;     /* nothing is read from here on */
    EVP_MD_CTX *digest; /* is told every byte that is read; NULL: nobody is */
    struct mcos_diag *diag;
};

/* Gives the memory back with mc_source_fini(), on failure too. Fails with NOMEM. */
int mc_source_init(struct mc_source *s, struct mc_bytes bytes, bool gz,
                   struct mcos_diag *diag);
void mc_source_fini(struct mc_source *s);

/* Fills the diag, the position included, and returns code. */
int mc_source_fail(const struct mc_source *s, int code, const char *field,
                   const char *text);

/* As many as there are before the limit, up to n bytes. Fails with FORMAT, NOMEM. */
int mc_source_read(struct mc_source *s, uint8_t *dst, size_t n, size_t *ret_n);
/* Exactly n. */
int mc_source_exact(struct mc_source *s, uint8_t *dst, size_t n);
/* Goes to a position, from the start again if it was passed. */
int mc_source_seek(struct mc_source *s, uint64_t pos);
/* Reads on to the end, at most `max` bytes in all, and keeps the last n <= 64 of them
 * (zeros before the first). Fails with TOOBIG, and as reading does. */
int mc_source_last(struct mc_source *s, uint64_t max, uint8_t *dst, size_t n);

/* Could the rest of the file hold n more bytes? Asked before memory is taken. */
bool mc_source_may_hold(const struct mc_source *s, uint64_t n);
/* Nothing is left, before the end of the stream or after it. */
int mc_source_end(struct mc_source *s);

#endif /* MCOS_ADAPTER_SWIFT_SOURCE_H */
