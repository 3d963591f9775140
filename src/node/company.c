/* SPDX-License-Identifier: Apache-2.0 */
/* node/company.c -- see company.h. */
#include "node/company.h"

#include "node/agent_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mc_company_init(struct mc_agent *agent, struct mc_roster *roster, const char *host)
{
    struct mc_company *c = &agent->company;

    c->roster = roster;
    c->host = host == NULL ? "" : host;
    c->well_ms = mc_agent_now_ms(agent);
    c->leader_ms = c->well_ms;
    c->turn_ms = 0;
}

static void forget_others(struct mc_company *c)
{
    while (c->count > 0)
        mc_blob_unref(c->others[--c->count].bytes);
}

void mc_company_fini(struct mc_agent *agent)
{
    forget_others(&agent->company);
    mc_buf_fini(&agent->company.line);
    free(agent->company.least);
}

static bool is_active(const struct mc_agent *agent)
{
    struct mc_machine_status st = mc_machine_status(agent->machine);

    return st.bus_up && !st.following;
}

static uint8_t reads(const struct mc_agent *agent)
{
    return agent->config.format == 0 ? (uint8_t)mc_format_max : agent->config.format;
}

/* ---- the others ---- */

static struct mc_stamp stamp_of(const struct mc_entry *e)
{
    struct mc_stamp s = {
        .epoch = e->epoch, .version = e->version, .timestamp = e->timestamp};

    memcpy(s.digest, e->digest8, sizeof(e->digest8));
    return s;
}

static bool same_line(struct mc_bytes a, const struct mc_buf *b)
{
    return a.len == b->len && memcmp(a.ptr, b->ptr, a.len) == 0;
}

static int read_others(struct mc_agent *agent)
{
    struct mc_company *c = &agent->company;
    struct mc_roster_line lines[MC_AGENTS_MAX];
    size_t count = 0;
    int err = c->roster->ops->get(c->roster, lines, &count);

    if (err != 0)
        return err;
    forget_others(c);
    c->there = false;
    for (size_t i = 0; i < count; i++) {
        struct mc_fellow *f = &c->others[c->count];

        f->id = lines[i].agent;
        f->bytes = lines[i].bytes;
        if (f->id == agent->config.incarnation) {
            c->there = same_line(mc_blob_get(f->bytes), &c->line);
            mc_blob_unref(f->bytes);
            continue;
        }
        f->unread = mc_agent_line_decode(mc_blob_get(f->bytes), &f->line) != 0;
        /* Somebody lives, of whom nobody knows what he holds and reads. */
        if (f->unread)
            f->line = (struct mc_agent_line){.counts = true, .format = MC_FORMAT_FIRST};
        c->count++;
    }
    c->had_others = c->had_others || c->count > 0;
    return 0;
}

static size_t count_those_that_count(const struct mc_company *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->count; i++)
        n += c->others[i].line.counts;
    return n;
}

static bool has_unread(const struct mc_company *c)
{
    bool unread = false;

    for (size_t i = 0; i < c->count; i++)
        unread = unread || c->others[i].unread;
    return unread;
}

/* The least that one of them reads, whether it counts or not. */
static uint8_t format_of_others(const struct mc_company *c)
{
    uint8_t format = UINT8_MAX;

    for (size_t i = 0; i < c->count; i++) {
        uint8_t theirs = c->others[i].line.format;

        if (theirs < MC_FORMAT_FIRST)
            theirs = MC_FORMAT_FIRST;
        format = theirs < format ? theirs : format;
    }
    return format;
}

/* Of two sorted lists the names that are in both, each with the lesser stamp. */
static size_t lesser_of(struct mc_entry *list, size_t count, struct mc_bytes entries)
{
    struct mc_reader r = mc_reader_init(entries);
    struct mc_entry e;
    size_t kept = 0;
    size_t at = 0;

    while (at < count && mc_entry_decode(&r, &e)) {
        struct mc_stamp theirs = stamp_of(&e);
        struct mc_stamp ours;

        while (at < count && strcmp(list[at].name.s, e.name.s) < 0)
            at++;
        if (at == count || strcmp(list[at].name.s, e.name.s) != 0)
            continue;
        ours = stamp_of(&list[at]);
        list[kept++] = mc_stamp_cmp8(&ours, &theirs) <= 0 ? list[at] : e;
        at++;
    }
    return kept;
}

/* What each of those that count holds at least, as far as their lines can be read. */
static size_t find_least(struct mc_company *c)
{
    bool first = true;
    size_t count = 0;

    for (size_t i = 0; i < c->count; i++) {
        const struct mc_agent_line *line = &c->others[i].line;
        struct mc_reader r = mc_reader_init(line->entries);

        if (!line->counts || c->others[i].unread)
            continue;
        if (!first)
            count = lesser_of(c->least, count, line->entries);
        while (first && count < MC_RINGS_MAX && mc_entry_decode(&r, &c->least[count]))
            count++;
        first = false;
    }
    return count;
}

