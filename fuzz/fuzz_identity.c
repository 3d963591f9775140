/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may stand in cluster.id. What is taken is the one spelling we write. */
#include "adapter/file/identity.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_identity identity;
    struct mc_identity again;
    struct mcos_diag diag;
    char text[MC_IDENTITY_BYTES_MAX];

    if (mc_identity_parse((struct mc_bytes){data, size}, &identity, &diag) != 0)
        return 0;
    mc_identity_format(&identity, text);
    assert(strlen(text) == size && memcmp(text, data, size) == 0);
    assert(mc_identity_parse((struct mc_bytes){(const uint8_t *)text, size}, &again,
                             NULL) == 0);
    assert(memcmp(&identity.uid, &again.uid, sizeof(again.uid)) == 0);
    assert(strcmp(identity.name.s, again.name.s) == 0);
    return 0;
}
