/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/status.c -- what the machine knows, for whoever asks. Nothing here
 * changes what it does.
 */
#include "sync/machine_state.h"

#include <stdlib.h>
#include <string.h>

int mc_machine_may_mint(const struct mc_machine *m, uint64_t now_ms, uint64_t wall_ns,
                        uint64_t *ret_retry_ms)
{
    uint64_t listened = now_ms - m->start_ms;
    size_t others;
    int64_t offset;

    if (m->identity_lost)
        return MCOS_E_IDENTITY;
    if (!m->ready && (listened < MC_LISTEN_MS || mc_wants_any_newer(m))) {
        *ret_retry_ms = listened < MC_LISTEN_MS ? MC_LISTEN_MS - listened : 1000;
        return MCOS_E_NOTREADY;
    }
    offset = mc_clock_offset(m, now_ms, wall_ns, &others);
    if (others >= MC_CLOCK_QUORUM &&
        (offset > MC_CLOCK_OFF_MS || offset < -MC_CLOCK_OFF_MS))
        return MCOS_E_CLOCK;
    return 0;
}

/* Who is known and might still speak: not heard since the bus came up, and not for
 * so long that it counts as silent. */
static bool may_speak_yet(const struct mc_machine *m, const struct mc_peer *peer)
{
    return peer->state == MC_MEMBER_SILENT && peer->heard_ms <= m->up_ms &&
           m->now_ms - m->up_ms < mc_peer_patience(m, peer);
}

unsigned mc_machine_mint_format(const struct mc_machine *m)
{
    unsigned format = m->self->format;
    unsigned before = mc_format_before(m->config.format);

    if (!m->bus_up || !m->fresh || m->mute) /* we do not hear who could not read it */
        return format < before ? format : before;
    for (size_t i = 0; i < m->peer_count; i++) {
        const struct mc_peer *peer = m->peers[i];

        if (peer->self)
            continue;
        if (peer->state == MC_MEMBER_ACTIVE && peer->format < format)
            format = peer->format;
        else if (may_speak_yet(m, peer) && before < format)
            format = before;
    }
    return format < MC_FORMAT_FIRST ? MC_FORMAT_FIRST : format;
}

size_t mc_machine_member_count(const struct mc_machine *m)
{
    return m->peer_count;
}

static struct mc_holding *view_of_self(const struct mc_machine *m)
{
    struct mc_holding *view = calloc(m->told_count + 1, sizeof(*view));
    size_t n = 0;

    for (size_t i = 0; view != NULL && i < m->ring_count; i++) {
        const struct mc_ringrow *row = m->rings[i];

        if (row->told_on) {
            view[n] = (struct mc_holding){.ring = row->name,
                                          .stamp = {.epoch = row->told.epoch,
                                                    .version = row->told.version,
                                                    .timestamp = row->told.timestamp},
                                          .tombstone = row->told.tombstone,
                                          .since_ms = row->since_ms};
            memcpy(view[n++].stamp.digest, row->told.digest8, 8);
        }
    }
    return view;
}

static size_t count_records(const struct mc_peer *peer)
{
    size_t n = 0;

    for (size_t i = 0; i < peer->holds.count; i++)
        n += !peer->holds.list[i].loser;
    return n;
}

static struct mc_holding *view_of(const struct mc_peer *peer)
{
    struct mc_holding *view = calloc(peer->holds.count + 1, sizeof(*view));
    size_t n = 0;

    for (size_t i = 0; view != NULL && i < peer->holds.count; i++) {
        const struct mc_hold *h = &peer->holds.list[i];

        if (!h->loser)
            view[n++] = (struct mc_holding){.ring = h->row->name,
                                            .stamp = mc_hold_stamp(h),
                                            .tombstone = h->tombstone,
                                            .since_ms = h->since_ms};
    }
    return view;
}

struct mc_member mc_machine_member(const struct mc_machine *m, size_t i)
{
    struct mc_peer *peer = m->peers[i];
    struct mc_member out = {.name = peer->name,
                            .state = peer->state,
                            .self = peer->self,
                            .shared = peer->self && m->company,
                            .inventory_known = peer->told && peer->unknown == 0,
                            .heard_ms = peer->heard_ms,
                            .changed_ms = peer->changed_ms,
                            .interval_ms = peer->interval_ms,
                            .protocol = peer->protocol,
                            .format = peer->format,
                            .announce =
                                peer->full ? MC_ANNOUNCE_FULL : MC_ANNOUNCE_DIGEST};
    const char *parts[3];

    memcpy(out.uid, peer->uid, MC_UID_BYTES);
    memcpy(out.program, peer->program, sizeof(out.program));
    mc_peer_parts(peer, parts);
    memcpy(out.region.s, parts[0], strlen(parts[0]) + 1);
    memcpy(out.zone.s, parts[1], strlen(parts[1]) + 1);
    memcpy(out.address, parts[2], strlen(parts[2]) + 1);
    if (peer->self) {
        out.inventory_known = true;
        out.heard_ms = m->now_ms;
        out.protocol = m->config.protocol;
        out.announce = mc_full_mode(m) ? MC_ANNOUNCE_FULL : MC_ANNOUNCE_DIGEST;
    } else if (peer->heard_ms != 0) {
        out.clock_ms = peer->clock_base_ms -
                       ((int64_t)(m->wall_ns / 1000000) - (int64_t)m->now_ms);
    }
    /* Made when somebody looks, kept until the peer's list changes. */
    if (peer->view == NULL)
        peer->view = peer->self ? view_of_self(m) : view_of(peer);
    if (peer->view == NULL) {
        out.inventory_known = false;
        return out;
    }
    out.holdings = peer->view;
    out.holding_count = peer->self ? m->told_count : count_records(peer);
    return out;
}

struct mc_machine_status mc_machine_status(const struct mc_machine *m)
{
    struct mc_machine_status out = {.bus_up = m->bus_up,
                                    .listening = !m->ready,
                                    .following = m->following,
                                    .mute = m->mute,
                                    .identity_lost = m->identity_lost,
                                    .announce = mc_full_mode(m) ? MC_ANNOUNCE_FULL
                                                                : MC_ANNOUNCE_DIGEST,
                                    .undistributed = m->undistributed,
                                    .confirmed_ms = m->confirmed_ms};
    size_t others;

    out.clock_offset_ms = mc_clock_offset(m, m->now_ms, m->wall_ns, &others);
    out.clock_off =
        others >= MC_CLOCK_QUORUM && (out.clock_offset_ms > MC_CLOCK_OFF_MS ||
                                      out.clock_offset_ms < -MC_CLOCK_OFF_MS);
    memcpy(out.notes, m->said, sizeof(out.notes));
    return out;
}
