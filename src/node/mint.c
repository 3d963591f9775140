/* SPDX-License-Identifier: Apache-2.0 */
/* node/mint.c -- from a draft to a record in force: check, stamp, store, adopt, send.
 */
#include "node/agent_state.h"
#include "sync/wire.h"

#include <assert.h>
#include <string.h>

static void describe(const struct mc_ring *ring, char text[MC_STAMP_TEXT_MAX])
{
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(ring));

    mc_stamp_format(&stamp, text);
}

static int check_expect(const struct mc_ring *held, const struct mc_expect *expect,
                        struct mcos_diag *diag)
{
    const struct mc_head *head = held == NULL ? NULL : mc_ring_head(held);
    char text[MC_STAMP_TEXT_MAX];

    if (expect->kind == MC_EXPECT_ABSENT) {
        if (head == NULL || head->tombstone)
            return 0;
        describe(held, text);
        return mcos_diag_set(diag, MCOS_E_EXISTS, "", "the ring exists: %s", text);
    }
    if (head == NULL)
        return mcos_diag_set(diag, MCOS_E_NOTFOUND, "",
                             "there is no such ring to change");
    describe(held, text);
    if (head->tombstone)
        return mcos_diag_set(diag, MCOS_E_DELETED, "", "the ring was deleted at %s",
                             text);
    if (head->epoch != expect->epoch || head->version != expect->version ||
        memcmp(head->digest, expect->digest4, sizeof(expect->digest4)) != 0)
        return mcos_diag_set(
            diag, MCOS_E_STALE, "", "the ring is at %s, made on %s by %s", text,
            head->origin.s,
            head->author[0] == '\0' ? "an unnamed author" : head->author);
    return 0;
}

/* Nothing is made on top of what cannot be read: it would part from it (P68). */
int mc_agent_may_know(const struct mc_agent *agent, const char *ring,
                      struct mcos_diag *diag)
{
    struct mc_stamp stamp;
    char text[MC_STAMP_TEXT_MAX];

    if (!mc_machine_find_unread(agent->machine, ring, &stamp))
        return 0;
    mc_stamp_format(&stamp, text);
    return mcos_diag_set(diag, MCOS_E_OLD, "",
                         "the ring is at %s, in a format that this agent cannot read",
                         text);
}

int mc_agent_expects(const struct mc_agent *agent, const struct mc_name *ring,
                     const struct mc_expect *expect, struct mcos_diag *diag)
{
    int err = mc_agent_may_know(agent, ring->s, diag);

    if (err != 0)
        return err;
    return check_expect(mc_agent_ring_find(agent, ring->s), expect, diag);
}

int mc_agent_may_mint(const struct mc_agent *agent, uint64_t *ret_retry_ms,
                      struct mcos_diag *diag)
{
    int err;

    *ret_retry_ms = 0;
    err = mc_machine_may_mint(agent->machine, mc_agent_now_ms(agent),
                              mc_agent_wall_ns(agent), ret_retry_ms);
    if (err == 0)
        return 0;
    return mcos_diag_set(diag, err, "", "%s",
                         err == MCOS_E_NOTREADY
                             ? "still listening to what the other clusters hold"
                             : mcos_err_text(err));
}

/* Random enough to tell one request from another; nothing secret hangs on it. */
static void operation_id(const struct mc_agent *agent, uint64_t token, uint64_t wall_ns,
                         uint8_t ret[MC_UID_BYTES])
{
    uint8_t raw[MC_UID_BYTES + 24];
    uint8_t digest[MC_SHA256_BYTES];

    memcpy(raw, agent->config.uid, MC_UID_BYTES);
    mc_set_u64(raw + MC_UID_BYTES, agent->config.incarnation);
    mc_set_u64(raw + MC_UID_BYTES + 8, token);
    mc_set_u64(raw + MC_UID_BYTES + 16, wall_ns);
    mc_sha256(digest, (struct mc_bytes){raw, sizeof(raw)});
    memcpy(ret, digest, MC_UID_BYTES);
}

/* The new record, in memory only. Losers of a conflict become its ancestors. */
static int make_ring(struct mc_agent *agent, struct mc_draft *draft,
                     const struct mc_ring *held, uint64_t token,
                     struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    static const uint8_t none[MC_UID_BYTES];
    struct mc_store *store = agent->ports.store;
    struct mc_ring *losers[MC_LOSERS_MAX];
    size_t loser_count = 0;
    uint64_t wall_ns = mc_agent_wall_ns(agent);
    struct mc_blob *blob = NULL;
    int err = 0;

    if (held != NULL)
        err = store->ops->losers(store, &draft->head.name, losers, &loser_count);
    if (err != 0)
        return mcos_diag_set(diag, err, "", "the store cannot be read: %s",
                             mc_agent_store_trouble(agent, err));
    memcpy(draft->head.system, agent->config.system, MC_UID_BYTES);
    draft->head.origin = agent->config.cluster;
    draft->head.format = (uint16_t)mc_machine_mint_format(agent->machine);
    if (memcmp(draft->head.operation, none, sizeof(none)) == 0)
        operation_id(agent, token, wall_ns, draft->head.operation);
    err = mc_draft_mint(draft, held, (const struct mc_ring *const *)losers, loser_count,
                        wall_ns);
    if (err == 0)
        err = mc_draft_encode(draft, &blob, diag);
    else
        (void)mcos_diag_set(diag, err, "", "version or timestamp is at its limit");
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_NONE, ret_ring, diag);
    mc_blob_unref(blob);
    for (size_t i = 0; i < loser_count; i++)
        mc_ring_unref(losers[i]);
    return err;
}

