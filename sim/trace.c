/* SPDX-License-Identifier: Apache-2.0 */
/* sim/trace.c -- see trace.h. */
#include "sim/trace.h"

#include "base/hash.h"
#include "sim/agenda.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[MC_WIRE_DIFFERENCE + 1] = {
    "?",       "record", "announce", "want",      "list",
    "members", "leave",  "hello",    "difference"};

void sim_trace_fini(struct sim_trace *trace)
{
    free(trace->nicks);
    trace->nicks = NULL;
}

void sim_trace_reset_counts(struct sim_trace *trace)
{
    memset(trace->sent, 0, sizeof(trace->sent));
    memset(trace->notes, 0, sizeof(trace->notes));
    trace->sent_bytes = 0;
}

void sim_trace_say(struct sim_trace *trace, bool shown, uint64_t at_ms, const char *fmt,
                   ...)
{
    char line[SIM_LINE_MAX + 8];
    va_list args;
    int n;

    n = snprintf(line + 8, SIM_LINE_MAX, "  %4llu.%03llu ",
                 (unsigned long long)(at_ms / 1000),
                 (unsigned long long)(at_ms % 1000));
    va_start(args, fmt);
    (void)vsnprintf(line + 8 + n, SIM_LINE_MAX - (size_t)n, fmt, args);
    va_end(args);
    mc_set_u64((uint8_t *)line, trace->hash);
    trace->hash =
        mc_xxh3_64((struct mc_bytes){(const uint8_t *)line, 8 + strlen(line + 8)});
    trace->line_count++;
    if (shown && trace->show != NULL)
        trace->show(trace->ctx, line + 8);
}

/* ---- names of records ---- */

void sim_trace_name(struct sim_trace *trace, const struct mc_name *ring,
                    const struct mc_stamp *stamp, const struct mc_name *origin)
{
    struct sim_nick nick = {.ring = *ring};
    char base[80];
    unsigned twins = 0;

    if (sim_trace_nick(trace, stamp->digest)[0] != '?')
        return;
    memcpy(nick.digest8, stamp->digest, 8);
    if (stamp->epoch == 0)
        (void)snprintf(base, sizeof(base), "v%llu@%.64s",
                       (unsigned long long)stamp->version, origin->s);
    else
        (void)snprintf(base, sizeof(base), "e%u.v%llu@%.40s", (unsigned)stamp->epoch,
                       (unsigned long long)stamp->version, origin->s);
    for (size_t i = 0; i < trace->nick_count; i++) {
        const struct sim_nick *n = &trace->nicks[i];
        size_t len = strlen(base);

        if (strcmp(n->ring.s, nick.ring.s) == 0 && strncmp(n->text, base, len) == 0 &&
            (n->text[len] == '\0' || n->text[len] == '.'))
            twins++;
    }
    if (twins == 0)
        (void)snprintf(nick.text, sizeof(nick.text), "%s", base);
    else
        (void)snprintf(nick.text, sizeof(nick.text), "%s.%c", base,
                       (char)('a' + twins % 26));
    trace->nicks = sim_grow(trace->nicks, trace->nick_count + 1, sizeof(*trace->nicks));
    trace->nicks[trace->nick_count++] = nick;
}

const char *sim_trace_nick(const struct sim_trace *trace, const uint8_t digest8[8])
{
    for (size_t i = 0; i < trace->nick_count; i++) {
        if (memcmp(trace->nicks[i].digest8, digest8, 8) == 0)
            return trace->nicks[i].text;
    }
    return "?";
}

/* ---- effects ---- */

