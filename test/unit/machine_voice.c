/* SPDX-License-Identifier: Apache-2.0 */
/* One node, up, and a voice to talk to it with; see machine_voice.h. */
#include "machine_voice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct kit *k;
struct kit_sender peer;
struct mc_buf b;

int voice_setup(void **state)
{
    (void)state;
    k = kit_new(1, MC_ANNOUNCE_DIGEST);
    kit_start(k, 0);
    kit_run(k, 20000);
    kit_trace_clear(k);
    peer = (struct kit_sender){.cluster = "far", .incarnation = 5};
    return 0;
}

int voice_teardown(void **state)
{
    (void)state;
    kit_free(k);
    mc_buf_fini(&b);
    return 0;
}

uint64_t voice_wall_now(void)
{
    return 1700000000000000000ull + k->now_ms * 1000000;
}

unsigned voice_give_record(const struct mc_ring *ring)
{
    peer.sequence++;
    mc_buf_clear(&b);
    kit_record(&b, &peer, ring);
    kit_trace_clear(k);
    return kit_give(k, true, &b);
}

void voice_give_announcement_as(const char *cluster, const struct mc_entry *entries,
                                size_t count, uint32_t uptime_ms)
{
    struct kit_sender who = peer;

    peer.sequence++;
    who.sequence = peer.sequence;
    who.cluster = cluster;
    if (who.sent_ns == 0)
        who.sent_ns = voice_wall_now();
    mc_buf_clear(&b);
    kit_announcement(&b, &who, entries, count, uptime_ms);
    kit_trace_clear(k);
    kit_give(k, false, &b);
}

void voice_give_announcement(const struct mc_ring *ring)
{
    struct mc_entry e = {0};

    if (ring != NULL)
        e = kit_entry(ring);
    voice_give_announcement_as("far", &e, ring != NULL, 60000);
}

void voice_put_want(const char *cluster, const struct mc_ring *ring,
                    struct mc_want_line *line)
{
    struct kit_sender who = peer;
    size_t start;
    size_t at;

    line->name = mc_ring_head(ring)->name;
    who.cluster = cluster;
    who.sequence = ++peer.sequence;
    memcpy(line->digest8, mc_ring_head(ring)->digest, 8);
    mc_buf_clear(&b);
    start = kit_open(&b, &who, MC_WIRE_WANT);
    at = mc_want_open(&b, false, 0);
    mc_want_put(&b, line);
    if (line->names_held)
        mc_want_put_held(&b, line->held8);
    mc_want_close(&b, at, 1);
    mc_envelope_seal(&b, start);
}

void voice_give_want_of(const char *cluster, const struct mc_ring *ring,
                        struct mc_want_line *line)
{
    voice_put_want(cluster, ring, line);
    kit_trace_clear(k);
    kit_give(k, false, &b);
}

void voice_give_want(const char *cluster, const struct mc_ring *ring, bool loser)
{
    struct mc_want_line line = {.loser = loser};

    voice_give_want_of(cluster, ring, &line);
}

bool voice_said(const char *what)
{
    return strstr(k->trace, what) != NULL;
}

void voice_expect(const char *fmt, ...)
{
    char want[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(want, sizeof(want), fmt, args);
    va_end(args);
    assert_string_equal(k->trace, want);
}

uint64_t voice_notes(enum mc_note_code code)
{
    return mc_machine_status(k->nodes[0].machine).notes[code];
}

enum mc_member_state voice_state_of(const char *cluster)
{
    const struct mc_machine *m = k->nodes[0].machine;

    for (size_t i = 0; i < mc_machine_member_count(m); i++) {
        if (strcmp(mc_machine_member(m, i).name.s, cluster) == 0)
            return mc_machine_member(m, i).state;
    }
    fail_msg("%s is not a member", cluster);
    return MC_MEMBER_LEFT;
}
