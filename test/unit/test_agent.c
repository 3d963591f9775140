/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent holds and what its store holds must come to be the same,
 * whichever call of the store fails and in whichever order answers come. The
 * agent is the real one; the store is the small world's disk behind a layer that
 * fails on demand, the bus a list of letters. Under ASan this is also the proof
 * that no answer outlives the record it speaks of.
 */
#include "contract/records.h"
#include "node/agent.h"
#include "node/clusters.h"
#include "node/pack.h"
#include "ring/extra.h"
#include "sim/rings.h"
#include "sim/store.h"
#include "sync/wire_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include <cmocka.h>

#define LETTERS 64u

static struct {
    struct mc_bus bus;
    struct mc_bus_event waiting[LETTERS];
    unsigned count;
    uint64_t deliveries;
    unsigned acks;

    struct mc_store store;
    struct sim_store *disk;
    int merge_err; /* the next merges fail with this */
    unsigned merge_fails;
    bool merge_done_first; /* yet the record gets there */
    int claim_err;         /* what the registry says to a claim */
    unsigned claims;
    unsigned get_fails;
    unsigned gets;
    bool forgets; /* what was replaced */
    bool glances; /* the store tells without reading what was not touched */

    struct mc_clock clock;
    uint64_t now_ms;
    struct mc_log log;
    struct mc_agent *agent;
    uint64_t sequence;
    enum mc_wire_kind sent; /* the last letter on a key of records, */
    size_t sent_bytes;
    struct mc_buf sent_body; /* and what followed its envelope */
} w;

/* ---- the ports ---- */

static void push(struct mc_bus_event event)
{
    assert_true(w.count < LETTERS);
    w.waiting[w.count++] = event;
}

static int publish(struct mc_bus *bus, const struct mc_letter_head *head,
                   struct mc_bytes body, uint64_t token)
{
    struct mc_envelope e;
    struct mc_bytes rest;

    (void)bus;
    assert_int_equal(mc_envelope_decode(body, &e, &rest), 0);
    if (head->key[0] == 'r') {
        w.sent = e.kind;
        w.sent_bytes = body.len;
        mc_buf_clear(&w.sent_body);
        mc_buf_put(&w.sent_body, rest.ptr, rest.len);
    }
    push((struct mc_bus_event){.kind = MC_BUS_CONFIRM, .token = token});
    if (head->key[0] == 't') /* the echo */
        push((struct mc_bus_event){.kind = MC_BUS_MESSAGE,
                                   .queue = MC_QUEUE_TALK,
                                   .own = true,
                                   .delivery = ++w.deliveries,
                                   .head = *head});
    return 0;
}

static int next(struct mc_bus *bus, struct mc_bus_event *ret, uint64_t *ret_wait_ms)
{
    (void)bus;
    *ret_wait_ms = UINT64_MAX;
    if (w.count == 0)
        return MCOS_E_EMPTY;
    *ret = w.waiting[0];
    memmove(w.waiting, w.waiting + 1, --w.count * sizeof(w.waiting[0]));
    return 0;
}

static void ack(struct mc_bus *bus, uint64_t delivery)
{
    (void)bus;
    (void)delivery;
    w.acks++;
}

static const struct mc_bus_ops bus_ops = {.publish = publish, .next = next, .ack = ack};

static struct mc_store *disk(void)
{
    return &w.disk->port;
}

static int merge(struct mc_store *store, struct mc_ring *ring, struct mc_merge *ret)
{
    (void)store;
    if (w.merge_fails == 0)
        return disk()->ops->merge(disk(), ring, ret);
    w.merge_fails--;
    if (w.merge_done_first)
        assert_int_equal(disk()->ops->merge(disk(), ring, ret), 0);
    return w.merge_err;
}

static int claim(struct mc_store *store, struct mc_ring *ring,
                 const struct mc_ring *parent)
{
    (void)store;
    (void)ring;
    (void)parent;
    w.claims++;
    return w.claim_err;
}

