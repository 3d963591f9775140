/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/source.c -- rings and clusters from a data folder. */
#include "adapter/file/source.h"

#include "adapter/file/current.h"
#include "adapter/file/mapping.h"
#include "adapter/file/store.h"
#include "adapter/file/watch.h"
#include "sync/cluster_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which file it is and whether somebody wrote into it. Who did can put the time of that
 * back (cp -p, rsync -t), but not the time of its last change; a link to it changes
 * that too, and then the bytes are looked at once more. */
struct identity {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec written;
    struct timespec changed;
};

/* A ring that was given, as long as anybody has it. */
struct kept {
    struct kept *next;
    struct mc_ring *ring;
    int fd;
    struct identity identity;
};

struct given {
    struct mc_name name; /* first: sorted by it */
    struct kept *kept; /* the one in the file first, then older ones; NULL: none yet */
};

struct file_source {
    struct mc_source source; /* first */
    char *data;
    struct mc_watch watch;
    struct mc_name_list given; /* of struct given */
    struct mcos_diag trouble;
};

static struct identity identity_of(const struct stat *st)
{
    return (struct identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim,
                             st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same(const struct identity *a, const struct identity *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(&a->written, &b->written) && same_time(&a->changed, &b->changed);
}

/* ---- the folder ---- */

/* UNREACHABLE if there is no such folder, NOTFOUND if there are no rings in it. */
static int open_folders(struct file_source *s, int *ret_data, int *ret_rings)
{
    int err = mc_folder_open(s->data, false, ret_data, &s->trouble);

    if (err != 0)
        return err == MCOS_E_NOMEM ? err : MCOS_E_UNREACHABLE;
    if (ret_rings == NULL)
        return 0;
    err = mc_folder_sub(*ret_data, "rings", false, ret_rings, &s->trouble);
    if (err != 0)
        mc_folder_close(*ret_data);
    return err;
}

/* ---- rings ---- */

static void forget(struct kept *kept)
{
    mc_ring_unref(kept->ring);
    mc_folder_close(kept->fd);
    free(kept);
}

/* What was given must still be what it was, wherever the file is by now. */
static void check_kept(struct kept *kept)
{
    struct mc_ring *again = NULL;
    struct identity now;
    struct stat st;

    if (mc_blob_spoilt(mc_ring_blob(kept->ring)) || fstat(kept->fd, &st) != 0)
        return;
    now = identity_of(&st);
    if (same(&now, &kept->identity))
        return;
    if (now.size == kept->identity.size &&
        mc_ring_open(mc_ring_blob(kept->ring), MC_CHECK_LOOKUP, &again, NULL) == 0 &&
        memcmp(mc_ring_head(again)->digest, mc_ring_head(kept->ring)->digest,
               MC_DIGEST_BYTES) == 0)
        kept->identity = now; /* touched, linked, or written with what it had */
    else
        mc_blob_spoil(mc_ring_blob(kept->ring));
    mc_ring_unref(again);
}

/* Checks all that was given of a name; forgets older ones that nobody has any more. */
static void check_given(struct given *g)
{
    struct kept **at = &g->kept;

    while (*at != NULL) {
        struct kept *kept = *at;

        if (kept != g->kept && mc_ring_alone(kept->ring)) {
            *at = kept->next;
            forget(kept);
        } else {
            check_kept(kept);
            at = &kept->next;
        }
    }
}

/* Maps and checks a file. *ret_kept is yours. */
static int open_ring(struct file_source *s, int rings, const char *file,
                     const struct mc_name *name, struct kept **ret_kept)
{
    struct kept *kept = calloc(1, sizeof(*kept));
    struct mc_blob *blob = NULL;
    struct stat st;
    int err = MCOS_E_NOMEM;

    if (kept == NULL)
        return err;
    kept->fd = -1;
    err = mc_mapping_share(rings, file, MC_RECORD_BYTES_MAX, &blob, &kept->fd, &st,
                           &s->trouble);
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_LOOKUP, &kept->ring, &s->trouble);
    if (err == 0 && strcmp(mc_ring_head(kept->ring)->name.s, name->s) != 0)
        err = mcos_diag_set(&s->trouble, MCOS_E_FORMAT, file, "%s holds the ring %s",
                            file, mc_ring_head(kept->ring)->name.s);
    /* Cut while it was read: what was checked were zeros. */
    if (err == 0 && mc_blob_spoilt(blob))
        err = mcos_diag_set(&s->trouble, MCOS_E_DIGEST, file,
                            "%s is being written into", file);
    mc_blob_unref(blob);
    if (err != 0) {
        forget(kept);
        return err;
    }
    kept->identity = identity_of(&st);
    *ret_kept = kept;
    return 0;
}

/* Is the file the one that was given, and that one still good? */
static bool is_given(const struct given *g, int rings, const char *file)
{
    struct identity now;
    struct stat st;

    if (g->kept == NULL || mc_blob_spoilt(mc_ring_blob(g->kept->ring)) ||
        fstatat(rings, file, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return false;
    now = identity_of(&st);
    return same(&now, &g->kept->identity);
}

static int look(struct mc_source *source, const struct mc_name *name,
                const struct mc_stamp *known, struct mc_ring **ret_ring)
{
    struct file_source *s = (struct file_source *)source;
    struct mc_folder_name file = mc_current_file(name->s);
    struct kept *kept = NULL;
    struct given *g = NULL;
    int data = -1;
    int rings = -1;
    int err;

    s->trouble.text[0] = '\0';
    mc_watch_again(&s->watch, s->data);
    g = mc_name_entry(&s->given, sizeof(*g), name);
    if (g == NULL)
        return MCOS_E_NOMEM;
    check_given(g);
    err = open_folders(s, &data, &rings);
    if (err != 0)
        return err;
    if (!is_given(g, rings, file.s)) {
        err = open_ring(s, rings, file.s, name, &kept);
        if (err == 0) {
            kept->next = g->kept;
            g->kept = kept;
        }
    }
    if (err == 0 &&
        (known == NULL || memcmp(known->digest, mc_ring_head(g->kept->ring)->digest,
                                 MC_DIGEST_BYTES) != 0))
        *ret_ring = mc_ring_ref(g->kept->ring);
    mc_folder_close(rings);
    mc_folder_close(data);
    return err;
}

static int previous(struct mc_source *source, const struct mc_name *name,
                    struct mc_ring **ret_ring)
{
    struct file_source *s = (struct file_source *)source;
    struct mc_folder_name file = mc_current_prev(name->s);
    struct kept *kept = NULL;
    struct given *g = NULL;
    int data = -1;
    int rings = -1;
    int err;

    s->trouble.text[0] = '\0';
    g = mc_name_entry(&s->given, sizeof(*g), name);
    err = g == NULL ? MCOS_E_NOMEM : open_folders(s, &data, &rings);
    if (err != 0)
        return err;
    err = open_ring(s, rings, file.s, name, &kept);
    if (err == 0) {
        struct kept **at = g->kept == NULL ? &g->kept : &g->kept->next;

        kept->next = *at;
        *at = kept;
        *ret_ring = mc_ring_ref(kept->ring);
    }
    mc_folder_close(rings);
    mc_folder_close(data);
    return err;
}

/* ---- clusters ---- */

static uint8_t state_of(const char *word)
{
    if (strcmp(word, "ACTIVE") == 0)
        return MC_CLUSTER_ACTIVE;
    if (strcmp(word, "silent") == 0)
        return MC_CLUSTER_SILENT;
    return strcmp(word, "left") == 0 ? MC_CLUSTER_LEFT : MC_CLUSTER_UNKNOWN;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mc_cluster *)a)->name.s,
                  ((const struct mc_cluster *)b)->name.s);
}

