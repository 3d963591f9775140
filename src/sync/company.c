/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/company.c -- several agents, one cluster (P90 to P97): the one that the bus
 * gives the cluster's letters to speaks, the others follow; and what is said to be
 * held and read is what all of them hold and read.
 */
#include "sync/machine_state.h"

#include <string.h>

bool mc_speaks(const struct mc_machine *m)
{
    return m->bus_up && !m->identity_lost && !m->following && m->company_known;
}

void mc_speak(struct mc_machine *m)
{
    mc_announce_bus_up(m);
    mc_wants_bus_up(m);
    mc_out_bus_up(m);
    mc_full_bus_up(m);
    mc_members_forget(m);
}

/* ---- who speaks ---- */

void mc_company_bus(struct mc_machine *m, bool up)
{
    m->following = true;
    m->fresh = false;
    m->unheard = 0;
    m->probes = 0;
    m->probe_ms = up ? m->now_ms : MC_NEVER;
    mc_out_bus_up(m); /* what was minted here may go out all the same */
}

void mc_company_letter(struct mc_machine *m)
{
    if (!m->following || !m->bus_up)
        return;
    m->following = false;
    m->up_ms = m->now_ms; /* for us it is the beginning (P31) */
    mc_say(m, MC_NOTE_ACTIVE);
    if (!m->identity_lost)
        mc_speak(m);
}

void mc_company_due(struct mc_machine *m)
{
    size_t start;

    if (!m->following || m->now_ms < m->probe_ms ||
        !mc_room(m, 1, MC_ENVELOPE_BYTES_MAX + 128))
        return;
    start = mc_letter_open(m, MC_WIRE_HELLO, true);
    (void)mc_letter_send(m, start, "talk", &m->config.cluster);
    m->probe_ms = m->now_ms + MC_PROBE_MS;
    if (++m->probes == 2)
        mc_say(m, MC_NOTE_FOLLOWING);
}

uint64_t mc_company_next(const struct mc_machine *m)
{
    uint64_t at = m->following ? m->probe_ms : MC_NEVER;

    mc_sooner(&at, mc_publish_next(m));
    return at;
}

/* ---- what all read ---- */

uint8_t mc_format_before(unsigned format)
{
    return (uint8_t)(format > MC_FORMAT_FIRST ? format - 1 : MC_FORMAT_FIRST);
}

/* What we cannot write we do not promise either. True if it is news. */
static bool take_format(struct mc_machine *m, unsigned format)
{
    uint8_t before = m->self->format;

    if (format == 0)
        return false;
    m->self->format = (uint8_t)(format < m->config.format ? format : m->config.format);
    return m->self->format != before;
}

/* ---- what all hold ---- */

static struct mc_stamp stamp_of(const struct mc_entry *e)
{
    struct mc_stamp s = {
        .epoch = e->epoch, .version = e->version, .timestamp = e->timestamp};

    memcpy(s.digest, e->digest8, sizeof(e->digest8));
    return s;
}

/* Says of the ring what we hold or, if that is less, `least`. True if it is news. */
static bool tell(struct mc_machine *m, struct mc_ringrow *row,
                 const struct mc_entry *least)
{
    struct mc_entry entry = mc_ring_entry(row);

    if (least != NULL) {
        struct mc_stamp stamp = stamp_of(least);

        if (mc_stamp_cmp8(&row->stamp, &stamp) > 0)
            entry = *least;
    }
    if (row->told_on && mc_entry_cmp(&row->told, &entry) == 0)
        return false;
    mc_ring_tell(m, row, &entry);
    return true;
}

/* One of them lacks it: it is not said to be held. */
static bool untell(struct mc_machine *m, struct mc_ringrow *row)
{
    if (!row->told_on)
        return false;
    mc_ring_untell(m, row);
    return true;
}

void mc_on_company(struct mc_machine *m, const struct mc_event *event)
{
    const struct mc_entry *least = event->u.company.least;
    size_t count = event->u.company.count;
    size_t at = 0;
    bool news = false;

    if (!m->config.shared)
        return;
    m->company = event->u.company.others;
    m->company_known = true;
    news = take_format(m, event->u.company.format);
    for (size_t i = 0; i < m->ring_count; i++) {
        struct mc_ringrow *row = m->rings[i];

        while (at < count && strcmp(least[at].name.s, row->name.s) < 0)
            at++;
        if (row->held == NULL)
            continue;
        if (!m->company)
            news = tell(m, row, NULL) || news;
        else if (at < count && strcmp(least[at].name.s, row->name.s) == 0)
            news = tell(m, row, &least[at]) || news;
        else
            news = untell(m, row) || news;
    }
    if (news)
        mc_announce_change(m, 0);
}