static void say_note(struct sim_trace *trace, uint64_t at_ms, const char *site,
                     const struct mc_note *note)
{
    char text[SIM_LINE_MAX];
    size_t len = 0;

#define ADD(...) len += (size_t)snprintf(text + len, sizeof(text) - len, __VA_ARGS__)
    ADD("%s", mc_note_event(note->code));
    if (note->ring.s[0] != '\0')
        ADD(" %.20s", note->ring.s);
    if (note->stamp.version != 0)
        ADD(" %.40s", sim_trace_nick(trace, note->stamp.digest));
    if (note->other.version != 0)
        ADD(" other=%.40s", sim_trace_nick(trace, note->other.digest));
    if (note->cluster.s[0] != '\0')
        ADD(" peer=%.20s", note->cluster.s);
    if (note->number != 0)
        ADD(" number=%lld", (long long)note->number);
    if (note->err != 0)
        ADD(" error=%s", mcos_err_slug(note->err));
#undef ADD
    sim_trace_say(trace, mc_note_level(note->code) != MC_NOTE_IS_DEBUG, at_ms,
                  "%s: note %s", site, text);
}

static void say_send(struct sim_trace *trace, uint64_t at_ms, const char *site,
                     const struct mc_effect *effect, enum mc_wire_kind kind)
{
    bool life = kind == 0 || kind == MC_WIRE_ANNOUNCE || kind == MC_WIRE_HELLO;

    sim_trace_say(trace, !life, at_ms, "%s: send %s %s", site, effect->u.send.key,
                  kinds[kind]);
}

static enum mc_wire_kind kind_of(const struct mc_effect *effect)
{
    struct mc_envelope envelope;
    struct mc_bytes body;

    if (mc_envelope_decode(effect->u.send.bytes, &envelope, &body) != 0 ||
        (unsigned)envelope.kind > MC_WIRE_DIFFERENCE)
        return 0;
    return envelope.kind;
}

void sim_trace_effect(struct sim_trace *trace, uint64_t at_ms, const char *site,
                      const struct mc_effect *effect)
{
    enum mc_wire_kind kind = 0;

    if (effect->kind == MC_FX_SEND) {
        kind = kind_of(effect);
        trace->sent[kind]++;
        trace->sent_bytes += effect->u.send.bytes.len;
    } else if (effect->kind == MC_FX_SEND_RECORD) {
        trace->sent[MC_WIRE_RECORD]++;
    } else if (effect->kind == MC_FX_NOTE) {
        trace->notes[effect->u.note.code]++;
    }
    if (trace->off)
        return;
    switch (effect->kind) {
    case MC_FX_STORE:
        sim_trace_say(trace, true, at_ms, "%s: store%s", site,
                      effect->u.store.delivery == 0 ? " (minted)"
                      : effect->u.store.difference  ? " (difference)"
                                                    : "");
        break;
    case MC_FX_ADOPT:
        if (trace->minting != NULL)
            sim_trace_name(trace, &effect->u.adopt.ring, &effect->u.adopt.stamp,
                           trace->minting);
        sim_trace_say(trace, true, at_ms, "%s: adopt %s %s", site,
                      effect->u.adopt.ring.s,
                      sim_trace_nick(trace, effect->u.adopt.stamp.digest));
        break;
    case MC_FX_SEND:
        say_send(trace, at_ms, site, effect, kind);
        break;
    case MC_FX_SEND_RECORD:
        sim_trace_say(trace, true, at_ms, "%s: send %s record %s %s%s%s", site,
                      effect->u.record.key, effect->u.record.ring.s,
                      sim_trace_nick(trace, effect->u.record.digest8),
                      effect->u.record.names_held ? " for " : "",
                      effect->u.record.names_held
                          ? sim_trace_nick(trace, effect->u.record.held8)
                          : "");
        break;
    case MC_FX_ACK:
        sim_trace_say(trace, false, at_ms, "%s: ack %llu", site,
                      (unsigned long long)effect->u.ack.delivery);
        break;
    case MC_FX_WAKE:
    case MC_FX_MEMBERS:
        sim_trace_say(trace, false, at_ms, "%s: %s", site,
                      effect->kind == MC_FX_WAKE ? "wake" : "clusters");
        break;
    case MC_FX_DONE:
        sim_trace_say(trace, false, at_ms, "%s: done %d", site, effect->u.done.err);
        break;
    case MC_FX_NOTE:
        say_note(trace, at_ms, site, &effect->u.note);
        break;
    }
}
