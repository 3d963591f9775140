/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/start.c -- tidying and checking a data folder. */
#include "adapter/file/start.h"

#include "adapter/file/current.h"
#include "adapter/file/folder.h"
#include "adapter/file/lease.h"
#include "adapter/file/losers.h"
#include "adapter/file/replace.h"
#include "adapter/file/store.h"

#include <stdlib.h>
#include <string.h>

static int sweep(int dirfd, struct mcos_diag *diag)
{
    struct mc_folder_name *names = NULL;
    size_t count = 0;
    int err = mc_folder_list(dirfd, &names, &count, diag);

    for (size_t i = 0; err == 0 && i < count; i++) {
        if (strncmp(names[i].s, MC_REPLACE_ASIDE, strlen(MC_REPLACE_ASIDE)) == 0)
            (void)mc_folder_remove(dirfd, names[i].s);
    }
    free(names);
    return err;
}

/* Sweeps one folder of data; a missing one is swept. */
static int sweep_room(int data, const char *room, struct mcos_diag *diag)
{
    int fd = -1;
    int err = mc_folder_sub(data, room, false, &fd, diag);

    if (err == 0)
        err = sweep(fd, diag);
    mc_folder_close(fd);
    return err == MCOS_E_NOTFOUND ? 0 : err;
}

static int check_ring(const char *data, const char *name, struct mcos_diag *diag)
{
    struct mc_ring *ring = NULL;
    struct mc_place place = {-1, -1, -1, -1, false};
    int err = mc_place_open(data, name, true, &place, diag);

    if (err == 0 && place.conflicts >= 0)
        err = sweep(place.conflicts, diag);
    if (err == 0)
        err = sweep(place.versions, diag);
    if (err == 0)
        err = mc_current_recover(&place, name, true, &ring, NULL, diag);
    if (err == 0 && place.conflicts >= 0)
        mc_losers_settle(&place, ring);
    mc_ring_unref(ring);
    mc_place_close(&place);
    /* What a newer mcos wrote stays as it is; the agent says so (mc_store unread). */
    return err == MCOS_E_NOTFOUND || err == MCOS_E_UPGRADE ? 0 : err;
}

/* Every name that a folder tells of: its files' stems, or itself. */
static int check_rings(const char *data, int dirfd, const char *suffix,
                       struct mcos_diag *diag)
{
    struct mc_folder_name *files = NULL;
    struct mc_name name;
    size_t count = 0;
    int err = mc_folder_list(dirfd, &files, &count, diag);

    for (size_t i = 0; err == 0 && i < count; i++) {
        if (mc_folder_ring_name(files[i].s, suffix, &name))
            err = check_ring(data, name.s, diag);
    }
    free(files);
    return err;
}

static int check_all(const char *data, const struct mc_place *place,
                     struct mcos_diag *diag)
{
    int versions = -1;
    int err = check_rings(data, place->rings, ".ring", diag);

    if (err == 0) /* whose main file is missing: mostly found to be good by now */
        err = mc_folder_sub(place->data, "versions", true, &versions, diag);
    if (err == 0)
        err = check_rings(data, versions, "", diag);
    mc_folder_close(versions);
    return err;
}

int mc_start(const char *data, bool shared, struct mcos_diag *diag)
{
    struct mc_place place = {-1, -1, -1, -1, false};
    int lock = -1;
    int err = mc_place_open(data, NULL, true, &place, diag);

    if (err == 0)
        err = mc_lease_lock_rings(place.rings, MC_FILE_LOCK_WAIT_MS, &lock, diag);
    if (err == 0)
        err = sweep(place.rings, diag);
    if (err == 0 && !shared)
        err = sweep(place.data, diag);
    if (err == 0 && !shared)
        err = sweep_room(place.data, "quarantine", diag);
    if (err == 0)
        err = check_all(data, &place, diag);
    /* Who died between rename and fsync left a ring that is seen, not durable. */
    if (err == 0)
        err = mc_folder_sync(place.rings, diag);
    mc_folder_close(lock);
    mc_place_close(&place);
    return err;
}
