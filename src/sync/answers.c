/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/answers.c -- giving others the records they ask for (P40 to P44).
 *
 * At most MC_SENDING_MAX bodies are on their way to the bus; the rest of the
 * answers waits in line. Three askers of one record within a second make it one
 * publication for all.
 */
#include "sync/machine_state.h"

#include <assert.h>
#include <string.h>

#define RECORD_ROOM (MC_ENVELOPE_BYTES_MAX + 128u)

struct mc_sending *mc_sending_free(struct mc_machine *m)
{
    for (unsigned i = 0; i < MC_SENDING_MAX; i++) {
        if (m->sending[i].token == 0)
            return &m->sending[i];
    }
    return NULL;
}

/* ---- wanted ---- */

static void drop_answer(struct mc_machine *m, size_t i)
{
    mc_ring_row_unref(m, m->answers[i].row);
    m->answer_count--;
    memmove(&m->answers[i], &m->answers[i + 1],
            (m->answer_count - i) * sizeof(m->answers[0]));
}

/* Those that wait for this record get it with the rest of all. */
static void drop_waiting(struct mc_machine *m, const struct mc_ringrow *row,
                         const uint8_t digest8[8])
{
    for (size_t i = m->answer_count; i-- > 0;) {
        if (m->answers[i].row == row && memcmp(m->answers[i].digest8, digest8, 8) == 0)
            drop_answer(m, i);
    }
}

static bool asked_before(const struct mc_demand *d, const struct mc_peer *peer)
{
    for (unsigned i = 0; i < d->count; i++) {
        if (d->askers[i] == peer)
            return true;
    }
    return false;
}

/* Counts the asker; false if this record is not to be sent (again). */
static bool count_demand(struct mc_machine *m, struct mc_ringrow *row,
                         const uint8_t digest8[8], struct mc_peer *peer, bool *ret_all)
{
    struct mc_demand *d = &row->demand;

    if (memcmp(d->digest8, digest8, 8) != 0) {
        *d = (struct mc_demand){0};
        memcpy(d->digest8, digest8, 8);
    }
    if (m->now_ms < d->quiet_ms)
        return false;
    if (d->count == 0 || m->now_ms - d->from_ms >= MC_DEMAND_MS) {
        d->from_ms = m->now_ms;
        d->count = 0;
    }
    if (!asked_before(d, peer))
        d->askers[d->count++] = peer;
    *ret_all = d->count >= MC_DEMAND_CLUSTERS;
    if (*ret_all) {
        d->count = 0;
        d->quiet_ms = m->now_ms + MC_QUIET_MS;
    }
    return true;
}

static void want_one(struct mc_machine *m, struct mc_peer *peer,
                     const struct mc_want_line *line)
{
    struct mc_ringrow *row = mc_ring_find_row(m, line->name.s);
    const uint8_t *digest8 = line->digest8;
    struct mc_answer *answer;
    bool all = false;

    if (row == NULL || row->held == NULL) {
        struct mc_note *note = mc_say(m, MC_NOTE_NOT_HELD);

        note->cluster = peer->name;
        note->ring = line->name;
        return;
    }
    if (line->loser) {
        bool have = false;

        for (unsigned i = 0; i < row->loser_count; i++)
            have = have || memcmp(row->losers[i].digest, digest8, 8) == 0;
        if (!have)
            return; /* settled since: our next announcement tells */
    } else {
        digest8 = row->stamp.digest; /* what it asked for, or what came after (P43) */
    }
    if (!count_demand(m, row, digest8, peer, &all) || m->answer_count == MC_ANSWERS_MAX)
        return; /* it asks again, or somebody else */
    if (all)
        drop_waiting(m, row, digest8);
    answer = &m->answers[m->answer_count++];
    *answer = (struct mc_answer){.row = row, .to = all ? NULL : peer};
    memcpy(answer->digest8, digest8, 8);
    answer->names_held = line->names_held && !all;
    memcpy(answer->held8, line->held8, 8);
    row->refs++;
}

/* Named, and nothing there: then it names nothing. */
static void take_held(struct mc_reader *held, struct mc_want_line *line)
{
    struct mc_bytes digest8;

    if (!line->names_held)
        return;
    digest8 = mc_reader_take(held, sizeof(line->held8));
    line->names_held = !held->bad;
    if (line->names_held)
        memcpy(line->held8, digest8.ptr, sizeof(line->held8));
}

void mc_on_want(struct mc_machine *m, const struct mc_envelope *e, struct mc_bytes body)
{
    struct mc_want_head head;
    struct mc_reader lines;
    struct mc_want_line line;
    struct mc_reader held;
    struct mc_peer *peer;

    if (mc_want_decode(body, &head, &lines) != 0) {
        mc_say(m, MC_NOTE_BAD_MESSAGE)->cluster = e->cluster;
        return;
    }
    if (!m->fresh)
        return; /* from before our start: the asker has asked somebody else */
    peer = mc_peer_add(m, &e->cluster, e->uid);
    if (peer == NULL) {
        mc_say(m, MC_NOTE_FULL_TABLE)->cluster = e->cluster;
        return;
    }
    if (head.members)
        mc_members_wanted(m);
    if (head.buckets != 0)
        mc_list_wanted(m, peer, head.buckets);
    held = mc_want_held(lines, head.count);
    for (unsigned i = 0; i < head.count; i++) {
        if (!mc_want_next(&lines, &line)) {
            mc_say(m, MC_NOTE_BAD_MESSAGE)->cluster = e->cluster;
            return;
        }
        take_held(&held, &line);
        want_one(m, peer, &line);
    }
}

/* ---- sending ---- */

void mc_answers_due(struct mc_machine *m)
{
    while (m->answer_count > 0) {
        struct mc_answer a = m->answers[0];
        struct mc_sending *s = mc_sending_free(m);
        struct mc_note *note;

        if (s == NULL || !mc_room(m, 2, RECORD_ROOM))
            return;
        *s = (struct mc_sending){.why = MC_SEND_ANSWER};
        s->token =
            mc_record_send(m, a.row, a.digest8, a.to == NULL ? NULL : &a.to->name,
                           a.names_held ? a.held8 : NULL);
        if (a.to == NULL)
            mc_full_seen(m, a.row);
        note = mc_say_ring(m, MC_NOTE_WANTED, a.row, &a.row->stamp);
        if (a.to != NULL)
            note->cluster = a.to->name;
        drop_answer(m, 0);
    }
}

void mc_on_sent(struct mc_machine *m, uint64_t token, int err)
{
    for (unsigned i = 0; token != 0 && i < MC_SENDING_MAX; i++) {
        struct mc_sending s = m->sending[i];

        if (s.token != token)
            continue;
        m->sending[i].token = 0;
        if (s.why == MC_SEND_OUT)
            mc_out_done(m, &s, err);
        else if (err == MCOS_E_NOTFOUND || err == MCOS_E_GONE)
            mc_say(m, MC_NOTE_NOT_HELD)->err = err;
        return;
    }
}

void mc_answers_bus_down(struct mc_machine *m)
{
    while (m->answer_count > 0)
        drop_answer(m, m->answer_count - 1);
    for (unsigned i = 0; i < MC_SENDING_MAX; i++) {
        struct mc_sending s = m->sending[i];

        m->sending[i].token = 0;
        if (s.token != 0 && s.why == MC_SEND_OUT)
            mc_out_done(m, &s, MCOS_E_AWAY);
    }
    memset(m->lists, 0, sizeof(m->lists));
    mc_members_forget(m);
}
