/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/store.c -- the store port over plain files. */
#include "adapter/file/store.h"

#include "adapter/file/current.h"
#include "adapter/file/folder.h"
#include "adapter/file/glance.h"
#include "adapter/file/history.h"
#include "adapter/file/lease.h"
#include "adapter/file/losers.h"
#include "adapter/file/mapping.h"
#include "adapter/file/quarantine.h"
#include "adapter/file/registry.h"
#include "adapter/file/replace.h"
#include "adapter/file/start.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A few rings, in no order. */
struct names {
    struct mc_name *list;
    size_t count;
};

struct file_store {
    struct mc_store port; /* first: a struct mc_store is one of these */
    char *data;
    struct mc_file_store_config config;
    int lease;
    struct names doubts;       /* rings whose last write may not survive a power cut */
    struct names unread;       /* rings whose last write nobody has read back */
    struct mc_glances glances; /* files as they were when they were read */
    struct mc_name seen;       /* the ring last looked at, */
    bool sealed;               /* and whether its main file is of a later format */
    struct mcos_diag trouble;
};

static struct file_store *of(struct mc_store *store)
{
    return (struct file_store *)store;
}

static void close_store(struct mc_store *store)
{
    struct file_store *s = of(store);

    if (s == NULL)
        return;
    mc_folder_close(s->lease);
    free(s->doubts.list);
    free(s->unread.list);
    mc_glances_fini(&s->glances);
    free(s->data);
    free(s);
}

const char *mc_file_store_trouble(const struct mc_store *store)
{
    return ((const struct file_store *)store)->trouble.text;
}

static bool is_name(const struct mc_name *name)
{
    return memchr(name->s, '\0', sizeof(name->s)) != NULL && mc_name_ok(name->s);
}

/*
 * Every call begins and ends here. A name (NULL: none) is checked once more: it
 * becomes a path.
 */
static int begin(struct file_store *s, const struct mc_name *name, bool make,
                 struct mc_place *ret_place)
{
    s->trouble = (struct mcos_diag){.offset = -1};
    *ret_place = (struct mc_place){-1, -1, -1, -1, false};
    if (name == NULL)
        return mc_place_open(s->data, NULL, make, ret_place, &s->trouble);
    if (!is_name(name))
        return mcos_diag_set(&s->trouble, MCOS_E_NAME, "name", "not a name of a ring");
    return mc_place_open(s->data, name->s, make, ret_place, &s->trouble);
}

static int end(struct file_store *s, struct mc_place *place, int err)
{
    mc_place_close(place);
    if (err != 0 && s->trouble.text[0] == '\0')
        (void)mcos_diag_set(&s->trouble, err, "", "%s", mcos_err_text(err));
    return err;
}

/* The folder may be another one than at the start: then the lease is taken anew. */
static int keep_lease(struct file_store *s, int data_fd)
{
    if (s->config.shared || mc_lease_holds(s->lease, data_fd))
        return 0;
    mc_folder_close(s->lease);
    s->lease = -1;
    return mc_lease_take(data_fd, s->data, &s->lease, &s->trouble);
}

static bool has(const struct names *names, const char *name, size_t *ret_at)
{
    *ret_at = 0;
    while (*ret_at < names->count && strcmp(names->list[*ret_at].s, name) != 0)
        ++*ret_at;
    return *ret_at < names->count;
}

/* Room for one more is made before the merge: noting one must not fail. */
static int reserve(struct names *names)
{
    struct mc_name *more =
        realloc(names->list, (names->count + 1) * sizeof(*names->list));

    if (more == NULL)
        return MCOS_E_NOMEM;
    names->list = more;
    return 0;
}

static void note(struct names *names, const struct mc_name *name, bool in)
{
    size_t at;
    bool was = has(names, name->s, &at);

    if (in && !was)
        names->list[names->count++] = *name;
    else if (!in && was)
        names->list[at] = names->list[--names->count];
}

static int merge(struct mc_store *store, struct mc_ring *ring,
                 struct mc_merge *ret_merge)
{
    struct file_store *s = of(store);
    const struct mc_name *name = &mc_ring_head(ring)->name;
    struct mc_registry_rules rules = {.keep_versions = s->config.keep_versions};
    struct mc_place place;
    bool doubt = false;
    size_t at;
    int lock = -1;
    int err = begin(s, name, true, &place);

