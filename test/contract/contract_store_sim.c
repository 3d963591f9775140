/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's disk keeps the promises of port/store.h. */
#include "contract/contract_store.h"
#include "sim/store.h"

struct sim_disk {
    struct contract_store_world world; /* first */
    struct sim_store *disk;
};

static struct sim_disk *of(struct contract_store_world *world)
{
    return (struct sim_disk *)world;
}

static int fresh(struct contract_store_world *world)
{
    of(world)->disk = sim_store_new();
    world->store = &of(world)->disk->port;
    return 0;
}

static int reopen(struct contract_store_world *world)
{
    world->store->ops->close(world->store); /* the disk stays */
    return 0;
}

static void close_it(struct contract_store_world *world)
{
    sim_store_free(of(world)->disk);
    of(world)->disk = NULL;
    world->store = NULL;
}

static void break_writes(struct contract_store_world *world, bool on)
{
    of(world)->disk->fail = on ? MCOS_E_IO : 0;
}

int main(void)
{
    struct sim_disk disk = {.world = {.name = "sim store",
                                      .keeps = SIM_KEEP_VERSIONS,
                                      .fresh = fresh,
                                      .reopen = reopen,
                                      .close = close_it,
                                      .break_writes = break_writes}};

    return contract_store_run(&disk.world);
}
