/* SPDX-License-Identifier: Apache-2.0 */
/* What agents of a cluster tell one another by way of Redis, where anybody may write:
 * a line, and whose the database is. What is taken is what we write. */
#include "adapter/redis/roster.h"
#include "sync/agent_line.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void owner(const uint8_t *data, size_t size)
{
    uint8_t uid[MC_UID_BYTES];
    char hex[2 * MC_UID_BYTES + 1];
    char text[MC_REDIS_OWNER_MAX];
    struct mc_name name;

    if (!mc_redis_owner_parse((struct mc_bytes){data, size}, &name, uid))
        return;
    mc_hex(hex, uid, MC_UID_BYTES);
    (void)snprintf(text, sizeof(text), "%s %s", name.s, hex);
    assert(strlen(text) == size && strncasecmp(text, (const char *)data, size) == 0);
}

/* The check would keep everything else out: it is made right here. */
static void line(const uint8_t *data, size_t size)
{
    struct mc_agent_line line;
    struct mc_buf b = {0};
    size_t at;
    uint8_t *copy = malloc(size + 1);

    if (copy == NULL)
        return;
    if (size > 0)
        memcpy(copy, data, size);
    if (size >= 14)
        mc_set_u64(copy + 6, mc_xxh3_64((struct mc_bytes){copy + 14, size - 14}));
    if (mc_agent_line_decode((struct mc_bytes){copy, size}, &line) == 0) {
        struct mc_reader r = mc_reader_init(line.entries);
        struct mc_entry e;
        size_t count = 0;

        at = mc_agent_line_open(&b, &line);
        while (mc_entry_decode(&r, &e)) {
            mc_entry_encode(&b, &e);
            count++;
        }
        mc_agent_line_close(&b, at);
        assert(count == line.entry_count && b.err == 0 && b.len == size);
        assert(memcmp(b.ptr + 14, copy + 14, size - 14) == 0 || size == 0 ||
               count > 0); /* flags that we do not know are not written again */
        mc_buf_fini(&b);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    owner(data, size);
    line(data, size);
    return 0;
}
