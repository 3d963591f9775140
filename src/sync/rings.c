/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/rings.c -- the names that matter, and our own inventory (P14, P15).
 *
 * The digest of the inventory is kept up to date with every change: bucket sums
 * are sums, so a change costs one entry, not all of them.
 */
#include "sync/machine_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX    (2 * MC_RINGS_MAX) /* held, and known by name only */
#define ENTRY_FIXED 28u                /* bytes of an entry without its name */
#define FIRST_ROWS  8u

/* Where a name is, or would be. */
static size_t place_of(const struct mc_machine *m, const char *name)
{
    size_t lo = 0;
    size_t hi = m->ring_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(m->rings[mid]->name.s, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct mc_ringrow *mc_ring_find_row(const struct mc_machine *m, const char *name)
{
    size_t at = place_of(m, name);

    if (at < m->ring_count && strcmp(m->rings[at]->name.s, name) == 0)
        return m->rings[at];
    return NULL;
}

struct mc_ringrow *mc_ring_row_ref(struct mc_machine *m, const struct mc_name *name)
{
    size_t at = place_of(m, name->s);
    struct mc_ringrow *row;

    if (at < m->ring_count && strcmp(m->rings[at]->name.s, name->s) == 0) {
        m->rings[at]->refs++;
        return m->rings[at];
    }
    if (m->ring_count == ROWS_MAX)
        return NULL;
    if (m->ring_count == m->ring_cap) {
        size_t cap = m->ring_cap == 0 ? FIRST_ROWS : 2 * m->ring_cap;
        struct mc_ringrow **grown =
            realloc(m->rings, cap * sizeof(struct mc_ringrow *));

        if (grown == NULL)
            return NULL;
        m->rings = grown;
        m->ring_cap = cap;
    }
    row = calloc(1, sizeof(*row));
    if (row == NULL)
        return NULL;
    row->name = *name;
    row->bucket = (uint8_t)mc_bucket_of(name);
    row->refs = 1;
    row->full_due_ms = MC_NEVER;
    row->out_retry_ms = MC_NEVER;
    memmove(&m->rings[at + 1], &m->rings[at],
            (m->ring_count - at) * sizeof(struct mc_ringrow *));
    m->rings[at] = row;
    m->ring_count++;
    return row;
}

static void free_row(struct mc_ringrow *row)
{
    mc_ring_unref(row->held);
    free(row->losers);
    free(row);
}

void mc_ring_row_unref(struct mc_machine *m, struct mc_ringrow *row)
{
    size_t at;

    assert(row->refs > 0);
    if (--row->refs > 0)
        return;
    assert(row->held == NULL);
    mc_want_end(m, &row->newer);
    mc_want_end(m, &row->lost);
    at = place_of(m, row->name.s);
    assert(m->rings[at] == row);
    m->ring_count--;
    memmove(&m->rings[at], &m->rings[at + 1],
            (m->ring_count - at) * sizeof(struct mc_ringrow *));
    free_row(row);
}

void mc_rings_free(struct mc_machine *m)
{
    for (size_t i = 0; i < m->ring_count; i++)
        free_row(m->rings[i]);
    free(m->rings);
}

/* ---- the inventory and its digest ---- */

static struct mc_entry entry_of(const struct mc_ringrow *row,
                                const struct mc_stamp *stamp)
{
    struct mc_entry e = {.name = row->name,
                         .epoch = stamp->epoch,
                         .version = stamp->version,
                         .timestamp = stamp->timestamp};

    memcpy(e.digest8, stamp->digest, 8);
    return e;
}

struct mc_entry mc_ring_entry(const struct mc_ringrow *row)
{
    struct mc_entry e = entry_of(row, &row->stamp);

    e.tombstone = row->tombstone;
    return e;
}

struct mc_entry mc_loser_entry(const struct mc_ringrow *row,
                               const struct mc_stamp *loser)
{
    struct mc_entry e = entry_of(row, loser);

    e.loser = true;
    return e;
}

static void count_in(struct mc_machine *m, const struct mc_ringrow *row,
                     const struct mc_entry *entry)
{
    struct mc_sum sum = mc_entry_sum(entry);

    m->sums[row->bucket].lane[0] += sum.lane[0];
    m->sums[row->bucket].lane[1] += sum.lane[1];
    m->entry_bytes += ENTRY_FIXED + strlen(row->name.s);
}

static void count_out(struct mc_machine *m, const struct mc_ringrow *row,
                      const struct mc_entry *entry)
{
    struct mc_sum sum = mc_entry_sum(entry);

    m->sums[row->bucket].lane[0] -= sum.lane[0];
    m->sums[row->bucket].lane[1] -= sum.lane[1];
    m->entry_bytes -= ENTRY_FIXED + strlen(row->name.s);
}

static void changed(struct mc_machine *m, struct mc_ringrow *row)
{
    row->change = ++m->changes;
    mc_sums_digest(m->sums, m->digest);
    free(m->self->view);
    m->self->view = NULL;
}

void mc_ring_adopt(struct mc_machine *m, struct mc_ringrow *row, struct mc_ring *ring,
                   uint64_t body_bytes)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_entry entry;

    if (row->held != NULL) {
        m->body_bytes -= row->body_bytes;
    } else {
        m->held_count++;
        row->refs++;
    }
    ring = mc_ring_ref(ring);
    mc_ring_unref(row->held);
    row->held = ring;
    row->stamp = mc_stamp_of(head);
    mc_unread_adopted(row);
    row->tombstone = head->tombstone;
    row->body_bytes = body_bytes;
    row->since_ms = m->now_ms;
    m->body_bytes += body_bytes;
    entry = mc_ring_entry(row);
    if (!m->company)
        mc_ring_tell(m, row, &entry);
    if (row->newer.on) {
        struct mc_stamp want = {.epoch = row->newer.epoch,
                                .version = row->newer.version,
                                .timestamp = row->newer.timestamp};

        memcpy(want.digest, row->newer.digest8, 8);
        if (mc_stamp_cmp8(&row->stamp, &want) >= 0)
            mc_want_end(m, &row->newer);
    }
}

void mc_ring_tell(struct mc_machine *m, struct mc_ringrow *row,
                  const struct mc_entry *entry)
{
    if (row->told_on)
        count_out(m, row, &row->told);
    row->told = *entry;
    count_in(m, row, &row->told);
    /* Of a ring that is not told of its losers are not either. */
    for (unsigned i = 0; !row->told_on && i < row->loser_count; i++) {
        struct mc_entry loser = mc_loser_entry(row, &row->losers[i]);

        count_in(m, row, &loser);
    }
    m->told_count += !row->told_on;
    row->told_on = true;
    changed(m, row);
}

void mc_ring_untell(struct mc_machine *m, struct mc_ringrow *row)
{
    count_out(m, row, &row->told);
    for (unsigned i = 0; i < row->loser_count; i++) {
        struct mc_entry loser = mc_loser_entry(row, &row->losers[i]);

        count_out(m, row, &loser);
    }
    m->told_count--;
    row->told_on = false;
    changed(m, row);
}

/* ---- losers ---- */

enum mc_descent mc_ring_line(const struct mc_ringrow *row, uint16_t epoch,
                             uint64_t version, const uint8_t digest8[8])
{
    const struct mc_head *head = mc_ring_head(row->held);
    const struct mc_builder_info *info = mc_ring_builder(row->held);

    if (memcmp(head->digest, digest8, 8) == 0)
        return MC_DESCENT_SAME;
    for (unsigned i = 0; i < head->parent_count; i++) {
        if (memcmp(head->parents[i], digest8, 8) == 0)
            return MC_DESCENT_YES;
    }
    for (size_t i = 0; i < info->ancestor_count; i++) {
        const struct mc_ancestor *a = &info->ancestors[i];

        /* Greatest first: from here on they are all older than what we look for. */
        if (a->epoch < epoch || (a->epoch == epoch && a->version < version))
            return MC_DESCENT_NO;
        if (a->epoch == epoch && a->version == version &&
            memcmp(a->digest8, digest8, 8) == 0)
            return MC_DESCENT_YES;
    }
    return info->ancestor_count < MC_ANCESTORS_MAX ? MC_DESCENT_NO : MC_DESCENT_UNKNOWN;
}

bool mc_ring_has_loser(const struct mc_ringrow *row, uint16_t epoch, uint64_t version,
                       const uint8_t digest8[8])
{
    for (unsigned i = 0; i < row->loser_count; i++) {
        const struct mc_stamp *l = &row->losers[i];

        if (l->epoch == epoch && l->version == version &&
            memcmp(l->digest, digest8, 8) == 0)
            return true;
    }
    return false;
}

static void drop_loser(struct mc_machine *m, struct mc_ringrow *row, unsigned i)
{
    struct mc_entry entry = mc_loser_entry(row, &row->losers[i]);

    if (row->told_on)
        count_out(m, row, &entry);
    row->loser_count--;
    memmove(&row->losers[i], &row->losers[i + 1],
            (row->loser_count - i) * sizeof(row->losers[0]));
    changed(m, row);
}

bool mc_ring_lose(struct mc_machine *m, struct mc_ringrow *row,
                  const struct mc_stamp *stamp)
{
    struct mc_entry entry = mc_loser_entry(row, stamp);
    unsigned at = 0;

    if (row->losers == NULL) {
        row->losers = calloc(MC_LOSERS_MAX, sizeof(row->losers[0]));
        if (row->losers == NULL)
            return false;
    }
    while (at < row->loser_count && mc_stamp_cmp(&row->losers[at], stamp) > 0)
        at++;
    if (at == MC_LOSERS_MAX)
        return false;
    if (at < row->loser_count && mc_stamp_cmp(&row->losers[at], stamp) == 0)
        return false;
    if (row->loser_count == MC_LOSERS_MAX)
        drop_loser(m, row, MC_LOSERS_MAX - 1);
    memmove(&row->losers[at + 1], &row->losers[at],
            (row->loser_count - at) * sizeof(row->losers[0]));
    row->losers[at] = *stamp;
    row->loser_count++;
    if (row->told_on)
        count_in(m, row, &entry);
    changed(m, row);
    if (row->lost.on && memcmp(row->lost.digest8, stamp->digest, 8) == 0)
        mc_want_end(m, &row->lost);
    return true;
}

static bool among(const struct mc_stamp *list, size_t count,
                  const struct mc_stamp *stamp)
{
    for (size_t i = 0; i < count; i++) {
        if (mc_stamp_cmp(&list[i], stamp) == 0)
            return true;
    }
    return false;
}

static void say_gone(struct mc_machine *m, const struct mc_ringrow *row,
                     const struct mc_stamp *loser)
{
    switch (mc_ring_line(row, loser->epoch, loser->version, loser->digest)) {
    case MC_DESCENT_SAME:
    case MC_DESCENT_YES:
        mc_say_ring(m, MC_NOTE_SETTLED, row, &row->stamp)->other = *loser;
        break;
    case MC_DESCENT_UNKNOWN:
        mc_say_ring(m, MC_NOTE_UNKNOWN_LINE, row, &row->stamp)->other = *loser;
        break;
    case MC_DESCENT_NO: /* another loser descends from it, or is one too many */
        break;
    }
}

void mc_ring_losers(struct mc_machine *m, struct mc_ringrow *row,
                    const struct mc_stamp *list, size_t count)
{
    for (unsigned i = row->loser_count; i-- > 0;) {
        struct mc_stamp loser = row->losers[i];

        if (among(list, count, &loser))
            continue;
        drop_loser(m, row, i);
        say_gone(m, row, &loser);
    }
    for (size_t i = 0; i < count; i++) {
        if (mc_ring_lose(m, row, &list[i]))
            mc_say_ring(m, MC_NOTE_CONFLICT, row, &row->stamp)->other = list[i];
    }
    if (row->lost.on && mc_ring_line(row, row->lost.epoch, row->lost.version,
                                     row->lost.digest8) != MC_DESCENT_NO)
        mc_want_end(m, &row->lost);
}

bool mc_full_mode(const struct mc_machine *m)
{
    if (m->config.announce != MC_ANNOUNCE_AUTO)
        return m->config.announce == MC_ANNOUNCE_FULL;
    /* Each record is published once per delta_t by whoever comes first (P45). */
    return m->body_bytes <=
           (uint64_t)m->config.announce_budget * m->config.announce_interval_ms / 1000;
}
