/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/fuzz_view.c -- any record whose sums are right, opened for look-ups only: its
 * table may say anything, and what is asked of a view still comes back safely.
 */
#include "resolver/view.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define SECTIONS_AT 112u /* docs/format.md */
#define SECTION     64u
#define XXH3_AT     48u /* in a row of the section table */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes with the sums that they should have. */
static struct mc_blob *mend(const uint8_t *data, size_t size)
{
    struct mc_blob *blob = NULL;
    struct mc_head head;
    uint8_t *bytes;

    if (mc_head_decode((struct mc_bytes){data, size}, &head, NULL) != 0 ||
        head.record_bytes != size)
        return NULL;
    bytes = malloc(size);
    if (bytes == NULL)
        abort();
    memcpy(bytes, data, size);
    for (unsigned s = 0; s < MC_SECTION_COUNT; s++)
        mc_xxh3_128(bytes + SECTIONS_AT + s * SECTION + XXH3_AT,
                    (struct mc_bytes){bytes + head.section[s].offset,
                                      (size_t)head.section[s].bytes});
    if (mc_blob_new((struct mc_bytes){bytes, size}, &blob) != 0)
        abort();
    free(bytes);
    return blob;
}

static void ask(const struct mcos_view *view)
{
    const struct mcos_view_info *info = mcos_view_info(view);
    const struct mcos_key key = mcos_key("AUTH_a", "c", "o");
    uint32_t ids[64];
    struct mcos_answer answer;
    struct mcos_device device;

    (void)mcos_view_lookup(view, &key, MCOS_ACTIVE_FIRST, &answer);
    for (uint32_t p = 0; p < info->partitions && p < 64; p++) {
        int count;

        if (mcos_view_partition(view, p, MCOS_ACTIVE_FIRST, &answer) != 0)
            continue;
        for (unsigned i = 0; i < answer.device_count; i++) {
            if (answer.devices[i] >= info->device_slots)
                abort();
            if (mcos_view_device(view, answer.devices[i], &device) == 0 &&
                strlen(device.name) > MC_TEXT_MAX)
                abort();
        }
        count = mcos_view_handoffs(view, p, 64, ids);
        for (int i = 0; i < count; i++) {
            if (ids[i] >= info->device_slots)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mc_secret secret = {{(const uint8_t *)"pre", 3}, {NULL, 0}};
    struct mc_times times = {0};
    struct mc_view_parts parts = {.times = &times};
    struct mcos_view *view = NULL;
    struct mc_ring *ring = NULL;
    struct mc_blob *blob = mend(data, size);

    if (blob == NULL)
        return 0;
    if (mc_ring_open(blob, MC_CHECK_LOOKUP, &ring, NULL) == 0) {
        if (mc_map_new(ring, &secret, "", &parts.map) != 0 ||
            mc_view_new(&parts, &view) != 0)
            abort();
        ask(view);
        mc_view_free(view);
        mc_map_unref(parts.map);
    }
    mc_blob_unref(blob);
    return 0;
}
