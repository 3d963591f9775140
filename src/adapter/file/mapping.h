/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/mapping.h -- a file as bytes; a ring file as a ring.
 *
 * The bytes stay whole when the file is replaced or removed, for files are
 * replaced by rename only. Somebody else might cut it short, though, and who then
 * looks into a mapping is ended by SIGBUS: so an agent, which must not end with one
 * file, reads what it holds into its own memory. Only what is too large for that
 * is mapped. (Resolvers map by themselves: they can be started again.)
 * dirfd may be AT_FDCWD.
 */
#ifndef MCOS_ADAPTER_FILE_MAPPING_H
#define MCOS_ADAPTER_FILE_MAPPING_H

#include "ring/ring.h"

#include <sys/stat.h>
#include <sys/types.h>

#define MC_MAPPING_READ_MAX (64u << 20) /* larger files are mapped */

/*
 * Reads or maps a regular file of at most max bytes; links are not followed. On success
 * *ret_blob is yours and *ret_inode (may be NULL) says which file it is.
 * Fails with NOTFOUND, TOOBIG, FORMAT (not a regular file), DIGEST (the medium
 * cannot read it), IO, NOMEM.
 */
int mc_mapping_open(int dirfd, const char *name, size_t max, struct mc_blob **ret_blob,
                    ino_t *ret_inode, struct mcos_diag *diag);

/*
 * The same, always mapped and shared with all who map it: one copy for a host. If
 * somebody cuts the file short, the blob is spoilt (guard.h). *ret_fd is yours
 * (close): fstat of it tells whether somebody wrote into the file since *ret_st. An
 * empty file is FORMAT.
 */
int mc_mapping_share(int dirfd, const char *name, size_t max, struct mc_blob **ret_blob,
                     int *ret_fd, struct stat *ret_st, struct mcos_diag *diag);

/*
 * The ring in a file: XXH3 and meaning checked, and of the name given
 * (NULL: any). Fails as above and as mc_ring_open does.
 */
int mc_mapping_ring(int dirfd, const char *file, const char *ring_name,
                    struct mc_ring **ret_ring, ino_t *ret_inode,
                    struct mcos_diag *diag);

/*
 * The digest that a ring file has, whether or not its format is known: the
 * front of a head is the same in all formats. Fails as mc_mapping_open.
 */
int mc_mapping_digest8(int dirfd, const char *file, uint8_t ret_digest8[8],
                       ino_t *ret_inode);

/* True if a failure of the above means that the file itself is damaged: not
 * that it is missing, that reading failed, or that a newer version made it. */
bool mc_mapping_damaged(int err);

#endif /* MCOS_ADAPTER_FILE_MAPPING_H */
