/* SPDX-License-Identifier: Apache-2.0 */
/* sim/store.c -- see store.h. What is kept depends on the records alone, not on
 * the order in which they came. */
#include "sim/store.h"

#include "sim/agenda.h"

#include <stdlib.h>
#include <string.h>

static struct sim_store *of(struct mc_store *store)
{
    return (struct sim_store *)store;
}

/* Is `a` the record b, or among its ancestors as far as b knows? */
static bool in_line(const struct mc_ring *b, const struct mc_ring *a)
{
    enum mc_descent d = mc_ring_descends(b, mc_ring_head(a));

    return d == MC_DESCENT_SAME || d == MC_DESCENT_YES;
}

/* Once b is held nobody asks about a any more, also if b cannot tell (P7). */
static bool settles(const struct mc_ring *b, const struct mc_ring *a)
{
    return mc_ring_descends(b, mc_ring_head(a)) != MC_DESCENT_NO;
}

static int cmp(const struct mc_ring *a, const struct mc_ring *b)
{
    struct mc_stamp x = mc_stamp_of(mc_ring_head(a));
    struct mc_stamp y = mc_stamp_of(mc_ring_head(b));

    return mc_stamp_cmp(&x, &y);
}

/* ---- shelves ---- */

static size_t place(const struct sim_store *s, const char *name, bool *ret_found)
{
    size_t i = 0;

    while (i < s->count && strcmp(s->shelves[i].name.s, name) < 0)
        i++;
    *ret_found = i < s->count && strcmp(s->shelves[i].name.s, name) == 0;
    return i;
}

const struct sim_shelf *sim_store_find(const struct sim_store *s, const char *name)
{
    bool found;
    size_t i = place(s, name, &found);

    return found ? &s->shelves[i] : NULL;
}

static struct sim_shelf *shelf_of(struct sim_store *s, const struct mc_name *name)
{
    bool found;
    size_t i = place(s, name->s, &found);

    if (found)
        return &s->shelves[i];
    s->shelves = sim_grow(s->shelves, s->count + 1, sizeof(*s->shelves));
    memmove(&s->shelves[i + 1], &s->shelves[i], (s->count - i) * sizeof(*s->shelves));
    s->count++;
    s->shelves[i] = (struct sim_shelf){.name = *name};
    return &s->shelves[i];
}

static void clear_shelf(struct sim_shelf *shelf)
{
    mc_ring_unref(shelf->held);
    for (size_t i = 0; i < shelf->sealed_count; i++)
        mc_ring_unref(shelf->sealed[i]);
    free(shelf->sealed);
    for (size_t i = 0; i < shelf->loser_count; i++)
        mc_ring_unref(shelf->losers[i]);
    for (size_t i = 0; i < shelf->older_count; i++)
        mc_ring_unref(shelf->older[i]);
}

/* ---- life ---- */

void sim_store_wipe(struct sim_store *s)
{
    for (size_t i = 0; i < s->count; i++)
        clear_shelf(&s->shelves[i]);
    free(s->shelves);
    s->shelves = NULL;
    s->count = 0;
    mc_blob_unref(s->clusters);
    s->clusters = NULL;
}

void sim_store_free(struct sim_store *s)
{
    if (s == NULL)
        return;
    sim_store_wipe(s);
    free(s);
}

struct sim_store *sim_store_copy(const struct sim_store *s)
{
    struct sim_store *copy = sim_store_new();

    copy->shelves = sim_alloc(s->count * sizeof(*copy->shelves));
    copy->count = s->count;
    for (size_t i = 0; i < s->count; i++) {
        struct sim_shelf *shelf = &copy->shelves[i];

        *shelf = s->shelves[i];
        if (shelf->held != NULL)
            mc_ring_ref(shelf->held);
        shelf->sealed = sim_alloc(shelf->sealed_count * sizeof(struct mc_ring *));
        for (size_t k = 0; k < shelf->sealed_count; k++)
            shelf->sealed[k] = mc_ring_ref(s->shelves[i].sealed[k]);
        for (size_t k = 0; k < shelf->loser_count; k++)
            mc_ring_ref(shelf->losers[k]);
        for (size_t k = 0; k < shelf->older_count; k++)
            mc_ring_ref(shelf->older[k]);
    }
    copy->reads = s->reads;
    copy->clusters = s->clusters == NULL ? NULL : mc_blob_ref(s->clusters);
    return copy;
}

