/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/inventory.c -- what a peer holds, as far as it told (P16, P18), and how
 * that compares with what we hold (P24, P30).
 *
 * Whatever a peer tells covers a part of its inventory, its *scope*: all of it,
 * the rings that are named, a stretch of one bucket, or the buckets that are
 * equal to ours. What we knew within the scope is replaced, the rest stays.
 */
#include "sync/machine_state.h"

#include <stdlib.h>
#include <string.h>

enum scope_kind { SCOPE_ALL, SCOPE_NAMED, SCOPE_STRETCH, SCOPE_BUCKETS };

struct scope {
    enum scope_kind kind;
    uint64_t buckets; /* BUCKETS */
    unsigned bucket;  /* STRETCH: after `after`, to `last` or the end (NULL) */
    const char *after;
    const char *last;
};

/* ---- lists of holdings ---- */

static struct mc_hold *append(struct mc_holds *holds)
{
    if (holds->count == holds->cap) {
        size_t cap = holds->cap == 0 ? 4 : 2 * holds->cap;
        struct mc_hold *grown = realloc(holds->list, cap * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        holds->list = grown;
        holds->cap = cap;
    }
    return &holds->list[holds->count++];
}

void mc_holds_clear(struct mc_machine *m, struct mc_holds *holds)
{
    for (size_t i = 0; i < holds->count; i++)
        mc_ring_row_unref(m, holds->list[i].row);
    holds->count = 0;
}

static bool append_entry(struct mc_machine *m, struct mc_holds *holds,
                         const struct mc_entry *e)
{
    struct mc_ringrow *row = mc_ring_row_ref(m, &e->name);
    struct mc_hold *hold = row == NULL ? NULL : append(holds);

    if (hold == NULL) {
        if (row != NULL)
            mc_ring_row_unref(m, row);
        mc_say(m, MC_NOTE_FULL_TABLE)->ring = e->name;
        return false;
    }
    *hold = (struct mc_hold){.row = row,
                             .version = e->version,
                             .timestamp = e->timestamp,
                             .since_ms = m->now_ms,
                             .epoch = e->epoch,
                             .tombstone = e->tombstone,
                             .loser = e->loser};
    memcpy(hold->digest8, e->digest8, 8);
    return true;
}

static bool append_ours(struct mc_machine *m, struct mc_holds *holds, uint64_t buckets)
{
    for (size_t i = 0; i < m->ring_count; i++) {
        struct mc_ringrow *row = m->rings[i];
        struct mc_entry e;

        if (!row->told_on || (buckets >> row->bucket & 1) == 0)
            continue;
        e = row->told;
        if (!append_entry(m, holds, &e))
            return false;
        for (unsigned k = 0; k < row->loser_count; k++) {
            e = mc_loser_entry(row, &row->losers[k]);
            if (!append_entry(m, holds, &e))
                return false;
        }
    }
    return true;
}

static int cmp_hold(const struct mc_hold *a, const struct mc_hold *b)
{
    int c = a->row == b->row ? 0 : strcmp(a->row->name.s, b->row->name.s);

    if (c == 0)
        c = (int)a->loser - (int)b->loser;
    if (c == 0 && a->epoch != b->epoch)
        c = a->epoch > b->epoch ? -1 : 1;
    if (c == 0 && a->version != b->version)
        c = a->version > b->version ? -1 : 1;
    if (c == 0 && a->timestamp != b->timestamp)
        c = a->timestamp > b->timestamp ? -1 : 1;
    return c != 0 ? c : memcmp(b->digest8, a->digest8, 8);
}

static bool names_row(const struct mc_holds *holds, const struct mc_ringrow *row)
{
    size_t lo = 0;
    size_t hi = holds->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(holds->list[mid].row->name.s, row->name.s);

        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static bool in_scope(const struct scope *s, const struct mc_holds *fresh,
                     const struct mc_ringrow *row)
{
    switch (s->kind) {
    case SCOPE_ALL:
        return true;
    case SCOPE_NAMED:
        return names_row(fresh, row);
    case SCOPE_STRETCH:
        return row->bucket == s->bucket && strcmp(row->name.s, s->after) > 0 &&
               (s->last == NULL || strcmp(row->name.s, s->last) <= 0);
    case SCOPE_BUCKETS:
        return (s->buckets >> row->bucket & 1) != 0;
    }
    return false;
}

/* Replaces what lies in the scope by m->fresh_holds, whose references it takes. */
static bool replace(struct mc_machine *m, struct mc_peer *peer, const struct scope *s)
{
    struct mc_holds *fresh = &m->fresh_holds;
    struct mc_holds *mixed = &m->mixed_holds;
    struct mc_holds *old = &peer->holds;
    size_t i = 0;
    size_t k = 0;

    mixed->count = 0;
    while (i < old->count || k < fresh->count) {
        int c = i == old->count     ? 1
                : k == fresh->count ? -1
                                    : cmp_hold(&old->list[i], &fresh->list[k]);
        struct mc_hold *to;

        if (c < 0 && in_scope(s, fresh, old->list[i].row)) {
            i++;
            continue;
        }
        to = append(mixed);
        if (to == NULL) {
            mixed->count = 0;
            return false;
        }
        *to = c < 0 ? old->list[i] : fresh->list[k];
        if (c == 0)
            to->since_ms = old->list[i].since_ms;
        i += c <= 0;
        k += c >= 0;
    }
    if (mixed->count > old->cap) {
        struct mc_hold *grown = realloc(old->list, mixed->count * sizeof(*grown));

        if (grown == NULL) {
            mixed->count = 0;
            return false;
        }
        old->list = grown;
        old->cap = mixed->count;
    }
    /* Take the new references before the old ones go: a row may be in both. */
    for (size_t n = 0; n < mixed->count; n++)
        mixed->list[n].row->refs++;
    mc_holds_clear(m, old);
    if (mixed->count > 0)
        memcpy(old->list, mixed->list, mixed->count * sizeof(mixed->list[0]));
    old->count = mixed->count;
    mixed->count = 0;
    mc_holds_clear(m, fresh);
    free(peer->view);
    peer->view = NULL;
    return true;
}

/* Entries must come in their order, none twice, or the message is bad. */
static bool read_entries(struct mc_machine *m, struct mc_reader *r, bool *ret_whole)
{
    struct mc_entry before = {0};
    struct mc_entry e;

    while (mc_entry_decode(r, &e)) {
        if (before.version != 0 && (mc_entry_cmp(&before, &e) >= 0 ||
                                    (!e.loser && strcmp(before.name.s, e.name.s) == 0)))
            return false;
        if (!append_entry(m, &m->fresh_holds, &e))
            *ret_whole = false;
        before = e;
    }
    return !r->bad;
}

/* ---- told by the peer ---- */

static uint64_t bucket_sums(const struct mc_peer *peer, unsigned bucket)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < peer->holds.count; i++) {
        const struct mc_hold *h = &peer->holds.list[i];
        struct mc_entry e = {.name = h->row->name,
                             .epoch = h->epoch,
                             .version = h->version,
                             .timestamp = h->timestamp,
                             .tombstone = h->tombstone,
                             .loser = h->loser};

        if (h->row->bucket != bucket)
            continue;
        memcpy(e.digest8, h->digest8, 8);
        sum += mc_entry_sum(&e).lane[0];
    }
    return sum;
}

