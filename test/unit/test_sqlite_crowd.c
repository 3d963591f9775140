/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes on one bus file, and what may happen to the file under them.
 *
 * Each process sends a numbered letter now and then and notes in shared memory
 * what it heard from whom. A crowd is well when each has heard, from each, a
 * letter sent after a given moment. So every case does its damage and then asks
 * only whether the crowd becomes well again, and whether anybody died.
 */
#include "sqlite_site.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define CROWD   8
#define LETTERS 30 /* CROWD of them fit into a queue */
#define PACE_MS 20
#define WELL_MS 20000

struct note {
    volatile uint64_t sent;
    volatile uint64_t confirmed;
    volatile uint64_t heard[CROWD];
    volatile uint64_t downs;
    volatile uint64_t ups;
    volatile uint64_t fresh;
    volatile uint64_t locked;
};

static char folder[64], path[96];
static struct note *notes; /* shared with the children */
static pid_t child[CROWD];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/mcos-crowd-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/bus.db", folder);
    notes = mmap(NULL, sizeof(*notes) * CROWD, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return notes == MAP_FAILED;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < CROWD; i++)
        if (child[i] > 0) {
            kill(child[i], SIGKILL);
            waitpid(child[i], NULL, 0);
            child[i] = 0;
        }
    munmap(notes, sizeof(*notes) * CROWD);
    site_clear(folder);
    return rmdir(folder);
}

static void note_event(struct mc_bus *bus, struct note *me, struct mc_bus_event *ev)
{
    unsigned from;

    switch (ev->kind) {
    case MC_BUS_UP:
        me->ups++;
        me->fresh += ev->fresh_queue ? 1 : 0;
        break;
    case MC_BUS_DOWN:
        me->downs++;
        me->locked += ev->err == MCOS_E_LOCKED ? 1 : 0;
        break;
    case MC_BUS_CONFIRM:
        if (ev->err == 0 && ev->token > me->confirmed)
            me->confirmed = ev->token;
        break;
    case MC_BUS_MESSAGE:
        from = (unsigned)(ev->head.from.s[1] - '0');
        if (from < CROWD && ev->head.sequence > me->heard[from])
            me->heard[from] = ev->head.sequence;
        mc_blob_unref(ev->body);
        bus->ops->ack(bus, ev->delivery);
        break;
    }
}

/* Never returns. */
static void sing(unsigned number)
{
    struct note *me = &notes[number];
    struct mc_bus *bus = NULL;
    struct mc_bus_event ev;
    uint64_t next_ms = 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (site_open(path, number, &bus, NULL) != 0)
        _exit(3);
    for (;;) {
        uint64_t now = site_now_ms(NULL);

        if (now >= next_ms) {
            if (site_send(bus, "ring", number, me->sent + 1, 2000 * (number + 1)) != 0)
                _exit(4);
            me->sent++;
            next_ms = now + PACE_MS;
        }
        if (site_next(bus, next_ms > now ? next_ms - now : 0, &ev))
            note_event(bus, me, &ev);
    }
}

static void start(unsigned number)
{
    child[number] = fork();
    if (child[number] == 0)
        sing(number);
    assert_true(child[number] > 0);
}

static void pause_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

static bool all_heard(const uint64_t since[CROWD])
{
    for (int i = 0; i < CROWD; i++)
        for (int j = 0; j < CROWD; j++)
            if (child[i] > 0 && child[j] > 0 && notes[i].heard[j] <= since[j])
                return false;
    return true;
}

/* Everybody hears everybody, by letters sent from now on; and all live. */
static void expect_well(void)
{
    uint64_t since[CROWD], waited = 0;

    for (int i = 0; i < CROWD; i++)
        since[i] = notes[i].sent;
    while (!all_heard(since)) {
        pause_ms(20);
        waited += 20;
        assert_true(waited < WELL_MS);
    }
    for (int i = 0; i < CROWD; i++)
        if (child[i] > 0)
            assert_int_equal(waitpid(child[i], NULL, WNOHANG), 0);
}

static void start_all(void)
{
    for (unsigned i = 0; i < CROWD; i++)
        start(i);
    expect_well();
}

/* --- nothing happens: none lost, none twice --- */

static int count_letters(unsigned number)
{
    static uint8_t seen[CROWD][LETTERS + 1];
    struct mc_bus *bus = NULL;
    struct mc_bus_event ev;
    unsigned got = 0, confirmed = 0;

    if (site_open(path, number, &bus, NULL) != 0 || !site_next(bus, WELL_MS, &ev) ||
        ev.kind != MC_BUS_UP)
        return 10;
    notes[number].ups = 1;
    for (int i = 0; i < CROWD; i++)
        while (notes[i].ups == 0)
            pause_ms(5);
    for (uint64_t n = 1; n <= LETTERS; n++)
        if (site_send(bus, "ring", number, n, 1000) != 0)
            return 11;
    while (got < CROWD * LETTERS || confirmed < LETTERS) {
        unsigned from;

        if (!site_next(bus, WELL_MS, &ev))
            return 12;
        if (ev.kind == MC_BUS_CONFIRM && ev.err == 0) {
            confirmed++;
            continue;
        }
        if (ev.kind != MC_BUS_MESSAGE)
            return 13;
        from = (unsigned)(ev.head.from.s[1] - '0');
        if (from >= CROWD || ev.head.sequence > LETTERS ||
            seen[from][ev.head.sequence]++ != 0 || ev.own != (from == number))
            return 14;
        if (!ev.own && (mc_blob_get(ev.body).len != 1000 ||
                        mc_blob_get(ev.body).ptr[999] != ev.head.sequence))
            return 15;
        mc_blob_unref(ev.body);
        bus->ops->ack(bus, ev.delivery);
        got++;
    }
    if (site_next(bus, 300, &ev))
        return 16;
    bus->ops->close(bus);
    return 0;
}

