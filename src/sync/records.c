/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/records.c -- a record that arrives or is minted: judged by its head,
 * stored, adopted, acknowledged, in this order (P60 to P64, P70).
 */
#include "sync/machine_state.h"

#include <assert.h>
#include <string.h>

static const uint32_t retry_ms[MC_STORE_RETRIES] = {
    MC_STORE_RETRY_MS_0, MC_STORE_RETRY_MS_1, MC_STORE_RETRY_MS_2};

static struct mc_storing *free_place(struct mc_machine *m)
{
    for (unsigned i = 0; i < MC_STORES_MAX; i++) {
        if (!m->storing[i].on)
            return &m->storing[i];
    }
    return NULL;
}

static void done(struct mc_machine *m, uint64_t token, int err)
{
    struct mc_effect *e = mc_emit(m, MC_FX_DONE);

    e->u.done.token = token;
    e->u.done.err = err;
}

static void store(struct mc_machine *m, struct mc_storing *s)
{
    struct mc_effect *e = mc_emit(m, MC_FX_STORE);

    s->waits = false;
    e->u.store.delivery = s->delivery;
    e->u.store.token = s->token;
    e->u.store.difference = s->difference;
}

static void finish(struct mc_machine *m, struct mc_storing *s)
{
    s->on = false;
    if (s->token != 0)
        return;
    mc_ack(m, s->delivery);
}

/* ---- a record came ---- */

/* Is it news to us? Decided by its head alone, before megabytes are unpacked. */
static bool is_news(struct mc_machine *m, const struct mc_ringrow *row,
                    const struct mc_stamp *came)
{
    int c;

    if (row == NULL || row->held == NULL)
        return true;
    c = mc_stamp_cmp(came, &row->stamp);
    if (c > 0)
        return true;
    if (c == 0 || mc_ring_has_loser(row, came->epoch, came->version, came->digest)) {
        mc_say_ring(m, MC_NOTE_SAME, row, came);
        return false;
    }
    switch (mc_ring_line(row, came->epoch, came->version, came->digest)) {
    case MC_DESCENT_NO:
        return row->loser_count < MC_LOSERS_MAX ||
               mc_stamp_cmp(came, &row->losers[MC_LOSERS_MAX - 1]) > 0;
    case MC_DESCENT_UNKNOWN:
        mc_say_ring(m, MC_NOTE_UNKNOWN_LINE, row, came)->other = row->stamp;
        return false;
    default:
        mc_say_ring(m, MC_NOTE_OLDER, row, came)->other = row->stamp;
        return false;
    }
}

/* Its body is here: the want waits for the store, and asks nobody else so long. */
static void mark_arrived(struct mc_machine *m, struct mc_ringrow *row,
                         const struct mc_stamp *came)
{
    struct mc_want *both[2] = {&row->newer, &row->lost};

    for (unsigned i = 0; i < 2; i++) {
        if (both[i]->on && memcmp(both[i]->digest8, came->digest, 8) == 0)
            both[i]->due_ms = m->now_ms + MC_WANT_ARRIVED_MS;
    }
}

/* *ret_bytes: the head as it came, also if it cannot be read. */
static int read_head(enum mc_wire_kind kind, struct mc_bytes body,
                     struct mc_bytes *ret_bytes, struct mc_head *ret_head)
{
    struct mc_wire_difference difference = {0};
    struct mc_wire_record record = {0};
    int err;

    if (kind == MC_WIRE_DIFFERENCE) {
        err = mc_wire_difference_decode(body, &difference);
        *ret_bytes = difference.head;
    } else {
        err = mc_wire_record_decode(body, &record);
        *ret_bytes = record.head;
    }
    return err != 0 ? err : mc_head_decode(*ret_bytes, ret_head, NULL);
}

/* Applying one takes as long as the ring is large, however short the letter: done for
 * who was asked, once for each question (P48). */
