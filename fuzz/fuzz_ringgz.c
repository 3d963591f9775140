/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/fuzz_ringgz.c -- ring files, compressed and not. What is accepted must be
 * whole: it must encode, open with every check and answer a look-up.
 */
#include "adapter/swift/ringgz.h"
#include "ring/lookup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct mc_draft *draft)
{
    const struct mc_key key = {{(const uint8_t *)"a", 1}, {NULL, 0}, {NULL, 0}};
    const struct mc_secret secret = {{NULL, 0}, {(const uint8_t *)"s", 1}};
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    uint32_t ids[8];
    uint32_t part;

    if (!mc_name_set(&draft->head.name, "fuzz") ||
        mc_draft_mint(draft, NULL, NULL, 0, 1) != 0)
        abort();
    draft->head.uid[0] = 1;
    /* Two devices of one name are found here. */
    if (mc_draft_encode(draft, &blob, NULL) != 0)
        return;
    if (mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL) != 0 ||
        mc_lookup_part(ring, &secret, &key, &part) != 0 ||
        part >= mc_ring_part_count(ring) || mc_lookup_handoffs(ring, part, ids, 8) < 0)
        abort();
    mc_ring_unref(ring);
    mc_blob_unref(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int gz = 0; gz < 2; gz++) {
        struct mc_draft draft;
        struct mc_buf extra = {0};
        struct mcos_diag diag;
        int err;

        mc_draft_init(&draft);
        err = (gz ? mc_ringgz_decode : mc_ringgz_decode_plain)(
            (struct mc_bytes){data, size}, NULL, &draft, &extra, &diag);
        if (err == 0)
            ask(&draft);
        mc_draft_fini(&draft);
        mc_buf_fini(&extra);
    }
    return 0;
}
