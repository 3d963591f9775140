/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_lookup_json.c -- any bytes as a batch of look-ups in JSON. */
#include "service/question.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_questions q;
    size_t bytes = 0;

    if (mc_questions_parse((struct mc_bytes){data, size}, &q, &diag) != 0) {
        if (diag.text[0] == '\0')
            abort();
        return 0;
    }
    if (q.count > MC_QUESTION_NAMES_MAX)
        abort();
    for (size_t i = 0; i < q.count; i++) {
        const struct mcos_key *key = &q.keys[i];

        if (key->account.len == 0 || (key->object.len != 0 && key->container.len == 0))
            abort();
        bytes += key->account.len + key->container.len + key->object.len;
    }
    if (bytes > size)
        abort();
    mc_questions_fini(&q);
    return 0;
}
