/* SPDX-License-Identifier: Apache-2.0 */
/* ring/text.c -- blocks of bytes in a list, filled from the front. */
#include "ring/text.h"

#include <stdlib.h>

#define BLOCK_BYTES 16384u

struct mc_text {
    struct mc_text *next;
    size_t used;
    size_t cap;
    uint8_t bytes[];
};

uint8_t *mc_text_room(struct mc_text **texts, size_t n)
{
    struct mc_text *block = *texts;
    uint8_t *at;

    if (block == NULL || n > block->cap - block->used) {
        size_t cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;

        if (cap > SIZE_MAX / 2)
            return NULL;
        block = malloc(sizeof(*block) + cap);
        if (block == NULL)
            return NULL;
        block->next = *texts;
        block->used = 0;
        block->cap = cap;
        *texts = block;
    }
    at = block->bytes + block->used;
    block->used += n;
    return at;
}

void mc_text_free(struct mc_text *texts)
{
    while (texts != NULL) {
        struct mc_text *next = texts->next;

        free(texts);
        texts = next;
    }
}
