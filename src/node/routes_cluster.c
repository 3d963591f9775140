/* SPDX-License-Identifier: Apache-2.0 */
/* node/routes_cluster.c -- who is there, who holds what, is all well. */
#include "node/converge.h"
#include "node/health.h"
#include "node/json_out.h"
#include "node/routes_state.h"

/* ---- clusters ---- */

static void count_rings(const struct mc_call *call, const struct mc_member *m,
                        uint64_t *ret_rings, uint64_t *ret_equal)
{
    const struct mc_ring *ring;
    size_t cursor = 0;
    uint64_t count = 0;

    *ret_equal = 0;
    while ((ring = mc_agent_ring_next(call->agent, &cursor)) != NULL) {
        const struct mc_holding *h;

        count++;
        *ret_equal += mc_member_has(m, ring, &h) == MC_HAS_EQUAL;
    }
    *ret_rings = m->self ? count : m->holding_count;
}

static json_t *json_cluster(const struct mc_call *call, const struct mc_member *m)
{
    json_t *o = json_object();
    uint64_t now = mc_agent_now_ms(call->agent);
    uint64_t heard = m->self ? now : m->heard_ms;
    uint64_t rings;
    uint64_t equal;

    count_rings(call, m, &rings, &equal);
    mc_json_put_text(o, "cluster", m->name.s);
    mc_json_put_bool(o, "self", m->self);
    mc_json_put_hex(o, "uid", m->uid, MC_UID_BYTES);
    mc_json_put_text(o, "state", mc_member_state_text(m));
    mc_json_put_text(o, "reason", mc_member_reason(m));
    mc_json_put_text(o, "region", m->region.s);
    mc_json_put_text(o, "zone", m->zone.s);
    mc_json_put_text(o, "address", m->address);
    mc_json_put_time(o, "heard",
                     m->self ? mc_agent_wall_ns(call->agent)
                             : mc_wall_of(call->agent, heard));
    (void)json_object_set_new(o, "age",
                              m->self || heard != 0
                                  ? json_real((double)(now - heard) / 1000.0)
                                  : json_null());
    mc_json_put_real(o, "interval", m->interval_ms / 1000.0);
    (void)json_object_set_new(
        o, "clock_offset",
        m->self || heard != 0 ? json_real((double)m->clock_ms / 1000.0) : json_null());
    mc_json_put_int(o, "protocol", m->protocol);
    mc_json_put_int(o, "format", m->format);
    mc_json_put_text(o, "program", m->program);
    mc_json_put_text(o, "announce",
                     m->announce == MC_ANNOUNCE_FULL ? "full" : "digest");
    mc_json_put_int(o, "rings", rings);
    mc_json_put_int(o, "rings_equal", equal);
    return o;
}

void mc_get_clusters(struct mc_call *call)
{
    const struct mc_machine *machine = mc_agent_machine(call->agent);
    json_t *doc = json_object();
    json_t *list = json_array();

    for (size_t i = 0; i < mc_machine_member_count(machine); i++) {
        struct mc_member m = mc_machine_member(machine, i);

        (void)json_array_append_new(list, json_cluster(call, &m));
    }
    (void)json_object_set_new(doc, "clusters", list);
    (void)json_object_set_new(doc, "agents", mc_json_agents(call->agent, false));
    mc_json_put_time(doc, "confirmed",
                     mc_wall_of(call->agent, mc_machine_status(machine).confirmed_ms));
    mc_json_answer(call->response, 200, doc);
}

/* ---- convergence ---- */

void mc_get_ring_convergence(struct mc_call *call)
{
    const struct mc_ring *ring = mc_call_ring(call);

    if (ring != NULL)
        mc_json_answer(call->response, 200,
                       mc_json_convergence(call->agent, ring, &call->routes->harms));
}

void mc_get_convergence(struct mc_call *call)
{
    json_t *doc = json_object();
    json_t *list = json_array();
    const struct mc_ring *ring;
    size_t cursor = 0;

    while ((ring = mc_agent_ring_next(call->agent, &cursor)) != NULL)
        (void)json_array_append_new(
            list, mc_json_convergence(call->agent, ring, &call->routes->harms));
    (void)json_object_set_new(doc, "rings", list);
    mc_json_answer(call->response, 200, doc);
}

/* ---- status ---- */

static const char *registry_state(const struct mc_agent *agent)
{
    const char *trouble = mc_agent_registry_trouble(agent);

    if (trouble == NULL)
        return "none";
    return trouble[0] == '\0' ? "up" : "degraded";
}

