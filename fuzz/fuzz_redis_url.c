/* SPDX-License-Identifier: Apache-2.0 */
/* Any text may be given as an address. The shown form is an address too, of the same
 * place. */
#include "adapter/redis/url.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_redis_url url;
    struct mcos_diag diag;
    char shown[2 * MC_REDIS_TEXT_MAX];
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (mc_redis_url_parse(text, &url, &diag) == 0) {
        assert(url.port > 0 && url.port < 65536 && url.db >= 0);
        mc_redis_url_show(&url, shown);
        assert(strncmp(shown, "unix:/", 6) == 0 || strncmp(shown, "redis://", 8) == 0);
    }
    free(text);
    return 0;
}
