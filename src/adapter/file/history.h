/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/history.h -- a folder of records of one ring, named by stamp:
 * "<epoch>-<version>-<16 hex digits of the digest>.ring".
 *
 * versions/<name> has the record held (the same file as rings/<name>.ring, by
 * hard link) and the ones before it; conflicts/<name> has losers. The name
 * repeats the digest, and the digest covers the head: so a damaged head is
 * noticed, even though XXH3 covers the sections only.
 */
#ifndef MCOS_ADAPTER_FILE_HISTORY_H
#define MCOS_ADAPTER_FILE_HISTORY_H

#include "adapter/file/folder.h"
#include "ring/ring.h"

#include <sys/types.h>

struct mc_entry {
    uint16_t epoch;
    uint64_t version;
    uint8_t digest8[8];
};

struct mc_entry mc_entry_of(const struct mc_head *head);
struct mc_folder_name mc_entry_format(const struct mc_entry *entry);
bool mc_entry_parse(const char *text, struct mc_entry *ret_entry);
/* By epoch, version, digest. */
int mc_version_cmp(const struct mc_entry *a, const struct mc_entry *b);

/* What is in the folder, greatest first; yours (free). dirfd -1: empty. */
int mc_history_list(int dirfd, struct mc_entry **ret_entries, size_t *ret_count,
                    struct mcos_diag *diag);

/* The record of an entry; fails as mc_mapping_ring, and with DIGEST if the
 * record is not the one that the entry's name promises. */
int mc_history_ring(int dirfd, const struct mc_entry *entry, const char *ring_name,
                    struct mc_ring **ret_ring, ino_t *ret_inode,
                    struct mcos_diag *diag);

/* The record whose digest begins so. Fails with GONE, IO, NOMEM. */
int mc_history_find(int dirfd, const uint8_t digest8[8], const char *ring_name,
                    struct mc_ring **ret_ring, struct mcos_diag *diag);

/*
 * Links the file from/file as entry, in place of one that is not the same file. The
 * caller makes that durable. *ret_new (may be NULL) says if a name was added.
 */
int mc_history_link(int from, const char *file, int dirfd, const struct mc_entry *entry,
                    bool *ret_new, struct mcos_diag *diag);

/* Keeps `keep` entries besides `held` (NULL: none), the greatest. As far as it can. */
void mc_history_prune(int dirfd, const struct mc_entry *held, size_t keep);

/* True if the folder has this very file under another digest. */
bool mc_history_denies(int dirfd, ino_t inode, const uint8_t digest8[8]);

#endif /* MCOS_ADAPTER_FILE_HISTORY_H */
