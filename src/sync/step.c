/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/step.c -- one step's effects and the bytes they carry (P80, P81).
 *
 * Both lie in arenas that are made once. Who wants to emit more than a handler's
 * few effects asks for room first; what does not fit waits for the next step,
 * which is asked for at once.
 */
#include "sync/machine_state.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NOTES_RESERVE 48u /* effects that notes leave free for what matters */
#define KEY_BYTES     80u

void mc_step_open(struct mc_machine *m)
{
    m->effect_count = 0;
    m->deferred = false;
    mc_buf_clear(&m->bytes);
}

struct mc_effect *mc_emit(struct mc_machine *m, enum mc_effect_kind kind)
{
    struct mc_effect *e;

    assert(m->effect_count < MC_STEP_EFFECTS_MAX);
    e = &m->effects[m->effect_count++];
    *e = (struct mc_effect){.kind = kind};
    return e;
}

bool mc_room(struct mc_machine *m, size_t effects, size_t bytes)
{
    if (m->effect_count + effects + NOTES_RESERVE / 2 <= MC_STEP_EFFECTS_MAX &&
        m->bytes.len + bytes <= MC_STEP_BYTES_MAX)
        return true;
    m->deferred = true;
    return false;
}

/* What a stranger can cause at will is told so often a minute and no more. */
static bool is_noise(enum mc_note_code code)
{
    switch (code) {
    case MC_NOTE_BAD_MESSAGE:
    case MC_NOTE_BAD_RECORD:
    case MC_NOTE_DIFFERENCE:
    case MC_NOTE_FOREIGN:
    case MC_NOTE_FULL_TABLE:
    case MC_NOTE_IDENTITY:
    case MC_NOTE_NOT_HELD:
    case MC_NOTE_UNASKED:
    case MC_NOTE_UNDISTRIBUTED:
    case MC_NOTE_UNREAD:
    case MC_NOTE_UPGRADE:
    case MC_NOTE_WANTED:
    case MC_NOTE_SAME:
    case MC_NOTE_OLDER:
        return true;
    default:
        return false;
    }
}

struct mc_note *mc_say(struct mc_machine *m, enum mc_note_code code)
{
    struct mc_effect *e;

    m->said[code]++;
    if (m->now_ms - m->minute_ms >= 60000) {
        m->minute_ms = m->now_ms;
        memset(m->said_minute, 0, sizeof(m->said_minute));
    }
    if (m->effect_count + NOTES_RESERVE > MC_STEP_EFFECTS_MAX ||
        (is_noise(code) && mc_note_level(code) != MC_NOTE_IS_DEBUG &&
         m->said_minute[code] >= MC_NOTES_PER_MINUTE)) {
        m->unsaid = (struct mc_note){.code = code};
        return &m->unsaid;
    }
    m->said_minute[code]++;
    e = mc_emit(m, MC_FX_NOTE);
    e->u.note.code = code;
    return &e->u.note;
}

struct mc_note *mc_say_ring(struct mc_machine *m, enum mc_note_code code,
                            const struct mc_ringrow *row, const struct mc_stamp *stamp)
{
    struct mc_note *note = mc_say(m, code);

    note->ring = row->name;
    note->stamp = *stamp;
    return note;
}

static struct mc_envelope envelope_of(struct mc_machine *m, enum mc_wire_kind kind,
                                      bool directed)
{
    struct mc_envelope e = {.protocol = m->config.protocol,
                            .needs = kind == MC_WIRE_NEXT ? 2 : 1,
                            .kind = kind,
                            .directed = directed,
                            .cluster = m->config.cluster,
                            .incarnation = m->config.incarnation,
                            .sequence = ++m->sequence,
                            .sent_ns = m->wall_ns};

    memcpy(e.system, m->config.system, MC_UID_BYTES);
    memcpy(e.uid, m->config.uid, MC_UID_BYTES);
    return e;
}

size_t mc_letter_open(struct mc_machine *m, enum mc_wire_kind kind, bool directed)
{
    struct mc_envelope e = envelope_of(m, kind, directed);
    size_t start = m->bytes.len;

    mc_envelope_encode(&m->bytes, &e);
    return start;
}

/* The key lies in the arena too, behind the bytes it belongs to. */
static const char *put_key(struct mc_machine *m, const char *key,
                           const struct mc_name *to)
{
    char text[KEY_BYTES];
    size_t at = m->bytes.len;

    (void)snprintf(text, sizeof(text), "%s%s%s", key, to == NULL ? "" : ".",
                   to == NULL ? "" : to->s);
    mc_buf_put(&m->bytes, text, strlen(text) + 1);
    assert(m->bytes.err == 0);
    return (const char *)m->bytes.ptr + at;
}

uint64_t mc_letter_send(struct mc_machine *m, size_t start, const char *key,
                        const struct mc_name *to)
{
    struct mc_effect *e = mc_emit(m, MC_FX_SEND);

    mc_envelope_seal(&m->bytes, start);
    e->u.send.bytes = (struct mc_bytes){m->bytes.ptr + start, m->bytes.len - start};
    e->u.send.token = ++m->token;
    e->u.send.sequence = m->sequence;
    e->u.send.key = put_key(m, key, to);
    return m->sequence;
}

uint64_t mc_record_send(struct mc_machine *m, const struct mc_ringrow *row,
                        const uint8_t digest8[8], const struct mc_name *to,
                        const uint8_t *held8)
{
    struct mc_effect *e = mc_emit(m, MC_FX_SEND_RECORD);
    size_t start = mc_letter_open(m, MC_WIRE_RECORD, to != NULL);

    e->u.record.envelope =
        (struct mc_bytes){m->bytes.ptr + start, m->bytes.len - start};
    e->u.record.token = ++m->token;
    e->u.record.sequence = m->sequence;
    e->u.record.ring = row->name;
    memcpy(e->u.record.digest8, digest8, 8);
    e->u.record.names_held = held8 != NULL;
    if (held8 != NULL)
        memcpy(e->u.record.held8, held8, 8);
    e->u.record.key = put_key(m, "ring", to);
    return e->u.record.token;
}

void mc_ack(struct mc_machine *m, uint64_t delivery)
{
    mc_emit(m, MC_FX_ACK)->u.ack.delivery = delivery;
}
