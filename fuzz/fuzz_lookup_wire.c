/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_lookup_wire.c -- any bytes as a batch of look-ups: its names lie in it one
 * after another, however many are read at once, or it is refused. */
#include "service/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 7u

/* The bytes of a name, all of which lie in the body. */
static size_t check_name(struct mcos_bytes name, const uint8_t *data, size_t size)
{
    const uint8_t *p = name.ptr;

    if (p < data || name.len > size || p + name.len > data + size)
        abort();
    return name.len;
}

/* How many names there are, and the sum of what they are; -1: refused. */
static long read_all(struct mc_bytes body, size_t most, size_t *ret_bytes)
{
    struct mc_wire_question q;
    struct mcos_key keys[MOST];
    size_t count;
    long total = 0;

    *ret_bytes = 0;
    if (mc_wire_open(body, &q, NULL) != 0)
        return -1;
    for (;;) {
        if (mc_wire_next(&q, most, keys, &count, NULL) != 0) {
            *ret_bytes = 0;
            return -1;
        }
        if (count == 0)
            break;
        if (count > most)
            abort();
        for (size_t i = 0; i < count; i++) {
            if (keys[i].account.len == 0 || keys[i].container.len != 0 ||
                keys[i].object.len != 0)
                abort();
            *ret_bytes += check_name(keys[i].account, body.ptr, body.len);
        }
        total += (long)count;
    }
    if ((uint32_t)total != q.count ||
        MC_WIRE_QUESTION_HEAD + 6 * (size_t)total + *ret_bytes != body.len)
        abort();
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mc_bytes body = {data, size};
    size_t one;
    size_t some;

    if (read_all(body, 1, &one) != read_all(body, MOST, &some) || one != some)
        abort();
    return 0;
}
