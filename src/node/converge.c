/* SPDX-License-Identifier: Apache-2.0 */
/* node/converge.c -- each cluster's last word on a ring, compared with ours. */
#include "node/converge.h"

#include "node/json_out.h"

#include <string.h>

static const struct mc_holding *find_holding(const struct mc_member *m,
                                             const char *name)
{
    size_t lo = 0;
    size_t hi = m->holding_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(m->holdings[mid].ring.s, name);

        if (order == 0)
            return &m->holdings[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

enum mc_has mc_member_has(const struct mc_member *member, const struct mc_ring *target,
                          const struct mc_holding **ret_holding)
{
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(target));
    const struct mc_holding *h;
    int order;

    h = find_holding(member, mc_ring_head(target)->name.s);
    *ret_holding = h;
    if (member->self && !member->shared)
        return MC_HAS_EQUAL; /* the target is what it holds */
    if (h == NULL)
        return member->inventory_known ? MC_HAS_NONE : MC_HAS_UNKNOWN;
    order = mc_stamp_cmp8(&stamp, &h->stamp);
    if (order == 0)
        return MC_HAS_EQUAL;
    if (stamp.epoch == h->stamp.epoch && stamp.version == h->stamp.version)
        return MC_HAS_CONFLICT;
    return order > 0 ? MC_HAS_BEHIND : MC_HAS_AHEAD;
}

struct mc_spread mc_spread_of(const struct mc_agent *agent,
                              const struct mc_ring *target)
{
    const struct mc_machine *machine = mc_agent_machine(agent);
    struct mc_spread spread = {0};

    for (size_t i = 0; i < mc_machine_member_count(machine); i++) {
        struct mc_member m = mc_machine_member(machine, i);
        const struct mc_holding *h;
        bool has = mc_member_has(&m, target, &h) == MC_HAS_EQUAL;

        spread.others += !m.self;
        if (m.state == MC_MEMBER_ACTIVE || m.self) {
            spread.active++;
            spread.active_have += has;
        } else {
            spread.inactive_pending += !has;
        }
    }
    return spread;
}

const char *mc_member_state_text(const struct mc_member *member)
{
    return member->self || member->state == MC_MEMBER_ACTIVE ? "ACTIVE" : "INACTIVE";
}

const char *mc_member_reason(const struct mc_member *member)
{
    if (member->self)
        return "";
    switch (member->state) {
    case MC_MEMBER_ACTIVE:
        return "";
    case MC_MEMBER_SILENT:
        return "silent";
    case MC_MEMBER_LEFT:
        return "left";
    }
    return "";
}

const char *mc_cluster_state(const struct mc_agent *agent, const char *cluster)
{
    const struct mc_machine *machine = mc_agent_machine(agent);
    size_t lo = 0;
    size_t hi = mc_machine_member_count(machine);

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        struct mc_member m = mc_machine_member(machine, mid);
        int order = strcmp(m.name.s, cluster);

        if (order == 0)
            return mc_member_state_text(&m);
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return "UNKNOWN";
}

uint64_t mc_wall_of(const struct mc_agent *agent, uint64_t ms)
{
    uint64_t now = mc_agent_now_ms(agent);
    uint64_t wall = mc_agent_wall_ns(agent);
    uint64_t ago = now > ms ? (now - ms) * 1000000u : 0;

    if (ms == 0)
        return 0;
    return wall > ago ? wall - ago : 1;
}

/* False if there is no telling: not kept here, or not within the budget. */
static bool find_harm(const struct mc_agent *agent, const struct mc_ring *target,
                      const struct mc_stamp *stamp, struct mc_harms *harms,
                      uint64_t *ret_harm)
{
    const struct mc_head *head = mc_ring_head(target);
    uint64_t key = mc_get_u64(stamp->digest) ^ mc_get_u64(head->digest);
    struct mc_harm *kept = &harms->list[key % MC_HARMS];
    struct mc_ring *old = NULL;

    if (kept->known && memcmp(kept->old8, stamp->digest, sizeof(kept->old8)) == 0 &&
        memcmp(kept->now, head->digest, sizeof(kept->now)) == 0) {
        *ret_harm = kept->harm;
        return true;
    }
    if (harms->budget == 0 ||
        mc_agent_record(agent, head->name.s, stamp->digest, &old) != 0)
        return false;
    harms->budget -=
        harms->budget < head->assignments ? harms->budget : head->assignments;
    *kept = (struct mc_harm){.known = true, .harm = mc_ring_divergence(old, target)};
    memcpy(kept->old8, stamp->digest, sizeof(kept->old8));
    memcpy(kept->now, head->digest, sizeof(kept->now));
    mc_ring_unref(old);
    *ret_harm = kept->harm;
    return true;
}

/* Which share of replicas its version places elsewhere; null if it is not kept here. */
static json_t *divergence(const struct mc_agent *agent, const struct mc_ring *target,
                          enum mc_has has, const struct mc_holding *h,
                          struct mc_harms *harms)
{
    const struct mc_head *head = mc_ring_head(target);
    uint64_t harm;

    if (has == MC_HAS_EQUAL)
        return json_real(0.0);
    if (h == NULL || head->assignments == 0 || has == MC_HAS_AHEAD ||
        !find_harm(agent, target, &h->stamp, harms, &harm))
        return json_null();
    return json_real((double)harm / (double)head->assignments);
}

static json_t *json_holder(const struct mc_agent *agent, const struct mc_ring *target,
                           const struct mc_member *m, struct mc_harms *harms)
{
    static const char *const relations[] = {
        [MC_HAS_EQUAL] = "equal", [MC_HAS_BEHIND] = "behind",
        [MC_HAS_AHEAD] = "ahead", [MC_HAS_CONFLICT] = "conflict",
        [MC_HAS_NONE] = "none",   [MC_HAS_UNKNOWN] = "unknown",
    };
    const struct mc_holding *h;
    enum mc_has has = mc_member_has(m, target, &h);
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(target));
    char text[MC_STAMP_TEXT_MAX];
    json_t *o = json_object();
    bool known = h != NULL || (m->self && !m->shared);

    if (h != NULL && (!m->self || m->shared))
        stamp = h->stamp;
    mc_stamp_format(&stamp, text);
    mc_json_put_text(o, "cluster", m->name.s);
    mc_json_put_text(o, "state", mc_member_state_text(m));
    mc_json_put_text(o, "reason", mc_member_reason(m));
    mc_json_put_bool(o, "has", has == MC_HAS_EQUAL);
    mc_json_put_bool(o, "too_old",
                     m->format != 0 && m->format < mc_ring_head(target)->format);
    mc_json_put_text(o, "relation", relations[has]);
    (void)json_object_set_new(o, "stamp", known ? json_string(text) : json_null());
    (void)json_object_set_new(
        o, "version", known ? json_integer((json_int_t)stamp.version) : json_null());
    (void)json_object_set_new(o, "divergence",
                              divergence(agent, target, has, h, harms));
    mc_json_put_time(o, "since", h == NULL ? 0 : mc_wall_of(agent, h->since_ms));
    return o;
}

