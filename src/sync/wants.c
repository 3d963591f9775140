/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/wants.c -- asking for what one lacks (P30 to P35): when, whom, how often.
 *
 * A ring has room for two wants: its newest record, and one loser that some
 * cluster still shows. Others that are missed are seen again at the next
 * announcement.
 */
#include "sync/machine_state.h"

#include <string.h>

#define WANT_BYTES (MC_ENVELOPE_BYTES_MAX + 128u + MC_WANT_ENTRIES_MAX * 82u)

static bool is_early(const struct mc_machine *m)
{
    return m->now_ms - m->up_ms < MC_EARLY_MS;
}

static uint64_t first_due(struct mc_machine *m)
{
    return is_early(m) ? mc_soon(m, MC_WANT_EARLY_MS) : m->now_ms + MC_WANT_LATE_MS;
}

void mc_want_end(struct mc_machine *m, struct mc_want *want)
{
    if (want->on && want->asked) {
        m->asked_count--;
        mc_sooner(&m->want_due_ms, m->now_ms); /* another one may ask now (P33) */
    }
    *want = (struct mc_want){0};
}

static void begin(struct mc_machine *m, struct mc_want *want, struct mc_peer *peer,
                  const struct mc_hold *h)
{
    mc_want_end(m, want);
    *want = (struct mc_want){.on = true,
                             .epoch = h->epoch,
                             .version = h->version,
                             .timestamp = h->timestamp,
                             .due_ms = first_due(m),
                             .holder = peer};
    memcpy(want->digest8, h->digest8, 8);
    mc_sooner(&m->want_due_ms, want->due_ms);
}

static struct mc_stamp stamp_of(const struct mc_want *want)
{
    struct mc_stamp stamp = {
        .epoch = want->epoch, .version = want->version, .timestamp = want->timestamp};

    memcpy(stamp.digest, want->digest8, 8);
    return stamp;
}

void mc_want_newer(struct mc_machine *m, struct mc_peer *peer, struct mc_hold *hold)
{
    struct mc_want *want = &hold->row->newer;
    struct mc_stamp now = stamp_of(want);
    struct mc_stamp theirs = mc_hold_stamp(hold);

    if (mc_vain_has(hold->row, hold->digest8))
        return;
    if (mc_unread_seen(m, hold->digest8)) {
        mc_unread_mark(m, hold->row, &theirs, &peer->name);
        return;
    }
    if (want->on && mc_stamp_cmp8(&now, &theirs) >= 0)
        return;
    begin(m, want, peer, hold);
}

void mc_want_loser(struct mc_machine *m, struct mc_peer *peer, struct mc_hold *hold)
{
    struct mc_ringrow *row = hold->row;
    struct mc_stamp theirs = mc_hold_stamp(hold);

    if (row->lost.on || mc_vain_has(row, hold->digest8))
        return;
    if (row->loser_count == MC_LOSERS_MAX &&
        mc_stamp_cmp8(&row->losers[MC_LOSERS_MAX - 1], &theirs) > 0)
        return; /* it would not be kept (P6) */
    begin(m, &row->lost, peer, hold);
}

/* A ring that is known to be too new is not minted anyway (P68); and what is between
 * the two need not come: the registry gives one who follows only the newest. */
bool mc_wants_any_newer(const struct mc_machine *m)
{
    for (size_t i = 0; i < m->ring_count; i++) {
        if (m->rings[i]->newer.on && m->rings[i]->unread.version == 0)
            return true;
    }
    return false;
}

static void again_soon(struct mc_machine *m, struct mc_want *want)
{
    if (!want->on)
        return;
    if (want->asked)
        m->asked_count--;
    want->asked = false;
    want->tries = 0;
    want->due_ms = mc_soon(m, MC_WANT_EARLY_MS);
    mc_sooner(&m->want_due_ms, want->due_ms);
}

void mc_wants_bus_up(struct mc_machine *m)
{
    for (size_t i = 0; i < m->ring_count; i++) {
        again_soon(m, &m->rings[i]->newer);
        again_soon(m, &m->rings[i]->lost);
    }
}

void mc_want_whole(struct mc_machine *m, struct mc_ringrow *row,
                   const uint8_t digest8[8])
{
    struct mc_want *want = &row->newer;

    if (!want->on || want->whole || memcmp(want->digest8, digest8, 8) != 0)
        return;
    want->whole = true;
    if (want->asked)
        m->asked_count--;
    want->asked = false;
    want->due_ms = m->now_ms;
    mc_sooner(&m->want_due_ms, want->due_ms);
}

/* ---- asking ---- */

static bool holds_it(const struct mc_peer *peer, const struct mc_ringrow *row,
                     const struct mc_want *want)
{
    const struct mc_hold *hold;

    if (peer->self || peer->state != MC_MEMBER_ACTIVE)
        return false;
    hold = mc_inventory_find(peer, row, want->digest8);
    /* Where it is a loser, something greater is held and would be the answer (P43). */
    return hold != NULL && !(hold->loser && want == &row->newer);
}

