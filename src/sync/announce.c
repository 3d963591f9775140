/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/announce.c -- when to say what one holds (P24 to P28), and what to make of
 * hearing it from others.
 */
#include "sync/machine_state.h"

#include <assert.h>
#include <string.h>

#define FRONT_BYTES                                                                    \
    (2u * MC_ENVELOPE_BYTES_MAX + 640u) /* envelope, texts, numbers; the next's too */
#define NEXT_PROTOCOL 2u                /* no installed program speaks it yet */

static uint32_t uptime_ms(const struct mc_machine *m)
{
    uint64_t up = m->now_ms - m->start_ms;

    return up < UINT32_MAX ? (uint32_t)up : UINT32_MAX;
}

void mc_listen_check(struct mc_machine *m)
{
    if (!m->ready && m->started && m->now_ms - m->start_ms >= MC_LISTEN_MS &&
        !mc_wants_any_newer(m))
        m->ready = true;
}

/* ---- when ---- */

static void forget_forward(struct mc_machine *m)
{
    m->forward = MC_FORWARD_NONE;
    m->forward_ms = MC_NEVER;
    m->behind_ms = MC_NEVER;
}

void mc_announce_bus_up(struct mc_machine *m)
{
    size_t start;

    /* To ourselves: what comes out of the queue before it is old (P22). */
    start = mc_letter_open(m, MC_WIRE_HELLO, true);
    m->first_sequence = mc_letter_send(m, start, "talk", &m->config.cluster);
    m->fresh = false;
    m->unheard = 0;
    m->announce_due_ms = m->now_ms;
    m->start_gap_ms = MC_START_GAP_MS;
    forget_forward(m);
    if (!m->members_told) {
        m->members_asked = 0;
        m->members_ask_ms = m->now_ms;
    }
}

static void plan_next(struct mc_machine *m)
{
    uint64_t interval = m->config.announce_interval_ms;
    uint64_t jitter = interval * MC_ANNOUNCE_JITTER_PCT / 100;

    forget_forward(m);
    if (m->start_gap_ms != 0 && m->start_gap_ms < interval) {
        m->announce_due_ms = m->now_ms + m->start_gap_ms;
        m->start_gap_ms *= 2;
        return;
    }
    m->start_gap_ms = 0;
    m->announce_due_ms =
        m->now_ms + interval - jitter + mc_rng_below(&m->rng, 2 * jitter + 1);
}

static size_t count_equals(const struct mc_machine *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->peer_count; i++)
        n += m->peers[i]->state == MC_MEMBER_ACTIVE && !m->peers[i]->self &&
             memcmp(m->peers[i]->digest, m->digest, 16) == 0;
    return n;
}

/* A time of this window, which begins in so many ms. */
static uint64_t pick(struct mc_machine *m, uint64_t after, uint64_t window)
{
    uint64_t at = mc_soon(m, window) + after;

    if (m->announced_ms != 0 && at < m->announced_ms + MC_ANNOUNCE_GAP_MS)
        at = m->announced_ms + MC_ANNOUNCE_GAP_MS;
    return at;
}

static void bring_forward(struct mc_machine *m, enum mc_forward why, uint64_t after,
                          uint64_t window)
{
    m->forward = why;
    mc_sooner(&m->forward_ms, pick(m, after, window));
}

static uint64_t receipt_window(const struct mc_machine *m)
{
    uint64_t window =
        MC_RECEIPT_WINDOW_MS + m->active_count * MC_RECEIPT_PER_CLUSTER_MS;

    return window < m->config.announce_interval_ms ? window
                                                   : m->config.announce_interval_ms;
}

/* Each of them tells each of them. */
static uint64_t newcomer_window(const struct mc_machine *m)
{
    uint64_t window = receipt_window(m);
    uint64_t pairs = (uint64_t)m->active_count * m->active_count;

    if (window < pairs / MC_RECEIPT_PAIRS_PER_MS)
        window = pairs / MC_RECEIPT_PAIRS_PER_MS;
    return window < m->config.announce_interval_ms ? window
                                                   : m->config.announce_interval_ms;
}

void mc_announce_newcomer(struct mc_machine *m)
{
    if (m->bus_up && m->forward == MC_FORWARD_NONE)
        bring_forward(m, MC_FORWARD_ACTIVE, 0, newcomer_window(m));
}

void mc_announce_behind(struct mc_machine *m)
{
    uint64_t window = MC_BEHIND_WINDOW_MS + count_equals(m) * MC_BEHIND_PER_EQUAL_MS;

    if (!m->bus_up || m->forward == MC_FORWARD_CHANGE || m->behind_ms != MC_NEVER)
        return;
    if (window > MC_BEHIND_WINDOW_MAX_MS)
        window = MC_BEHIND_WINDOW_MAX_MS;
    m->behind_equals = 0;
    m->behind_ms = pick(m, 0, window);
}

