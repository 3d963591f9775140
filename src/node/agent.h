/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/agent.h -- one running site: it carries the machine's effects to the
 * ports and brings their answers back as events.
 *
 * No system call is made here: the simulator runs this very code on its own
 * ports, "store before you send" included. One thread.
 *
 *     mc_agent_new(&config, &ports, &agent, &diag);
 *     loop: wake_ms = mc_agent_turn(agent);
 *           wait until wake_ms, or the bus's fd is readable, or a request
 *     mc_agent_stop(agent); mc_agent_free(agent);
 */
#ifndef MCOS_NODE_AGENT_H
#define MCOS_NODE_AGENT_H

#include "port/bus.h"
#include "port/cache.h"
#include "port/clock.h"
#include "port/log.h"
#include "port/roster.h"
#include "port/store.h"
#include "ring/draft.h"
#include "sync/machine.h"

/* Sees every effect before it is carried out; for the simulator's trace. */
struct mc_watch {
    void (*effect)(struct mc_watch *watch, const struct mc_effect *effect);
};

/* All borrowed for the agent's life; watch, cache and roster may be NULL. */
struct mc_agent_ports {
    struct mc_bus *bus;
    struct mc_store *store;
    struct mc_clock *clock;
    struct mc_log *log;
    struct mc_watch *watch;
    struct mc_cache *cache;
    struct mc_roster *roster; /* other agents speak for this cluster too */
    const char *host;         /* told to them; NULL: nothing */
};

struct mc_agent;

/*
 * Reads what the store holds and starts the machine. On success *ret_agent is
 * yours. Fails with NOMEM, BUSY, and what the store fails with.
 */
int mc_agent_new(const struct mc_machine_config *config,
                 const struct mc_agent_ports *ports, struct mc_agent **ret_agent,
                 struct mcos_diag *diag);
void mc_agent_free(struct mc_agent *agent); /* NULL is fine; does not say leave */

/* Does all that is to be done now; returns when to be called again at the latest. */
uint64_t mc_agent_turn(struct mc_agent *agent);

/* Why the store refused last, in a sentence; "" while it works. Lent until the next
 * turn. */
const char *mc_agent_store_state(const struct mc_agent *agent);

/* Says leave to the others and waits for nothing. */
void mc_agent_stop(struct mc_agent *agent);

/* What a change expects to find (If-Match, If-None-Match). */
enum mc_expect_kind { MC_EXPECT_ABSENT, MC_EXPECT_EXACT };
struct mc_expect {
    enum mc_expect_kind kind;
    uint16_t epoch; /* EXACT */
    uint64_t version;
    uint8_t digest4[4]; /* first bytes of the digest */
};

/* 0, or OLD: there is a greater record of that ring than the one held, in a format
 * that this agent cannot read. */
int mc_agent_may_know(const struct mc_agent *agent, const char *ring,
                      struct mcos_diag *diag);
/* Would a mint find what it expects now? Fails with EXISTS, STALE, NOTFOUND, DELETED,
 * OLD. */
int mc_agent_expects(const struct mc_agent *agent, const struct mc_name *ring,
                     const struct mc_expect *expect, struct mcos_diag *diag);

/*
 * May a record be minted now? Fails with NOTREADY (*ret_retry_ms), CLOCK, IDENTITY;
 * *ret_retry_ms is 0 when nothing is known.
 */
int mc_agent_may_mint(const struct mc_agent *agent, uint64_t *ret_retry_ms,
                      struct mcos_diag *diag);

/*
 * Makes the draft the next version of the ring draft->head.name: stamps it,
 * stores it durably, adopts it, hands it to the bus. The draft needs its
 * placement (or tombstone), note and author, and may have the operation's id; the rest
 * is filled in here. On
 * success *ret_ring is the new record (yours) and *ret_distributed says whether
 * the bus is up to take it.
 *
 * Fails with EXISTS (wanted absent, is there), STALE, NOTFOUND or DELETED
 * (wanted exact, none is held), NOTREADY (*ret_retry_ms), CLOCK, IDENTITY,
 * FORCE, and as encoding and the store fail; diag says what is held.
 */
int mc_agent_mint(struct mc_agent *agent, struct mc_draft *draft,
                  const struct mc_expect *expect, struct mc_ring **ret_ring,
                  bool *ret_distributed, uint64_t *ret_retry_ms,
                  struct mcos_diag *diag);

/*
 * Would the record that this draft becomes fit through the bus? Nothing is minted, but
 * the draft is stamped as if. Fails with TOOBIG, and as encoding does.
 */
int mc_agent_check_fits(struct mc_agent *agent, struct mc_draft *draft,
                        struct mcos_diag *diag);

/*
 * Takes over a record that did not come by the bus (the registry has it): stores
 * it and adopts it if it is the greater; the others hear of it as of anything held.
 * `ring` is borrowed. To be called from the loop or from within a call of the store.
 * Fails as the store does: tell me again.
 */
int mc_agent_take(struct mc_agent *agent, struct mc_ring *ring);

/*
 * The store may have found a record of that name that cannot be read: if so it is known
 * from now on, and said. From the loop or from within a call of the store, as above.
 * Fails with NOMEM, BUSY.
 */
int mc_agent_note_unread(struct mc_agent *agent, const struct mc_name *name);

/* The agents of this cluster, ourselves first; none if there is to be but one. */
struct mc_agent_fellow {
    uint64_t id;
    bool self;
    bool active; /* speaks on the bus; else it follows */
    bool counts; /* what it holds counts for what the cluster holds */
    const char *host;
    const char *address;
    struct mc_bytes entries; /* what it holds (sync/agent_line.h); of others */
};
size_t mc_agent_fellow_count(const struct mc_agent *agent);
/* Lent until the next turn. */
struct mc_agent_fellow mc_agent_fellow(const struct mc_agent *agent, size_t i);
/* Why this agent does not follow well, in a sentence; "" if all is well. */
const char *mc_agent_company_trouble(const struct mc_agent *agent);

/* What is held, tombstones included. Lent until the next turn or mint. */
/* The next ring by name order, or NULL at the end. *cursor starts as 0. */
const struct mc_ring *mc_agent_ring_next(const struct mc_agent *agent, size_t *cursor);
const struct mc_ring *mc_agent_ring_find(const struct mc_agent *agent,
                                         const char *name);
/* Unresolved losers of a ring: how many, and the i-th (false: there is none); its
 * record is mc_agent_record()'s. */
size_t mc_agent_loser_count(const struct mc_agent *agent, const char *name);
bool mc_agent_loser(const struct mc_agent *agent, const char *name, size_t i,
                    struct mc_stamp *ret_stamp);
/* A held, lost or older record by digest; yours. Fails as store.get_digest. */
int mc_agent_record(const struct mc_agent *agent, const char *name,
                    const uint8_t digest8[8], struct mc_ring **ret_ring);

const struct mc_machine *mc_agent_machine(const struct mc_agent *agent); /* lent */
/* "up", "away", or "none" if there is to be none. */
const char *mc_agent_cache_state(const struct mc_agent *agent);
/* Why the registry beside the files is degraded, "" while it is well, NULL if there
 * is none. Lent until the next turn. */
const char *mc_agent_registry_trouble(const struct mc_agent *agent);
uint64_t mc_agent_now_ms(const struct mc_agent *agent);
uint64_t mc_agent_wall_ns(const struct mc_agent *agent);
const struct mc_machine_config *
mc_agent_config(const struct mc_agent *agent); /* lent */

#endif /* MCOS_NODE_AGENT_H */
