/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/fuzz_ringv2.c -- what stands in the sections of version 2, behind checksums that
 * are right: a byte that no checksum lets through is never looked at otherwise.
 *
 * The input is the metadata, a zero byte, the devices, a zero byte, the table.
 */
#include "ringround.h"
#include "ringv2make.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Up to the next zero byte, which is passed over. */
static struct mc_bytes cut(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *zero = *p < end ? memchr(*p, 0, (size_t)(end - *p)) : NULL;
    struct mc_bytes part = {*p, (size_t)((zero == NULL ? end : zero) - *p)};

    *p = zero == NULL ? end : zero + 1;
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *p = data;
    const uint8_t *end = data + size;
    struct ringv2make parts = {.to = NULL};
    struct mc_buf plain = {0};

    parts.metadata = cut(&p, end);
    parts.devices = cut(&p, end);
    parts.table = (struct mc_bytes){p, (size_t)(end - p)};
    ringv2make(&plain, &parts);
    ringround((struct mc_bytes){plain.ptr, plain.len}, false);
    mc_buf_fini(&plain);
    return 0;
}