bool sim_store_covers(const struct sim_store *s, const struct mc_ring *ring)
{
    const struct sim_shelf *shelf = sim_store_find(s, mc_ring_head(ring)->name.s);

    if (shelf == NULL)
        return false;
    if (shelf->held != NULL && settles(shelf->held, ring))
        return true;
    for (size_t i = 0; i < shelf->sealed_count; i++) {
        if (settles(shelf->sealed[i], ring))
            return true;
    }
    for (size_t i = 0; i < shelf->loser_count; i++) {
        if (in_line(shelf->losers[i], ring))
            return true;
    }
    return false;
}

/* ---- merge ---- */

static void drop_losers_of(struct sim_shelf *shelf, const struct mc_ring *ring,
                           bool (*ends)(const struct mc_ring *by,
                                        const struct mc_ring *old))
{
    size_t kept = 0;

    for (size_t i = 0; i < shelf->loser_count; i++) {
        if (ends(ring, shelf->losers[i]))
            mc_ring_unref(shelf->losers[i]);
        else
            shelf->losers[kept++] = shelf->losers[i];
    }
    shelf->loser_count = kept;
}

static void lose(struct sim_shelf *shelf, struct mc_ring *loser)
{
    size_t at = 0;

    for (size_t i = 0; i < shelf->loser_count; i++) {
        if (in_line(shelf->losers[i], loser))
            return;
    }
    drop_losers_of(shelf, loser, in_line);
    while (at < shelf->loser_count && cmp(shelf->losers[at], loser) > 0)
        at++;
    if (at == MC_LOSERS_MAX)
        return;
    if (shelf->loser_count == MC_LOSERS_MAX)
        mc_ring_unref(shelf->losers[--shelf->loser_count]);
    memmove(&shelf->losers[at + 1], &shelf->losers[at],
            (shelf->loser_count - at) * sizeof(struct mc_ring *));
    shelf->losers[at] = mc_ring_ref(loser);
    shelf->loser_count++;
}

static void put_older(struct sim_shelf *shelf, struct mc_ring *take_ring)
{
    if (shelf->older_count == SIM_KEEP_VERSIONS)
        mc_ring_unref(shelf->older[--shelf->older_count]);
    memmove(&shelf->older[1], &shelf->older[0],
            shelf->older_count * sizeof(struct mc_ring *));
    shelf->older[0] = take_ring;
    shelf->older_count++;
}

/* What descends from a sealed record makes keeping it needless. */
static void unseal_settled(struct sim_shelf *shelf, const struct mc_ring *ring)
{
    size_t kept = 0;

    for (size_t i = 0; i < shelf->sealed_count; i++) {
        if (in_line(ring, shelf->sealed[i]))
            mc_ring_unref(shelf->sealed[i]);
        else
            shelf->sealed[kept++] = shelf->sealed[i];
    }
    shelf->sealed_count = kept;
}

static int merge(struct mc_store *store, struct mc_ring *ring,
                 struct mc_merge *ret_merge)
{
    struct sim_store *s = of(store);
    const struct sim_shelf *found = sim_store_find(s, mc_ring_head(ring)->name.s);
    struct mc_merge out = mc_merge(found == NULL ? NULL : found->held, ring);
    struct sim_shelf *shelf;

    if (s->fail != 0) {
        s->failures++;
        return s->fail;
    }
    shelf = shelf_of(s, &mc_ring_head(ring)->name);
    switch (out.verdict) {
    case MC_MERGE_ADDED:
        shelf->held = mc_ring_ref(ring);
        drop_losers_of(shelf, ring, settles); /* of a time when more could be read */
        break;
    case MC_MERGE_REPLACED:
        s->decreased += cmp(ring, shelf->held) <= 0;
        if (out.relation == MC_RELATION_CONFLICT)
            lose(shelf, shelf->held);
        put_older(shelf, shelf->held);
        shelf->held = mc_ring_ref(ring);
        drop_losers_of(shelf, ring, settles);
        break;
    case MC_MERGE_SAME:
        break;
    case MC_MERGE_OLDER:
        if (out.relation == MC_RELATION_CONFLICT)
            lose(shelf, ring);
        break;
    }
    unseal_settled(shelf, ring);
    *ret_merge = out;
    return 0;
}

