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
#include "sim/store.h"

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
    unsigned get_fails;

    struct mc_clock clock;
    uint64_t now_ms;
    struct mc_log log;
    struct mc_agent *agent;
    uint64_t sequence;
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
    (void)bus;
    (void)body;
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

static int list(struct mc_store *store, struct mc_name **ret, size_t *ret_count)
{
    (void)store;
    return disk()->ops->list(disk(), ret, ret_count);
}

static int get(struct mc_store *store, const struct mc_name *name, struct mc_ring **ret)
{
    (void)store;
    if (w.get_fails > 0) {
        w.get_fails--;
        return MCOS_E_IO;
    }
    return disk()->ops->get(disk(), name, ret);
}

static int get_digest(struct mc_store *store, const struct mc_name *name,
                      const uint8_t digest8[8], struct mc_ring **ret)
{
    (void)store;
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
    .list = list,
    .get = get,
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

static int set_up(void **state)
{
    struct mc_machine_config config = {.incarnation = 77,
                                       .seed = 1,
                                       .announce_interval_ms = 10000,
                                       .inactive_after_ms = 30000,
                                       .announce = MC_ANNOUNCE_DIGEST,
                                       .alone = true};
    struct mc_agent_ports ports;

    (void)state;
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

static int tear_down(void **state)
{
    (void)state;
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

static void deliver(const struct mc_ring *ring)
{
    struct mc_envelope e = {.protocol = mc_protocol_max,
                            .needs = 1,
                            .kind = MC_WIRE_RECORD,
                            .incarnation = 5,
                            .sequence = ++w.sequence,
                            .sent_ns = 1};
    struct mc_bus_event event = {
        .kind = MC_BUS_MESSAGE, .queue = MC_QUEUE_RECORDS, .delivery = ++w.deliveries};
    struct mc_buf b = {0};

    e.cluster = event.head.from = record_name("peer");
    e.uid[0] = 9;
    mc_envelope_encode(&b, &e);
    assert_int_equal(mc_pack(ring, &b), 0);
    assert_int_equal(mc_blob_from_buf(&b, &event.body), 0);
    push(event);
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

static int mint_records(void **state)
{
    (void)state;
    v1 = record_mint("r", NULL, NULL, "one", 4);
    v2 = record_mint("r", v1, NULL, "two", 4);
    v3 = record_mint("r", v2, NULL, "three", 4);
    return 0;
}

static int free_records(void **state)
{
    (void)state;
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
    return 0;
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
        AGENT_CASE(two_records_of_one_ring_are_tried_again_in_one_step),
        AGENT_CASE(a_write_in_doubt_is_in_force_once_it_is_found_to_be_there),
        AGENT_CASE(a_mint_in_doubt_is_refused_and_then_shown),
        AGENT_CASE(a_mint_that_cannot_be_stored_changes_nothing),
        AGENT_CASE(a_disk_wiped_under_the_agent_is_filled_again),
        AGENT_CASE(what_another_process_stored_is_in_force_soon),
        AGENT_CASE(a_flood_of_junk_is_kept_only_in_part),
        AGENT_CASE(a_body_that_is_too_new_is_not_junk),
        AGENT_CASE(lines_of_later_clusters_files_are_read),
    };

    return cmocka_run_group_tests(cases, mint_records, free_records);
}