static int read_clusters(struct mc_bytes text, struct mc_cluster **ret_clusters,
                         size_t *ret_count)
{
    struct mc_cluster *clusters = calloc(MC_MEMBERS_MAX, sizeof(*clusters));
    struct mc_cluster_line line;
    size_t count = 0;

    if (clusters == NULL)
        return MCOS_E_NOMEM;
    while (count < MC_MEMBERS_MAX && mc_cluster_line_next(&text, &line))
        clusters[count++] =
            (struct mc_cluster){.name = line.name, .state = state_of(line.state)};
    qsort(clusters, count, sizeof(*clusters), by_name);
    *ret_clusters = clusters;
    *ret_count = count;
    return 0;
}

static int clusters(struct mc_source *source, struct mc_cluster **ret_clusters,
                    size_t *ret_count)
{
    struct file_source *s = (struct file_source *)source;
    struct mc_blob *blob = NULL;
    int data = -1;
    int err;

    s->trouble.text[0] = '\0';
    err = open_folders(s, &data, NULL);
    if (err != 0)
        return err;
    err = mc_mapping_open(data, "clusters", MC_FILE_CLUSTERS_MAX, &blob, NULL,
                          &s->trouble);
    if (err == 0)
        err = read_clusters(mc_blob_get(blob), ret_clusters, ret_count);
    mc_blob_unref(blob);
    mc_folder_close(data);
    return err;
}

static int64_t confirmed(struct mc_source *source)
{
    const struct file_source *s = (const struct file_source *)source;
    struct stat st;
    int fd = -1;
    int64_t ns = 0;

    if (mc_folder_open(s->data, false, &fd, NULL) != 0)
        return 0;
    if (fstatat(fd, MC_FILE_CONFIRMED, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(st.st_mode))
        ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    mc_folder_close(fd);
    return ns;
}

/* ---- life ---- */

static int watch_fd(const struct mc_source *source)
{
    return ((const struct file_source *)source)->watch.fd;
}

static bool changed(struct mc_source *source)
{
    return mc_watch_heard(&((struct file_source *)source)->watch);
}

static const char *trouble(const struct mc_source *source)
{
    return ((const struct file_source *)source)->trouble.text;
}

static void close_it(struct mc_source *source)
{
    struct file_source *s = (struct file_source *)source;
    struct given *given = s->given.entries;

    for (size_t i = 0; i < s->given.count; i++) {
        while (given[i].kept != NULL) {
            struct kept *kept = given[i].kept;

            given[i].kept = kept->next;
            forget(kept);
        }
    }
    free(s->given.entries);
    mc_watch_fini(&s->watch);
    free(s->data);
    free(s);
}

int mc_file_source_open(const char *data, struct mc_source **ret_source)
{
    static const struct mc_source_ops ops = {.look = look,
                                             .previous = previous,
                                             .clusters = clusters,
                                             .confirmed = confirmed,
                                             .fd = watch_fd,
                                             .changed = changed,
                                             .trouble = trouble,
                                             .close = close_it};
    struct file_source *s = calloc(1, sizeof(*s));

    if (s == NULL || (s->data = strdup(data)) == NULL) {
        free(s);
        return MCOS_E_NOMEM;
    }
    s->source.ops = &ops;
    mc_watch_init(&s->watch);
    mc_watch_again(&s->watch, s->data);
    *ret_source = &s->source;
    return 0;
}
