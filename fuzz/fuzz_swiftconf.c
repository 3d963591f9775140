/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_swiftconf.c -- any bytes as a swift.conf. */
#include "adapter/swift/swiftconf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_swiftconf *conf;
    struct mc_secret secret;

    if (mc_swiftconf_parse((struct mc_bytes){data, size}, &conf, NULL) != 0)
        return 0;
    secret = mc_swiftconf_secret(conf);
    if (secret.prefix.len + secret.suffix.len == 0 ||
        secret.prefix.len + secret.suffix.len > size)
        abort();
    mc_swiftconf_free(conf);
    return 0;
}
