/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/cluster_line.h -- a line of the `clusters` file (node/clusters.h), read.
 */
#ifndef MCOS_SYNC_CLUSTER_LINE_H
#define MCOS_SYNC_CLUSTER_LINE_H

#include "base/bytes.h"
#include "base/name.h"

#define MC_CLUSTER_LINE_MAX    512u /* bytes, with NUL */
#define MC_CLUSTER_LINE_FIELDS 6u

struct mc_cluster_line {
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES];
    const char *state; /* "ACTIVE", "silent", "left", or a word of a later version */
    const char *region;
    const char *zone;
    const char *address;
    char text[MC_CLUSTER_LINE_MAX]; /* what they point into */
};

/*
 * The next line that can be understood; others are passed over, and further fields
 * of a later version too. Takes from *text what was read; false at its end. Any
 * input is safe.
 */
bool mc_cluster_line_next(struct mc_bytes *text, struct mc_cluster_line *ret_line);

#endif /* MCOS_SYNC_CLUSTER_LINE_H */
