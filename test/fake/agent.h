/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/fake/agent.h -- an agent for tests of what stands on it: it mints for real,
 * and its clusters say what the test puts into their mouths.
 *
 * Linked into a test it takes the place of node/agent.c, node/mint.c and the
 * machine.
 */
#ifndef MCOS_TEST_FAKE_AGENT_H
#define MCOS_TEST_FAKE_AGENT_H

#include "node/agent.h"

#define FAKE_RINGS   4u
#define FAKE_MEMBERS 8u
#define FAKE_RECORDS 16u

struct mc_machine {
    struct mc_member members[FAKE_MEMBERS];
    size_t member_count;
    struct mc_machine_status status;
    const char *unread_ring; /* is at unread, which cannot be read here; NULL: none */
    struct mc_stamp unread;
};

struct mc_agent {
    struct mc_machine_config config;
    struct mc_machine machine;
    struct mc_ring *rings[FAKE_RINGS];
    size_t ring_count;
    struct mc_ring *records[FAKE_RECORDS]; /* every one ever minted */
    size_t record_count;
    const char *cache;
    const char *registry; /* its trouble; NULL: none */
    size_t losers;        /* of every ring; the i-th is the i-th record minted */
    unsigned *opens;      /* counts records opened; may be NULL */
    uint64_t now_ms;
    uint64_t wall_ns;
    int may_err;  /* why nothing may be minted */
    int mint_err; /* what the next mints fail with */
    int fits_err; /* why the bus would not take a record */
    uint64_t retry_ms;
    struct mc_agent_fellow fellows[2]; /* agents of this cluster */
    size_t fellow_count;
    const char *company_trouble;
};

/* Cluster "eu-west", alone, the bus up, 2026-01-02T10:00:00Z. */
void fake_agent_init(struct mc_agent *agent);
void fake_agent_fini(struct mc_agent *agent);

#endif /* MCOS_TEST_FAKE_AGENT_H */