static bool copy_ours(struct mc_machine *m, struct mc_peer *peer, uint64_t buckets)
{
    struct scope s = {.kind = SCOPE_BUCKETS, .buckets = buckets};

    mc_holds_clear(m, &m->fresh_holds);
    if (append_ours(m, &m->fresh_holds, buckets) && replace(m, peer, &s))
        return true;
    mc_holds_clear(m, &m->fresh_holds);
    return false;
}

/* Which buckets we know, from the digests that the peer announced (P18). */
static void find_unknown(struct mc_machine *m, struct mc_peer *peer)
{
    uint64_t ours = 0;

    for (unsigned i = 0; i < MC_BUCKETS; i++) {
        if (peer->buckets[i] == m->sums[i].lane[0])
            ours |= 1ull << i;
    }
    peer->unknown = 0;
    if (!copy_ours(m, peer, ours))
        ours = 0;
    for (unsigned i = 0; i < MC_BUCKETS; i++) {
        if ((ours >> i & 1) == 0 && bucket_sums(peer, i) != peer->buckets[i])
            peer->unknown |= 1ull << i;
    }
}

static bool keep_buckets(struct mc_peer *peer, const struct mc_announce *a)
{
    if (peer->buckets == NULL)
        peer->buckets = malloc(sizeof(a->buckets));
    if (peer->buckets == NULL)
        return false;
    memcpy(peer->buckets, a->buckets, sizeof(a->buckets));
    return true;
}

bool mc_inventory_announced(struct mc_machine *m, struct mc_peer *peer,
                            const struct mc_announce *a)
{
    struct mc_reader r = mc_reader_init(a->entries);
    struct scope s = {.kind = a->whole ? SCOPE_ALL : SCOPE_NAMED};
    bool same = peer->told && memcmp(peer->digest, a->digest, 16) == 0;
    bool complete = true;

    if (same && peer->unknown == 0)
        return true;
    if (memcmp(a->digest, m->digest, 16) == 0) {
        if (copy_ours(m, peer, UINT64_MAX))
            peer->unknown = 0;
        else
            peer->unknown = UINT64_MAX;
    } else {
        mc_holds_clear(m, &m->fresh_holds);
        if (!read_entries(m, &r, &complete)) {
            mc_holds_clear(m, &m->fresh_holds);
            return false;
        }
        if (!replace(m, peer, &s)) {
            mc_holds_clear(m, &m->fresh_holds);
            complete = false;
        }
        peer->unknown = complete ? 0 : UINT64_MAX;
        if (!a->whole) {
            peer->unknown = UINT64_MAX;
            if (keep_buckets(peer, a))
                find_unknown(m, peer);
        }
    }
    memcpy(peer->digest, a->digest, 16);
    peer->told = true;
    return true;
}