    if (err == 0)
        err = keep_lease(s, place.data);
    if (err == 0)
        err =
            mc_lease_lock_rings(place.rings, MC_FILE_LOCK_WAIT_MS, &lock, &s->trouble);
    if (err == 0)
        err = reserve(&s->doubts);
    if (err == 0)
        err = reserve(&s->unread);
    if (err == 0) {
        rules.rewrite = has(&s->doubts, name->s, &at);
        err = mc_registry_merge(&place, &rules, ring, ret_merge, &doubt, &s->trouble);
        if (err == 0 || doubt)
            note(&s->doubts, name, doubt);
        if (err == 0 && ret_merge->verdict != MC_MERGE_OLDER)
            note(&s->unread, name, true);
    }
    mc_folder_close(lock);
    return end(s, &place, err);
}

static int room(struct mc_store *store, const struct mc_ring *ring)
{
    struct file_store *s = of(store);
    const struct mc_name *name = &mc_ring_head(ring)->name;
    struct mc_folder_name file = mc_current_file(name->s);
    struct mc_place place;
    int lock = -1;
    int err = begin(s, name, true, &place);

    if (err == 0)
        err = keep_lease(s, place.data);
    if (err == 0)
        err =
            mc_lease_lock_rings(place.rings, MC_FILE_LOCK_WAIT_MS, &lock, &s->trouble);
    if (err == 0)
        err = mc_replace_write(place.rings, file.s, mc_blob_get(mc_ring_blob(ring)),
                               &s->trouble);
    if (err == 0)
        mc_replace_drop(place.rings, file.s);
    mc_folder_close(lock);
    return end(s, &place, err);
}

/* By name, which is not the order of "<name>.ring": "a-" and "a". */
static int cmp_name(const void *a, const void *b)
{
    return strcmp(((const struct mc_name *)a)->s, ((const struct mc_name *)b)->s);
}

static int list(struct mc_store *store, struct mc_name **ret_names, size_t *ret_count)
{
    struct file_store *s = of(store);
    struct mc_place place;
    struct mc_folder_name *files = NULL;
    struct mc_name *names = NULL;
    size_t file_count = 0;
    size_t count = 0;
    int err = begin(s, NULL, false, &place);

    if (err == 0)
        err = mc_folder_list(place.rings, &files, &file_count, &s->trouble);
    if (err == 0) {
        names = calloc(file_count + 1, sizeof(*names));
        err = names == NULL ? MCOS_E_NOMEM : 0;
    }
    for (size_t i = 0; err == 0 && i < file_count; i++) {
        if (mc_folder_ring_name(files[i].s, ".ring", &names[count]))
            count++;
    }
    free(files);
    if (err == 0) {
        qsort(names, count, sizeof(*names), cmp_name);
        *ret_names = names;
        *ret_count = count;
    }
    return end(s, &place, err);
}

/* A damaged file is mended if we may, and passed over in any case. */
static int recover(struct file_store *s, const struct mc_place *place, const char *name,
                   struct mc_ring **ret_ring)
{
    int lock = -1;
    int err =
        mc_lease_lock_rings(place->rings, MC_FILE_LOCK_WAIT_MS, &lock, &s->trouble);

    if (err == 0)
        err = mc_current_recover(place, name, true, ret_ring, NULL, &s->trouble);
    if (err != 0 && err != MCOS_E_NOTFOUND)
        err = mc_current_recover(place, name, false, ret_ring, NULL, &s->trouble);
    mc_folder_close(lock);
    return err;
}

static int get_at(struct file_store *s, const struct mc_place *place, const char *name,
                  struct mc_ring **ret_ring)
{
    struct mc_glance glance;
    bool taken = mc_glance_take(place->rings, mc_current_file(name).s, &glance);
    int err = mc_current_load(place, name, ret_ring, &s->trouble);

