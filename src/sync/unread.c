/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/unread.c -- records that exist and that this program is too old to read
 * (P65 to P68): known by their stamps, not asked for again, and nothing is
 * minted on top of what they replaced.
 */
#include "sync/machine_state.h"

#include "ring/front.h"

#include <string.h>

bool mc_vain_has(const struct mc_ringrow *row, const uint8_t digest8[8])
{
    for (unsigned i = 0; i < row->vain_count && i < MC_VAIN_MAX; i++) {
        if (memcmp(row->vain8[i], digest8, 8) == 0)
            return true;
    }
    return false;
}

void mc_vain_add(struct mc_ringrow *row, const uint8_t digest8[8])
{
    if (!mc_vain_has(row, digest8))
        memcpy(row->vain8[row->vain_count++ % MC_VAIN_MAX], digest8, 8);
}

static bool greater(const struct mc_stamp *a, const struct mc_stamp *b)
{
    return b->version == 0 || mc_stamp_cmp8(a, b) > 0;
}

/* Whether it was news. */
static bool mark(struct mc_machine *m, struct mc_ringrow *row,
                 const struct mc_stamp *stamp)
{
    if (mc_vain_has(row, stamp->digest))
        return false;
    mc_vain_add(row, stamp->digest);
    if (greater(stamp, &row->unread) &&
        (row->held == NULL || greater(stamp, &row->stamp))) {
        row->refs += row->unread.version == 0;
        row->unread = *stamp;
    }
    if (row->newer.on && memcmp(row->newer.digest8, stamp->digest, 8) == 0)
        mc_want_end(m, &row->newer);
    if (row->lost.on && memcmp(row->lost.digest8, stamp->digest, 8) == 0)
        mc_want_end(m, &row->lost);
    return true;
}

static void tell(struct mc_machine *m, struct mc_ringrow *row,
                 const struct mc_stamp *stamp, const struct mc_name *from)
{
    struct mc_note *note = mc_say_ring(m, MC_NOTE_UNREAD, row, stamp);

    if (from != NULL)
        note->cluster = *from;
    if (row->held != NULL)
        note->other = row->stamp;
    row->unread_due = false;
}

void mc_unread_mark(struct mc_machine *m, struct mc_ringrow *row,
                    const struct mc_stamp *stamp, const struct mc_name *from)
{
    if (mark(m, row, stamp))
        tell(m, row, stamp, from);
}

void mc_unread_tell(struct mc_machine *m)
{
    for (size_t i = 0; m->unread_due && i < m->ring_count; i++) {
        struct mc_ringrow *row = m->rings[i];

        if (row->unread_due)
            tell(m, row, &row->unread, NULL);
    }
    m->unread_due = false;
}

void mc_unread_adopted(struct mc_ringrow *row)
{
    if (row->unread.version == 0 || mc_stamp_cmp8(&row->stamp, &row->unread) < 0)
        return;
    row->unread = (struct mc_stamp){0};
    row->refs--; /* what is held refers to it too */
}

bool mc_unread_seen(const struct mc_machine *m, const uint8_t digest8[8])
{
    for (unsigned i = 0; i < m->unread_seen_count && i < MC_UNREAD_SEEN_MAX; i++) {
        if (memcmp(m->unread_seen[i], digest8, 8) == 0)
            return true;
    }
    return false;
}

/* Whose record it is, if it was asked for; its name cannot be read. */
static struct mc_ringrow *find_asked(const struct mc_machine *m,
                                     const uint8_t digest8[8])
{
    for (size_t i = 0; i < m->ring_count; i++) {
        struct mc_ringrow *row = m->rings[i];

        if ((row->newer.on && memcmp(row->newer.digest8, digest8, 8) == 0) ||
            (row->lost.on && memcmp(row->lost.digest8, digest8, 8) == 0))
            return row;
    }
    return NULL;
}

void mc_unread_came(struct mc_machine *m, const struct mc_envelope *e,
                    struct mc_bytes head)
{
    struct mc_front front;
    struct mc_ringrow *row;
    struct mc_stamp stamp;
    int err = mc_front_decode(head, &front);

    if (err != 0) {
        struct mc_note *note = mc_say(m, MC_NOTE_BAD_MESSAGE);

        note->cluster = e->cluster;
        note->err = err;
        return;
    }
    if (memcmp(front.system, m->config.system, MC_UID_BYTES) != 0) {
        mc_say(m, MC_NOTE_FOREIGN)->cluster = e->cluster;
        return;
    }
    stamp = mc_stamp_of_front(&front);
    row = find_asked(m, stamp.digest);
    if (row != NULL) {
        mc_unread_mark(m, row, &stamp, &e->cluster);
        return;
    }
    /* Announcements will say whose it is; then it need not be asked for (P66). */
    if (mc_unread_seen(m, stamp.digest))
        return;
    memcpy(m->unread_seen[m->unread_seen_count++ % MC_UNREAD_SEEN_MAX], stamp.digest,
           8);
}

/* ---- from outside ---- */

int mc_machine_unread(struct mc_machine *m, const struct mc_name *ring,
                      const struct mc_stamp *stamp)
{
    struct mc_ringrow *row = mc_ring_row_ref(m, ring);

    if (row == NULL)
        return m->ring_count >= MC_RINGS_MAX ? MCOS_E_BUSY : MCOS_E_NOMEM;
    if (mark(m, row, stamp) && row->unread.version != 0) {
        row->unread_due = true; /* notes are told by steps */
        m->unread_due = true;
    }
    mc_ring_row_unref(m, row);
    return 0;
}

bool mc_machine_find_unread(const struct mc_machine *m, const char *ring,
                            struct mc_stamp *ret_stamp)
{
    const struct mc_ringrow *row = mc_ring_find_row(m, ring);

    if (row == NULL || row->unread.version == 0)
        return false;
    *ret_stamp = row->unread;
    return true;
}

bool mc_machine_next_unread(const struct mc_machine *m, size_t *cursor,
                            struct mc_name *ret_ring, struct mc_stamp *ret_stamp)
{
    while (*cursor < m->ring_count) {
        const struct mc_ringrow *row = m->rings[(*cursor)++];

        if (row->unread.version == 0)
            continue;
        *ret_ring = row->name;
        *ret_stamp = row->unread;
        return true;
    }
    return false;
}
