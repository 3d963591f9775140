/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/registry.h -- what a merge does to the files of one ring.
 *
 * The caller holds the lock of the rings and has opened (made) the place.
 */
#ifndef MCOS_ADAPTER_FILE_REGISTRY_H
#define MCOS_ADAPTER_FILE_REGISTRY_H

#include "adapter/file/folder.h"
#include "sync/merge.h"

struct mc_registry_rules {
    size_t keep_versions;
    bool rewrite; /* an earlier try left doubt: write it even if it seems to be there */
};

/*
 * Compares with what the file holds now, and carries out what mc_merge says.
 * Fails with IO, FULL, NOMEM, UPGRADE: nothing changed, unless *ret_doubt is
 * set (see mc_replace_commit): then call again with `rewrite`.
 */
int mc_registry_merge(struct mc_place *place, const struct mc_registry_rules *rules,
                      struct mc_ring *came, struct mc_merge *ret_merge, bool *ret_doubt,
                      struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_FILE_REGISTRY_H */
