/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/folder.c -- folders by descriptor. */
#include "adapter/file/folder.h"

#include "base/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mc_folder_fail(struct mcos_diag *diag, const char *what, const char *name)
{
    int cause = errno;
    int code = MCOS_E_IO;

    if (cause == ENOSPC || cause == EDQUOT)
        code = MCOS_E_FULL;
    else if (cause == ENOMEM)
        code = MCOS_E_NOMEM;
    return mcos_diag_set(diag, code, name, "%s %s: %s", what, name, strerror(cause));
}

static int open_folder(int dirfd, const char *name, int flags)
{
    int fd;

    do
        fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* A folder just made must be durable in its parent, or all inside is lost with it. */
static int sync_parent(const char *path, struct mcos_diag *diag)
{
    char *parent = strdup(path);
    size_t n = strlen(path);
    int fd;
    int err;

    if (parent == NULL)
        return MCOS_E_NOMEM;
    while (n > 1 && parent[n - 1] == '/')
        n--;
    while (n > 0 && parent[n - 1] != '/')
        n--;
    parent[n] = '\0';
    fd = open_folder(AT_FDCWD, n == 0 ? "." : parent, 0);
    err = fd < 0 ? mc_folder_fail(diag, "cannot open", n == 0 ? "." : parent)
                 : mc_folder_sync(fd, diag);
    mc_folder_close(fd);
    free(parent);
    return err;
}

int mc_folder_open(const char *path, bool make, int *ret_fd, struct mcos_diag *diag)
{
    int fd;
    int err;

    if (make) {
        if (mkdir(path, 0750) == 0) {
            err = sync_parent(path, diag);
            if (err != 0)
                return err;
        } else if (errno != EEXIST && errno != EROFS) {
            return mc_folder_fail(diag, "cannot make data folder", path);
        }
    }
    fd = open_folder(AT_FDCWD, path, 0);
    if (fd < 0 && errno == ENOENT)
        return mcos_diag_set(diag, MCOS_E_IO, "data", "data folder %s is gone", path);
    if (fd < 0)
        return mc_folder_fail(diag, "cannot open data folder", path);
    *ret_fd = fd;
    return 0;
}

int mc_folder_sub(int dirfd, const char *name, bool make, int *ret_fd,
                  struct mcos_diag *diag)
{
    int fd = open_folder(dirfd, name, O_NOFOLLOW);
    int err;

    if (fd < 0 && errno == ENOENT) {
        if (!make)
            return MCOS_E_NOTFOUND;
        if (mkdirat(dirfd, name, 0750) != 0 && errno != EEXIST)
            return mc_folder_fail(diag, "cannot make folder", name);
        err = mc_folder_sync(dirfd, diag);
        if (err != 0)
            return err;
        fd = open_folder(dirfd, name, O_NOFOLLOW);
    }
    if (fd < 0)
        return mc_folder_fail(diag, "cannot open folder", name);
    *ret_fd = fd;
    return 0;
}

void mc_folder_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

int mc_folder_sync(int fd, struct mcos_diag *diag)
{
    int rc;

    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : mc_folder_fail(diag, "cannot make durable:", "folder");
}

static int cmp_name(const void *a, const void *b)
{
    return strcmp(((const struct mc_folder_name *)a)->s,
                  ((const struct mc_folder_name *)b)->s);
}

static int collect(DIR *dir, struct mc_folder_name **names, size_t *count)
{
    const struct dirent *entry;
    size_t cap = 0;

    while ((errno = 0, entry = readdir(dir)) != NULL) {
        size_t n = strlen(entry->d_name);

        if (n >= MC_FOLDER_NAME_MAX || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0)
            continue;
        if (*count == cap) {
            struct mc_folder_name *more;

            cap = cap == 0 ? 32 : 2 * cap;
            more = realloc(*names, cap * sizeof(**names));
            if (more == NULL)
                return MCOS_E_NOMEM;
            *names = more;
        }
        memcpy((*names)[(*count)++].s, entry->d_name, n + 1);
    }
    return errno == 0 ? 0 : MCOS_E_IO;
}

int mc_folder_list(int dirfd, struct mc_folder_name **ret_names, size_t *ret_count,
                   struct mcos_diag *diag)
{
    struct mc_folder_name *names = NULL;
    size_t count = 0;
    DIR *dir = NULL;
    int fd = -1;
    int err = 0;

    if (dirfd >= 0) {
        fd = open_folder(dirfd, ".", 0); /* a position of its own */
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (dir == NULL) {
            err = mc_folder_fail(diag, "cannot list", "folder");
            mc_folder_close(fd);
            return err;
        }
        err = collect(dir, &names, &count);
        if (err != 0)
            (void)mcos_diag_set(diag, err, "folder", "cannot list folder");
        (void)closedir(dir);
    }
    if (err != 0) {
        free(names);
        return err;
    }
    if (count > 1)
        qsort(names, count, sizeof(*names), cmp_name);
    *ret_names = names;
    *ret_count = count;
    return 0;
}

bool mc_folder_remove(int dirfd, const char *name)
{
    return unlinkat(dirfd, name, 0) == 0 || errno == ENOENT;
}

bool mc_folder_ring_name(const char *file, const char *suffix, struct mc_name *ret)
{
    char text[MC_NAME_MAX + 1];
    size_t n = strlen(file);
    size_t tail = strlen(suffix);

    if (n <= tail || n - tail > MC_NAME_MAX || strcmp(file + n - tail, suffix) != 0)
        return false;
    memcpy(text, file, n - tail);
    text[n - tail] = '\0';
    return mc_name_set(ret, text);
}

/* What is made here is durable later (mc_place_sync_versions). */
static int open_versions(struct mc_place *place, const char *name,
                         struct mcos_diag *diag)
{
    int room = -1;
    int err = mc_folder_sub(place->data, "versions", true, &room, diag);

    if (err != 0)
        return err;
    place->versions = open_folder(room, name, O_NOFOLLOW);
    if (place->versions < 0 && errno == ENOENT) {
        place->fresh = mkdirat(room, name, 0750) == 0;
        if (place->fresh || errno == EEXIST)
            place->versions = open_folder(room, name, O_NOFOLLOW);
    }
    if (place->versions < 0)
        err = mc_folder_fail(diag, "cannot open folder", name);
    mc_folder_close(room);
    return err;
}

/* The folder `name` of the folder `room`; -1 if missing and not to be made. */
static int open_room(int data, const char *room, const char *name, bool make,
                     int *ret_fd, struct mcos_diag *diag)
{
    int outer = -1;
    int err = mc_folder_sub(data, room, make, &outer, diag);

    if (err == 0)
        err = mc_folder_sub(outer, name, make, ret_fd, diag);
    mc_folder_close(outer);
    return err == MCOS_E_NOTFOUND ? 0 : err;
}

int mc_place_open(const char *path, const char *name, bool make,
                  struct mc_place *ret_place, struct mcos_diag *diag)
{
    struct mc_place place = {-1, -1, -1, -1, false};
    int err = mc_folder_open(path, false, &place.data, diag);

    if (err == 0) {
        err = mc_folder_sub(place.data, "rings", make, &place.rings, diag);
        if (err == MCOS_E_NOTFOUND)
            err = 0;
    }
    if (err == 0 && name != NULL && make)
        err = open_versions(&place, name, diag);
    if (err == 0 && name != NULL && !make)
        err = open_room(place.data, "versions", name, false, &place.versions, diag);
    if (err == 0 && name != NULL)
        err = open_room(place.data, "conflicts", name, false, &place.conflicts, diag);
    if (err != 0)
        mc_place_close(&place);
    else
        *ret_place = place;
    return err;
}

int mc_place_sync_versions(const struct mc_place *place, struct mcos_diag *diag)
{
    int room = -1;
    int err =
        place->versions < 0 ? MCOS_E_NOTFOUND : mc_folder_sync(place->versions, diag);

    if (err == 0)
        err = mc_folder_sub(place->data, "versions", false, &room, diag);
    if (err == 0)
        err = mc_folder_sync(room, diag);
    mc_folder_close(room);
    return err == MCOS_E_NOTFOUND ? 0 : err;
}

void mc_place_close(struct mc_place *place)
{
    mc_folder_close(place->conflicts);
    mc_folder_close(place->versions);
    mc_folder_close(place->rings);
    mc_folder_close(place->data);
    *place = (struct mc_place){-1, -1, -1, -1, false};
}

bool mc_place_has_conflicts(const char *path)
{
    int data = open_folder(AT_FDCWD, path, 0);
    bool has = data < 0 ||
               faccessat(data, "conflicts", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
               errno != ENOENT;

    mc_folder_close(data);
    return has;
}

int mc_place_conflicts(struct mc_place *place, const char *name, struct mcos_diag *diag)
{
    if (place->conflicts >= 0)
        return 0;
    return open_room(place->data, "conflicts", name, true, &place->conflicts, diag);
}
