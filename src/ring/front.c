/* SPDX-License-Identifier: Apache-2.0 */
/* ring/front.c -- reads what every format has in common. */
#include "ring/front.h"

#include "ring/layout.h"

#include <string.h>

int mc_front_decode(struct mc_bytes bytes, struct mc_front *ret_front)
{
    struct mc_reader r = mc_reader_init(bytes);
    struct mc_bytes magic = mc_reader_take(&r, MC_MAGIC_BYTES);
    struct mc_front f = {.format = mc_reader_u16(&r)};
    struct mc_bytes system;

    (void)mc_reader_u16(&r); /* flags: each format has its own */
    f.head_bytes = mc_reader_u32(&r);
    system = mc_reader_take(&r, MC_UID_BYTES);
    (void)mc_reader_take(&r, 2u * MC_UID_BYTES); /* uid, operation */
    f.version = mc_reader_u64(&r);
    f.timestamp = mc_reader_u64(&r);
    f.epoch = mc_reader_u16(&r);
    if (r.bad || memcmp(magic.ptr, MC_MAGIC, MC_MAGIC_BYTES) != 0 || f.format == 0)
        return MCOS_E_FORMAT;
    if (f.head_bytes > MC_HEAD_BYTES_MAX)
        return MCOS_E_TOOBIG;
    if (f.head_bytes < r.pos || f.head_bytes > bytes.len)
        return MCOS_E_FORMAT;
    if (f.version < 1 || f.version > MC_VERSION_MAX || f.timestamp < 1 ||
        f.timestamp > MC_TIMESTAMP_MAX)
        return MCOS_E_VALUE;
    memcpy(f.system, system.ptr, MC_UID_BYTES);
    mc_sha256(f.digest, (struct mc_bytes){bytes.ptr, f.head_bytes});
    *ret_front = f;
    return 0;
}
