/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/current.h -- the record in force, read from rings/<name>.ring,
 * or, when that is damaged, the newest good one of those kept.
 */
#ifndef MCOS_ADAPTER_FILE_CURRENT_H
#define MCOS_ADAPTER_FILE_CURRENT_H

#include "adapter/file/folder.h"
#include "ring/front.h"
#include "ring/ring.h"

/* "<name>.ring" and "<name>.prev". */
struct mc_folder_name mc_current_file(const char *name);
struct mc_folder_name mc_current_prev(const char *name);

/*
 * The record in force, as the main file has it. Yours.
 * Fails with NOTFOUND, IO, NOMEM, UPGRADE, or with what mc_mapping_damaged knows.
 */
int mc_current_load(const struct mc_place *place, const char *name,
                    struct mc_ring **ret_ring, struct mcos_diag *diag);

/*
 * The same, and if the main file is damaged or missing, the greatest good
 * record among .prev and the versions. With `mend` (the caller holds the lock
 * of the rings) that one becomes the main file again and damaged files go to
 * quarantine.
 *
 * A main file of a later format stays what it is, and in force for who can read
 * it: *ret_sealed (may be NULL) says so, also on failure, and the record is the
 * greatest that can be read. Fails with NOTFOUND (no good one at all), UPGRADE (none
 * but such), IO, FULL, NOMEM.
 */
int mc_current_recover(const struct mc_place *place, const char *name, bool mend,
                       struct mc_ring **ret_ring, bool *ret_sealed,
                       struct mcos_diag *diag);

/* The front of the main file, which may be of a later format. Fails with NOTFOUND,
 * IO, NOMEM, and as mc_front_decode. */
int mc_current_front(const struct mc_place *place, const char *name,
                     struct mc_front *ret_front);

#endif /* MCOS_ADAPTER_FILE_CURRENT_H */
