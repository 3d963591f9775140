/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may come as a stamp. What is taken is the one spelling we write. */
#include "sync/stamp.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_stamp stamp;
    char text[MC_STAMP_FULL_MAX];

    if (!mc_stamp_read((struct mc_bytes){data, size}, &stamp))
        return 0;
    mc_stamp_write(&stamp, text);
    assert(strlen(text) == size && memcmp(text, data, size) == 0);
    return 0;
}
