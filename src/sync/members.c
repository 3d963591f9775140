/* SPDX-License-Identifier: Apache-2.0 */
/* sync/members.c -- the table of clusters: who is there, who is ACTIVE (P50, P51). */
#include "sync/machine_state.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PEERS 8u

static size_t place_of(const struct mc_machine *m, const char *name)
{
    size_t lo = 0;
    size_t hi = m->peer_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(m->peers[mid]->name.s, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct mc_peer *mc_peer_find(const struct mc_machine *m, const char *name)
{
    size_t at = place_of(m, name);

    if (at < m->peer_count && strcmp(m->peers[at]->name.s, name) == 0)
        return m->peers[at];
    return NULL;
}

static bool grow(struct mc_machine *m)
{
    size_t cap = m->peer_cap == 0 ? FIRST_PEERS : 2 * m->peer_cap;
    struct mc_peer **peers;
    int64_t *clocks;

    if (m->peer_count < m->peer_cap)
        return true;
    if (m->peer_cap >= MC_MEMBERS_MAX)
        return false;
    clocks = realloc(m->clocks, cap * sizeof(*clocks));
    if (clocks == NULL)
        return false;
    m->clocks = clocks;
    peers = realloc(m->peers, cap * sizeof(struct mc_peer *));
    if (peers == NULL)
        return false;
    m->peers = peers;
    m->peer_cap = cap;
    return true;
}

struct mc_peer *mc_peer_add(struct mc_machine *m, const struct mc_name *name,
                            const uint8_t uid[MC_UID_BYTES])
{
    struct mc_peer *peer = mc_peer_find(m, name->s);
    size_t at;

    if (peer != NULL) {
        if (!peer->self && memcmp(peer->uid, uid, MC_UID_BYTES) != 0) {
            /* The same name on a new disk: it holds what it will tell. */
            memcpy(peer->uid, uid, MC_UID_BYTES);
            mc_holds_clear(m, &peer->holds);
            peer->told = false;
            free(peer->view);
            peer->view = NULL;
            m->members_dirty = true;
        }
        return peer;
    }
    if (!grow(m))
        return NULL;
    peer = calloc(1, sizeof(*peer));
    if (peer == NULL)
        return NULL;
    peer->name = *name;
    memcpy(peer->uid, uid, MC_UID_BYTES);
    peer->state = MC_MEMBER_SILENT;
    peer->changed_ms = m->now_ms;
    peer->list_due_ms = MC_NEVER;
    at = place_of(m, name->s);
    memmove(&m->peers[at + 1], &m->peers[at],
            (m->peer_count - at) * sizeof(struct mc_peer *));
    m->peers[at] = peer;
    m->peer_count++;
    m->members_next += at < m->members_next;
    m->members_dirty = true;
    return peer;
}

void mc_peers_free(struct mc_machine *m)
{
    for (size_t i = 0; i < m->peer_count; i++) {
        struct mc_peer *peer = m->peers[i];

        mc_holds_clear(m, &peer->holds);
        free(peer->holds.list);
        free(peer->buckets);
        free(peer->view);
        free(peer->text);
        free(peer);
    }
    free(m->peers);
    free(m->clocks);
}

/* ---- region, zone, address ---- */

void mc_peer_parts(const struct mc_peer *peer, const char *ret[3])
{
    const char *at = peer->text;

    for (unsigned i = 0; i < 3; i++) {
        ret[i] = at == NULL ? "" : at;
        if (at != NULL)
            at += strlen(at) + 1;
    }
}

void mc_peer_text(struct mc_machine *m, struct mc_peer *peer, const char *region,
                  const char *zone, const char *address)
{
    const char *is[3] = {region, zone, address};
    const char *was[3];
    size_t len[3];
    size_t total = 0;
    bool same = true;

    mc_peer_parts(peer, was);
    for (unsigned i = 0; i < 3; i++) {
        len[i] = strlen(is[i]) + 1;
        total += len[i];
        same = same && strcmp(was[i], is[i]) == 0;
    }
    if (same)
        return;
    if (total > peer->text_cap) {
        char *grown = realloc(peer->text, total);

        if (grown == NULL)
            return; /* a text for people; the next announcement brings it again */
        peer->text = grown;
        peer->text_cap = (uint16_t)total;
    }
    for (size_t i = 0, at = 0; i < 3; at += len[i++])
        memcpy(peer->text + at, is[i], len[i]);
    m->members_dirty = true;
}

/* ---- state ---- */

void mc_peer_state(struct mc_machine *m, struct mc_peer *peer,
                   enum mc_member_state state)
{
    enum mc_note_code code = state == MC_MEMBER_SILENT ? MC_NOTE_CLUSTER_SILENT
                             : state == MC_MEMBER_LEFT ? MC_NOTE_CLUSTER_LEFT
                             : peer->introduced        ? MC_NOTE_CLUSTER_ACTIVE
                                                       : MC_NOTE_CLUSTER_NEW;

    if (peer->state == state || peer->self)
        return;
    m->active_count += state == MC_MEMBER_ACTIVE;
    m->active_count -= peer->state == MC_MEMBER_ACTIVE;
    peer->state = state;
    peer->introduced = true;
    peer->changed_ms = m->now_ms;
    m->members_dirty = true;
    mc_say(m, code)->cluster = peer->name;
}

uint64_t mc_peer_patience(const struct mc_machine *m, const struct mc_peer *peer)
{
    uint64_t theirs = (uint64_t)MC_SILENT_INTERVALS * peer->interval_ms;

    return theirs > m->config.inactive_after_ms ? theirs : m->config.inactive_after_ms;
}

static void find_silent(struct mc_machine *m)
{
    if (m->now_ms < m->silent_due_ms)
        return;
    m->silent_due_ms = MC_NEVER;
    for (size_t i = 0; i < m->peer_count; i++) {
        struct mc_peer *peer = m->peers[i];
        uint64_t until;

        if (peer->self || peer->state != MC_MEMBER_ACTIVE)
            continue;
        until = peer->heard_ms + mc_peer_patience(m, peer);
        if (until <= m->now_ms) {
            if (mc_room(m, 1, 0)) {
                mc_peer_state(m, peer, MC_MEMBER_SILENT);
                continue;
            }
            until = m->now_ms;
        }
        mc_sooner(&m->silent_due_ms, until);
    }
}

void mc_on_leave(struct mc_machine *m, const struct mc_envelope *e)
{
    struct mc_peer *peer = mc_peer_find(m, e->cluster.s);

    if (peer == NULL || peer->self || !m->fresh)
        return;
    if (memcmp(peer->uid, e->uid, MC_UID_BYTES) != 0 ||
        (peer->incarnation == e->incarnation && e->sequence <= peer->sequence))
        return;
    peer->incarnation = e->incarnation;
    peer->sequence = e->sequence;
    mc_peer_state(m, peer, MC_MEMBER_LEFT);
}

/* ---- mute, and the other one of our name ---- */

void mc_on_echo(struct mc_machine *m, uint64_t sequence)
{
    if (sequence < m->first_sequence || sequence > m->sequence || !m->bus_up)
        return; /* of an earlier life, or from before the bus came back */
    m->fresh = true;
    m->echo_ms = m->now_ms;
    m->unheard = 0;
    if (m->mute) {
        m->mute = false;
        mc_say(m, MC_NOTE_HEARD);
    }
}

uint64_t mc_mute_at(const struct mc_machine *m)
{
    uint64_t from = m->echo_ms > m->up_ms ? m->echo_ms : m->up_ms;

    if (!m->bus_up || m->mute || m->unheard < MC_MUTE_INTERVALS)
        return MC_NEVER;
    return from + (uint64_t)MC_MUTE_INTERVALS * m->config.announce_interval_ms;
}

void mc_members_due(struct mc_machine *m)
{
    find_silent(m);
    if (m->now_ms >= mc_mute_at(m)) {
        m->mute = true;
        mc_say(m, MC_NOTE_MUTE)->number = m->unheard;
    }
    if (m->identity_lost &&
        m->now_ms - m->identity_ms >= mc_peer_patience(m, m->self)) {
        m->identity_lost = false; /* the other one is silent: the name is ours again */
        m->announce_due_ms = m->now_ms;
    }
}
