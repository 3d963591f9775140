/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may happen to a data folder between two moments of an agent: damaged
 * files, planted links, names that are paths, other processes, a folder that is
 * taken away. What the port promises is in the contract suite, dying in the
 * middle of a merge in test_file_crash.c, disks in test_file_disk.c.
 */
#include "adapter/file/store.h"
#include "contract/records.h"
#include "contract/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define KEEP 3u

static char data[SCRATCH_MAX];
static struct mcos_diag diag;

static int try_open(bool shared, struct mc_store **ret_store)
{
    struct mc_file_store_config config = {
        .data = data, .keep_versions = KEEP, .verify = true, .shared = shared};

    memset(&diag, 0, sizeof(diag));
    return mc_file_store_open(&config, ret_store, &diag);
}

static struct mc_store *open_store(void)
{
    struct mc_store *store = NULL;

    assert_int_equal(try_open(false, &store), 0);
    return store;
}

static int setup(void **state)
{
    (void)state;
    return scratch_make(data) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(data);
    return 0;
}

static const char *at(const char *file)
{
    static char path[2][SCRATCH_MAX + 128];
    static unsigned turn;

    turn ^= 1u;
    (void)snprintf(path[turn], sizeof(path[0]), "%s/%s", data, file);
    return path[turn];
}

