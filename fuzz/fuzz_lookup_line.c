/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_lookup_line.c -- any bytes as a line of `mcos lookup --stdin`. */
#include "app/lookup_lines.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A part is absent, or lies in the line and holds no tab. */
static void check_part(struct mc_bytes part, const uint8_t *data, size_t size)
{
    if (part.ptr == NULL)
        return;
    if (part.ptr < data || part.len == 0 || part.len > size ||
        part.ptr + part.len > data + size || memchr(part.ptr, '\t', part.len) != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_key key;

    if (mc_lookup_line((struct mc_bytes){data, size}, &key, NULL) != 0)
        return 0;
    if (key.account.ptr == NULL ||
        (key.object.ptr != NULL && key.container.ptr == NULL))
        abort();
    check_part(key.account, data, size);
    check_part(key.container, data, size);
    check_part(key.object, data, size);
    return 0;
}
