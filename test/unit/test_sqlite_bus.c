/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SQLite bus does with its file beyond the contract: whose file it
 * touches, what it keeps and for how long (its disk: test_sqlite_disk.c). The tables
 * are looked at with a connection of the test's own, as an operator would.
 */
#include "sqlite_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SOON_MS 3000

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
    return rmdir(folder);
}

static struct mc_bus *open_site(unsigned number, bool fresh)
{
    struct mc_bus *bus = NULL;
    struct mc_bus_event ev;

    assert_int_equal(site_open(path, number, &bus, NULL), 0);
    assert_true(site_next(bus, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_UP);
    assert_int_equal(ev.fresh_queue, fresh);
    return bus;
}

static int send_confirmed(struct mc_bus *bus, unsigned number, const char *key,
                          uint64_t sequence, size_t bytes)
{
    struct mc_bus_event ev;

    assert_int_equal(site_send(bus, key, number, sequence, bytes), 0);
    assert_true(site_next_kind(bus, MC_BUS_CONFIRM, SOON_MS, &ev));
    assert_int_equal(ev.token, sequence);
    return ev.err;
}

static void sql(const char *text)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 1000);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int one_number(void *ret, int columns, char **text, char **names)
{
    (void)columns;
    (void)names;
    *(long *)ret = text[0] == NULL ? 0 : strtol(text[0], NULL, 10);
    return 0;
}

static long ask(const char *text)
{
    sqlite3 *db = NULL;
    long n = -1;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 1000);
    assert_int_equal(sqlite3_exec(db, text, one_number, &n, NULL), SQLITE_OK);
    sqlite3_close(db);
    return n;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static bool file_is(const char *name, const char *text)
{
    char got[4096] = "";
    FILE *f = fopen(name, "r");

    if (f == NULL)
        return false;
    got[fread(got, 1, sizeof(got) - 1, f)] = 0;
    fclose(f);
    return strcmp(got, text) == 0;
}

static const char *beside(const char *suffix)
{
    static char name[128];

    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return name;
}

static void expect_refused(int err)
{
    struct mcos_diag diag = {0};
    struct mc_bus *bus = NULL;

    assert_int_equal(site_open(path, 1, &bus, &diag), err);
    assert_null(bus);
    assert_string_equal(diag.field, "bus");
    assert_true(diag.text[0] != 0);
}

static const char prose[] =
    "Not a database, and longer than a header: this is somebody's letter to "
    "somebody else, who would be sad to find it gone in the morning.\n";

static void a_file_that_is_not_ours_is_refused_and_left_alone(void **state)
{
    (void)state;
    write_file(path, prose);
    expect_refused(MCOS_E_CONFIG);
    assert_true(file_is(path, prose));
    assert_int_not_equal(access(beside(".bell"), F_OK), 0);

    assert_int_equal(unlink(path), 0);
    sql("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(42);");
    expect_refused(MCOS_E_CONFIG);
    assert_int_equal(ask("SELECT x FROM theirs"), 42);
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema"), 1);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(MCOS_E_CONFIG);
    assert_int_equal(rmdir(path), 0);
}

static void somebody_elses_database_is_refused_even_beside_a_bell(void **state)
{
    (void)state;
    write_file(beside(".bell"), "!");
    sql("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(42);");
    expect_refused(MCOS_E_CONFIG);
    assert_int_equal(ask("SELECT x FROM theirs"), 42);
}

static void a_newer_bus_is_refused_and_an_absurd_version_is_damage(void **state)
{
    struct mc_bus *bus = open_site(1, true);

    (void)state;
    bus->ops->close(bus);
    sql("PRAGMA user_version=2");
    expect_refused(MCOS_E_UPGRADE);
    assert_int_equal(ask("PRAGMA user_version"), 2);
    sql("PRAGMA user_version=65");
    bus = open_site(1, true);
    bus->ops->close(bus);
}

