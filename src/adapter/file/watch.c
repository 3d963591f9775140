/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/watch.c -- inotify on two folders. */
#include "adapter/file/watch.h"

#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

/* What replaces a file, what puts something else in its place, and what nobody may
 * do to it: write into it. */
#define FILE_EVENTS                                                                    \
    (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_MODIFY | IN_ATTRIB)
#define FOLDER_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

void mc_watch_init(struct mc_watch *watch)
{
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    for (unsigned i = 0; i < MC_WATCH_FOLDERS; i++)
        watch->folder[i] = -1;
    watch->deaf = true;
}

void mc_watch_fini(struct mc_watch *watch)
{
    if (watch->fd >= 0)
        (void)close(watch->fd);
    watch->fd = -1;
}

void mc_watch_again(struct mc_watch *watch, const char *data)
{
    static const char *const inside[MC_WATCH_FOLDERS] = {"", "/rings"};
    char path[PATH_MAX];

    if (watch->fd < 0 || !watch->deaf)
        return;
    watch->deaf = false;
    for (unsigned i = 0; i < MC_WATCH_FOLDERS; i++) {
        int n = snprintf(path, sizeof(path), "%s%s", data, inside[i]);
        int wd = -1;

        if (n > 0 && (size_t)n < sizeof(path))
            wd = inotify_add_watch(watch->fd, path, FILE_EVENTS | FOLDER_EVENTS);
        if (watch->folder[i] >= 0 && watch->folder[i] != wd)
            (void)inotify_rm_watch(watch->fd, watch->folder[i]);
        watch->folder[i] = wd;
        watch->deaf |= wd < 0;
    }
}

bool mc_watch_heard(struct mc_watch *watch)
{
    _Alignas(struct inotify_event) char room[4096];
    bool heard = false;
    ssize_t n;

    while ((n = read(watch->fd, room, sizeof(room))) > 0) {
        heard = true;
        for (char *at = room; at < room + n;) {
            const struct inotify_event *event = (const void *)at;

            /* A folder that is gone or elsewhere, or one made: `rings` may be it. */
            if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_ISDIR |
                                IN_Q_OVERFLOW)) != 0)
                watch->deaf = true;
            at += sizeof(*event) + event->len;
        }
    }
    return heard;
}
