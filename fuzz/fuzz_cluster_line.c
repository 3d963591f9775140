/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cluster_line.c -- any bytes as a `clusters` file. */
#include "sync/cluster_line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct mc_cluster_line *line, const char *text)
{
    if (text < line->text || text + strlen(text) >= line->text + MC_CLUSTER_LINE_MAX ||
        strpbrk(text, "\t\n") != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_bytes text = {data, size};
    struct mc_cluster_line line;
    size_t left = size;

    while (mc_cluster_line_next(&text, &line)) {
        if (text.len >= left || text.ptr + text.len != data + size)
            abort();
        left = text.len;
        if (!mc_name_ok(line.name.s))
            abort();
        check_text(&line, line.state);
        check_text(&line, line.region);
        check_text(&line, line.zone);
        check_text(&line, line.address);
    }
    if (text.len != 0)
        abort();
    return 0;
}