/* What is written now, and who keeps it from being what we could write. */
static json_t *json_format(const struct mc_machine *machine)
{
    json_t *o = json_object();
    json_t *waiting = json_array();
    unsigned reads = mc_format_max;

    for (size_t i = 0; i < mc_machine_member_count(machine); i++) {
        struct mc_member m = mc_machine_member(machine, i);

        if (m.state == MC_MEMBER_ACTIVE && m.format < reads)
            (void)json_array_append_new(waiting, json_string(m.name.s));
    }
    mc_json_put_int(o, "reads", reads);
    mc_json_put_int(o, "writes", mc_machine_mint_format(machine));
    (void)json_object_set_new(o, "waiting_for", waiting);
    return o;
}

/* "none", "up", "degraded": then the reasons say why, and the verdict is not ok. */
static const char *swift_state(const struct mc_call *call, json_t *reasons,
                               enum mc_verdict_kind *verdict)
{
    const struct mc_routes_config *config = &call->routes->config;
    const char *trouble;
    size_t i = 0;

    if (config->swift_trouble == NULL)
        return "none";
    for (; (trouble = config->swift_trouble(config->swift_ctx, i)) != NULL; i++)
        mc_health_add(reasons, "%s", trouble);
    if (i > 0 && *verdict == MC_HEALTH_OK)
        *verdict = MC_HEALTH_DEGRADED;
    return i > 0 ? "degraded" : "up";
}

void mc_get_status(struct mc_call *call)
{
    static const char *const verdicts[] = {[MC_HEALTH_OK] = "ok",
                                           [MC_HEALTH_DEGRADED] = "degraded",
                                           [MC_HEALTH_FAILING] = "failing"};
    const struct mc_machine_config *config = mc_agent_config(call->agent);
    struct mc_machine_status st = mc_machine_status(mc_agent_machine(call->agent));
    json_t *doc = json_object();
    json_t *reasons = json_array();
    json_t *clusters = json_object();
    struct mc_health health = mc_health_of(call->agent, reasons);
    const char *swift = swift_state(call, reasons, &health.verdict);

    mc_json_put_text(doc, "cluster", config->cluster.s);
    mc_json_put_text(doc, "version", mc_program_version);
    (void)json_object_set_new(doc, "format",
                              json_format(mc_agent_machine(call->agent)));
    mc_json_put_text(doc, "system", call->routes->system);
    mc_json_put_text(doc, "verdict", verdicts[health.verdict]);
    (void)json_object_set_new(doc, "reasons", reasons);
    mc_json_put_int(clusters, "active", health.clusters_active);
    mc_json_put_int(clusters, "inactive", health.clusters_inactive);
    (void)json_object_set_new(doc, "clusters", clusters);
    mc_json_put_int(doc, "rings", health.rings);
    mc_json_put_int(doc, "rings_converged", health.rings_converged);
    mc_json_put_text(doc, "bus", st.bus_up ? "up" : "down");
    mc_json_put_text(doc, "registry", registry_state(call->agent));
    mc_json_put_text(doc, "cache", mc_agent_cache_state(call->agent));
    mc_json_put_text(doc, "swift", swift);
    mc_json_put_text(doc, "role", st.following ? "following" : "active");
    (void)json_object_set_new(doc, "agents", mc_json_agents(call->agent, false));
    mc_json_put_bool(doc, "mute", st.mute);
    mc_json_put_bool(doc, "listening", st.listening);
    mc_json_put_int(doc, "undistributed", st.undistributed);
    mc_json_put_real(doc, "clock_offset", (double)st.clock_offset_ms / 1000.0);
    mc_json_put_text(doc, "announce",
                     st.announce == MC_ANNOUNCE_FULL ? "full" : "digest");
    mc_json_put_real(doc, "announce_interval", config->announce_interval_ms / 1000.0);
    mc_json_put_time(doc, "confirmed", mc_wall_of(call->agent, st.confirmed_ms));
    mc_json_answer(call->response, 200, doc);
}

void mc_get_livez(struct mc_call *call)
{
    json_t *doc = json_object();

    mc_json_put_bool(doc, "alive", true);
    mc_json_answer(call->response, 200, doc);
}

void mc_get_readyz(struct mc_call *call)
{
    json_t *doc = json_object();
    json_t *reasons = json_array();
    bool ready = mc_health_ready(call->agent, reasons);

    mc_json_put_bool(doc, "ready", ready);
    (void)json_object_set_new(doc, "reasons", reasons);
    if (!ready)
        call->response->retry_after_s = 5;
    mc_json_answer(call->response, ready ? 200 : 503, doc);
}
