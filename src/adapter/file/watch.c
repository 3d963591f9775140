/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/watch.c -- inotify on two folders. */
#include "adapter/file/watch.h"

#include "adapter/file/store.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* What replaces a file, what puts something else in its place, and what nobody may
 * do to it: write into it. */
#define FILE_EVENTS                                                                    \
    (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_MODIFY | IN_ATTRIB)
#define FOLDER_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define READS_MAX     16u

void mc_watch_init(struct mc_watch *watch)
{
    *watch = (struct mc_watch){.fd = -1, .deaf = true};
    for (unsigned i = 0; i < MC_WATCH_FOLDERS; i++)
        watch->folder[i].wd = -1;
}

void mc_watch_fini(struct mc_watch *watch)
{
    if (watch->fd >= 0)
        (void)close(watch->fd);
    watch->fd = -1;
}

/* Listens to what is at the path now. False: there is nothing to listen to. What it is
 * was looked at before: if it is replaced in between, the next time finds that out. */
static bool listen_to(struct mc_watch *watch, struct mc_watch_folder *folder,
                      const char *path, const struct stat *st)
{
    int wd = inotify_add_watch(watch->fd, path, FILE_EVENTS | FOLDER_EVENTS);

    if (folder->wd >= 0 && folder->wd != wd)
        (void)inotify_rm_watch(watch->fd, folder->wd);
    *folder = (struct mc_watch_folder){wd, st->st_dev, st->st_ino};
    return wd >= 0;
}

void mc_watch_again(struct mc_watch *watch, const char *data)
{
    static const char *const inside[MC_WATCH_FOLDERS] = {"", "/rings"};
    bool deaf = watch->deaf;
    char path[PATH_MAX];

    if (watch->fd < 0) /* at first, and as long as the system has none to spare */
        watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0)
        return;
    watch->deaf = false;
    for (unsigned i = 0; i < MC_WATCH_FOLDERS; i++) {
        struct mc_watch_folder *folder = &watch->folder[i];
        int n = snprintf(path, sizeof(path), "%s%s", data, inside[i]);
        struct stat st = {0};

        if (n < 0 || (size_t)n >= sizeof(path) || stat(path, &st) != 0)
            watch->deaf = true; /* what was there tells nothing any more */
        else if (deaf || folder->dev != st.st_dev || folder->ino != st.st_ino)
            watch->deaf |= !listen_to(watch, folder, path, &st);
    }
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name);

    return n >= strlen(end) && strcmp(name + n - strlen(end), end) == 0;
}

/* Whether a resolver reads what has that name. A folder is home to more: to what is
 * written aside, and to what others put there, as often as they like. */
static bool is_read(const struct inotify_event *event)
{
    if (event->len == 0 || (event->mask & IN_ISDIR) != 0)
        return true;
    return event->name[0] != '.' &&
           (ends_with(event->name, ".ring") || ends_with(event->name, ".prev") ||
            strcmp(event->name, "clusters") == 0 ||
            strcmp(event->name, MC_FILE_CONFIRMED) == 0);
}

bool mc_watch_heard(struct mc_watch *watch)
{
    _Alignas(struct inotify_event) char room[4096];
    bool heard = false;
    ssize_t n;

    /* Who writes all the time does not keep us here: the rest is heard the next time.
     */
    for (unsigned i = 0; i < READS_MAX && (n = read(watch->fd, room, sizeof(room))) > 0;
         i++) {
        for (char *at = room; at < room + n;) {
            const struct inotify_event *event = (const void *)at;

            /* A folder that is gone or elsewhere, or one made: `rings` may be it. */
            if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_ISDIR |
                                IN_Q_OVERFLOW)) != 0)
                watch->deaf = true;
            heard |= is_read(event);
            at += sizeof(*event) + event->len;
        }
    }
    return heard;
}
