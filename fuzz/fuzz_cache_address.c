/* SPDX-License-Identifier: Apache-2.0 */
/* Any text may stand behind --cache. What is taken fits and can be connected to. */
#include "adapter/memcached/address.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_memcached_address a;
    struct mcos_diag diag;
    char *text = malloc(size + 1);

    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (mc_memcached_address_parse(text, &a, &diag) == 0) {
        assert((a.path[0] == '/') != (a.host[0] != '\0'));
        assert(a.port != 0);
        assert(strlen(a.host) <= MC_MEMCACHED_HOST_MAX);
    }
    free(text);
    return 0;
}
