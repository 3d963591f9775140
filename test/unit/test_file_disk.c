/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is really full, and one that is really read-only: a filesystem of
 * 8 MB in memory, mounted by the test. Where it may not mount, it says so.
 */
#include "adapter/file/store.h"
#include "contract/records.h"
#include "contract/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

static char data[SCRATCH_MAX];
static bool mounted;

static int setup(void **state)
{
    (void)state;
    if (!scratch_make(data))
        return -1;
    mounted = mount("tmpfs", data, "tmpfs", MS_NOSUID | MS_NODEV, "size=8m") == 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (mounted)
        (void)umount2(data, MNT_DETACH);
    scratch_remove(data);
    return 0;
}

/* Call it before anything is made: skip() does not come back. */
static void need_mount(void)
{
    if (mounted)
        return;
    print_message("# skipped: no right to mount a small filesystem\n");
    skip();
}

static struct mc_store *open_store(int wanted, struct mcos_diag *diag)
{
    struct mc_file_store_config config = {.data = data, .keep_versions = 1};
    struct mc_store *store = NULL;

    assert_int_equal(mc_file_store_open(&config, &store, diag), wanted);
    return store;
}

static int merge(struct mc_store *store, struct mc_ring *ring)
{
    struct mc_merge out;

    return store->ops->merge(store, ring, &out);
}

static void assert_holds(struct mc_store *store, const struct mc_ring *wanted)
{
    struct mc_name name = record_name("r");
    struct mc_ring *ring = NULL;

    assert_int_equal(store->ops->get(store, &name, &ring), 0);
    assert_true(record_same(ring, wanted));
    mc_ring_unref(ring);
}

/* Fills the disk but for `left` bytes. */
static void fill(size_t left)
{
    char path[SCRATCH_MAX + 16];
    static char page[4096];
    off_t size = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/filler", data);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    while (write(fd, page, sizeof(page)) == (ssize_t)sizeof(page))
        size += (off_t)sizeof(page);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(ftruncate(fd, size > (off_t)left ? size - (off_t)left : 0), 0);
    assert_int_equal(close(fd), 0);
}

static void drop_filler(void)
{
    char path[SCRATCH_MAX + 16];

    (void)snprintf(path, sizeof(path), "%s/filler", data);
    assert_int_equal(unlink(path), 0);
}

static void a_full_disk_keeps_the_old_ring_and_works_again_afterwards(void **state)
{
    static const size_t lefts[] = {0, 4096, 65536, 1u << 20};
    struct mc_ring *v1, *v2;
    struct mc_bytes text = {(const uint8_t *)"some", 4};
    char aside[SCRATCH_MAX + 32];
    struct mc_store *store;

    (void)state;
    need_mount();
    v1 = record_mint("r", NULL, NULL, "", 20); /* 2 MB */
    v2 = record_mint("r", v1, NULL, "", 20);
    (void)snprintf(aside, sizeof(aside), "%s/rings/.tmp.r.ring", data);
    store = open_store(0, NULL);
    assert_int_equal(merge(store, v1), 0);
    for (size_t i = 0; i < sizeof(lefts) / sizeof(lefts[0]); i++) {
        fill(lefts[i]);
        assert_int_equal(store->ops->room(store, v2), MCOS_E_FULL);
        assert_int_equal(access(aside, F_OK), -1);
        assert_int_equal(merge(store, v2), MCOS_E_FULL);
        assert_non_null(strstr(mc_file_store_trouble(store), "No space left"));
        assert_holds(store, v1);
        assert_int_equal(access(aside, F_OK), -1);
        store->ops->close(store);
        store = open_store(0, NULL); /* also the start needs no space */
        assert_holds(store, v1);
    }
    fill(0);
    assert_int_equal(store->ops->save_clusters(store, text), MCOS_E_FULL);
    drop_filler();
    assert_int_equal(store->ops->room(store, v2), 0);
    assert_int_equal(access(aside, F_OK), -1);
    assert_holds(store, v1);
    assert_int_equal(merge(store, v2), 0);
    assert_holds(store, v2);
    assert_int_equal(store->ops->save_clusters(store, text), 0);
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

static void a_disk_that_becomes_read_only_still_serves_what_it_has(void **state)
{
    struct mc_ring *v1, *v2;
    struct mcos_diag diag = {.text = ""};
    struct mc_store *store;

    (void)state;
    need_mount();
    v1 = record_mint("r", NULL, NULL, "", 4);
    v2 = record_mint("r", v1, NULL, "", 4);
    store = open_store(0, NULL);
    assert_int_equal(merge(store, v1), 0);
    assert_int_equal(mount(NULL, data, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_int_equal(merge(store, v2), MCOS_E_IO);
    assert_non_null(strstr(mc_file_store_trouble(store), "Read-only"));
    assert_holds(store, v1);
    store->ops->close(store);
    assert_null(open_store(MCOS_E_IO, &diag)); /* an agent must be able to write */
    assert_non_null(strstr(diag.text, "Read-only"));
    assert_int_equal(mount(NULL, data, NULL, MS_REMOUNT, NULL), 0);
    store = open_store(0, NULL);
    assert_int_equal(merge(store, v2), 0);
    assert_holds(store, v2);
    store->ops->close(store);
    mc_ring_unref(v1);
    mc_ring_unref(v2);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_full_disk_keeps_the_old_ring_and_works_again_afterwards),
        CASE(a_disk_that_becomes_read_only_still_serves_what_it_has),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
