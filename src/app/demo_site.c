/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_site.c -- one cluster of the demo. */
#include "app/demo_site.h"

#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MCOS_EXAMPLES
#define MCOS_EXAMPLES "/usr/share/mcos/examples"
#endif

#define FOLDERS_MAX 100u
#define TIMEOUT_MS  5000u

/* The same folder without "..", to be shown. */
static int tidy_path(char path[MC_DEMO_PATH_MAX], struct mcos_diag *diag)
{
    char *real = realpath(path, NULL);
    int rc = 0;

    if (real == NULL || strlen(real) >= MC_DEMO_PATH_MAX)
        rc = mcos_diag_set(diag, MCOS_E_IO, "", "%.180s: no such folder", path);
    else
        memcpy(path, real, strlen(real) + 1);
    free(real);
    return rc;
}

static int find_files(struct mc_world *world, struct mcos_diag *diag)
{
    static const char *const places[] = {"%s/../examples", "%s/../../../examples",
                                         "%s/../share/mcos/examples"};
    char self[MC_DEMO_PATH_MAX - 64];
    char probe[MC_DEMO_PATH_MAX + 32];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *here;

    if (n < 0)
        return mcos_diag_set(diag, MCOS_E_IO, "", "/proc/self/exe: %s",
                             strerror(errno));
    self[n] = '\0';
    here = dirname(self);
    (void)snprintf(world->mcosd, sizeof(world->mcosd), "%s/mcosd", here);
    if (access(world->mcosd, X_OK) != 0)
        return mcos_diag_set(
            diag, MCOS_E_NOTFOUND, "",
            "the demo needs mcosd beside mcos, at %s: `make` builds it", world->mcosd);
    if (world->engines.used && mc_engines_find(&world->engines, here, diag) < 0)
        return MCOS_E_NOTFOUND;
    for (size_t i = 0; i <= sizeof(places) / sizeof(places[0]); i++) {
        if (i == sizeof(places) / sizeof(places[0]))
            (void)snprintf(world->examples, sizeof(world->examples), "%s",
                           MCOS_EXAMPLES);
        else
            (void)snprintf(world->examples, sizeof(world->examples), "%s%s", here,
                           places[i] + 2);
        (void)snprintf(probe, sizeof(probe), "%s/objects.json", world->examples);
        if (access(probe, R_OK) == 0)
            return tidy_path(world->examples, diag);
    }
    return mcos_diag_set(diag, MCOS_E_NOTFOUND, "",
                         "no examples/objects.json beside mcos or in %s",
                         MCOS_EXAMPLES);
}

