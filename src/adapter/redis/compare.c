/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/compare.c -- who holds the greater record, and what follows. */
#include "adapter/redis/compare.h"

#include "ring/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct redis_store *s, enum mc_log_level level, const char *event,
                const char *ring, const char *msg)
{
    char text[512];

    if (s->config.log == NULL)
        return;
    (void)snprintf(text, sizeof(text), "event=%s ring=%s msg=\"%.300s\"", event, ring,
                   msg);
    s->config.log->line(s->config.log, level, text);
}

/* ---- what the inner store holds ---- */

static size_t place_of(const struct redis_store *s, const char *name)
{
    size_t lo = 0;
    size_t hi = s->known_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(s->known[mid].name.s, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct mc_redis_known *find(const struct redis_store *s, const char *name)
{
    size_t at = place_of(s, name);

    return at < s->known_count && strcmp(s->known[at].name.s, name) == 0 ? &s->known[at]
                                                                         : NULL;
}

/* Made if there is none; NULL: out of memory. */
static struct mc_redis_known *find_or_make(struct redis_store *s,
                                           const struct mc_name *name)
{
    struct mc_redis_known *known = find(s, name->s);
    size_t at = place_of(s, name->s);

    if (known != NULL)
        return known;
    known = realloc(s->known, (s->known_count + 1) * sizeof(*s->known));
    if (known == NULL)
        return NULL;
    s->known = known;
    known += at;
    memmove(known + 1, known, (s->known_count - at) * sizeof(*known));
    *known = (struct mc_redis_known){.name = *name};
    s->known_count++;
    return known;
}

static void note(struct redis_store *s, const struct mc_name *name)
{
    struct mc_store *inner = s->config.inner;
    struct mc_redis_known *known;
    struct mc_ring *ring = NULL;
    int err = inner->ops->get(inner, name, &ring);

    if (err != 0 && err != MCOS_E_UPGRADE)
        return;
    known = find_or_make(s, name);
    if (known != NULL && ring != NULL) /* else none that can be read: version 0 */
        known->stamp = mc_stamp_of(mc_ring_head(ring));
    mc_ring_unref(ring);
}

void mc_redis_merged(struct redis_store *s, const struct mc_ring *ring,
                     enum mc_verdict verdict)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_stamp stamp = mc_stamp_of(head);
    struct mc_redis_known *known;

    if (verdict == MC_MERGE_OLDER) {
        known = find(s, head->name.s);
        if (known == NULL || mc_stamp_cmp(&known->stamp, &stamp) <= 0)
            note(s, &head->name); /* something greater that we did not know of */
        return;
    }
    known = find_or_make(s, &head->name);
    if (known != NULL)
        known->stamp = stamp;
}

static int note_all(struct redis_store *s)
{
    struct mc_store *inner = s->config.inner;
    struct mc_name *names = NULL;
    size_t count = 0;
    int err = inner->ops->list(inner, &names, &count);

    if (err != 0)
        return err;
    s->known_count = 0;
    for (size_t i = 0; i < count; i++)
        note(s, &names[i]);
    free(names);
    return 0;
}

/* ---- from there to here ---- */

/* Rings of two systems never mix, though somebody gave both one database. */
static bool is_foreign(struct redis_store *s, const struct mc_name *name,
                       const uint8_t system[MC_UID_BYTES])
{
    if (!s->one_system || memcmp(system, s->system, MC_UID_BYTES) == 0)
        return false;
    if (strcmp(s->foreign.s, name->s) != 0)
        say(s, MC_LOG_WARN, "registry-foreign", name->s,
            "the registry holds a ring of another system; give each system a database "
            "of its own");
    s->foreign = *name;
    return true;
}

/* Hands over what was found; it comes back by merge() if the agent takes it. */
static void take(struct redis_store *s, struct mc_ring *ring)
{
    const struct mc_name name = mc_ring_head(ring)->name;
    struct mc_store *inner = s->config.inner;
    struct mc_merge merge;
    int err;

    if (is_foreign(s, &name, mc_ring_head(ring)->system))
        return;
    if (s->found != NULL)
        err = s->found(s->found_ctx, &name, ring);
    else
        err = inner->ops->merge(inner, ring, &merge);
    if (err != 0)
        return; /* met again at the next comparison */
    s->status.to_file++;
    say(s, MC_LOG_INFO, "registry-newer", name.s, "taken over from the registry");
    note(s, &name);
}

/*
 * What lies there is of a later format: the front tells its stamp. It is remembered
 * though we hold nothing of that name, or it would be fetched for ever, and a ring be
 * minted that does not descend from it.
 */
static void note_unread(struct redis_store *s, const struct mc_name *name)
{
    struct mc_blob *there = mc_redis_registry_peek(s->link, name);
    struct mc_redis_known *known;
    struct mc_front front;
    int err =
        there == NULL ? MCOS_E_NOTFOUND : mc_front_decode(mc_blob_get(there), &front);

    mc_blob_unref(there);
    if (err != 0 || is_foreign(s, name, front.system))
        return;
    known = find_or_make(s, name);
    if (known == NULL)
        return;
    known->unread = mc_stamp_of_front(&front);
    if (s->found != NULL)
        (void)s->found(s->found_ctx, name, NULL);
}

void mc_redis_tell_unread(struct redis_store *s)
{
    for (size_t i = 0; i < s->known_count; i++) {
        const struct mc_name name = s->known[i].name;

        if (s->known[i].unread.version != 0)
            (void)s->found(s->found_ctx, &name, NULL);
    }
}

static int put_over_junk(struct redis_store *s, const struct mc_ring *ring,
                         struct mcos_diag *diag)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_store *inner = s->config.inner;
    struct mc_blob *junk = mc_redis_registry_peek(s->link, &head->name);
    struct mc_merge merge;
    int err;

    if (junk != NULL)
        inner->ops->quarantine(inner, mc_blob_get(junk), "registry");
    mc_blob_unref(junk);
    err = mc_redis_registry_push(s->link, ring, true, &merge, diag);
    if (err == 0) {
        s->status.to_registry++;
        say(s, MC_LOG_WARN, "registry-repaired", head->name.s,
            "its key held no good record; the file's was put there");
    }
    return err;
}