static void eight_processes_lose_nothing_and_hear_nothing_twice(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CROWD; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(count_letters(i));
        }
    }
    for (unsigned i = 0; i < CROWD; i++) {
        int status = 0;

        waitpid(child[i], &status, 0);
        child[i] = 0;
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* --- a process is killed --- */

static void a_killed_process_takes_nothing_with_it(void **state)
{
    (void)state;
    start_all();
    for (unsigned round = 0; round < 16; round++) {
        unsigned who = round % 3;
        uint64_t confirmed;

        kill(child[who], SIGKILL);
        waitpid(child[who], NULL, 0);
        child[who] = 0;
        confirmed = notes[who].confirmed;
        for (int wait = 0; notes[7].heard[who] < confirmed; wait++) {
            assert_true(wait < 500); /* what was confirmed arrives */
            pause_ms(10);
        }
        start(who);
        pause_ms(17 * round % 60);
    }
    expect_well();
    for (int i = 3; i < CROWD; i++) /* the others noticed nothing */
        assert_int_equal(notes[i].downs, 0);
}

/* --- the file is damaged --- */

static uint64_t dice;

static uint64_t roll(uint64_t sides)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (dice >> 33) % sides;
}

/* What is in the log hides the file: bring it in first. */
static void fold_log(void)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(path, &db) == SQLITE_OK) {
        sqlite3_busy_timeout(db, 1000);
        (void)sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    }
    sqlite3_close(db);
}

static void spoil(unsigned round)
{
    char name[128];
    uint8_t junk[512];
    struct stat st;
    int fd;

    snprintf(name, sizeof(name), "%s%s", path, round % 4 == 3 ? "-wal" : "");
    if (round % 4 != 3)
        fold_log();
    fd = open(name, O_RDWR);
    if (fd < 0)
        return; /* just being replaced */
    for (size_t i = 0; i < sizeof(junk); i++)
        junk[i] = (uint8_t)roll(256);
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        if (round % 5 == 4)
            (void)!ftruncate(fd, (off_t)roll((uint64_t)st.st_size));
        for (int i = 0; i < 8; i++) {
            off_t at = i == 0 && round % 3 == 0 ? (off_t)roll(100)
                                                : (off_t)roll((uint64_t)st.st_size);

            (void)!pwrite(fd, junk, 1 + roll(sizeof(junk)), at);
        }
    }
    close(fd);
}

static void a_damaged_file_is_replaced_under_them(void **state)
{
    uint64_t fresh = 0;

    (void)state;
    start_all();
    for (unsigned round = 0; round < 15; round++) {
        dice = round;
        spoil(round);
        pause_ms(100);
        expect_well();
    }
    for (int i = 0; i < CROWD; i++)
        fresh += notes[i].fresh;
    print_message("# made anew %u times\n", (unsigned)fresh);
    assert_true(fresh > CROWD); /* it was noticed */
}

static void who_finds_a_damaged_file_at_its_start_replaces_it(void **state)
{
    (void)state;
    start_all();
    for (unsigned i = 0; i < CROWD; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
        child[i] = 0;
    }
    assert_int_equal(truncate(path, 50), 0);
    start_all();
}

static void a_removed_file_is_made_again(void **state)
{
    static const char *const parts[] = {"", "-wal", "-shm", ".bell", ".lock"};
    char name[128];

    (void)state;
    start_all();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, parts[i]);
        assert_int_equal(unlink(name), 0);
        expect_well();
        pause_ms(1200);
        expect_well();
    }
    site_clear(folder); /* all at once */
    expect_well();
}

static void a_folder_that_goes_and_comes_is_survived(void **state)
{
    char away[80];

    (void)state;
    start_all();
    snprintf(away, sizeof(away), "%s.away", folder);
    assert_int_equal(rename(folder, away), 0);
    pause_ms(2500);
    for (int i = 0; i < CROWD; i++)
        assert_true(notes[i].downs > 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    expect_well();
    site_clear(away);
    assert_int_equal(rmdir(away), 0);
}

static void a_locked_file_is_away_until_it_is_free(void **state)
{
    sqlite3 *db = NULL;
    pid_t locker;
    uint64_t locked = 0;

    (void)state;
    start_all();
    locker = fork();
    if (locker == 0) {
        if (sqlite3_open(path, &db) != SQLITE_OK)
            _exit(1);
        sqlite3_busy_timeout(db, 5000);
        if (sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
            _exit(2);
        pause_ms(5000);
        _exit(0);
    }
    pause_ms(4000);
    for (int i = 0; i < CROWD; i++)
        locked += notes[i].locked;
    assert_int_equal(locked, CROWD);
    for (int i = 0; i < CROWD; i++) /* and does not pretend to be back */
        assert_int_equal(notes[i].ups, 1);
    expect_well();
    waitpid(locker, NULL, 0);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(notes[i].fresh, 1); /* nothing was thrown away */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest cases[] = {
        CASE(eight_processes_lose_nothing_and_hear_nothing_twice),
        CASE(a_killed_process_takes_nothing_with_it),
        CASE(a_damaged_file_is_replaced_under_them),
        CASE(who_finds_a_damaged_file_at_its_start_replaces_it),
        CASE(a_removed_file_is_made_again),
        CASE(a_folder_that_goes_and_comes_is_survived),
        CASE(a_locked_file_is_away_until_it_is_free),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
