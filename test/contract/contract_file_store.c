/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded store keeps the promises of its port. A write is made to fail
 * by planting things where it would make files: that stops root, too.
 */
#include "adapter/file/store.h"
#include "contract/contract_store.h"
#include "contract/scratch.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP 4u

struct file_world {
    struct contract_store_world world; /* first */
    char data[SCRATCH_MAX];
};

static int open_it(struct file_world *w)
{
    struct mc_file_store_config config = {
        .data = w->data, .keep_versions = KEEP, .verify = true};
    struct mcos_diag diag;
    int err = mc_file_store_open(&config, &w->world.store, &diag);

    if (err != 0)
        (void)fprintf(stderr, "# %s\n", diag.text);
    return err;
}

static int fresh(struct contract_store_world *world)
{
    struct file_world *w = (struct file_world *)world;

    return scratch_make(w->data) ? open_it(w) : -1;
}

static int reopen(struct contract_store_world *world)
{
    world->store->ops->close(world->store);
    world->store = NULL;
    return open_it((struct file_world *)world);
}

static void close_it(struct contract_store_world *world)
{
    if (world->store != NULL)
        world->store->ops->close(world->store);
    world->store = NULL;
    scratch_remove(((struct file_world *)world)->data);
}

/* Folders where files would be made aside; a link where losers would be kept. */
static void break_writes(struct contract_store_world *world, bool on)
{
    static const char *const asides[] = {"rings/.tmp.r.ring", "rings/.tmp.s.ring"};
    char path[SCRATCH_MAX + 64];
    struct file_world *w = (struct file_world *)world;

    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", w->data, asides[i]);
        (void)(on ? mkdir(path, 0700) : rmdir(path));
    }
    (void)snprintf(path, sizeof(path), "%s/conflicts", w->data);
    if (on)
        (void)symlink("/nowhere", path);
    else
        (void)unlink(path);
}

static void wipe(struct contract_store_world *world)
{
    char path[SCRATCH_MAX + 8];

    (void)snprintf(path, sizeof(path), "%s/rings", ((struct file_world *)world)->data);
    scratch_remove(path);
}

int main(void)
{
    struct file_world w = {.world = {.name = "file store",
                                     .keeps = KEEP,
                                     .looks = true,
                                     .fresh = fresh,
                                     .reopen = reopen,
                                     .close = close_it,
                                     .break_writes = break_writes,
                                     .wipe = wipe}};

    return contract_store_run(&w.world);
}
