/* SPDX-License-Identifier: Apache-2.0 */
/* sim/expect.c -- what a play can expect of its world. */
#include "sim/check.h"
#include "sim/stage.h"

#include <stdio.h>
#include <string.h>

/* What a statement asks for, looked up once. */
struct claim {
    struct sim_stage *stage;
    const struct sim_statement *st;
    const char *ring;
    struct sim_site *on;
    uint64_t version; /* 0: any */
    uint64_t number;  /* losers, records */
};

typedef bool claim_fn(const struct claim *c);

static bool agreed(const struct claim *c)
{
    return sim_check_agreed(c->stage->world, c->ring, c->version);
}

static bool deleted(const struct claim *c)
{
    const struct mc_ring *ring = mc_agent_ring_find(c->on->agent, c->ring);

    return ring != NULL && mc_ring_head(ring)->tombstone;
}

static bool absent(const struct claim *c)
{
    return mc_agent_ring_find(c->on->agent, c->ring) == NULL;
}

static bool losers(const struct claim *c)
{
    struct sim_world *world = c->stage->world;

    for (uint32_t i = 0; i < world->site_count; i++) {
        struct sim_site *site = world->sites[i];

        if (site->agent != NULL && (c->on == NULL || c->on == site) &&
            mc_agent_loser_count(site->agent, c->ring) != c->number)
            return false;
    }
    return true;
}

/* Record letters that agents published since `count`. */
static bool records(const struct claim *c)
{
    return c->stage->world->trace.sent[MC_WIRE_RECORD] == c->number;
}

/* The format of what is held; count=0: none is held. */
static bool format(const struct claim *c)
{
    const struct mc_ring *ring = mc_agent_ring_find(c->on->agent, c->ring);

    return (ring == NULL ? 0 : mc_ring_head(ring)->format) == c->number;
}

/* Something greater is there that it cannot read. */
static bool unread(const struct claim *c)
{
    struct mc_stamp stamp;

    return mc_machine_find_unread(mc_agent_machine(c->on->agent), c->ring, &stamp) &&
           (c->version == 0 || stamp.version == c->version);
}

static bool everywhere(const struct claim *c)
{
    return sim_check_everywhere(c->stage->world);
}

/* expect state c4=silent on=c1 */
static bool state(const struct claim *c)
{
    static const char *const names[] = {"active", "silent", "left"};
    const struct mc_machine *m = mc_agent_machine(c->on->agent);
    const char *word = c->st->words[2];
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < mc_machine_member_count(m); i++) {
        struct mc_member member = mc_machine_member(m, i);

        if (strlen(member.name.s) == len && strncmp(member.name.s, word, len) == 0)
            return strcmp(names[member.state], word + len + 1) == 0;
    }
    return strcmp(word + len + 1, "unknown") == 0;
}

static bool status(const struct claim *c)
{
    struct mc_machine_status s = mc_machine_status(mc_agent_machine(c->on->agent));
    const struct {
        const char *word;
        bool is;
    } words[] = {{"bus-up", s.bus_up},
                 {"bus-away", !s.bus_up},
                 {"listening", s.listening},
                 {"ready", !s.listening},
                 {"mute", s.mute},
                 {"heard", !s.mute},
                 {"clock-off", s.clock_off},
                 {"clock-right", !s.clock_off},
                 {"name-lost", s.identity_lost},
                 {"following", s.following},
                 {"active", !s.following}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(c->st->words[2], words[i].word) == 0)
            return words[i].is;
    }
    return false;
}

static const struct {
    const char *word;
    claim_fn *fn;
    bool needs_ring;
    bool needs_on;
    bool needs_number;
} claims[] = {{"agreed", agreed, true, false, false},
              {"deleted", deleted, true, true, false},
              {"absent", absent, true, true, false},
              {"losers", losers, true, false, true},
              {"records", records, false, false, true},
              {"everywhere", everywhere, false, false, false},
              {"format", format, true, true, true},
              {"unread", unread, true, true, false},
              {"state", state, false, true, false},
              {"status", status, false, true, false}};

static bool read_claim(struct claim *c, size_t *ret_which)
{
    const char *on = sim_word_value(c->st, "on");
    const char *version = sim_word_value(c->st, "version");
    const char *number = sim_word_value(c->st, "count");
    size_t i = 0;

    while (i < sizeof(claims) / sizeof(claims[0]) &&
           (c->st->count < 2 || strcmp(c->st->words[1], claims[i].word) != 0))
        i++;
    if (i == sizeof(claims) / sizeof(claims[0]))
        return sim_stage_wrong(c->stage, "expect what?");
    c->ring = sim_word_value(c->st, "ring");
    c->on = on == NULL ? NULL : sim_word_site(c->stage, on, strlen(on));
    if ((claims[i].needs_ring && c->ring == NULL) ||
        (claims[i].needs_on && (c->on == NULL || c->on->agent == NULL)) ||
        (claims[i].needs_number && number == NULL))
        return sim_stage_wrong(c->stage, "expect %s: ring=, on= or count= is missing",
                               claims[i].word);
    if ((claims[i].fn == state || claims[i].fn == status) && c->st->count < 3)
        return sim_stage_wrong(c->stage, "expect %s of what?", claims[i].word);
    if ((version != NULL && !sim_word_number(version, &c->version)) ||
        (number != NULL && !sim_word_number(number, &c->number)))
        return sim_stage_wrong(c->stage, "no number");
    *ret_which = i;
    return true;
}

bool sim_stage_expect(struct sim_stage *stage, const struct sim_statement *st)
{
    struct claim c = {.stage = stage, .st = st};
    struct sim_world *world = stage->world;
    const char *by = sim_word_value(st, "by");
    uint64_t until_ms = world->now_ms;
    int64_t by_ms = 0;
    size_t which = 0;

    if (!read_claim(&c, &which))
        return false;
    if (claims[which].fn == records && stage->change_mode)
        return true; /* what is sent is another matter in another mode */
    if (by != NULL) {
        if (!sim_word_ms(by, &by_ms) || by_ms < 0)
            return sim_stage_wrong(stage, "by=%s", by);
        until_ms = SIM_START_MS + (uint64_t)by_ms;
    }
    while (!claims[which].fn(&c)) {
        if (world->now_ms >= until_ms || world->violations != 0)
            return sim_stage_wrong(stage, "expected, and not so: %s %s", st->words[1],
                                   st->count > 2 ? st->words[2] : "");
        sim_world_step(world, until_ms);
    }
    if (by != NULL)
        sim_trace_say(&world->trace, true, sim_world_at_ms(world), "so it is");
    return true;
}
