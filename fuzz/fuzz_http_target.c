/* SPDX-License-Identifier: Apache-2.0 */
/* Any request target is taken apart into texts that lie in it, or refused; any Host
 * header is a loopback name or not. */
#include "adapter/http/listen.h"
#include "adapter/http/target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_request request = {0};
    char *text = malloc(size + 1);
    size_t total = 0;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    (void)mc_listen_host_ok(text);
    if (mc_target_parse(text, size > 0 && data[size - 1] == '&', &request) == NULL) {
        if (request.path[0] != '/' || request.query_count > MC_SERVE_PARAMS_MAX)
            abort();
        total = strlen(request.path);
        for (size_t i = 0; i < request.query_count; i++)
            total += strlen(request.query[i].name) + request.query[i].len;
        if (total > size)
            abort();
    }
    free(text);
    return 0;
}
