/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a spec or a refusal with a code; numbers read back as written. */
#include "base/decimal.h"
#include "node/spec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_spec_doc *doc = NULL;
    struct mcos_diag diag = {0};
    int r = mc_spec_parse((struct mc_bytes){data, size}, &doc, &diag);

    if (r != 0) {
        if (doc != NULL || memchr(diag.field, '\0', sizeof(diag.field)) == NULL)
            abort();
        return 0;
    }
    for (uint32_t i = 0; i < mc_spec_doc_get(doc)->device_count; i++) {
        char text[MC_DECIMAL_TEXT_MAX];
        uint64_t weight = mc_spec_doc_get(doc)->devices[i].weight;
        uint64_t back = 0;

        mc_decimal_format(weight, text);
        if (mc_decimal_parse(text, MC_WEIGHT_MAX, &back) != 0 || back != weight)
            abort();
    }
    mc_spec_doc_free(doc);
    return 0;
}
