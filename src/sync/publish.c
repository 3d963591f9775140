/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/publish.c -- bodies sent unasked: what was minted here (P71), and in full
 * mode each record about once per delta_t, whoever comes first (P45).
 */
#include "base/hash.h"
#include "sync/machine_state.h"

#include <string.h>

#define RECORD_ROOM (MC_ENVELOPE_BYTES_MAX + 128u)

/* ---- minted here ---- */

static void set_out(struct mc_machine *m, struct mc_ringrow *row, enum mc_out out)
{
    m->undistributed += out != MC_OUT_NONE;
    m->undistributed -= row->out != MC_OUT_NONE;
    row->out = out;
}

void mc_out_add(struct mc_machine *m, struct mc_ringrow *row)
{
    set_out(m, row, MC_OUT_WAITS);
    row->out_retry_ms = m->now_ms;
    mc_sooner(&m->out_due_ms, m->now_ms);
}

void mc_out_bus_up(struct mc_machine *m)
{
    for (size_t i = 0; i < m->ring_count; i++)
        m->rings[i]->out_retry_ms = m->now_ms;
    m->out_due_ms = m->now_ms;
}

void mc_out_due(struct mc_machine *m)
{
    if (!m->bus_up || m->identity_lost || m->now_ms < m->out_due_ms)
        return;
    m->out_due_ms = MC_NEVER;
    for (size_t i = 0; i < m->ring_count; i++) {
        struct mc_ringrow *row = m->rings[i];
        struct mc_sending *s;

        if (row->out != MC_OUT_WAITS)
            continue;
        s = mc_sending_free(m);
        if (row->out_retry_ms > m->now_ms || s == NULL || !mc_room(m, 1, RECORD_ROOM)) {
            mc_sooner(&m->out_due_ms, row->out_retry_ms);
            continue;
        }
        *s = (struct mc_sending){.why = MC_SEND_OUT, .row = row, .stamp = row->stamp};
        s->token = mc_record_send(m, row, row->stamp.digest, NULL, NULL);
        set_out(m, row, MC_OUT_SENT);
        mc_full_seen(m, row);
    }
}

void mc_out_done(struct mc_machine *m, const struct mc_sending *s, int err)
{
    struct mc_ringrow *row = s->row;
    struct mc_note *note;

    if (row->out != MC_OUT_SENT || mc_stamp_cmp(&row->stamp, &s->stamp) != 0)
        return; /* a newer one has taken its place in line */
    if (err == 0) {
        set_out(m, row, MC_OUT_NONE);
        return;
    }
    note = mc_say_ring(m, MC_NOTE_UNDISTRIBUTED, row, &row->stamp);
    note->err = err;
    if (mcos_err_classify(err) != MCOS_RETRY) {
        set_out(m, row, MC_OUT_NONE); /* it will never go; announcements still tell */
        return;
    }
    set_out(m, row, MC_OUT_WAITS);
    row->out_retry_ms = m->now_ms + MC_SEND_RETRY_MS;
    mc_sooner(&m->out_due_ms, row->out_retry_ms);
}

/* ---- full mode ---- */

static uint64_t share(const struct mc_machine *m, unsigned pct)
{
    return (uint64_t)m->config.announce_interval_ms * pct / 100;
}

/* Where a cluster stands in the line of those that could publish a ring: all who know
 * the two names agree. */
static uint64_t standing(const struct mc_ringrow *row, const struct mc_name *cluster)
{
    const struct mc_bytes names[2] = {
        {(const uint8_t *)row->name.s, strlen(row->name.s) + 1},
        {(const uint8_t *)cluster->s, strlen(cluster->s)}};

    return mc_xxh3_64_parts(names, 2);
}

/* How many ACTIVE clusters stand before us, as far as it matters. */
static unsigned place_in_line(const struct mc_machine *m, const struct mc_ringrow *row)
{
    uint64_t ours = standing(row, &m->self->name);
    unsigned before = 0;

    for (size_t i = 0; i < m->peer_count && before < MC_FULL_LINE_MAX; i++) {
        const struct mc_peer *peer = m->peers[i];

        before += !peer->self && peer->state == MC_MEMBER_ACTIVE && peer->full &&
                  standing(row, &peer->name) < ours;
    }
    return before;
}

void mc_full_seen(struct mc_machine *m, struct mc_ringrow *row)
{
    uint64_t from = share(m, MC_FULL_FROM_PCT);
    uint64_t width = share(m, MC_FULL_TO_PCT) - from;

    row->full_from_ms = m->now_ms + from + mc_rng_below(&m->rng, width + 1);
    row->full_due_ms = row->full_from_ms;
    mc_sooner(&m->full_due_ms, row->full_due_ms);
}

/* What was published while we were away we do not know. */
void mc_full_bus_up(struct mc_machine *m)
{
    for (size_t i = 0; i < m->ring_count; i++)
        mc_full_seen(m, m->rings[i]);
}

void mc_full_echo(struct mc_machine *m)
{
    mc_sooner(&m->full_gate_ms, m->full_pace_ms);
}

/* Who stands in line is known when it comes to it, not when the ring was seen last. */
static bool is_our_turn(struct mc_machine *m, struct mc_ringrow *row)
{
    if (row->full_due_ms <= m->now_ms)
        row->full_due_ms =
            row->full_from_ms + share(m, MC_FULL_LINE_PCT * place_in_line(m, row));
    return row->full_due_ms <= m->now_ms;
}

void mc_full_due(struct mc_machine *m)
{
    if (m->now_ms < m->full_due_ms || m->now_ms < m->full_gate_ms || !mc_full_mode(m))
        return;
    m->full_due_ms = MC_NEVER;
    for (size_t i = 0; i < m->ring_count; i++) {
        struct mc_ringrow *row = m->rings[i];
        struct mc_sending *s = NULL;

        if (row->held == NULL)
            continue;
        if (m->now_ms >= m->full_gate_ms && is_our_turn(m, row))
            s = mc_sending_free(m);
        if (s != NULL && mc_room(m, 1, RECORD_ROOM)) {
            *s = (struct mc_sending){.why = MC_SEND_FULL};
            s->token = mc_record_send(m, row, row->stamp.digest, NULL, NULL);
            mc_full_seen(m, row);
            m->full_pace_ms = m->now_ms + share(m, 50) / m->held_count;
            m->full_gate_ms = m->now_ms + m->config.announce_interval_ms;
        }
        mc_sooner(&m->full_due_ms, row->full_due_ms);
    }
}

uint64_t mc_publish_next(const struct mc_machine *m)
{
    uint64_t at = MC_NEVER;

    for (unsigned i = 0; i < MC_SENDING_MAX; i++) {
        if (m->sending[i].token != 0)
            continue;
        at = m->out_due_ms;
        if (mc_speaks(m) && mc_full_mode(m) && m->held_count > 0)
            mc_sooner(&at, m->full_due_ms > m->full_gate_ms ? m->full_due_ms
                                                            : m->full_gate_ms);
        break;
    }
    return at;
}
