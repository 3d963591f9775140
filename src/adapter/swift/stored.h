/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/stored.h -- a gzip file whose blocks are stored, not compressed.
 *
 * Compressed bytes depend on the library that made them and on its version; these
 * follow from the content alone. No name, no time (docs/adr/0012).
 */
#ifndef MCOS_ADAPTER_SWIFT_STORED_H
#define MCOS_ADAPTER_SWIFT_STORED_H

#include "base/bytes.h"

struct mc_stored {
    struct mc_buf *out; /* borrowed; out->err tells */
    size_t block;       /* where the head of the open block is */
    size_t block_bytes; /* in it so far; 0: none is open */
    bool flushed;       /* nothing was put since */
    uint32_t crc;
    uint64_t total; /* uncompressed bytes so far */
};

/* Room that n bytes with so many flushes take, at most. */
size_t mc_stored_bound(size_t n, unsigned flushes);

void mc_stored_begin(struct mc_stored *s, struct mc_buf *out);
void mc_stored_put(struct mc_stored *s, const void *src, size_t n);
/* Ends the block, if one is open; what follows can be read without what is before it.
 * An empty block says so, as deflate's full flush does. */
void mc_stored_flush(struct mc_stored *s);
void mc_stored_end(struct mc_stored *s);

#endif /* MCOS_ADAPTER_SWIFT_STORED_H */