/* The registry's record is wanted; if it is no good, ours replaces it. */
static int fetch(struct redis_store *s, const struct mc_name *name,
                 struct mcos_diag *diag)
{
    struct mc_store *inner = s->config.inner;
    struct mc_ring *ring = NULL;
    int err = mc_redis_registry_pull(s->link, name, &ring, diag);

    if (err == 0) {
        take(s, ring);
        if (s->link == NULL) /* lost while the agent merged it */
            err = mcos_diag_set(diag, MCOS_E_AWAY, "store", "%s", s->status.why);
    } else if ((err == MCOS_E_FORMAT || err == MCOS_E_TYPE) &&
               inner->ops->get(inner, name, &ring) == 0) {
        err = put_over_junk(s, ring, diag);
    } else if (err == MCOS_E_UPGRADE) {
        note_unread(s, name);
        if (s->link == NULL) /* lost while the agent was told */
            err = mcos_diag_set(diag, MCOS_E_AWAY, "store", "%s", s->status.why);
    }
    mc_ring_unref(ring);
    return err;
}

/* ---- from here to there ---- */

/* A refusal that concerns this ring alone is said once. */
static int refused(struct redis_store *s, const char *name, int err,
                   const struct mcos_diag *diag)
{
    struct mc_redis_known *known = find(s, name);

    if (!mc_redis_err_is_local(err))
        return err;
    if (known == NULL || !known->refused)
        say(s, MC_LOG_WARN, "registry-refused", name,
            diag->text[0] != '\0' ? diag->text : mcos_err_text(err));
    if (known != NULL)
        known->refused = true;
    return 0;
}

int mc_redis_put(struct redis_store *s, const struct mc_ring *ring,
                 struct mcos_diag *diag)
{
    const struct mc_name *name = &mc_ring_head(ring)->name;
    struct mc_redis_known *known;
    struct mc_merge merge = {MC_MERGE_SAME, MC_RELATION_LINE};
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(ring));
    int err = mc_redis_registry_push(s->link, ring, false, &merge, diag);

    if (err == MCOS_E_FORMAT || err == MCOS_E_TYPE || err == MCOS_E_VALUE)
        err = put_over_junk(s, ring, diag);
    if (err != 0)
        return refused(s, name->s, err, diag);
    known = find(s, name->s);
    /* Older than what lies there, though it is the newest we hold. */
    if (merge.verdict == MC_MERGE_OLDER && known != NULL &&
        mc_stamp_cmp(&stamp, &known->stamp) == 0) {
        err = fetch(s, name, diag);
        return err == 0 ? 0 : refused(s, name->s, err, diag);
    }
    return 0;
}