static void damage_is_moved_aside_and_three_of_it_are_kept(void **state)
{
    struct mc_bus *bus;

    (void)state;
    bus = open_site(1, true);
    bus->ops->close(bus);
    for (int i = 1; i <= 5; i++) {
        char text[160];

        snprintf(text, sizeof(text), "%d %s", i, prose);
        write_file(path, text);
        assert_int_equal(unlink(beside("-wal")), 0); /* it could mend the file */
        bus = open_site(1, true);
        bus->ops->close(bus);
        assert_true(file_is(beside(".bad-1"), text));
    }
    assert_int_equal(access(beside(".bad-3"), F_OK), 0);
    assert_int_not_equal(access(beside(".bad-4"), F_OK), 0);
}

/* The front page is sound, so that opening sees nothing. */
static void damage_that_only_reading_finds_is_replaced_too(void **state)
{
    uint8_t junk[4096];
    struct mc_bus *a = open_site(1, true);
    struct mc_bus_event ev;
    FILE *f;

    (void)state;
    assert_int_equal(send_confirmed(a, 1, "ring", 1, 10), 0);
    a->ops->close(a);
    sql("PRAGMA wal_checkpoint(TRUNCATE)");
    memset(junk, 0xa5, sizeof(junk));
    f = fopen(path, "r+");
    assert_non_null(f);
    assert_int_equal(fseek(f,
                           (ask("SELECT rootpage FROM sqlite_schema WHERE"
                                " name = 'records'") -
                            1) *
                               ask("PRAGMA page_size"),
                           SEEK_SET),
                     0);
    assert_int_equal(fwrite(junk, 1, sizeof(junk), f), sizeof(junk));
    fclose(f);
    a = open_site(1, false);
    assert_true(site_next(a, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_DOWN);
    assert_int_equal(ev.err, MCOS_E_FORMAT);
    assert_true(site_next(a, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_UP);
    assert_true(ev.fresh_queue);
    a->ops->close(a);
}

static void a_letter_nobody_needs_is_dropped(void **state)
{
    struct mc_bus *a = open_site(1, true), *b = open_site(2, true);
    struct mc_bus_event ev;

    (void)state;
    for (uint64_t n = 1; n <= 5; n++) {
        assert_int_equal(send_confirmed(a, 1, "ring", 2 * n, 100), 0);
        assert_int_equal(send_confirmed(a, 1, "talk", 2 * n + 1, 100), 0);
    }
    assert_int_equal(send_confirmed(a, 1, "ring.nobody", 12, 100), 0);
    while (site_next(a, 200, &ev))
        a->ops->ack(a, ev.delivery);
    assert_int_equal(ask("SELECT count(*) FROM records WHERE key = 'ring.nobody'"), 0);
    site_offset_ms += 3000; /* a sweep is due: b still needs all of them */
    (void)site_next(a, 200, &ev);
    assert_int_equal(ask("SELECT count(*) FROM records"), 5);
    assert_int_equal(ask("SELECT count(*) FROM talk"), 5);
    while (site_next(b, 200, &ev)) {
        mc_blob_unref(ev.body);
        b->ops->ack(b, ev.delivery);
    }
    for (int i = 0; i < 3; i++) {
        site_offset_ms += 3000;
        (void)site_next(a, 20, &ev);
        (void)site_next(b, 20, &ev);
    }
    assert_int_equal(ask("SELECT count(*) FROM records"), 0);
    assert_int_equal(ask("SELECT count(*) FROM talk"), 0);
    a->ops->close(a);
    b->ops->close(b);
}

static void the_queue_of_an_absent_cluster_is_bounded_and_ends(void **state)
{
    struct mc_bus *a = open_site(1, true), *b = open_site(2, true);
    struct mc_bus_event ev;

    (void)state;
    b->ops->close(b);
    for (uint64_t n = 1; n <= MC_SQLITE_RECORDS_MAX + 40; n++)
        assert_int_equal(send_confirmed(a, 1, "ring.s2", n, 10), 0);
    for (int i = 0; i < 6; i++) {
        site_offset_ms += 3000;
        (void)site_next_kind(a, MC_BUS_DOWN, 10, &ev);
    }
    assert_int_equal(ask("SELECT count(*) FROM records"), MC_SQLITE_RECORDS_MAX);
    site_offset_ms += 29ull * 24 * 3600 * 1000; /* a says hourly that it lives */
    (void)site_next_kind(a, MC_BUS_DOWN, 300, &ev);
    b = open_site(2, false);
    (void)site_next_kind(b, MC_BUS_DOWN, 300, &ev);
    b->ops->close(b);
    for (int i = 0; i < 31; i++) {
        site_offset_ms += 24ull * 3600 * 1000;
        (void)site_next_kind(a, MC_BUS_DOWN, 20, &ev);
    }
    assert_int_equal(ask("SELECT count(*) FROM queue WHERE cluster = 's2'"), 0);
    assert_int_equal(ask("SELECT count(*) FROM queue WHERE cluster = 's1'"), 2);
    b = open_site(2, true);
    a->ops->close(a);
    b->ops->close(b);
}

static void who_was_given_up_says_so_when_it_wakes(void **state)
{
    struct mc_bus *a = open_site(1, true);
    struct mc_bus_event ev;

    (void)state;
    sql("DELETE FROM queue");
    assert_int_equal(send_confirmed(a, 1, "talk", 1, 10), 0); /* nobody wants it */
    site_offset_ms += 2 * 3600 * 1000;
    assert_true(site_next_kind(a, MC_BUS_DOWN, SOON_MS, &ev));
    assert_true(site_next_kind(a, MC_BUS_UP, SOON_MS, &ev));
    assert_true(ev.fresh_queue);
    assert_int_equal(send_confirmed(a, 1, "talk", 2, 10), 0);
    assert_true(site_next_kind(a, MC_BUS_MESSAGE, SOON_MS, &ev));
    a->ops->close(a);
}

static void without_its_folder_the_bus_is_down_and_publishing_says_so(void **state)
{
    struct mc_bus *bus = NULL;
    struct mc_bus_event ev;

    (void)state;
    snprintf(path, sizeof(path), "%s/none/bus.db", folder);
    assert_int_equal(site_open(path, 1, &bus, NULL), 0);
    assert_true(site_next(bus, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_DOWN);
    assert_int_equal(ev.err, MCOS_E_IO);
    assert_int_equal(send_confirmed(bus, 1, "ring", 1, 10), MCOS_E_AWAY);
    assert_false(site_next(bus, 400, &ev)); /* DOWN is said once */
    snprintf(path, sizeof(path), "%s/none", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(site_next(bus, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_UP);
    bus->ops->close(bus);
    site_clear(path);
    assert_int_equal(rmdir(path), 0);
}

static void a_letter_with_a_key_that_is_none_is_refused(void **state)
{
    static const char *const keys[] = {"", "rin", "rings", "ring.", "ring.A", "talk.*"};
    struct mc_bus *a = open_site(1, true);

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(site_send(a, keys[i], 1, 1, 1), MCOS_E_VALUE);
    assert_int_equal(site_send(a, "ring", 1, 0, 1), MCOS_E_VALUE);
    assert_int_equal(site_send(a, "talk", 1, 1, MC_TALK_BYTES_MAX + 4097),
                     MCOS_E_TOOBIG);
    assert_int_equal(site_send(a, "talk", 1, 1, MC_TALK_BYTES_MAX + 4096), 0);
    a->ops->close(a);
}

static void what_was_handed_over_before_close_still_goes_out(void **state)
{
    struct mc_bus *a = open_site(1, true), *b = open_site(2, true);
    struct mc_bus_event ev;

    (void)state;
    assert_int_equal(site_send(a, "talk", 1, 1, 10), 0); /* a leave, say */
    a->ops->close(a);
    assert_true(site_next_kind(b, MC_BUS_MESSAGE, SOON_MS, &ev));
    mc_blob_unref(ev.body);
    b->ops->close(b);
}

static void a_ring_wakes_the_others_at_once(void **state)
{
    struct mc_bus *a = open_site(1, true), *b = open_site(2, true);
    struct pollfd p = {.fd = b->ops->fd(b), .events = POLLIN};
    struct mc_bus_event ev;

    (void)state;
    assert_false(site_next(b, 50, &ev));
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(send_confirmed(a, 1, "talk.s2", 1, 10), 0);
    assert_int_equal(poll(&p, 1, 500), 1); /* its own poll is slower */
    assert_true(site_next(b, 0, &ev));
    assert_int_equal(ev.kind, MC_BUS_MESSAGE);
    mc_blob_unref(ev.body);

    assert_int_equal(unlink(beside(".bell")), 0); /* a new one is hung up */
    assert_false(site_next(b, 1200, &ev));
    assert_false(site_next(a, 50, &ev));
    (void)site_next(b, 0, &ev);
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(send_confirmed(a, 1, "talk.s2", 2, 10), 0);
    assert_int_equal(poll(&p, 1, 500), 1);
    a->ops->close(a);
    b->ops->close(b);
}

static void what_was_sent_into_a_removed_file_is_not_confirmed(void **state)
{
    struct mc_bus *a = open_site(1, true);
    struct mc_bus_event ev;

    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(site_send(a, "ring", 1, 1, 10), 0);
    assert_true(site_next(a, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_DOWN);
    assert_true(site_next(a, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_CONFIRM);
    assert_int_equal(ev.err, MCOS_E_AWAY);
    assert_true(site_next(a, SOON_MS, &ev));
    assert_int_equal(ev.kind, MC_BUS_UP);
    assert_true(ev.fresh_queue);
    a->ops->close(a);
}

static void two_with_one_uid_cannot_be_connected(void **state)
{
    struct mcos_diag diag = {0};
    struct mc_bus *a = open_site(1, true), *b = open_site(2, true), *twin = NULL;

    (void)state;
    assert_int_equal(site_open(path, 1, &twin, &diag), MCOS_E_IDENTITY);
    assert_null(twin);
    assert_non_null(strstr(diag.text, "s1 is connected to this bus by another"));
    assert_int_equal(send_confirmed(a, 1, "talk", 1, 10), 0); /* it lives on */
    a->ops->close(a);
    a = open_site(1, false);
    a->ops->close(a);
    b->ops->close(b);
}

static void a_claim_outlives_the_files_of_the_bus(void **state)
{
    static const char *const gone[] = {"", ".lock"};
    struct mc_bus *a = open_site(1, true), *twin = NULL;
    struct mc_bus_event ev;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(unlink(beside(gone[i])), 0);
        (void)site_next_kind(a, MC_BUS_CONFIRM, 1200, &ev);
        assert_int_equal(site_open(path, 1, &twin, NULL), MCOS_E_IDENTITY);
        assert_null(twin);
    }
    a->ops->close(a);
}

static void who_comes_too_late_for_a_new_claim_is_down(void **state)
{
    struct mc_bus *a = open_site(1, true), *twin;
    struct mc_bus_event ev;

    (void)state;
    assert_int_equal(unlink(beside(".lock")), 0);
    twin = open_site(1, false); /* before a has looked */
    assert_true(site_next_kind(a, MC_BUS_DOWN, SOON_MS, &ev));
    assert_int_equal(ev.err, MCOS_E_IDENTITY);
    assert_int_equal(send_confirmed(a, 1, "talk", 1, 10), MCOS_E_AWAY);
    assert_int_equal(send_confirmed(twin, 1, "talk", 2, 10), 0);
    twin->ops->close(twin);
    assert_true(site_next_kind(a, MC_BUS_UP, 6000, &ev));
    a->ops->close(a);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest cases[] = {
        CASE(a_file_that_is_not_ours_is_refused_and_left_alone),
        CASE(somebody_elses_database_is_refused_even_beside_a_bell),
        CASE(a_newer_bus_is_refused_and_an_absurd_version_is_damage),
        CASE(damage_is_moved_aside_and_three_of_it_are_kept),
        CASE(damage_that_only_reading_finds_is_replaced_too),
        CASE(a_letter_nobody_needs_is_dropped),
        CASE(the_queue_of_an_absent_cluster_is_bounded_and_ends),
        CASE(who_was_given_up_says_so_when_it_wakes),
        CASE(without_its_folder_the_bus_is_down_and_publishing_says_so),
        CASE(a_letter_with_a_key_that_is_none_is_refused),
        CASE(what_was_handed_over_before_close_still_goes_out),
        CASE(a_ring_wakes_the_others_at_once),
        CASE(what_was_sent_into_a_removed_file_is_not_confirmed),
        CASE(two_with_one_uid_cannot_be_connected),
        CASE(a_claim_outlives_the_files_of_the_bus),
        CASE(who_comes_too_late_for_a_new_claim_is_down),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
