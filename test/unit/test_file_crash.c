/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A merge may die, or be told an error, at any system call: the sweep does so at
 * the 1st, the 2nd, the 3rd ... call until a merge meets no fault any more. The
 * calls are caught by the linker (--wrap), so that each place is met exactly
 * once, without luck and without a tracer.
 *
 * Always: afterwards the old record or the new one is held whole, success is
 * never said without the new one, a failure changes nothing, the next merge
 * works, and nothing half-made is left.
 */
#include "adapter/file/store.h"
#include "contract/records.h"
#include "contract/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum fault {
    DIE_BEFORE,
    DIE_AFTER,
    DIE_TORN,
    SAY_EIO,
    SAY_ENOSPC,
    SAY_EINTR,
    NO_MEMORY, /* counts allocations instead of system calls */
    FAULTS
};

static struct {
    bool armed;
    enum fault fault;
    long at;    /* the call that meets it, from 0 */
    long calls; /* so far */
    bool fired;
    bool renamed; /* a rename was carried out since arming */
    bool grave;   /* the call that was told an error must not be passed over */
    char log[64]; /* w: write, f: fsync of a file, d: of a folder, r: rename,
                   * m: the next reader gets the file from the medium */
    size_t logged;
} plan;

static void note(char what)
{
    if (plan.logged < sizeof(plan.log) - 1)
        plan.log[plan.logged++] = what;
}

#define EXIT_KILLED 99

static bool is_the_one(bool memory)
{
    if (!plan.armed || memory != (plan.fault == NO_MEMORY) || plan.calls++ != plan.at)
        return false;
    plan.fired = true;
    return true;
}

static bool meets(void)
{
    if (!is_the_one(false))
        return false;
    if (plan.fault == DIE_BEFORE)
        _exit(EXIT_KILLED);
    return true;
}

static bool says_error(void)
{
    static const int codes[FAULTS] = {
        [SAY_EIO] = EIO, [SAY_ENOSPC] = ENOSPC, [SAY_EINTR] = EINTR};

    errno = codes[plan.fault];
    return plan.fault >= SAY_EIO;
}

static bool says_grave_error(void)
{
    bool says = says_error();

    plan.grave = says && plan.fault != SAY_EINTR;
    return says;
}

static void after(bool met)
{
    if (met && plan.fault < SAY_EIO)
        _exit(EXIT_KILLED);
}

/* One wrapper per call: told an error, or carried out and then perhaps dead. */
#define WRAP(type, name, params, args)                                                 \
    type __real_##name params;                                                         \
    type __wrap_##name params;                                                         \
    type __wrap_##name params                                                          \
    {                                                                                  \
        bool met = meets();                                                            \
        type rc;                                                                       \
                                                                                       \
        if (met && says_error())                                                       \
            return -1;                                                                 \
        rc = __real_##name args;                                                       \
        after(met);                                                                    \
        return rc;                                                                     \
    }

WRAP(int, linkat, (int a, const char *b, int c, const char *d, int e), (a, b, c, d, e))
WRAP(int, unlinkat, (int a, const char *b, int c), (a, b, c))
WRAP(int, mkdirat, (int a, const char *b, mode_t c), (a, b, c))
WRAP(int, fallocate64, (int a, int b, off_t c, off_t d), (a, b, c, d))
WRAP(int, flock, (int a, int b), (a, b))

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    bool met = meets();
    struct stat st;
    int rc;

    if (met && says_grave_error())
        return -1;
    rc = __real_fsync(fd);
    note(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'd' : 'f');
    after(met);
    return rc;
}

int __real_posix_fadvise64(int fd, off_t at, off_t len, int advice);
int __wrap_posix_fadvise64(int fd, off_t at, off_t len, int advice);
int __wrap_posix_fadvise64(int fd, off_t at, off_t len, int advice)
{
    if (advice == POSIX_FADV_DONTNEED && at == 0 && len == 0)
        note('m');
    return __real_posix_fadvise64(fd, at, len, advice);
}

int __real_renameat(int a, const char *b, int c, const char *d);
int __wrap_renameat(int a, const char *b, int c, const char *d);
int __wrap_renameat(int a, const char *b, int c, const char *d)
{
    bool met = meets();
    int rc;

    if (met && says_grave_error())
        return -1;
    rc = __real_renameat(a, b, c, d);
    plan.renamed = plan.renamed || rc == 0;
    note('r');
    after(met);
    return rc;
}

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    bool met = meets();
    ssize_t rc;

    if (met && says_grave_error())
        return -1;
    rc = __real_write(fd, bytes, met && plan.fault == DIE_TORN ? n / 2 : n);
    note('w');
    after(met);
    return rc;
}

