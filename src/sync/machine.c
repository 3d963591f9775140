/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/machine.c -- the one door: an event in, effects out.
 *
 * A step first takes the event, then does whatever time has brought due, then
 * says when it wants to be woken. What each part decides is in the files named
 * after it; the rules are in docs/protocol.md.
 */
#include "sync/machine_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static bool text_ok(const char *s, size_t cap)
{
    return memchr(s, 0, cap) != NULL;
}

int mc_machine_new(const struct mc_machine_config *config,
                   struct mc_machine **ret_machine)
{
    struct mc_machine *m = calloc(1, sizeof(*m));

    assert(mc_name_ok(config->cluster.s) && config->announce_interval_ms > 0);
    assert(text_ok(config->region.s, sizeof(config->region.s)) &&
           text_ok(config->zone.s, sizeof(config->zone.s)) &&
           text_ok(config->address, sizeof(config->address)));
    if (m == NULL)
        return MCOS_E_NOMEM;
    m->config = *config;
    if (m->config.protocol == 0)
        m->config.protocol = (uint8_t)mc_protocol_max;
    if (m->config.format == 0)
        m->config.format = (uint8_t)mc_format_max;
    assert(m->config.protocol <= mc_protocol_max && m->config.format <= mc_format_max);
    m->following = config->shared;
    m->company = config->shared;
    m->company_known = !config->shared;
    m->probe_ms = MC_NEVER;
    m->rng = mc_rng_init(config->seed);
    /* Own letters of an earlier life must not look like ours (P22). */
    m->sequence = (config->incarnation & 0x7fffffffu) << 32;
    m->silent_due_ms = MC_NEVER;
    m->announce_due_ms = MC_NEVER;
    m->forward_ms = MC_NEVER;
    m->behind_ms = MC_NEVER;
    m->want_due_ms = MC_NEVER;
    m->list_due_ms = MC_NEVER;
    m->members_ask_ms = MC_NEVER;
    m->members_due_ms = MC_NEVER;
    m->out_due_ms = MC_NEVER;
    m->full_due_ms = MC_NEVER;
    m->store_due_ms = MC_NEVER;
    m->bytes = (struct mc_buf){.ptr = malloc(MC_STEP_BYTES_MAX),
                               .cap = MC_STEP_BYTES_MAX,
                               .max = MC_STEP_BYTES_MAX};
    if (m->bytes.ptr != NULL)
        m->self = mc_peer_add(m, &config->cluster, config->uid);
    if (m->self == NULL) {
        mc_machine_free(m);
        return MCOS_E_NOMEM;
    }
    m->self->self = true;
    m->self->state = MC_MEMBER_ACTIVE;
    m->self->interval_ms = config->announce_interval_ms;
    m->self->format =
        config->shared ? mc_format_before(m->config.format) : m->config.format;
    (void)snprintf(m->self->program, sizeof(m->self->program), "%s",
                   mc_program_version);
    mc_peer_text(m, m->self, config->region.s, config->zone.s, config->address);
    mc_sums_digest(m->sums, m->digest);
    *ret_machine = m;
    return 0;
}

void mc_machine_free(struct mc_machine *m)
{
    if (m == NULL)
        return;
    mc_peers_free(m);
    mc_rings_free(m);
    free(m->fresh_holds.list);
    free(m->mixed_holds.list);
    mc_buf_fini(&m->bytes);
    free(m);
}

int mc_machine_hold(struct mc_machine *m, struct mc_ring *ring, bool loser,
                    uint64_t body_bytes)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_stamp stamp = mc_stamp_of(head);
    struct mc_ringrow *row = mc_ring_find_row(m, head->name.s);

    if (loser) {
        if (row != NULL && row->held != NULL &&
            mc_ring_line(row, stamp.epoch, stamp.version, stamp.digest) ==
                MC_DESCENT_NO)
            (void)mc_ring_lose(m, row, &stamp);
        return 0;
    }
    if (row == NULL && m->held_count >= MC_RINGS_MAX)
        return MCOS_E_BUSY;
    row = mc_ring_row_ref(m, &head->name);
    if (row == NULL)
        return MCOS_E_NOMEM;
    mc_ring_adopt(m, row, ring, body_bytes);
    mc_ring_row_unref(m, row);
    return 0;
}

int mc_machine_remember(struct mc_machine *m, const struct mc_name *cluster,
                        const uint8_t uid[MC_UID_BYTES], const char *region,
                        const char *zone)
{
    struct mc_peer *peer;

    if (strcmp(cluster->s, m->config.cluster.s) == 0)
        return 0;
    if (strlen(region) > MC_NAME_MAX || strlen(zone) > MC_NAME_MAX)
        return MCOS_E_TOOBIG;
    peer = mc_peer_add(m, cluster, uid);
    if (peer == NULL)
        return m->peer_count >= MC_MEMBERS_MAX ? MCOS_E_BUSY : MCOS_E_NOMEM;
    peer->introduced = true;
    mc_peer_text(m, peer, region, zone, "");
    return 0;
}

