/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/glance.c -- files that were read, by how their inodes looked. */
#include "adapter/file/glance.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_CAP 16u

void mc_glances_fini(struct mc_glances *glances)
{
    free(glances->list);
    *glances = (struct mc_glances){0};
}

static bool look(int dirfd, const char *file, struct mc_glance *ret_glance)
{
    struct stat st;

    if (dirfd < 0 || fstatat(dirfd, file, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode))
        return false;
    *ret_glance = (struct mc_glance){.device = st.st_dev,
                                     .inode = st.st_ino,
                                     .bytes = st.st_size,
                                     .written = st.st_mtim,
                                     .changed = st.st_ctim};
    return true;
}

/* The clock that the kernel takes a file's times from. A time to come is as good as
 * none: the clock was set back, and may pass it again. */
static bool is_fresh(const struct timespec *changed)
{
    struct timespec now;
    int64_t ms;

    if (clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0)
        return true;
    ms = ((int64_t)now.tv_sec - (int64_t)changed->tv_sec) * 1000 +
         (now.tv_nsec - changed->tv_nsec) / 1000000;
    return ms < MC_GLANCE_FRESH_MS;
}

bool mc_glance_take(int dirfd, const char *file, struct mc_glance *ret_glance)
{
    return look(dirfd, file, ret_glance) && !is_fresh(&ret_glance->changed);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool mc_glances_same(const struct mc_glances *glances, const struct mc_name *ring,
                     int dirfd, const char *file, const uint8_t *digest)
{
    const struct mc_glance *was;
    struct mc_glance is;
    size_t at;

    if (!mc_name_place(glances->list, glances->count, sizeof(*glances->list), ring->s,
                       &at))
        return false;
    was = &glances->list[at];
    if (digest != NULL && memcmp(was->digest, digest, sizeof(was->digest)) != 0)
        return false;
    return look(dirfd, file, &is) && is.device == was->device &&
           is.inode == was->inode && is.bytes == was->bytes &&
           is_same_time(&is.written, &was->written) &&
           is_same_time(&is.changed, &was->changed);
}

static bool make_room(struct mc_glances *glances)
{
    size_t cap = glances->cap == 0 ? FIRST_CAP : 2 * glances->cap;
    struct mc_glance *grown;

    if (glances->count < glances->cap)
        return true;
    grown = realloc(glances->list, cap * sizeof(*grown));
    if (grown == NULL)
        return false;
    glances->list = grown;
    glances->cap = cap;
    return true;
}

void mc_glances_note(struct mc_glances *glances, const struct mc_name *ring,
                     const struct mc_glance *glance, const struct mc_head *head)
{
    struct mc_glance *list = glances->list;
    size_t at;
    bool was = mc_name_place(list, glances->count, sizeof(*list), ring->s, &at);

    if (glance == NULL) {
        if (was)
            memmove(&list[at], &list[at + 1], (--glances->count - at) * sizeof(*list));
        return;
    }
    if (!was && !make_room(glances))
        return;
    list = glances->list;
    if (!was)
        memmove(&list[at + 1], &list[at], (glances->count++ - at) * sizeof(*list));
    list[at] = *glance;
    list[at].ring = *ring;
    memcpy(list[at].digest, head->digest, sizeof(list[at].digest));
}
