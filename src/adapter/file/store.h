/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/store.h -- the cluster's registry as plain files: the embedded
 * default, and the files that every resolver maps.
 *
 *     <data>/rings/<name>.ring        the record held
 *     <data>/rings/<name>.prev        the one before
 *     <data>/versions/<name>/...      the held one and older ones, by stamp
 *     <data>/conflicts/<name>/...     losers that nobody settled yet
 *     <data>/quarantine/              damaged bytes, bounded (quarantine.h)
 *     <data>/clusters                 the clusters' states
 *     <data>/cluster.id               who this is (identity.h)
 *     <data>/.lock                    the lease (lease.h)
 *
 * A ring file is never opened for writing: a new one is made aside, made
 * durable, and renamed over the old one. Files with other names are left alone.
 *
 * The folder is found by its path in every call, so one that was removed and
 * made again works again; while it is gone, calls fail with IO.
 */
#ifndef MCOS_ADAPTER_FILE_STORE_H
#define MCOS_ADAPTER_FILE_STORE_H

#include "port/store.h"

#define MC_FILE_KEEP_VERSIONS     10u
#define MC_FILE_KEEP_VERSIONS_MAX 10000u
#define MC_FILE_LOCK_WAIT_MS      5000u       /* for another process's merge */
#define MC_FILE_CONFIRMED         "confirmed" /* its time is when (docs/operate.md) */
#define MC_FILE_CLUSTERS_MAX      (16u << 20) /* bytes of the clusters file */

struct mc_file_store_config {
    const char *data;       /* borrowed by open (copied); made if its parent is there */
    unsigned keep_versions; /* older versions kept beside the held one */
    bool verify;            /* the first get of a new file reads it from the medium */
    bool shared;            /* take no lease: a tool beside the agent, or a test */
};

/*
 * Takes the lease, removes what a crash left behind, checks every ring and
 * falls back to the newest good version of one that is damaged (the damaged
 * file goes to quarantine). On success *ret_store is yours (ops->close).
 * Fails with LOCKED (diag names the process), UPGRADE (a ring of a newer
 * version: nothing was touched), IO, FULL, NOMEM, CONFIG.
 */
int mc_file_store_open(const struct mc_file_store_config *config,
                       struct mc_store **ret_store, struct mcos_diag *diag);

/* Why the last call that failed did, for a person; "" before that. Lent until
 * the next call. `store` must come from mc_file_store_open. */
const char *mc_file_store_trouble(const struct mc_store *store);

#endif /* MCOS_ADAPTER_FILE_STORE_H */