static int list(struct mc_store *store, struct mc_name **ret, size_t *ret_count)
{
    (void)store;
    return disk()->ops->list(disk(), ret, ret_count);
}

static int get(struct mc_store *store, const struct mc_name *name, struct mc_ring **ret)
{
    (void)store;
    w.gets++;
    if (w.get_fails > 0) {
        w.get_fails--;
        return MCOS_E_IO;
    }
    return disk()->ops->get(disk(), name, ret);
}

static bool keeps(struct mc_store *store, const struct mc_ring *ring)
{
    (void)store;
    return w.glances && disk()->ops->keeps(disk(), ring);
}

static int get_digest(struct mc_store *store, const struct mc_name *name,
                      const uint8_t digest8[8], struct mc_ring **ret)
{
    (void)store;
    if (w.forgets)
        return MCOS_E_GONE;
    return disk()->ops->get_digest(disk(), name, digest8, ret);
}

static int losers(struct mc_store *store, const struct mc_name *name,
                  struct mc_ring *ret[MC_LOSERS_MAX], size_t *ret_count)
{
    (void)store;
    return disk()->ops->losers(disk(), name, ret, ret_count);
}

static int save_clusters(struct mc_store *store, struct mc_bytes text)
{
    (void)store;
    return disk()->ops->save_clusters(disk(), text);
}

static int load_clusters(struct mc_store *store, struct mc_blob **ret)
{
    (void)store;
    return disk()->ops->load_clusters(disk(), ret);
}

static void quarantine(struct mc_store *store, struct mc_bytes bytes,
                       const char *reason)
{
    (void)store;
    disk()->ops->quarantine(disk(), bytes, reason);
}

static const struct mc_store_ops store_ops = {
    .merge = merge,
    .claim = claim,
    .list = list,
    .get = get,
    .keeps = keeps,
    .get_digest = get_digest,
    .losers = losers,
    .save_clusters = save_clusters,
    .load_clusters = load_clusters,
    .quarantine = quarantine,
};

static uint64_t now_ms(struct mc_clock *clock)
{
    (void)clock;
    return w.now_ms;
}

static uint64_t wall_ns(struct mc_clock *clock)
{
    (void)clock;
    return 1700000000000000000ull + w.now_ms * 1000000u;
}

static void line(struct mc_log *log, enum mc_log_level level, const char *text)
{
    (void)log;
    (void)level;
    (void)text;
}

/* ---- the agent ---- */

static int set_up_as(enum mc_announce_mode announce, uint32_t budget)
{
    struct mc_machine_config config = {.incarnation = 77,
                                       .seed = 1,
                                       .announce_interval_ms = 10000,
                                       .inactive_after_ms = 30000,
                                       .announce = announce,
                                       .announce_budget = budget,
                                       .alone = true};
    struct mc_agent_ports ports;

    memset(&w, 0, sizeof(w));
    w.bus.ops = &bus_ops;
    w.store.ops = &store_ops;
    w.clock = (struct mc_clock){now_ms, wall_ns};
    w.log = (struct mc_log){line};
    w.now_ms = 1000;
    w.disk = sim_store_new();
    config.cluster = record_name("me");
    config.uid[0] = 1;
    ports = (struct mc_agent_ports){
        .bus = &w.bus, .store = &w.store, .clock = &w.clock, .log = &w.log};
    push((struct mc_bus_event){.kind = MC_BUS_UP});
    return w.disk == NULL ? -1 : mc_agent_new(&config, &ports, &w.agent, NULL);
}

static int set_up(void **state)
{
    (void)state;
    return set_up_as(MC_ANNOUNCE_DIGEST, 0);
}

static int set_up_auto(void **state)
{
    (void)state;
    return set_up_as(MC_ANNOUNCE_AUTO, 600); /* 6000 bytes in an interval */
}