/* ---- events ---- */

static void on_start(struct mc_machine *m)
{
    if (m->started)
        return;
    m->started = true;
    m->start_ms = m->now_ms;
    m->minute_ms = m->now_ms;
    m->ready = m->config.alone;
    mc_say(m, MC_NOTE_STARTED)->number = (int64_t)m->held_count;
}

static void on_bus(struct mc_machine *m, const struct mc_event *event)
{
    if (!event->u.bus.up) {
        if (m->bus_up)
            mc_say(m, MC_NOTE_BUS_DOWN)->err = event->u.bus.err;
        m->bus_up = false;
        m->mute = false;
        if (m->config.shared)
            mc_company_bus(m, false);
        mc_answers_bus_down(m);
        return;
    }
    mc_say(m, MC_NOTE_BUS_UP);
    if (event->u.bus.fresh && (m->was_up || m->held_count > 0))
        mc_say(m, MC_NOTE_BUS_FRESH);
    if (m->bus_up)
        mc_answers_bus_down(m); /* up again without a word: nothing is under way */
    m->bus_up = true;
    m->was_up = true;
    m->mute = false;
    m->up_ms = m->now_ms;
    if (m->identity_lost)
        return;
    if (m->config.shared)
        mc_company_bus(m, true);
    else
        mc_speak(m);
}

/* A message of a protocol that we do not know: say so once a minute (P12). */
static void on_newer(struct mc_machine *m, const struct mc_envelope *e)
{
    struct mc_peer *peer = mc_peer_find(m, e->cluster.s);
    struct mc_note *note;

    if (peer != NULL) {
        if (peer->upgrade_noted_ms != 0 && m->now_ms - peer->upgrade_noted_ms < 60000) {
            m->said[MC_NOTE_UPGRADE]++;
            return;
        }
        peer->upgrade_noted_ms = m->now_ms;
    }
    note = mc_say(m, MC_NOTE_UPGRADE);
    note->cluster = e->cluster;
    note->number = e->protocol;
}

static void on_talk(struct mc_machine *m, const struct mc_envelope *e,
                    struct mc_bytes body)
{
    if (strcmp(e->cluster.s, m->config.cluster.s) == 0) {
        mc_on_namesake(m, e, body);
        return;
    }
    switch (e->kind) {
    case MC_WIRE_ANNOUNCE:
        mc_on_announce(m, e, body);
        break;
    case MC_WIRE_WANT:
        if (!m->identity_lost)
            mc_on_want(m, e, body);
        break;
    case MC_WIRE_LIST:
        mc_on_list(m, e, body);
        break;
    case MC_WIRE_MEMBERS:
        mc_on_members(m, e, body);
        break;
    case MC_WIRE_LEAVE:
        mc_on_leave(m, e);
        break;
    case MC_WIRE_NEXT:
    case MC_WIRE_HELLO: /* another's, to itself: none of our business */
    case MC_WIRE_RECORD:
    case MC_WIRE_DIFFERENCE:
        break;
    }
}

static void on_message(struct mc_machine *m, const struct mc_event *event)
{
    uint64_t delivery = event->u.message.delivery;
    struct mc_envelope e;
    struct mc_bytes body;
    int err;

    if (!event->u.message.records)
        mc_company_letter(m);
    if (event->u.message.own) {
        if (event->u.message.records)
            mc_full_echo(m);
        else
            mc_on_echo(m, event->u.message.sequence);
        mc_ack(m, delivery);
        return;
    }
    err = mc_envelope_decode(event->u.message.bytes, &e, &body);
    if (err == 0 && e.needs > m->config.protocol)
        err = MCOS_E_UPGRADE;
    if (err == 0 && memcmp(e.uid, m->config.uid, MC_UID_BYTES) == 0) {
        mc_ack(m, delivery); /* ours after all */
        return;
    }
    if (err == 0 && memcmp(e.system, m->config.system, MC_UID_BYTES) != 0) {
        mc_say(m, MC_NOTE_FOREIGN)->cluster = e.cluster;
    } else if (err == 0 && (e.kind == MC_WIRE_RECORD || e.kind == MC_WIRE_DIFFERENCE)) {
        mc_on_record(m, &e, body, delivery);
        return;
    } else if (err == 0 && event->u.message.bytes.len <= MC_TALK_BYTES_MAX) {
        on_talk(m, &e, body);
    } else if (err == MCOS_E_UPGRADE) {
        on_newer(m, &e);
    } else {
        mc_say(m, MC_NOTE_BAD_MESSAGE)->err = err != 0 ? err : MCOS_E_TOOBIG;
    }
    mc_ack(m, delivery);
}