/* Linux closes the descriptor whatever close says. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    bool met = meets();
    bool writes = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
    int rc = __real_close(fd);

    if (met && writes && says_grave_error())
        return -1;
    if (met && says_error())
        return -1;
    after(met);
    return rc;
}

int __real_openat64(int dirfd, const char *path, int flags, ...);
int __wrap_openat64(int dirfd, const char *path, int flags, ...);
int __wrap_openat64(int dirfd, const char *path, int flags, ...)
{
    bool met = meets();
    mode_t mode = 0;
    va_list args;
    int rc;

    if (met && says_error())
        return -1;
    va_start(args, flags);
    if ((flags & O_CREAT) != 0)
        mode = va_arg(args, mode_t);
    va_end(args);
    rc = __real_openat64(dirfd, path, flags, mode);
    after(met);
    return rc;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    return is_the_one(true) ? NULL : __real_malloc(n);
}

void *__real_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n)
{
    return is_the_one(true) ? NULL : __real_calloc(count, n);
}

void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n)
{
    return is_the_one(true) ? NULL : __real_realloc(old, n);
}

/* What is swept: a store that holds `before` (and lost `lost`), and what comes. */
struct play {
    const char *name;
    struct mc_ring *before; /* NULL: nothing */
    struct mc_ring *lost;
    struct mc_ring *came;
    struct mc_ring *then;  /* is held afterwards */
    struct mc_ring *loser; /* is kept beside afterwards, or NULL */
    struct mc_ring *next;  /* the next merge */
    bool rot;              /* sweep the start with a damaged main file instead */
};

static char data[SCRATCH_MAX];

static struct mc_store *open_store(void)
{
    struct mc_file_store_config config = {
        .data = data, .keep_versions = 4, .verify = true};
    struct mc_store *store = NULL;

    return mc_file_store_open(&config, &store, NULL) == 0 ? store : NULL;
}

static bool holds(struct mc_store *store, const struct mc_ring *wanted)
{
    struct mc_name name = {"r"};
    struct mc_ring *ring = NULL;
    int err = store->ops->get(store, &name, &ring);
    bool same =
        wanted == NULL ? err == MCOS_E_NOTFOUND : err == 0 && record_same(ring, wanted);

    mc_ring_unref(ring);
    return same;
}

static bool has_losers(struct mc_store *store, const struct mc_ring *only)
{
    struct mc_ring *rings[MC_LOSERS_MAX];
    struct mc_name name = {"r"};
    size_t count = 0;
    bool right;

    if (store->ops->losers(store, &name, rings, &count) != 0)
        return false;
    right = only == NULL ? count == 0 : count == 1 && record_same(rings[0], only);
    for (size_t i = 0; i < count; i++)
        mc_ring_unref(rings[i]);
    return right;
}

static bool knows(struct mc_store *store, const struct mc_ring *wanted)
{
    const struct mc_head *head = mc_ring_head(wanted);
    struct mc_ring *ring = NULL;
    int err = store->ops->get_digest(store, &head->name, head->digest, &ring);

    mc_ring_unref(ring);
    return err != MCOS_E_GONE;
}

static bool merges(struct mc_store *store, struct mc_ring *ring)
{
    struct mc_merge out;

    return store->ops->merge(store, ring, &out) == 0;
}

static void rot_main(void)
{
    char path[SCRATCH_MAX + 32];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/rings/r.ring", data);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, 200), 1); /* in a sum of the head */
    assert_int_equal(close(fd), 0);
}

static void prepare(const struct play *play)
{
    struct mc_store *store;

    assert_true(scratch_make(data));
    store = open_store();
    assert_non_null(store);
    if (play->before != NULL)
        assert_true(merges(store, play->before));
    if (play->lost != NULL)
        assert_true(merges(store, play->lost));
    store->ops->close(store);
    if (play->rot)
        rot_main();
}

enum { ENDED, FAILED_CLEAN, NOT_FIRED, BAD = 50 };

/* The merge was told an error: nothing changed, and the next try works. */
static int check_failure(const struct play *play, struct mc_store *store, int err)
{
    bool doubt = plan.renamed;

    if (mcos_err_classify(err) != MCOS_RETRY)
        return BAD + 3;
    if (mc_file_store_trouble(store)[0] == '\0')
        return BAD + 4;
    if (!doubt && (!holds(store, play->before) || !has_losers(store, play->lost) ||
                   knows(store, play->came)))
        return BAD + 5;
    /* What was seen but perhaps not durable must be written again to count. */
    plan.renamed = false;
    if (!merges(store, play->came) || !holds(store, play->then) ||
        !has_losers(store, play->loser))
        return BAD + 6;
    return doubt && !plan.renamed ? BAD + 7 : FAILED_CLEAN;
}

