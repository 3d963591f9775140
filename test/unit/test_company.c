/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several agents, one cluster: who speaks, who follows, and what is said to be held
 * (P90 to P97 of docs/protocol.md), on one machine; and the line in the roster.
 */
#include "machine_kit.h"

#include "mcos/err.h"
#include "sync/agent_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct kit *k; /* c00 is one of several agents, c01 a cluster of one */

static int set_up(void **state)
{
    (void)state;
    k = kit_new(2, MC_ANNOUNCE_DIGEST);
    k->nodes[0].config.shared = true;
    k->nodes[0].config.alone = true;
    k->nodes[1].config.alone = true;
    kit_start(k, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_free(k);
    return 0;
}

/* What the roster says: others there are, and what they hold at least. */
static void company(bool others, const struct mc_ring *ring)
{
    struct mc_event event = {.kind = MC_EV_COMPANY};
    struct mc_entry entry;

    event.u.company.others = others;
    if (ring != NULL) {
        entry = kit_entry(ring);
        event.u.company.least = &entry;
        event.u.company.count = 1;
    }
    kit_step(k, 0, event);
}

/* What c01 was told that c00 holds of photos: a version, 0 for nothing. */
static uint64_t told(unsigned by)
{
    const struct mc_machine *m = k->nodes[by].machine;
    struct mc_member member = mc_machine_member(m, 0);

    assert_string_equal(member.name.s, "c00");
    for (size_t i = 0; i < member.holding_count; i++) {
        if (strcmp(member.holdings[i].ring.s, "photos") == 0)
            return member.holdings[i].stamp.version;
    }
    return 0;
}

static bool follows(void)
{
    return mc_machine_status(k->nodes[0].machine).following;
}

static void who_gets_no_letters_follows_and_says_hellos_only(void **state)
{
    (void)state;
    kit_start(k, 0);
    k->nodes[0].connected = false; /* the bus gives them to another agent */
    company(true, NULL);
    kit_trace_clear(k);
    kit_run(k, 60000);
    assert_true(follows());
    assert_int_equal(k->nodes[0].announces + k->nodes[0].wants, 0);
    assert_non_null(strstr(k->trace, "hello talk.c00"));
    for (const char *at = k->trace; at != NULL && *at != '\0';) {
        assert_int_equal(strncmp(at, "hello talk.c00", 14) == 0 ||
                             strncmp(at, "note following", 14) == 0,
                         1);
        at = strstr(at, " / ");
        at = at == NULL ? NULL : at + 3;
    }
    /* Mute is who speaks and does not hear himself. */
    assert_false(mc_machine_status(k->nodes[0].machine).mute);
}

static void the_first_letter_makes_it_active_within_a_second(void **state)
{
    (void)state;
    kit_start(k, 0);
    k->nodes[0].connected = false;
    company(true, NULL);
    kit_run(k, 20000);
    k->nodes[0].connected = true; /* the other agent has died */
    kit_run(k, MC_PROBE_MS + 100);
    assert_false(follows());
    assert_true(k->nodes[0].announces > 0);
    assert_int_equal(mc_machine_member(k->nodes[1].machine, 0).state, MC_MEMBER_ACTIVE);
    /* And the end of the connection ends it. */
    kit_bus(k, 0, false);
    assert_true(follows());
}

static void nothing_is_announced_before_the_roster_was_seen(void **state)
{
    (void)state;
    kit_start(k, 0);
    kit_run(k, 30000);
    assert_false(follows());
    assert_int_equal(k->nodes[0].announces, 0);
    company(false, NULL);
    kit_run(k, 1000);
    assert_true(k->nodes[0].announces > 0);
}

static void a_record_is_told_while_each_of_the_others_holds_it(void **state)
{
    const struct mc_ring *v1;
    const struct mc_ring *v2;

    (void)state;
    kit_start(k, 0);
    company(true, NULL);
    kit_run(k, 5000);
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    v1 = mc_ring_ref((struct mc_ring *)(uintptr_t)kit_held(k, 0, "photos"));
    kit_run(k, 30000);
    assert_non_null(kit_held(k, 1, "photos")); /* published all the same */
    assert_int_equal(told(1), 0);
    assert_int_equal(told(0), 0);
    company(true, v1);
    kit_run(k, 2000);
    assert_int_equal(told(1), 1);
    assert_int_equal(told(0), 1);

    assert_int_equal(kit_mint(k, 0, "photos", "two"), 0);
    v2 = mc_ring_ref((struct mc_ring *)(uintptr_t)kit_held(k, 0, "photos"));
    company(true, v1); /* the least, not the greatest */
    kit_run(k, 30000);
    assert_int_equal(told(1), 1);
    company(true, v2);
    kit_run(k, 2000);
    assert_int_equal(told(1), 2);
    company(true, v1); /* agents meet that were apart */
    kit_run(k, 2000);
    assert_int_equal(told(1), 1);
    company(true, NULL);
    kit_run(k, 2000);
    assert_int_equal(told(1), 0);
    company(true, v2);
    kit_run(k, 2000);
    assert_int_equal(told(1), 2);
    mc_ring_unref((struct mc_ring *)(uintptr_t)v1);
    mc_ring_unref((struct mc_ring *)(uintptr_t)v2);
}

static void others_that_hold_more_do_not_make_us_say_more_than_we_hold(void **state)
{
    const struct mc_ring *v1;
    struct mc_ring *v2;

    (void)state;
    kit_start(k, 0);
    company(true, NULL);
    kit_run(k, 5000);
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    v1 = kit_held(k, 0, "photos");
    v2 = kit_ring("photos", v1, NULL, 1u << 30, "two", false);
    company(true, v2);
    kit_run(k, 5000);
    assert_int_equal(told(1), 1);
    mc_ring_unref(v2);
}

static void alone_again_it_tells_what_it_holds(void **state)
{
    (void)state;
    kit_start(k, 0);
    company(true, NULL);
    kit_run(k, 5000);
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    company(false, NULL);
    kit_run(k, 2000);
    assert_int_equal(told(1), 1);
    assert_int_equal(kit_mint(k, 0, "photos", "two"), 0);
    kit_run(k, 2000);
    assert_int_equal(told(1), 2);
}

static void the_last_one_says_leave_and_nobody_else(void **state)
{
    struct mc_event stop = {.kind = MC_EV_STOP};

    (void)state;
    kit_start(k, 0);
    company(true, NULL);
    kit_run(k, 5000);
    kit_trace_clear(k);
    kit_step(k, 0, stop);
    assert_null(strstr(k->trace, "leave"));
    kit_kill(k, 0, false);
    kit_start(k, 0);
    company(false, NULL);
    kit_run(k, 5000);
    kit_trace_clear(k);
    kit_step(k, 0, stop);
    assert_non_null(strstr(k->trace, "leave talk"));
}

static void who_follows_hears_what_is_passed_on_and_stays_silent(void **state)
{
    struct mc_ring *ring = kit_ring("photos", NULL, NULL, 10, "", false);
    const struct kit_sender peer = {
        .cluster = "c01", .incarnation = 77, .sequence = 5, .sent_ns = 1};
    struct mc_event event = {.kind = MC_EV_RELAYED};
    struct mc_entry entry = kit_entry(ring);
    struct mc_buf b = {0};
    struct mc_member m;

    (void)state;
    kit_start(k, 0);
    k->nodes[0].connected = false;
    company(true, NULL);
    kit_announcement(&b, &peer, &entry, 1, 5000);
    event.u.relayed.bytes = (struct mc_bytes){b.ptr, b.len};
    kit_step(k, 0, event);
    m = mc_machine_member(k->nodes[0].machine, 1);
    assert_string_equal(m.name.s, "c01");
    assert_int_equal(m.state, MC_MEMBER_ACTIVE);
    assert_int_equal(m.holding_count, 1);
    kit_run(k, 20000);
    assert_int_equal(k->nodes[0].wants + k->nodes[0].announces, 0);
    /* Once it is active it asks at once for what it has heard of. */
    k->nodes[0].connected = true;
    kit_run(k, MC_PROBE_MS + MC_WANT_EARLY_MS + 100);
    assert_true(k->nodes[0].wants > 0);
    mc_buf_fini(&b);
    mc_ring_unref(ring);
}

static void what_was_minted_by_one_who_follows_is_published(void **state)
{
    (void)state;
    kit_start(k, 0);
    k->nodes[0].connected = false;
    company(true, NULL);
    kit_run(k, 5000);
    assert_int_equal(kit_mint(k, 0, "photos", "one"), 0);
    kit_run(k, 100);
    assert_non_null(kit_held(k, 1, "photos"));
    assert_int_equal(k->nodes[0].bodies, 1);
}

/* What the roster says that the others read at least; 0: it cannot be asked. */
static void others_read(unsigned format)
{
    struct mc_event event = {.kind = MC_EV_COMPANY};

    event.u.company.others = true;
    event.u.company.format = (uint8_t)format;
    kit_step(k, 0, event);
    kit_run(k, 3000);
}

static unsigned format_told(void)
{
    return mc_machine_member(k->nodes[1].machine, 0).format;
}

static unsigned minted_by(unsigned node)
{
    return mc_machine_mint_format(k->nodes[node].machine);
}

/* Linked with the core of the next version, which writes two formats. */
static void what_one_of_them_cannot_read_is_not_announced_and_not_minted(void **state)
{
    (void)state;
    assert_int_equal(mc_format_max, 2);
    kit_start(k, 0);
    kit_run(k, 5000);
    assert_int_equal(minted_by(0), 1); /* who else is there nobody has seen */
    others_read(UINT8_MAX);            /* nobody */
    assert_int_equal(format_told(), 2);
    assert_int_equal(minted_by(0), 2);
    assert_int_equal(minted_by(1), 2);
    others_read(1);
    assert_int_equal(format_told(), 1);
    assert_int_equal(minted_by(0), 1);
    assert_int_equal(minted_by(1), 1);
    others_read(0);
    kit_run(k, 20000);
    assert_int_equal(format_told(), 1);
    assert_int_equal(minted_by(0), 1);
    others_read(9); /* not more than we can */
    assert_int_equal(format_told(), 2);
    assert_int_equal(minted_by(0), 2);
}

static void who_follows_mints_in_the_format_before_ours(void **state)
{
    (void)state;
    kit_start(k, 0);
    k->nodes[0].connected = false; /* the bus gives them to another agent */
    kit_run(k, 5000);
    others_read(2);
    assert_true(follows());
    assert_int_equal(minted_by(0), 1);
    k->nodes[0].connected = true;
    kit_run(k, 5000);
    assert_false(follows());
    assert_int_equal(minted_by(0), 2);
    kit_bus(k, 0, false);
    assert_int_equal(minted_by(0), 1);
}

/* ---- the line ---- */

/* The first `unread` of them cannot be read, the others are held. */
static struct mc_buf line_of(const struct mc_entry *entries, size_t count,
                             size_t unread)
{
    struct mc_agent_line line = {
        .active = true, .counts = true, .format = 7, .host = "h1"};
    struct mc_buf sealed = {0};
    struct mc_buf b = {0};
    size_t at;

    for (; unread > 0; unread--, count--)
        mc_entry_encode(&sealed, entries++);
    line.unread = (struct mc_bytes){sealed.ptr, sealed.len};
    at = mc_agent_line_open(&b, &line);
    mc_buf_fini(&sealed);
    for (size_t i = 0; i < count; i++)
        mc_entry_encode(&b, &entries[i]);
    mc_agent_line_close(&b, at);
    return b;
}

static int reads(const struct mc_buf *b)
{
    struct mc_agent_line line;

    return mc_agent_line_decode((struct mc_bytes){b->ptr, b->len}, &line);
}

static void a_line_is_read_as_written_and_nothing_else_is(void **state)
{
    struct mc_entry e[3] = {{.version = 3, .timestamp = 1},
                            {.version = 1, .timestamp = 1},
                            {.version = 2, .timestamp = 1}};
    struct mc_entry sealed;
    struct mc_reader r;
    struct mc_agent_line line;
    struct mc_buf b;

    (void)state;
    (void)mc_name_set(&e[0].name, "b");
    (void)mc_name_set(&e[1].name, "a");
    (void)mc_name_set(&e[2].name, "b");
    b = line_of(e, 3, 1);
    assert_int_equal(mc_agent_line_decode((struct mc_bytes){b.ptr, b.len}, &line), 0);
    assert_true(line.active && line.counts && line.entry_count == 2);
    assert_int_equal(line.format, 7);
    assert_string_equal(line.host, "h1");
    r = mc_reader_init(line.unread);
    assert_true(mc_entry_decode(&r, &sealed) && mc_entry_cmp(&sealed, &e[0]) == 0);
    assert_int_equal(mc_reader_left(&r), 0);
    for (size_t i = 0; i < b.len; i++) {
        if (i == 5) /* flags that nobody knows yet */
            continue;
        b.ptr[i] ^= 1;
        assert_int_not_equal(reads(&b), 0);
        b.ptr[i] ^= 1;
    }
    for (size_t n = 0; n < b.len; n++)
        assert_int_not_equal(mc_agent_line_decode((struct mc_bytes){b.ptr, n}, &line),
                             0);
    b.ptr[4] = 2;
    assert_int_equal(reads(&b), MCOS_E_UPGRADE);
    mc_buf_fini(&b);

    e[2].name = e[1].name; /* twice the same ring; a loser; out of order */
    for (size_t unread = 0; unread <= 2; unread += 2) {
        b = line_of(e + 1, 2, unread);
        assert_int_equal(reads(&b), MCOS_E_FORMAT);
        mc_buf_fini(&b);
    }
    e[0].loser = true;
    for (size_t unread = 0; unread <= 1; unread++) {
        b = line_of(e, 1, unread);
        assert_int_equal(reads(&b), MCOS_E_FORMAT);
        mc_buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(who_gets_no_letters_follows_and_says_hellos_only),
        T(the_first_letter_makes_it_active_within_a_second),
        T(nothing_is_announced_before_the_roster_was_seen),
        T(a_record_is_told_while_each_of_the_others_holds_it),
        T(others_that_hold_more_do_not_make_us_say_more_than_we_hold),
        T(alone_again_it_tells_what_it_holds),
        T(the_last_one_says_leave_and_nobody_else),
        T(who_follows_hears_what_is_passed_on_and_stays_silent),
        T(what_was_minted_by_one_who_follows_is_published),
        T(what_one_of_them_cannot_read_is_not_announced_and_not_minted),
        T(who_follows_mints_in_the_format_before_ours),
#undef T
        cmocka_unit_test(a_line_is_read_as_written_and_nothing_else_is)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