static int room(struct mc_store *store, const struct mc_ring *ring)
{
    (void)ring;
    of(store)->failures += of(store)->fail != 0;
    return of(store)->fail;
}

/* ---- another version ---- */

static unsigned format_of(const struct mc_ring *ring)
{
    return mc_ring_head(ring)->format;
}

static void seal(struct sim_shelf *shelf, struct mc_ring *take_ring)
{
    shelf->sealed =
        sim_grow(shelf->sealed, shelf->sealed_count + 1, sizeof(struct mc_ring *));
    shelf->sealed[shelf->sealed_count++] = take_ring;
}

/* The greatest of the older ones that can be read comes into force. */
static void fall_back(struct sim_shelf *shelf, unsigned format)
{
    size_t best = shelf->older_count;

    for (size_t i = 0; i < shelf->older_count; i++) {
        if (format_of(shelf->older[i]) <= format &&
            (best == shelf->older_count ||
             cmp(shelf->older[i], shelf->older[best]) > 0))
            best = i;
    }
    shelf->held = NULL;
    if (best == shelf->older_count)
        return;
    shelf->held = shelf->older[best];
    shelf->older_count--;
    memmove(&shelf->older[best], &shelf->older[best + 1],
            (shelf->older_count - best) * sizeof(struct mc_ring *));
}

static void downgrade(struct sim_shelf *shelf, unsigned format)
{
    size_t kept = 0;

    for (size_t i = 0; i < shelf->loser_count; i++) {
        if (format_of(shelf->losers[i]) > format)
            seal(shelf, shelf->losers[i]);
        else
            shelf->losers[kept++] = shelf->losers[i];
    }
    shelf->loser_count = kept;
    if (shelf->held == NULL || format_of(shelf->held) <= format)
        return;
    seal(shelf, shelf->held);
    fall_back(shelf, format);
}

static void upgrade(struct sim_store *s, struct sim_shelf *shelf, unsigned format)
{
    struct mc_ring **sealed = shelf->sealed;
    size_t count = shelf->sealed_count;
    int fail = s->fail;
    struct mc_merge out;

    shelf->sealed = NULL;
    shelf->sealed_count = 0;
    s->fail = 0; /* nothing is written: it lies there already */
    for (size_t i = 0; i < count; i++) {
        if (format_of(sealed[i]) > format) {
            seal(shelf, sealed[i]);
            continue;
        }
        (void)merge(&s->port, sealed[i], &out);
        mc_ring_unref(sealed[i]);
    }
    s->fail = fail;
    free(sealed);
}

void sim_store_reads(struct sim_store *s, unsigned format)
{
    s->reads = format;
    for (size_t i = 0; i < s->count; i++) {
        upgrade(s, &s->shelves[i], format);
        downgrade(&s->shelves[i], format);
    }
}

static int unread(struct mc_store *store, const struct mc_name *name,
                  struct mc_stamp *ret_stamp)
{
    const struct sim_shelf *shelf = sim_store_find(of(store), name->s);
    const struct mc_ring *best = shelf == NULL ? NULL : shelf->held;

    for (size_t i = 0; shelf != NULL && i < shelf->sealed_count; i++) {
        if (best == NULL || cmp(shelf->sealed[i], best) > 0)
            best = shelf->sealed[i];
    }
    if (best == NULL || best == shelf->held)
        return MCOS_E_NOTFOUND;
    *ret_stamp = mc_stamp_of(mc_ring_head(best));
    return 0;
}

/* ---- the rest of the port ---- */