/* Do we hold at least that? */
static bool is_caught_up(const struct mc_agent *agent, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mc_entry *e = &agent->company.least[i];
        const struct mc_ring *held = mc_agent_ring_find(agent, e->name.s);
        struct mc_stamp theirs = stamp_of(e);
        struct mc_stamp ours;

        if (held == NULL)
            return false;
        ours = mc_stamp_of(mc_ring_head(held));
        if (mc_stamp_cmp8(&ours, &theirs) < 0)
            return false;
    }
    return true;
}

/* What one of them cannot read, though it reads what we do, is there for us too: none
 * of us may part from it (P68). */
static void take_unread(struct mc_agent *agent)
{
    const struct mc_company *c = &agent->company;

    for (size_t i = 0; i < c->count; i++) {
        const struct mc_agent_line *line = &c->others[i].line;
        struct mc_reader r = mc_reader_init(line->unread);
        struct mc_entry e;

        while (line->format >= reads(agent) && mc_entry_decode(&r, &e)) {
            const struct mc_ring *held = mc_agent_ring_find(agent, e.name.s);
            struct mc_stamp theirs = stamp_of(&e);
            struct mc_stamp ours;

            if (held != NULL)
                ours = mc_stamp_of(mc_ring_head(held));
            if (held == NULL || mc_stamp_cmp8(&ours, &theirs) < 0)
                (void)mc_machine_unread(agent->machine, &e.name, &theirs);
        }
    }
}

/* ---- we ---- */

static void put_entry(struct mc_buf *b, const struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_entry e = {.name = head->name,
                         .epoch = head->epoch,
                         .version = head->version,
                         .timestamp = head->timestamp,
                         .tombstone = head->tombstone};

    memcpy(e.digest8, head->digest, sizeof(e.digest8));
    mc_entry_encode(b, &e);
}

/* Its stamp's digest may be known by eight bytes only. */
static void put_unread(struct mc_buf *b, const struct mc_agent *agent)
{
    struct mc_entry e = {0};
    struct mc_stamp stamp;
    size_t cursor = 0;

    while (mc_machine_next_unread(agent->machine, &cursor, &e.name, &stamp)) {
        e.epoch = stamp.epoch;
        e.version = stamp.version;
        e.timestamp = stamp.timestamp;
        memcpy(e.digest8, stamp.digest, sizeof(e.digest8));
        mc_entry_encode(b, &e);
    }
}

static int put_line(struct mc_agent *agent)
{
    struct mc_company *c = &agent->company;
    struct mc_agent_line line = {
        .active = is_active(agent), .counts = c->counts, .format = reads(agent)};
    struct mc_buf unread = {0};
    struct mc_buf b = {0};
    const struct mc_ring *ring;
    size_t cursor = 0;
    size_t at;
    bool news;
    int err;

    put_unread(&unread, agent);
    line.unread = (struct mc_bytes){unread.ptr, unread.len};
    (void)snprintf(line.host, sizeof(line.host), "%s", c->host);
    (void)snprintf(line.address, sizeof(line.address), "%s", agent->config.address);
    at = mc_agent_line_open(&b, &line);
    while ((ring = mc_agent_ring_next(agent, &cursor)) != NULL)
        put_entry(&b, ring);
    mc_agent_line_close(&b, at);
    err = unread.err != 0 ? unread.err : b.err;
    mc_buf_fini(&unread);
    if (err != 0) {
        mc_buf_fini(&b);
        return err;
    }
    news = !same_line((struct mc_bytes){b.ptr, b.len}, &c->line);
    err = news || !c->there ? MCOS_E_NOTFOUND
                            : c->roster->ops->keep(c->roster, agent->config.incarnation,
                                                   MC_COMPANY_LIVE_MS);
    if (err == MCOS_E_NOTFOUND)
        err = c->roster->ops->put(c->roster, agent->config.incarnation,
                                  (struct mc_bytes){b.ptr, b.len}, MC_COMPANY_LIVE_MS,
                                  news);
    mc_buf_fini(&c->line);
    c->line = b;
    if (err != 0)
        mc_buf_clear(&c->line); /* nobody knows what is there: tell it again */
    return err;
}

static void tell_machine(struct mc_agent *agent, bool others, uint8_t format,
                         size_t least)
{
    struct mc_event event = mc_agent_event(agent, MC_EV_COMPANY);

    event.u.company.others = others;
    event.u.company.format = format;
    event.u.company.least = agent->company.least;
    event.u.company.count = least;
    mc_agent_feed(agent, &event);
}

/*
 * Who speaks for the cluster and has lost the registry leaves the others without
 * anything to follow: another one may try, if the registry is there for it. Once in
 * each absence; when it is away for all of them the queues come back.
 */
