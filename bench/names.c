/* SPDX-License-Identifier: Apache-2.0 */
/* bench/names.c -- names out of a file, and a ring that hashes them with xxh3. */
#include "names.h"

#include "ringload.h"

#include <stdlib.h>
#include <string.h>

static struct mc_bytes field(char **at)
{
    char *text = strsep(at, "\t");

    if (text == NULL)
        return (struct mc_bytes){NULL, 0};
    return (struct mc_bytes){(uint8_t *)text, strlen(text)};
}

int names_read(const char *path, struct mc_buf *file, struct mc_key **ret_keys,
               size_t *ret_count)
{
    struct mc_key *keys;
    size_t count = 0;
    char *at;
    int err = ringload_file(path, file);

    mc_buf_u8(file, 0);
    if (err != 0 || file->err != 0)
        return MCOS_E_IO;
    keys = calloc(file->len, sizeof(*keys));
    if (keys == NULL)
        return MCOS_E_NOMEM;
    at = (char *)file->ptr;
    while (at != NULL && *at != '\0') {
        char *line = strsep(&at, "\n");
        struct mc_key *key = &keys[count++];

        key->account = field(&line);
        key->container = field(&line);
        key->object = field(&line);
    }
    *ret_keys = keys;
    *ret_count = count;
    return count == 0 ? MCOS_E_VALUE : 0;
}

int names_xxh3(const struct mc_ring *ring, struct mc_ring **ret_ring)
{
    struct mc_draft draft;
    int err;

    mc_draft_init(&draft);
    err = mc_draft_from_ring(&draft, ring);
    draft.head.hash = MC_HASH_XXH3;
    memset(draft.head.hash_check, 0, sizeof(draft.head.hash_check));
    if (err == 0)
        err = ringload_draft(&draft, ret_ring, NULL);
    mc_draft_fini(&draft);
    return err;
}
