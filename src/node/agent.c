/* SPDX-License-Identifier: Apache-2.0 */
/* node/agent.c -- an agent's life: start, turn, stop, and what it can tell. */
#include "node/agent.h"

#include "node/agent_state.h"
#include "node/clusters.h"
#include "node/converge.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_PER_TURN 256u  /* then the loop gets a turn of its own, */
#define TURN_MS         20u   /* or after this time: a record may take long to store */
#define CONFIRM_MS      1000u /* at most so often resolvers are told */
#define MEMBERS_SAVE_MS                                                                \
    1000u /* the clusters file is written once in this time at most */

void mc_agent_log(struct mc_agent *agent, enum mc_log_level level, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    agent->ports.log->line(agent->ports.log, level, text);
}

const char *mc_agent_store_trouble(const struct mc_agent *agent, int err)
{
    const struct mc_store *store = agent->ports.store;
    const char *text = store->ops->trouble == NULL ? "" : store->ops->trouble(store);

    return text[0] == '\0' ? mcos_err_text(err) : text;
}

/* ---- slots ---- */

/* Where the name's slot is, or would be. */
static bool find_place(const struct mc_agent *agent, const char *name, size_t *ret_at)
{
    return mc_name_place(agent->slots, agent->slot_count, sizeof(*agent->slots), name,
                         ret_at);
}

struct mc_slot *mc_agent_slot(struct mc_agent *agent, const char *name, bool make)
{
    struct mc_stamp *losers;
    struct mc_slot *slot;
    size_t at;
    bool named;

    if (find_place(agent, name, &at))
        return &agent->slots[at];
    if (!make)
        return NULL;
    if (agent->slot_count == agent->slot_cap) {
        size_t cap = agent->slot_cap == 0 ? 16 : 2 * agent->slot_cap;
        struct mc_slot *grown = realloc(agent->slots, cap * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        agent->slots = grown;
        agent->slot_cap = cap;
    }
    losers = calloc(MC_LOSERS_MAX, sizeof(*losers));
    if (losers == NULL)
        return NULL;
    slot = &agent->slots[at];
    memmove(slot + 1, slot, (agent->slot_count - at) * sizeof(*slot));
    *slot = (struct mc_slot){0};
    slot->losers = losers;
    named = mc_name_set(&slot->name, name);
    assert(named); /* a ring's name was checked when it was decoded */
    (void)named;
    agent->slot_count++;
    return slot;
}

/* ---- start ---- */

static int hold_ring(struct mc_agent *agent, const struct mc_name *name,
                     struct mcos_diag *diag)
{
    struct mc_store *store = agent->ports.store;
    struct mc_ring *losers[MC_LOSERS_MAX];
    size_t loser_count = 0;
    struct mc_ring *ring = NULL;
    struct mc_slot *slot;
    int err = store->ops->get(store, name, &ring);

    if (err == MCOS_E_UPGRADE) /* too new; the others may send one that is not */
        return mc_agent_note_unread(agent, name);
    if (err == MCOS_E_NOTFOUND)
        return 0; /* damaged beyond repair: the others will send it */
    if (err != 0)
        return mcos_diag_set(diag, err, name->s, "the store cannot read this ring");
    slot = mc_agent_slot(agent, name->s, true);
    if (slot == NULL) {
        mc_ring_unref(ring);
        return MCOS_E_NOMEM;
    }
    slot->held = ring;
    slot->looked_ms = mc_agent_now_ms(agent);
    err =
        mc_machine_hold(agent->machine, ring, false, mc_ring_head(ring)->record_bytes);
    if (err == 0)
        err = mc_agent_note_unread(agent, name);
    if (err == 0)
        err = store->ops->losers(store, name, losers, &loser_count);
    for (size_t i = 0; i < loser_count; i++) {
        if (err == 0)
            err = mc_machine_hold(agent->machine, losers[i], true,
                                  mc_ring_head(losers[i])->record_bytes);
        slot->losers[i] = mc_stamp_of(mc_ring_head(losers[i]));
        mc_ring_unref(losers[i]);
    }
    slot->loser_count = loser_count;
    return err;
}

static int load(struct mc_agent *agent, struct mcos_diag *diag)
{
    struct mc_store *store = agent->ports.store;
    struct mc_name *names = NULL;
    struct mc_blob *text = NULL;
    size_t count = 0;
    int err = store->ops->list(store, &names, &count);

    if (err != 0)
        return mcos_diag_set(diag, err, "", "the store cannot list its rings");
    for (size_t i = 0; err == 0 && i < count; i++)
        err = hold_ring(agent, &names[i], diag);
    free(names);
    if (err == 0 && store->ops->load_clusters(store, &text) == 0) {
        (void)mc_clusters_parse(mc_blob_get(text), &agent->config.cluster,
                                agent->machine);
        mc_blob_unref(text);
    }
    return err;
}

int mc_agent_new(const struct mc_machine_config *config,
                 const struct mc_agent_ports *ports, struct mc_agent **ret_agent,
                 struct mcos_diag *diag)
{
    struct mc_agent *agent = calloc(1, sizeof(*agent));
    struct mc_event start;
    int err;

