/* SPDX-License-Identifier: Apache-2.0 */
/* test/fake/agent.c -- see agent.h. */
#include "agent.h"

#include <assert.h>
#include <string.h>

void fake_agent_init(struct mc_agent *agent)
{
    *agent = (struct mc_agent){.now_ms = 1000000, .wall_ns = 1767348000000000000ull};
    (void)mc_name_set(&agent->config.cluster, "eu-west");
    agent->cache = "none";
    agent->config.announce_interval_ms = 10000;
    agent->machine.status.bus_up = true;
    agent->machine.status.announce = MC_ANNOUNCE_FULL;
    agent->machine.members[0] = (struct mc_member){.name = agent->config.cluster,
                                                   .state = MC_MEMBER_ACTIVE,
                                                   .self = true,
                                                   .inventory_known = true,
                                                   .interval_ms = 10000};
    agent->machine.member_count = 1;
}

void fake_agent_fini(struct mc_agent *agent)
{
    for (size_t i = 0; i < agent->record_count; i++)
        mc_ring_unref(agent->records[i]);
}

/* ---- agent ---- */

static size_t find(const struct mc_agent *agent, const char *name)
{
    size_t i = 0;

    while (i < agent->ring_count &&
           strcmp(mc_ring_head(agent->rings[i])->name.s, name) != 0)
        i++;
    return i;
}

const char *mc_agent_registry_trouble(const struct mc_agent *agent)
{
    return agent->registry;
}

const char *mc_agent_cache_state(const struct mc_agent *agent)
{
    return agent->cache;
}

const struct mc_ring *mc_agent_ring_next(const struct mc_agent *agent, size_t *cursor)
{
    return *cursor < agent->ring_count ? agent->rings[(*cursor)++] : NULL;
}

const struct mc_ring *mc_agent_ring_find(const struct mc_agent *agent, const char *name)
{
    size_t i = find(agent, name);

    return i == agent->ring_count ? NULL : agent->rings[i];
}

size_t mc_agent_loser_count(const struct mc_agent *agent, const char *name)
{
    (void)name;
    return agent->losers;
}

bool mc_agent_loser(const struct mc_agent *agent, const char *name, size_t i,
                    struct mc_stamp *ret_stamp)
{
    (void)name;
    if (i >= agent->losers || i >= agent->record_count)
        return false;
    *ret_stamp = mc_stamp_of(mc_ring_head(agent->records[i]));
    return true;
}

int mc_agent_record(const struct mc_agent *agent, const char *name,
                    const uint8_t digest8[8], struct mc_ring **ret_ring)
{
    if (agent->opens != NULL)
        ++*agent->opens;
    for (size_t i = 0; i < agent->record_count; i++) {
        const struct mc_head *head = mc_ring_head(agent->records[i]);

        if (strcmp(head->name.s, name) == 0 && memcmp(head->digest, digest8, 8) == 0) {
            *ret_ring = mc_ring_ref(agent->records[i]);
            return 0;
        }
    }
    return MCOS_E_GONE;
}

const struct mc_machine *mc_agent_machine(const struct mc_agent *agent)
{
    return &agent->machine;
}

uint64_t mc_agent_now_ms(const struct mc_agent *agent)
{
    return agent->now_ms;
}

uint64_t mc_agent_wall_ns(const struct mc_agent *agent)
{
    return agent->wall_ns;
}

const struct mc_machine_config *mc_agent_config(const struct mc_agent *agent)
{
    return &agent->config;
}

/* ---- mint ---- */

int mc_agent_expects(const struct mc_agent *agent, const struct mc_name *ring,
                     const struct mc_expect *expect, struct mcos_diag *diag)
{
    const struct mc_ring *held = mc_agent_ring_find(agent, ring->s);
    const struct mc_head *head = held == NULL ? NULL : mc_ring_head(held);
    int code = 0;

    if (expect->kind == MC_EXPECT_ABSENT)
        code = head == NULL || head->tombstone ? 0 : MCOS_E_EXISTS;
    else if (head == NULL)
        code = MCOS_E_NOTFOUND;
    else if (head->tombstone)
        code = MCOS_E_DELETED;
    else if (head->epoch != expect->epoch || head->version != expect->version ||
             memcmp(head->digest, expect->digest4, 4) != 0)
        code = MCOS_E_STALE;
    return code == 0 ? 0 : mcos_diag_set(diag, code, "", "not as expected");
}

