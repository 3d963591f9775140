/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/losers.c -- unresolved losers of conflicts. */
#include "adapter/file/losers.h"

#include "adapter/file/current.h"
#include "adapter/file/history.h"
#include "adapter/file/mapping.h"
#include "adapter/file/quarantine.h"
#include "adapter/file/replace.h"

#include <stdlib.h>

/* `old` is `by` or, as far as `by` knows, among its ancestors. */
static bool in_line(const struct mc_ring *by, const struct mc_ring *old)
{
    enum mc_descent descent = mc_ring_descends(by, mc_ring_head(old));

    return descent == MC_DESCENT_SAME || descent == MC_DESCENT_YES;
}

/* Nobody has to ask about `old` any more once `by` is held: also when `by` is so
 * many versions younger that it cannot tell (P7). */
static bool settles(const struct mc_ring *by, const struct mc_ring *old)
{
    return mc_ring_descends(by, mc_ring_head(old)) != MC_DESCENT_NO;
}

int mc_losers_list(const struct mc_place *place, const char *name,
                   const struct mc_ring *held, struct mc_ring *ret_rings[MC_LOSERS_MAX],
                   size_t *ret_count, struct mcos_diag *diag)
{
    struct mc_entry *entries = NULL;
    struct mc_ring *rings[MC_LOSERS_MAX];
    size_t count = 0;
    size_t kept = 0;
    int err = mc_history_list(place->conflicts, &entries, &count, diag);

    for (size_t i = 0; err == 0 && i < count && kept < MC_LOSERS_MAX; i++) {
        struct mc_ring *ring = NULL;

        err = mc_history_ring(place->conflicts, &entries[i], name, &ring, NULL, diag);
        if (err == MCOS_E_NOTFOUND || err == MCOS_E_UPGRADE || mc_mapping_damaged(err))
            err = 0;
        else if (err == 0 && held != NULL && settles(held, ring))
            mc_ring_unref(ring);
        else if (err == 0)
            rings[kept++] = ring;
    }
    free(entries);
    for (size_t i = 0; i < kept; i++) {
        if (err != 0)
            mc_ring_unref(rings[i]);
        else
            ret_rings[i] = rings[i];
    }
    if (err == 0)
        *ret_count = kept;
    return err;
}

/* Whether the losers there make keeping this one needless. */
static int is_needless(const struct mc_place *place, const struct mc_ring *loser,
                       bool *ret_needless, struct mcos_diag *diag)
{
    const struct mc_head *head = mc_ring_head(loser);
    struct mc_ring *rings[MC_LOSERS_MAX];
    struct mc_entry mine = mc_entry_of(head);
    size_t count = 0;
    size_t greater = 0;
    int err = mc_losers_list(place, head->name.s, NULL, rings, &count, diag);

    if (err != 0)
        return err;
    *ret_needless = false;
    for (size_t i = 0; i < count; i++) {
        struct mc_entry other = mc_entry_of(mc_ring_head(rings[i]));

        if (in_line(rings[i], loser))
            *ret_needless = true;
        if (mc_version_cmp(&other, &mine) > 0)
            greater++;
        mc_ring_unref(rings[i]);
    }
    if (greater >= MC_LOSERS_MAX)
        *ret_needless = true;
    return 0;
}

/* Drops what `by`, held, settles; or what it is in line with, if it is the loser
 * `keep` (NULL: it is not), which stays. */
static void drop_settled(const struct mc_place *place, const struct mc_ring *by,
                         const struct mc_entry *keep)
{
    const char *name = mc_ring_head(by)->name.s;
    struct mc_entry *entries = NULL;
    size_t count = 0;

    if (mc_history_list(place->conflicts, &entries, &count, NULL) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        struct mc_folder_name file = mc_entry_format(&entries[i]);
        struct mc_ring *ring = NULL;
        int err;

        if (keep != NULL && mc_version_cmp(&entries[i], keep) == 0)
            continue;
        err = mc_history_ring(place->conflicts, &entries[i], name, &ring, NULL, NULL);
        if (err == 0 && (keep == NULL ? settles(by, ring) : in_line(by, ring)))
            (void)mc_folder_remove(place->conflicts, file.s);
        else if (mc_mapping_damaged(err))
            (void)mc_quarantine_move(place->data, place->conflicts, file.s,
                                     mcos_err_slug(err), NULL);
        mc_ring_unref(ring);
    }
    free(entries);
    mc_history_prune(place->conflicts, NULL, MC_LOSERS_MAX);
}

int mc_losers_add(struct mc_place *place, struct mc_ring *loser, struct mcos_diag *diag)
{
    const struct mc_head *head = mc_ring_head(loser);
    struct mc_entry entry = mc_entry_of(head);
    struct mc_folder_name file = mc_entry_format(&entry);
    bool needless = false;
    bool doubt = false;
    int err = mc_place_conflicts(place, head->name.s, diag);

    if (err == 0)
        err = is_needless(place, loser, &needless, diag);
    if (err != 0 || needless)
        return err;
    err = mc_replace_write(place->conflicts, file.s, mc_blob_get(mc_ring_blob(loser)),
                           diag);
    if (err == 0)
        err = mc_replace_commit(place->conflicts, file.s, &doubt, diag);
    if (err == 0)
        drop_settled(place, loser, &entry);
    else if (doubt) /* seen, but perhaps not durable: the next try shall write it */
        (void)mc_folder_remove(place->conflicts, file.s);
    return err;
}

int mc_losers_link(struct mc_place *place, const char *name,
                   const struct mc_entry *held, struct mcos_diag *diag)
{
    bool named = false;
    int err = mc_place_conflicts(place, name, diag);

    if (err == 0)
        err = mc_history_link(place->rings, mc_current_file(name).s, place->conflicts,
                              held, &named, diag);
    if (err == 0 && named) {
        err = mc_folder_sync(place->conflicts, diag);
        if (err != 0)
            (void)mc_folder_remove(place->conflicts, mc_entry_format(held).s);
    }
    return err;
}

void mc_losers_settle(const struct mc_place *place, const struct mc_ring *ring)
{
    drop_settled(place, ring, NULL);
}
