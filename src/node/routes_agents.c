/* SPDX-License-Identifier: Apache-2.0 */
/* node/routes_agents.c -- the agents of this cluster, and what each holds. */
#include "node/json_out.h"
#include "node/routes_state.h"
#include "sync/wire_talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_hold(json_t *list, const char *ring, const struct mc_stamp *stamp)
{
    char text[MC_STAMP_TEXT_MAX];
    json_t *o = json_object();

    mc_stamp_format(stamp, text);
    mc_json_put_text(o, "ring", ring);
    mc_json_put_text(o, "stamp", text);
    (void)json_array_append_new(list, o);
}

/* What another agent holds; `equal` counts what is as ours. */
static json_t *holds_of(const struct mc_agent *agent, struct mc_bytes entries,
                        uint64_t *ret_equal)
{
    struct mc_reader r = mc_reader_init(entries);
    json_t *list = json_array();
    struct mc_entry e;

    while (mc_entry_decode(&r, &e)) {
        const struct mc_ring *held = mc_agent_ring_find(agent, e.name.s);
        struct mc_stamp stamp = {
            .epoch = e.epoch, .version = e.version, .timestamp = e.timestamp};

        memcpy(stamp.digest, e.digest8, sizeof(e.digest8));
        put_hold(list, e.name.s, &stamp);
        *ret_equal +=
            held != NULL && memcmp(mc_ring_head(held)->digest, e.digest8, 8) == 0;
    }
    return list;
}

static json_t *our_holds(const struct mc_agent *agent, uint64_t *ret_equal)
{
    json_t *list = json_array();
    const struct mc_ring *ring;
    size_t cursor = 0;

    while ((ring = mc_agent_ring_next(agent, &cursor)) != NULL) {
        struct mc_stamp stamp = mc_stamp_of(mc_ring_head(ring));

        put_hold(list, mc_ring_head(ring)->name.s, &stamp);
        ++*ret_equal;
    }
    return list;
}

static json_t *json_agent(const struct mc_agent *agent, const struct mc_agent_fellow *f,
                          bool holds)
{
    json_t *o = json_object();
    uint64_t equal = 0;
    json_t *list =
        f->self ? our_holds(agent, &equal) : holds_of(agent, f->entries, &equal);
    char id[17];

    (void)snprintf(id, sizeof(id), "%016" PRIx64, f->id);
    mc_json_put_text(o, "agent", id);
    mc_json_put_bool(o, "self", f->self);
    mc_json_put_text(o, "role", f->active ? "active" : "following");
    mc_json_put_bool(o, "counts", f->counts);
    mc_json_put_text(o, "host", f->host);
    mc_json_put_text(o, "address", f->address);
    mc_json_put_int(o, "rings", json_array_size(list));
    mc_json_put_int(o, "rings_equal", equal);
    if (holds)
        (void)json_object_set_new(o, "holds", list);
    else
        json_decref(list);
    return o;
}

json_t *mc_json_agents(const struct mc_agent *agent, bool holds)
{
    json_t *list = json_array();

    for (size_t i = 0; i < mc_agent_fellow_count(agent); i++) {
        struct mc_agent_fellow f = mc_agent_fellow(agent, i);

        (void)json_array_append_new(list, json_agent(agent, &f, holds));
    }
    return list;
}

void mc_get_agents(struct mc_call *call)
{
    json_t *doc = json_object();

    (void)json_object_set_new(doc, "agents", mc_json_agents(call->agent, true));
    mc_json_answer(call->response, 200, doc);
}