static int tear_down(void **state)
{
    (void)state;
    mc_buf_fini(&w.sent_body);
    mc_agent_free(w.agent);
    sim_store_free(w.disk);
    for (unsigned i = 0; i < w.count; i++)
        mc_blob_unref(w.waiting[i].body);
    return 0;
}

/* Lets so much time pass, turn by turn. */
static void pass(uint64_t ms)
{
    uint64_t end = w.now_ms + ms;

    for (;;) {
        uint64_t due = mc_agent_turn(w.agent);

        if (due > end)
            break;
        if (due > w.now_ms)
            w.now_ms = due;
    }
    w.now_ms = end;
    (void)mc_agent_turn(w.agent);
}

/* Begins a letter from "peer"; the body is to be appended, then post. */
static void open_letter(struct mc_buf *b, enum mc_wire_kind kind)
{
    struct mc_envelope e = {.protocol = mc_protocol_max,
                            .needs = 1,
                            .kind = kind,
                            .incarnation = 5,
                            .sequence = ++w.sequence,
                            .sent_ns = 1};

    e.cluster = record_name("peer");
    e.uid[0] = 9;
    mc_envelope_encode(b, &e);
}

static void post(struct mc_buf *b, enum mc_bus_queue queue)
{
    struct mc_bus_event event = {
        .kind = MC_BUS_MESSAGE, .queue = queue, .delivery = ++w.deliveries};

    event.head.from = record_name("peer");
    assert_int_equal(mc_blob_from_buf(b, &event.body), 0);
    push(event);
}

static void deliver(const struct mc_ring *ring)
{
    struct mc_buf b = {0};

    open_letter(&b, MC_WIRE_RECORD);
    assert_int_equal(mc_pack(ring, &b), 0);
    post(&b, MC_QUEUE_RECORDS);
}

/* Made from one record; says that it is from `parent`. */
static void deliver_difference(const struct mc_ring *made_from,
                               const struct mc_ring *parent, const struct mc_ring *ring)
{
    struct mc_buf b = {0};
    size_t body;

    open_letter(&b, MC_WIRE_DIFFERENCE);
    body = b.len;
    assert_int_equal(mc_pack_difference(made_from, ring, &b), 0);
    memcpy(b.ptr + body + 4 + mc_ring_head(ring)->head_bytes,
           mc_ring_head(parent)->digest, 8);
    mc_envelope_seal(&b, 0);
    post(&b, MC_QUEUE_RECORDS);
}

/* "peer" asks for a record and names the one it holds. */
static void deliver_want(const struct mc_ring *ring, const struct mc_ring *held)
{
    struct mc_want_line line = {.name = record_name("r"), .names_held = true};
    struct mc_buf b = {0};
    size_t at;

    memcpy(line.digest8, mc_ring_head(ring)->digest, 8);
    open_letter(&b, MC_WIRE_WANT);
    at = mc_want_open(&b, false, 0);
    mc_want_put(&b, &line);
    mc_want_put_held(&b, mc_ring_head(held)->digest);
    mc_want_close(&b, at, 1);
    mc_envelope_seal(&b, 0);
    post(&b, MC_QUEUE_TALK);
}

/* "peer" shows it, and is asked for it by name of what is held. */
static void have_asked_for(const struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_entry e = {.name = head->name,
                         .epoch = head->epoch,
                         .version = head->version,
                         .timestamp = head->timestamp};
    struct mc_announce a = {
        .interval_ms = 10000, .whole = true, .uptime_ms = 60000, .ring_count = 1};
    struct mc_sum sums[MC_BUCKETS] = {0};
    struct mc_buf b = {0};
    size_t at;

    memcpy(e.digest8, head->digest, sizeof(e.digest8));
    sums[mc_bucket_of(&e.name)] = mc_entry_sum(&e);
    mc_sums_digest(sums, a.digest);
    open_letter(&b, MC_WIRE_ANNOUNCE);
    at = mc_announce_open(&b, &a);
    mc_entry_encode(&b, &e);
    mc_announce_close(&b, at, &a);
    mc_envelope_seal(&b, 0);
    post(&b, MC_QUEUE_TALK);
    pass(4000);
}