json_t *mc_json_convergence(const struct mc_agent *agent, const struct mc_ring *target,
                            struct mc_harms *harms)
{
    const struct mc_machine *machine = mc_agent_machine(agent);
    const struct mc_head *head = mc_ring_head(target);
    struct mc_spread spread = mc_spread_of(agent, target);
    json_t *o = json_object();
    json_t *active = json_object();
    json_t *pending = json_array();
    json_t *clusters = json_array();
    const char *state = "converging";

    if (spread.others == 0)
        state = "alone";
    else if (spread.active_have == spread.active)
        state = "converged";
    for (size_t i = 0; i < mc_machine_member_count(machine); i++) {
        struct mc_member m = mc_machine_member(machine, i);
        const struct mc_holding *h;

        if (mc_member_has(&m, target, &h) != MC_HAS_EQUAL &&
            m.state != MC_MEMBER_ACTIVE)
            (void)json_array_append_new(pending, json_string(m.name.s));
        (void)json_array_append_new(clusters, json_holder(agent, target, &m, harms));
    }
    mc_json_put_text(o, "ring", head->name.s);
    mc_json_put_stamp(o, head);
    mc_json_put_bool(o, "deleted", head->tombstone);
    mc_json_put_text(o, "state", state);
    mc_json_put_int(active, "have", spread.active_have);
    mc_json_put_int(active, "of", spread.active);
    (void)json_object_set_new(o, "active", active);
    (void)json_object_set_new(o, "inactive_pending", pending);
    mc_json_put_int(o, "conflicts", mc_agent_loser_count(agent, head->name.s));
    (void)json_object_set_new(o, "clusters", clusters);
    return o;
}