void mc_announce_change(struct mc_machine *m, uint64_t body_bytes)
{
    uint64_t window = receipt_window(m);
    uint64_t after = m->active_count * MC_RECEIPT_AFTER_MS;
    uint64_t body_ms = m->active_count * body_bytes / MC_RECEIPT_BODY_BYTES;

    if (!m->bus_up || m->forward >= MC_FORWARD_CHANGE)
        return;
    if (after > window / 2)
        after = window / 2;
    if (body_ms > MC_RECEIPT_BODY_MAX_MS)
        body_ms = MC_RECEIPT_BODY_MAX_MS;
    if (body_ms > m->config.announce_interval_ms - window)
        body_ms = m->config.announce_interval_ms - window;
    bring_forward(m, MC_FORWARD_CHANGE, after + body_ms, window - after);
}

static void heard_equal(struct mc_machine *m)
{
    m->confirmed_ms = m->now_ms;
    m->ready = true;
    if (m->start_gap_ms != 0) {
        m->start_gap_ms = 0;
        if (m->announced_ms != 0) {
            enum mc_forward why = m->forward;
            uint64_t forward_ms = m->forward_ms;
            uint64_t behind_ms = m->behind_ms;

            plan_next(m);
            m->forward = why;
            m->forward_ms = forward_ms;
            m->behind_ms = behind_ms;
        }
    }
    if (m->behind_ms != MC_NEVER && ++m->behind_equals >= MC_BEHIND_EQUALS)
        m->behind_ms = MC_NEVER;
}

uint64_t mc_announce_next(const struct mc_machine *m)
{
    uint64_t at = m->announce_due_ms;

    mc_sooner(&at, m->forward_ms);
    mc_sooner(&at, m->behind_ms);
    return mc_speaks(m) ? at : MC_NEVER;
}

/* ---- what ---- */

static void put_row(struct mc_machine *m, const struct mc_ringrow *row)
{
    struct mc_entry e = row->told;

    mc_entry_encode(&m->bytes, &e);
    for (unsigned k = 0; k < row->loser_count; k++) {
        e = mc_loser_entry(row, &row->losers[k]);
        mc_entry_encode(&m->bytes, &e);
    }
}

/* Rings that changed last, as many as fit, in the order of their names. */
static void put_changes(struct mc_machine *m)
{
    const struct mc_ringrow *last[MC_CHANGES_MAX];
    size_t count = 0;
    size_t bytes = 0;
    uint64_t oldest = 0;

    for (size_t i = 0; i < m->ring_count; i++) {
        const struct mc_ringrow *row = m->rings[i];
        size_t at = count;

        if (!row->told_on || (count == MC_CHANGES_MAX && row->change <= oldest))
            continue;
        if (count == MC_CHANGES_MAX)
            at = --count;
        while (at > 0 && last[at - 1]->change < row->change) {
            last[at] = last[at - 1];
            at--;
        }
        last[at] = row;
        oldest = last[count++]->change;
    }
    for (size_t i = 0; i < count; i++) {
        bytes += (1u + last[i]->loser_count) * MC_ENTRY_BYTES;
        if (bytes > MC_INVENTORY_BYTES) {
            count = i;
            break;
        }
    }
    for (size_t i = 0; i < m->ring_count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (last[k] == m->rings[i])
                put_row(m, last[k]);
        }
    }
}

static void announce(struct mc_machine *m)
{
    struct mc_announce a = {.interval_ms = m->config.announce_interval_ms,
                            .full = mc_full_mode(m),
                            .uptime_ms = uptime_ms(m),
                            .whole = m->entry_bytes <= MC_INVENTORY_BYTES,
                            .ring_count = (uint32_t)m->told_count};
    const char *parts[3];
    size_t start;
    size_t at;

    mc_peer_parts(m->self, parts);
    memcpy(a.region, parts[0], strlen(parts[0]) + 1);
    memcpy(a.zone, parts[1], strlen(parts[1]) + 1);
    memcpy(a.address, parts[2], strlen(parts[2]) + 1);
    memcpy(a.digest, m->digest, 16);
    for (unsigned i = 0; i < MC_BUCKETS; i++)
        a.buckets[i] = m->sums[i].lane[0];
    a.format = m->self->format;
    memcpy(a.program, m->self->program, sizeof(a.program));
    start = mc_letter_open(m, MC_WIRE_ANNOUNCE, false);
    at = mc_announce_open(&m->bytes, &a);
    if (a.whole) {
        for (size_t i = 0; i < m->ring_count; i++) {
            if (m->rings[i]->told_on)
                put_row(m, m->rings[i]);
        }
    } else {
        put_changes(m);
    }
    mc_announce_close(&m->bytes, at, &a);
    if (m->config.protocol >= NEXT_PROTOCOL)
        mc_buf_u64(&m->bytes, m->wall_ns); /* appended: an older one leaves it alone */
    (void)mc_letter_send(m, start, "talk", NULL);
    m->announced_ms = m->now_ms;
    m->unheard++;
}

