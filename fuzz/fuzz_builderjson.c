/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_builderjson.c -- a builder's state for a small ring, and a body of both. */
#include "adapter/swift/builderjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int joined = 0; joined < 2; joined++) {
        struct mc_draft draft;
        struct mc_buf extra = {0};
        struct mcos_diag diag;

        mc_draft_init(&draft);
        draft.head.part_power = 2;
        draft.head.assignments = 10;
        if (joined)
            (void)mc_builderjson_decode((struct mc_bytes){data, size}, NULL, &draft,
                                        &extra, &diag);
        else
            (void)mc_builderjson_read((struct mc_bytes){data, size}, &draft, &diag);
        mc_draft_fini(&draft);
        mc_buf_fini(&extra);
    }
    return 0;
}