static int put_held(struct redis_store *s, const struct mc_name *name,
                    struct mcos_diag *diag)
{
    struct mc_store *inner = s->config.inner;
    struct mc_ring *losers[MC_LOSERS_MAX];
    struct mc_ring *ring = NULL;
    size_t count = 0;
    int err;

    if (inner->ops->get(inner, name, &ring) != 0)
        return 0; /* the files tell their own troubles */
    err = mc_redis_put(s, ring, diag);
    mc_ring_unref(ring);
    if (err != 0 || inner->ops->losers(inner, name, losers, &count) != 0)
        return err;
    for (size_t i = 0; i < count; i++) {
        if (err == 0)
            err = mc_redis_put(s, losers[i], diag);
        mc_ring_unref(losers[i]);
    }
    return err;
}

/* ---- comparing ---- */

/* What the registry holds of one name that we hold: its stamp, or why not. */
static int settle(struct redis_store *s, size_t at, int err,
                  const struct mc_stamp *there, struct mcos_diag *diag)
{
    const struct mc_name name = s->known[at].name;
    int c = err != 0 ? 1 : mc_stamp_cmp(&s->known[at].stamp, there);

    if (err == MCOS_E_UPGRADE || err == MCOS_E_NOMEM || err == MCOS_E_VALUE)
        return refused(s, name.s, err, diag);
    if (c == 0)
        return 0;
    if (c < 0 && mc_stamp_cmp(&s->known[at].unread, there) == 0)
        return 0; /* looked at before, and too new */
    if (c < 0) {
        err = fetch(s, &name, diag);
        return err == 0 ? 0 : refused(s, name.s, err, diag);
    }
    if (s->known[at].stamp.version == 0)
        return 0; /* nothing to give */
    if (err == 0 || err == MCOS_E_NOTFOUND) {
        s->status.to_registry++;
        say(s, MC_LOG_INFO, "registry-filled", name.s,
            err == 0 ? "it held an older record" : "it held none");
    }
    return put_held(s, &name, diag);
}

static int compare_stamps(struct redis_store *s, struct mcos_diag *diag)
{
    size_t count = s->known_count;
    struct mc_name *names = calloc(count + 1, sizeof(*names));
    struct mc_stamp *stamps = calloc(count + 1, sizeof(*stamps));
    int *errs = calloc(count + 1, sizeof(*errs));
    int err = names == NULL || stamps == NULL || errs == NULL ? MCOS_E_NOMEM : 0;

    for (size_t i = 0; err == 0 && i < count; i++)
        names[i] = s->known[i].name;
    if (err == 0)
        err = mc_redis_registry_stamps(s->link, names, count, stamps, errs, diag);
    for (size_t i = 0; err == 0 && i < count; i++) {
        /* A name may be added meanwhile, so that the places move. */
        size_t at = place_of(s, names[i].s);

        err = settle(s, at, errs[i], &stamps[i], diag);
    }
    free(names);
    free(stamps);
    free(errs);
    return err;
}

/* Names there that we do not hold. */
static int compare_page(struct redis_store *s, struct mcos_diag *diag)
{
    struct mc_name *names = NULL;
    size_t count = 0;
    int err = mc_redis_registry_list(s->link, &s->cursor, &names, &count, diag);

    for (size_t i = 0; err == 0 && i < count && s->known_count < MC_RINGS_MAX; i++) {
        if (find(s, names[i].s) != NULL)
            continue;
        err = fetch(s, &names[i], diag);
        if (err != 0 && mc_redis_err_is_local(err))
            err = 0; /* gone again, or not good: not ours to mend */
    }
    free(names);
    return err;
}