    if (agent == NULL)
        return MCOS_E_NOMEM;
    agent->config = *config;
    agent->ports = *ports;
    agent->next_token = 1;
    agent->wake_ms = UINT64_MAX;
    agent->read_ms = UINT64_MAX;
    err = mc_machine_new(config, &agent->machine);
    if (err == 0)
        err = load(agent, diag);
    if (err != 0) {
        mc_agent_free(agent);
        return err;
    }
    mc_keeper_init(agent, ports->cache);
    mc_company_init(agent, ports->roster, ports->host);
    start = mc_agent_event(agent, MC_EV_START);
    mc_agent_feed(agent, &start);
    *ret_agent = agent;
    return 0;
}

void mc_agent_free(struct mc_agent *agent)
{
    if (agent == NULL)
        return;
    for (size_t i = 0; i < agent->slot_count; i++) {
        mc_ring_unref(agent->slots[i].held);
        mc_ring_unref(agent->slots[i].staged);
        free(agent->slots[i].losers);
    }
    for (size_t i = 0; i < agent->letter_count; i++)
        mc_blob_unref(agent->letters[i].body);
    mc_company_fini(agent);
    mc_machine_free(agent->machine);
    mc_buf_fini(&agent->packed);
    mc_buf_fini(&agent->letter_buf);
    free(agent->slots);
    free(agent->letters);
    free(agent->pending);
    free(agent);
}

/* ---- turn ---- */

struct mc_event mc_agent_event(struct mc_agent *agent, enum mc_event_kind kind)
{
    struct mc_clock *clock = agent->ports.clock;