/* A folder of our own under TMPDIR, or /tmp where a socket's path would not fit. */
static int make_folder(struct mc_world *world, struct mcos_diag *diag)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL || tmp[0] != '/' ||
        strlen(tmp) + sizeof("/mcos-demo-1234567-12/eu-north.redis") >
            MC_SOCKET_PATH_MAX)
        tmp = "/tmp";
    for (unsigned i = 0; i < FOLDERS_MAX; i++) {
        char path[MC_DEMO_PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/mcos-demo-%ld-%u", tmp, (long)getpid(),
                       i);
        if (mkdir(path, 0700) == 0) {
            (void)snprintf(world->folder, sizeof(world->folder), "%s", path);
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    return mcos_diag_set(diag, MCOS_E_IO, "", "no folder can be made under %s: %s", tmp,
                         strerror(errno));
}

int mc_world_open(struct mc_world *world, bool keep, bool full, struct mcos_diag *diag)
{
    static const char *const who[MC_DEMO_SITES][3] = {
        {"eu-west", "eu", "1"}, {"eu-north", "eu", "2"}, {"us-east", "us", "1"},
        {"us-west", "us", "2"}, {"ap-south", "ap", "1"},
    };
    const char *names[MC_DEMO_SITES];
    int rc;

    *world = (struct mc_world){.keep = keep, .engines = {.used = full, .keep = keep}};
    rc = find_files(world, diag);
    if (rc == 0)
        rc = make_folder(world, diag);
    for (unsigned i = 0; rc == 0 && i < MC_DEMO_SITES; i++) {
        struct mc_site *site = &world->sites[i];

        site->name = who[i][0];
        site->process.name = site->name;
        site->region = who[i][1];
        site->zone = who[i][2];
        (void)snprintf(site->server, sizeof(site->server), "unix:%s/%s.sock",
                       world->folder, site->name);
        rc = mc_api_init(&site->api, site->server, TIMEOUT_MS);
        site->api.stop = &mc_cli_signal;
        names[i] = site->name;
    }
    if (rc == 0 && full)
        rc = mc_engines_place(&world->engines, world->folder, names, diag);
    return rc;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void mc_world_close(struct mc_world *world)
{
    for (unsigned i = 0; i < MC_DEMO_SITES; i++) {
        if (!world->keep && world->sites[i].process.pid > 0)
            (void)kill(world->sites[i].process.pid, SIGTERM); /* all, then wait */
    }
    for (unsigned i = 0; i < MC_DEMO_SITES; i++) {
        if (!world->keep)
            mc_process_end(&world->sites[i].process, SIGTERM);
        mc_api_fini(&world->sites[i].api);
    }
    if (!world->keep)
        mc_engines_end(&world->engines);
    if (!world->keep && world->folder[0] != '\0')
        (void)nftw(world->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Where its engines are: a file for all, or RabbitMQ and its own Redis and memcached.
 */
struct places {
    char bus[MC_DEMO_PATH_MAX + 64];
    char store[MC_DEMO_PATH_MAX + 96];
    char cache[MC_DEMO_PATH_MAX + 96];
};

static void find_places(const struct mc_world *world, const struct mc_site *site,
                        struct places *ret)
{
    const struct mc_engines *engines = &world->engines;
    unsigned number = (unsigned)(site - world->sites) + 1;

    if (!engines->used) {
        (void)snprintf(ret->bus, sizeof(ret->bus), "sqlite:%s/bus.db", world->folder);
        return;
    }
    (void)snprintf(ret->bus, sizeof(ret->bus), "amqp://guest:guest@127.0.0.1:%u/",
                   engines->bus_port);
    (void)snprintf(ret->store, sizeof(ret->store), "unix:%s",
                   engines->list[MC_ENGINE_REDIS(number)].socket);
    (void)snprintf(ret->cache, sizeof(ret->cache), "memcached:unix:%s",
                   engines->list[MC_ENGINE_CACHE(number)].socket);
}

int mc_site_start(struct mc_world *world, struct mc_site *site, struct mcos_diag *diag)
{
    char data[MC_DEMO_PATH_MAX + 64];
    char conf[MC_DEMO_PATH_MAX + 64];
    struct places places;
    const char *args[MC_PROCESS_ARGS_MAX] = {world->mcosd, "--cluster",
                                             site->name,   "--region",
                                             site->region, "--zone",
                                             site->zone,   "--data",
                                             data,         "--bus",
                                             places.bus,   "--http",
                                             site->server, "--announce-interval",
                                             "1",          "--inactive-after",
                                             "3",          "--swift-conf",
                                             conf,         NULL};
    const char *const more[] = {"--store", places.store, "--cache", places.cache};
    size_t count = 0;

    while (args[count] != NULL)
        count++;
    for (size_t i = 0; world->engines.used && i < 4; i++)
        args[count++] = more[i];
    find_places(world, site, &places);
    (void)snprintf(data, sizeof(data), "%s/%s", world->folder, site->name);
    (void)snprintf(conf, sizeof(conf), "%s/swift.conf", world->examples);
    return mc_process_start(&site->process,
                            &(struct mc_process_how){.folder = world->folder,
                                                     .args = args,
                                                     .keep = world->keep},
                            diag);
}
