/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/identity.h -- <data>/cluster.id: whose folder this is.
 *
 * A cluster keeps its name and the uid made at its first start for ever; a
 * folder that belongs to another cluster is refused.
 */
#ifndef MCOS_ADAPTER_FILE_IDENTITY_H
#define MCOS_ADAPTER_FILE_IDENTITY_H

#include "base/bytes.h"
#include "base/name.h"
#include "mcos/err.h"

#define MC_IDENTITY_FILE      "cluster.id"
#define MC_IDENTITY_BYTES_MAX 256u

struct mc_identity {
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES];
};

/*
 * The uid of cluster `name` in this data folder; makes one (*ret_fresh) if the
 * folder has none yet. Call it after the store is open: its lease keeps others
 * away. Fails with IDENTITY (another name's folder), FORMAT (a damaged file,
 * which is never replaced by itself), NAME, IO, FULL, NOMEM.
 */
int mc_identity_open(const char *data, const char *name, uint8_t ret_uid[MC_UID_BYTES],
                     bool *ret_fresh, struct mcos_diag *diag);

/* The same in two halves, for whose uid is not made here: what the folder says (fails
 * with NOTFOUND too: it has none yet), and putting one there. */
int mc_identity_find(const char *data, const char *name, uint8_t ret_uid[MC_UID_BYTES],
                     struct mcos_diag *diag);
int mc_identity_put(const char *data, const struct mc_identity *identity,
                    struct mcos_diag *diag);

/*
 * Writes the file again (*ret_made) if it is missing, for whoever runs with this
 * identity: in a folder that was removed and made anew under it, the next start
 * would take a new uid. A file that is there is not touched. Fails with IO (also if
 * the folder is gone), FULL, NOMEM.
 */
int mc_identity_keep(const char *data, const struct mc_identity *identity,
                     bool *ret_made, struct mcos_diag *diag);

/* "mcos-cluster 1\nname <name>\nuid <32 hex digits>\n", and nothing else. */
int mc_identity_parse(struct mc_bytes text, struct mc_identity *ret_identity,
                      struct mcos_diag *diag);
void mc_identity_format(const struct mc_identity *identity,
                        char dst[MC_IDENTITY_BYTES_MAX]);

#endif /* MCOS_ADAPTER_FILE_IDENTITY_H */