static int list(struct mc_store *store, struct mc_name **ret_names, size_t *ret_count)
{
    struct sim_store *s = of(store);
    struct mc_name *names = sim_alloc(s->count * sizeof(*names));

    for (size_t i = 0; i < s->count; i++)
        names[i] = s->shelves[i].name;
    *ret_names = names;
    *ret_count = s->count;
    return 0;
}

static int get(struct mc_store *store, const struct mc_name *name,
               struct mc_ring **ret_ring)
{
    const struct sim_shelf *shelf = sim_store_find(of(store), name->s);

    if (shelf == NULL)
        return MCOS_E_NOTFOUND;
    if (shelf->held == NULL)
        return MCOS_E_UPGRADE;
    *ret_ring = mc_ring_ref(shelf->held);
    return 0;
}

static bool keeps(struct mc_store *store, const struct mc_ring *ring)
{
    const struct sim_shelf *shelf =
        sim_store_find(of(store), mc_ring_head(ring)->name.s);

    return shelf != NULL && shelf->held != NULL && cmp(shelf->held, ring) == 0;
}

static struct mc_ring *pick(struct mc_ring *const *rings, size_t count,
                            const uint8_t digest8[8])
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(mc_ring_head(rings[i])->digest, digest8, 8) == 0)
            return rings[i];
    }
    return NULL;
}

static int get_digest(struct mc_store *store, const struct mc_name *name,
                      const uint8_t digest8[8], struct mc_ring **ret_ring)
{
    const struct sim_shelf *shelf = sim_store_find(of(store), name->s);
    struct mc_ring *ring = NULL;

    if (shelf != NULL && shelf->held != NULL)
        ring = pick(&shelf->held, 1, digest8);
    if (shelf != NULL && ring == NULL)
        ring = pick(shelf->losers, shelf->loser_count, digest8);
    if (shelf != NULL && ring == NULL)
        ring = pick(shelf->older, shelf->older_count, digest8);
    if (ring != NULL && format_of(ring) > of(store)->reads)
        return MCOS_E_UPGRADE;
    if (ring == NULL)
        return MCOS_E_GONE;
    *ret_ring = mc_ring_ref(ring);
    return 0;
}

static int losers(struct mc_store *store, const struct mc_name *name,
                  struct mc_ring *ret_rings[MC_LOSERS_MAX], size_t *ret_count)
{
    const struct sim_shelf *shelf = sim_store_find(of(store), name->s);

    *ret_count = shelf == NULL ? 0 : shelf->loser_count;
    for (size_t i = 0; i < *ret_count; i++)
        ret_rings[i] = mc_ring_ref(shelf->losers[i]);
    return 0;
}

static int save_clusters(struct mc_store *store, struct mc_bytes text)
{
    struct sim_store *s = of(store);
    struct mc_blob *blob = NULL;
    int err = s->fail != 0 ? s->fail : mc_blob_new(text, &blob);

    if (err != 0)
        return err;
    mc_blob_unref(s->clusters);
    s->clusters = blob;
    return 0;
}

static int load_clusters(struct mc_store *store, struct mc_blob **ret_text)
{
    struct sim_store *s = of(store);

    if (s->clusters == NULL)
        return MCOS_E_NOTFOUND;
    *ret_text = mc_blob_ref(s->clusters);
    return 0;
}

static void quarantine(struct mc_store *store, struct mc_bytes bytes,
                       const char *reason)
{
    (void)bytes;
    (void)reason;
    of(store)->quarantined++;
}

static void shut(struct mc_store *store)
{
    (void)store; /* the disk stays */
}

struct sim_store *sim_store_new(void)
{
    static const struct mc_store_ops ops = {.merge = merge,
                                            .room = room,
                                            .list = list,
                                            .get = get,
                                            .keeps = keeps,
                                            .get_digest = get_digest,
                                            .losers = losers,
                                            .unread = unread,
                                            .save_clusters = save_clusters,
                                            .load_clusters = load_clusters,
                                            .quarantine = quarantine,
                                            .close = shut};
    struct sim_store *s = sim_alloc(sizeof(*s));

    s->port.ops = &ops;
    s->reads = mc_format_max;
    return s;
}
