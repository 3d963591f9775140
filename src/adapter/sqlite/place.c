/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/place.c -- the files of a bus. */
#include "adapter/sqlite/place.h"

#include "mcos/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_CAP (MC_PLACE_PATH_MAX + 32)

void mc_place_name(char *dst, const char *path, const char *suffix)
{
    snprintf(dst, NAME_CAP, "%s%s", path, suffix);
}

static ino_t inode(const char *path, const char *suffix)
{
    char name[NAME_CAP];
    struct stat st;

    mc_place_name(name, path, suffix);
    return stat(name, &st) == 0 ? st.st_ino : 0;
}

int mc_place_look(const char *path, struct mc_place_id *ret_id)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT ? MCOS_E_NOTFOUND : MCOS_E_IO;
    if (!S_ISREG(st.st_mode))
        return MCOS_E_CONFIG;
    *ret_id = (struct mc_place_id){.dev = st.st_dev,
                                   .file = st.st_ino,
                                   .wal = inode(path, "-wal"),
                                   .shm = inode(path, "-shm")};
    return 0;
}

bool mc_place_same(const struct mc_place_id *a, const struct mc_place_id *b)
{
    return a->dev == b->dev && a->file == b->file && a->wal == b->wal &&
           a->shm == b->shm;
}

static int why(void)
{
    return errno == ENOSPC || errno == EDQUOT ? MCOS_E_FULL : MCOS_E_IO;
}

static bool stands_there(int fd, const char *name)
{
    struct stat held, there;

    return fstat(fd, &held) == 0 && stat(name, &there) == 0 &&
           held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

int mc_place_lock(const char *path, int *ret_fd)
{
    char name[NAME_CAP];
    int fd, err = 0;

    mc_place_name(name, path, ".lock");
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0660);
    if (fd < 0)
        return why();
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        err = errno == EWOULDBLOCK || errno == EINTR ? MCOS_E_LOCKED : MCOS_E_IO;
    else if (!stands_there(fd, name))
        err = MCOS_E_LOCKED; /* the folder was replaced under us */
    if (err != 0) {
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

int mc_place_claim(const char *path, const uint8_t uid[MC_UID_BYTES], int *fd)
{
    struct flock one = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    char name[NAME_CAP];
    int mine, err = 0;

    mc_place_name(name, path, ".lock");
    if (*fd >= 0 && stands_there(*fd, name))
        return 0;
    mine = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0660);
    if (mine < 0)
        return why();
    for (int i = 0; i < 7; i++) /* 56 bits: other uids have other bytes */
        one.l_start = one.l_start << 8 | uid[i];
    one.l_start++;
    /* Of this open file, not of the process: place_lock() opens and closes it too. */
    if (fcntl(mine, F_OFD_SETLK, &one) != 0)
        err = errno == EAGAIN || errno == EACCES ? MCOS_E_IDENTITY : MCOS_E_IO;
    else if (!stands_there(mine, name))
        err = MCOS_E_LOCKED; /* it was replaced under us */
    if (err != 0) {
        close(mine);
        return err;
    }
    if (*fd >= 0)
        close(*fd);
    *fd = mine;
    return 0;
}

int mc_place_make(const char *path)
{
    char name[NAME_CAP];
    struct stat st;
    int fd;

    if (stat(path, &st) == 0)
        return 0;
    if (errno != ENOENT)
        return MCOS_E_IO;
    mc_place_name(name, path, "-wal");
    if (unlink(name) != 0 && errno != ENOENT)
        return MCOS_E_IO;
    mc_place_name(name, path, "-shm");
    if (unlink(name) != 0 && errno != ENOENT)
        return MCOS_E_IO;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
    if (fd < 0)
        return errno == EEXIST ? 0 : why();
    close(fd);
    return 0;
}

/* The log first, the file last: if we are killed between, the file that is left
 * has lost its log, and the next one to look moves it aside too. */
int mc_place_set_aside(const char *path)
{
    static const char *const parts[] = {"-wal", "-shm", ""};
    char from[NAME_CAP], to[NAME_CAP], suffix[32];

    for (int i = MC_PLACE_BAD_MAX - 1; i >= 1; i--)
        for (size_t p = 0; p < 3; p++) {
            snprintf(suffix, sizeof(suffix), ".bad-%d%s", i, parts[p]);
            mc_place_name(from, path, suffix);
            snprintf(suffix, sizeof(suffix), ".bad-%d%s", i + 1, parts[p]);
            mc_place_name(to, path, suffix);
            if (rename(from, to) != 0)
                unlink(to); /* a part that the older one had and this one has not */
        }
    for (size_t p = 0; p < 3; p++) {
        mc_place_name(from, path, parts[p]);
        snprintf(suffix, sizeof(suffix), ".bad-1%s", parts[p]);
        mc_place_name(to, path, suffix);
        if (rename(from, to) != 0 && errno != ENOENT)
            return MCOS_E_IO;
    }
    return 0;
}