static uint64_t version(const struct mc_ring *ring)
{
    return ring == NULL ? 0 : mc_ring_head(ring)->version;
}

static uint64_t in_force(void)
{
    return version(mc_agent_ring_find(w.agent, "r"));
}

static uint64_t on_disk(void)
{
    const struct sim_shelf *shelf = sim_store_find(w.disk, "r");

    return shelf == NULL ? 0 : version(shelf->held);
}

/* A change of "r", as a client asks for it that saw version 1. */
static int mint(const struct mc_ring *seen)
{
    struct mc_expect expect = {.kind = MC_EXPECT_EXACT, .version = version(seen)};
    struct mc_ring *made = NULL;
    struct mc_draft draft;
    uint64_t retry_ms;
    bool distributed;
    int err;

    memcpy(expect.digest4, mc_ring_head(seen)->digest, sizeof(expect.digest4));
    mc_draft_init(&draft);
    assert_int_equal(mc_draft_from_ring(&draft, seen), 0);
    draft.head.name = record_name("r");
    err = mc_agent_mint(w.agent, &draft, &expect, &made, &distributed, &retry_ms, NULL);
    mc_draft_fini(&draft);
    mc_ring_unref(made);
    return err;
}

/* ---- claims ---- */

static struct mc_ring *v1, *v2, *v3;
static struct mc_ring *big[4]; /* large enough for a difference */

static struct mc_ring *mint_big(const struct mc_ring *held, unsigned salt)
{
    struct mc_ring *ring = NULL;
    struct mc_blob *blob = NULL;
    struct mc_draft draft;

