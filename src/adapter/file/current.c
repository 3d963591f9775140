/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/current.c -- reading the record in force, falling back. */
#include "adapter/file/current.h"

#include "adapter/file/history.h"
#include "adapter/file/mapping.h"
#include "adapter/file/quarantine.h"
#include "adapter/file/replace.h"
#include "sync/stamp.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mc_folder_name mc_current_file(const char *name)
{
    struct mc_folder_name file;

    (void)snprintf(file.s, sizeof(file.s), "%s.ring", name);
    return file;
}

struct mc_folder_name mc_current_prev(const char *name)
{
    struct mc_folder_name file;

    (void)snprintf(file.s, sizeof(file.s), "%s.prev", name);
    return file;
}

static int load(const struct mc_place *place, const char *file, const char *name,
                struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    struct mc_ring *ring = NULL;
    uint8_t digest8[8];
    ino_t inode = 0;
    int err;

    if (place->rings < 0)
        return MCOS_E_NOTFOUND;
    err = mc_mapping_ring(place->rings, file, name, &ring, &inode, diag);
    if (err == 0)
        memcpy(digest8, mc_ring_head(ring)->digest, sizeof(digest8));
    else if (err != MCOS_E_UPGRADE ||
             mc_mapping_digest8(place->rings, file, digest8, &inode) != 0)
        return err;
    /* A flipped bit of the head may look like another record, or a later format. */
    if (mc_history_denies(place->versions, inode, digest8)) {
        mc_ring_unref(ring);
        return mcos_diag_set(diag, MCOS_E_DIGEST, file, "%s has a damaged head", file);
    }
    if (err == 0)
        *ret_ring = ring;
    return err;
}

int mc_current_load(const struct mc_place *place, const char *name,
                    struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    return load(place, mc_current_file(name).s, name, ret_ring, diag);
}

/* The greatest good record seen so far, and where it is. */
struct best {
    struct mc_ring *ring;
    int dirfd;
    struct mc_folder_name file;
};

static void offer(struct best *best, struct mc_ring *take_ring, int dirfd,
                  const char *file)
{
    struct mc_stamp a = mc_stamp_of(mc_ring_head(take_ring));
    struct mc_stamp b;

    if (best->ring != NULL) {
        b = mc_stamp_of(mc_ring_head(best->ring));
        if (mc_stamp_cmp(&a, &b) <= 0) {
            mc_ring_unref(take_ring);
            return;
        }
        mc_ring_unref(best->ring);
    }
    best->ring = take_ring;
    best->dirfd = dirfd;
    (void)snprintf(best->file.s, sizeof(best->file.s), "%s", file);
}

/* Whether a failure to read a file ends the search. */
static int judge(int err, const struct mc_place *place, int dirfd, const char *file,
                 bool mend)
{
    if (err == MCOS_E_NOTFOUND)
        return 0;
    if (!mc_mapping_damaged(err))
        return err;
    /* If it cannot be moved it is met again next time; the good one counts now. */
    if (mend)
        (void)mc_quarantine_move(place->data, dirfd, file, mcos_err_slug(err), NULL);
    return 0;
}

/* One that only a newer version can read is left for that one. */
static int judge_old(int err, const struct mc_place *place, int dirfd, const char *file,
                     bool mend)
{
    return err == MCOS_E_UPGRADE ? 0 : judge(err, place, dirfd, file, mend);
}

static int search_versions(const struct mc_place *place, const char *name, bool mend,
                           struct best *best, struct mcos_diag *diag)
{
    struct mc_entry *entries = NULL;
    size_t count = 0;
    int err =
        place->fresh ? 0 : mc_history_list(place->versions, &entries, &count, diag);

    for (size_t i = 0; err == 0 && i < count; i++) {
        struct mc_folder_name file = mc_entry_format(&entries[i]);
        struct mc_ring *ring = NULL;

        err = mc_history_ring(place->versions, &entries[i], name, &ring, NULL, diag);
        if (err == 0)
            offer(best, ring, place->versions, file.s);
        else
            err = judge_old(err, place, place->versions, file.s, mend);
    }
    free(entries);
    return err;
}

/* The good one becomes the main file: another name for the same bytes. */
static int restore(const struct mc_place *place, const char *name,
                   const struct best *best, struct mcos_diag *diag)
{
    struct mc_folder_name file = mc_current_file(name);
    struct mc_folder_name aside = mc_replace_aside(file.s);
    bool doubt;

    (void)mc_folder_remove(place->rings, aside.s);
    if (linkat(best->dirfd, best->file.s, place->rings, aside.s, 0) != 0)
        return mc_folder_fail(diag, "cannot restore", file.s);
    return mc_replace_commit(place->rings, file.s, &doubt, diag);
}

int mc_current_recover(const struct mc_place *place, const char *name, bool mend,
                       struct mc_ring **ret_ring, bool *ret_sealed,
                       struct mcos_diag *diag)
{
    struct mc_folder_name file = mc_current_file(name);
    struct mc_folder_name prev = mc_current_prev(name);
    struct best best = {.ring = NULL, .dirfd = -1};
    struct mc_ring *ring = NULL;
    int err = load(place, file.s, name, &ring, diag);
    bool sealed = err == MCOS_E_UPGRADE;

    if (ret_sealed != NULL)
        *ret_sealed = sealed;
    if (err == 0) {
        *ret_ring = ring;
        return 0;
    }
    if (place->rings < 0)
        return err;
    err = judge_old(err, place, place->rings, file.s, mend);
    if (err == 0) {
        err = load(place, prev.s, name, &ring, diag);
        if (err == 0)
            offer(&best, ring, place->rings, prev.s);
        else
            err = judge_old(err, place, place->rings, prev.s, mend);
    }
    if (err == 0)
        err = search_versions(place, name, mend, &best, diag);
    if (err == 0 && best.ring == NULL && sealed)
        err = mcos_diag_set(diag, MCOS_E_UPGRADE, name,
                            "ring %s is kept in a later format only", name);
    if (err == 0 && best.ring == NULL)
        err = mcos_diag_set(diag, MCOS_E_NOTFOUND, name, "no good record of ring %s",
                            name);
    if (err == 0 && mend && !sealed)
        err = restore(place, name, &best, diag);
    if (err != 0)
        mc_ring_unref(best.ring);
    else
        *ret_ring = best.ring;
    return err;
}

int mc_current_front(const struct mc_place *place, const char *name,
                     struct mc_front *ret_front)
{
    struct mc_blob *blob = NULL;
    int err;

    if (place->rings < 0)
        return MCOS_E_NOTFOUND;
    err = mc_mapping_open(place->rings, mc_current_file(name).s, MC_RECORD_BYTES_MAX,
                          &blob, NULL, NULL);
    if (err == 0)
        err = mc_front_decode(mc_blob_get(blob), ret_front);
    mc_blob_unref(blob);
    return err;
}