/* A kind of message that only the next protocol has (P12). */
static void say_next(struct mc_machine *m)
{
    size_t start = mc_letter_open(m, MC_WIRE_NEXT, false);

    mc_buf_u64(&m->bytes, m->now_ms);
    (void)mc_letter_send(m, start, "talk", NULL);
}

void mc_announce_due(struct mc_machine *m)
{
    if (m->now_ms < mc_announce_next(m) ||
        !mc_room(m, 3, FRONT_BYTES + MC_INVENTORY_BYTES + 8 * MC_BUCKETS))
        return;
    announce(m);
    if (m->config.protocol >= NEXT_PROTOCOL)
        say_next(m);
    plan_next(m);
    mc_clock_check(m);
}

/* ---- heard ---- */

/*
 * Another cluster lives under our name. The newcomer gives way. Started at about
 * the same time, the lesser incarnation does, so that exactly one of them goes
 * on (P54).
 */
void mc_on_namesake(struct mc_machine *m, const struct mc_envelope *e,
                    struct mc_bytes body)
{
    struct mc_announce a;
    uint32_t ours = uptime_ms(m);
    bool give_way;

    if (e->kind != MC_WIRE_ANNOUNCE || !m->fresh || mc_announce_decode(body, &a) != 0)
        return;
    give_way = a.uptime_ms > ours && a.uptime_ms - ours > MC_SAME_START_MS   ? true
               : ours > a.uptime_ms && ours - a.uptime_ms > MC_SAME_START_MS ? false
               : m->config.incarnation != e->incarnation
                   ? m->config.incarnation < e->incarnation
                   : memcmp(m->config.uid, e->uid, MC_UID_BYTES) < 0;
    mc_say(m, MC_NOTE_IDENTITY)->cluster = e->cluster;
    if (give_way) {
        m->identity_lost = true;
        m->identity_ms = m->now_ms;
    } else {
        bring_forward(m, MC_FORWARD_CHANGE, 0, MC_BEHIND_WINDOW_MS); /* it hears us */
    }
}

static void heard_alive(struct mc_machine *m, struct mc_peer *peer,
                        const struct mc_envelope *e)
{
    bool was = peer->state == MC_MEMBER_ACTIVE;

    peer->heard_ms = m->now_ms;
    peer->clock_base_ms = (int64_t)(e->sent_ns / 1000000) - (int64_t)m->now_ms;
    mc_sooner(&m->silent_due_ms, m->now_ms + mc_peer_patience(m, peer));
    mc_peer_state(m, peer, MC_MEMBER_ACTIVE);
    if (!was)
        mc_announce_newcomer(m); /* it does not know us yet */
}

static void heard_inventory(struct mc_machine *m, struct mc_peer *peer)
{
    struct mc_relation_to rel;

    if (memcmp(peer->digest, m->digest, 16) == 0) {
        heard_equal(m);
        return;
    }
    rel = mc_inventory_relate(m, peer, true);
    if (peer->unknown != 0)
        mc_want_lists(m, peer);
    else if (!rel.ahead)
        m->ready = true;
    if (rel.behind)
        mc_announce_behind(m);
}

/* People will read it: a text with anything strange in it is none. */
static void take_program(struct mc_peer *peer, const struct mc_announce *a)
{
    memcpy(peer->program, a->program, sizeof(peer->program));
    for (const char *c = peer->program; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            peer->program[0] = '\0';
    }
}

void mc_on_announce(struct mc_machine *m, const struct mc_envelope *e,
                    struct mc_bytes body)
{
    struct mc_announce a;
    struct mc_peer *peer;

    if (mc_announce_decode(body, &a) != 0) {
        mc_say(m, MC_NOTE_BAD_MESSAGE)->cluster = e->cluster;
        return;
    }
    peer = mc_peer_add(m, &e->cluster, e->uid);
    if (peer == NULL) {
        mc_say(m, MC_NOTE_FULL_TABLE)->cluster = e->cluster;
        return;
    }
    assert(!peer->self);
    if (peer->incarnation == e->incarnation && e->sequence <= peer->sequence)
        return; /* overtaken by a later one, or the same again */
    peer->incarnation = e->incarnation;
    peer->sequence = e->sequence;
    peer->protocol = (uint8_t)e->protocol;
    peer->interval_ms =
        a.interval_ms > MC_INTERVAL_MS_MAX ? MC_INTERVAL_MS_MAX : a.interval_ms;
    peer->full = a.full;
    peer->format = (uint8_t)a.format;
    take_program(peer, &a);
    mc_peer_text(m, peer, a.region, a.zone, a.address);
    if (m->fresh)
        heard_alive(m, peer, e);
    if (!mc_inventory_announced(m, peer, &a)) {
        mc_say(m, MC_NOTE_BAD_MESSAGE)->cluster = e->cluster;
        return;
    }
    if (m->fresh)
        heard_inventory(m, peer);
}
