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

struct mc_stamp mc_stamp_of_front(const struct mc_front *front)
{
    struct mc_stamp stamp = {.epoch = front->epoch,
                             .version = front->version,
                             .timestamp = front->timestamp};

    memcpy(stamp.digest, front->digest, MC_DIGEST_BYTES);
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

void mc_stamp_write(const struct mc_stamp *stamp, char dst[MC_STAMP_FULL_MAX])
{
    char hex[2 * MC_DIGEST_BYTES + 1];

    mc_hex(hex, stamp->digest, MC_DIGEST_BYTES);
    (void)snprintf(dst, MC_STAMP_FULL_MAX, "e%u.v%llu.t%llu.%s", stamp->epoch,
                   (unsigned long long)stamp->version,
                   (unsigned long long)stamp->timestamp, hex);
}

/* A letter, a decimal number without needless zeros of at most `max`, a dot. */
static bool read_number(struct mc_reader *r, char letter, uint64_t max,
                        uint64_t *ret_value)
{
    uint64_t value = 0;
    unsigned digits = 0;
    uint8_t c;

    if (mc_reader_u8(r) != (uint8_t)letter)
        return false;
    for (c = mc_reader_u8(r); c >= '0' && c <= '9'; c = mc_reader_u8(r)) {
        if (digits > 0 && value == 0)
            return false;
        if (value > (max - (c - (unsigned)'0')) / 10)
            return false;
        value = value * 10 + (c - (unsigned)'0');
        digits++;
    }
    if (r->bad || digits == 0 || c != '.')
        return false;
    *ret_value = value;
    return true;
}

bool mc_stamp_read(struct mc_bytes text, struct mc_stamp *ret_stamp)
{
    struct mc_reader r = mc_reader_init(text);
    struct mc_stamp stamp;
    struct mc_bytes digits;
    char hex[2 * MC_DIGEST_BYTES + 1];
    uint64_t epoch;

    if (!read_number(&r, 'e', MC_EPOCH_MAX, &epoch) ||
        !read_number(&r, 'v', MC_VERSION_MAX, &stamp.version) ||
        !read_number(&r, 't', MC_TIMESTAMP_MAX, &stamp.timestamp))
        return false;
    digits = mc_reader_take(&r, 2 * MC_DIGEST_BYTES);
    if (r.bad || mc_reader_left(&r) != 0)
        return false;
    memcpy(hex, digits.ptr, digits.len);
    hex[digits.len] = '\0';
    if (!mc_unhex(stamp.digest, hex, MC_DIGEST_BYTES))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (hex[i] >= 'A' && hex[i] <= 'F') /* one stamp, one text */
            return false;
    }
    stamp.epoch = (uint16_t)epoch;
    *ret_stamp = stamp;
    return true;
}