    return (struct mc_event){
        .now_ms = clock->now_ms(clock), .wall_ns = clock->wall_ns(clock), .kind = kind};
}

/*
 * What the store holds is said as it is at this moment: of two answers in a row
 * about one ring the later has replaced what the earlier saw.
 */
static void step(struct mc_agent *agent, struct mc_event *event)
{
    bool store = event->kind == MC_EV_HELD ||
                 (event->kind == MC_EV_STORED && event->u.stored.err == 0);
    const struct mc_slot *slot =
        store ? mc_agent_slot(agent, event->u.stored.ring.s, false) : NULL;

    if (slot != NULL) {
        event->u.stored.held = slot->staged != NULL ? slot->staged : slot->held;
        event->u.stored.losers = slot->losers;
        event->u.stored.loser_count = slot->loser_count;
    }
    mc_agent_carry_out(agent, mc_machine_step(agent->machine, event));
}

void mc_agent_feed(struct mc_agent *agent, const struct mc_event *event)
{
    struct mc_event first = *event;

    assert(!agent->feeding); /* a step's effects are lent until the next */
    agent->feeding = true;
    step(agent, &first);
    /* A step's effects may bring answers, these more: first come, first served. */
    for (size_t i = 0; i < agent->pending_count; i++) {
        struct mc_event next = agent->pending[i];
        struct mc_event now = mc_agent_event(agent, next.kind);

        next.now_ms = now.now_ms;
        next.wall_ns = now.wall_ns;
        step(agent, &next);
    }
    agent->pending_count = 0;
    agent->feeding = false;
}

/* Room for one more letter, before it is taken. */
static bool letter_room(struct mc_agent *agent)
{
    size_t cap = agent->letter_cap == 0 ? 16 : 2 * agent->letter_cap;
    struct mc_letter *grown;

    if (agent->letter_count < agent->letter_cap)
        return true;
    grown = realloc(agent->letters, cap * sizeof(*grown));
    if (grown == NULL)
        return false;
    agent->letters = grown;
    agent->letter_cap = cap;
    return true;
}

static void on_message(struct mc_agent *agent, struct mc_bus_event *in)
{
    struct mc_event event = mc_agent_event(agent, MC_EV_MESSAGE);

    event.u.message.delivery = in->delivery;
    event.u.message.records = in->queue == MC_QUEUE_RECORDS;
    event.u.message.own = in->own;
    event.u.message.sequence = in->head.sequence;
    if (in->body != NULL && !letter_room(agent)) {
        /* Lost, as a letter may be: announcements bring its record again. */
        mc_blob_unref(in->body);
        agent->ports.bus->ops->ack(agent->ports.bus, in->delivery);
        return;
    }
    if (in->body != NULL) {
        event.u.message.bytes = mc_blob_get(in->body);
        agent->letters[agent->letter_count++] =
            (struct mc_letter){in->delivery, in->body};
        if (in->queue == MC_QUEUE_TALK)
            mc_company_pass(agent, event.u.message.bytes);
    }
    mc_agent_feed(agent, &event);
}

static void on_bus_event(struct mc_agent *agent, struct mc_bus_event *in)
{
    struct mc_event event;

    switch (in->kind) {
    case MC_BUS_UP:
    case MC_BUS_DOWN:
        event = mc_agent_event(agent, MC_EV_BUS);
        event.u.bus.up = in->kind == MC_BUS_UP;
        event.u.bus.fresh = in->fresh_queue;
        event.u.bus.err = in->err;
        mc_agent_feed(agent, &event);
        break;
    case MC_BUS_CONFIRM:
        event = mc_agent_event(agent, MC_EV_SENT);
        event.u.sent.token = in->token;
        event.u.sent.err = in->err;
        mc_agent_feed(agent, &event);
        break;
    case MC_BUS_MESSAGE:
        on_message(agent, in);
        break;
    }
}

static void save_members(struct mc_agent *agent, uint64_t now)
{
    struct mc_store *store = agent->ports.store;
    struct mc_buf text = {0};
    int err;

    mc_clusters_format(agent->machine, &text);
    err = text.err;
    if (err == 0)
        err = store->ops->save_clusters(store, (struct mc_bytes){text.ptr, text.len});
    mc_agent_store_said(agent, err);
    agent->members_dirty = err != 0;
    agent->members_saved_ms = now;
    mc_buf_fini(&text);
}

/* For resolvers, which cannot ask the machine. */
static void tell_confirmed(struct mc_agent *agent, uint64_t now)
{
    struct mc_store *store = agent->ports.store;
    uint64_t confirmed_ms;

    if (store->ops->confirm == NULL || now - agent->confirm_looked_ms < CONFIRM_MS)
        return;
    agent->confirm_looked_ms = now;
    confirmed_ms = mc_machine_status(agent->machine).confirmed_ms;
    if (confirmed_ms == agent->confirmed_ms)
        return;
    agent->confirmed_ms = confirmed_ms;
    store->ops->confirm(store, mc_wall_of(agent, confirmed_ms));
}

uint64_t mc_agent_turn(struct mc_agent *agent)
{
    struct mc_bus *bus = agent->ports.bus;
    uint64_t now = mc_agent_now_ms(agent);
    uint64_t wait_ms = 0;
    uint64_t company_ms;
    uint64_t cache_ms;
    uint64_t due;
    bool full = false; /* more may be waiting: others get a turn first */
    unsigned count;

    for (count = 0; count < EVENTS_PER_TURN && !full; count++) {
        struct mc_bus_event in = {0};

        if (bus->ops->next(bus, &in, &wait_ms) != 0)
            break;
        on_bus_event(agent, &in);
        full = mc_agent_now_ms(agent) - now >= TURN_MS;
    }
    full = full || count == EVENTS_PER_TURN;
    now = mc_agent_now_ms(agent);
    if (now >= agent->wake_ms) {
        struct mc_event wake = mc_agent_event(agent, MC_EV_WAKE);

        agent->wake_ms = UINT64_MAX;
        mc_agent_feed(agent, &wake);
        wait_ms = 0; /* what was sent just now may be answered at once */
    }
    if (agent->members_dirty && now - agent->members_saved_ms >= MEMBERS_SAVE_MS)
        save_members(agent, now);
    tell_confirmed(agent, now);
    due = mc_agent_care(agent, now);
    company_ms = mc_company_turn(agent, now);
    cache_ms = mc_keeper_turn(agent, now);
    if (full)
        return now;
    if (due > agent->wake_ms)
        due = agent->wake_ms;
    if (due > cache_ms)
        due = cache_ms;
    if (due > company_ms)
        due = company_ms;
    if (agent->members_dirty && due > agent->members_saved_ms + MEMBERS_SAVE_MS)
        due = agent->members_saved_ms + MEMBERS_SAVE_MS;
    if (wait_ms != UINT64_MAX && due > now + wait_ms)
        due = now + wait_ms;
    return due;
}

void mc_agent_stop(struct mc_agent *agent)
{
    struct mc_event stop = mc_agent_event(agent, MC_EV_STOP);
    struct mc_bus_event in = {0};
    uint64_t wait_ms = 0;

    if (agent->stopped)
        return;
    agent->stopped = true;
    mc_agent_feed(agent, &stop);
    /* Lets the bus write what it was just given. Messages stay for the next start. */
    if (agent->ports.bus->ops->next(agent->ports.bus, &in, &wait_ms) == 0)
        mc_blob_unref(in.body);
    mc_company_leave(agent);
    save_members(agent, mc_agent_now_ms(agent));
}

/* ---- what it can tell ---- */

const struct mc_ring *mc_agent_ring_next(const struct mc_agent *agent, size_t *cursor)
{
    while (*cursor < agent->slot_count) {
        const struct mc_ring *held = agent->slots[(*cursor)++].held;

        if (held != NULL)
            return held;
    }
    return NULL;
}

static const struct mc_slot *find_slot(const struct mc_agent *agent, const char *name)
{
    size_t at;

    return find_place(agent, name, &at) ? &agent->slots[at] : NULL;
}

const struct mc_ring *mc_agent_ring_find(const struct mc_agent *agent, const char *name)
{
    const struct mc_slot *slot = find_slot(agent, name);

    return slot == NULL ? NULL : slot->held;
}

size_t mc_agent_loser_count(const struct mc_agent *agent, const char *name)
{
    const struct mc_slot *slot = find_slot(agent, name);

    return slot == NULL ? 0 : slot->loser_count;
}

bool mc_agent_loser(const struct mc_agent *agent, const char *name, size_t i,
                    struct mc_stamp *ret_stamp)
{
    const struct mc_slot *slot = find_slot(agent, name);