int mc_agent_may_mint(const struct mc_agent *agent, uint64_t *ret_retry_ms,
                      struct mcos_diag *diag)
{
    *ret_retry_ms = agent->may_err == 0 ? 0 : agent->retry_ms;
    if (agent->may_err == 0)
        return 0;
    return mcos_diag_set(diag, agent->may_err, "", "not now");
}

int mc_agent_check_fits(struct mc_agent *agent, struct mc_draft *draft,
                        struct mcos_diag *diag)
{
    assert(draft->head.name.s[0] != '\0');
    if (agent->fits_err == 0)
        return 0;
    return mcos_diag_set(diag, agent->fits_err, "", "does not fit");
}

int mc_agent_mint(struct mc_agent *agent, struct mc_draft *draft,
                  const struct mc_expect *expect, struct mc_ring **ret_ring,
                  bool *ret_distributed, uint64_t *ret_retry_ms, struct mcos_diag *diag)
{
    size_t at = find(agent, draft->head.name.s);
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int r = agent->mint_err;

    *ret_retry_ms = agent->retry_ms;
    if (r == 0)
        r = mc_agent_expects(agent, &draft->head.name, expect, diag);
    if (r != 0)
        return r;
    draft->head.origin = agent->config.cluster;
    r = mc_draft_mint(draft, at == agent->ring_count ? NULL : agent->rings[at], NULL, 0,
                      agent->wall_ns);
    if (r == 0)
        r = mc_draft_encode(draft, &blob, diag);
    if (r == 0)
        r = mc_ring_open(blob, MC_CHECK_SHA256, &ring, diag);
    mc_blob_unref(blob);
    if (r != 0)
        return r;
    assert(at < FAKE_RINGS && agent->record_count < FAKE_RECORDS);
    agent->records[agent->record_count++] = ring;
    agent->rings[at] = ring;
    if (at == agent->ring_count)
        agent->ring_count++;
    *ret_ring = mc_ring_ref(ring);
    *ret_distributed = agent->machine.status.bus_up;
    return 0;
}

/* ---- machine ---- */

size_t mc_machine_member_count(const struct mc_machine *m)
{
    return m->member_count;
}

struct mc_member mc_machine_member(const struct mc_machine *m, size_t i)
{
    return m->members[i];
}

struct mc_machine_status mc_machine_status(const struct mc_machine *m)
{
    return m->status;
}

const char *mc_agent_store_state(const struct mc_agent *agent)
{
    (void)agent;
    return "";
}

bool mc_machine_next_unread(const struct mc_machine *m, size_t *cursor,
                            struct mc_name *ret_ring, struct mc_stamp *ret_stamp)
{
    if (m->unread_ring == NULL || (*cursor)++ > 0)
        return false;
    *ret_stamp = m->unread;
    return mc_name_set(ret_ring, m->unread_ring);
}

bool mc_machine_find_unread(const struct mc_machine *m, const char *ring,
                            struct mc_stamp *ret_stamp)
{
    *ret_stamp = m->unread;
    return m->unread_ring != NULL && strcmp(m->unread_ring, ring) == 0;
}

unsigned mc_machine_mint_format(const struct mc_machine *m)
{
    (void)m;
    return MC_FORMAT_FIRST;
}

int mc_agent_may_know(const struct mc_agent *agent, const char *ring,
                      struct mcos_diag *diag)
{
    struct mc_stamp stamp;

    if (!mc_machine_find_unread(&agent->machine, ring, &stamp))
        return 0;
    return mcos_diag_set(diag, MCOS_E_OLD, "", "too new");
}

size_t mc_agent_fellow_count(const struct mc_agent *agent)
{
    return agent->fellow_count;
}

struct mc_agent_fellow mc_agent_fellow(const struct mc_agent *agent, size_t i)
{
    return agent->fellows[i];
}

const char *mc_agent_company_trouble(const struct mc_agent *agent)
{
    return agent->company_trouble == NULL ? "" : agent->company_trouble;
}
