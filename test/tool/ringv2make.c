/* SPDX-License-Identifier: Apache-2.0 */
/* test/tool/ringv2make.c -- magic, three sections, an index, two places. */
#include "ringv2make.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_size(struct mc_buf *b, uint64_t v)
{
    for (int i = 7; i >= 0; i--)
        mc_buf_u8(b, (uint8_t)(v >> 8 * i));
}

static void put_section(struct mc_buf *b, struct mc_buf *index, const char *name,
                        struct mc_bytes data, const char *method)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    char text[512];
    size_t start = b->len;
    unsigned n = 0;

    put_size(b, data.len);
    mc_buf_put(b, data.ptr, data.len);
    if (b->err != 0 || EVP_Digest(b->ptr + start, b->len - start, digest, &n,
                                  EVP_get_digestbyname(method), NULL) != 1)
        abort();
    mc_hex(hex, digest, n);
    (void)snprintf(text, sizeof(text), "%s\"%s\": [0, %zu, 0, %zu, \"%s\", \"%s\"]",
                   index->len > 1 ? ", " : "", name, start, b->len, method, hex);
    mc_buf_put(index, text, strlen(text));
}

void ringv2make(struct mc_buf *b, const struct ringv2make *parts)
{
    const char *method = parts->method == NULL ? "sha256" : parts->method;
    struct mc_buf index = {0};
    size_t start = b->len;
    size_t at;
    char *found = NULL;

    mc_buf_put(b, "R1NG\0\2", 6);
    mc_buf_u8(&index, '{');
    put_section(b, &index, "swift/ring/metadata", parts->metadata, method);
    put_section(b, &index, "swift/ring/devices", parts->devices, method);
    put_section(b, &index, "swift/ring/assignments", parts->table, method);
    mc_buf_put(&index, "}", 2);
    at = b->len - start;
    if (parts->to != NULL) {
        found = strstr((char *)index.ptr, parts->from);
        if (found == NULL)
            abort();
    }
    if (found != NULL) {
        size_t before = (size_t)(found - (char *)index.ptr);
        const char *after = found + strlen(parts->from);

        put_size(b, before + strlen(parts->to) + strlen(after));
        mc_buf_put(b, index.ptr, before);
        mc_buf_put(b, parts->to, strlen(parts->to));
        mc_buf_put(b, after, strlen(after));
    } else {
        put_size(b, index.len - 1);
        mc_buf_put(b, index.ptr, index.len - 1);
    }
    put_size(b, (uint64_t)((int64_t)at + parts->off));
    put_size(b, 0); /* its place in the compressed file, which there is none */
    mc_buf_fini(&index);
}