static void take_loser(struct redis_store *s, struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_store *inner = s->config.inner;
    struct mc_ring *kept = NULL;
    struct mc_merge merge;

    if (is_foreign(s, &head->name, head->system))
        return;
    if (inner->ops->get_digest(inner, &head->name, head->digest, &kept) == 0)
        mc_ring_unref(kept);
    else if (s->found != NULL)
        (void)s->found(s->found_ctx, &head->name, ring);
    else
        (void)inner->ops->merge(inner, ring, &merge);
}

static bool is_among(const struct mc_ring *ring, struct mc_ring *const *rings,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(mc_ring_head(rings[i])->digest, mc_ring_head(ring)->digest,
                   MC_DIGEST_BYTES) == 0)
            return true;
    }
    return false;
}

/* Losers that the files keep and the registry does not: made while it was away, they
 * would be known to one agent alone. */
static int give_losers(struct redis_store *s, const struct mc_name *name,
                       struct mc_ring *const *there, size_t there_count,
                       struct mcos_diag *diag)
{
    struct mc_store *inner = s->config.inner;
    struct mc_ring *here[MC_LOSERS_MAX];
    size_t count = 0;
    int err = 0;

    if (inner->ops->losers(inner, name, here, &count) != 0)
        return 0; /* the files tell their own troubles */
    for (size_t i = 0; i < count; i++) {
        if (err == 0 && !is_among(here[i], there, there_count))
            err = mc_redis_put(s, here[i], diag);
        mc_ring_unref(here[i]);
    }
    return err;
}

/* Losers that one side keeps and the other does not know. */
static int compare_losers(struct redis_store *s, const struct mc_name *name,
                          struct mcos_diag *diag)
{
    struct mc_ring *rings[MC_LOSERS_MAX];
    size_t count = 0;
    int err = mc_redis_registry_losers(s->link, name, rings, &count, diag);

    for (size_t k = 0; k < count; k++)
        take_loser(s, rings[k]);
    if (err == 0 && s->link == NULL) /* lost while the agent merged them */
        err = mcos_diag_set(diag, MCOS_E_AWAY, "store", "%s", s->status.why);
    if (err == 0)
        err = give_losers(s, name, rings, count, diag);
    for (size_t k = 0; k < count; k++)
        mc_ring_unref(rings[k]);
    return err == MCOS_E_TYPE ? 0 : err; /* the next merge with REPAIR mends it */
}

int mc_redis_compare_all(struct redis_store *s, struct mcos_diag *diag)
{
    int err = note_all(s);

    if (err != 0)
        return mcos_diag_set(diag, err, "store", "the files cannot be listed");
    err = compare_stamps(s, diag);
    s->cursor = 0;
    do {
        if (err == 0)
            err = compare_page(s, diag);
    } while (err == 0 && s->cursor != 0);
    for (size_t i = 0; err == 0 && i < s->known_count; i++) {
        const struct mc_name name = s->known[i].name;

        err = compare_losers(s, &name, diag);
    }
    return err;
}

int mc_redis_compare_one(struct redis_store *s, const struct mc_name *name,
                         struct mcos_diag *diag)
{
    struct mc_redis_known *known = find(s, name->s);
    struct mc_stamp stamp;
    int there = 0;
    int err;

    if (known == NULL) {
        err = s->known_count < MC_RINGS_MAX ? fetch(s, name, diag) : 0;
        if (err != 0 && mc_redis_err_is_local(err))
            return 0;
    } else {
        err = mc_redis_registry_stamps(s->link, name, 1, &stamp, &there, diag);
        if (err == 0)
            err = settle(s, place_of(s, name->s), there, &stamp, diag);
    }
    return err != 0 ? err : compare_losers(s, name, diag);
}

int mc_redis_compare_some(struct redis_store *s, struct mcos_diag *diag)
{
    int err = compare_stamps(s, diag);

    return err != 0 ? err : compare_page(s, diag);
}

bool mc_redis_unread(const struct redis_store *s, const struct mc_name *name, bool have,
                     struct mc_stamp *stamp)
{
    const struct mc_redis_known *known = find(s, name->s);

    if (known == NULL || known->unread.version == 0 ||
        mc_stamp_cmp(&known->unread, &known->stamp) <= 0 ||
        (have && mc_stamp_cmp(&known->unread, stamp) <= 0))
        return false;
    *stamp = known->unread;
    return true;
}
