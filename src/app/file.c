/* SPDX-License-Identifier: Apache-2.0 */
/* app/file.c -- files that people name. */
#include "app/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (1u << 16)

/* Bytes of the character at `c` (UTF-8 that may be shown), or 0. */
static size_t good_character(const unsigned char *c)
{
    size_t len = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;

    if (c[0] < 0x20 || c[0] == 0x7f || (c[0] >= 0x80 && c[0] < 0xc2) || c[0] > 0xf4 ||
        (c[0] == 0xc2 && c[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return len;
}

const char *mc_file_shown(const char *path, char dst[MC_SHOWN_MAX])
{
    const unsigned char *c = (const unsigned char *)path;
    size_t used = 0;

    while (*c != '\0' && used + 8 < MC_SHOWN_MAX) {
        size_t len = good_character(c);

        if (len == 0) {
            used += (size_t)snprintf(dst + used, MC_SHOWN_MAX - used, "\\x%02x",
                                     (unsigned)*c);
            c++;
        } else {
            memcpy(dst + used, c, len);
            used += len;
            c += len;
        }
    }
    (void)snprintf(dst + used, MC_SHOWN_MAX - used, "%s", *c != '\0' ? "..." : "");
    return dst;
}

int mc_file_blame(const char *path, int code, struct mcos_diag *diag)
{
    char shown[MC_SHOWN_MAX];
    char text[sizeof(diag->text)];

    memcpy(text, diag->text, sizeof(text));
    (void)snprintf(diag->text, sizeof(diag->text), "%.120s: %s",
                   mc_file_shown(path, shown),
                   text[0] != '\0' ? text : mcos_err_text(code));
    return code;
}

int mc_file_read(const char *path, size_t max, struct mc_buf *b, struct mcos_diag *diag)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char shown[MC_SHOWN_MAX];
    int rc = 0;

    if (fd < 0)
        return mcos_diag_set(diag, errno == ENOENT ? MCOS_E_NOTFOUND : MCOS_E_IO, "",
                             "%s: %s", mc_file_shown(path, shown), strerror(errno));
    for (;;) {
        size_t before = b->len;
        uint8_t *room = mc_buf_reserve(b, CHUNK);
        ssize_t n;

        if (room == NULL) {
            rc = MCOS_E_NOMEM;
            break;
        }
        n = read(fd, room, CHUNK);
        b->len = before + (n > 0 ? (size_t)n : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = mcos_diag_set(diag, MCOS_E_IO, "", "%s: %s",
                               mc_file_shown(path, shown), strerror(errno));
        else if (b->len > max)
            rc = mcos_diag_set(diag, MCOS_E_TOOBIG, "", "%s is longer than %zu bytes",
                               mc_file_shown(path, shown), max);
        if (n <= 0 || rc < 0)
            break;
    }
    if (!standard)
        (void)close(fd);
    return rc;
}

static int write_all(int fd, struct mc_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return 0;
}

static int sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd;
    int rc = -1;

    if (copy == NULL)
        return -1;
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        rc = fsync(fd);
        (void)close(fd);
    }
    free(copy);
    return rc;
}

/* What a path comes to behind its links, to be freed; it may be replaced. */
static int find_target(const char *path, char **ret_target, struct mcos_diag *diag)
{
    char shown[MC_SHOWN_MAX];
    struct stat st;
    bool there;
    char *target;

    if (path[0] == '\0' || strcmp(path, "-") == 0)
        return mcos_diag_set(diag, MCOS_E_USAGE, "out",
                             "\"%s\" names no file, and it has to go into one", path);
    there = lstat(path, &st) == 0;
    target = there && S_ISLNK(st.st_mode) ? realpath(path, NULL) : strdup(path);

    if (target == NULL)
        return mcos_diag_set(diag, MCOS_E_IO, "", "%s: %s", mc_file_shown(path, shown),
                             strerror(errno));
    if (there && stat(target, &st) == 0 && !S_ISREG(st.st_mode)) {
        free(target);
        return mcos_diag_set(diag, MCOS_E_USAGE, "out",
                             "%s is there and is no file (but a %s): it is left "
                             "as it is",
                             mc_file_shown(path, shown),
                             S_ISDIR(st.st_mode)    ? "folder"
                             : S_ISFIFO(st.st_mode) ? "pipe"
                             : S_ISSOCK(st.st_mode) ? "socket"
                                                    : "device");
    }
    *ret_target = target;
    return 0;
}

/* Ctrl-C and its like wait until a file is written: whole, and nothing aside. */
static void hold_signals(sigset_t *before)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, before);
}

int mc_file_write(const char *path, struct mc_bytes bytes, struct mcos_diag *diag)
{
    char *target = NULL;
    char *aside = NULL;
    char shown[MC_SHOWN_MAX];
    sigset_t before;
    int fd = -1;
    int rc = find_target(path, &target, diag);

    if (rc < 0)
        return rc;
    if (asprintf(&aside, "%s.aside-%ld", target, (long)getpid()) < 0) {
        free(target);
        return MCOS_E_NOMEM;
    }
    hold_signals(&before);
    fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 || write_all(fd, bytes) != 0 || fsync(fd) != 0 ||
        rename(aside, target) != 0 || sync_folder(target) != 0)
        rc = mcos_diag_set(diag,
                           errno == ENOSPC || errno == EDQUOT ? MCOS_E_FULL : MCOS_E_IO,
                           "", "%s: %s", mc_file_shown(path, shown), strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
        if (rc < 0)
            (void)unlink(aside);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    free(aside);
    free(target);
    return rc;
}
