/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/replace.c -- the replacement recipe, step by step. */
#include "adapter/file/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct mc_folder_name mc_replace_aside(const char *name)
{
    struct mc_folder_name aside;

    (void)snprintf(aside.s, sizeof(aside.s), "%s%s", MC_REPLACE_ASIDE, name);
    return aside;
}

void mc_replace_drop(int dirfd, const char *name)
{
    (void)mc_folder_remove(dirfd, mc_replace_aside(name).s);
}

/* No space is told now and not half-way, where the filesystem can reserve. */
static int reserve(int fd, size_t size)
{
    int rc;

    if (size == 0)
        return 0;
    do
        rc = fallocate(fd, 0, 0, (off_t)size);
    while (rc != 0 && errno == EINTR);
    if (rc != 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
        return 0;
    return rc;
}

static int write_all(int fd, struct mc_bytes bytes)
{
    size_t done = 0;

    while (done < bytes.len) {
        ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

static int sync_file(int fd)
{
    int rc;

    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

void mc_replace_forget(int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

static int open_new(int dirfd, const char *name)
{
    int fd;

    do
        fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0640);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int mc_replace_write(int dirfd, const char *name, struct mc_bytes bytes,
                     struct mcos_diag *diag)
{
    struct mc_folder_name aside = mc_replace_aside(name);
    int fd;
    int err = 0;

    fd = open_new(dirfd, aside.s);
    if (fd < 0 && errno == EEXIST && mc_folder_remove(dirfd, aside.s))
        fd = open_new(dirfd, aside.s); /* that was what a crash left */
    if (fd < 0)
        return mc_folder_fail(diag, "cannot make", aside.s);
    if (reserve(fd, bytes.len) != 0 || write_all(fd, bytes) != 0 || sync_file(fd) != 0)
        err = mc_folder_fail(diag, "cannot write", name);
    /* Linux closes the descriptor even when a signal comes between. */
    if (close(fd) != 0 && errno != EINTR && err == 0)
        err = mc_folder_fail(diag, "cannot close", name);
    if (err != 0)
        (void)mc_folder_remove(dirfd, aside.s);
    return err;
}

int mc_replace_commit(int dirfd, const char *name, bool *ret_doubt,
                      struct mcos_diag *diag)
{
    struct mc_folder_name aside = mc_replace_aside(name);
    int err;

    *ret_doubt = false;
    if (renameat(dirfd, aside.s, dirfd, name) != 0) {
        err = mc_folder_fail(diag, "cannot put in place", name);
        (void)mc_folder_remove(dirfd, aside.s);
        return err;
    }
    err = mc_folder_sync(dirfd, diag);
    *ret_doubt = err != 0;
    return err;
}

int mc_replace(int dirfd, const char *name, struct mc_bytes bytes,
               struct mcos_diag *diag)
{
    bool doubt;
    int err = mc_replace_write(dirfd, name, bytes, diag);

    if (err == 0)
        err = mc_replace_commit(dirfd, name, &doubt, diag);
    return err;
}
