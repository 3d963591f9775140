/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/mapping.c -- files as bytes. */
#include "adapter/file/mapping.h"

#include "adapter/file/folder.h"
#include "adapter/file/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

#define HEAD_BYTES_AT 12u /* where every format says how long its head is */

static void unmap(void *ctx, struct mc_bytes bytes)
{
    (void)bytes;
    (void)munmap(ctx, bytes.len);
}

static int map(int fd, size_t size, const char *name, struct mc_blob **ret_blob,
               struct mcos_diag *diag)
{
    void *start = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    int err = 0;

    if (start == MAP_FAILED)
        return mc_folder_fail(diag, "cannot map", name);
    /* A block that cannot be read is told here, and not by SIGBUS later. Kernels
     * that do not know the advice say EINVAL. */
    if (madvise(start, size, MADV_POPULATE_READ) != 0 &&
        (errno == EFAULT || errno == EHWPOISON))
        err = mcos_diag_set(diag, MCOS_E_DIGEST, name, "%s cannot be read", name);
    if (err == 0)
        err = mc_blob_wrap((struct mc_bytes){start, size}, unmap, start, ret_blob);
    if (err != 0)
        (void)munmap(start, size);
    return err;
}

static void release(void *ctx, struct mc_bytes bytes)
{
    (void)bytes;
    free(ctx);
}

/* What is there, if somebody cuts it short meanwhile: that is found damaged. */
static int read_all(int fd, size_t size, const char *name, struct mc_blob **ret_blob,
                    struct mcos_diag *diag)
{
    uint8_t *bytes = malloc(size);
    size_t got = 0;
    int err = 0;

    if (bytes == NULL)
        return MCOS_E_NOMEM;
    while (got < size) {
        ssize_t n = read(fd, bytes + got, size - got);

        if (n == 0)
            break;
        if (n > 0) {
            got += (size_t)n;
        } else if (errno != EINTR) {
            err = errno == EIO ? mcos_diag_set(diag, MCOS_E_DIGEST, name,
                                               "%s cannot be read", name)
                               : mc_folder_fail(diag, "cannot read", name);
            break;
        }
    }
    if (err == 0)
        err = mc_blob_wrap((struct mc_bytes){bytes, got}, release, bytes, ret_blob);
    if (err != 0)
        free(bytes);
    return err;
}

/* A regular file, and how it is. */
static int open_regular(int dirfd, const char *name, size_t max, int *ret_fd,
                        struct stat *ret_st, struct mcos_diag *diag)
{
    int err = 0;
    int fd;

    do
        fd = openat(dirfd, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0 && errno == ENOENT)
        return MCOS_E_NOTFOUND;
    if (fd < 0 && errno == ELOOP)
        return mcos_diag_set(diag, MCOS_E_FORMAT, name, "%s is a link", name);
    if (fd < 0 && errno == ENXIO) /* a socket */
        return mcos_diag_set(diag, MCOS_E_FORMAT, name, "%s is not a file", name);
    if (fd < 0)
        return mc_folder_fail(diag, "cannot open", name);
    if (fstat(fd, ret_st) != 0)
        err = mc_folder_fail(diag, "cannot look at", name);
    else if (!S_ISREG(ret_st->st_mode))
        err = mcos_diag_set(diag, MCOS_E_FORMAT, name, "%s is not a file", name);
    else if ((uint64_t)ret_st->st_size > max)
        err = mcos_diag_set(diag, MCOS_E_TOOBIG, name, "%s is too large", name);
    if (err != 0)
        (void)close(fd);
    else
        *ret_fd = fd;
    return err;
}

int mc_mapping_open(int dirfd, const char *name, size_t max, struct mc_blob **ret_blob,
                    ino_t *ret_inode, struct mcos_diag *diag)
{
    struct stat st;
    int fd = -1;
    int err = open_regular(dirfd, name, max, &fd, &st, diag);

    if (err != 0)
        return err;
    if (st.st_size == 0)
        err = mc_blob_new((struct mc_bytes){NULL, 0}, ret_blob);
    else if ((uint64_t)st.st_size <= MC_MAPPING_READ_MAX)
        err = read_all(fd, (size_t)st.st_size, name, ret_blob, diag);
    else
        err = map(fd, (size_t)st.st_size, name, ret_blob, diag);
    (void)close(fd);
    if (err == 0 && ret_inode != NULL)
        *ret_inode = st.st_ino;
    return err;
}

