/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/registry.c -- a merge, step by step, each step safe to die after. */
#include "adapter/file/registry.h"

#include "adapter/file/current.h"
#include "adapter/file/history.h"
#include "adapter/file/losers.h"
#include "adapter/file/replace.h"

#include <string.h>
#include <unistd.h>

/* The one before gets its second name. For a moment there is none; the main
 * file is there all the time. */
static int keep_prev(const struct mc_place *place, const char *name,
                     struct mcos_diag *diag)
{
    struct mc_folder_name file = mc_current_file(name);
    struct mc_folder_name prev = mc_current_prev(name);

    (void)mc_folder_remove(place->rings, prev.s);
    if (linkat(place->rings, file.s, place->rings, prev.s, 0) != 0)
        return mc_folder_fail(diag, "cannot keep", prev.s);
    return 0;
}

/*
 * Puts `came` in the place of `held` (NULL: none), which needs not be readable. What is
 * kept of the old one is linked before the rename, so that no moment loses it; whoever
 * dies in between leaves names that the next merge or start makes good. The same goes
 * for names among the versions that a power cut takes away: the record in force and the
 * one before it are durable without, so these are synced when nobody waits any more
 * (get of the store).
 */
static int put(struct mc_place *place, const struct mc_registry_rules *rules,
               const struct mc_entry *held, bool conflict, const struct mc_ring *came,
               bool *ret_doubt, struct mcos_diag *diag)
{
    const struct mc_head *head = mc_ring_head(came);
    struct mc_folder_name file = mc_current_file(head->name.s);
    struct mc_folder_name aside = mc_replace_aside(file.s);
    struct mc_entry entry = mc_entry_of(head);
    bool named = false;
    int err =
        mc_replace_write(place->rings, file.s, mc_blob_get(mc_ring_blob(came)), diag);

    if (err != 0)
        return err;
    if (held != NULL) {
        if (conflict)
            err = mc_losers_link(place, head->name.s, held, diag);
        if (err == 0 && mc_version_cmp(held, &entry) != 0)
            err = mc_history_link(place->rings, file.s, place->versions, held, NULL,
                                  diag);
        if (err == 0 && mc_version_cmp(held, &entry) != 0)
            err = keep_prev(place, head->name.s, diag);
    }
    if (err == 0)
        err = mc_history_link(place->rings, aside.s, place->versions, &entry, &named,
                              diag);
    if (err == 0)
        err = mc_replace_commit(place->rings, file.s, ret_doubt, diag);
    if (err == 0 && !place->fresh) {
        mc_history_prune(place->versions, &entry, rules->keep_versions);
    } else if (err != 0 && !*ret_doubt) {
        if (named)
            (void)mc_folder_remove(place->versions, mc_entry_format(&entry).s);
        mc_replace_drop(place->rings, file.s);
    }
    return err;
}

/* Beside a main file that is greater, though it cannot be read: among the versions,
 * where what can be read is looked for. */
static int put_beside(struct mc_place *place, const struct mc_registry_rules *rules,
                      const struct mc_ring *came, bool *ret_doubt,
                      struct mcos_diag *diag)
{
    struct mc_entry entry = mc_entry_of(mc_ring_head(came));
    struct mc_folder_name file = mc_entry_format(&entry);
    int err = mc_replace_write(place->versions, file.s, mc_blob_get(mc_ring_blob(came)),
                               diag);

    if (err == 0)
        err = mc_replace_commit(place->versions, file.s, ret_doubt, diag);
    if (err == 0) { /* it is nowhere else */
        err = mc_place_sync_versions(place, diag);
        *ret_doubt = err != 0;
    }
    if (err == 0)
        mc_history_prune(place->versions, &entry, rules->keep_versions);
    return err;
}

/*
 * The main file is of a later format. Only what is greater takes its place, and
 * then it is kept: as a loser unless what came says that it descends from it.
 */
static int put_sealed(struct mc_place *place, const struct mc_registry_rules *rules,
                      struct mc_ring *held, bool conflict, struct mc_ring *came,
                      bool *ret_doubt, struct mcos_diag *diag)
{
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(came));
    struct mc_head there = {.epoch = 0};
    struct mc_stamp sealed;
    struct mc_front front;
    struct mc_entry entry;
    int err = mc_current_front(place, mc_ring_head(came)->name.s, &front);

    if (err != 0)
        return mcos_diag_set(diag, MCOS_E_UPGRADE, "", "a later format");
    there.epoch = front.epoch;
    there.version = front.version;
    there.timestamp = front.timestamp;
    memcpy(there.digest, front.digest, sizeof(there.digest));
    sealed = mc_stamp_of(&there);
    entry = mc_entry_of(&there);
    if (conflict)
        err = mc_losers_add(place, held, diag);
    if (err != 0)
        return err;
    if (mc_stamp_cmp(&stamp, &sealed) < 0)
        return put_beside(place, rules, came, ret_doubt, diag);
    return put(place, rules, &entry, mc_ring_descends(came, &there) == MC_DESCENT_NO,
               came, ret_doubt, diag);
}

int mc_registry_merge(struct mc_place *place, const struct mc_registry_rules *rules,
                      struct mc_ring *came, struct mc_merge *ret_merge, bool *ret_doubt,
                      struct mcos_diag *diag)
{
    struct mc_ring *held = NULL;
    struct mc_entry entry;
    struct mc_merge merge;
    bool sealed = false;
    bool conflict;
    int err = mc_current_recover(place, mc_ring_head(came)->name.s, true, &held,
                                 &sealed, diag);

    *ret_doubt = false;
    if (err != 0 && err != MCOS_E_NOTFOUND && !(sealed && err == MCOS_E_UPGRADE))
        return err;
    err = 0;
    merge = mc_merge(held, came);
    conflict = merge.relation == MC_RELATION_CONFLICT;
    if (held != NULL)
        entry = mc_entry_of(mc_ring_head(held));
    switch (merge.verdict) {
    case MC_MERGE_ADDED:
    case MC_MERGE_REPLACED:
        err = sealed ? put_sealed(place, rules, held, conflict, came, ret_doubt, diag)
                     : put(place, rules, held == NULL ? NULL : &entry, conflict, came,
                           ret_doubt, diag);
        break;
    case MC_MERGE_SAME:
        if (rules->rewrite)
            err = sealed ? put_sealed(place, rules, held, false, came, ret_doubt, diag)
                         : put(place, rules, &entry, false, came, ret_doubt, diag);
        break;
    case MC_MERGE_OLDER:
        if (conflict)
            err = mc_losers_add(place, came, diag);
        break;
    }
    /* Also when nothing was written: an earlier try may have died before this. */
    if (err == 0 && merge.verdict != MC_MERGE_OLDER)
        mc_losers_settle(place, came);
    mc_ring_unref(held);
    if (err == 0)
        *ret_merge = merge;
    return err;
}