/* A record that the bus is known not to take would never reach another cluster. */
static int check_fits(struct mc_agent *agent, const struct mc_ring *ring,
                      struct mcos_diag *diag)
{
    struct mc_bus *bus = agent->ports.bus;
    size_t max = bus->ops->record_max == NULL ? SIZE_MAX : bus->ops->record_max(bus);
    size_t bytes;
    int err;

    if (mc_ring_head(ring)->record_bytes <= max / 2)
        return 0;                     /* packed it is no larger, but for a little */
    err = mc_agent_pack(agent, ring); /* as it is going to be sent */
    bytes = agent->packed.len + MC_ENVELOPE_BYTES_MAX;
    if (err != 0 || bytes <= max)
        return err;
    return mcos_diag_set(diag, MCOS_E_TOOBIG, "",
                         "packed, the record has %zu bytes; the bus takes at most %zu "
                         "(its max_message_size)",
                         bytes, max);
}

int mc_agent_check_fits(struct mc_agent *agent, struct mc_draft *draft,
                        struct mcos_diag *diag)
{
    const struct mc_bus *bus = agent->ports.bus;
    struct mc_ring *ring = NULL;
    int err;

    if (bus->ops->record_max == NULL ||
        bus->ops->record_max(agent->ports.bus) == SIZE_MAX)
        return 0;
    err = make_ring(agent, draft, mc_agent_ring_find(agent, draft->head.name.s),
                    agent->next_token, &ring, diag);
    if (err == 0)
        err = check_fits(agent, ring, diag);
    mc_ring_unref(ring);
    return err;
}

/* The store answers at once, so the mint ends in this feed, unless memory was out. */
static int put_in_force(struct mc_agent *agent, struct mc_ring *ring,
                        struct mc_event *event)
{
    const struct mc_head *head = mc_ring_head(ring);

    assert(agent->mint_token == 0);
    agent->mint_token = agent->next_token++;
    agent->mint_ring = ring;
    agent->mint_done = false;
    agent->mint_trouble[0] = '\0';
    event->u.mint.token = agent->mint_token;
    event->u.mint.ring = head->name;
    event->u.mint.stamp = mc_stamp_of(head);
    mc_agent_feed(agent, event);
    agent->mint_token = 0;
    agent->mint_ring = NULL;
    return agent->mint_done ? agent->mint_err : MCOS_E_NOMEM;
}

/* A claim cannot be taken back: others have the record by then. So first of all: a disk
 * that is full refuses it, and nothing has changed anywhere. */
static int check_room(struct mc_agent *agent, const struct mc_ring *ring,
                      struct mcos_diag *diag)
{
    struct mc_store *store = agent->ports.store;
    int err = store->ops->room == NULL ? 0 : store->ops->room(store, ring);

    if (err == 0)
        return 0;
    mc_agent_store_said(agent, err);
    return mcos_diag_set(diag, err, "", "the record could not be stored: %s",
                         mc_agent_store_trouble(agent, err));
}

/*
 * Of several agents that mint at once one wins: the registry decides, before anything
 * is kept here. The other's record is in force by then, so the same question gets
 * the answer that it would have got a moment later (P94).
 */
static int claim(struct mc_agent *agent, struct mc_ring *ring,
                 const struct mc_ring *held, const struct mc_expect *expect,
                 struct mcos_diag *diag)
{
    struct mc_store *store = agent->ports.store;
    struct mc_name name = mc_ring_head(ring)->name;
    int err;

    if (store->ops->claim == NULL)
        return 0;
    err = check_room(agent, ring, diag);
    if (err != 0)
        return err;
    /* It may be replaced meanwhile. A reference is a count, not a change of the ring.
     */
    if (held != NULL)
        (void)mc_ring_ref((struct mc_ring *)(uintptr_t)held);
    err = store->ops->claim(store, ring, held);
    mc_ring_unref((struct mc_ring *)(uintptr_t)held);
    if (err == MCOS_E_STALE) {
        err = mc_agent_expects(agent, &name, expect, diag);
        if (err == 0) /* a tombstone over a tombstone, or it could not be stored */
            err = mcos_diag_set(diag, MCOS_E_BUSY, "",
                                "another agent of this cluster changes this ring");
    }
    return err;
}

int mc_agent_mint(struct mc_agent *agent, struct mc_draft *draft,
                  const struct mc_expect *expect, struct mc_ring **ret_ring,
                  bool *ret_distributed, uint64_t *ret_retry_ms, struct mcos_diag *diag)
{
    const struct mc_ring *held = mc_agent_ring_find(agent, draft->head.name.s);
    struct mc_ring *ring = NULL;
    struct mc_machine_status st;
    struct mc_event event;
    int err = mc_agent_may_know(agent, draft->head.name.s, diag);

    if (err == 0)
        err = mc_agent_may_mint(agent, ret_retry_ms, diag);
    if (err == 0)
        err = check_expect(held, expect, diag);
    if (err == 0)
        err = make_ring(agent, draft, held, agent->next_token, &ring, diag);
    if (err == 0)
        err = check_fits(agent, ring, diag);
    if (err == 0)
        err = claim(agent, ring, held, expect, diag);
    if (err != 0) {
        mc_ring_unref(ring);
        return err;
    }
    event = mc_agent_event(agent, MC_EV_MINT);
    err = put_in_force(agent, ring, &event);
    if (err != 0) {
        agent->care_ms = 0; /* see soon whether it got there all the same */
        mc_ring_unref(ring);
        return mcos_diag_set(diag, err, "", "the record could not be stored: %s",
                             agent->mint_trouble[0] == '\0' ? mcos_err_text(err)
                                                            : agent->mint_trouble);
    }
    st = mc_machine_status(agent->machine);
    *ret_distributed = st.bus_up && !st.mute;
    *ret_ring = ring;
    return 0;
}