static bool is_unasked(struct mc_machine *m, const struct mc_envelope *e,
                       struct mc_bytes body, struct mc_ringrow *row,
                       const struct mc_head *head)
{
    struct mc_stamp came = mc_stamp_of(head);
    struct mc_wire_difference difference;
    struct mc_note *note;

    if (e->kind != MC_WIRE_DIFFERENCE)
        return false;
    if (row != NULL && mc_wire_difference_decode(body, &difference) == 0 &&
        mc_want_expects(m, row, &came, difference.parent8))
        return false;
    note = mc_say(m, MC_NOTE_UNASKED);
    note->cluster = e->cluster;
    note->ring = head->name;
    note->stamp = came;
    return true;
}

static bool judge_head(struct mc_machine *m, const struct mc_envelope *e,
                       struct mc_bytes body, struct mc_head *ret_head)
{
    struct mc_bytes bytes;
    int err = read_head(e->kind, body, &bytes, ret_head);

    if (err == MCOS_E_UPGRADE || (err == 0 && ret_head->format > m->config.format)) {
        mc_unread_came(m, e, bytes);
        return false;
    }
    if (err != 0) {
        struct mc_note *note = mc_say(m, MC_NOTE_BAD_MESSAGE);

        note->cluster = e->cluster;
        note->err = err;
        return false;
    }
    if (memcmp(ret_head->system, m->config.system, MC_UID_BYTES) != 0) {
        mc_say(m, MC_NOTE_FOREIGN)->cluster = e->cluster;
        return false;
    }
    return true;
}

void mc_on_record(struct mc_machine *m, const struct mc_envelope *e,
                  struct mc_bytes body, uint64_t delivery)
{
    struct mc_head head;
    struct mc_stamp came;
    struct mc_ringrow *row;
    struct mc_storing *s;

    if (!judge_head(m, e, body, &head)) {
        mc_ack(m, delivery);
        return;
    }
    came = mc_stamp_of(&head);
    row = mc_ring_find_row(m, head.name.s);
    if (!e->directed && m->fresh && row != NULL && row->held != NULL &&
        mc_stamp_cmp(&came, &row->stamp) == 0)
        mc_full_seen(m, row);
    if (!is_news(m, row, &came) || is_unasked(m, e, body, row, &head)) {
        mc_ack(m, delivery);
        return;
    }
    s = free_place(m);
    row =
        s == NULL || m->held_count >= MC_RINGS_MAX + (row != NULL && row->held != NULL)
            ? NULL
            : mc_ring_row_ref(m, &head.name);
    if (row == NULL) {
        mc_say(m, MC_NOTE_FULL_TABLE)->ring = head.name;
        mc_ack(m, delivery); /* announcements will show it again */
        return;
    }
    *s = (struct mc_storing){.on = true,
                             .delivery = delivery,
                             .difference = e->kind == MC_WIRE_DIFFERENCE,
                             .row = row,
                             .came = came,
                             .for_all = !e->directed && m->fresh};
    mark_arrived(m, row, &came);
    store(m, s);
}

/* ---- minted ---- */

void mc_on_mint(struct mc_machine *m, const struct mc_event *event)
{
    struct mc_storing *s = free_place(m);
    struct mc_ringrow *row = mc_ring_find_row(m, event->u.mint.ring.s);
    bool is_new = row == NULL || row->held == NULL;
    uint64_t retry;
    int err = mc_machine_may_mint(m, m->now_ms, m->wall_ns, &retry);

    if (err == 0 && row != NULL && row->unread.version != 0)
        err = MCOS_E_OLD;
    if (err == 0 && (s == NULL || (is_new && m->held_count >= MC_RINGS_MAX)))
        err = MCOS_E_BUSY;
    row = err != 0 ? NULL : mc_ring_row_ref(m, &event->u.mint.ring);
    if (row == NULL) {
        done(m, event->u.mint.token, err != 0 ? err : MCOS_E_NOMEM);
        return;
    }
    *s = (struct mc_storing){.on = true,
                             .token = event->u.mint.token,
                             .row = row,
                             .came = event->u.mint.stamp,
                             .for_all = true};
    store(m, s);
}

/* ---- stored ---- */