    sim_ring_draft(&draft, "r", false, salt, 12);
    assert_int_equal(mc_draft_mint(&draft, held, NULL, 0, 1000), 0);
    assert_int_equal(mc_draft_encode(&draft, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(&draft);
    return ring;
}

static int mint_records(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        big[i] = mint_big(i == 0 ? NULL : big[i - 1], i);
    v1 = record_mint("r", NULL, NULL, "one", 4);
    v2 = record_mint("r", v1, NULL, "two", 4);
    v3 = record_mint("r", v2, NULL, "three", 4);
    return 0;
}

static int free_records(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        mc_ring_unref(big[i]);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
    return 0;
}

/* P94: whom the registry shows beside us may have come back a moment ago. */
static void one_that_seems_to_be_alone_claims_what_it_mints(void **state)
{
    (void)state;
    deliver(v1);
    pass(100);
    w.claim_err = MCOS_E_STALE;
    assert_int_equal(mint(v1), MCOS_E_BUSY);
    assert_int_equal(w.claims, 1);
    assert_int_equal(in_force(), 1);
    assert_int_equal(on_disk(), 1);
    w.claim_err = 0;
    assert_int_equal(mint(v1), 0);
    assert_int_equal(on_disk(), 2);
}

static void two_records_of_one_ring_are_tried_again_in_one_step(void **state)
{
    (void)state;
    deliver(v1);
    pass(100);
    w.merge_err = MCOS_E_FULL;
    w.merge_fails = 2;
    deliver(v2);
    deliver(v3);
    pass(100);
    assert_int_equal(in_force(), 1);
    assert_string_not_equal(mc_agent_store_state(w.agent), "");
    pass(5000);
    assert_int_equal(in_force(), 3);
    assert_int_equal(on_disk(), 3);
    assert_string_equal(mc_agent_store_state(w.agent), "");
}

static void a_write_in_doubt_is_in_force_once_it_is_found_to_be_there(void **state)
{
    (void)state;
    deliver(v1);
    pass(100);
    w.merge_err = MCOS_E_IO;
    w.merge_fails = 1;
    w.merge_done_first = true;
    w.get_fails = 1;
    deliver(v2);
    pass(100);
    assert_int_equal(in_force(), 1);
    assert_int_equal(on_disk(), 2);
    pass(40000);
    assert_int_equal(in_force(), 2);
}

static void a_mint_in_doubt_is_refused_and_then_shown(void **state)
{
    (void)state;
    deliver(v1);
    pass(3000);
    w.merge_err = MCOS_E_IO;
    w.merge_fails = 1;
    w.merge_done_first = true;
    assert_int_equal(mint(v1), MCOS_E_IO);
    pass(10);
    assert_int_equal(in_force(), on_disk());
    assert_int_equal(in_force(), 2);
    assert_int_equal(mint(v1), MCOS_E_STALE); /* no conflict with oneself */
    assert_int_equal(mc_agent_loser_count(w.agent, "r"), 0);
}

static void a_mint_that_cannot_be_stored_changes_nothing(void **state)
{
    (void)state;
    deliver(v1);
    pass(3000);
    w.merge_err = MCOS_E_FULL;
    w.merge_fails = 1;
    assert_int_equal(mint(v1), MCOS_E_FULL);
    assert_int_equal(in_force(), 1);
    pass(10000);
    assert_int_equal(on_disk(), 1);
    assert_int_equal(mint(v1), 0);
    assert_int_equal(in_force(), 2);
}

static void a_disk_wiped_under_the_agent_is_filled_again(void **state)
{
    (void)state;
    deliver(v1);
    deliver(v2);
    pass(100);
    sim_store_wipe(w.disk);
    assert_int_equal(on_disk(), 0);
    pass(10000);
    assert_int_equal(in_force(), 2);
    assert_int_equal(on_disk(), 2);
}

/* Not only when its turn comes, which with many rings is far off. */
static void what_was_written_is_read_back_and_mended_if_the_disk_lost_it(void **state)
{
    unsigned before;

    (void)state;
    deliver(v1);
    pass(4500); /* read back */
    before = w.gets;
    for (unsigned i = 0; w.gets == before; i++) {
        assert_true(i < 100);
        pass(100);
    }
    /* The store was looked after just now; it will not be for five seconds. */
    deliver(v2);
    pass(100);
    assert_int_equal(on_disk(), 2);
    sim_store_wipe(w.disk);
    before = w.gets;
    pass(4300);
    assert_int_equal(in_force(), 2);
    assert_int_equal(on_disk(), 2);
    assert_int_equal(w.gets, before + 1); /* once */
}

static void what_nobody_touched_is_read_again_only_now_and_then(void **state)
{
    struct mc_merge merged;

    (void)state;
    w.glances = true;
    deliver(v1);
    pass(8000); /* what was written is read back whatever a glance tells */
    assert_int_equal(w.gets, 1);
    pass(560000);
    assert_int_equal(w.gets, 1);
    pass(60000);
    assert_int_equal(w.gets, 2);
    /* One glance and it is known that another process put something there. */
    assert_int_equal(disk()->ops->merge(disk(), v2, &merged), 0);
    pass(5100);
    assert_int_equal(w.gets, 3);
    assert_int_equal(in_force(), 2);
    sim_store_wipe(w.disk);
    pass(5100);
    assert_int_equal(on_disk(), 2);
}

static void what_another_process_stored_is_in_force_soon(void **state)
{
    struct mc_merge merged;

    (void)state;
    deliver(v1);
    pass(100);
    assert_int_equal(disk()->ops->merge(disk(), v3, &merged), 0);
    pass(10000);
    assert_int_equal(in_force(), 3);
}

static void a_flood_of_junk_is_kept_only_in_part(void **state)
{
    (void)state;
    pass(3000);
    for (unsigned i = 0; i < 40; i++) {
        deliver(v1);
        /* The last byte belongs to the packed rest: the head is good, the body not. */
        struct mc_bytes bytes = mc_blob_get(w.waiting[w.count - 1].body);
        struct mc_buf b = {0};
        struct mc_blob *bad;

        mc_buf_put(&b, bytes.ptr, bytes.len);
        b.ptr[b.len - 1 - i % 8] ^= 0x55;
        assert_int_equal(mc_blob_from_buf(&b, &bad), 0);
        mc_blob_unref(w.waiting[w.count - 1].body);
        w.waiting[w.count - 1].body = bad;
        pass(1);
    }
    assert_int_equal(in_force(), 0);
    assert_true(w.acks >= 40);
    assert_true(w.disk->quarantined > 0 && w.disk->quarantined <= 20);
}

static void a_difference_is_applied_to_what_the_store_still_has(void **state)
{
    (void)state;
    deliver(big[0]);
    pass(100);
    have_asked_for(big[1]);
    deliver_difference(big[0], big[0], big[1]);
    pass(100);
    assert_int_equal(in_force(), 2);
    assert_int_equal(on_disk(), 2);
}

static void a_difference_from_what_was_replaced_since_is_applied(void **state)
{
    (void)state;
    deliver(big[0]);
    pass(100);
    have_asked_for(big[2]);
    deliver(big[1]);
    pass(100);
    assert_int_equal(in_force(), 2);
    deliver_difference(big[0], big[0], big[2]);
    pass(100);
    assert_int_equal(in_force(), 3);
    assert_memory_equal(mc_ring_head(mc_agent_ring_find(w.agent, "r"))->digest,
                        mc_ring_head(big[2])->digest, MC_DIGEST_BYTES);
}

static void a_difference_that_lies_changes_nothing(void **state)
{
    (void)state;
    deliver(big[0]);
    pass(100);
    have_asked_for(big[2]);
    deliver_difference(big[1], big[0], big[2]); /* made from another one */
    pass(100);
    assert_int_equal(in_force(), 1);
    assert_int_equal(on_disk(), 1);
    assert_int_equal(w.disk->quarantined, 1);
    deliver(big[2]);
    pass(100);
    assert_int_equal(in_force(), 3);
}

static void a_difference_from_what_is_gone_is_no_damage(void **state)
{
    (void)state;
    deliver(big[0]);
    pass(100);
    have_asked_for(big[2]);
    deliver(big[1]);
    pass(100);
    w.forgets = true;
    deliver_difference(big[0], big[0], big[2]);
    pass(100);
    assert_int_equal(
        mc_machine_status(mc_agent_machine(w.agent)).notes[MC_NOTE_DIFFERENCE], 1);
    assert_int_equal(in_force(), 2);
    assert_int_equal(w.disk->quarantined, 0);
}

/* Of two siblings one row differs: what comes of the wrong one is a sound ring, and yet
 * not the one whose head came with it. */
static void a_sound_ring_of_another_digest_is_refused(void **state)
{
    struct mc_ring *one = mint_big(big[0], 7);
    struct mc_ring *other = mint_big(big[0], 8);
    struct mc_ring *child = mint_big(one, 7);

    (void)state;
    deliver(other);
    pass(100);
    have_asked_for(child);
    deliver_difference(one, other, child);
    pass(100);
    assert_int_equal(in_force(), 2);
    assert_int_equal(w.disk->quarantined, 1);
    mc_ring_unref(one);
    mc_ring_unref(other);
    mc_ring_unref(child);
}

static void who_names_what_we_have_gets_a_difference(void **state)
{
    struct mc_wire_difference difference;
    struct mc_ring *ring = NULL;
    size_t whole;

    (void)state;
    pass(3000);
    for (unsigned i = 0; i < 3; i++)
        deliver(big[i]);
    pass(100);
    deliver_want(big[2], big[3]); /* never heard of that one */
    pass(100);
    assert_int_equal(w.sent, MC_WIRE_RECORD);
    whole = w.sent_bytes;
    pass(2000);
    deliver_want(big[2], big[0]);
    pass(100);
    assert_int_equal(w.sent, MC_WIRE_DIFFERENCE);
    assert_in_range(w.sent_bytes, 1, whole / 2);
    assert_int_equal(
        mc_wire_difference_decode((struct mc_bytes){w.sent_body.ptr, w.sent_body.len},
                                  &difference),
        0);
    assert_memory_equal(difference.parent8, mc_ring_head(big[0])->digest, 8);
    assert_int_equal(mc_unpack_difference(&difference, big[0], &ring, NULL), 0);
    assert_memory_equal(mc_ring_head(ring)->digest, mc_ring_head(big[2])->digest,
                        MC_DIGEST_BYTES);
    mc_ring_unref(ring);
    /* What goes to all is whole. */
    pass(2000);
    assert_int_equal(mint(big[2]), 0);
    assert_int_equal(w.sent, MC_WIRE_RECORD);
}

static void what_saves_less_than_half_is_sent_whole(void **state)
{
    (void)state;
    pass(3000);
    deliver(v1);
    deliver(v2);
    pass(100);
    deliver_want(v2, v1);
    pass(100);
    assert_int_equal(w.sent, MC_WIRE_RECORD);
}

/* Full mode pays for whole records, however they came. */
static void a_difference_counts_as_the_whole_in_the_budget(void **state)
{
    (void)state;
    deliver(big[0]);
    pass(100);
    assert_int_equal(mc_machine_status(mc_agent_machine(w.agent)).announce,
                     MC_ANNOUNCE_FULL);
    have_asked_for(big[1]);
    deliver_difference(big[0], big[0], big[1]);
    pass(100);
    assert_int_equal(in_force(), 2);
    assert_int_equal(mc_machine_status(mc_agent_machine(w.agent)).announce,
                     MC_ANNOUNCE_DIGEST);
}

/* v1 with a field in extra that must be understood and that nobody knows: what the
 * encoder would never make. Its bytes; yours. */
static struct mc_bytes must_understand(void)
{
    enum { TAG = 77, ROW = 112 + 64 * MC_SECTION_EXTRA };
    struct mc_section_info info;
    struct mc_buf extra = {0};
    struct mc_blob *blob = NULL;
    struct mc_draft draft;
    struct mc_bytes all;
    struct mc_head head;
    uint8_t *copy;

    mc_draft_init(&draft);
    assert_int_equal(mc_draft_from_ring(&draft, v1), 0);
    draft.head = *mc_ring_head(v1);
    mc_extra_put(&extra, TAG, 0, (struct mc_bytes){(const uint8_t *)"x", 1});
    draft.extra = (struct mc_bytes){extra.ptr, extra.len};
    assert_int_equal(mc_draft_encode(&draft, &blob, NULL), 0);
    all = mc_blob_get(blob);
    assert_int_equal(mc_head_decode(all, &head, NULL), 0);
    info = head.section[MC_SECTION_EXTRA];
    copy = malloc(all.len);
    assert_non_null(copy);
    memcpy(copy, all.ptr, all.len);
    copy[info.offset + 2] = MC_EXTRA_MUST;
    mc_sha256(copy + ROW + 16,
              (struct mc_bytes){copy + info.offset, (size_t)info.bytes});
    mc_xxh3_128(copy + ROW + 48,
                (struct mc_bytes){copy + info.offset, (size_t)info.bytes});
    mc_blob_unref(blob);
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
    return (struct mc_bytes){copy, all.len};
}

static void a_body_that_is_too_new_is_not_junk(void **state)
{
    struct mc_bytes bytes = must_understand();
    size_t head = mc_get_u32(bytes.ptr + 12);
    uint8_t packed[8192];
    struct mc_wire_record record = {.head = {bytes.ptr, head},
                                    .rest_bytes = bytes.len - head};
    struct mc_envelope e = {.protocol = 1,
                            .kind = MC_WIRE_RECORD,
                            .incarnation = 5,
                            .sequence = ++w.sequence,
                            .sent_ns = 1};
    struct mc_bus_event event = {
        .kind = MC_BUS_MESSAGE, .queue = MC_QUEUE_RECORDS, .delivery = ++w.deliveries};
    struct mc_buf b = {0};
    struct mc_stamp stamp;
    unsigned acks;
    size_t n;

    (void)state;
    pass(3000);
    n = ZSTD_compress(packed, sizeof(packed), bytes.ptr + head, bytes.len - head, 1);
    assert_false(ZSTD_isError(n));
    record.packed = (struct mc_bytes){packed, n};
    e.cluster = event.head.from = record_name("peer");
    e.uid[0] = 9;
    mc_envelope_encode(&b, &e);
    mc_wire_record_encode(&b, &record);
    assert_int_equal(mc_blob_from_buf(&b, &event.body), 0);
    acks = w.acks;
    push(event);
    pass(100);
    assert_true(w.acks > acks);
    assert_int_equal(in_force(), 0);
    assert_int_equal(w.disk->quarantined, 0);
    assert_true(mc_machine_find_unread(mc_agent_machine(w.agent), "r", &stamp));
    assert_int_equal(stamp.version, 1);
    assert_int_equal(mc_agent_may_know(w.agent, "r", NULL), MCOS_E_OLD);
    free((void *)(uintptr_t)bytes.ptr);
}

static void lines_of_later_clusters_files_are_read(void **state)
{
    static const char text[] =
        "# mcos clusters 9\n"
        "one\t01010101010101010101010101010101\tACTIVE\tr\tz\thttp://one\n"
        "two\t02020202020202020202020202020202\tasleep\tr\tz\t\tmore\t9\n"
        "\n"
        "three\t03030303030303030303030303030303\tACTIVE\tr\n";
    struct mc_machine_config config = {.announce_interval_ms = 1000};
    struct mc_machine *m = NULL;
    struct mc_name self = record_name("self");

    (void)state;
    config.cluster = self;
    assert_int_equal(mc_machine_new(&config, &m), 0);
    assert_int_equal(
        mc_clusters_parse((struct mc_bytes){(const uint8_t *)text, sizeof(text) - 1},
                          &self, m),
        2);
    assert_string_equal(mc_machine_member(m, 0).name.s, "one");
    assert_string_equal(mc_machine_member(m, 2).name.s, "two");
    mc_machine_free(m);
}

int main(void)
{
#define AGENT_CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest cases[] = {
        AGENT_CASE(one_that_seems_to_be_alone_claims_what_it_mints),
        AGENT_CASE(two_records_of_one_ring_are_tried_again_in_one_step),
        AGENT_CASE(a_write_in_doubt_is_in_force_once_it_is_found_to_be_there),
        AGENT_CASE(a_mint_in_doubt_is_refused_and_then_shown),
        AGENT_CASE(a_mint_that_cannot_be_stored_changes_nothing),
        AGENT_CASE(a_disk_wiped_under_the_agent_is_filled_again),
        AGENT_CASE(what_was_written_is_read_back_and_mended_if_the_disk_lost_it),
        AGENT_CASE(what_nobody_touched_is_read_again_only_now_and_then),
        AGENT_CASE(what_another_process_stored_is_in_force_soon),
        AGENT_CASE(a_flood_of_junk_is_kept_only_in_part),
        AGENT_CASE(a_difference_is_applied_to_what_the_store_still_has),
        AGENT_CASE(a_difference_from_what_was_replaced_since_is_applied),
        AGENT_CASE(a_difference_that_lies_changes_nothing),
        AGENT_CASE(a_difference_from_what_is_gone_is_no_damage),
        AGENT_CASE(a_sound_ring_of_another_digest_is_refused),
        AGENT_CASE(who_names_what_we_have_gets_a_difference),
        AGENT_CASE(what_saves_less_than_half_is_sent_whole),
        cmocka_unit_test_setup_teardown(a_difference_counts_as_the_whole_in_the_budget,
                                        set_up_auto, tear_down),
        AGENT_CASE(a_body_that_is_too_new_is_not_junk),
        AGENT_CASE(lines_of_later_clusters_files_are_read),
    };

    return cmocka_run_group_tests(cases, mint_records, free_records);
}