    (void)mc_name_set(&s->seen, name);
    s->sealed = err == MCOS_E_UPGRADE;
    mc_glances_note(&s->glances, &s->seen, taken && err == 0 ? &glance : NULL,
                    err == 0 ? mc_ring_head(*ret_ring) : NULL);
    if (s->sealed)
        return mc_current_recover(place, name, false, ret_ring, NULL, &s->trouble);
    if (mc_mapping_damaged(err) && place->rings >= 0)
        err = recover(s, place, name, ret_ring);
    return err;
}

static int get(struct mc_store *store, const struct mc_name *name,
               struct mc_ring **ret_ring)
{
    struct file_store *s = of(store);
    struct mc_place place;
    size_t at;
    int err = begin(s, name, false, &place);

    if (err == 0 && has(&s->unread, name->s, &at)) {
        err = mc_place_sync_versions(&place, &s->trouble);
        if (err == 0 && s->config.verify)
            mc_replace_forget(place.rings, mc_current_file(name->s).s);
        if (err == 0)
            note(&s->unread, name, false);
    }
    if (err == 0)
        err = get_at(s, &place, name->s, ret_ring);
    return end(s, &place, err);
}

/* What was not read back, or may not survive a power cut, is to be read. */
static bool keeps(struct mc_store *store, const struct mc_ring *ring)
{
    struct file_store *s = of(store);
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_place place;
    bool kept = false;
    size_t at;
    int err = begin(s, &head->name, false, &place);

    if (err == 0 && !has(&s->unread, head->name.s, &at) &&
        !has(&s->doubts, head->name.s, &at))
        kept = mc_glances_same(&s->glances, &head->name, place.rings,
                               mc_current_file(head->name.s).s, head->digest);
    (void)end(s, &place, 0);
    return kept;
}

static int get_digest(struct mc_store *store, const struct mc_name *name,
                      const uint8_t digest8[8], struct mc_ring **ret_ring)
{
    struct file_store *s = of(store);
    struct mc_ring *ring = NULL;
    struct mc_place place;
    int err = begin(s, name, false, &place);

    if (err == 0)
        err = get_at(s, &place, name->s, &ring);
    if (err == MCOS_E_UPGRADE ||
        (err == 0 && memcmp(mc_ring_head(ring)->digest, digest8, 8) != 0)) {
        mc_ring_unref(ring);
        ring = NULL;
        err = MCOS_E_NOTFOUND;
    }
    if (err == MCOS_E_NOTFOUND)
        err = mc_history_find(place.conflicts, digest8, name->s, &ring, &s->trouble);
    if (err == MCOS_E_GONE)
        err = mc_history_find(place.versions, digest8, name->s, &ring, &s->trouble);
    if (err == 0)
        *ret_ring = ring;
    return end(s, &place, err);
}

static int losers(struct mc_store *store, const struct mc_name *name,
                  struct mc_ring *ret_rings[MC_LOSERS_MAX], size_t *ret_count)
{
    struct file_store *s = of(store);
    struct mc_ring *held = NULL;
    struct mc_place place;
    int err;

    if (is_name(name) && !mc_place_has_conflicts(s->data)) { /* mostly */
        *ret_count = 0;
        return 0;
    }
    err = begin(s, name, false, &place);
    if (err == 0 && place.conflicts < 0) { /* reading the held one takes long */
        *ret_count = 0;
        return end(s, &place, 0);
    }
    if (err == 0)
        err = get_at(s, &place, name->s, &held);
    if (err == 0 || err == MCOS_E_NOTFOUND || err == MCOS_E_UPGRADE)
        err = mc_losers_list(&place, name->s, held, ret_rings, ret_count, &s->trouble);
    mc_ring_unref(held);
    return end(s, &place, err);
}

static int unread(struct mc_store *store, const struct mc_name *name,
                  struct mc_stamp *ret_stamp)
{
    struct file_store *s = of(store);
    struct mc_ring *held = NULL;
    struct mc_front front;
    struct mc_place place;
    int err = begin(s, name, false, &place);