static void check_jump(struct mc_machine *m, const struct mc_ringrow *row,
                       uint64_t version_before)
{
    uint64_t ahead_ns = (uint64_t)MC_JUMP_TIME_MS * 1000000;
    struct mc_note *note;

    if (row->stamp.version - version_before <= MC_JUMP_VERSIONS &&
        (row->stamp.timestamp < ahead_ns ||
         row->stamp.timestamp - ahead_ns <= m->wall_ns))
        return;
    note = mc_say_ring(m, MC_NOTE_JUMP, row, &row->stamp);
    note->number = (int64_t)(row->stamp.version - version_before);
}

/* The store has taken it: it is in force. */
static void adopt(struct mc_machine *m, const struct mc_storing *s,
                  const struct mc_event *event)
{
    struct mc_ringrow *row = s->row;
    bool had = row->held != NULL;
    struct mc_stamp before = row->stamp;
    struct mc_stamp now = mc_stamp_of(mc_ring_head(event->u.stored.held));
    enum mc_note_code code = s->token != 0 ? MC_NOTE_MINTED
                             : had         ? MC_NOTE_REPLACED
                                           : MC_NOTE_ADDED;
    struct mc_effect *e = mc_emit(m, MC_FX_ADOPT);
    struct mc_note *note;

    e->u.adopt.ring = row->name;
    e->u.adopt.stamp = now;
    mc_ring_adopt(m, row, event->u.stored.held, event->u.stored.body_bytes);
    note = mc_say_ring(m, code, row, &now);
    note->cluster = mc_ring_head(row->held)->origin;
    if (had)
        note->other = before;
    if (s->token == 0)
        check_jump(m, row,
                   had               ? before.version
                   : now.version > 1 ? now.version - 1
                                     : 0);
    if (had && event->u.stored.merge.relation == MC_RELATION_UNKNOWN)
        mc_say_ring(m, MC_NOTE_UNKNOWN_LINE, row, &now)->other = before;
    mc_full_seen(m, row);
    mc_announce_change(m, s->for_all ? row->body_bytes : 0);
}

/* Losers are somebody's work: told to all, until somebody settles them (P6). */
static void keep_losers(struct mc_machine *m, const struct mc_storing *s,
                        const struct mc_event *event)
{
    struct mc_ringrow *row = s->row;
    uint64_t change = row->change;

    mc_ring_losers(m, row, event->u.stored.losers, event->u.stored.loser_count);
    if (row->lost.on && memcmp(row->lost.digest8, s->came.digest, 8) == 0)
        mc_want_end(m, &row->lost); /* kept, or known to be needless */
    if (event->u.stored.merge.verdict == MC_MERGE_OLDER &&
        row->loser_count < MC_LOSERS_MAX &&
        !mc_ring_has_loser(row, s->came.epoch, s->came.version, s->came.digest))
        mc_vain_add(row, s->came.digest); /* another loser descends from it (P66) */
    if (row->change != change)
        mc_announce_change(m, 0);
}

static void stored_well(struct mc_machine *m, struct mc_storing *s,
                        const struct mc_event *event)
{
    struct mc_ringrow *row = s->row;
    struct mc_ring *held = event->u.stored.held;
    enum mc_verdict verdict = event->u.stored.merge.verdict;
    struct mc_stamp now = mc_stamp_of(mc_ring_head(held));
    bool grew = row->held == NULL || mc_stamp_cmp(&now, &row->stamp) > 0;

    /* What the store holds counts, whoever brought it there. */
    if (grew)
        adopt(m, s, event);
    keep_losers(m, s, event);
    if (verdict == MC_MERGE_OLDER) {
        if (event->u.stored.merge.relation != MC_RELATION_CONFLICT)
            mc_say_ring(m, MC_NOTE_OLDER, row, &s->came)->other = row->stamp;
    } else if (verdict == MC_MERGE_SAME && !grew) {
        mc_say_ring(m, MC_NOTE_SAME, row, &s->came);
    }
    if (s->token == 0)
        return;
    if (verdict == MC_MERGE_OLDER) {
        done(m, s->token, MCOS_E_STALE);
        return;
    }
    mc_out_add(m, row);
    if (!m->bus_up)
        mc_say_ring(m, MC_NOTE_UNDISTRIBUTED, row, &row->stamp)->err = MCOS_E_AWAY;
    mc_out_due(m);
    done(m, s->token, 0);
}

