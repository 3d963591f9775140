/* SPDX-License-Identifier: Apache-2.0 */
/* node/clusters.c -- the clusters file as text. */
#include "node/clusters.h"

#include <string.h>

#define FIELDS   6u
#define LINE_MAX 512u

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

/* Cuts a line into its fields, in place. A later version may have appended more. */
static bool split(char *line, char *fields[FIELDS])
{
    for (unsigned i = 0; i < FIELDS; i++) {
        char *tab = strchr(line, '\t');

        fields[i] = line;
        if (i + 1 == FIELDS)
            break;
        if (tab == NULL)
            return false;
        *tab = '\0';
        line = tab + 1;
    }
    line[strcspn(line, "\t")] = '\0';
    return true;
}

static bool take_line(char *line, const struct mc_name *self,
                      struct mc_machine *machine)
{
    char *fields[FIELDS];
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES];

    if (!split(line, fields) || !mc_name_set(&name, fields[0]))
        return false;
    if (strcmp(name.s, self->s) == 0)
        return false;
    if (strlen(fields[1]) != (size_t)2 * MC_UID_BYTES ||
        !mc_unhex(uid, fields[1], MC_UID_BYTES))
        return false;
    if (strlen(fields[3]) > MC_NAME_MAX || strlen(fields[4]) > MC_NAME_MAX)
        return false;
    return mc_machine_remember(machine, &name, uid, fields[3], fields[4]) == 0;
}

size_t mc_clusters_parse(struct mc_bytes text, const struct mc_name *self,
                         struct mc_machine *machine)
{
    const uint8_t *at = text.ptr;
    size_t left = text.len;
    size_t taken = 0;

    while (left > 0) {
        const uint8_t *end = memchr(at, '\n', left);
        size_t n = end == NULL ? left : (size_t)(end - at);
        char line[LINE_MAX];

        if (n > 0 && n < sizeof(line) && at[0] != '#' && memchr(at, 0, n) == NULL) {
            memcpy(line, at, n);
            line[n] = '\0';
            taken += take_line(line, self, machine);
        }
        n = end == NULL ? left : n + 1;
        at += n;
        left -= n;
    }
    return taken;
}
