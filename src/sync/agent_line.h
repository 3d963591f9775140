/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/agent_line.h -- what an agent tells the other agents of its cluster (P91):
 *
 *     "MCOA" | u8 1 | u8 flags | u64 check | u8 format | str host | str address |
 *     u32 bytes of entries that it cannot read | those | entries that it holds
 *
 * Flags: 1 it is active, 2 it counts. The check is XXH3-64 of what follows it.
 * Format is the greatest record format that the agent reads. Entries as in an
 * inventory (P14), both lists sorted by name, without losers.
 */
#ifndef MCOS_SYNC_AGENT_LINE_H
#define MCOS_SYNC_AGENT_LINE_H

#include "sync/wire_talk.h"

#define MC_AGENT_HOST_BYTES 65u
#define MC_AGENT_LINE_MAX   (1024u + 2 * MC_RINGS_MAX * MC_ENTRY_BYTES)

struct mc_agent_line {
    bool active;
    bool counts;
    uint8_t format;
    char host[MC_AGENT_HOST_BYTES];
    char address[MC_ADDRESS_BYTES];
    struct mc_bytes unread;  /* entries that are there and that it cannot read */
    struct mc_bytes entries; /* decoded: lent by the input, and every one is good */
    size_t entry_count;
};

/* Appends everything but what it holds; append those entries, then close. Returns
 * where. */
size_t mc_agent_line_open(struct mc_buf *b, const struct mc_agent_line *line);
void mc_agent_line_close(struct mc_buf *b, size_t at);
/* Fails with FORMAT, UPGRADE. */
int mc_agent_line_decode(struct mc_bytes bytes, struct mc_agent_line *ret);

#endif /* MCOS_SYNC_AGENT_LINE_H */