/* What the active agent heard of the others is heard by those who follow, too. */
static void on_relayed(struct mc_machine *m, struct mc_bytes bytes)
{
    struct mc_envelope e;
    struct mc_bytes body;

    if (!m->following || bytes.len > MC_TALK_BYTES_MAX ||
        mc_envelope_decode(bytes, &e, &body) != 0 ||
        memcmp(e.system, m->config.system, MC_UID_BYTES) != 0 ||
        strcmp(e.cluster.s, m->config.cluster.s) == 0 || e.kind == MC_WIRE_WANT)
        return;
    m->fresh = true;
    on_talk(m, &e, body);
    m->fresh = false;
}

static void on_stop(struct mc_machine *m)
{
    /* With another agent the cluster goes on. */
    if (mc_speaks(m) && !m->company) {
        size_t start = mc_letter_open(m, MC_WIRE_LEAVE, false);

        (void)mc_letter_send(m, start, "talk", NULL);
    }
    m->stopped = true;
    mc_say(m, MC_NOTE_STOPPED);
}

static void take(struct mc_machine *m, const struct mc_event *event)
{
    if (!m->started)
        on_start(m);
    switch (event->kind) {
    case MC_EV_START:
    case MC_EV_WAKE:
        break;
    case MC_EV_BUS:
        on_bus(m, event);
        break;
    case MC_EV_MESSAGE:
        on_message(m, event);
        break;
    case MC_EV_STORED:
        mc_on_stored(m, event);
        break;
    case MC_EV_HELD:
        mc_on_held(m, event);
        break;
    case MC_EV_SENT:
        mc_on_sent(m, event->u.sent.token, event->u.sent.err);
        break;
    case MC_EV_COMPANY:
        mc_on_company(m, event);
        break;
    case MC_EV_RELAYED:
        on_relayed(m, event->u.relayed.bytes);
        break;
    case MC_EV_MINT:
        mc_on_mint(m, event);
        break;
    case MC_EV_STOP:
        on_stop(m);
        break;
    }
}

/* ---- time ---- */

static void do_due(struct mc_machine *m)
{
    mc_stores_due(m);
    mc_unread_tell(m);
    mc_members_due(m);
    mc_listen_check(m);
    if (!m->bus_up || m->identity_lost)
        return;
    if (!mc_speaks(m)) {
        mc_company_due(m);
        mc_out_due(m);
        return;
    }
    mc_announce_due(m);
    mc_exchange_due(m);
    mc_wants_due(m);
    mc_lists_due(m);
    mc_list_jobs_due(m);
    mc_out_due(m);
    mc_answers_due(m);
    mc_full_due(m);
}

static uint64_t next_wake(const struct mc_machine *m)
{
    uint64_t at = m->store_due_ms;

    if (m->deferred)
        return m->now_ms;
    mc_sooner(&at, m->silent_due_ms);
    mc_sooner(&at, mc_mute_at(m));
    if (!m->ready && m->now_ms - m->start_ms < MC_LISTEN_MS)
        mc_sooner(&at, m->start_ms + MC_LISTEN_MS);
    if (m->members_dirty)
        mc_sooner(&at, m->members_saved_ms + MC_MEMBERS_SAVE_GAP_MS);
    if (m->identity_lost) {
        mc_sooner(&at, m->identity_ms + mc_peer_patience(m, m->self));
    } else if (m->bus_up && !mc_speaks(m)) {
        mc_sooner(&at, mc_company_next(m));
    } else if (m->bus_up) {
        mc_sooner(&at, mc_announce_next(m));
        mc_sooner(&at, m->members_ask_ms);
        mc_sooner(&at, m->members_due_ms);
        mc_sooner(&at, m->want_due_ms);
        mc_sooner(&at, m->list_due_ms);
        mc_sooner(&at, mc_publish_next(m));
    }
    return at > m->now_ms ? at : m->now_ms;
}

static void close_step(struct mc_machine *m)
{
    if (m->members_dirty &&
        (m->stopped || m->members_saved_ms == 0 ||
         m->now_ms - m->members_saved_ms >= MC_MEMBERS_SAVE_GAP_MS)) {
        m->members_dirty = false;
        m->members_saved_ms = m->now_ms;
        (void)mc_emit(m, MC_FX_MEMBERS);
    }
    if (!m->stopped)
        mc_emit(m, MC_FX_WAKE)->u.wake.at_ms = next_wake(m);
}

struct mc_effects mc_machine_step(struct mc_machine *m, const struct mc_event *event)
{
    mc_step_open(m);
    if (m->stopped)
        return (struct mc_effects){m->effects, 0};
    if (event->now_ms > m->now_ms)
        m->now_ms = event->now_ms;
    m->wall_ns = event->wall_ns;
    take(m, event);
    if (!m->stopped)
        do_due(m);
    close_step(m);
    assert(m->bytes.err == 0);
    return (struct mc_effects){m->effects, m->effect_count};
}
