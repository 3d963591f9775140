/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/bell.c -- the doorbell. */
#include "adapter/sqlite/bell.h"

#include "adapter/sqlite/place.h"
#include "mcos/err.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_CAP (MC_PLACE_PATH_MAX + 32)

static void watch_for(struct mc_bell *bell, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN};

    if (fd >= 0 && bell->poll_fd >= 0)
        (void)epoll_ctl(bell->poll_fd, EPOLL_CTL_ADD, fd, &ev);
}

void mc_bell_init(struct mc_bell *bell)
{
    bell->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    bell->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    bell->poke_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bell->file_fd = -1;
    bell->watch = -1;
    watch_for(bell, bell->watch_fd);
    watch_for(bell, bell->poke_fd);
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void mc_bell_fini(struct mc_bell *bell)
{
    shut(&bell->file_fd);
    shut(&bell->watch_fd);
    shut(&bell->poke_fd);
    shut(&bell->poll_fd);
}

bool mc_bell_exists(const char *path)
{
    char name[NAME_CAP];
    struct stat st;

    mc_place_name(name, path, ".bell");
    return stat(name, &st) == 0 && S_ISREG(st.st_mode);
}

int mc_bell_attach(struct mc_bell *bell, const char *path)
{
    char name[NAME_CAP];
    struct stat there, ours;

    mc_place_name(name, path, ".bell");
    if (bell->file_fd >= 0) {
        if (stat(name, &there) == 0 && fstat(bell->file_fd, &ours) == 0 &&
            there.st_ino == ours.st_ino && there.st_dev == ours.st_dev)
            return 0;
        shut(&bell->file_fd);
        if (bell->watch >= 0)
            (void)inotify_rm_watch(bell->watch_fd, bell->watch);
        bell->watch = -1;
    }
    bell->file_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0660);
    if (bell->file_fd < 0)
        return MCOS_E_IO;
    if (bell->watch_fd >= 0)
        bell->watch = inotify_add_watch(bell->watch_fd, name, IN_MODIFY | IN_ATTRIB);
    return 0;
}

void mc_bell_ring(struct mc_bell *bell)
{
    /* On a full disk the byte may not fit; the time always does. */
    if (bell->file_fd >= 0 && pwrite(bell->file_fd, "!", 1, 0) != 1)
        (void)futimens(bell->file_fd, NULL);
}

void mc_bell_poke(struct mc_bell *bell)
{
    const uint64_t one = 1;

    if (bell->poke_fd >= 0)
        (void)!write(bell->poke_fd, &one, sizeof(one));
}

bool mc_bell_drain(struct mc_bell *bell)
{
    uint8_t junk[4096];
    bool any = false;

    if (bell->poke_fd >= 0 && read(bell->poke_fd, junk, sizeof(uint64_t)) > 0)
        any = true;
    while (bell->watch_fd >= 0 && read(bell->watch_fd, junk, sizeof(junk)) > 0)
        any = true;
    return any;
}
