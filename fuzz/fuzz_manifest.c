/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anybody may write under our keys in a memcached. What is taken as a manifest
 * has one spelling: encoded again it is the same bytes, and its pieces add up.
 */
#include "adapter/memcached/manifest.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A digest cannot be guessed: one input in two has its digest put right. */
static void mend(uint8_t *bytes, size_t size)
{
    size_t name_bytes = size < 106 ? 0 : mc_get_u16(bytes + 104);
    size_t at = 107 + name_bytes;

    if (size > at)
        mc_sha256(bytes + 32, (struct mc_bytes){bytes + at, size - at});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_manifest m;
    struct mc_buf bytes = {0};
    struct mc_buf again = {0};
    uint64_t sum = 0;
    int err;

    if (size == 0)
        return 0;
    mc_buf_put(&bytes, data + 1, size - 1);
    assert(bytes.err == 0);
    if ((data[0] & 1u) != 0)
        mend(bytes.ptr, bytes.len);
    err = mc_manifest_decode((struct mc_bytes){bytes.ptr, bytes.len}, &m);
    if (err == 0) {
        mc_manifest_encode(&again, &m);
        assert(again.len == bytes.len && memcmp(again.ptr, bytes.ptr, again.len) == 0);
        assert(again.len <= MC_MANIFEST_BYTES_MAX);
        for (uint32_t i = 0; i < m.piece_count; i++) {
            size_t n = mc_manifest_piece(&m, i);

            assert(n > 0 && n <= m.piece_bytes);
            sum += n;
        }
        assert(sum == m.record_bytes);
    } else {
        assert(err == MCOS_E_FORMAT || err == MCOS_E_DIGEST || err == MCOS_E_UPGRADE);
    }
    mc_buf_fini(&bytes);
    mc_buf_fini(&again);
    return 0;
}
