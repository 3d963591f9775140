/* SPDX-License-Identifier: Apache-2.0 */
/* node/effects.c -- effects of the machine, carried out on the ports in order. */
#include "node/agent_state.h"
#include "node/logline.h"
#include "node/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED_PER_MINUTE 10u

/* An answer to be stepped when the list is done. */
static void answer(struct mc_agent *agent, const struct mc_event *event)
{
    if (agent->pending_count == agent->pending_cap) {
        size_t cap = agent->pending_cap == 0 ? 64 : 2 * agent->pending_cap;
        struct mc_event *grown = realloc(agent->pending, cap * sizeof(*grown));

        if (grown == NULL) {
            mc_agent_log(agent, MC_LOG_ERROR,
                         "event=out-of-memory msg=\"an answer was lost\"");
            return;
        }
        agent->pending = grown;
        agent->pending_cap = cap;
    }
    agent->pending[agent->pending_count++] = *event;
}

static const struct mc_letter *find_letter(const struct mc_agent *agent,
                                           uint64_t delivery)
{
    for (size_t i = 0; i < agent->letter_count; i++) {
        if (agent->letters[i].delivery == delivery)
            return &agent->letters[i];
    }
    return NULL;
}

void mc_agent_drop_letter(struct mc_agent *agent, uint64_t delivery)
{
    for (size_t i = 0; i < agent->letter_count; i++) {
        if (agent->letters[i].delivery != delivery)
            continue;
        mc_blob_unref(agent->letters[i].body);
        agent->letters[i] = agent->letters[--agent->letter_count];
        return;
    }
}

/* ---- store, adopt ---- */

/* A few a minute are told and kept; the machine counts them all. */
static bool may_tell_refused(struct mc_agent *agent)
{
    uint64_t minute = mc_agent_now_ms(agent) / 60000u;

    if (agent->refused_minute != minute) {
        agent->refused_minute = minute;
        agent->refused_count = 0;
    }
    return agent->refused_count++ < REFUSED_PER_MINUTE;
}

/* What we have under this digest: held (or about to be), a loser, or an older one.
 * Yours. */
static int find_record(struct mc_agent *agent, const struct mc_name *ring,
                       const uint8_t digest8[8], struct mc_ring **ret_ring)
{
    struct mc_slot *slot = mc_agent_slot(agent, ring->s, false);

    if (slot != NULL) {
        struct mc_ring *near[2] = {slot->staged, slot->held};

        for (unsigned i = 0; i < 2; i++) {
            if (near[i] != NULL &&
                memcmp(mc_ring_head(near[i])->digest, digest8, 8) == 0) {
                *ret_ring = mc_ring_ref(near[i]);
                return 0;
            }
        }
    }
    return mc_agent_record(agent, ring->s, digest8, ret_ring);
}

static int apply_difference(struct mc_agent *agent, struct mc_bytes body,
                            struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    struct mc_wire_difference difference;
    struct mc_ring *parent = NULL;
    struct mc_head head;
    int err = mc_wire_difference_decode(body, &difference);

    if (err == 0)
        err = mc_head_decode(difference.head, &head, diag);
    if (err == 0)
        err = find_record(agent, &head.name, difference.parent8, &parent);
    if (err == 0)
        err = mc_unpack_difference(&difference, parent, ret_ring, diag);
    mc_ring_unref(parent);
    return err;
}

/* The ring that a STORE effect means: of the mint, or out of a letter. Yours. */
static int ring_to_store(struct mc_agent *agent, const struct mc_effect *effect,
                         uint64_t *ret_body_bytes, struct mc_ring **ret_ring)
{
    const struct mc_letter *letter;
    struct mc_envelope envelope;
    struct mc_bytes bytes;
    struct mc_bytes body;
    struct mcos_diag diag = {.offset = -1};
    int err;

    if (effect->u.store.delivery == 0) {
        if (agent->mint_ring == NULL || effect->u.store.token != agent->mint_token)
            return MCOS_E_NOTFOUND;
        *ret_ring = mc_ring_ref(agent->mint_ring);
        *ret_body_bytes = mc_ring_head(agent->mint_ring)->record_bytes;
        return 0;
    }
    letter = find_letter(agent, effect->u.store.delivery);
    if (letter == NULL)
        return MCOS_E_NOTFOUND; /* acknowledged meanwhile */
    bytes = mc_blob_get(letter->body);
    err = mc_envelope_decode(bytes, &envelope, &body);
    if (err == 0 && effect->u.store.difference)
        err = apply_difference(agent, body, ret_ring, &diag);
    else if (err == 0)
        err = mc_unpack(body, ret_ring, &diag);
    if (err != 0 && err != MCOS_E_UPGRADE && err != MCOS_E_GONE &&
        mcos_err_classify(err) != MCOS_RETRY && may_tell_refused(agent)) {
        agent->ports.store->ops->quarantine(agent->ports.store, bytes,
                                            mcos_err_slug(err));
        mc_agent_log(agent, MC_LOG_WARN,
                     "event=quarantined error=%s field=%s msg=\"%s\"",
                     mcos_err_slug(err), diag.field, diag.text);
    }
    /* What it costs to publish it: a difference does not say. */
    *ret_body_bytes = err == 0 && effect->u.store.difference
                          ? mc_ring_head(*ret_ring)->record_bytes
                          : bytes.len;
    return err;
}

