/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/lease.c -- locks that die with their holder. */
#include "adapter/file/lease.h"

#include "adapter/file/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_STEP_MS 5u

/* Not for writing: a lock is no reason why a disk could not become read-only. */
static int open_lock_file(int dirfd, int flags, int *ret_fd, struct mcos_diag *diag)
{
    int fd;

    do
        fd = openat(dirfd, MC_LEASE_FILE,
                    O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0640);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return mc_folder_fail(diag, "cannot open", MC_LEASE_FILE);
    *ret_fd = fd;
    return 0;
}

static int try_lock(int fd)
{
    int rc;

    do
        rc = flock(fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    return rc;
}

/* The holder wrote its process id: digits and a newline. */
static void name_holder(int fd, char *text, size_t cap)
{
    char raw[16];
    ssize_t n = pread(fd, raw, sizeof(raw) - 1, 0);
    size_t digits = 0;

    while (n > 0 && digits < (size_t)n && raw[digits] >= '0' && raw[digits] <= '9')
        digits++;
    raw[digits] = '\0';
    if (digits == 0)
        (void)snprintf(text, cap, "another process");
    else
        (void)snprintf(text, cap, "process %s", raw);
}

static int write_holder(int dirfd, struct mcos_diag *diag)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    int fd = -1;
    int err = open_lock_file(dirfd, O_WRONLY, &fd, diag);

    if (err != 0)
        return err;
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        err = mc_folder_fail(diag, "cannot write", MC_LEASE_FILE);
    mc_folder_close(fd);
    return err;
}

int mc_lease_take(int dirfd, const char *path, int *ret_fd, struct mcos_diag *diag)
{
    char holder[32];
    int fd = -1;
    int err = open_lock_file(dirfd, O_RDONLY, &fd, diag);

    if (err != 0)
        return err;
    if (try_lock(fd) == 0) {
        err = write_holder(dirfd, diag);
    } else if (errno == EWOULDBLOCK) {
        name_holder(fd, holder, sizeof(holder));
        err = mcos_diag_set(diag, MCOS_E_LOCKED, "data",
                            "data folder %s is in use by %s", path, holder);
    } else {
        err = mc_folder_fail(diag, "cannot lock", MC_LEASE_FILE);
    }
    if (err != 0)
        mc_folder_close(fd);
    else
        *ret_fd = fd;
    return err;
}

bool mc_lease_holds(int fd, int dirfd)
{
    struct stat mine;
    struct stat there;

    return fd >= 0 && fstat(fd, &mine) == 0 &&
           fstatat(dirfd, MC_LEASE_FILE, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

int mc_lease_lock_rings(int rings_fd, unsigned wait_ms, int *ret_fd,
                        struct mcos_diag *diag)
{
    const struct timespec pause = {0, WAIT_STEP_MS * 1000000L};
    int fd = -1;
    int err = open_lock_file(rings_fd, O_RDONLY, &fd, diag);

    if (err != 0)
        return err;
    for (unsigned waited = 0; try_lock(fd) != 0; waited += WAIT_STEP_MS) {
        if (errno != EWOULDBLOCK)
            err = mc_folder_fail(diag, "cannot lock", "rings");
        else if (waited >= wait_ms)
            err = mcos_diag_set(diag, MCOS_E_LOCKED, "rings",
                                "another process has been merging for %u ms", wait_ms);
        if (err != 0) {
            mc_folder_close(fd);
            return err;
        }
        (void)nanosleep(&pause, NULL);
    }
    *ret_fd = fd;
    return 0;
}
