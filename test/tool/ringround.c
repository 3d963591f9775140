/* SPDX-License-Identifier: Apache-2.0 */
/* test/tool/ringround.c -- in, out, in again, out again. */
#include "ringround.h"

#include "adapter/swift/ringwrite.h"
#include "ring/lookup.h"
#include "ringload.h"

#include <stdlib.h>
#include <string.h>

/* NULL if it is refused. */
static struct mc_ring *read_ring(struct mc_bytes bytes, bool gz)
{
    struct mc_ring *ring = NULL;
    struct mc_draft draft;
    struct mc_buf extra = {0};
    struct mcos_diag diag;
    int err;

    mc_draft_init(&draft);
    err = (gz ? mc_ringgz_decode : mc_ringgz_decode_plain)(bytes, NULL, &draft, &extra,
                                                           &diag);
    /* Two devices of one name are found when it is encoded. */
    if (err == 0 && ringload_draft(&draft, &ring, &diag) != 0)
        ring = NULL;
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
    return ring;
}

static void ask(const struct mc_ring *ring)
{
    const struct mc_key key = {{(const uint8_t *)"a", 1}, {NULL, 0}, {NULL, 0}};
    const struct mc_secret secret = {{NULL, 0}, {(const uint8_t *)"s", 1}};
    uint32_t ids[8];
    uint32_t part;

    if (mc_lookup_part(ring, &secret, &key, &part) != 0 ||
        part >= mc_ring_part_count(ring) || mc_lookup_handoffs(ring, part, ids, 8) < 0)
        abort();
}

static void compare(const struct mc_ring *a, const struct mc_ring *b)
{
    const struct mc_head *x = mc_ring_head(a);
    const struct mc_head *y = mc_ring_head(b);

    if (x->assignments != y->assignments || x->device_count != y->device_count ||
        x->next_part_power != y->next_part_power ||
        memcmp(x->section[MC_SECTION_TABLE].sha256, y->section[MC_SECTION_TABLE].sha256,
               MC_SHA256_BYTES) != 0 ||
        memcmp(x->section[MC_SECTION_DEVICES].sha256,
               y->section[MC_SECTION_DEVICES].sha256, MC_SHA256_BYTES) != 0)
        abort();
}

static void round_trip(const struct mc_ring *ring, unsigned version)
{
    struct mc_buf out = {0};
    struct mc_buf again = {0};
    struct mc_ring *back;
    int err = mc_ringgz_encode(ring, version, &out, NULL, NULL);

    /* A device that Swift's servers could not use is read, and not written. */
    if (err == MCOS_E_VALUE) {
        mc_buf_fini(&out);
        return;
    }
    if (err != 0)
        abort();
    back = read_ring((struct mc_bytes){out.ptr, out.len}, true);
    if (back == NULL)
        abort();
    compare(ring, back);
    if (mc_ringgz_encode(back, version, &again, NULL, NULL) != 0 ||
        again.len != out.len || memcmp(again.ptr, out.ptr, out.len) != 0)
        abort();
    mc_ring_unref(back);
    mc_buf_fini(&out);
    mc_buf_fini(&again);
}

void ringround(struct mc_bytes bytes, bool gz)
{
    struct mc_ring *ring = read_ring(bytes, gz);

    if (ring == NULL)
        return;
    ask(ring);
    if (mc_ring_head(ring)->device_count <= MC_RINGGZ_DEVICES_MAX)
        round_trip(ring, MC_RINGGZ_V1);
    round_trip(ring, MC_RINGGZ_V2);
    mc_ring_unref(ring);
}
