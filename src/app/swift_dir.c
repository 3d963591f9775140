/* SPDX-License-Identifier: Apache-2.0 */
/* app/swift_dir.c -- which ring is written next; made by the worker, put in place here.
 */
#include "app/swift_dir.h"

#include "adapter/file/mapping.h"
#include "adapter/file/replace.h"
#include "adapter/swift/ringwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE  0644 /* Swift runs as another user, and there is no secret in it */
#define LINE_BYTES 768u

/* By what a file is known again without being read. All zero: there is none. */
struct print {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

/* What is known of one ring. */
struct shelf {
    struct mc_name name;
    struct mc_ring *done; /* ours: nothing is to be done while the agent holds this */
    bool written;         /* one of its versions is in the folder */
    bool current;         /* this one */
    struct print print;   /* of the file, when it was written */
    char *trouble;        /* why what is held is not there; NULL: no trouble */
    uint64_t retry_ms;    /* after the next failure; 0: the last one was none */
    uint64_t at_ms;       /* not before this */
};

struct mc_swift_dir {
    const char *path;
    struct mc_secret secret; /* of this host's Swift; empty: not known */
    struct mc_work *work;
    struct mc_log *log;
    struct shelf *shelves; /* by name */
    size_t count;
    size_t cap;
    bool writing;
    uint64_t now_ms;  /* of the last turn */
    uint64_t look_ms; /* when the files are looked at again */
    char said[LINE_BYTES / 2];
};

/* One ring on its way. */
struct writing {
    struct mc_swift_dir *dir;
    struct mc_ring *ring; /* ours */
    struct mc_buf file;
    unsigned version;
    bool same; /* its bytes were there already */
    struct print print;
    int err;
    struct mcos_diag diag;
};

static void say(struct mc_swift_dir *dir, enum mc_log_level level,
                const struct mc_ring *ring, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void say(struct mc_swift_dir *dir, enum mc_log_level level,
                const struct mc_ring *ring, const char *event, const char *fmt, ...)
{
    const struct mc_head *head = mc_ring_head(ring);
    char line[LINE_BYTES];
    char rest[LINE_BYTES / 2];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(rest, sizeof(rest), fmt, args);
    va_end(args);
    (void)snprintf(line, sizeof(line), "event=%s ring=%s version=%llu %s", event,
                   head->name.s, (unsigned long long)head->version, rest);
    dir->log->line(dir->log, level, line);
}

static void file_name(const struct mc_ring *ring, char dst[MC_FOLDER_NAME_MAX])
{
    (void)snprintf(dst, MC_FOLDER_NAME_MAX, "%s.ring.gz", mc_ring_head(ring)->name.s);
}

/* Made if there is none; NULL when memory is out. Lent until the next one is made. */
static struct shelf *find_shelf(struct mc_swift_dir *dir, const struct mc_name *name)
{
    struct shelf *grown;
    size_t lo = 0;
    size_t hi = dir->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(dir->shelves[mid].name.s, name->s);

        if (order == 0)
            return &dir->shelves[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (dir->count == dir->cap) {
        size_t cap = dir->cap == 0 ? 16 : 2 * dir->cap;

        grown = realloc(dir->shelves, cap * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        dir->shelves = grown;
        dir->cap = cap;
    }
    memmove(&dir->shelves[lo + 1], &dir->shelves[lo],
            (dir->count++ - lo) * sizeof(dir->shelves[0]));
    dir->shelves[lo] = (struct shelf){.name = *name};
    return &dir->shelves[lo];
}

static void is_done(struct shelf *shelf, struct mc_ring *take_ring)
{
    mc_ring_unref(shelf->done);
    shelf->done = take_ring;
    shelf->current = false;
    shelf->retry_ms = 0;
    shelf->at_ms = 0;
    free(shelf->trouble);
    shelf->trouble = NULL;
}

/* ---- a file ---- */

static bool is_there(int fd, const char *name, struct mc_bytes bytes)
{
    struct mc_blob *blob = NULL;
    bool same = mc_mapping_open(fd, name, bytes.len, &blob, NULL, NULL) == 0 &&
                mc_blob_get(blob).len == bytes.len &&
                memcmp(mc_blob_get(blob).ptr, bytes.ptr, bytes.len) == 0;

    mc_blob_unref(blob);
    return same;
}

static struct print print_of(int fd, const char *name)
{
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return (struct print){0};
    return (struct print){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
}

static bool same_print(const struct print *a, const struct print *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* By the worker: a disk takes its time. */
static int put_in_place(struct writing *w)
{
    const struct mc_bytes bytes = {w->file.ptr, w->file.len};
    char name[MC_FOLDER_NAME_MAX];
    bool doubt;
    int fd = -1;
    int err = mc_folder_open(w->dir->path, false, &fd, &w->diag);

    if (err != 0)
        return err;
    file_name(w->ring, name);
    w->print = print_of(fd, name); /* before: what comes now shows at the next look */
    w->same = is_there(fd, name, bytes);
    if (w->same)
        goto out;
    err = mc_replace_write(fd, name, bytes, &w->diag);
    if (err == 0 && fchmodat(fd, mc_replace_aside(name).s, FILE_MODE, 0) != 0) {
        err = mc_folder_fail(&w->diag, "cannot let others read", name);
        mc_replace_drop(fd, name);
    }
    if (err == 0)
        err = mc_replace_commit(fd, name, &doubt, &w->diag);
    if (err == 0)
        w->print = print_of(fd, name);
out:
    mc_folder_close(fd);
    return err;
}

/* ---- by the worker ---- */

/* With another secret this host's Swift would look names up in wrong places. */
static int check_secret(const struct writing *w, struct mcos_diag *diag)
{
    const struct mc_secret *ours = &w->dir->secret;
    struct mc_secret needed;
    uint8_t check[2][8];

    if (ours->prefix.len == 0 && ours->suffix.len == 0)
        return 0;
    if (mc_lookup_secret(w->ring, ours, &needed) == 0) {
        mc_secret_check(ours, check[0]);
        mc_secret_check(&needed, check[1]); /* a ring may carry its own */
        if (memcmp(check[0], check[1], sizeof(check[0])) == 0)
            return 0;
    }
    return mcos_diag_set(diag, MCOS_E_SECRET, "/hash",
                         "the ring was made with other hash prefix and suffix than "
                         "swift_conf has");
}

static void run(void *ctx)
{
    struct writing *w = ctx;

    w->err = check_secret(w, &w->diag);
    if (w->err == 0)
        w->err = mc_ringgz_encode(w->ring, MC_RINGGZ_FITTING, &w->file, &w->version,
                                  &w->diag);
    if (w->err == 0)
        w->err = put_in_place(w);
}

static void drop(struct writing *w)
{
    mc_buf_fini(&w->file);
    mc_ring_unref(w->ring);
    free(w);
}

static void keep_trouble(struct shelf *shelf, const struct writing *w)
{
    const char *why = w->diag.text[0] != '\0' ? w->diag.text : mcos_err_text(w->err);

    free(shelf->trouble);
    shelf->trouble = strdup(why);
}

/* Said once until it works; a ring that cannot be a file is not tried again. */
static void failed(struct mc_swift_dir *dir, struct shelf *shelf, struct writing *w)
{
    if (mcos_err_classify(w->err) == MCOS_REJECT) {
        say(dir, MC_LOG_WARN, w->ring, "swift-refused", "error=%s field=%s msg=\"%s\"",
            mcos_err_slug(w->err), w->diag.field, w->diag.text);
        is_done(shelf, mc_ring_ref(w->ring));
        keep_trouble(shelf, w);
        return;
    }
    if (shelf->retry_ms == 0) {
        say(dir, MC_LOG_WARN, w->ring, "swift-trouble",
            "error=%s msg=\"%s\" do=\"see the folder: space, permissions, disk\"",
            mcos_err_slug(w->err),
            w->diag.text[0] != '\0' ? w->diag.text : mcos_err_text(w->err));
        shelf->retry_ms = MC_SWIFT_DIR_RETRY_MS_0;
    }
    keep_trouble(shelf, w);
    shelf->at_ms = dir->now_ms + shelf->retry_ms;
    shelf->retry_ms *= 2;
    if (shelf->retry_ms > MC_SWIFT_DIR_RETRY_MS_MAX)
        shelf->retry_ms = MC_SWIFT_DIR_RETRY_MS_MAX;
}

static void done(void *ctx, bool wanted)
{
    struct writing *w = ctx;
    struct mc_swift_dir *dir = w->dir;
    struct shelf *shelf = find_shelf(dir, &mc_ring_head(w->ring)->name);

    dir->writing = false;
    if (wanted && shelf != NULL && w->err != 0) {
        failed(dir, shelf, w);
    } else if (wanted && shelf != NULL) {
        say(dir, w->same ? MC_LOG_DEBUG : MC_LOG_INFO, w->ring,
            w->same ? "swift-same" : "swift-written", "format=%u bytes=%zu", w->version,
            w->file.len);
        shelf->written = true;
        is_done(shelf, mc_ring_ref(w->ring));
        shelf->current = true;
        shelf->print = w->print;
    }
    drop(w);
}

static void submit(struct mc_swift_dir *dir, struct shelf *shelf, struct mc_ring *ring)
{
    struct writing *w = calloc(1, sizeof(*w));

    shelf->at_ms = dir->now_ms + MC_SWIFT_DIR_BUSY_MS;
    if (w == NULL)
        return;
    *w =
        (struct writing){.dir = dir, .ring = mc_ring_ref(ring), .diag = {.offset = -1}};
    if (dir->work->submit(dir->work, &(struct mc_job){run, done, w, false}) != 0) {
        drop(w);
        return;
    }
    dir->writing = true;
}

/* ---- turns ---- */

/* Of a ring that Swift cannot look names up in, nothing is written. */
static bool is_swifts(struct mc_swift_dir *dir, const struct mc_ring *ring,
                      const struct shelf *shelf)
{
    const struct mc_head *head = mc_ring_head(ring);

    if (head->tombstone && shelf->written &&
        (shelf->done == NULL || !mc_ring_head(shelf->done)->tombstone))
        say(dir, MC_LOG_WARN, ring, "swift-kept",
            "msg=\"the ring was deleted; its file stays, for a Swift that uses it\" "
            "do=\"remove it when nobody does\"");
    return !head->tombstone && head->hash == MC_HASH_SWIFT_MD5;
}

/* A file that is another one than was written, or none, is written anew. */
static void look(struct mc_swift_dir *dir)
{
    struct mcos_diag diag = {.offset = -1};
    int fd = -1;

    dir->look_ms = dir->now_ms + MC_SWIFT_DIR_LOOK_MS;
    if (mc_folder_open(dir->path, false, &fd, &diag) != 0)
        fd = -1; /* then no file is there, and writing will say why */
    for (size_t i = 0; i < dir->count; i++) {
        struct shelf *shelf = &dir->shelves[i];
        char name[MC_FOLDER_NAME_MAX];
        struct print now = {0};

        if (!shelf->current)
            continue;
        file_name(shelf->done, name);
        if (fd >= 0)
            now = print_of(fd, name);
        if (same_print(&now, &shelf->print))
            continue;
        shelf->written = now.ino != 0;
        is_done(shelf, NULL);
    }
    mc_folder_close(fd);
}

int mc_swift_dir_check(const char *path, struct mcos_diag *diag)
{
    struct stat st;

    if (stat(path, &st) != 0 || (!S_ISDIR(st.st_mode) && (errno = ENOTDIR) != 0) ||
        access(path, W_OK | X_OK) != 0)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "export_swift",
                             "export_swift: %.150s: %s", path, strerror(errno));
    return 0;
}

int mc_swift_dir_open(const char *path, const struct mc_secret *secret,
                      struct mc_work *work, struct mc_log *log,
                      struct mc_swift_dir **ret, struct mcos_diag *diag)
{
    struct mc_swift_dir *dir;
    int err = mc_swift_dir_check(path, diag);

    if (err != 0)
        return err;
    dir = calloc(1, sizeof(*dir));
    if (dir == NULL)
        return MCOS_E_NOMEM;
    dir->path = path;
    dir->secret = *secret;
    dir->work = work;
    dir->log = log;
    *ret = dir;
    return 0;
}

void mc_swift_dir_close(struct mc_swift_dir *dir)
{
    if (dir == NULL)
        return;
    for (size_t i = 0; i < dir->count; i++) {
        mc_ring_unref(dir->shelves[i].done);
        free(dir->shelves[i].trouble);
    }
    free(dir->shelves);
    free(dir);
}

uint64_t mc_swift_dir_turn(struct mc_swift_dir *dir, const struct mc_agent *agent)
{
    const struct mc_ring *held;
    uint64_t due;
    size_t cursor = 0;

    dir->now_ms = mc_agent_now_ms(agent);
    if (!dir->writing && dir->now_ms >= dir->look_ms)
        look(dir);
    due = dir->look_ms;
    while (!dir->writing && (held = mc_agent_ring_next(agent, &cursor)) != NULL) {
        struct shelf *shelf = find_shelf(dir, &mc_ring_head(held)->name);
        /* A reference is a count, not a change of the ring. */
        struct mc_ring *ring = (struct mc_ring *)(uintptr_t)held;

        if (shelf == NULL || shelf->done == ring)
            continue;
        if (!is_swifts(dir, ring, shelf))
            is_done(shelf, mc_ring_ref(ring));
        else if (shelf->at_ms <= dir->now_ms)
            submit(dir, shelf, ring);
        if (shelf->done != ring && !dir->writing && shelf->at_ms < due)
            due = shelf->at_ms;
    }
    return due; /* what is being written calls for a turn when it is done */
}

const char *mc_swift_dir_trouble(struct mc_swift_dir *dir, size_t i)
{
    for (size_t k = 0; k < dir->count; k++) {
        const struct shelf *shelf = &dir->shelves[k];

        if (shelf->trouble == NULL || i-- > 0)
            continue;
        (void)snprintf(dir->said, sizeof(dir->said),
                       "ring %s is not up to date in export_swift: %s", shelf->name.s,
                       shelf->trouble);
        return dir->said;
    }
    return NULL;
}