/* First the one who announced it; then another, from a random place on (P32). */
static struct mc_peer *choose_holder(struct mc_machine *m, const struct mc_ringrow *row,
                                     const struct mc_want *want)
{
    size_t from;

    if (want->tries == 0 && holds_it(want->holder, row, want))
        return want->holder;
    from = (size_t)mc_rng_below(&m->rng, m->peer_count);
    for (size_t i = 0; i < m->peer_count; i++) {
        struct mc_peer *peer = m->peers[(from + i) % m->peer_count];

        if (peer != want->holder && holds_it(peer, row, want))
            return peer;
    }
    return holds_it(want->holder, row, want) ? want->holder : NULL;
}

static void note_asked(struct mc_machine *m, const struct mc_ringrow *row,
                       const struct mc_want *want)
{
    struct mc_stamp stamp = stamp_of(want);
    struct mc_note *note = mc_say_ring(m, MC_NOTE_BEHIND, row, &stamp);

    note->cluster = want->holder->name;
    if (row->held != NULL)
        note->other = row->stamp;
}

/*
 * The same for the first tries, for one in two of them fails where 30 % of all
 * letters are lost; then it doubles up to delta_t: who was away, slow or behind
 * a wall is asked again at the pace at which it announces (P32).
 */
static uint64_t patience(const struct mc_machine *m, unsigned tries)
{
    unsigned more = tries < MC_WANT_EVEN_TRIES ? 0 : tries - MC_WANT_EVEN_TRIES + 1;
    uint64_t once_ms = is_early(m) ? MC_WANT_RETRY_MS / 2 : MC_WANT_RETRY_MS;
    uint64_t wait_ms = once_ms << (more > 6 ? 6 : more);
    uint64_t most_ms = m->config.announce_interval_ms;

    if (most_ms < MC_WANT_RETRY_MS)
        most_ms = MC_WANT_RETRY_MS;
    if (most_ms > MC_WANT_RETRY_MAX_MS)
        most_ms = MC_WANT_RETRY_MAX_MS;
    return wait_ms < most_ms ? wait_ms : most_ms;
}

void mc_want_damaged(struct mc_machine *m, struct mc_ringrow *row,
                     const uint8_t digest8[8])
{
    struct mc_want *both[2] = {&row->newer, &row->lost};

    for (unsigned i = 0; i < 2; i++) {
        if (!both[i]->on || memcmp(both[i]->digest8, digest8, 8) != 0)
            continue;
        both[i]->due_ms = m->now_ms + patience(m, both[i]->tries);
        mc_sooner(&m->want_due_ms, both[i]->due_ms);
    }
}

/* Names what we hold, so that a difference from it will do (P47). */
static struct mc_want_line line_of(const struct mc_ringrow *row,
                                   const struct mc_want *want)
{
    struct mc_want_line line = {.name = row->name, .loser = want == &row->lost};

    memcpy(line.digest8, want->digest8, 8);
    line.names_held =
        !line.loser && !want->whole && row->held != NULL && !row->tombstone;
    if (line.names_held)
        memcpy(line.held8, row->stamp.digest, 8);
    return line;
}

/* The answer to an earlier question by the same name will do as well. */
static void expect_difference(struct mc_machine *m, struct mc_ringrow *row,
                              const struct mc_want *want)
{
    struct mc_expected *x = &row->expected;
    struct mc_stamp least = stamp_of(want);

    if (m->now_ms >= x->until_ms || memcmp(x->parent8, row->stamp.digest, 8) != 0 ||
        mc_stamp_cmp8(&least, &x->least) < 0)
        x->least = least;
    memcpy(x->parent8, row->stamp.digest, 8);
    x->until_ms = m->now_ms + MC_DIFFERENCE_MS;
}

bool mc_want_expects(const struct mc_machine *m, struct mc_ringrow *row,
                     const struct mc_stamp *came, const uint8_t parent8[8])
{
    struct mc_expected *x = &row->expected;

    if (m->now_ms >= x->until_ms || memcmp(x->parent8, parent8, 8) != 0 ||
        mc_stamp_cmp8(came, &x->least) < 0)
        return false;
    x->until_ms = 0;
    return true;
}

static void ask(struct mc_machine *m, struct mc_ringrow *row, struct mc_want *want,
                struct mc_want_line *ret_line)
{
    uint64_t wait_ms = patience(m, want->tries);

    *ret_line = line_of(row, want);
    if (ret_line->names_held)
        expect_difference(m, row, want);
    mc_want_put(&m->bytes, ret_line);
    if (want->tries == 0)
        note_asked(m, row, want);
    if (want->tries < UINT8_MAX)
        want->tries++;
    want->asked = true;
    m->asked_count++;
    want->due_ms = m->now_ms + wait_ms;
}

/* Is it its turn? Gives the window back when an answer did not come. */
static bool is_due(struct mc_machine *m, struct mc_want *want)
{
    if (!want->on || want->due_ms > m->now_ms)
        return false;
    if (want->asked) {
        want->asked = false;
        m->asked_count--;
    }
    return true;
}

