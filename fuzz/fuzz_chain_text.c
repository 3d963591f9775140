/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_chain_text.c -- any text as a chain; nothing is connected to. */
#include "lib/chain_text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mc_chain_way way = {.system = "mcos", .timeout_ms = 1000};
    const struct mc_chain_config config = {.keep_previous = false};
    struct mcos_diag diag = {.offset = -1};
    struct mc_chain *chain = NULL;
    char *text = malloc(size + 1);
    size_t commas = 0;
    int err;

    if (text == NULL || mc_chain_new(&config, &chain) != 0)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    for (const char *c = text; *c != '\0'; c++)
        commas += *c == ',';
    err = mc_chain_open(chain, text, &way, &diag);
    if (err == 0 && mc_chain_source_count(chain) != commas + 1)
        abort();
    if (err != 0 && (err != MCOS_E_CONFIG || diag.text[0] == '\0'))
        abort();
    mc_chain_free(chain);
    free(text);
    return 0;
}
