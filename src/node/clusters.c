/* SPDX-License-Identifier: Apache-2.0 */
/* node/clusters.c -- the clusters file as text. */
#include "node/clusters.h"

#include "sync/cluster_line.h"

#include <string.h>

static void put_field(struct mc_buf *b, const char *text, char end)
{
    for (const char *c = text; *c != '\0'; c++)
        mc_buf_u8(b, *c == '\t' || *c == '\n' ? ' ' : (uint8_t)*c);
    mc_buf_u8(b, (uint8_t)end);
}

static const char *state_word(enum mc_member_state state)
{
    switch (state) {
    case MC_MEMBER_ACTIVE:
        return "ACTIVE";
    case MC_MEMBER_SILENT:
        return "silent";
    case MC_MEMBER_LEFT:
        return "left";
    }
    return "silent";
}

void mc_clusters_format(const struct mc_machine *machine, struct mc_buf *b)
{
    static const char title[] = "# mcos clusters 1\n";
    size_t count = mc_machine_member_count(machine);

    mc_buf_put(b, title, sizeof(title) - 1);
    for (size_t i = 0; i < count; i++) {
        struct mc_member m = mc_machine_member(machine, i);
        char uid[2 * MC_UID_BYTES + 1];

        mc_hex(uid, m.uid, MC_UID_BYTES);
        put_field(b, m.name.s, '\t');
        put_field(b, uid, '\t');
        put_field(b, state_word(m.state), '\t');
        put_field(b, m.region.s, '\t');
        put_field(b, m.zone.s, '\t');
        put_field(b, m.address, '\n');
    }
}

size_t mc_clusters_parse(struct mc_bytes text, const struct mc_name *self,
                         struct mc_machine *machine)
{
    struct mc_cluster_line line;
    size_t taken = 0;

    while (mc_cluster_line_next(&text, &line)) {
        if (strcmp(line.name.s, self->s) != 0 &&
            mc_machine_remember(machine, &line.name, line.uid, line.region,
                                line.zone) == 0)
            taken++;
    }
    return taken;
}
