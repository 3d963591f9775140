/* SPDX-License-Identifier: Apache-2.0 */
/* sync/cluster_line.c -- lines of the clusters file. */
#include "sync/cluster_line.h"

#include <string.h>

/* Cuts a line into its fields, in place. A later version may have appended more. */
static bool split(char *line, char *fields[MC_CLUSTER_LINE_FIELDS])
{
    for (unsigned i = 0; i < MC_CLUSTER_LINE_FIELDS; i++) {
        char *tab = strchr(line, '\t');

        fields[i] = line;
        if (i + 1 == MC_CLUSTER_LINE_FIELDS)
            break;
        if (tab == NULL)
            return false;
        *tab = '\0';
        line = tab + 1;
    }
    for (; *line != '\0' && *line != '\t';)
        line++;
    *line = '\0';
    return true;
}

static bool read_line(struct mc_cluster_line *line)
{
    char *fields[MC_CLUSTER_LINE_FIELDS];

    if (!split(line->text, fields) || !mc_name_set(&line->name, fields[0]) ||
        strlen(fields[1]) != (size_t)2 * MC_UID_BYTES ||
        !mc_unhex(line->uid, fields[1], MC_UID_BYTES))
        return false;
    line->state = fields[2];
    line->region = fields[3];
    line->zone = fields[4];
    line->address = fields[5];
    return strlen(line->region) <= MC_NAME_MAX && strlen(line->zone) <= MC_NAME_MAX;
}

bool mc_cluster_line_next(struct mc_bytes *text, struct mc_cluster_line *ret_line)
{
    while (text->len > 0) {
        const uint8_t *at = text->ptr;
        const uint8_t *end = memchr(at, '\n', text->len);
        size_t n = end == NULL ? text->len : (size_t)(end - at);
        size_t step = end == NULL ? n : n + 1;

        *text = (struct mc_bytes){at + step, text->len - step};
        if (n == 0 || n >= MC_CLUSTER_LINE_MAX || at[0] == '#' ||
            memchr(at, 0, n) != NULL)
            continue;
        memcpy(ret_line->text, at, n);
        ret_line->text[n] = '\0';
        if (read_line(ret_line))
            return true;
    }
    return false;
}