/*
 * Merges into the store. What is greater than what is in force is staged: the
 * record itself, or what the store turns out to hold.
 */
static int merge_ring(struct mc_agent *agent, struct mc_ring *ring,
                      struct mc_event *event)
{
    struct mc_store *store = agent->ports.store;
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_slot *slot = mc_agent_slot(agent, head->name.s, true);
    struct mc_merge *merge = &event->u.stored.merge;
    struct mc_ring *kept = NULL;
    int err;

    event->u.stored.ring = head->name;
    event->u.stored.came = mc_stamp_of(head);
    if (slot == NULL)
        return MCOS_E_NOMEM;
    err = store->ops->merge(store, ring, merge);
    mc_agent_store_said(agent, err);
    if (err != 0) {
        slot->doubt = true; /* it may have got there all the same */
        return err;
    }
    if (merge->verdict == MC_MERGE_ADDED || merge->verdict == MC_MERGE_REPLACED) {
        mc_agent_stage(slot, ring);
        mc_agent_read_back(agent, slot);
    } else if (slot->held == NULL || slot->doubt) {
        err = store->ops->get(store, &slot->name, &kept);
        if (err != 0)
            return err;
        mc_agent_stage(slot, kept);
        mc_ring_unref(kept);
    }
    slot->doubt = false;
    mc_agent_note_losers(agent, slot);
    return 0;
}

int mc_agent_take(struct mc_agent *agent, struct mc_ring *ring)
{
    struct mc_event event = mc_agent_event(agent, MC_EV_HELD);
    const struct mc_slot *slot;
    int err;

    event.u.stored.body_bytes = mc_ring_head(ring)->record_bytes;
    err = merge_ring(agent, ring, &event);
    slot = mc_agent_slot(agent, mc_ring_head(ring)->name.s, false);
    if (err != 0 || (slot->held == NULL && slot->staged == NULL))
        return err;
    if (agent->feeding)
        answer(agent, &event);
    else
        mc_agent_feed(agent, &event);
    return 0;
}

static void do_store(struct mc_agent *agent, const struct mc_effect *effect)
{
    struct mc_event event = {.kind = MC_EV_STORED};
    struct mc_ring *ring = NULL;
    int err = ring_to_store(agent, effect, &event.u.stored.body_bytes, &ring);

    if (err == 0) {
        err = merge_ring(agent, ring, &event);
        if (err != 0 && effect->u.store.delivery == 0)
            (void)snprintf(agent->mint_trouble, sizeof(agent->mint_trouble), "%s",
                           mc_agent_store_trouble(agent, err));
    }
    mc_ring_unref(ring);
    event.u.stored.delivery = effect->u.store.delivery;
    event.u.stored.token = effect->u.store.token;
    event.u.stored.err = err;
    answer(agent, &event);
}

static void do_adopt(struct mc_agent *agent, const struct mc_effect *effect)
{
    struct mc_slot *slot = mc_agent_slot(agent, effect->u.adopt.ring.s, false);

    if (slot == NULL || slot->staged == NULL)
        return;
    mc_ring_unref(slot->held);
    slot->held = slot->staged;
    slot->staged = NULL;
    agent->company.changed = true;
    slot->kept.at_ms = mc_agent_now_ms(agent) + 1; /* the keeper's, at the next turn */
}

/* ---- send ---- */

static void publish(struct mc_agent *agent, struct mc_letter_head *head,
                    const char *key, uint64_t sequence, struct mc_bytes bytes,
                    uint64_t token)
{
    struct mc_bus *bus = agent->ports.bus;
    struct mc_event event = {.kind = MC_EV_SENT};

    (void)snprintf(head->key, sizeof(head->key), "%s", key);
    head->from = agent->config.cluster;
    memcpy(head->from_uid, agent->config.uid, MC_UID_BYTES);
    head->sequence = sequence;
    event.u.sent.token = token;
    event.u.sent.err = bus->ops->publish(bus, head, bytes, token);
    if (event.u.sent.err != 0)
        answer(agent, &event);
}

