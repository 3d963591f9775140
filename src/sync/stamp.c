/* SPDX-License-Identifier: Apache-2.0 */
/* sync/stamp.c -- the one comparator (P1). */
#include "sync/stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int cmp_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int cmp_numbers(const struct mc_stamp *a, const struct mc_stamp *b)
{
    int c = cmp_u64(a->epoch, b->epoch);

    if (c == 0)
        c = cmp_u64(a->version, b->version);
    if (c == 0)
        c = cmp_u64(a->timestamp, b->timestamp);
    return c;
}

int mc_stamp_cmp(const struct mc_stamp *a, const struct mc_stamp *b)
{
    int c = cmp_numbers(a, b);

    return c != 0 ? c : memcmp(a->digest, b->digest, MC_DIGEST_BYTES);
}

int mc_stamp_cmp8(const struct mc_stamp *a, const struct mc_stamp *b)
{
    int c = cmp_numbers(a, b);

    return c != 0 ? c : memcmp(a->digest, b->digest, 8);
}

bool mc_stamp_dominates(const struct mc_stamp *a, const struct mc_stamp *b)
{
    return a->epoch == b->epoch && a->version > b->version &&
           a->timestamp > b->timestamp;
}

struct mc_stamp mc_stamp_of(const struct mc_head *head)
{
    struct mc_stamp stamp = {
        .epoch = head->epoch, .version = head->version, .timestamp = head->timestamp};

    memcpy(stamp.digest, head->digest, MC_DIGEST_BYTES);
    return stamp;
}

void mc_stamp_format(const struct mc_stamp *stamp, char dst[MC_STAMP_TEXT_MAX])
{
    char hex[9];

    mc_hex(hex, stamp->digest, 4);
    if (stamp->epoch == 0)
        (void)snprintf(dst, MC_STAMP_TEXT_MAX, "v%" PRIu64 ".%s", stamp->version, hex);
    else
        (void)snprintf(dst, MC_STAMP_TEXT_MAX, "e%u.v%" PRIu64 ".%s", stamp->epoch,
                       stamp->version, hex);
}
