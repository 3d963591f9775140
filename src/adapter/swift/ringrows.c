/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringrows.c -- row after row of ids, into a table by partition. */
#include "adapter/swift/ringrows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_IDS 32768u

/* Puts one id in its place, if it may stand there. */
static int place(const struct mc_source *s, struct mc_draft *draft, unsigned stride,
                 unsigned row, uint32_t part, uint32_t id)
{
    uint32_t *of_part = draft->table + (size_t)part * stride;
    char text[96];

    if (id >= draft->device_count || draft->devices[id].removed) {
        snprintf(text, sizeof(text), "partition %u is on device %u, which is not there",
                 part, id);
        return mc_source_fail(s, MCOS_E_DEVICE, "/devs", text);
    }
    for (unsigned i = 0; i < row; i++) {
        if (of_part[i] == id) {
            snprintf(text, sizeof(text), "partition %u is on device %u twice", part,
                     id);
            return mc_source_fail(s, MCOS_E_DEVICE, "/devs", text);
        }
    }
    of_part[row] = id;
    return 0;
}

/* What does not fit 32 bits is no device's id either. */
static uint32_t read_id(const uint8_t *p, size_t width, bool big_endian)
{
    uint64_t id = 0;

    for (size_t i = 0; i < width; i++)
        id = id << 8 | p[big_endian ? i : width - 1 - i];
    return id < MC_DEVICE_NONE ? (uint32_t)id : MC_DEVICE_NONE;
}

/* One row; *ret_ids is how many ids it had. */
static int read_row(struct mc_source *s, const struct mc_ringjson *shape, unsigned row,
                    struct mc_draft *draft, uint8_t *chunk, uint32_t *ret_ids)
{
    const uint32_t parts = 1u << shape->part_power;
    const size_t width = shape->id_bytes;
    uint32_t part = 0;

    while (part < parts) {
        uint32_t want = parts - part < CHUNK_IDS ? parts - part : CHUNK_IDS;
        size_t got = 0;
        int err = mc_source_read(s, chunk, (size_t)want * width, &got);

        if (err != 0)
            return err;
        if (got % width != 0)
            return mc_source_fail(s, MCOS_E_FORMAT, "",
                                  "half an id at the end of a row");
        for (size_t i = 0; i < got / width; i++) {
            uint32_t id = read_id(chunk + width * i, width, shape->big_endian);

            err = place(s, draft, shape->rows, row, part + (uint32_t)i, id);
            if (err != 0) {
                if (s->diag != NULL)
                    s->diag->offset -= (long long)(got - width * i);
                return err;
            }
        }
        part += (uint32_t)(got / width);
        if (got / width != want)
            break;
    }
    *ret_ids = part;
    return 0;
}

/* A last row without a single id takes no place in the table. */
static void drop_last_column(uint32_t *table, uint32_t parts, unsigned rows)
{
    for (uint32_t part = 0; part < parts; part++)
        memmove(table + (size_t)part * (rows - 1), table + (size_t)part * rows,
                (rows - 1) * sizeof(*table));
}

/* No partition is twice on one device, so more whole rows cannot be right. */
static bool too_few_devices(const struct mc_draft *draft, unsigned whole_rows)
{
    unsigned live = 0;

    for (uint32_t id = 0; id < draft->device_count && live < whole_rows; id++)
        live += !draft->devices[id].removed;
    return live < whole_rows;
}

int mc_ringrows_read(struct mc_source *s, const struct mc_ringjson *shape,
                     struct mc_draft *draft)
{
    const uint32_t parts = 1u << shape->part_power;
    const uint64_t least = (uint64_t)(shape->rows - 1) * parts;
    uint8_t *chunk = NULL;
    uint32_t last = 0;
    int err = 0;

    if (too_few_devices(draft, shape->rows - 1))
        return mc_source_fail(s, MCOS_E_DEVICE, "/replica_count",
                              "more replicas than devices");
    if (!mc_source_may_hold(s, least * shape->id_bytes))
        return mc_source_fail(s, MCOS_E_FORMAT, "/replica_count",
                              "the file is too short for its partitions and replicas");
    if (least * 2 > MC_RECORD_BYTES_MAX)
        return mc_source_fail(s, MCOS_E_TOOBIG, "/replica_count",
                              "too many assignments");
    draft->table = malloc((size_t)shape->rows * parts * sizeof(*draft->table));
    chunk = malloc((size_t)CHUNK_IDS * shape->id_bytes);
    if (draft->table == NULL || chunk == NULL) {
        err = MCOS_E_NOMEM;
        goto out;
    }
    for (unsigned row = 0; row < shape->rows; row++) {
        err = read_row(s, shape, row, draft, chunk, &last);
        if (err == 0 && last != parts && row + 1 != shape->rows)
            err = mc_source_fail(s, MCOS_E_FORMAT, "/replica_count",
                                 "a short row that is not the last");
        if (err != 0)
            goto out;
    }
    for (uint32_t part = last; part < parts; part++)
        draft->table[(size_t)part * shape->rows + shape->rows - 1] = MC_DEVICE_NONE;
    if (last == 0)
        drop_last_column(draft->table, parts, shape->rows);
    draft->head.assignments = least + last;
    if (draft->head.assignments == 0)
        err = mc_source_fail(s, MCOS_E_FORMAT, "/replica_count",
                             "no partition has a device");
out:
    free(chunk);
    return err;
}