    if (slot == NULL || i >= slot->loser_count)
        return false;
    *ret_stamp = slot->losers[i];
    return true;
}

int mc_agent_record(const struct mc_agent *agent, const char *name,
                    const uint8_t digest8[8], struct mc_ring **ret_ring)
{
    struct mc_store *store = agent->ports.store;
    struct mc_name key;

    if (!mc_name_set(&key, name))
        return MCOS_E_NAME;
    return store->ops->get_digest(store, &key, digest8, ret_ring);
}

const struct mc_machine *mc_agent_machine(const struct mc_agent *agent)
{
    return agent->machine;
}

const char *mc_agent_cache_state(const struct mc_agent *agent)
{
    return mc_keeper_state(&agent->keeper);
}

const char *mc_agent_registry_trouble(const struct mc_agent *agent)
{
    const struct mc_store *store = agent->ports.store;

    return store->ops->degraded == NULL ? NULL : store->ops->degraded(store);
}

uint64_t mc_agent_now_ms(const struct mc_agent *agent)
{
    return agent->ports.clock->now_ms(agent->ports.clock);
}

uint64_t mc_agent_wall_ns(const struct mc_agent *agent)
{
    return agent->ports.clock->wall_ns(agent->ports.clock);
}

const struct mc_machine_config *mc_agent_config(const struct mc_agent *agent)
{
    return &agent->config;
}
