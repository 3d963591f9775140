/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_ringgz.c -- ring files, compressed and not, of both versions. */
#include "ringround.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int gz = 0; gz < 2; gz++)
        ringround((struct mc_bytes){data, size}, gz);
    return 0;
}