/* True when it is to be tried again. */
static bool stored_badly(struct mc_machine *m, struct mc_storing *s, int err)
{
    bool passing = mcos_err_classify(err) == MCOS_RETRY;
    enum mc_note_code code = passing         ? MC_NOTE_STORE_FAILED
                             : s->difference ? MC_NOTE_DIFFERENCE
                                             : MC_NOTE_BAD_RECORD;
    struct mc_note *note;

    /* (Of a difference that is its form: whole, the record may well be read.) */
    if (err == MCOS_E_UPGRADE && s->token == 0 && !s->difference) {
        mc_unread_mark(m, s->row, &s->came, NULL);
        return false;
    }
    if (!passing && s->difference)
        mc_want_whole(m, s->row, s->came.digest);
    else if (!passing)
        mc_want_damaged(m, s->row, s->came.digest);
    if (!passing || s->tries == 0 || s->tries == MC_STORE_RETRIES) {
        note = mc_say_ring(m, code, s->row, &s->came);
        note->err = err;
        note->number = s->tries;
    }
    if (s->token != 0) {
        done(m, s->token, err);
        return false;
    }
    if (!passing || s->tries == MC_STORE_RETRIES)
        return false;
    s->waits = true;
    s->retry_ms = m->now_ms + retry_ms[s->tries++];
    mc_sooner(&m->store_due_ms, s->retry_ms);
    return true;
}

void mc_on_stored(struct mc_machine *m, const struct mc_event *event)
{
    struct mc_storing *s = NULL;
    struct mc_ringrow *row;

    for (unsigned i = 0; i < MC_STORES_MAX; i++) {
        struct mc_storing *at = &m->storing[i];

        if (at->on && !at->waits && at->token == event->u.stored.token &&
            at->delivery == event->u.stored.delivery)
            s = at;
    }
    if (s == NULL)
        return;
    row = s->row;
    if (event->u.stored.err == 0 && event->u.stored.held != NULL &&
        strcmp(mc_ring_head(event->u.stored.held)->name.s, row->name.s) == 0)
        stored_well(m, s, event);
    else if (stored_badly(m, s,
                          event->u.stored.err != 0 ? event->u.stored.err : MCOS_E_IO))
        return;
    finish(m, s);
    mc_ring_row_unref(m, row);
}

/*
 * Nobody of us brought it: another process did, or a write whose end was in
 * doubt. It counts all the same (P62).
 */
void mc_on_held(struct mc_machine *m, const struct mc_event *event)
{
    struct mc_ring *held = event->u.stored.held;
    struct mc_storing s = {0};
    struct mc_stamp now = mc_stamp_of(mc_ring_head(held));

    s.row = mc_ring_find_row(m, mc_ring_head(held)->name.s);
    if ((s.row == NULL || s.row->held == NULL) && m->held_count >= MC_RINGS_MAX) {
        mc_say(m, MC_NOTE_FULL_TABLE)->ring = mc_ring_head(held)->name;
        return;
    }
    s.row = mc_ring_row_ref(m, &mc_ring_head(held)->name);
    if (s.row == NULL)
        return; /* no memory: it will be found again */
    s.came = now;
    if (s.row->held == NULL || mc_stamp_cmp(&now, &s.row->stamp) > 0)
        adopt(m, &s, event);
    keep_losers(m, &s, event);
    mc_ring_row_unref(m, s.row);
}

void mc_stores_due(struct mc_machine *m)
{
    if (m->now_ms < m->store_due_ms)
        return;
    m->store_due_ms = MC_NEVER;
    for (unsigned i = 0; i < MC_STORES_MAX; i++) {
        struct mc_storing *s = &m->storing[i];

        if (!s->on || !s->waits)
            continue;
        if (s->retry_ms <= m->now_ms && mc_room(m, 1, 0))
            store(m, s);
        else
            mc_sooner(&m->store_due_ms, s->retry_ms);
    }
}
