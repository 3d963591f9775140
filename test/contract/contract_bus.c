/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract_bus.c -- the cases. Each starts in an empty world and drives buses as
 * an agent would: next() until EMPTY, then wait. A case that expects silence
 * waits QUIET_MS for a letter that must not come.
 */
#include "contract_bus.h"

#include "mcos/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS 5000
#define QUIET_MS    60 /* unless the world takes longer for everything */
#define STEP_MS     5
#define EARLY_MAX   8u

static const struct mc_contract_bus_world *world;

/* Letters that came while a confirmation was waited for: one's own may overtake it. */
static struct {
    struct mc_bus *bus;
    struct mc_bus_event ev;
} early[EARLY_MAX];
static size_t early_count;

static int fresh_world(void **state)
{
    (void)state;
    early_count = 0;
    world->reset(world->ctx);
    return 0;
}

/* --- an agent's hands --- */

static uint64_t quiet_ms(void)
{
    return world->quiet_ms != 0 ? world->quiet_ms : QUIET_MS;
}

static bool take_early(struct mc_bus *bus, struct mc_bus_event *ret)
{
    for (size_t i = 0; i < early_count; i++) {
        if (early[i].bus != bus)
            continue;
        *ret = early[i].ev;
        early_count--;
        memmove(&early[i], &early[i + 1], (early_count - i) * sizeof(early[0]));
        return true;
    }
    return false;
}

static bool next_now(struct mc_bus *bus, uint64_t ms, struct mc_bus_event *ret)
{
    uint64_t wait_ms = 0;

    for (uint64_t waited = 0;; waited += STEP_MS) {
        int err = bus->ops->next(bus, ret, &wait_ms);

        if (err == 0)
            return true;
        assert_int_equal(err, MCOS_E_EMPTY);
        if (waited >= ms)
            return false;
        world->wait(world->ctx, bus, wait_ms < STEP_MS ? wait_ms : STEP_MS);
    }
}

static bool next_within(struct mc_bus *bus, uint64_t ms, struct mc_bus_event *ret)
{
    return take_early(bus, ret) || next_now(bus, ms, ret);
}

static struct mc_bus *open_site(const char *cluster, uint8_t uid, bool fresh)
{
    struct mc_bus *bus = NULL;
    struct mc_bus_event ev;

    assert_int_equal(world->open(world->ctx, cluster, uid, &bus), 0);
    assert_true(next_within(bus, PATIENCE_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_UP);
    assert_int_equal(ev.fresh_queue, fresh);
    return bus;
}

static void shut(struct mc_bus *bus)
{
    bus->ops->close(bus);
}

static struct mc_letter_head head_of(const char *key, const char *from, uint8_t uid,
                                     uint64_t sequence)
{
    struct mc_letter_head head = {.sequence = sequence, .version = 7, .timestamp = 9};

    snprintf(head.key, sizeof(head.key), "%s", key);
    assert_true(mc_name_set(&head.from, from));
    assert_true(mc_name_set(&head.ring_name, "object"));
    memset(head.from_uid, uid, sizeof(head.from_uid));
    return head;
}

static void hand_over(struct mc_bus *bus, const struct mc_letter_head *head)
{
    char text[32];

    snprintf(text, sizeof(text), "letter %u", (unsigned)head->sequence);
    assert_int_equal(
        bus->ops->publish(bus, head,
                          (struct mc_bytes){(const uint8_t *)text, strlen(text)},
                          head->sequence),
        0);
}

/* Own letters sent before may come first: their order is nobody's promise. */
static void expect_confirm(struct mc_bus *bus, uint64_t token)
{
    struct mc_bus_event ev;

    assert_true(next_now(bus, PATIENCE_MS, &ev));
    while (ev.kind == MC_BUS_MESSAGE) {
        assert_true(ev.own && early_count < EARLY_MAX);
        early[early_count].bus = bus;
        early[early_count++].ev = ev;
        assert_true(next_now(bus, PATIENCE_MS, &ev));
    }
    assert_int_equal(ev.kind, MC_BUS_CONFIRM);
    assert_int_equal(ev.token, token);
    assert_int_equal(ev.err, 0);
}

/* Token and sequence are one number here. From "a" with uid 1. */
static void send(struct mc_bus *bus, const char *key, uint64_t sequence)
{
    struct mc_letter_head head = head_of(key, "a", 1, sequence);

    hand_over(bus, &head);
    expect_confirm(bus, sequence);
}

/* The delivery number. */
static uint64_t expect_letter(struct mc_bus *bus, uint64_t sequence)
{
    struct mc_bus_event ev;
    char text[32];

    assert_true(next_within(bus, PATIENCE_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_MESSAGE);
    assert_int_equal(ev.head.sequence, sequence);
    assert_false(ev.own);
    assert_non_null(ev.body);
    snprintf(text, sizeof(text), "letter %u", (unsigned)sequence);
    assert_int_equal(mc_blob_get(ev.body).len, strlen(text));
    assert_memory_equal(mc_blob_get(ev.body).ptr, text, strlen(text));
    mc_blob_unref(ev.body);
    return ev.delivery;
}

static void expect_quiet(struct mc_bus *bus)
{
    struct mc_bus_event ev;

    assert_false(next_within(bus, quiet_ms(), &ev));
}

/* --- the cases --- */

static void up_comes_first_and_says_whether_the_queue_is_new(void **state)
{
    (void)state;
    shut(open_site("a", 1, true));
    shut(open_site("a", 1, false));
    shut(open_site("a", 2, true)); /* a namesake's queue is another one */
}

static void a_letter_reaches_every_cluster(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true),
                  *c = open_site("c", 3, true);

    (void)state;
    send(a, "ring", 1);
    send(a, "talk", 2);
    for (int i = 0; i < 2; i++) {
        struct mc_bus *bus = i == 0 ? b : c;
        struct mc_bus_event ev;
        bool seen[3] = {false};

        for (int n = 0; n < 2; n++) {
            assert_true(next_within(bus, PATIENCE_MS, &ev));
            assert_int_equal(ev.kind, MC_BUS_MESSAGE);
            assert_int_equal(ev.queue,
                             ev.head.sequence == 1 ? MC_QUEUE_RECORDS : MC_QUEUE_TALK);
            assert_string_equal(ev.head.key, ev.head.sequence == 1 ? "ring" : "talk");
            assert_string_equal(ev.head.from.s, "a");
            assert_string_equal(ev.head.ring_name.s, "object");
            assert_int_equal(ev.head.version, 7);
            assert_int_equal(ev.head.timestamp, 9);
            seen[ev.head.sequence] = true;
            mc_blob_unref(ev.body);
            bus->ops->ack(bus, ev.delivery);
        }
        assert_true(seen[1] && seen[2]);
        expect_quiet(bus);
    }
    shut(a);
    shut(b);
    shut(c);
}

static void a_letter_to_one_cluster_reaches_only_that_one(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true),
                  *c = open_site("c", 3, true);