bool mc_inventory_listed(struct mc_machine *m, struct mc_peer *peer,
                         const struct mc_list_head *head, struct mc_reader *lines)
{
    struct scope s = {
        .kind = SCOPE_STRETCH, .bucket = head->bucket, .after = head->after};
    struct mc_holds *fresh = &m->fresh_holds;
    struct mc_name last;
    bool complete = true;
    bool good;

    mc_holds_clear(m, fresh);
    good = read_entries(m, lines, &complete);
    for (size_t i = 0; good && i < fresh->count; i++)
        good = fresh->list[i].row->bucket == head->bucket &&
               strcmp(fresh->list[i].row->name.s, head->after) > 0;
    if (!good || (fresh->count == 0 && !head->last)) {
        mc_holds_clear(m, fresh);
        return false;
    }
    if (!head->last) {
        last = fresh->list[fresh->count - 1].row->name;
        s.last = last.s;
    }
    if (!replace(m, peer, &s))
        mc_holds_clear(m, fresh);
    if (peer->buckets != NULL &&
        bucket_sums(peer, head->bucket) == peer->buckets[head->bucket])
        peer->unknown &= ~(1ull << head->bucket);
    return true;
}

const struct mc_hold *mc_inventory_find(const struct mc_peer *peer,
                                        const struct mc_ringrow *row,
                                        const uint8_t digest8[8])
{
    size_t lo = 0;
    size_t hi = peer->holds.count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(peer->holds.list[mid].row->name.s, row->name.s) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < peer->holds.count && peer->holds.list[lo].row == row; lo++) {
        if (memcmp(peer->holds.list[lo].digest8, digest8, 8) == 0)
            return &peer->holds.list[lo];
    }
    return NULL;
}

struct mc_stamp mc_hold_stamp(const struct mc_hold *hold)
{
    struct mc_stamp stamp = {
        .epoch = hold->epoch, .version = hold->version, .timestamp = hold->timestamp};

    memcpy(stamp.digest, hold->digest8, 8);
    return stamp;
}

/* ---- compared with ours ---- */

/* An older record of theirs: does its maker's work get lost with it? (P34) */
static void older_of_theirs(struct mc_machine *m, struct mc_peer *peer,
                            struct mc_hold *h, bool wanting)
{
    struct mc_ringrow *row = h->row;

    if (!wanting || mc_ring_has_loser(row, h->epoch, h->version, h->digest8))
        return;
    if (mc_ring_line(row, h->epoch, h->version, h->digest8) == MC_DESCENT_NO)
        mc_want_loser(m, peer, h);
}

/* Telling one who cannot read it helps nobody (P68). */
static bool can_take(const struct mc_peer *peer, const struct mc_ringrow *row)
{
    return row->held != NULL && mc_ring_head(row->held)->format <= peer->format;
}

/* All that the peer holds of one ring; returns how many entries that were. */
static size_t relate_ring(struct mc_machine *m, struct mc_peer *peer, size_t at,
                          bool wanting, struct mc_relation_to *rel)
{
    struct mc_hold *h = &peer->holds.list[at];
    struct mc_ringrow *row = h->row;
    unsigned losers = 0;
    size_t n = 0;
    bool equal = false;

    for (; at + n < peer->holds.count && h[n].row == row; n++) {
        struct mc_stamp theirs = mc_hold_stamp(&h[n]);
        int c = row->held == NULL ? -1 : mc_stamp_cmp8(&row->stamp, &theirs);

        if (h[n].loser) {
            losers +=
                c > 0 && mc_ring_has_loser(row, h[n].epoch, h[n].version, h[n].digest8);
            if (c > 0)
                older_of_theirs(m, peer, &h[n], wanting);
        } else if (c < 0) {
            rel->ahead = true;
            if (wanting)
                mc_want_newer(m, peer, &h[n]);
        } else if (c > 0) {
            rel->behind |= can_take(peer, row);
            older_of_theirs(m, peer, &h[n], wanting);
        } else {
            equal = true;
        }
    }
    if (equal && losers < row->loser_count)
        rel->behind = true;
    return n;
}

struct mc_relation_to mc_inventory_relate(struct mc_machine *m, struct mc_peer *peer,
                                          bool wanting)
{
    struct mc_relation_to rel = {false, false};
    size_t ours = 0;

    for (size_t at = 0; at < peer->holds.count;) {
        struct mc_ringrow *row = peer->holds.list[at].row;

        /* Those of ours that it did not name. */
        for (; ours < m->ring_count && m->rings[ours] != row; ours++) {
            if (can_take(peer, m->rings[ours]) &&
                (peer->unknown >> m->rings[ours]->bucket & 1) == 0)
                rel.behind = true;
        }
        ours += ours < m->ring_count;
        at += relate_ring(m, peer, at, wanting, &rel);
    }
    for (; ours < m->ring_count; ours++) {
        if (can_take(peer, m->rings[ours]) &&
            (peer->unknown >> m->rings[ours]->bucket & 1) == 0)
            rel.behind = true;
    }
    return rel;
}