static void forget_if_nobody(struct mc_machine *m, struct mc_ringrow *row,
                             struct mc_want *want)
{
    struct mc_peer *holder;

    if (!is_due(m, want))
        return;
    holder = choose_holder(m, row, want);
    if (holder == NULL)
        mc_want_end(m, want); /* who announces it again brings it back */
    else
        want->holder = holder;
}

/* One message to one holder, with all that is due and chosen to come from it. */
static bool ask_one(struct mc_machine *m, size_t from, struct mc_peer *holder)
{
    struct mc_want_line lines[MC_WANT_ENTRIES_MAX];
    size_t start;
    size_t at;
    unsigned count = 0;

    if (!mc_room(m, 1, WANT_BYTES))
        return false;
    start = mc_letter_open(m, MC_WIRE_WANT, true);
    at = mc_want_open(&m->bytes, false, 0);
    for (size_t i = from; i < m->ring_count; i++) {
        struct mc_want *both[2] = {&m->rings[i]->newer, &m->rings[i]->lost};

        for (unsigned k = 0; k < 2; k++) {
            if (count < MC_WANT_ENTRIES_MAX && m->asked_count < MC_WANT_WINDOW &&
                is_due(m, both[k]) && both[k]->holder == holder) {
                ask(m, m->rings[i], both[k], &lines[count]);
                count++;
            }
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (lines[i].names_held)
            mc_want_put_held(&m->bytes, lines[i].held8);
    }
    mc_want_close(&m->bytes, at, count);
    (void)mc_letter_send(m, start, "talk", &holder->name);
    return true;
}

void mc_wants_due(struct mc_machine *m)
{
    if (m->now_ms < m->want_due_ms)
        return;
    for (size_t i = 0; i < m->ring_count; i++) {
        forget_if_nobody(m, m->rings[i], &m->rings[i]->newer);
        forget_if_nobody(m, m->rings[i], &m->rings[i]->lost);
    }
    m->want_due_ms = MC_NEVER;
    for (size_t i = 0; i < m->ring_count; i++) {
        struct mc_want *both[2] = {&m->rings[i]->newer, &m->rings[i]->lost};

        for (unsigned k = 0; k < 2; k++) {
            if (m->asked_count < MC_WANT_WINDOW && is_due(m, both[k]) &&
                !ask_one(m, i, both[k]->holder)) {
                m->want_due_ms = m->now_ms;
                return;
            }
            /* Beyond the window: when an answer comes or the first patience ends. */
            if (both[k]->on && both[k]->due_ms > m->now_ms)
                mc_sooner(&m->want_due_ms, both[k]->due_ms);
        }
    }
}

/* ---- whole buckets (P35) ---- */

void mc_want_lists(struct mc_machine *m, struct mc_peer *peer)
{
    if (peer->list_due_ms != MC_NEVER)
        return;
    peer->list_tries = 0;
    peer->list_due_ms = first_due(m);
    mc_sooner(&m->list_due_ms, peer->list_due_ms);
}

/* Somebody else with the same inventory is known already, or is being asked. */
static bool asked_elsewhere(const struct mc_machine *m, const struct mc_peer *peer)
{
    for (size_t i = 0; i < m->peer_count; i++) {
        const struct mc_peer *other = m->peers[i];

        if (other != peer && other->state == MC_MEMBER_ACTIVE &&
            other->list_tries > 0 && other->list_due_ms != MC_NEVER &&
            memcmp(other->digest, peer->digest, 16) == 0)
            return true;
    }
    return false;
}

static bool ask_lists(struct mc_machine *m, struct mc_peer *peer)
{
    size_t start;
    size_t at;
    uint64_t wait_ms = patience(m, peer->list_tries);

    if (asked_elsewhere(m, peer)) {
        peer->list_due_ms = m->now_ms + MC_WANT_RETRY_MS;
        return true;
    }
    if (!mc_room(m, 1, MC_ENVELOPE_BYTES_MAX + 128))
        return false;
    start = mc_letter_open(m, MC_WIRE_WANT, true);
    at = mc_want_open(&m->bytes, false, peer->unknown);
    mc_want_close(&m->bytes, at, 0);
    (void)mc_letter_send(m, start, "talk", &peer->name);
    if (peer->list_tries < UINT8_MAX)
        peer->list_tries++;
    peer->list_due_ms = m->now_ms + wait_ms;
    return true;
}

void mc_lists_due(struct mc_machine *m)
{
    if (m->now_ms < m->list_due_ms)
        return;
    m->list_due_ms = MC_NEVER;
    for (size_t i = 0; i < m->peer_count; i++) {
        struct mc_peer *peer = m->peers[i];

        if (peer->list_due_ms == MC_NEVER)
            continue;
        if (peer->unknown == 0 || peer->state != MC_MEMBER_ACTIVE)
            peer->list_due_ms = MC_NEVER;
        else if (peer->list_due_ms <= m->now_ms && !ask_lists(m, peer))
            peer->list_due_ms = m->now_ms;
        mc_sooner(&m->list_due_ms, peer->list_due_ms);
    }
}
