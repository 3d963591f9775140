/* SPDX-License-Identifier: Apache-2.0 */
/* Any text may come as the token of a plan. One that starts from this ring begins as
 * its tokens do and ends in a result; all others are refused, with a reason. */
#include "node/token.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mc_head seven = {.version = 7,
                                         .digest = {0x91, 0xd0, 0xaa, 0x02}};
    struct mcos_diag diag = {.offset = -1};
    char *text = calloc(size + 1, 1);
    int r[2];

    if (text == NULL)
        return 0;
    if (size != 0)
        memcpy(text, data, size);
    r[0] = mc_token_check_base(text, NULL, &diag);
    r[1] = mc_token_check_base(text, &seven, &diag);
    assert((r[0] == MCOS_E_USAGE) == (r[1] == MCOS_E_USAGE));
    for (unsigned i = 0; i < 2; i++)
        assert(r[i] == 0 || r[i] == MCOS_E_USAGE || r[i] == MCOS_E_PLANSTALE);
    assert(r[0] != 0 || (strncmp(text, "pl_0-", 5) == 0 && strlen(text) == 21));
    assert(r[1] != 0 ||
           (strncmp(text, "pl_7-91d0aa02-", 14) == 0 && strlen(text) == 30));
    assert(r[0] != 0 || r[1] != 0);
    assert((r[0] == 0 && r[1] == 0) || diag.text[0] != '\0');
    free(text);
    return 0;
}