static void write_file(const char *file, const void *bytes, size_t n)
{
    int fd = open(at(file), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
}

static void flip(const char *file, off_t offset)
{
    int fd = open(at(file), O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    assert_int_equal(close(fd), 0);
}

static size_t count_files(const char *folder)
{
    DIR *dir = opendir(at(folder));
    const struct dirent *entry;
    size_t count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    if (dir != NULL)
        assert_int_equal(closedir(dir), 0);
    return count;
}

static int merge(struct mc_store *store, struct mc_ring *ring)
{
    struct mc_merge out;

    return store->ops->merge(store, ring, &out);
}

static int get(struct mc_store *store, const char *name, struct mc_ring **ret_ring)
{
    struct mc_name n = record_name(name);

    return store->ops->get(store, &n, ret_ring);
}

static void assert_holds(struct mc_store *store, const char *name,
                         const struct mc_ring *wanted)
{
    struct mc_ring *ring = NULL;

    assert_int_equal(get(store, name, &ring), 0);
    assert_true(record_same(ring, wanted));
    mc_ring_unref(ring);
}

/* A store that holds v2 of "r" and remembers v1; closed. */
static void two_versions(struct mc_ring **ret_v1, struct mc_ring **ret_v2)
{
    struct mc_store *store = open_store();

    *ret_v1 = record_mint("r", NULL, NULL, "one", 2);
    *ret_v2 = record_mint("r", *ret_v1, NULL, "two", 2);
    assert_int_equal(merge(store, *ret_v1), 0);
    assert_int_equal(merge(store, *ret_v2), 0);
    store->ops->close(store);
}

static void a_flipped_bit_in_any_byte_brings_back_the_previous_version(void **state)
{
    struct stat st;
    off_t size = 1;

    (void)state;
    for (off_t offset = 0; offset < size; offset++) {
        struct mc_ring *v1;
        struct mc_ring *v2;
        struct mc_store *store;

        two_versions(&v1, &v2);
        assert_int_equal(stat(at("rings/r.ring"), &st), 0);
        size = st.st_size;
        flip("rings/r.ring", offset);
        store = open_store();
        assert_holds(store, "r", v1);
        assert_int_equal(count_files("quarantine"), 1);
        assert_int_equal(merge(store, v2), 0);
        assert_holds(store, "r", v2);
        store->ops->close(store);
        mc_ring_unref(v1);
        mc_ring_unref(v2);
        scratch_remove(data);
        assert_true(scratch_make(data));
    }
    assert_true(size > 512);
}

static void a_file_cut_short_brings_back_the_previous_version(void **state)
{
    static const off_t sizes[] = {0, 1, 15, 64, 400, 512};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct mc_ring *v1;
        struct mc_ring *v2;
        struct mc_store *store;

        two_versions(&v1, &v2);
        assert_int_equal(truncate(at("rings/r.ring"), sizes[i]), 0);
        store = open_store();
        assert_holds(store, "r", v1);
        store->ops->close(store);
        mc_ring_unref(v1);
        mc_ring_unref(v2);
        scratch_remove(data);
        assert_true(scratch_make(data));
    }
}

static void damage_is_met_without_a_restart_too(void **state)
{
    struct mc_store *store;
    struct mc_ring *v1;
    struct mc_ring *v2;

    (void)state;
    two_versions(&v1, &v2);
    store = open_store();
    flip("rings/r.ring", 200);
    assert_holds(store, "r", v1);
    flip("rings/r.ring", 200); /* v1 by now, and the only one left */
    assert_int_equal(merge(store, v2), 0);
    assert_holds(store, "r", v2);
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

/* A file's times tell nothing while the kernel's clock is in the tick of the writing.
 */
static void let_a_tick_pass(void)
{
    const struct timespec time = {.tv_nsec = 50000000};

    assert_int_equal(nanosleep(&time, NULL), 0);
}

/* Reads the ring; from then on a glance is enough. */
static void read_it(struct mc_store *store, const struct mc_ring *wanted)
{
    let_a_tick_pass();
    assert_holds(store, "r", wanted);
    assert_true(store->ops->keeps(store, wanted));
}

static void a_glance_tells_what_was_touched_since_it_was_read(void **state)
{
    struct mc_store *store = open_store();
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "one", 2);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "two", 2);

    (void)state;
    assert_false(store->ops->keeps(store, v1));
    assert_int_equal(merge(store, v1), 0);
    let_a_tick_pass();
    assert_false(store->ops->keeps(store, v1)); /* nobody has read it back */
    read_it(store, v1);
    assert_false(store->ops->keeps(store, v2));
    assert_int_equal(merge(store, v2), 0); /* another file */
    assert_false(store->ops->keeps(store, v1));
    assert_false(store->ops->keeps(store, v2));
    read_it(store, v2);
    flip("rings/r.ring", 200); /* the same file, as long as it was */
    assert_false(store->ops->keeps(store, v2));
    flip("rings/r.ring", 200);
    assert_false(store->ops->keeps(store, v2)); /* sound again, but who knows */
    read_it(store, v2);
    assert_int_equal(merge(store, v2), 0); /* the same again: is to be read back, too */
    assert_false(store->ops->keeps(store, v2));
    read_it(store, v2);
    flip("rings/r.ring", 200);
    let_a_tick_pass();
    assert_holds(store, "r", v1); /* what was damaged is mended, and another file */
    assert_false(store->ops->keeps(store, v2));
    assert_false(store->ops->keeps(store, v1));
    read_it(store, v1);
    assert_int_equal(unlink(at("rings/r.ring")), 0);
    assert_false(store->ops->keeps(store, v1));
    scratch_remove(data);
    assert_false(store->ops->keeps(store, v1));
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

/* Whoever reads a file in the moment of its writing may see the times of what is there
 * a moment later. */
static void a_file_just_written_is_not_known_by_its_times(void **state)
{
    struct mc_store *store = open_store();
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "one", 2);
    bool known = true;

    (void)state;
    assert_int_equal(merge(store, v1), 0);
    for (unsigned i = 0; known && i < 1000; i++) { /* a busy machine may take long */
        flip("rings/r.ring", 200);
        flip("rings/r.ring", 200);
        assert_holds(store, "r", v1);
        known = store->ops->keeps(store, v1);
    }
    assert_false(known);
    store->ops->close(store);
    mc_ring_unref(v1);
}