    (void)state;
    send(a, "ring.c", 1);
    send(a, "talk.c", 2);
    expect_quiet(a);
    expect_quiet(b);
    send(a, "ring.nobody", 3); /* is confirmed too: no queue was missed */
    expect_quiet(b);
    shut(a);
    shut(b);
    for (int n = 0; n < 2; n++) {
        struct mc_bus_event ev;

        assert_true(next_within(c, PATIENCE_MS, &ev));
        assert_int_equal(ev.kind, MC_BUS_MESSAGE);
        assert_true(ev.head.sequence == 1 || ev.head.sequence == 2);
        mc_blob_unref(ev.body);
    }
    expect_quiet(c);
    shut(c);
}

static void own_letters_come_back_without_a_body(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("a", 2, true);
    struct mc_bus_event ev;

    (void)state;
    send(a, "ring", 1);
    assert_true(next_within(a, PATIENCE_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_MESSAGE);
    assert_true(ev.own);
    assert_null(ev.body);
    assert_int_equal(ev.head.sequence, 1);
    (void)expect_letter(b, 1); /* same name, other uid: not own */
    shut(a);
    shut(b);
}

static void what_was_not_acknowledged_comes_again_and_only_that(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true);
    uint64_t delivery[4];

    (void)state;
    for (uint64_t n = 0; n < 4; n++)
        send(a, "ring.b", n + 1);
    for (uint64_t n = 0; n < 4; n++)
        delivery[n] = expect_letter(b, n + 1);
    b->ops->ack(b, delivery[3]); /* out of order */
    b->ops->ack(b, delivery[0]);
    b->ops->ack(b, delivery[0]); /* twice, and unknown: nothing */
    b->ops->ack(b, delivery[3] + 1000);
    b->ops->ack(b, 0);
    shut(b);
    for (int life = 0; life < 2; life++) { /* the second proves that it is kept */
        b = open_site("b", 2, false);
        delivery[1] = expect_letter(b, 2);
        delivery[2] = expect_letter(b, 3);
        expect_quiet(b);
        if (life == 1) {
            b->ops->ack(b, delivery[1]);
            b->ops->ack(b, delivery[2]);
        }
        shut(b);
    }
    b = open_site("b", 2, false);
    expect_quiet(b);
    send(a, "ring.b", 5);
    (void)expect_letter(b, 5);
    shut(a);
    shut(b);
}

static void a_number_of_an_earlier_life_acknowledges_nothing(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true);
    uint64_t delivery;

    (void)state;
    send(a, "ring.b", 1);
    delivery = expect_letter(b, 1);
    shut(b);
    b = open_site("b", 2, false);
    b->ops->ack(b, delivery);
    (void)expect_letter(b, 1);
    shut(a);
    shut(b);
}

static void few_records_are_out_at_once(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true);
    uint64_t delivery[MC_INFLIGHT_MAX];

    (void)state;
    for (uint64_t n = 1; n <= MC_INFLIGHT_MAX + 2; n++)
        send(a, "ring.b", n);
    for (uint64_t n = 0; n < MC_INFLIGHT_MAX; n++)
        delivery[n] = expect_letter(b, n + 1);
    expect_quiet(b);
    send(a, "talk.b", 100); /* talk goes on */
    (void)expect_letter(b, 100);
    b->ops->ack(b, delivery[2]);
    (void)expect_letter(b, MC_INFLIGHT_MAX + 1);
    expect_quiet(b);
    b->ops->ack(b, delivery[0]);
    (void)expect_letter(b, MC_INFLIGHT_MAX + 2);
    shut(a);
    shut(b);
}