/* In the child: no assertion may run here, so each wrong thing has a number. */
static int act(const struct play *play)
{
    struct mc_merge out;
    struct mc_store *store;
    int err;
    int status = ENDED;

    plan.armed = play->rot;
    store = open_store();
    plan.armed = false;
    if (store == NULL && plan.fired) {
        status = FAILED_CLEAN;
        store = open_store();
    } else if (!play->rot) {
        plan.calls = 0;
        plan.armed = true;
        err = store->ops->merge(store, play->came, &out);
        plan.armed = false;
        if (err != 0)
            status = check_failure(play, store, err);
        else if (!holds(store, play->then) || !has_losers(store, play->loser))
            status = BAD + 2;
        else if (plan.grave)
            status = BAD + 9;
    }
    if (store == NULL)
        return BAD;
    store->ops->close(store);
    return status == ENDED && !plan.fired ? NOT_FIRED : status;
}

static size_t count_open(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

static int act_and_leave_nothing_open(const struct play *play)
{
    size_t before = count_open();
    int status = act(play);

    return status < BAD && count_open() != before ? BAD + 8 : status;
}

static size_t count_asides(const char *room)
{
    char path[SCRATCH_MAX + 32];
    size_t count = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/%s", data, room);
    dir = opendir(path);
    for (const struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        count += strncmp(e->d_name, ".tmp.", 5) == 0;
    if (dir != NULL)
        assert_int_equal(closedir(dir), 0);
    return count;
}

static void check_after(const struct play *play, int status)
{
    struct mc_store *store = open_store();
    bool old;

    assert_non_null(store);
    old = holds(store, play->before);
    if (play->rot)
        assert_true(holds(store, play->then));
    else
        assert_true(old || holds(store, play->then)); /* old or new, whole */
    if (status != EXIT_KILLED)
        assert_true(holds(store, play->then));
    assert_true(merges(store, play->came));
    assert_true(holds(store, play->then));
    assert_true(has_losers(store, play->loser));
    assert_true(merges(store, play->next));
    assert_true(holds(store, play->next));
    assert_int_equal(count_asides("rings") + count_asides("conflicts/r"), 0);
    store->ops->close(store);
}

static void sweep(const struct play *play)
{
    for (int fault = 0; fault < FAULTS; fault++) {
        long n = 0;
        int status = 0;

        for (; status != NOT_FIRED; n++) {
            pid_t child;

            assert_true(n < 1000);
            prepare(play);
            plan.fault = (enum fault)fault;
            plan.at = n;
            plan.calls = 0;
            plan.fired = false;
            plan.renamed = false;
            plan.grave = false;
            child = fork();
            assert_true(child >= 0);
            if (child == 0)
                _exit(act_and_leave_nothing_open(play));
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_true(WIFEXITED(status));
            status = WEXITSTATUS(status);
            if (status >= BAD && status != EXIT_KILLED)
                fail_msg("%s: fault %d at call %ld: wrong in way %d", play->name, fault,
                         n, status - BAD);
            check_after(play, status);
            scratch_remove(data);
        }
        print_message("# %s: fault %d at each of %ld calls\n", play->name, fault,
                      n - 1);
        assert_true(n > (fault == NO_MEMORY ? 2 : 5));
    }
}

static void unref_all(struct play *play)
{
    mc_ring_unref(play->before);
    mc_ring_unref(play->came);
    mc_ring_unref(play->next);
}

static void the_first_record_of_a_name(void **state)
{
    struct play play = {.name = "first"};

    (void)state;
    play.came = record_mint("r", NULL, NULL, "", 10);
    play.then = play.came;
    play.next = record_mint("r", play.came, NULL, "", 2);
    sweep(&play);
    unref_all(&play);
}

static void a_record_that_replaces_its_parent(void **state)
{
    struct play play = {.name = "replace"};

    (void)state;
    play.before = record_mint("r", NULL, NULL, "", 10);
    play.came = record_mint("r", play.before, NULL, "", 10);
    play.then = play.came;
    play.next = record_mint("r", play.came, NULL, "", 2);
    sweep(&play);
    unref_all(&play);
}

/* v1 and two versions 2 (v2) that do not know each other. */
static void a_record_that_wins_a_conflict(void **state)
{
    struct play play = {.name = "win"};
    struct mc_ring *other = record_mint("r", NULL, NULL, "other", 2);

    (void)state;
    play.before = record_mint("r", NULL, NULL, "", 10);
    play.came = record_mint("r", other, NULL, "", 10);
    play.then = play.came;
    play.loser = play.before;
    play.next = record_mint("r", play.came, NULL, "", 2);
    sweep(&play);
    unref_all(&play);
    mc_ring_unref(other);
}

static void a_record_that_loses_a_conflict(void **state)
{
    struct play play = {.name = "lose"};
    struct mc_ring *other = record_mint("r", NULL, NULL, "other", 2);

    (void)state;
    play.before = record_mint("r", other, NULL, "", 10);
    play.came = record_mint("r", NULL, NULL, "", 10);
    play.then = play.before;
    play.loser = play.came;
    play.next = record_mint("r", play.before, NULL, "", 2);
    sweep(&play);
    unref_all(&play);
    mc_ring_unref(other);
}

static void a_record_that_settles_a_loser(void **state)
{
    struct play play = {.name = "settle"};
    struct mc_ring *other = record_mint("r", NULL, NULL, "other", 2);

    (void)state;
    play.before = record_mint("r", other, NULL, "", 10);
    play.lost = record_mint("r", NULL, NULL, "", 10);
    play.came = record_mint("r", play.before, play.lost, "", 2);
    play.then = play.came;
    play.next = record_mint("r", play.came, NULL, "", 2);
    sweep(&play);
    mc_ring_unref(play.lost);
    unref_all(&play);
    mc_ring_unref(other);
}

static void a_start_that_finds_the_main_file_damaged(void **state)
{
    struct play play = {.name = "rot", .rot = true};
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 10);

    (void)state;
    play.before = v1;
    play.lost = record_mint("r", v1, NULL, "", 10); /* the one that rots: no loser */
    play.came = v1;
    play.then = v1;
    play.next = record_mint("r", play.lost, NULL, "", 2);
    sweep(&play);
    mc_ring_unref(play.lost);
    mc_ring_unref(play.before);
    mc_ring_unref(play.next);
}

/* A power cut cannot be played here; the order that survives one can be read. */
static void
content_is_durable_before_it_is_seen_and_the_name_before_success(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", 2);
    struct mc_store *store;

    (void)state;
    assert_true(scratch_make(data));
    store = open_store();
    assert_non_null(store);
    memset(plan.log, 0, sizeof(plan.log));
    plan.logged = 0;
    assert_true(merges(store, v1));
    /* content; the rename; its folder */
    assert_string_equal(plan.log, "wfrd");
    memset(plan.log, 0, sizeof(plan.log));
    plan.logged = 0;
    assert_true(merges(store, v2));
    assert_string_equal(plan.log, "wfrd");
    /* When it has long counted, once: the names among the versions, and it is read
     * back from the medium. */
    assert_true(holds(store, v2));
    assert_true(holds(store, v2));
    assert_string_equal(plan.log, "wfrdddm");
    store->ops->close(store);
    scratch_remove(data);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

/* Each call of the system counts when fifty agents share a machine: none is made to
 * find out what is known already. */
static void so_many_calls_and_no_more(void **state)
{
    struct mc_ring *rings[MC_LOSERS_MAX];
    struct mc_name name = {"r"};
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", 2);
    struct mc_store *store;
    size_t count;

    (void)state;
    assert_true(scratch_make(data));
    store = open_store();
    assert_non_null(store);
    plan.fault = DIE_BEFORE;
    plan.at = -1;
    plan.armed = true;
    plan.calls = 0;
    assert_true(merges(store, v1));
    assert_in_range(plan.calls, 1, 24);
    plan.calls = 0;
    assert_true(merges(store, v2));
    assert_in_range(plan.calls, 1, 27);
    plan.calls = 0;
    assert_int_equal(store->ops->losers(store, &name, rings, &count), 0);
    assert_int_equal(count, 0);
    assert_in_range(plan.calls, 1, 2);
    plan.armed = false;
    store->ops->close(store);
    scratch_remove(data);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(
            content_is_durable_before_it_is_seen_and_the_name_before_success),
        cmocka_unit_test(so_many_calls_and_no_more),
        cmocka_unit_test(the_first_record_of_a_name),
        cmocka_unit_test(a_record_that_replaces_its_parent),
        cmocka_unit_test(a_record_that_wins_a_conflict),
        cmocka_unit_test(a_record_that_loses_a_conflict),
        cmocka_unit_test(a_record_that_settles_a_loser),
        cmocka_unit_test(a_start_that_finds_the_main_file_damaged),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