static void a_ring_without_any_good_record_is_missing_and_comes_again(void **state)
{
    struct mc_store *store;
    struct mc_ring *ring = NULL;
    struct mc_name *names = NULL;
    size_t count = 1;
    struct mc_ring *v1;
    struct mc_ring *v2;

    (void)state;
    two_versions(&v1, &v2);
    flip("rings/r.ring", 200);
    flip("rings/r.prev", 200); /* the versions are the same two files */
    store = open_store();
    assert_int_equal(get(store, "r", &ring), MCOS_E_NOTFOUND);
    assert_int_equal(store->ops->list(store, &names, &count), 0);
    assert_int_equal(count, 0);
    free(names);
    assert_int_equal(count_files("quarantine"), 2); /* each once */
    assert_int_equal(merge(store, v1), 0);
    assert_holds(store, "r", v1);
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void a_ring_under_another_name_is_not_that_ring(void **state)
{
    struct mc_store *store;
    struct mc_ring *ring = NULL;
    struct mc_ring *v1;
    struct mc_ring *v2;

    (void)state;
    two_versions(&v1, &v2);
    assert_int_equal(rename(at("rings/r.ring"), at("rings/s.ring")), 0);
    store = open_store();
    assert_int_equal(get(store, "s", &ring), MCOS_E_NOTFOUND);
    assert_holds(store, "r", v2); /* from the versions */
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

/* ---- a later format ---- */

/* v2's file becomes one that only a later version can read; its digest. */
static void seal(const struct mc_ring *v2, uint8_t ret_digest[MC_DIGEST_BYTES])
{
    struct mc_bytes bytes = mc_blob_get(mc_ring_blob(v2));
    uint8_t *copy = malloc(bytes.len);

    assert_non_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    mc_set_u16(copy + 8, 2);
    mc_sha256(ret_digest, (struct mc_bytes){copy, mc_ring_head(v2)->head_bytes});
    assert_int_equal(unlink(at("rings/r.ring")), 0); /* not the file in versions/r */
    write_file("rings/r.ring", copy, bytes.len);
    free(copy);
}

/* The child of v2 that says it descends from what v2 was turned into. */
static struct mc_ring *child_of_sealed(const struct mc_ring *v2,
                                       const uint8_t digest[MC_DIGEST_BYTES])
{
    struct mc_ring *v3 = record_mint("r", v2, NULL, "three", 2);
    const struct mc_builder_info *info = mc_ring_builder(v3);
    struct mc_ring *child = NULL;
    struct mc_blob *blob = NULL;
    struct mc_draft d;

    mc_draft_init(&d);
    assert_int_equal(mc_draft_from_ring(&d, v3), 0);
    d.head = *mc_ring_head(v3);
    memcpy(d.head.parents[0], digest, MC_DIGEST_BYTES);
    d.ancestors = calloc(info->ancestor_count, sizeof(*d.ancestors));
    assert_non_null(d.ancestors);
    memcpy(d.ancestors, info->ancestors, info->ancestor_count * sizeof(*d.ancestors));
    memcpy(d.ancestors[0].digest8, digest, 8);
    d.ancestor_count = info->ancestor_count;
    assert_int_equal(mc_draft_encode(&d, &blob, NULL), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_NONE, &child, NULL), 0);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    mc_ring_unref(v3);
    return child;
}

static void assert_unread(struct mc_store *store, const struct mc_ring *v2,
                          const uint8_t digest[MC_DIGEST_BYTES])
{
    struct mc_name name = record_name("r");
    struct mc_stamp stamp;

    assert_int_equal(store->ops->unread(store, &name, &stamp), 0);
    assert_int_equal(stamp.version, mc_ring_head(v2)->version);
    assert_int_equal(stamp.timestamp, mc_ring_head(v2)->timestamp);
    assert_memory_equal(stamp.digest, digest, MC_DIGEST_BYTES);
}

/* Whether that file is to the byte what seal() made, and nothing went astray. */
static void assert_sealed(const char *file, const uint8_t digest[MC_DIGEST_BYTES])
{
    uint8_t bytes[8192];
    uint8_t is[MC_DIGEST_BYTES];
    int fd = open(at(file), O_RDONLY);
    ssize_t n;

    assert_true(fd >= 0);
    n = read(fd, bytes, sizeof(bytes));
    assert_int_equal(close(fd), 0);
    assert_true(n > 16 && n < (ssize_t)sizeof(bytes));
    mc_sha256(is, (struct mc_bytes){bytes, mc_get_u32(bytes + 12)});
    assert_memory_equal(is, digest, MC_DIGEST_BYTES);
    assert_int_equal(count_files("quarantine"), 0);
}

static const char *entry_file(const char *folder, const struct mc_ring *ring,
                              const uint8_t digest[MC_DIGEST_BYTES])
{
    static char path[2][160];
    static unsigned turn;
    char hex[17];

    turn ^= 1u;
    mc_hex(hex, digest, 8);
    (void)snprintf(path[turn], sizeof(path[0]), "%s/r/%u-%llu-%s.ring", folder,
                   mc_ring_head(ring)->epoch,
                   (unsigned long long)mc_ring_head(ring)->version, hex);
    return path[turn];
}

static void a_later_format_is_left_alone_and_the_one_before_is_served(void **state)
{
    uint8_t digest[MC_DIGEST_BYTES];
    struct mc_name none = record_name("none");
    struct mc_store *store;
    struct mc_stamp stamp;
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *held = NULL;
    struct stat before;
    struct stat after;

    (void)state;
    two_versions(&v1, &v2);
    assert_int_equal(unlink(at(entry_file("versions", v2, mc_ring_head(v2)->digest))),
                     0);
    seal(v2, digest);
    assert_int_equal(stat(at("rings/r.ring"), &before), 0);
    for (unsigned i = 0; i < 2; i++) { /* and again */
        store = open_store();
        assert_holds(store, "r", v1);
        assert_unread(store, v2, digest);
        assert_int_equal(store->ops->unread(store, &none, &stamp), MCOS_E_NOTFOUND);
        assert_int_equal(merge(store, v1), 0);
        store->ops->close(store);
        assert_int_equal(stat(at("rings/r.ring"), &after), 0);
        assert_true(before.st_ino == after.st_ino);
        assert_sealed("rings/r.ring", digest);
    }
    /* None that can be read is left: it is there all the same. */
    assert_int_equal(unlink(at(entry_file("versions", v1, mc_ring_head(v1)->digest))),
                     0);
    (void)unlink(at("rings/r.prev"));
    store = open_store();
    assert_int_equal(get(store, "r", &held), MCOS_E_UPGRADE);
    assert_unread(store, v2, digest);
    assert_int_equal(merge(store, v1), 0); /* from another cluster */
    assert_holds(store, "r", v1);
    assert_unread(store, v2, digest);
    store->ops->close(store);
    assert_sealed("rings/r.ring", digest);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void beside_a_later_format_the_greatest_that_can_be_read_is_held(void **state)
{
    uint8_t digest[MC_DIGEST_BYTES];
    struct mc_name name = record_name("r");
    struct mc_ring *losers[MC_LOSERS_MAX];
    struct mc_store *store;
    struct mc_merge out;
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *low;
    struct mc_ring *high;
    size_t count = 0;

    (void)state;
    two_versions(&v1, &v2);
    assert_int_equal(unlink(at(entry_file("versions", v2, mc_ring_head(v2)->digest))),
                     0);
    seal(v2, digest);
    low = record_mint("r", NULL, NULL, "low", 2); /* v1, of another line */
    high = record_mint("r", NULL, NULL, "high", 2);
    if (memcmp(mc_ring_head(low)->digest, mc_ring_head(high)->digest, 32) > 0) {
        struct mc_ring *t = low;

        low = high;
        high = t;
    }
    store = open_store();
    assert_int_equal(store->ops->merge(store, low, &out), 0);
    assert_int_equal(store->ops->merge(store, high, &out), 0);
    assert_int_equal(out.relation, MC_RELATION_CONFLICT);
    assert_int_equal(store->ops->losers(store, &name, losers, &count), 0);
    assert_int_equal(count, 2); /* of three first versions the greatest is held */
    while (count > 0)
        mc_ring_unref(losers[--count]);
    store->ops->close(store);
    assert_sealed("rings/r.ring", digest);
    mc_ring_unref(low);
    mc_ring_unref(high);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void what_descends_from_a_later_format_takes_its_place(void **state)
{
    uint8_t digest[MC_DIGEST_BYTES];
    struct mc_name name = record_name("r");
    struct mc_store *store;
    struct mc_stamp stamp;
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *v3;

    (void)state;
    two_versions(&v1, &v2);
    assert_int_equal(unlink(at(entry_file("versions", v2, mc_ring_head(v2)->digest))),
                     0);
    seal(v2, digest);
    v3 = child_of_sealed(v2, digest);
    store = open_store();
    assert_int_equal(merge(store, v3), 0);
    assert_holds(store, "r", v3);
    assert_int_equal(store->ops->unread(store, &name, &stamp), MCOS_E_NOTFOUND);
    store->ops->close(store);
    assert_sealed(entry_file("versions", v2, digest), digest);
    assert_int_equal(count_files("conflicts/r"), 0);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void what_does_not_descend_from_it_keeps_it_as_a_loser(void **state)
{
    uint8_t digest[MC_DIGEST_BYTES];
    struct mc_store *store;
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *v3;

    (void)state;
    two_versions(&v1, &v2);
    v3 = record_mint("r", v2, NULL, "three", 2); /* of v2 as it was */
    seal(v2, digest);
    store = open_store();
    assert_int_equal(merge(store, v3), 0);
    assert_holds(store, "r", v3);
    assert_int_equal(merge(store, v1), 0); /* settles nothing, sweeps nothing */
    store->ops->close(store);
    store = open_store();
    store->ops->close(store);
    assert_sealed(entry_file("conflicts", v2, digest), digest);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void links_that_somebody_planted_are_not_followed(void **state)
{
    struct mc_ring *v1 = record_mint("r", NULL, NULL, "", 2);
    struct mc_ring *v2 = record_mint("r", v1, NULL, "", 2);
    struct mc_bytes bytes = mc_blob_get(mc_ring_blob(v2));
    struct mc_store *store = open_store();
    struct stat st;

    (void)state;
    write_file("target", bytes.ptr, bytes.len); /* a ring that would be good */
    assert_int_equal(symlink("../target", at("rings/.tmp.r.ring")), 0);
    assert_int_equal(symlink("../target", at("rings/r.ring")), 0);
    assert_int_equal(symlink("../target", at("rings/r.prev")), 0);
    assert_int_equal(merge(store, v1), 0);
    assert_holds(store, "r", v1);
    assert_int_equal(lstat(at("rings/r.ring"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(stat(at("target"), &st), 0);
    assert_int_equal(st.st_size, bytes.len);
    store->ops->close(store);
    assert_int_equal(rename(at("versions"), at("elsewhere")), 0);
    assert_int_equal(symlink("elsewhere", at("versions")), 0);
    store = NULL;
    assert_int_equal(try_open(false, &store), MCOS_E_IO); /* fails closed */
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void a_name_that_is_a_path_is_refused(void **state)
{
    static const char *const bad[] = {"../x", "a/b", "", ".", "..", "-a", "A", "a.b"};
    struct mc_store *store = open_store();
    struct mc_ring *rings[MC_LOSERS_MAX];
    struct mc_ring *ring = NULL;
    uint8_t digest8[8] = {0};
    struct mc_name name;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&name, 0, sizeof(name));
        memcpy(name.s, bad[i], strlen(bad[i]));
        assert_int_equal(store->ops->get(store, &name, &ring), MCOS_E_NAME);
        assert_int_equal(store->ops->get_digest(store, &name, digest8, &ring),
                         MCOS_E_NAME);
        assert_int_equal(store->ops->losers(store, &name, rings, &count), MCOS_E_NAME);
    }
    memset(&name, 'a', sizeof(name)); /* no end */
    assert_int_equal(store->ops->get(store, &name, &ring), MCOS_E_NAME);
    store->ops->close(store);
}

static void files_of_others_are_neither_listed_nor_touched(void **state)
{
    static const char *const foreign[] = {"rings/README",       "rings/r.ring~",
                                          "rings/R.ring",       "rings/.r.ring",
                                          "versions/notes.txt", "rings/r.ring.bak"};
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_store *store;
    struct mc_name *names = NULL;
    size_t count = 0;

    (void)state;
    two_versions(&v1, &v2);
    for (size_t i = 0; i < 6; i++)
        write_file(foreign[i], "x", 1);
    write_file("rings/.tmp.r.ring", "half", 4);
    write_file(".tmp.clusters", "half", 4);
    store = open_store();
    assert_int_equal(store->ops->list(store, &names, &count), 0);
    assert_int_equal(count, 1);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(access(at(foreign[i]), F_OK), 0);
    assert_int_equal(access(at("rings/.tmp.r.ring"), F_OK), -1);
    assert_int_equal(access(at(".tmp.clusters"), F_OK), -1);
    free(names);
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void so_many_versions_are_kept_and_no_more(void **state)
{
    struct mc_store *store = open_store();
    struct mc_ring *held = NULL;

    (void)state;
    for (unsigned i = 0; i < KEEP + 4; i++) {
        struct mc_ring *next = record_mint("r", held, NULL, "", 2);

        assert_int_equal(merge(store, next), 0);
        assert_int_equal(count_files("versions/r"), i < KEEP ? i + 1 : KEEP + 1);
        mc_ring_unref(held);
        held = next;
    }
    mc_ring_unref(held);
    store->ops->close(store);
}

static void losers_leave_no_files_beyond_their_bound_or_their_end(void **state)
{
    struct mc_ring *other = record_mint("r", NULL, NULL, "other", 2);
    struct mc_ring *v2 = record_mint("r", other, NULL, "", 2);
    struct mc_store *store = open_store();
    struct mc_ring *v3;
    char note[16];

    (void)state;
    assert_int_equal(merge(store, v2), 0);
    for (unsigned i = 0; i < MC_LOSERS_MAX + 4; i++) {
        struct mc_ring *loser;

        (void)snprintf(note, sizeof(note), "%u", i);
        loser = record_mint("r", NULL, NULL, note, 2);
        assert_int_equal(merge(store, loser), 0);
        assert_true(count_files("conflicts/r") <= MC_LOSERS_MAX);
        mc_ring_unref(loser);
    }
    while (count_files("conflicts/r") > 0) { /* settles them one by one */
        struct mc_ring *rings[MC_LOSERS_MAX];
        struct mc_name name = record_name("r");
        size_t count = 0;

        assert_int_equal(store->ops->losers(store, &name, rings, &count), 0);
        assert_int_equal(count, count_files("conflicts/r"));
        v3 = record_mint("r", v2, rings[0], "", 2);
        assert_int_equal(merge(store, v3), 0);
        assert_int_equal(count_files("conflicts/r"), count - 1);
        mc_ring_unref(v2);
        v2 = v3;
        for (size_t i = 0; i < count; i++)
            mc_ring_unref(rings[i]);
    }
    store->ops->close(store);
    mc_ring_unref(other);
    mc_ring_unref(v2);
}

static void a_second_agent_is_refused_and_told_who_is_there(void **state)
{
    struct mc_store *store = open_store();
    struct mc_store *second = NULL;
    char pid[32];

    (void)state;
    (void)snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    assert_int_equal(try_open(false, &second), MCOS_E_LOCKED);
    assert_null(second);
    assert_non_null(strstr(diag.text, pid));
    assert_non_null(strstr(diag.text, data));
    store->ops->close(store);
    store = open_store(); /* the lease goes with its holder */
    store->ops->close(store);
}

/* In a child: no assertion may run. */
static int merge_all(struct mc_ring *const *rings, size_t count, size_t first)
{
    struct mc_store *store = NULL;

    if (try_open(true, &store) != 0)
        return 1;
    for (size_t i = first; i < count; i += 2) {
        if (merge(store, rings[i]) != 0)
            return 2;
    }
    store->ops->close(store);
    return 0;
}

static void of_what_two_processes_merge_at_once_the_greatest_stays(void **state)
{
    enum { COUNT = 60 };
    struct mc_ring *rings[COUNT];
    struct mc_store *store;
    pid_t child[2];
    int status;

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        rings[i] = record_mint("r", i == 0 ? NULL : rings[i - 1], NULL, "", 8);
    for (size_t c = 0; c < 2; c++) {
        child[c] = fork();
        assert_true(child[c] >= 0);
        if (child[c] == 0)
            _exit(merge_all(rings, COUNT, c));
    }
    for (size_t c = 0; c < 2; c++) {
        assert_int_equal(waitpid(child[c], &status, 0), child[c]);
        assert_int_equal(status, 0);
    }
    store = open_store();
    assert_holds(store, "r", rings[COUNT - 1]);
    store->ops->close(store);
    for (size_t i = 0; i < COUNT; i++)
        mc_ring_unref(rings[i]);
}

static void a_process_that_merges_for_ever_is_waited_for_only_so_long(void **state)
{
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *v3;
    struct mc_store *store;
    int fd;

    (void)state;
    two_versions(&v1, &v2);
    v3 = record_mint("r", v2, NULL, "", 2);
    store = open_store();
    fd = open(at("rings/.lock"), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(merge(store, v3), MCOS_E_LOCKED);
    assert_holds(store, "r", v2); /* readers do not wait */
    assert_int_equal(close(fd), 0);
    assert_int_equal(merge(store, v3), 0);
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
    mc_ring_unref(v3);
}

static void a_data_folder_that_is_gone_is_said_and_a_new_one_works(void **state)
{
    struct mc_ring *v1;
    struct mc_ring *v2;
    struct mc_ring *held = NULL;
    struct mc_store *store;
    struct mc_store *second = NULL;

    (void)state;
    two_versions(&v1, &v2);
    store = open_store();
    assert_int_equal(get(store, "r", &held), 0);
    scratch_remove(data);
    assert_int_equal(merge(store, v2), MCOS_E_IO);
    assert_non_null(strstr(mc_file_store_trouble(store), "is gone"));
    assert_non_null(strstr(mc_file_store_trouble(store), data));
    assert_int_equal(access(data, F_OK),
                     -1); /* an unmounted disk is not written over */
    assert_int_equal(mc_ring_at(held, 1, 0), 1);
    assert_int_equal(mkdir(data, 0700), 0);
    assert_int_equal(merge(store, held), 0);
    assert_holds(store, "r", v2);
    assert_int_equal(try_open(false, &second), MCOS_E_LOCKED); /* the lease, too */
    store->ops->close(store);
    mc_ring_unref(held);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void a_ring_that_is_held_outlives_its_file_being_cut_short(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 16);
    struct mc_name name = record_name("r");
    struct mc_store *store = open_store();
    struct mc_ring *held = NULL;

    (void)state;
    assert_int_equal(merge(store, ring), 0);
    assert_int_equal(store->ops->get(store, &name, &held), 0);
    assert_int_equal(truncate(at("rings/r.ring"), 0), 0);
    for (uint32_t part = 0; part < 1u << 16; part++)
        assert_int_equal(mc_ring_at(held, part, 0), part % 2);
    mc_ring_unref(held);
    mc_ring_unref(ring);
    store->ops->close(store);
}

static void where_no_loser_is_kept_the_ring_is_not_read_for_them(void **state)
{
    struct mc_ring *rings[MC_LOSERS_MAX];
    struct mc_name name = record_name("r");
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 2);
    struct mc_store *store = open_store();
    size_t count = SIZE_MAX;

    (void)state;
    assert_int_equal(merge(store, ring), 0);
    flip("rings/r.ring", 100);
    assert_int_equal(store->ops->losers(store, &name, rings, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(access(at("quarantine"), F_OK), -1); /* nobody saw it */
    mc_ring_unref(ring);
    store->ops->close(store);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_flipped_bit_in_any_byte_brings_back_the_previous_version),
        CASE(a_file_cut_short_brings_back_the_previous_version),
        CASE(damage_is_met_without_a_restart_too),
        CASE(a_glance_tells_what_was_touched_since_it_was_read),
        CASE(a_file_just_written_is_not_known_by_its_times),
        CASE(a_ring_without_any_good_record_is_missing_and_comes_again),
        CASE(a_ring_under_another_name_is_not_that_ring),
        CASE(a_later_format_is_left_alone_and_the_one_before_is_served),
        CASE(beside_a_later_format_the_greatest_that_can_be_read_is_held),
        CASE(what_descends_from_a_later_format_takes_its_place),
        CASE(what_does_not_descend_from_it_keeps_it_as_a_loser),
        CASE(links_that_somebody_planted_are_not_followed),
        CASE(a_name_that_is_a_path_is_refused),
        CASE(files_of_others_are_neither_listed_nor_touched),
        CASE(so_many_versions_are_kept_and_no_more),
        CASE(losers_leave_no_files_beyond_their_bound_or_their_end),
        CASE(a_second_agent_is_refused_and_told_who_is_there),
        CASE(of_what_two_processes_merge_at_once_the_greatest_stays),
        CASE(a_process_that_merges_for_ever_is_waited_for_only_so_long),
        CASE(a_data_folder_that_is_gone_is_said_and_a_new_one_works),
        CASE(a_ring_that_is_held_outlives_its_file_being_cut_short),
        CASE(where_no_loser_is_kept_the_ring_is_not_read_for_them),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