/* A page of zeros follows the file: a text that lost its end to somebody's writing ends
 * there at the latest. */
static size_t shared_bytes(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page * page + page;
}

static void unshare(void *ctx, struct mc_bytes bytes)
{
    mc_guard_remove(ctx);
    (void)munmap(ctx, shared_bytes(bytes.len));
}

/* As map(), guarded. The page after it is asked for together with the file: then the
 * kernel chooses a place where it can map large pages. */
static int share(int fd, size_t size, const char *name, struct mc_blob **ret_blob,
                 struct mcos_diag *diag)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t all = shared_bytes(size);
    struct mc_blob *blob = NULL;
    uint8_t *start = mmap(NULL, all, PROT_READ, MAP_SHARED, fd, 0);
    int err;

    if (start == MAP_FAILED)
        return mc_folder_fail(diag, "cannot map", name);
    if (mmap(start + all - page, page, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        err = mc_folder_fail(diag, "cannot map", name);
    else
        err = mc_blob_wrap((struct mc_bytes){start, size}, unshare, start, &blob);
    if (err != 0) {
        (void)munmap(start, all);
        return err;
    }
    err = mc_guard_add(start, all - page, blob); /* of a bad disk, too */
    if (err != 0)
        mc_blob_unref(blob);
    else
        *ret_blob = blob;
    return err;
}

int mc_mapping_share(int dirfd, const char *name, size_t max, struct mc_blob **ret_blob,
                     int *ret_fd, struct stat *ret_st, struct mcos_diag *diag)
{
    struct stat st;
    int fd = -1;
    int err = open_regular(dirfd, name, max, &fd, &st, diag);

    if (err != 0)
        return err;
    if (st.st_size == 0)
        err = mcos_diag_set(diag, MCOS_E_FORMAT, name, "%s is empty", name);
    else
        err = share(fd, (size_t)st.st_size, name, ret_blob, diag);
    if (err != 0) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    *ret_st = st;
    return 0;
}

int mc_mapping_ring(int dirfd, const char *file, const char *ring_name,
                    struct mc_ring **ret_ring, ino_t *ret_inode, struct mcos_diag *diag)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int err = mc_mapping_open(dirfd, file, MC_RECORD_BYTES_MAX, &blob, ret_inode, diag);

    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_XXH3, &ring, diag);
    if (err == 0 && ring_name != NULL &&
        strcmp(mc_ring_head(ring)->name.s, ring_name) != 0)
        err = mcos_diag_set(diag, MCOS_E_FORMAT, file, "%s holds the ring %s", file,
                            mc_ring_head(ring)->name.s);
    mc_blob_unref(blob);
    if (err != 0)
        mc_ring_unref(ring);
    else
        *ret_ring = ring;
    return err;
}

int mc_mapping_digest8(int dirfd, const char *file, uint8_t ret_digest8[8],
                       ino_t *ret_inode)
{
    uint8_t digest[MC_DIGEST_BYTES];
    struct mc_blob *blob = NULL;
    struct mc_bytes bytes;
    int err = mc_mapping_open(dirfd, file, MC_RECORD_BYTES_MAX, &blob, ret_inode, NULL);

    if (err != 0)
        return err;
    bytes = mc_blob_get(blob);
    if (bytes.len >= HEAD_BYTES_AT + 4 &&
        mc_get_u32(bytes.ptr + HEAD_BYTES_AT) <= bytes.len)
        bytes.len = mc_get_u32(bytes.ptr + HEAD_BYTES_AT);
    mc_sha256(digest, bytes);
    memcpy(ret_digest8, digest, 8);
    mc_blob_unref(blob);
    return 0;
}

bool mc_mapping_damaged(int err)
{
    enum mcos_err_class group = mcos_err_classify(err);

    return (group == MCOS_REJECT || group == MCOS_CORRUPT) && err != MCOS_E_NOTFOUND &&
           err != MCOS_E_UPGRADE;
}
