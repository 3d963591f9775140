/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/blob.h -- immutable bytes with a count of who holds them.
 *
 * A record's canonical bytes travel from a message to the file and to every
 * resolver without a copy; each holder keeps a reference. Counting is atomic.
 */
#ifndef MCOS_BASE_BLOB_H
#define MCOS_BASE_BLOB_H

#include "base/bytes.h"

struct mc_blob;

/* Copies. On success *ret_blob is yours (mc_blob_unref). Fails with NOMEM. */
int mc_blob_new(struct mc_bytes bytes, struct mc_blob **ret_blob);

/* Takes the buffer's memory (malloc'd) and leaves it empty. Fails with NOMEM or b->err.
 */
int mc_blob_from_buf(struct mc_buf *b, struct mc_blob **ret_blob);

/*
 * Bytes that somebody else keeps (a mapping): `release(ctx, bytes)` is called
 * when the last reference goes. Fails with NOMEM, then release is not called.
 */
int mc_blob_wrap(struct mc_bytes bytes,
                 void (*release)(void *ctx, struct mc_bytes bytes), void *ctx,
                 struct mc_blob **ret_blob);

struct mc_blob *mc_blob_ref(struct mc_blob *blob);
void mc_blob_unref(struct mc_blob *blob);                /* NULL is fine */
struct mc_bytes mc_blob_get(const struct mc_blob *blob); /* lent while you hold it */

/*
 * A mapping is immutable only as long as nobody writes into its file. Who finds out
 * that somebody did says so, once and for all; who read the bytes a moment ago asks
 * afterwards whether to believe them. Both from any thread, and from a handler of
 * signals.
 */
void mc_blob_spoil(struct mc_blob *blob);
bool mc_blob_spoilt(const struct mc_blob *blob);

#endif /* MCOS_BASE_BLOB_H */