static void a_full_queue_drops_its_oldest(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true),
                  *c = open_site("c", 3, true);
    uint64_t last = world->records_max + 3;

    (void)state;
    shut(b);
    send(a, "ring.c", 1000); /* does not count in b's queue */
    for (uint64_t n = 1; n <= last; n++)
        send(a, "ring.b", n);
    b = open_site("b", 2, false);
    for (uint64_t n = 4; n <= last; n++)
        b->ops->ack(b, expect_letter(b, n));
    expect_quiet(b);
    (void)expect_letter(c, 1000);
    shut(a);
    shut(b);
    shut(c);
}

static void records_wait_for_who_is_away_and_not_for_who_never_came(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true);

    (void)state;
    shut(b);
    send(a, "ring", 1);
    send(a, "ring.b", 2);
    world->advance(world->ctx, 3600000);
    b = open_site("b", 2, false);
    (void)expect_letter(b, 1);
    (void)expect_letter(b, 2);
    shut(b);
    b = open_site("late", 3, true);
    expect_quiet(b);
    shut(b);
    shut(a);
}

static void old_talk_is_gone(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true);

    (void)state;
    send(a, "talk.b", 1);
    world->advance(world->ctx, world->talk_ttl_ms + 1);
    send(a, "talk.b", 2);
    (void)expect_letter(b, 2);
    expect_quiet(b);
    shut(a);
    shut(b);
}

static void every_letter_is_confirmed_once(void **state)
{
    struct mc_bus *a = open_site("a", 1, true);
    unsigned confirmed[41] = {0};
    unsigned count = 0;
    struct mc_bus_event ev;

    (void)state;
    for (uint64_t n = 1; n <= 40; n++) {
        struct mc_letter_head head = head_of(n % 2 ? "ring" : "talk", "a", 1, n);

        hand_over(a, &head);
    }
    while (next_within(a, count < 40 ? PATIENCE_MS : quiet_ms(), &ev))
        if (ev.kind == MC_BUS_CONFIRM) {
            assert_int_equal(ev.err, 0);
            assert_in_range(ev.token, 1, 40);
            confirmed[ev.token]++;
            count++;
        } else {
            assert_int_equal(ev.kind, MC_BUS_MESSAGE);
            assert_true(ev.own);
            a->ops->ack(a, ev.delivery);
        }
    for (uint64_t n = 1; n <= 40; n++)
        assert_int_equal(confirmed[n], 1);
    shut(a);
}

static void a_letter_that_is_too_big_is_refused(void **state)
{
    struct mc_bus *a = open_site("a", 1, true);
    struct mc_letter_head head = head_of("ring", "a", 1, 1);
    const uint8_t byte = 0;

    (void)state;
    assert_int_equal(
        a->ops->publish(a, &head, (struct mc_bytes){&byte, (size_t)256 << 20}, 1),
        MCOS_E_TOOBIG);
    expect_quiet(a); /* and there is no confirmation */
    shut(a);
}

static void an_empty_letter_has_an_empty_body(void **state)
{
    struct mc_bus *a = open_site("a", 1, true), *b = open_site("b", 2, true);
    struct mc_letter_head head = head_of("talk.b", "a", 1, 1);
    struct mc_bus_event ev;

    (void)state;
    assert_int_equal(a->ops->publish(a, &head, (struct mc_bytes){NULL, 0}, 1), 0);
    expect_confirm(a, 1);
    assert_true(next_within(b, PATIENCE_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_MESSAGE);
    assert_non_null(ev.body);
    assert_int_equal(mc_blob_get(ev.body).len, 0);
    mc_blob_unref(ev.body);
    shut(a);
    shut(b);
}

int mc_contract_bus(const char *name, const struct mc_contract_bus_world *w)
{
#define CASE(f) cmocka_unit_test_setup(f, fresh_world)
    const struct CMUnitTest bus_cases[] = {
        CASE(up_comes_first_and_says_whether_the_queue_is_new),
        CASE(a_letter_reaches_every_cluster),
        CASE(a_letter_to_one_cluster_reaches_only_that_one),
        CASE(own_letters_come_back_without_a_body),
        CASE(what_was_not_acknowledged_comes_again_and_only_that),
        CASE(a_number_of_an_earlier_life_acknowledges_nothing),
        CASE(few_records_are_out_at_once),
        CASE(a_full_queue_drops_its_oldest),
        CASE(records_wait_for_who_is_away_and_not_for_who_never_came),
        CASE(old_talk_is_gone),
        CASE(every_letter_is_confirmed_once),
        CASE(a_letter_that_is_too_big_is_refused),
        CASE(an_empty_letter_has_an_empty_body),
    };
#undef CASE
    world = w;
    return cmocka_run_group_tests_name(name, bus_cases, NULL, NULL);
}