static void do_send(struct mc_agent *agent, const struct mc_effect *effect)
{
    struct mc_letter_head head = {0};

    publish(agent, &head, effect->u.send.key, effect->u.send.sequence,
            effect->u.send.bytes, effect->u.send.token);
}

int mc_agent_pack(struct mc_agent *agent, const struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);
    int err;

    if (agent->packed.len != 0 &&
        memcmp(agent->packed_digest, head->digest, MC_DIGEST_BYTES) == 0)
        return 0;
    mc_buf_clear(&agent->packed);
    err = mc_pack(ring, &agent->packed);
    if (err != 0) {
        mc_buf_clear(&agent->packed);
        return err;
    }
    memcpy(agent->packed_digest, head->digest, MC_DIGEST_BYTES);
    return 0;
}

static int whole_letter(struct mc_agent *agent, struct mc_bytes envelope)
{
    struct mc_buf *b = &agent->letter_buf;

    mc_buf_clear(b);
    mc_buf_put(b, envelope.ptr, envelope.len);
    mc_buf_put(b, agent->packed.ptr, agent->packed.len);
    return b->err;
}

/* A difference from what the asker holds; false if we have not got that, or if it is
 * not worth it: more than half of the whole (P48). */
static bool short_letter(struct mc_agent *agent, const struct mc_effect *effect,
                         const struct mc_ring *ring)
{
    struct mc_bytes envelope = effect->u.record.envelope;
    struct mc_buf *b = &agent->letter_buf;
    struct mc_ring *parent = NULL;
    bool made = false;

    if (find_record(agent, &effect->u.record.ring, effect->u.record.held8, &parent) !=
        0)
        return false;
    mc_buf_clear(b);
    b->max = (envelope.len + agent->packed.len) / 2;
    mc_buf_put(b, envelope.ptr, envelope.len);
    made = b->err == 0 && mc_pack_difference(parent, ring, b) == 0;
    b->max = 0;
    if (made)
        mc_envelope_turn(b, 0, MC_WIRE_DIFFERENCE);
    mc_ring_unref(parent);
    return made;
}

static void do_send_record(struct mc_agent *agent, const struct mc_effect *effect)
{
    struct mc_letter_head head = {0};
    struct mc_event event = {.kind = MC_EV_SENT};
    struct mc_buf *b = &agent->letter_buf;
    struct mc_ring *ring = NULL;
    int err =
        find_record(agent, &effect->u.record.ring, effect->u.record.digest8, &ring);

    if (err == 0)
        err = mc_agent_pack(agent, ring);
    if (err == 0 && !(effect->u.record.names_held && short_letter(agent, effect, ring)))
        err = whole_letter(agent, effect->u.record.envelope);
    if (err == 0) {
        head.ring_name = mc_ring_head(ring)->name;
        head.version = mc_ring_head(ring)->version;
        head.timestamp = mc_ring_head(ring)->timestamp;
        publish(agent, &head, effect->u.record.key, effect->u.record.sequence,
                (struct mc_bytes){b->ptr, b->len}, effect->u.record.token);
    } else {
        event.u.sent.token = effect->u.record.token;
        event.u.sent.err = err;
        answer(agent, &event);
    }
    mc_ring_unref(ring);
}

/* ---- all of them ---- */

static void do_note(struct mc_agent *agent, const struct mc_note *note)
{
    char text[MC_LOGLINE_MAX];

    mc_logline_format(note, text);
    agent->ports.log->line(agent->ports.log, mc_logline_level(note), text);
}

void mc_agent_carry_out(struct mc_agent *agent, struct mc_effects effects)
{
    for (size_t i = 0; i < effects.count; i++) {
        const struct mc_effect *effect = &effects.list[i];

        if (agent->ports.watch != NULL)
            agent->ports.watch->effect(agent->ports.watch, effect);
        switch (effect->kind) {
        case MC_FX_STORE:
            do_store(agent, effect);
            break;
        case MC_FX_ADOPT:
            do_adopt(agent, effect);
            break;
        case MC_FX_SEND:
            do_send(agent, effect);
            break;
        case MC_FX_SEND_RECORD:
            do_send_record(agent, effect);
            break;
        case MC_FX_ACK:
            agent->ports.bus->ops->ack(agent->ports.bus, effect->u.ack.delivery);
            mc_agent_drop_letter(agent, effect->u.ack.delivery);
            break;
        case MC_FX_WAKE:
            agent->wake_ms = effect->u.wake.at_ms;
            break;
        case MC_FX_MEMBERS:
            agent->members_dirty = true;
            break;
        case MC_FX_DONE:
            if (effect->u.done.token == agent->mint_token) {
                agent->mint_done = true;
                agent->mint_err = effect->u.done.err;
            }
            break;
        case MC_FX_NOTE:
            do_note(agent, &effect->u.note);
            break;
        }
    }
}
