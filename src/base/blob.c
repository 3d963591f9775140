/* SPDX-License-Identifier: Apache-2.0 */
/* base/blob.c -- reference-counted immutable bytes. */
#include "base/blob.h"

#include "mcos/err.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct mc_blob {
    atomic_uint refs;
    atomic_bool spoilt;
    struct mc_bytes bytes;
    void (*release)(void *ctx, struct mc_bytes bytes);
    void *ctx;
};

static void release_heap(void *ctx, struct mc_bytes bytes)
{
    (void)bytes;
    free(ctx);
}

int mc_blob_wrap(struct mc_bytes bytes,
                 void (*release)(void *ctx, struct mc_bytes bytes), void *ctx,
                 struct mc_blob **ret_blob)
{
    struct mc_blob *blob = malloc(sizeof(*blob));

    if (blob == NULL)
        return MCOS_E_NOMEM;
    atomic_init(&blob->refs, 1u);
    atomic_init(&blob->spoilt, false);
    blob->bytes = bytes;
    blob->release = release;
    blob->ctx = ctx;
    *ret_blob = blob;
    return 0;
}

int mc_blob_new(struct mc_bytes bytes, struct mc_blob **ret_blob)
{
    uint8_t *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    int err;

    if (copy == NULL)
        return MCOS_E_NOMEM;
    if (bytes.len != 0)
        memcpy(copy, bytes.ptr, bytes.len);
    err =
        mc_blob_wrap((struct mc_bytes){copy, bytes.len}, release_heap, copy, ret_blob);
    if (err != 0)
        free(copy);
    return err;
}

int mc_blob_from_buf(struct mc_buf *b, struct mc_blob **ret_blob)
{
    int err = b->err;

    if (err == 0)
        err = mc_blob_wrap((struct mc_bytes){b->ptr, b->len}, release_heap, b->ptr,
                           ret_blob);
    if (err != 0)
        return err;
    *b = (struct mc_buf){.max = b->max};
    return 0;
}

struct mc_blob *mc_blob_ref(struct mc_blob *blob)
{
    unsigned before = atomic_fetch_add_explicit(&blob->refs, 1u, memory_order_relaxed);

    assert(before > 0);
    return blob;
}

void mc_blob_unref(struct mc_blob *blob)
{
    unsigned before;

    if (blob == NULL)
        return;
    before = atomic_fetch_sub_explicit(&blob->refs, 1u, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    if (blob->release != NULL)
        blob->release(blob->ctx, blob->bytes);
    free(blob);
}

struct mc_bytes mc_blob_get(const struct mc_blob *blob)
{
    return blob->bytes;
}

void mc_blob_spoil(struct mc_blob *blob)
{
    atomic_store_explicit(&blob->spoilt, true, memory_order_seq_cst);
}

bool mc_blob_spoilt(const struct mc_blob *blob)
{
    return atomic_load_explicit(&blob->spoilt, memory_order_acquire);
}
