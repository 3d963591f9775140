/* SPDX-License-Identifier: Apache-2.0 */
/* base/system.c -- the id of a system. */
#include "base/system.h"

#include "base/hash.h"

#include <string.h>

void mc_system_id(const char *name, uint8_t ret[MC_UID_BYTES])
{
    static const char label[] = "mcos system ";
    const struct mc_bytes parts[] = {{(const uint8_t *)label, sizeof(label) - 1},
                                     {(const uint8_t *)name, strlen(name)}};
    uint8_t digest[MC_SHA256_BYTES];

    mc_sha256_parts(digest, parts, 2);
    memcpy(ret, digest, MC_UID_BYTES);
}
