/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's disk keeps the promises of port/store.h, and so does the disk of a
 * machine that is one of several agents, with the registry that they share beside it.
 *
 *     contract_store_sim alone|shared
 */
#include "contract/contract_store.h"
#include "sim/world.h"

#include <string.h>

struct sim_disk {
    struct contract_store_world world; /* first */
    struct sim_store *disk;            /* lent by the small world, if there is one */
    struct sim_world *around;
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

static void wipe(struct contract_store_world *world)
{
    sim_store_wipe(of(world)->disk);
}

static int fresh_shared(struct contract_store_world *world)
{
    const struct sim_world_config config = sim_world_defaults(1);
    struct sim_disk *d = of(world);
    struct sim_site *site;

    d->around = sim_world_new(&config);
    site = sim_world_site(d->around, 0);
    sim_site_kill(site);
    d->around->company = sim_company_new(d->around);
    if (!sim_company_join(d->around->company, site))
        return MCOS_E_FULL;
    d->disk = site->store;
    world->store = &site->fellow->store;
    return 0;
}

static void close_shared(struct contract_store_world *world)
{
    sim_world_free(of(world)->around);
    of(world)->around = NULL;
    of(world)->disk = NULL;
    world->store = NULL;
}

int main(int argc, char **argv)
{
    struct sim_disk disk = {.world = {.name = "sim store",
                                      .keeps = SIM_KEEP_VERSIONS,
                                      .looks = true,
                                      .fresh = fresh,
                                      .reopen = reopen,
                                      .close = close_it,
                                      .break_writes = break_writes,
                                      .wipe = wipe}};

    if (argc > 1 && strcmp(argv[1], "shared") == 0) {
        disk.world.name = "sim store and registry";
        disk.world.fresh = fresh_shared;
        disk.world.close = close_shared;
    }
    return contract_store_run(&disk.world);
}
