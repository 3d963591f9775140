/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/exchange.c -- "who is there?", asked by a newcomer and answered by one
 * (P52), so that it learns of clusters that are INACTIVE and tell nothing.
 */
#include "sync/machine_state.h"

#include <string.h>

#define LINE_BYTES 360u /* of one member at most */

static void ask(struct mc_machine *m)
{
    size_t start;
    size_t at;

    if (m->now_ms < m->members_ask_ms || !mc_room(m, 1, MC_ENVELOPE_BYTES_MAX + 128))
        return;
    start = mc_letter_open(m, MC_WIRE_WANT, false);
    at = mc_want_open(&m->bytes, true, 0);
    mc_want_close(&m->bytes, at, 0);
    (void)mc_letter_send(m, start, "talk", NULL);
    m->members_asked++;
    if (m->members_asked < MC_MEMBERS_ASKS - 1)
        m->members_ask_ms = m->now_ms + MC_LISTEN_MS;
    else if (m->members_asked == MC_MEMBERS_ASKS - 1)
        m->members_ask_ms = mc_soon(m, MC_MEMBERS_SPREAD_MS) + MC_EARLY_MS;
    else
        m->members_ask_ms = MC_NEVER;
}

/* How many ACTIVE clusters stand before us: peers are in the order of their names. */
static unsigned place_in_line(const struct mc_machine *m)
{
    unsigned before = 0;

    for (size_t i = 0; !m->peers[i]->self && before < MC_MEMBERS_LINE_MAX; i++)
        before += m->peers[i]->state == MC_MEMBER_ACTIVE;
    return before;
}

/* At the end of its answer: did it tell of all but those that nobody needs to be told
 * of, for they just told it themselves? */
static bool told_all(struct mc_machine *m, const struct mc_peer *by)
{
    bool all = true;

    for (size_t i = 0; i < m->peer_count; i++) {
        struct mc_peer *peer = m->peers[i];
        bool new = peer->state == MC_MEMBER_ACTIVE &&
                   m->now_ms - peer->changed_ms < MC_EARLY_MS;

        all = all && (peer->self || peer == by || new || peer->told_by == by);
        if (peer->told_by == by)
            peer->told_by = NULL;
    }
    return all;
}

void mc_members_wanted(struct mc_machine *m)
{
    /*
     * Whoever is new itself knows less than the others. A thousand that started
     * together, each knowing a little more than the one before, would otherwise
     * tell one another six hundred times who is there.
     */
    if (!m->ready || m->now_ms - m->start_ms < MC_EARLY_MS ||
        m->members_due_ms != MC_NEVER || m->members_next > 0 ||
        m->now_ms < m->members_quiet_ms)
        return;
    m->members_due_ms = mc_soon(m, MC_MEMBERS_WINDOW_MS + m->active_count / 2) +
                        (uint64_t)place_in_line(m) * MC_MEMBERS_LINE_MS;
}

void mc_members_forget(struct mc_machine *m)
{
    m->members_due_ms = MC_NEVER;
    m->members_next = 0;
}

static void put_line(struct mc_machine *m, const struct mc_peer *peer)
{
    struct mc_member_line line = {.name = peer->name};
    const char *parts[3];

    mc_peer_parts(peer, parts);
    memcpy(line.uid, peer->uid, MC_UID_BYTES);
    line.state = peer->self || peer->state == MC_MEMBER_ACTIVE ? MC_TOLD_ACTIVE
                 : peer->state == MC_MEMBER_LEFT               ? MC_TOLD_LEFT
                                                               : MC_TOLD_SILENT;
    memcpy(line.region, parts[0], strlen(parts[0]) + 1);
    memcpy(line.zone, parts[1], strlen(parts[1]) + 1);
    memcpy(line.address, parts[2], strlen(parts[2]) + 1);
    mc_members_put(&m->bytes, &line);
}

static void answer(struct mc_machine *m)
{
    if (m->members_next == 0 && m->now_ms < m->members_due_ms)
        return;
    m->members_due_ms = MC_NEVER;
    do {
        size_t end;
        size_t start;
        size_t at;
        unsigned count = 0;

        if (!mc_room(m, 1, MC_PART_BYTES + LINE_BYTES)) {
            if (m->members_next == 0)
                m->members_due_ms = m->now_ms;
            return;
        }
        start = mc_letter_open(m, MC_WIRE_MEMBERS, false);
        at = mc_members_open(&m->bytes, (uint32_t)m->peer_count);
        end = start + MC_PART_BYTES - LINE_BYTES;
        while (m->members_next < m->peer_count && m->bytes.len < end) {
            put_line(m, m->peers[m->members_next++]);
            count++;
        }
        if (m->members_next == m->peer_count)
            m->members_next = 0;
        mc_members_close(&m->bytes, at, m->members_next == 0, count);
        (void)mc_letter_send(m, start, "talk", NULL);
    } while (m->members_next != 0);
    m->members_quiet_ms = m->now_ms + MC_MEMBERS_QUIET_MS;
}

void mc_exchange_due(struct mc_machine *m)
{
    ask(m);
    if (m->members_due_ms != MC_NEVER || m->members_next > 0)
        answer(m);
}

static void take_line(struct mc_machine *m, const struct mc_peer *by,
                      const struct mc_member_line *line)
{
    struct mc_peer *peer = mc_peer_find(m, line->name.s);

    if (peer != NULL) {
        peer->told_by = by;
        /* What we heard ourselves counts more than what is told. */
        if (!peer->self && peer->heard_ms == 0 && line->state == MC_TOLD_LEFT &&
            peer->state == MC_MEMBER_SILENT) {
            peer->state = MC_MEMBER_LEFT;
            m->members_dirty = true;
        }
        return;
    }
    peer = mc_peer_add(m, &line->name, line->uid);
    if (peer == NULL) {
        mc_say(m, MC_NOTE_FULL_TABLE)->cluster = line->name;
        return;
    }
    peer->introduced = true;
    peer->told_by = by;
    if (line->state == MC_TOLD_LEFT)
        peer->state = MC_MEMBER_LEFT;
    mc_peer_text(m, peer, line->region, line->zone, line->address);
}

void mc_on_members(struct mc_machine *m, const struct mc_envelope *e,
                   struct mc_bytes body)
{
    struct mc_members_head head;
    struct mc_reader lines;
    struct mc_member_line line;
    const struct mc_peer *by = mc_peer_find(m, e->cluster.s);
    bool all;

    if (mc_members_decode(body, &head, &lines) != 0) {
        mc_say(m, MC_NOTE_BAD_MESSAGE)->cluster = e->cluster;
        return;
    }
    for (unsigned i = 0; i < head.count; i++) {
        if (!mc_members_next(&lines, &line)) {
            mc_say(m, MC_NOTE_BAD_MESSAGE)->cluster = e->cluster;
            return;
        }
        take_line(m, by, &line);
    }
    all = head.last && by != NULL && told_all(m, by);
    if (!m->fresh)
        return;
    m->members_told = true;
    m->members_ask_ms = MC_NEVER;
    if (all) {
        m->members_due_ms = m->members_next > 0 ? m->members_due_ms : MC_NEVER;
        m->members_quiet_ms = m->now_ms + MC_MEMBERS_QUIET_MS;
    }
}
