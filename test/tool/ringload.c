/* SPDX-License-Identifier: Apache-2.0 */
/* test/tool/ringload.c -- what stands between a file and an open ring. */
#include "ringload.h"

#include "adapter/swift/ringgz.h"

#include <stdio.h>

int ringload_file(const char *path, struct mc_buf *b)
{
    FILE *file = fopen(path, "rbe");
    uint8_t chunk[65536];
    size_t n;
    int err = 0;

    if (file == NULL)
        return MCOS_E_IO;
    while ((n = fread(chunk, 1, sizeof(chunk), file)) != 0)
        mc_buf_put(b, chunk, n);
    if (ferror(file))
        err = MCOS_E_IO;
    (void)fclose(file);
    return err != 0 ? err : b->err;
}

int ringload_draft(struct mc_draft *draft, struct mc_ring **ret_ring,
                   struct mcos_diag *diag)
{
    struct mc_blob *blob = NULL;
    int err;

    if (!mc_name_set(&draft->head.name, "test"))
        return MCOS_E_NAME;
    draft->head.uid[0] = 1;
    err = mc_draft_mint(draft, NULL, NULL, 0, 1000000000u);
    if (err == 0)
        err = mc_draft_encode(draft, &blob, diag);
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_SHA256, ret_ring, diag);
    mc_blob_unref(blob);
    return err;
}

int ringload_swift(const char *path, const struct mc_secret *secret,
                   struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    struct mc_buf file = {0};
    struct mc_buf extra = {0};
    struct mc_draft draft;
    int err;

    mc_draft_init(&draft);
    err = ringload_file(path, &file);
    if (err == 0)
        err = mc_ringgz_decode((struct mc_bytes){file.ptr, file.len}, secret, &draft,
                               &extra, diag);
    if (err == 0)
        err = ringload_draft(&draft, ret_ring, diag);
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
    mc_buf_fini(&file);
    return err;
}