    if (err == 0 && mc_glances_same(&s->glances, name, place.rings,
                                    mc_current_file(name->s).s, NULL))
        return end(s, &place,
                   MCOS_E_NOTFOUND); /* it could be read, and is that still */
    if (err == 0 && strcmp(s->seen.s, name->s) != 0) {
        err = get_at(s, &place, name->s, &held);
        mc_ring_unref(held);
    }
    if ((err == 0 || err == MCOS_E_UPGRADE) && !s->sealed)
        err = MCOS_E_NOTFOUND;
    else if (err == 0 || err == MCOS_E_UPGRADE)
        err = mc_current_front(&place, name->s, &front);
    if (err == 0) {
        *ret_stamp = (struct mc_stamp){.epoch = front.epoch,
                                       .version = front.version,
                                       .timestamp = front.timestamp};
        memcpy(ret_stamp->digest, front.digest, sizeof(front.digest));
    }
    return end(s, &place, err);
}

static int save_clusters(struct mc_store *store, struct mc_bytes text)
{
    struct file_store *s = of(store);
    struct mc_place place;
    int err = begin(s, NULL, false, &place);

    if (err == 0 && text.len > MC_FILE_CLUSTERS_MAX)
        err = MCOS_E_TOOBIG;
    if (err == 0)
        err = keep_lease(s, place.data);
    if (err == 0)
        err = mc_replace(place.data, "clusters", text, &s->trouble);
    return end(s, &place, err);
}

static int load_clusters(struct mc_store *store, struct mc_blob **ret_text)
{
    struct file_store *s = of(store);
    struct mc_place place;
    int err = begin(s, NULL, false, &place);

    if (err == 0)
        err = mc_mapping_open(place.data, "clusters", MC_FILE_CLUSTERS_MAX, ret_text,
                              NULL, &s->trouble);
    if (mc_mapping_damaged(err))
        err = MCOS_E_IO;
    return end(s, &place, err);
}

static void confirm(struct mc_store *store, uint64_t wall_ns)
{
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)(wall_ns / 1000000000u),
         .tv_nsec = (long)(wall_ns % 1000000000u)},
    };
    struct file_store *s = of(store);
    struct mc_place place;
    int fd = -1;

    if (begin(s, NULL, false, &place) != 0)
        return;
    if (keep_lease(s, place.data) == 0)
        fd = openat(place.data, MC_FILE_CONFIRMED,
                    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
    if (fd >= 0)
        (void)futimens(fd, times);
    mc_folder_close(fd);
    (void)end(s, &place, 0);
}

/* Best effort: a full disk must not make a bad message worse. */
static void quarantine(struct mc_store *store, struct mc_bytes bytes,
                       const char *reason)
{
    (void)mc_file_quarantine(of(store)->data, bytes, reason, NULL);
}

static const struct mc_store_ops ops = {
    .merge = merge,
    .room = room,
    .list = list,
    .get = get,
    .keeps = keeps,
    .get_digest = get_digest,
    .losers = losers,
    .unread = unread,
    .save_clusters = save_clusters,
    .load_clusters = load_clusters,
    .confirm = confirm,
    .quarantine = quarantine,
    .trouble = mc_file_store_trouble,
    .close = close_store,
};

int mc_file_store_open(const struct mc_file_store_config *config,
                       struct mc_store **ret_store, struct mcos_diag *diag)
{
    struct file_store *s;
    int data_fd = -1;
    int err;

    if (config->data == NULL || config->data[0] == '\0')
        return mcos_diag_set(diag, MCOS_E_CONFIG, "data", "no data folder given");
    if (config->keep_versions > MC_FILE_KEEP_VERSIONS_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "keep_versions",
                             "keep_versions is above %u", MC_FILE_KEEP_VERSIONS_MAX);
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return MCOS_E_NOMEM;
    s->port.ops = &ops;
    s->config = *config;
    s->lease = -1;
    s->data = strdup(config->data);
    err = s->data == NULL ? MCOS_E_NOMEM : 0;
    s->config.data = s->data;
    if (err == 0)
        err = mc_folder_open(s->data, true, &data_fd, diag);
    if (err == 0 && !config->shared)
        err = mc_lease_take(data_fd, s->data, &s->lease, diag);
    if (err == 0)
        err = mc_start(s->data, config->shared, diag);
    mc_folder_close(data_fd);
    if (err != 0)
        close_store(&s->port);
    else
        *ret_store = &s->port;
    return err;
}
