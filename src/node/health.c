/* SPDX-License-Identifier: Apache-2.0 */
/* node/health.c -- the verdict: ok, degraded, failing. */
#include "node/health.h"

#include "node/converge.h"

#include <stdarg.h>
#include <stdio.h>

#define REASONS_MAX 100u /* then the list ends; the verdict stands */

void mc_health_add(json_t *reasons, const char *fmt, ...)
{
    char text[384];
    va_list args;

    if (reasons == NULL || json_array_size(reasons) >= REASONS_MAX)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)json_array_append_new(reasons, json_string(text));
}

bool mc_health_ready(const struct mc_agent *agent, json_t *reasons)
{
    struct mc_machine_status st = mc_machine_status(mc_agent_machine(agent));

    if (!st.bus_up)
        mc_health_add(reasons, "the bus is away");
    if (st.mute)
        mc_health_add(reasons, "our own announcements do not come back from the bus");
    if (st.identity_lost)
        mc_health_add(reasons, "another cluster is alive under the name %s",
                      mc_agent_config(agent)->cluster.s);
    if (st.bus_up && mc_agent_company_trouble(agent)[0] != '\0')
        mc_health_add(reasons, "%s", mc_agent_company_trouble(agent));
    if (mc_agent_store_state(agent)[0] != '\0')
        mc_health_add(reasons, "the store refuses: %s", mc_agent_store_state(agent));
    return st.bus_up && !st.mute && !st.identity_lost &&
           mc_agent_company_trouble(agent)[0] == '\0' &&
           mc_agent_store_state(agent)[0] == '\0';
}

static void count_clusters(const struct mc_agent *agent, struct mc_health *health,
                           json_t *reasons)
{
    const struct mc_machine *machine = mc_agent_machine(agent);

    for (size_t i = 0; i < mc_machine_member_count(machine); i++) {
        struct mc_member m = mc_machine_member(machine, i);

        if (m.self || m.state == MC_MEMBER_ACTIVE) {
            health->clusters_active++;
            continue;
        }
        health->clusters_inactive++;
        mc_health_add(reasons, "cluster %s is INACTIVE: %s", m.name.s,
                      mc_member_reason(&m));
    }
}

/* True if all is well with the rings. */
static bool count_rings(const struct mc_agent *agent, struct mc_health *health,
                        json_t *reasons)
{
    const struct mc_ring *ring;
    size_t cursor = 0;
    struct mc_name name;
    struct mc_stamp stamp;
    char text[MC_STAMP_TEXT_MAX];
    bool well = true;

    while (mc_machine_next_unread(mc_agent_machine(agent), &cursor, &name, &stamp)) {
        mc_stamp_format(&stamp, text);
        mc_health_add(reasons,
                      "ring %s is at %s, in a format that this agent cannot read",
                      name.s, text);
        well = false;
    }
    cursor = 0;
    while ((ring = mc_agent_ring_next(agent, &cursor)) != NULL) {
        const struct mc_head *head = mc_ring_head(ring);
        struct mc_spread spread = mc_spread_of(agent, ring);
        size_t losers = mc_agent_loser_count(agent, head->name.s);
        bool everywhere = spread.active_have == spread.active;

        if (!everywhere)
            mc_health_add(reasons, "ring %s%s is on %zu of %zu ACTIVE clusters",
                          head->name.s, head->tombstone ? " (deleted)" : "",
                          spread.active_have, spread.active);
        if (losers > 0)
            mc_health_add(reasons, "ring %s has %zu unresolved %s", head->name.s,
                          losers, losers == 1 ? "conflict" : "conflicts");
        well = well && everywhere && losers == 0;
        health->rings += !head->tombstone;
        health->rings_converged += !head->tombstone && everywhere;
    }
    return well;
}

/* True if all is well, or if there is none. */
static bool check_registry(const struct mc_agent *agent, json_t *reasons)
{
    const char *trouble = mc_agent_registry_trouble(agent);

    if (trouble == NULL || trouble[0] == '\0')
        return true;
    mc_health_add(reasons, "the registry is degraded: %.180s", trouble);
    return false;
}

struct mc_health mc_health_of(const struct mc_agent *agent, json_t *reasons)
{
    struct mc_health health = {.verdict = MC_HEALTH_OK};
    bool ready = mc_health_ready(agent, reasons);
    bool registry_well = check_registry(agent, reasons);
    bool rings_well;

    count_clusters(agent, &health, reasons);
    rings_well = count_rings(agent, &health, reasons);
    if (health.clusters_inactive > 0 || !rings_well || !registry_well)
        health.verdict = MC_HEALTH_DEGRADED;
    if (!ready)
        health.verdict = MC_HEALTH_FAILING;
    return health;
}