static void yield_if_needed(struct mc_agent *agent, uint64_t now)
{
    struct mc_bus *bus = agent->ports.bus;
    struct mc_company *c = &agent->company;

    if (c->yielded || !c->had_others || now - c->well_ms < MC_COMPANY_YIELD_MS ||
        !is_active(agent) || bus->ops->yield == NULL)
        return;
    c->yielded = true;
    mc_agent_log(agent, MC_LOG_WARN,
                 "event=yielded msg=\"the registry is away: another agent of the "
                 "cluster may speak for it\"");
    bus->ops->yield(bus);
}

static void is_away(struct mc_agent *agent, uint64_t now)
{
    struct mc_company *c = &agent->company;

    c->away = true;
    yield_if_needed(agent, now);
    if (now - c->well_ms < MC_COMPANY_LIVE_MS)
        return;
    /* Our line is gone by now, and nobody's is known: each goes on alone. */
    c->counts = false;
    forget_others(c);
    tell_machine(agent, false, 0, 0);
}

static void look(struct mc_agent *agent, uint64_t now)
{
    struct mc_company *c = &agent->company;
    size_t least;
    bool others;

    if (c->least == NULL)
        c->least = calloc(MC_RINGS_MAX, sizeof(*c->least));
    if (c->least == NULL || read_others(agent) != 0) {
        is_away(agent, now);
        return;
    }
    take_unread(agent);
    others = count_those_that_count(c) > 0;
    least = find_least(c);
    if (now - c->well_ms >= MC_COMPANY_LIVE_MS)
        c->counts = false; /* stopped, or cut off: our line was gone */
    c->counts = c->counts || is_caught_up(agent, least);
    if (put_line(agent) != 0) {
        is_away(agent, now);
        return;
    }
    c->away = false;
    c->yielded = false;
    c->well_ms = mc_agent_now_ms(agent);
    if (is_active(agent))
        c->leader_ms = c->well_ms;
    for (size_t i = 0; i < c->count; i++)
        c->leader_ms = c->others[i].line.active ? c->well_ms : c->leader_ms;
    tell_machine(agent, others, format_of_others(c), has_unread(c) ? 0 : least);
}

static void take_letter(struct mc_agent *agent, struct mc_blob *take_letter)
{
    struct mc_event event = mc_agent_event(agent, MC_EV_RELAYED);

    event.u.relayed.bytes = mc_blob_get(take_letter);
    mc_agent_feed(agent, &event);
    mc_blob_unref(take_letter);
}

uint64_t mc_company_turn(struct mc_agent *agent, uint64_t now_ms)
{
    struct mc_company *c = &agent->company;
    struct mc_roster_event event = {0};

    if (c->roster == NULL)
        return UINT64_MAX;
    while (c->roster->ops->next(c->roster, &event) == 0) {
        if (event.kind == MC_ROSTER_LETTER && event.letter != NULL)
            take_letter(agent, event.letter);
        else
            c->changed = true;
    }
    if (c->was_active != is_active(agent))
        c->changed = true;
    c->was_active = is_active(agent);
    if (c->changed || now_ms >= c->turn_ms) {
        c->changed = false;
        look(agent, now_ms);
        c->turn_ms = now_ms + MC_COMPANY_TELL_MS;
    }
    return c->turn_ms;
}

void mc_company_pass(struct mc_agent *agent, struct mc_bytes letter)
{
    struct mc_company *c = &agent->company;

    if (c->roster != NULL && c->count > 0 && is_active(agent))
        c->roster->ops->pass(c->roster, letter);
}

void mc_company_leave(struct mc_agent *agent)
{
    struct mc_company *c = &agent->company;

    if (c->roster != NULL)
        c->roster->ops->drop(c->roster, agent->config.incarnation);
}

/* ---- for people ---- */

size_t mc_agent_fellow_count(const struct mc_agent *agent)
{
    return agent->company.roster == NULL ? 0 : agent->company.count + 1;
}

struct mc_agent_fellow mc_agent_fellow(const struct mc_agent *agent, size_t i)
{
    const struct mc_company *c = &agent->company;

    if (i == 0)
        return (struct mc_agent_fellow){.id = agent->config.incarnation,
                                        .self = true,
                                        .active = is_active(agent),
                                        .counts = c->counts,
                                        .host = c->host,
                                        .address = agent->config.address};
    return (struct mc_agent_fellow){.id = c->others[i - 1].id,
                                    .active = c->others[i - 1].line.active,
                                    .counts = c->others[i - 1].line.counts,
                                    .host = c->others[i - 1].line.host,
                                    .address = c->others[i - 1].line.address,
                                    .entries = c->others[i - 1].line.entries};
}

const char *mc_agent_company_trouble(const struct mc_agent *agent)
{
    const struct mc_company *c = &agent->company;
    uint64_t now = mc_agent_now_ms(agent);

    if (c->roster == NULL || is_active(agent))
        return "";
    if (c->away)
        return "another agent of this cluster speaks for it, and the registry that "
               "this "
               "one follows is away";
    if (now - c->leader_ms >= MC_COMPANY_LIVE_MS)
        return "no agent of this cluster is active on the bus";
    if (!c->counts)
        return "this agent has not caught up with the others of its cluster yet";
    return "";
}
