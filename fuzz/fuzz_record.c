/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes may be given as a record. What opens is canonical: the same ring
 * encodes to the same bytes. Digests are not checked, or nothing would get past
 * them.
 */
#include "ring/draft.h"
#include "ring/front.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mc_blob *encode_again(const struct mc_ring *ring)
{
    const struct mc_builder_info *info = mc_ring_builder(ring);
    struct mc_draft draft;
    struct mc_blob *blob = NULL;
    size_t bytes = info->ancestor_count * sizeof(*info->ancestors);

    mc_draft_init(&draft);
    assert(mc_draft_from_ring(&draft, ring) == 0);
    draft.head = *mc_ring_head(ring);
    draft.ancestors = malloc(bytes + 1);
    assert(draft.ancestors != NULL);
    if (bytes != 0)
        memcpy(draft.ancestors, info->ancestors, bytes);
    draft.ancestor_count = info->ancestor_count;
    assert(mc_draft_encode(&draft, &blob, NULL) == 0);
    mc_draft_fini(&draft);
    return blob;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_blob *blob;
    struct mc_blob *again;
    struct mc_ring *ring = NULL;
    struct mcos_diag diag;
    struct mc_head head;

    struct mc_front front;
    int err = mc_head_decode((struct mc_bytes){data, size}, &head, &diag);

    /* What can be read has a front that can, and they say the same. */
    if (mc_front_decode((struct mc_bytes){data, size}, &front) != 0)
        assert(err != 0);
    else if (err == 0)
        assert(front.version == head.version && front.epoch == head.epoch &&
               memcmp(front.digest, head.digest, MC_DIGEST_BYTES) == 0);
    assert(mc_blob_new((struct mc_bytes){data, size}, &blob) == 0);
    if (mc_ring_open(blob, MC_CHECK_NONE, &ring, &diag) == 0) {
        const struct mc_head *h = mc_ring_head(ring);
        size_t from = 368; /* what follows does not depend on the digests */

        again = encode_again(ring);
        assert(mc_blob_get(again).len == size);
        assert(memcmp(mc_blob_get(again).ptr, data, 112) == 0);
        assert(memcmp(mc_blob_get(again).ptr + from, data + from, size - from) == 0);
        assert(mc_ring_divergence(ring, ring) == 0);
        assert(mc_ring_descends(ring, h) == MC_DESCENT_SAME);
        mc_blob_unref(again);
    }
    mc_ring_unref(ring);
    mc_blob_unref(blob);
    return 0;
}
