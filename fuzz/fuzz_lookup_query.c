/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_lookup_query.c -- any request target as a look-up: what is read of it is
 * what its parameters say, and lies in them, or it is refused by name. */
#include "adapter/http/target.h"
#include "service/question.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(struct mcos_bytes part, const char *text, size_t size)
{
    const char *p = part.ptr;

    if (part.len > 0 && (p < text || part.len > size || p + part.len > text + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mcos_diag diag = {.offset = -1};
    struct mc_request request = {0};
    struct mc_question q;
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (mc_target_parse(text, true, &request) != NULL) {
        free(text);
        return 0;
    }
    if (mc_question_read(&request, &q, &diag) != 0) {
        if (diag.text[0] == '\0')
            abort();
    } else {
        if (q.key.account.len == 0 ||
            (q.key.object.len != 0 && q.key.container.len == 0) ||
            q.handoffs > MCOS_HANDOFFS_MAX || (q.flags & ~MCOS_ACTIVE_FIRST) != 0)
            abort();
        check_part(q.key.account, text, size);
        check_part(q.key.container, text, size);
        check_part(q.key.object, text, size);
    }
    free(text);
    return 0;
}
