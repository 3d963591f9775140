/* SPDX-License-Identifier: Apache-2.0 */
/* app/offline.h -- rings in files, without an agent. */
#ifndef MCOS_APP_OFFLINE_H
#define MCOS_APP_OFFLINE_H

#include "app/cli.h"

#include "adapter/swift/swiftconf.h"
#include "ring/draft.h"
#include "ring/lookup.h"

/* A warning for who makes a ring of Swift's hash without the secret. */
#define MC_OFFLINE_UNCHECKED                                                           \
    "the ring carries no check of Swift's hash prefix and suffix: whoever gives "      \
    "wrong "                                                                           \
    "ones gets wrong places, and no error; --swift-conf FILE adds the check"

/*
 * Opens a record, or a Swift `.ring.gz` as if it had just been imported.
 * `secret` may be NULL. *ret_ring is yours. Fails as reading, decoding and
 * mc_ring_open; cli->diag says why.
 */
int mc_offline_open(struct mc_cli *cli, const char *path,
                    const struct mc_secret *secret, struct mc_ring **ret_ring);

/* A `.ring.gz` as a draft of that name, not yet minted. `extra` as mc_ringgz_decode. */
int mc_offline_import(struct mc_cli *cli, struct mc_bytes gz, const char *name,
                      const struct mc_secret *secret, struct mc_draft *draft,
                      struct mc_buf *extra);

/*
 * Makes the draft the child of `old` (NULL: version 1), belonging to no system,
 * and encodes it. wall_ns 0 is now. *ret_blob is yours.
 */
int mc_offline_finish(struct mc_cli *cli, struct mc_draft *draft,
                      const struct mc_ring *old, uint64_t wall_ns,
                      struct mc_blob **ret_blob);

/* --swift-conf, if given: *ret_conf is yours, NULL without it. */
int mc_offline_secret(struct mc_cli *cli, struct mc_swiftconf **ret_conf);

/* "v7.91d0aa02", "e1.v8.91d0aa02". */
void mc_offline_stamp(const struct mc_head *head, char dst[64]);

/* A name made of a path: its last part, without what follows the first dot. */
void mc_offline_name(const char *path, struct mc_name *ret);

#endif /* MCOS_APP_OFFLINE_H */
