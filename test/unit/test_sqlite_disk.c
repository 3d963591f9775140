/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SQLite bus takes of its disk, and what it does when nothing is left.
 * The log must not grow with the number of letters, whoever sends and reads
 * them; a full disk must be told and must end by itself. Small disks are mounted
 * by the test; where that is not permitted it says so.
 */
#include "sqlite_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SOON_MS 3000
#define LOG_MAX (20u << 20) /* 16 MiB, and the last transaction */

static char folder[64], path[96];

static int set_up(void **state)
{
    (void)state;
    site_offset_ms = 0;
    snprintf(folder, sizeof(folder), "/tmp/mcos-sqlite-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/bus.db", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_clear(folder);
    (void)umount2(folder, MNT_DETACH); /* of a small disk, if there was one */
    site_clear(folder);
    return rmdir(folder);
}

/* Call it before anything is made: skip() does not come back. */
static void need_disk(const char *size)
{
    if (mount("none", folder, "tmpfs", 0, size) == 0)
        return;
    print_message("# skipped: no right to mount a small filesystem\n");
    skip();
}

static struct mc_bus *open_site(unsigned number)
{
    struct mc_bus *bus = NULL;
    struct mc_bus_event ev;

    assert_int_equal(site_open(path, number, &bus, NULL), 0);
    assert_true(site_next_kind(bus, MC_BUS_UP, SOON_MS, &ev));
    return bus;
}

static int send_confirmed(struct mc_bus *bus, const char *key, uint64_t sequence,
                          size_t bytes)
{
    struct mc_bus_event ev;

    assert_int_equal(site_send(bus, key, 1, sequence, bytes), 0);
    assert_true(site_next_kind(bus, MC_BUS_CONFIRM, SOON_MS, &ev));
    assert_int_equal(ev.token, sequence);
    return ev.err;
}

static uint64_t log_bytes(void)
{
    char name[128];
    struct stat st;

    snprintf(name, sizeof(name), "%s-wal", path);
    return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Letters to others never come back to the sender: it has no idle moment. */
static void the_log_is_bounded_for_a_sender_that_is_never_idle(void **state)
{
    struct mc_bus *a = open_site(1), *b = open_site(2);

    (void)state;
    for (uint64_t n = 1; n <= 120; n++) {
        assert_int_equal(send_confirmed(a, "ring.s2", n, 400000), 0);
        assert_true(log_bytes() <= LOG_MAX);
    }
    a->ops->close(a);
    b->ops->close(b);
}

static void the_log_is_bounded_over_a_day_of_small_talk(void **state)
{
    struct mc_bus *a = open_site(1), *b = open_site(2);
    struct mc_bus_event ev;

    (void)state;
    for (uint64_t n = 1; n <= 2000; n++) {
        assert_int_equal(send_confirmed(a, "talk", n, 300), 0);
        site_offset_ms += 500;
        assert_false(site_next_kind(a, MC_BUS_DOWN, 0, &ev));
        assert_false(site_next_kind(b, MC_BUS_DOWN, 0, &ev));
        assert_true(log_bytes() <= 5u << 20); /* idle: earlier than the bound */
    }
    a->ops->close(a);
    b->ops->close(b);
}

static void talk_for_a_while(unsigned number)
{
    struct mc_bus *bus = NULL;
    struct mc_bus_event ev;

    if (site_open(path, number, &bus, NULL) != 0 ||
        !site_next_kind(bus, MC_BUS_UP, SOON_MS, &ev))
        _exit(1);
    for (uint64_t n = 1; n <= 500; n++) {
        if (site_send(bus, n % 20 == 0 ? "ring" : "talk", number, n,
                      n % 20 == 0 ? 400000 : 300) != 0 ||
            !site_next_kind(bus, MC_BUS_CONFIRM, SOON_MS, &ev) || ev.err != 0)
            _exit(1);
        (void)site_next_kind(bus, MC_BUS_DOWN, 0, &ev);
    }
    bus->ops->close(bus);
    _exit(0);
}

static void the_log_is_bounded_while_several_processes_talk_and_read(void **state)
{
    enum { PROCESSES = 4 };
    pid_t child[PROCESSES];
    unsigned left = PROCESSES;
    uint64_t most = 0;

    (void)state;
    for (unsigned i = 0; i < PROCESSES; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0)
            talk_for_a_while(i + 1);
    }
    while (left > 0) {
        for (unsigned i = 0; i < PROCESSES; i++) {
            int status = 0;

            if (child[i] > 0 && waitpid(child[i], &status, WNOHANG) == child[i]) {
                assert_int_equal(status, 0);
                child[i] = 0;
                left--;
            }
        }
        most = log_bytes() > most ? log_bytes() : most;
        usleep(1000);
    }
    print_message("# the log had %llu bytes at most\n", (unsigned long long)most);
    assert_true(most > 0);
    assert_true(most <= 2 * LOG_MAX); /* a reader may hold it for a moment */
}

static void a_full_disk_is_told_and_ends_by_itself(void **state)
{
    struct mc_bus *a, *b;
    struct mc_bus_event ev;
    uint64_t n = 0, got = 0;
    int err = 0;

    (void)state;
    need_disk("size=4m");
    a = open_site(1);
    b = open_site(2);
    while (err == 0 && n < 40)
        err = send_confirmed(a, "ring.s2", ++n, 300000);
    assert_int_equal(err, MCOS_E_FULL);
    assert_true(n > 3);
    assert_true(site_next(a, 0, &ev));
    assert_int_equal(ev.kind, MC_BUS_DOWN);
    assert_int_equal(ev.err, MCOS_E_FULL);
    assert_int_equal(send_confirmed(a, "ring.s2", 1000, 10), MCOS_E_AWAY);
    assert_false(site_next(a, 500, &ev)); /* said once */
    while (got < 3) {                     /* what was confirmed before is there */
        assert_true(site_next_kind(b, MC_BUS_MESSAGE, SOON_MS, &ev));
        assert_int_equal(ev.head.sequence, ++got);
        mc_blob_unref(ev.body); /* not acknowledged: it stays */
    }
    assert_false(site_next_kind(a, MC_BUS_UP, 1000, &ev));
    assert_int_equal(mount("none", folder, "tmpfs", MS_REMOUNT, "size=64m"), 0);
    assert_true(site_next_kind(a, MC_BUS_UP, 6000, &ev));
    assert_false(ev.fresh_queue);
    assert_int_equal(send_confirmed(a, "ring.s2", ++n, 300000), 0);
    while (got < n) {
        if (++got == n - 1) /* that one was refused */
            continue;
        assert_true(site_next_kind(b, MC_BUS_MESSAGE, SOON_MS, &ev));
        assert_int_equal(ev.head.sequence, got);
        b->ops->ack(b, ev.delivery);
        mc_blob_unref(ev.body);
    }
    a->ops->close(a);
    b->ops->close(b);
}

static void a_full_disk_ends_when_the_letters_are_read(void **state)
{
    struct mc_bus *a, *b;
    struct mc_bus_event ev;
    uint64_t n = 0;
    int err = 0;

    (void)state;
    need_disk("size=8m");
    a = open_site(1);
    b = open_site(2);
    while (err == 0 && n < 40)
        err = send_confirmed(a, "ring.s2", ++n, 300000);
    assert_int_equal(err, MCOS_E_FULL);
    assert_true(site_next_kind(a, MC_BUS_DOWN, 0, &ev));
    (void)site_next_kind(b, MC_BUS_DOWN, 500, &ev); /* reads and acknowledges */
    for (int i = 0; i < 4; i++) {
        site_offset_ms += 3000;
        (void)site_next_kind(b, MC_BUS_DOWN, 200, &ev);
    }
    assert_true(site_next_kind(a, MC_BUS_UP, 6000, &ev));
    assert_int_equal(send_confirmed(a, "ring.s2", ++n, 300000), 0);
    a->ops->close(a);
    b->ops->close(b);
}

static void a_small_disk_carries_any_number_of_letters_that_are_read(void **state)
{
    struct mc_bus *a, *b;
    struct mc_bus_event ev;

    (void)state;
    need_disk("size=24m");
    a = open_site(1);
    b = open_site(2);
    for (uint64_t n = 1; n <= 150; n++) {
        assert_int_equal(send_confirmed(a, "ring", n, 400000), 0);
        site_offset_ms += 300;
        assert_false(site_next_kind(a, MC_BUS_DOWN, 0, &ev));
        assert_false(site_next_kind(b, MC_BUS_DOWN, 0, &ev));
    }
    a->ops->close(a);
    b->ops->close(b);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest cases[] = {
        CASE(the_log_is_bounded_for_a_sender_that_is_never_idle),
        CASE(the_log_is_bounded_over_a_day_of_small_talk),
        CASE(the_log_is_bounded_while_several_processes_talk_and_read),
        CASE(a_full_disk_is_told_and_ends_by_itself),
        CASE(a_full_disk_ends_when_the_letters_are_read),
        CASE(a_small_disk_carries_any_number_of_letters_that_are_read),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
